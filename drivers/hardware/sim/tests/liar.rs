//! The contract suite can fail: a card that breaks one promise at a time is caught by the clause that is about it.

use std::collections::{HashMap, VecDeque};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use tipring_card::contract::{Bench, Outcome, Report, run};
use tipring_card::{
    BLOCK, Card, CardError, Channel, ChannelId, ChannelInfo, ClockDomain, Control, Event, Hook, Micros, Pace, Progress,
    Setup, Signalling, SpanId, SpanInfo, SpanStatus,
};
use tipring_sim::{Side, SimCard, Wire, WireConfig};

/// What both cards do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    None,
    ListsBackwards,
    CallsItInvalid,
    OpensTwice,
    KeepsSetup,
    ReadsEmptyBlocks,
    ChangesAnOctet,
    KeepsTheRest,
    WhistlesOnUnderrun,
    QueuesForEver,
    IgnoresFlush,
    IgnoresSecondSetup,
    ClosesLate,
    HooksAnything,
    CutsFcs,
    EventsDoNotBlock,
    PendingIsDone,
    WriteKeepsDialling,
    NeverEndsDialling,
    KeepsEvents,
    RingsAtOnce,
    BatteryIsNothing,
    BatteryAtOnce,
    OffHookTakesTime,
    RingsOn,
    OnHookAtOnce,
    ControlDoesNothing,
    ControlHoldsOpen,
    ControlOutlives,
    NobodyLifts,
    LosesOldEvents,
    HidesAlarms,
    NeverGone,
}

/// Each clause and a lie that it must catch.
const CAUGHT: &[(&str, Lie)] = &[
    ("the_listing_is_consistent", Lie::ListsBackwards),
    ("an_unknown_channel_is_refused", Lie::CallsItInvalid),
    ("a_channel_has_one_opener", Lie::OpensTwice),
    ("an_opened_channel_is_at_its_defaults", Lie::KeepsSetup),
    ("reading_nothing_says_again", Lie::ReadsEmptyBlocks),
    ("octets_pass_unchanged_at_constant_delay", Lie::ChangesAnOctet),
    ("a_short_read_loses_the_rest", Lie::KeepsTheRest),
    ("an_underrun_is_silence", Lie::WhistlesOnUnderrun),
    ("a_setup_sets_the_law", Lie::IgnoresSecondSetup),
    ("the_write_queue_has_eight_blocks", Lie::QueuesForEver),
    ("a_flush_discards_what_is_queued", Lie::IgnoresFlush),
    ("a_close_discards_audio", Lie::ClosesLate),
    ("a_setup_discards_what_is_queued", Lie::IgnoresSecondSetup),
    ("a_bearer_has_no_hook", Lie::HooksAnything),
    ("a_frame_is_read_with_its_fcs_octets", Lie::CutsFcs),
    ("a_d_channel_has_no_hook", Lie::HooksAnything),
    ("ringing_is_seen", Lie::LosesOldEvents),
    ("an_event_blocks_read_and_write", Lie::EventsDoNotBlock),
    ("a_flush_discards_events", Lie::IgnoresFlush),
    ("a_seizure_is_pending_then_complete", Lie::PendingIsDone),
    ("a_flash_needs_a_closed_loop", Lie::PendingIsDone),
    ("a_write_ends_dialling", Lie::WriteKeepsDialling),
    ("dialling_reports_its_end", Lie::NeverEndsDialling),
    ("a_hook_action_ends_dialling", Lie::NeverEndsDialling),
    ("a_close_puts_the_line_on_hook", Lie::ClosesLate),
    ("a_close_forgets_events", Lie::KeepsEvents),
    ("ringing_is_muted_two_seconds_after_on_hook", Lie::RingsAtOnce),
    ("a_battery_drop_is_seen_off_hook", Lie::BatteryIsNothing),
    ("a_battery_drop_is_unseen_600_ms_after_off_hook", Lie::BatteryAtOnce),
    ("off_hook_is_done_at_once", Lie::OffHookTakesTime),
    ("a_ring_that_is_answered_lasts_until_the_exchange_stops_it", Lie::RingsOn),
    ("the_exchange_waits_for_a_flash_before_it_believes_an_on_hook", Lie::OnHookAtOnce),
    ("a_control_works_while_the_channel_is_open", Lie::ControlDoesNothing),
    ("a_control_does_not_keep_the_channel_open", Lie::ControlHoldsOpen),
    ("a_control_is_invalid_after_the_channel_was_dropped", Lie::ControlOutlives),
    ("a_lifted_telephone_is_known_without_an_event", Lie::NobodyLifts),
    ("events_after_the_63rd_are_lost", Lie::LosesOldEvents),
    ("a_pulled_cable_is_an_alarm", Lie::HidesAlarms),
    ("a_removed_card_is_gone", Lie::NeverGone),
];

#[test]
fn every_clause_of_the_contract_suite_can_fail() {
    let honest = lie(Lie::None);
    assert!(honest.passed(), "{honest}");
    for clause in &honest.clauses {
        assert!(CAUGHT.iter().any(|(name, _)| *name == clause.name), "no lie is told for {}", clause.name);
    }
    for &(name, told) in CAUGHT {
        let report = lie(told);
        let clause = report.clauses.iter().find(|clause| clause.name == name);
        let outcome = &clause.unwrap_or_else(|| panic!("no clause {name}")).outcome;
        assert!(matches!(outcome, Outcome::Failed(_)), "{told:?} was not caught by {name}:\n{report}");
    }
}

fn lie(lie: Lie) -> Report {
    let wire = Wire::new(WireConfig { spans: 1, analog_ports: 2, seed: 11, ..WireConfig::default() });
    let (near, far) = (Liar::new(wire.near(), lie), Liar::new(wire.far(), lie));
    run(&mut LiarBench { wire, near, far })
}

struct LiarBench {
    wire: Wire,
    near: Liar,
    far: Liar,
}

impl Bench for LiarBench {
    fn near(&mut self) -> &mut dyn Card {
        &mut self.near
    }

    fn far(&mut self) -> &mut dyn Card {
        &mut self.far
    }

    fn pair(&self, kind: Signalling) -> Option<(ChannelId, ChannelId)> {
        let id = self.near.card.channels().iter().find(|channel| channel.signalling == kind)?.id;
        Some((id, id))
    }

    fn advance(&mut self, time: Micros) {
        let end = self.wire.now() + time;
        while self.wire.now() < end {
            self.wire.step((self.wire.now() + Micros::from_ms(5)).min(end));
        }
    }

    fn break_span(&mut self, up: bool) -> bool {
        self.wire.plug(SpanId(1), up);
        true
    }

    fn remove(&mut self) -> bool {
        self.wire.remove(Side::Near);
        true
    }
}

/// What closed channels leave behind.
#[derive(Default)]
struct Left {
    open: HashMap<u16, Box<dyn Channel>>,
    events: HashMap<u16, VecDeque<Event>>,
}

struct Liar {
    card: SimCard,
    lie: Lie,
    listing: Vec<ChannelInfo>,
    left: Arc<Mutex<Left>>,
}

impl Liar {
    fn new(card: SimCard, lie: Lie) -> Liar {
        let mut listing = card.channels().to_vec();
        if lie == Lie::ListsBackwards {
            listing.reverse();
        }
        Liar { card, lie, listing, left: Arc::default() }
    }
}

impl Card for Liar {
    fn name(&self) -> &str {
        "liar"
    }

    fn clock(&self) -> ClockDomain {
        self.card.clock()
    }

    fn spans(&self) -> &[SpanInfo] {
        self.card.spans()
    }

    fn channels(&self) -> &[ChannelInfo] {
        &self.listing
    }

    fn span_status(&mut self, span: SpanId) -> Result<SpanStatus, CardError> {
        let status = self.card.span_status(span)?;
        Ok(if self.lie == Lie::HidesAlarms { SpanStatus::default() } else { status })
    }

    fn open(&mut self, channel: ChannelId) -> Result<Box<dyn Channel>, CardError> {
        let mut left = self.left.lock().expect("no panic elsewhere");
        drop(left.open.remove(&channel.0));
        let events = left.events.remove(&channel.0).unwrap_or_default();
        let info = self.listing.iter().find(|info| info.id == channel).cloned();
        let mut inner = match (self.card.open(channel), self.lie) {
            (Ok(inner), _) => Some(inner),
            (Err(CardError::Busy), Lie::OpensTwice) => None,
            (Err(CardError::NoSuchChannel), Lie::CallsItInvalid) => return Err(CardError::Invalid),
            (Err(error), _) => return Err(error),
        };
        let info = info.ok_or(CardError::NoSuchChannel)?;
        if let (Some(inner), Lie::KeepsSetup) = (&mut inner, self.lie) {
            // As if the last setup were still there; a channel that carries no voice refuses.
            let _ = inner.setup(Setup::Audio(info.law));
        }
        Ok(Box::new(LiarChannel {
            inner,
            info,
            lie: self.lie,
            events,
            rest: Vec::new(),
            was_set_up: false,
            was_seized: false,
            told_last: false,
            gave_control: AtomicBool::new(false),
            left: self.left.clone(),
        }))
    }

    fn pace(&mut self) -> Result<Box<dyn Pace>, CardError> {
        self.card.pace()
    }
}

struct LiarChannel {
    inner: Option<Box<dyn Channel>>,
    info: ChannelInfo,
    lie: Lie,
    events: VecDeque<Event>,
    rest: Vec<u8>,
    was_set_up: bool,
    was_seized: bool,
    told_last: bool,
    gave_control: AtomicBool,
    left: Arc<Mutex<Left>>,
}

impl LiarChannel {
    fn inner(&mut self) -> Result<&mut Box<dyn Channel>, CardError> {
        self.inner.as_mut().ok_or(CardError::Gone)
    }
}

impl Drop for LiarChannel {
    fn drop(&mut self) {
        let Some(mut inner) = self.inner.take() else {
            return;
        };
        let Ok(mut left) = self.left.lock() else {
            return;
        };
        if self.lie == Lie::KeepsEvents {
            let events = std::iter::from_fn(|| inner.event().ok().flatten()).collect();
            left.events.insert(self.info.id.0, events);
        }
        let held = self.lie == Lie::ControlHoldsOpen && self.gave_control.load(Ordering::Relaxed);
        if self.lie == Lie::ClosesLate || held {
            left.open.insert(self.info.id.0, inner);
        }
    }
}

impl Channel for LiarChannel {
    fn info(&self) -> &ChannelInfo {
        &self.info
    }

    fn setup(&mut self, setup: Setup) -> Result<(), CardError> {
        let again = std::mem::replace(&mut self.was_set_up, true);
        if again && self.lie == Lie::IgnoresSecondSetup { Ok(()) } else { self.inner()?.setup(setup) }
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, CardError> {
        let (lie, law, hdlc) = (self.lie, self.info.law, self.info.signalling == Signalling::Hdlc);
        if lie == Lie::KeepsTheRest && !hdlc {
            if self.rest.is_empty() {
                let mut block = [0; BLOCK];
                let n = self.inner()?.read(&mut block)?;
                self.rest.extend(&block[..n]);
            }
            let n = self.rest.len().min(into.len());
            into[..n].copy_from_slice(&self.rest[..n]);
            self.rest.drain(..n);
            return Ok(n);
        }
        let n = match (self.inner()?.read(into), lie) {
            (Err(CardError::Again), Lie::ReadsEmptyBlocks) => return Ok(0),
            (Err(CardError::EventPending), Lie::EventsDoNotBlock) => return Err(CardError::Again),
            (Err(CardError::Gone), Lie::NeverGone) => return Err(CardError::Again),
            (other, _) => other?,
        };
        if lie == Lie::WhistlesOnUnderrun && !hdlc && into[..n].iter().all(|&o| o == law.silence()) {
            into[..n].fill(0x2A);
        }
        Ok(if lie == Lie::CutsFcs && hdlc { n.saturating_sub(2) } else { n })
    }

    fn write(&mut self, from: &[u8]) -> Result<usize, CardError> {
        if self.lie == Lie::WriteKeepsDialling && self.inner()?.dialing()? {
            return Ok(from.len());
        }
        let mut octets = from.to_vec();
        if self.lie == Lie::ChangesAnOctet && octets.len() == BLOCK {
            octets[5] ^= 1;
        }
        match (self.inner()?.write(&octets), self.lie) {
            (Err(CardError::Again), Lie::QueuesForEver) => Ok(from.len()),
            (Err(CardError::EventPending), Lie::EventsDoNotBlock) => Err(CardError::Again),
            (Err(CardError::Gone), Lie::NeverGone) => Err(CardError::Again),
            (other, _) => other,
        }
    }

    fn flush(&mut self) -> Result<(), CardError> {
        if self.lie == Lie::IgnoresFlush { Ok(()) } else { self.inner()?.flush() }
    }

    fn event(&mut self) -> Result<Option<Event>, CardError> {
        if let Some(event) = self.events.pop_front() {
            return Ok(Some(event));
        }
        let event = self.inner()?.event()?;
        match (event, self.lie) {
            (Some(Event::OnHook), Lie::BatteryIsNothing) => Ok(None),
            (Some(_), Lie::LosesOldEvents) => self.inner()?.event(),
            (Some(Event::RingOffHook), Lie::OnHookAtOnce) => {
                self.was_seized = true;
                Ok(event)
            }
            // The exchange's end: told at every look, before it can be known.
            (None, Lie::OnHookAtOnce) if self.was_seized && self.info.signalling == Signalling::FxoKs => {
                self.told_last = !self.told_last;
                Ok(self.told_last.then_some(Event::OnHook))
            }
            _ => Ok(event),
        }
    }

    fn hook(&mut self, hook: Hook) -> Result<Progress, CardError> {
        match (hook, self.lie) {
            (Hook::OnHook, Lie::RingsAtOnce) => self.events.push_back(Event::RingBegin),
            (Hook::OffHook, Lie::BatteryAtOnce) => self.events.push_back(Event::OnHook),
            // The exchange's own answer.
            (Hook::OffHook, Lie::RingsOn) if self.info.signalling == Signalling::FxoKs => return Ok(Progress::Done),
            _ => {}
        }
        match (self.inner()?.hook(hook), self.lie) {
            (Err(CardError::Invalid), Lie::HooksAnything) => Ok(Progress::Done),
            (Ok(Progress::Pending), Lie::PendingIsDone) => Ok(Progress::Done),
            (Ok(Progress::Done), Lie::OffHookTakesTime) if hook == Hook::OffHook => Ok(Progress::Pending),
            (other, _) => other,
        }
    }

    fn dial(&mut self, digits: &str) -> Result<(), CardError> {
        self.inner()?.dial(digits)
    }

    fn control(&self) -> Result<Box<dyn Control>, CardError> {
        self.gave_control.store(true, Ordering::Relaxed);
        let inner = self.inner.as_ref().ok_or(CardError::Gone)?.control()?;
        Ok(Box::new(LiarControl { inner, lie: self.lie }))
    }

    fn dialing(&mut self) -> Result<bool, CardError> {
        let dialing = self.inner()?.dialing()?;
        Ok(dialing || self.lie == Lie::NeverEndsDialling)
    }
}

struct LiarControl {
    inner: Box<dyn Control>,
    lie: Lie,
}

impl LiarControl {
    fn told<T>(&self, did: Result<T, CardError>, instead: T) -> Result<T, CardError> {
        match did {
            Err(CardError::Invalid) if self.lie == Lie::ControlOutlives => Ok(instead),
            did => did,
        }
    }
}

impl Control for LiarControl {
    fn hook(&mut self, hook: Hook) -> Result<Progress, CardError> {
        let did = if self.lie == Lie::ControlDoesNothing { Ok(Progress::Done) } else { self.inner.hook(hook) };
        self.told(did, Progress::Done)
    }

    fn dial(&mut self, digits: &str) -> Result<(), CardError> {
        let did = self.inner.dial(digits);
        self.told(did, ())
    }

    fn dialing(&mut self) -> Result<bool, CardError> {
        let did = self.inner.dialing();
        self.told(did, false)
    }

    fn lifted(&mut self) -> Result<bool, CardError> {
        let lifted = self.inner.lifted()?;
        Ok(lifted && self.lie != Lie::NobodyLifts)
    }
}
