//! A call comes in: whose it is, and whether it is taken.

use tipring_card::Cause;
use tipring_numbering::Class;
use tipring_resources::{AccountStatus, Call, CallStatus, Direction, Method, Number, Record, Sid, SidKind};

use crate::effects::{CallEvents, Effect, LineCommand, LineEvent, LineKind, LineNumber, TraceKind};
use crate::fault::Fault;
use crate::limits::{MAX_LINE_TEXT, MAX_SESSIONS};
use crate::params::ANONYMOUS;
use crate::requests::CallCallback;
use crate::session::{End, Session};
use crate::world::World;

/// Why a call is not taken.
struct Refusal {
    cause: Cause,
    fault: Option<Fault>,
}

impl World {
    /// A call comes in.
    pub(crate) fn incoming(&mut self, event: LineEvent) {
        let LineEvent::Incoming { lease, line, law, kind, called, calling, caller_name, redirecting } = event else {
            return;
        };
        self.counters.calls += 1;
        if self.routes.leases.contains_key(&lease) {
            self.counters.duplicate_leases += 1;
            return;
        }
        let (called, line) = (clean_number(&called), clean(&line));
        let to = self.config.plan.called(&called.digits, called.ton);
        let is_telephone = kind == LineKind::Telephone;
        let number = match is_telephone {
            true => self.directory.find(&[&line]),
            false => self.directory.find(&[&to, &called.digits, &line]),
        };
        let owner = number.as_ref().map(|number| number.account);
        let owner = owner.or(self.config.owner).or(self.directory.first_account());
        let Some(account) = owner else {
            self.counters.refused_unknown += 1;
            self.trace(None, TraceKind::Line, format!("in on {line}: refused, there is no account"));
            self.emit(Effect::Line(LineCommand::Clear { lease, cause: Cause::UNALLOCATED }));
            return;
        };
        let dialled = to.clone();
        let call = self.new_call(account, number.as_deref(), to, called.digits, line);
        let call = Call {
            // What was dialled on a telephone is the called number, whoever's application is asked.
            to: if is_telephone { dialled } else { call.to },
            forwarded_from: redirecting.as_ref().map(|n| self.party(Some(n))).filter(|n| !n.is_empty()),
            from: self.party(calling.as_ref()),
            from_raw: calling.as_ref().filter(|n| !n.restricted).map(|n| clean(&n.digits)).unwrap_or_default(),
            caller_name: caller_name
                .filter(|_| calling.as_ref().is_none_or(|n| !n.restricted))
                .map(|name| clean(&name))
                .filter(|name| !name.is_empty()),
            ..call
        };
        let calls_help = is_telephone && self.config.plan.class(&call.to) == Class::Emergency;
        // Nothing stands between a telephone and help.
        let refusal = if calls_help { None } else { self.refusal(account, number.as_deref()) };
        // What the number does not say, its account does (row C18).
        let voice = self.directory.account(account).map(|account| account.voice.clone()).unwrap_or_default();
        let own = number.as_ref().map(|n| (n.voice_fallback_url.clone(), n.voice_fallback_method));
        let fallback = own.filter(|(url, _)| !url.trim().is_empty());
        let fallback = fallback.unwrap_or((voice.fallback_url, voice.fallback_method));
        let callback = number.as_deref().and_then(|n| callback_of(&n.status_callback, n.status_callback_method));
        let callback = callback.or_else(|| callback_of(&voice.status_callback, voice.status_callback_method));
        self.begin_session(
            Session { lease: Some(lease), law, fallback, callback, number, calls_help, ..Session::new(call) },
            refusal,
        );
    }

    fn new_call(&mut self, account: Sid, number: Option<&Number>, to: String, raw: String, line: String) -> Call {
        let now = self.stamp();
        Call {
            sid: self.sid(SidKind::Call),
            account,
            parent: None,
            number: number.map(|number| number.sid),
            to: number.map_or(to, |number| number.phone_number.clone()),
            from: String::new(),
            to_raw: raw,
            from_raw: String::new(),
            caller_name: None,
            forwarded_from: None,
            direction: Direction::Inbound,
            status: CallStatus::Ringing,
            created: now,
            updated: now,
            started: Some(now),
            answered: None,
            ended: None,
            cause: None,
            line,
            supervision: None,
            hangup_evidence: None,
            queued_ms: 0,
            answered_by: None,
            group: String::new(),
        }
    }

    /// A calling or redirecting number: E.164 where that is certain, withheld or not given is said so.
    fn party(&self, number: Option<&LineNumber>) -> String {
        match number {
            None => String::new(),
            Some(number) if number.restricted => ANONYMOUS.to_owned(),
            Some(number) => {
                let number = clean_number(number);
                self.config.plan.e164(&number.digits, number.ton)
            }
        }
    }

    /// Whether the call is to be refused before anybody is asked.
    fn refusal(&mut self, account: Sid, number: Option<&Number>) -> Option<Refusal> {
        let refuse = |cause, text: &str| {
            Some(Refusal { cause, fault: (!text.is_empty()).then(|| Fault::error(10003, "", text)) })
        };
        if self.draining {
            self.counters.refused_draining += 1;
            return refuse(Cause::CONGESTION, "");
        }
        if self.sessions.len() >= MAX_SESSIONS {
            self.counters.refused_full += 1;
            return refuse(Cause::CONGESTION, "the box has too many calls");
        }
        if number.is_none() {
            self.counters.refused_unknown += 1;
            return refuse(Cause::UNALLOCATED, "nobody has the number that was called; set it with an application");
        }
        match self.directory.account(account).map(|account| account.status) {
            Some(AccountStatus::Active) => None,
            Some(_) => refuse(Cause::REJECTED, "the account of the number is not active"),
            None => refuse(Cause::REJECTED, "the account of the number is not known"),
        }
    }

    fn begin_session(&mut self, session: Session, refusal: Option<Refusal>) {
        let (call, lease) = (session.call.clone(), session.lease);
        let Some(task) = self.begin_leg(session) else {
            if let Some(lease) = lease {
                self.emit(Effect::Line(LineCommand::Clear { lease, cause: Cause::CONGESTION }));
            }
            return;
        };
        let shown = |party: &str| {
            if party.is_empty() { "unknown".to_owned() } else { party.to_owned() }
        };
        let text = format!("in from {} to {} on {}", shown(&call.from), shown(&call.to), call.line);
        match refusal {
            None => {
                self.write(Record::Call(call.clone()));
                if let Some(lease) = lease {
                    self.emit(Effect::Line(LineCommand::Alert { lease }));
                }
                self.trace(Some(call.sid), TraceKind::Line, text);
                self.changed.push(call);
            }
            Some(refusal) => {
                self.trace(Some(call.sid), TraceKind::Line, text);
                if let Some(fault) = refusal.fault {
                    self.fault(call.account, call.sid, fault);
                }
                let status = Some(CallStatus::Failed);
                self.end_call(task, End { status, cause: refusal.cause, clear: true, by_far_end: false });
            }
        }
    }
}

/// The status callback of a number or an account: of the end only.
fn callback_of(url: &str, method: Method) -> Option<CallCallback> {
    (!url.is_empty()).then(|| CallCallback { url: url.to_owned(), method, events: CallEvents::default() })
}

/// Text from a line, made harmless: no control characters, not too long.
pub(crate) fn clean(text: &str) -> String {
    clean_to(text, MAX_LINE_TEXT)
}

/// The same with room for `most` characters.
pub(crate) fn clean_to(text: &str, most: usize) -> String {
    let kept: String = text.chars().filter(|c| !c.is_control()).take(most).collect();
    kept.trim().to_owned()
}

fn clean_number(number: &LineNumber) -> LineNumber {
    LineNumber { digits: clean(&number.digits), ..number.clone() }
}
