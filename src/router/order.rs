//! Who may be called and under which number; and the API's order of a call, checked before anything is seized.

use tipring_card::Micros;
use tipring_guard::spending::Tariff;
use tipring_numbering::Class;
use tipring_resources::{AccountStatus, Call, CallStatus, Code, Direction, Sid, SidKind};

use crate::classify::Machine;
use crate::effects::{Outgoing, RequestId, WriteId};
use crate::incoming::clean;
use crate::limits::MAX_SESSIONS;
use crate::outgoing::Outward;
use crate::requests::{Instructions, NewCall, No};
use crate::session::Session;
use crate::spending;
use crate::world::{TaskId, World};

/// A number that may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Callee {
    pub(crate) number: String,
    pub(crate) emergency: bool,
    pub(crate) tariff: Tariff,
}

/// Why a number may not be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Barred {
    /// It is none.
    NoNumber,
    /// Numbers of its class are closed.
    Closed(Class),
}

impl Barred {
    /// In words, with remedy.
    pub(crate) fn text(&self, written: &str) -> String {
        let written: String = written.chars().filter(|c| !c.is_control()).take(64).collect();
        match self {
            Barred::NoNumber => {
                format!("\"{written}\" is not a telephone number; write it as E.164, e.g. +12025550100")
            }
            Barred::Closed(class) => {
                let class = class_name(*class);
                format!("{written} is a number of the class {class}, which is closed; open it with outbound.open")
            }
        }
    }
}

/// A class as the configuration has it.
const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Emergency => "emergency",
        Class::Short => "short",
        Class::TollFree => "toll-free",
        Class::National => "national",
        Class::Mobile => "mobile",
        Class::International => "international",
        Class::Premium => "premium",
        Class::Unknown => "unknown",
    }
}

impl World {
    /// Whether a number may be called, and what it is.
    pub(crate) fn callee(&self, written: &str) -> Result<Callee, Barred> {
        let number = self.config.plan.normal(written).filter(|number| !number.is_empty()).ok_or(Barred::NoNumber)?;
        let class = self.config.plan.class(&number);
        let emergency = class == Class::Emergency;
        if emergency || self.config.outbound.open.contains(&class) {
            Ok(Callee { number, emergency, tariff: spending::tariff(class) })
        } else {
            Err(Barred::Closed(class))
        }
    }

    /// Whether an account may show a number: its own, one of its caller ids, or one that whoever configured the box has
    /// verified.
    pub(crate) fn may_show(&self, account: Sid, number: &str) -> bool {
        let plan = &self.config.plan;
        let same = |other: &str| plan.normal(other).is_some_and(|other| other == number);
        self.directory.numbers_of(account).any(|own| same(&own.phone_number))
            || self.directory.caller_ids_of(account).any(|proven| same(&proven.phone_number))
            || self.config.outbound.caller_ids.iter().any(|verified| same(verified))
    }

    /// The API wants a call to be made. The answer waits for the commit.
    pub(crate) fn create_by_request(&mut self, id: RequestId, new: NewCall) {
        let (call, _, write) = match self.place(new) {
            Ok(placed) => placed,
            Err(no) => {
                self.counters.refused_outgoing += 1;
                return self.refuse_for(id, no);
            }
        };
        self.reply_after(id, call, write);
    }

    /// The number that a call of the API shows. A call for help is not refused for it: it shows one that may be shown.
    fn number_to_show(&self, new: &NewCall, emergency: bool) -> Result<String, (u32, String)> {
        let from = self.config.plan.normal(&new.from).filter(|from| !from.is_empty());
        let refused = match from {
            Some(from) if self.may_show(new.account, &from) => return Ok(from),
            Some(from) => (
                21210,
                format!(
                    "{from} is not a number or caller id of the account, nor in outbound.caller_ids; use one that is"
                ),
            ),
            None => (21212, Barred::NoNumber.text(&new.from)),
        };
        if !emergency {
            return Err(refused);
        }
        Ok(self.any_number_of(new.account))
    }

    /// A number that an account may show; empty: it has none.
    fn any_number_of(&self, account: Sid) -> String {
        let own = self.directory.numbers_of(account).map(|own| own.phone_number.as_str());
        let mut known = own.chain(self.config.outbound.caller_ids.iter().map(String::as_str));
        known.find_map(|number| self.config.plan.normal(number)).unwrap_or_default()
    }

    /// Checks a call and begins it.
    pub(crate) fn place(&mut self, new: NewCall) -> Result<(Call, TaskId, WriteId), No> {
        let meant = |code: u32| (code, format!("{}: {}", Code(code).meaning(), Code(code).remedy()));
        match self.directory.account(new.account).map(|account| account.status) {
            Some(AccountStatus::Active) => {}
            _ => return Err(meant(20005).into()),
        }
        let callee = self.callee(&new.to).map_err(|barred| {
            let code = if barred == Barred::NoNumber { 21211 } else { 21215 };
            (code, barred.text(&new.to))
        })?;
        let from = match &new.instructions {
            // Nobody is shown a number yet that is still to be proved.
            Instructions::Proof { .. } => self.any_number_of(new.account),
            _ => self.number_to_show(&new, callee.emergency)?,
        };
        if !callee.emergency && self.draining {
            self.counters.refused_draining += 1;
            return Err((20503, "the box is being stopped and begins no calls; try again later".to_owned()).into());
        }
        if !callee.emergency && (self.sessions.len() >= MAX_SESSIONS || self.is_crowded()) {
            self.counters.refused_full += 1;
            return Err((20503, "the box has too many calls; try again later".to_owned()).into());
        }
        self.may_begin(new.account, &callee, None)
            .map_err(|refusal| spending::no(&refusal, spending::code(&refusal)))?;
        let call = Call {
            to_raw: clean(&new.to),
            from_raw: clean(&new.from),
            ..self.outgoing_call(new.account, &callee.number, &from)
        };
        let call = Call { direction: Direction::OutboundApi, ..call };
        let (emergency, tariff) = (callee.emergency, callee.tariff);
        let outward = Outward {
            order: Outgoing { group: new.group, to: callee.number, from, emergency, ..Outgoing::default() },
            tariff,
            born: None,
            delay: Micros::ZERO,
            may_queue: !emergency,
            no_line: None,
            lost: 0,
            dialling: false,
            ring_limit: Micros::from_s(u64::from(new.timeout_s)),
            send_digits: new.send_digits,
            record: new.record,
            whisper: None,
            machine: new.machine.map(Machine::from),
            instructions: Some(new.instructions),
        };
        let session = Session {
            fallback: (new.fallback_url, new.fallback_method),
            callback: new.callback,
            time_limit: (new.time_limit_s > 0).then(|| Micros::from_s(u64::from(new.time_limit_s))),
            ..Session::new(call.clone())
        };
        let begun = self.begin_outgoing(session, outward, true);
        let (task, write) = begun.ok_or_else(|| (20503, "the box has too many calls; try again later".to_owned()))?;
        Ok((call, task, write))
    }

    /// A record of a leg that is to be called.
    pub(crate) fn outgoing_call(&mut self, account: Sid, to: &str, from: &str) -> Call {
        let now = self.stamp();
        Call {
            sid: self.sid(SidKind::Call),
            account,
            parent: None,
            number: None,
            to: to.to_owned(),
            from: from.to_owned(),
            to_raw: String::new(),
            from_raw: String::new(),
            caller_name: None,
            forwarded_from: None,
            direction: Direction::OutboundDial,
            status: CallStatus::Queued,
            created: now,
            updated: now,
            started: None,
            answered: None,
            ended: None,
            cause: None,
            line: String::new(),
            supervision: None,
            hangup_evidence: None,
            queued_ms: 0,
            answered_by: None,
            group: String::new(),
        }
    }
}
