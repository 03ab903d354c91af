//! The contract suite: what every card must do to its user, proven on the simulated card in unit tests and on DAHDI
//! in the lab. It is not a load test and measures no quality.
//!
//! The suite needs a [`Bench`]: two ends of the same wires and a way to let time pass. Time is either virtual or the
//! wall's; the suite only ever counts what it asked for in [`Bench::advance`], and leaves room for an emulated
//! machine that stalls for some tens of milliseconds. Where a stall can spoil an observation it is tried again, at
//! most [`TRIES`] times.
//!
//! Source: the behaviours of DAHDI as a driver has to live with them (events, buffers, hook states, HDLC), which the
//! simulated card imitates.

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::fmt::Write as _;

use crate::{Card, CardError, Channel, ChannelId, Event, Law, Micros, Setup, Signalling};

mod audio;
mod frames;
mod line;
mod pattern;
mod span;

pub use pattern::{Listener, octet};

/// How often an observation that a stall of the machine can spoil is tried.
pub const TRIES: u32 = 5;
/// Events that a channel keeps; what comes after is lost.
pub const EVENTS_KEPT: usize = 63;
/// More than any channel can have queued: the bound of every loop that drains.
const DRAIN: usize = 256;
/// The step in which the suite lets time pass while it looks.
const STEP: Micros = Micros(5_000);
/// A tail that a machine under emulation may need on top of any time.
const SLACK_MS: u64 = 400;

/// Two ends of the same wires. `near` is the card under test, `far` the one at the other end of its cables; both may
/// be the same card.
pub trait Bench {
    /// The card under test.
    fn near(&mut self) -> &mut dyn Card;
    /// The card at the far end.
    fn far(&mut self) -> &mut dyn Card;
    /// A near channel of this signalling and the far channel that it is wired to: `Bearer` with `Bearer`, `Hdlc` with
    /// `Hdlc`, `FxsKs` (near, towards the exchange) with `FxoKs` (far, the exchange). None: the bench has no such pair.
    fn pair(&self, kind: Signalling) -> Option<(ChannelId, ChannelId)>;
    /// Lets time pass, virtual or real: at least this much.
    fn advance(&mut self, time: Micros);
    /// Pulls (`up` false) or replugs (`up` true) the cable of the span that has the bearer pair. The suite has no far
    /// channel open meanwhile. False: this bench cannot.
    fn break_span(&mut self, up: bool) -> bool;
    /// Takes the near card away for good, with a channel open on it. False: this bench cannot.
    fn remove(&mut self) -> bool;
}

/// What came of a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The card does it.
    Passed,
    /// The card does something else: what.
    Failed(String),
    /// The bench cannot show it: why.
    NotApplicable(String),
}

/// One clause of the contract and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Its name, as a sentence in snake case.
    pub name: &'static str,
    /// Passed, failed or not applicable.
    pub outcome: Outcome,
    /// What was measured on the way; may be empty.
    pub note: String,
}

/// What came of all clauses, in the order in which they were tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The clauses.
    pub clauses: Vec<Clause>,
}

impl Report {
    /// Whether no clause failed.
    pub fn passed(&self) -> bool {
        !self.clauses.iter().any(|clause| matches!(clause.outcome, Outcome::Failed(_)))
    }

    /// The names of the clauses that this bench could not show.
    pub fn not_applicable(&self) -> Vec<&'static str> {
        self.clauses.iter().filter(|c| matches!(c.outcome, Outcome::NotApplicable(_))).map(|c| c.name).collect()
    }
}

impl core::fmt::Display for Report {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for clause in &self.clauses {
            let mut text = String::new();
            match &clause.outcome {
                Outcome::Passed => text.push_str("passed"),
                Outcome::Failed(why) => write!(text, "FAILED: {why}")?,
                Outcome::NotApplicable(why) => write!(text, "not applicable: {why}")?,
            }
            if !clause.note.is_empty() {
                write!(text, " ({})", clause.note)?;
            }
            writeln!(f, "{}: {text}", clause.name)?;
        }
        Ok(())
    }
}

/// Runs every clause. The last one takes the card away, so the bench is used up.
pub fn run(bench: &mut dyn Bench) -> Report {
    run_each(bench, &mut |_| ())
}

/// Like [`run`], and shows each clause as soon as it is decided.
pub fn run_each(bench: &mut dyn Bench, show: &mut dyn FnMut(&Clause)) -> Report {
    let mut report = Report::default();
    for &(name, check) in CLAUSES {
        let (outcome, note) = match check(bench) {
            Ok(note) => (Outcome::Passed, note),
            Err(Stop::Failed(why)) => (Outcome::Failed(why), String::new()),
            Err(Stop::NotApplicable(why)) => (Outcome::NotApplicable(why), String::new()),
        };
        let clause = Clause { name, outcome, note };
        show(&clause);
        report.clauses.push(clause);
        bench.advance(Micros::from_ms(50));
    }
    report
}

/// Why a clause ended early.
enum Stop {
    Failed(String),
    NotApplicable(String),
}

type Verdict = Result<String, Stop>;
type Check = fn(&mut dyn Bench) -> Verdict;

const CLAUSES: &[(&str, Check)] = &[
    ("the_listing_is_consistent", span::the_listing_is_consistent),
    ("an_unknown_channel_is_refused", span::an_unknown_channel_is_refused),
    ("a_channel_has_one_opener", span::a_channel_has_one_opener),
    ("an_opened_channel_is_at_its_defaults", audio::an_opened_channel_is_at_its_defaults),
    ("reading_nothing_says_again", audio::reading_nothing_says_again),
    ("octets_pass_unchanged_at_constant_delay", audio::octets_pass_unchanged_at_constant_delay),
    ("a_short_read_loses_the_rest", audio::a_short_read_loses_the_rest),
    ("an_underrun_is_silence", audio::an_underrun_is_silence),
    ("a_setup_sets_the_law", audio::a_setup_sets_the_law),
    ("the_write_queue_has_eight_blocks", audio::the_write_queue_has_eight_blocks),
    ("a_flush_discards_what_is_queued", audio::a_flush_discards_what_is_queued),
    ("a_close_discards_audio", audio::a_close_discards_audio),
    ("a_setup_discards_what_is_queued", audio::a_setup_discards_what_is_queued),
    ("a_bearer_has_no_hook", audio::a_bearer_has_no_hook),
    ("a_frame_is_read_with_its_fcs_octets", frames::a_frame_is_read_with_its_fcs_octets),
    ("a_d_channel_has_no_hook", frames::a_d_channel_has_no_hook),
    ("ringing_is_seen", line::ringing_is_seen),
    ("an_event_blocks_read_and_write", line::an_event_blocks_read_and_write),
    ("a_flush_discards_events", line::a_flush_discards_events),
    ("a_seizure_is_pending_then_complete", line::a_seizure_is_pending_then_complete),
    ("a_flash_needs_a_closed_loop", line::a_flash_needs_a_closed_loop),
    ("a_write_ends_dialling", line::a_write_ends_dialling),
    ("dialling_reports_its_end", line::dialling_reports_its_end),
    ("a_hook_action_ends_dialling", line::a_hook_action_ends_dialling),
    ("a_close_puts_the_line_on_hook", line::a_close_puts_the_line_on_hook),
    ("a_close_forgets_events", line::a_close_forgets_events),
    ("ringing_is_muted_two_seconds_after_on_hook", line::ringing_is_muted_two_seconds_after_on_hook),
    ("a_battery_drop_is_seen_off_hook", line::a_battery_drop_is_seen_off_hook),
    ("a_battery_drop_is_unseen_600_ms_after_off_hook", line::a_battery_drop_is_unseen_600_ms_after_off_hook),
    ("off_hook_is_done_at_once", line::off_hook_is_done_at_once),
    (
        "a_ring_that_is_answered_lasts_until_the_exchange_stops_it",
        line::a_ring_that_is_answered_lasts_until_the_exchange_stops_it,
    ),
    (
        "the_exchange_waits_for_a_flash_before_it_believes_an_on_hook",
        line::the_exchange_waits_for_a_flash_before_it_believes_an_on_hook,
    ),
    ("a_control_works_while_the_channel_is_open", line::a_control_works_while_the_channel_is_open),
    ("a_control_does_not_keep_the_channel_open", line::a_control_does_not_keep_the_channel_open),
    ("a_control_is_invalid_after_the_channel_was_dropped", line::a_control_is_invalid_after_the_channel_was_dropped),
    ("a_lifted_telephone_is_known_without_an_event", line::a_lifted_telephone_is_known_without_an_event),
    ("events_after_the_63rd_are_lost", line::events_after_the_63rd_are_lost),
    ("a_pulled_cable_is_an_alarm", span::a_pulled_cable_is_an_alarm),
    ("a_removed_card_is_gone", span::a_removed_card_is_gone),
];

fn failed<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(why.into()))
}

fn pair(bench: &dyn Bench, kind: Signalling) -> Result<(ChannelId, ChannelId), Stop> {
    bench.pair(kind).ok_or_else(|| Stop::NotApplicable(format!("the bench has no {kind:?} pair")))
}

/// Gives an error its place.
trait At<T> {
    fn at(self, place: &str) -> Result<T, Stop>;
}

impl<T> At<T> for Result<T, CardError> {
    fn at(self, place: &str) -> Result<T, Stop> {
        self.map_err(|error| Stop::Failed(format!("{place}: {error}")))
    }
}

/// Both ends of one pair.
struct Ends {
    near: Box<dyn Channel>,
    far: Box<dyn Channel>,
}

impl Ends {
    /// Opens both and, for voice, sets them up; events of the opening are drained.
    fn open(bench: &mut dyn Bench, kind: Signalling) -> Result<Ends, Stop> {
        let (near, far) = pair(bench, kind)?;
        let near = bench.near().open(near).at("open of the near channel")?;
        let far = bench.far().open(far).at("open of the far channel")?;
        let mut ends = Ends { near, far };
        for (channel, name) in [(&mut ends.near, "near"), (&mut ends.far, "far")] {
            let setup = match kind {
                Signalling::Hdlc => Setup::Frames,
                _ => Setup::Audio(channel.info().law),
            };
            channel.setup(setup).at(&format!("setup of the {name} channel"))?;
        }
        ends.drain();
        Ok(ends)
    }

    /// Takes all events away, and what can be read.
    fn drain(&mut self) {
        let mut buffer = [0; 1024];
        for channel in [&mut self.near, &mut self.far] {
            events(channel.as_mut());
            for _ in 0..DRAIN {
                if channel.read(&mut buffer).is_err() {
                    break;
                }
            }
        }
    }

    fn near_law(&self) -> Law {
        self.near.info().law
    }
}

/// All events that wait on a channel, oldest first. A channel that fails here shows its error at the next call.
fn events(channel: &mut dyn Channel) -> Vec<Event> {
    let mut all = Vec::new();
    for _ in 0..DRAIN {
        match channel.event() {
            Ok(Some(event)) => all.push(event),
            _ => break,
        }
    }
    all
}

/// Waits until `channel` shows `wanted`; tells what it showed instead if it does not.
fn wait_for(bench: &mut dyn Bench, channel: &mut dyn Channel, wanted: Event, limit_ms: u64) -> Result<(), Stop> {
    let mut others = Vec::new();
    let limit = Micros::from_ms(limit_ms + SLACK_MS);
    let mut passed = Micros::ZERO;
    loop {
        for event in events(channel) {
            if event == wanted {
                return Ok(());
            }
            others.push(event);
        }
        if passed >= limit {
            return failed(format!("no {wanted:?} within {limit_ms} ms, but {others:?}"));
        }
        bench.advance(STEP);
        passed = passed + STEP;
    }
}

/// The events of `ms` milliseconds.
fn watch(bench: &mut dyn Bench, channel: &mut dyn Channel, ms: u64) -> Vec<Event> {
    let mut all = events(channel);
    let mut passed = Micros::ZERO;
    while passed < Micros::from_ms(ms) {
        bench.advance(STEP);
        passed = passed + STEP;
        all.extend(events(channel));
    }
    all
}
