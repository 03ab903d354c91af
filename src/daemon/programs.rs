//! Programs of a scenario: what they ask of the router at which moment, as the API would, and what they were answered.
//! Nothing is carried out here.

use std::collections::BTreeMap;

use tipring_card::Micros;
use tipring_resources::{Method, Sid};
use tipring_router::{
    CallCallback, CallChange, CallEvents, CallRecord, Event, Instructions, MachineDetection, MachineMode, MachineWish,
    MessageIn, NewCall, RecordingEvents, Reply, Request, RequestId, Track,
};

use super::asks::Ask;
use super::beyond::Incomer;
use super::scenario::{Change, Dial, SHOWN, Scenario};
use super::telephones::LINE_READY;

/// How long a call of a program rings and lasts unless it says otherwise, as the API has it.
const TIMEOUT_S: u32 = 60;
const TIME_LIMIT_S: u32 = 14_400;

/// What is asked, and by which entry of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    Dial(usize),
    Change(usize),
    Ask(usize),
    Message(usize),
}

/// All programs of a scenario.
pub(super) struct Programs {
    account: Sid,
    dials: Vec<Dial>,
    changes: Vec<Change>,
    asks: Vec<Ask>,
    incoming: Vec<Incomer>,
    waiting: Vec<(Micros, Entry)>,
    asked: BTreeMap<u64, Entry>,
    /// The call that each dial made.
    made: Vec<Option<Sid>>,
    /// With which code each dial was refused, and why.
    refused: Vec<Option<(u32, String)>>,
    /// What was answered otherwise than the scenario expects.
    pub(super) failures: Vec<String>,
    next: u64,
}

impl Programs {
    /// Those of a scenario, for an account.
    pub(super) fn new(scenario: &Scenario, account: Sid) -> Self {
        let dials: Vec<Dial> = scenario.dial.iter().map(|dial| dial.get_ref().clone()).collect();
        let changes: Vec<Change> = scenario.change.iter().map(|change| change.get_ref().clone()).collect();
        let at = |ms: u64| LINE_READY + Micros::from_ms(ms);
        let first = dials.iter().enumerate().map(|(n, dial)| (at(dial.at_ms), Entry::Dial(n)));
        let second = changes.iter().enumerate().map(|(n, change)| (at(change.at_ms), Entry::Change(n)));
        let asks: Vec<Ask> = scenario.ask.iter().map(|ask| ask.get_ref().clone()).collect();
        let third = asks.iter().enumerate().map(|(n, ask)| (at(ask.at_ms), Entry::Ask(n)));
        let incoming = scenario.message.clone();
        let fourth = incoming.iter().enumerate().map(|(n, message)| (at(message.at_ms), Entry::Message(n)));
        let mut waiting: Vec<_> = first.chain(second).chain(third).chain(fourth).collect();
        // From the end, the next one first.
        waiting.sort_by_key(|(at, entry)| std::cmp::Reverse((*at, *entry)));
        let (made, refused) = (vec![None; dials.len()], vec![None; dials.len()]);
        let asked = BTreeMap::new();
        let failures = Vec::new();
        Programs { account, dials, changes, asks, incoming, waiting, asked, made, refused, failures, next: 0 }
    }

    /// When the next one asks.
    pub(super) fn deadline(&self) -> Option<Micros> {
        self.waiting.last().map(|(at, _)| *at)
    }

    /// What is asked now; `call_of` knows the calls that telephones began, `leg_of` the legs that a call dialled.
    pub(super) fn due(
        &mut self,
        now: Micros,
        call_of: &dyn Fn(&str) -> Option<Sid>,
        leg_of: &dyn Fn(Sid) -> Option<Sid>,
    ) -> Option<Event> {
        let (_, entry) = self.waiting.pop_if(|(at, _)| *at <= now)?;
        let request = match entry {
            Entry::Dial(n) => Request::CreateCall(Box::new(self.new_call(&self.dials[n]))),
            Entry::Change(n) => {
                let change = &self.changes[n];
                let of = if change.dialled { format!(">{}", change.of) } else { change.of.clone() };
                match self.known(&of, call_of, leg_of) {
                    Ok(call) => self.change(change, call),
                    Err(why) => return self.failed(&format!("change of {}: {why}", change.of), now, call_of, leg_of),
                }
            }
            Entry::Ask(n) => {
                let known = |id: &str| self.known(id, call_of, leg_of);
                let call = |to: &str, from: &str| {
                    let dial = Dial { to: to.to_owned(), from: from.to_owned(), ..Dial::default() };
                    NewCall { instructions: super::asks::nothing(), ..self.new_call(&dial) }
                };
                match self.asks[n].request(self.account, &known, call) {
                    Ok(request) => request,
                    Err(why) => return self.failed(&format!("ask {}: {why}", n + 1), now, call_of, leg_of),
                }
            }
            Entry::Message(n) => {
                let Incomer { from, to, body, .. } = self.incoming[n].clone();
                return Some(Event::MessageIn(Box::new(MessageIn { from, to, body })));
            }
        };
        self.next += 1;
        self.asked.insert(self.next, entry);
        Some(Event::Request { id: RequestId(self.next), request })
    }

    /// Whom a name means; `>id` is the leg that a call dialled.
    fn known(
        &self,
        id: &str,
        call_of: &dyn Fn(&str) -> Option<Sid>,
        leg_of: &dyn Fn(Sid) -> Option<Sid>,
    ) -> Result<Sid, String> {
        let bare = id.strip_prefix('>').unwrap_or(id);
        let made = self.dials.iter().position(|dial| dial.id == bare);
        let call = made.and_then(|at| self.made[at]).or_else(|| call_of(bare));
        let call = if bare == id { call } else { call.and_then(leg_of) };
        call.ok_or_else(|| "there is no such call at that moment".to_owned())
    }

    fn failed(
        &mut self,
        why: &str,
        now: Micros,
        call_of: &dyn Fn(&str) -> Option<Sid>,
        leg_of: &dyn Fn(Sid) -> Option<Sid>,
    ) -> Option<Event> {
        self.failures.push(why.to_owned());
        self.due(now, call_of, leg_of)
    }

    fn new_call(&self, dial: &Dial) -> NewCall {
        let all = CallEvents { initiated: true, ringing: true, answered: true, completed: true };
        NewCall {
            account: self.account,
            to: dial.to.clone(),
            from: if dial.from.is_empty() { SHOWN.into() } else { dial.from.clone() },
            group: dial.group.clone(),
            instructions: instructions(&dial.url, &dial.twiml),
            fallback_url: String::new(),
            fallback_method: Method::Post,
            callback: Some(&dial.status_callback).filter(|url| !url.is_empty()).map(|url| CallCallback {
                url: url.clone(),
                method: Method::Post,
                events: all,
            }),
            timeout_s: dial.timeout_s.unwrap_or(TIMEOUT_S),
            time_limit_s: dial.time_limit_s.unwrap_or(TIME_LIMIT_S),
            send_digits: dial.send_digits.clone(),
            machine: machine(&dial.machine_detection),
            record: dial.record.then(|| CallRecord {
                dual: false,
                track: Track::Both,
                trim: false,
                callback: String::new(),
                callback_method: Method::Post,
                events: RecordingEvents { in_progress: false, completed: true, absent: false },
            }),
        }
    }

    fn change(&self, change: &Change, call: Sid) -> Request {
        if change.end {
            return Request::EndCall { account: self.account, call, only_unanswered: false };
        }
        Request::ChangeCall(Box::new(CallChange {
            account: self.account,
            call,
            instructions: Some(instructions(&change.url, &change.twiml)),
            fallback: None,
            callback: None,
            time_limit_s: None,
        }))
    }

    /// What the router answered.
    pub(super) fn answered(&mut self, id: RequestId, reply: &Reply) {
        let (code, text) = match reply {
            Reply::NotLive => (21220, "the call is over".to_string()),
            Reply::Refused { code, text, .. } => (code.0, text.clone()),
            _ => (0, String::new()),
        };
        match self.asked.remove(&id.0) {
            Some(Entry::Dial(n)) => {
                match (reply, self.dials[n].expect.errors.as_deref()) {
                    (Reply::Call(call), _) => self.made[n] = Some(call.sid),
                    (_, Some([wanted])) if *wanted == code => {}
                    _ => self.failures.push(format!("{}: refused with {code}: {text}", self.dials[n].id)),
                }
                self.refused[n] = (code != 0).then_some((code, text));
            }
            Some(Entry::Change(n)) if self.changes[n].refused != code => {
                let (of, wanted) = (&self.changes[n].of, self.changes[n].refused);
                self.failures.push(format!("change of {of}: wanted {wanted}, answered {code} {text}"));
            }
            Some(Entry::Ask(n)) if self.asks[n].refused != code => {
                let wanted = self.asks[n].refused;
                self.failures.push(format!("ask {}: wanted {wanted}, answered {code} {text}", n + 1));
            }
            _ => {}
        }
    }

    /// Whether everything was asked and answered.
    pub(super) fn all_done(&self) -> bool {
        self.waiting.is_empty() && self.asked.is_empty()
    }

    /// The calls that were made, with the entries that made them; of those that were not, code and text.
    pub(super) fn made(&self) -> impl Iterator<Item = (&Dial, Option<Sid>, Option<&(u32, String)>)> {
        let calls = self.made.iter().zip(&self.refused);
        self.dials.iter().zip(calls).map(|(dial, (sid, refused))| (dial, *sid, refused.as_ref()))
    }
}

/// Times as the API has them.
fn machine(word: &str) -> Option<MachineWish> {
    let mode = match word {
        "Enable" => MachineMode::Enable,
        "DetectMessageEnd" => MachineMode::DetectMessageEnd,
        _ => return None,
    };
    let how = MachineDetection {
        mode,
        timeout_s: 30,
        speech_threshold_ms: 2_400,
        speech_end_threshold_ms: 1_200,
        silence_timeout_ms: 5_000,
    };
    Some(MachineWish { how, beside: false, callback: String::new(), callback_method: Method::Post })
}

pub(super) fn instructions(url: &str, twiml: &str) -> Instructions {
    if url.is_empty() {
        return Instructions::Document(twiml.to_string());
    }
    Instructions::Url { url: url.to_string(), method: Method::Post }
}
