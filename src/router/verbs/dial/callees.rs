//! Whom a Dial calls, and under which number; a notification says why somebody is not called.

use tipring_card::Micros;
use tipring_instructions::{DialNumber, NumberType, Presentation, Target};
use tipring_numbering::TypeOfNumber;
use tipring_resources::Call;

use super::Dialling;
use crate::classify::Machine;
use crate::effects::Outgoing;
use crate::fault::Fault;
use crate::fetch::method_of;
use crate::incoming::clean;
use crate::leg::Stop;
use crate::order::{Barred, Callee};
use crate::outgoing::Outward;
use crate::params::ANONYMOUS;
use crate::requests::CallCallback;
use crate::session::Session;

/// The number to be shown.
pub(super) struct Shown {
    number: String,
    restricted: bool,
    name: String,
}

impl Dialling<'_> {
    /// Who can be called at all; a notification says why somebody cannot.
    pub(super) fn callees(&self) -> Vec<(DialNumber, Callee)> {
        let mut callees = Vec::new();
        for target in &self.dial.targets {
            match target {
                Target::Number(number) => {
                    let callee = self.leg.world().callee(&number.number);
                    match callee {
                        Ok(callee) => callees.push((number.clone(), callee)),
                        Err(barred) => {
                            let code = if barred == Barred::NoNumber { 13223 } else { 13227 };
                            let text = format!("{}: {}", number.place, barred.text(&number.number));
                            self.leg.failed(Fault::warning(code, &self.page.url, text));
                        }
                    }
                }
                other => {
                    let text = format!("<{}> cannot be reached from this box; use <Number>", other.noun());
                    self.leg.failed(Fault::warning(13224, &self.page.url, text));
                }
            }
        }
        callees
    }

    /// The number to be shown; `None`: it may not be, a notification is written.
    pub(super) fn shown(&self, callees: &[(DialNumber, Callee)]) -> Result<Option<Shown>, Stop> {
        let (call, _) = self.leg.call()?;
        let callers = Shown {
            number: if call.from == ANONYMOUS { String::new() } else { call.from.clone() },
            restricted: call.from == ANONYMOUS,
            name: call.caller_name.clone().unwrap_or_default(),
        };
        let Some(wished) = self.dial.caller_id.as_deref() else {
            return Ok(Some(callers));
        };
        let number = {
            let world = self.leg.world();
            let number = world.config.plan.normal(wished).filter(|number| !number.is_empty());
            // A party of the call may be shown to the other ones.
            number.filter(|n| *n == call.from || *n == call.to || world.may_show(call.account, n))
        };
        if let Some(number) = number {
            return Ok(Some(Shown { number, restricted: false, name: String::new() }));
        }
        let wished: String = wished.chars().filter(|c| !c.is_control()).take(64).collect();
        let text = format!(
            "callerId=\"{wished}\" is not a number of the account, nor in outbound.caller_ids, nor a party of the call"
        );
        self.leg.failed(Fault::warning(13214, &self.page.url, text));
        // A call for help is not refused for a number that it shows.
        Ok(callees.iter().any(|(_, callee)| callee.emergency).then_some(callers))
    }

    /// Begins a leg.
    pub(super) fn call(&mut self, number: &DialNumber, callee: &Callee, shown: &Shown) {
        let Ok((parent, _)) = self.leg.call() else {
            return;
        };
        let judged = self.leg.world().may_begin(parent.account, callee, Some(parent.sid));
        if let Err(refusal) = judged {
            let text = format!("{}: {refusal}", number.place);
            return self.leg.failed(Fault::warning(13225, &self.page.url, text));
        }
        let mut world = self.leg.world();
        let restricted = match number.presentation {
            None => shown.restricted,
            Some(Presentation::Restricted) => true,
            // Who withholds his number is not shown by somebody else's document.
            Some(Presentation::Allowed) => shown.restricted && shown.number.is_empty(),
        };
        let from = if restricted { ANONYMOUS } else { shown.number.as_str() };
        let call = world.outgoing_call(parent.account, &callee.number, from);
        let call = Call { parent: Some(parent.sid), to_raw: clean(&number.number), ..call };
        let outward = Outward {
            order: Outgoing {
                group: number.group.clone(),
                to: callee.number.clone(),
                from: shown.number.clone(),
                restricted,
                ton: number.number_type.map(ton),
                name: shown.name.clone(),
                emergency: callee.emergency,
            },
            tariff: callee.tariff,
            born: None,
            delay: Micros::ZERO,
            may_queue: false,
            no_line: None,
            lost: 0,
            dialling: false,
            ring_limit: Micros::from_s(u64::from(self.dial.timeout_s)),
            send_digits: number.send_digits.clone(),
            record: None,
            whisper: number.leg.url.as_deref().map(|url| (self.page.resolve(url), method_of(number.leg.method))),
            machine: number.amd.detection.map(|how| Machine {
                how,
                beside: true,
                callback: number.amd.callback.as_deref().map(|url| self.page.resolve(url)).unwrap_or_default(),
                callback_method: method_of(number.amd.callback_method),
            }),
            instructions: None,
        };
        let callback = number.leg.callback.as_deref().map(|url| CallCallback {
            url: self.page.resolve(url),
            method: method_of(number.leg.callback_method),
            events: number.leg.callback_events,
        });
        let session = Session { callback, ..Session::new(call.clone()) };
        if let Some(task) = world.begin_child(self.leg.task, session, outward) {
            self.legs.push((task, call));
        }
    }
}

/// The one word of two rooms.
fn ton(number_type: NumberType) -> TypeOfNumber {
    match number_type {
        NumberType::Unknown => TypeOfNumber::Unknown,
        NumberType::International => TypeOfNumber::International,
        NumberType::National => TypeOfNumber::National,
        NumberType::Network => TypeOfNumber::Network,
        NumberType::Subscriber => TypeOfNumber::Subscriber,
        NumberType::Abbreviated => TypeOfNumber::Abbreviated,
    }
}
