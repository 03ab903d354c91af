//! What may be read of an engine at any time, from any thread. The media thread writes plain atomics once a tick; what
//! the signalling thread counts lies behind a lock that the media thread never takes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

use tipring_card::Micros;
use tipring_switch::Counters as SwitchCounters;

use crate::flight::FlightGauge;
use crate::lateness::{LATE_CLASSES, Lateness};
use crate::media::MediaCounters;
use crate::signalling::SpanGauge;
use crate::work::{Work, Worked};

/// What may be read of an engine at any time.
#[derive(Default)]
pub struct Gauges {
    pub(crate) beat: AtomicU64,
    pub(crate) media_ended: AtomicBool,
    pub(crate) stall_ms: AtomicU64,
    pub(crate) signalling_beat: AtomicU64,
    pub(crate) events_lost: AtomicU64,
    pub(crate) commands_lost: AtomicU64,
    pub(crate) to_media_lost: AtomicU64,
    pub(crate) stale_commands: AtomicU64,
    audio: [AtomicU64; MediaCounters::COUNT],
    switch: [AtomicU64; SwitchCounters::COUNT],
    late: [AtomicU64; LATE_CLASSES],
    late_ms: AtomicU64,
    work: Worked,
    signalling: Mutex<Vec<Counted>>,
    spans: Mutex<Vec<SpanGauge>>,
    flights: Mutex<Vec<FlightGauge>>,
    epoch: OnceLock<Instant>,
}

/// A figure of the signalling side: its room, its name, how often.
pub type Counted = (&'static str, &'static str, u64);

impl Gauges {
    /// Rises at every turn of the media thread, once a tick: with a card in order that is every 10 ms, without its clock
    /// once a second at least. It stands still when the thread hangs, or has ended because its card is gone.
    pub fn beat(&self) -> u64 {
        self.beat.load(Relaxed)
    }

    /// A planted fault, for tests of whoever watches over the threads: the media thread stands still for so long, once.
    pub fn stall_media(&self, ms: u64) {
        self.stall_ms.store(ms, Relaxed);
    }

    /// The media thread has ended by itself: its card is gone. Then [`Gauges::beat`] stands still for ever, and rightly.
    pub fn media_ended(&self) -> bool {
        self.media_ended.load(Relaxed)
    }

    /// Rises at every turn of the signalling thread: once a second at least.
    pub fn signalling_beat(&self) -> u64 {
        self.signalling_beat.load(Relaxed)
    }

    /// Ticks that were run late.
    pub fn late_ticks(&self) -> u64 {
        self.audio().late_ticks
    }

    /// Blocks that were not there in time.
    pub fn late_blocks(&self) -> u64 {
        self.audio().late_blocks
    }

    /// Blocks that the card had no room for.
    pub fn lost_blocks(&self) -> u64 {
        self.audio().lost_blocks
    }

    /// Everything that the audio side counts.
    pub fn audio(&self) -> MediaCounters {
        let mut figures = self.audio.iter().map(|figure| figure.load(Relaxed));
        MediaCounters::from_figures(|| figures.next().unwrap_or(0))
    }

    /// How long the media thread's turns took.
    pub fn work(&self) -> Work {
        self.work.read()
    }

    /// Everything that the switch counts.
    pub fn switch(&self) -> SwitchCounters {
        let mut figures = self.switch.iter().map(|figure| figure.load(Relaxed));
        SwitchCounters::from_figures(|| figures.next().unwrap_or(0))
    }

    /// How late late ticks were.
    pub fn lateness(&self) -> Lateness {
        Lateness {
            ticks: std::array::from_fn(|class| self.late[class].load(Relaxed)),
            sum_ms: self.late_ms.load(Relaxed),
        }
    }

    /// What found a queue of the engine full, by name.
    pub fn queues(&self) -> [(&'static str, u64); 3] {
        [
            ("events_lost", self.events_lost.load(Relaxed)),
            ("commands_lost", self.commands_lost.load(Relaxed)),
            ("to_media_lost", self.to_media_lost.load(Relaxed)),
        ]
    }

    /// Switch events and commands, and words between the two threads, that found their queue full.
    pub fn queue_losses(&self) -> u64 {
        self.queues().iter().map(|queue| queue.1).sum::<u64>() + self.audio().news_lost
    }

    /// Commands of the router with a lease that was over.
    pub fn stale_commands(&self) -> u64 {
        self.stale_commands.load(Relaxed)
    }

    /// What the signalling side counts, over all lines of the card, a quarter of a second old at most.
    pub fn signalling(&self) -> Vec<Counted> {
        self.signalling.lock().map(|counted| counted.clone()).unwrap_or_default()
    }

    /// The spans as they were at the last look.
    pub fn spans(&self) -> Vec<SpanGauge> {
        self.spans.lock().map(|spans| spans.clone()).unwrap_or_default()
    }

    /// What happened on one analogue line or port for a telephone, a quarter of a second old at most. `None`: the card
    /// has no such line.
    pub fn flight(&self, line: &str) -> Option<FlightGauge> {
        self.flights.lock().ok()?.iter().find(|flight| flight.line == line).cloned()
    }

    /// The lines that have a recorder.
    pub fn flight_lines(&self) -> Vec<String> {
        let flights = self.flights.lock().map(|flights| flights.iter().map(|flight| flight.line.clone()).collect());
        flights.unwrap_or_default()
    }

    /// Now, by the engine's clock. `None`: it has not started.
    pub fn now(&self) -> Option<Micros> {
        let epoch = self.epoch.get()?;
        Some(Micros(u64::try_from(epoch.elapsed().as_micros()).unwrap_or(u64::MAX)))
    }

    /// The engine's clock began then.
    pub(crate) fn begin(&self, epoch: Instant) {
        let _ = self.epoch.set(epoch);
    }

    /// By the signalling thread: `show` copies what has changed.
    pub(crate) fn show_flights(&self, show: impl FnOnce(&mut Vec<FlightGauge>)) {
        if let Ok(mut shown) = self.flights.lock() {
            show(&mut shown);
        }
    }

    /// By the media thread: a turn took so long.
    pub(crate) fn worked(&self, us: u64) {
        self.work.note(us);
    }

    /// By the media thread, after a tick.
    pub(crate) fn show_media(&self, audio: MediaCounters, switch: &SwitchCounters, late: &Lateness) {
        for (shown, (_, figure)) in self.audio.iter().zip(audio.named()) {
            shown.store(figure, Relaxed);
        }
        for (shown, (_, figure)) in self.switch.iter().zip(switch.named()) {
            shown.store(figure, Relaxed);
        }
        for (shown, figure) in self.late.iter().zip(late.ticks) {
            shown.store(figure, Relaxed);
        }
        self.late_ms.store(late.sum_ms, Relaxed);
    }

    pub(crate) fn show_spans(&self, spans: Vec<SpanGauge>) {
        if let Ok(mut shown) = self.spans.lock() {
            *shown = spans;
        }
    }

    pub(crate) fn show_signalling(&self, counted: Vec<Counted>) {
        if let Ok(mut shown) = self.signalling.lock() {
            *shown = counted;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_media_thread_shows_is_what_others_read() {
        let mut n = 0;
        let mut next = || {
            n += 1;
            n
        };
        let (audio, switch) = (MediaCounters::from_figures(&mut next), SwitchCounters::from_figures(&mut next));
        let late = Lateness { ticks: [1, 2, 3, 4, 5], sum_ms: 6 };
        let gauges = Gauges::default();
        gauges.show_media(audio, &switch, &late);
        assert_eq!((gauges.audio(), gauges.switch(), gauges.lateness()), (audio, switch, late));
        assert_eq!(gauges.late_blocks(), audio.late_blocks);
        assert_ne!(audio.late_blocks, audio.lost_blocks, "each figure has its own place");
    }
}
