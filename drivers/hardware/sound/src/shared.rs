//! What a channel, its control, its key and its device's thread have in common: the telephone's state, figures, and the
//! ends of the queues while no channel is open. Atomic words on the way of the sound; the one lock is for opening and
//! closing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::Instant;

use heapless::spsc::{Consumer, Producer, Queue};
use tipring_card::BLOCK;
use tipring_dsp::{Elastic, Slips};

use crate::set::{Set, Use};

/// Blocks under way between a channel and its device's thread, each way: 310 ms.
pub(crate) const BLOCKS: usize = 32;
/// Shortest and longest delay of one way's elastic buffer, in milliseconds.
pub const FEWEST_DELAY_MS: u8 = 24;
/// As [`FEWEST_DELAY_MS`].
pub const MOST_DELAY_MS: u8 = 120;

/// A block of sound, and when it was whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamped {
    pub at_us: u64,
    pub samples: [i16; BLOCK],
}

/// A bounded queue between two threads. It is there for as long as the program.
pub(crate) fn queue() -> (Producer<'static, Stamped>, Consumer<'static, Stamped>) {
    Box::leak(Box::new(Queue::<Stamped, BLOCKS>::new())).split()
}

/// The channel's ends of both queues, with the elastic buffer of what was captured.
pub(crate) struct Ends {
    pub captured: Consumer<'static, Stamped>,
    pub said: Producer<'static, Stamped>,
    pub elastic: Elastic,
}

/// What went wrong with a device, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The device captured more than was fetched in time.
    pub capture_xruns: u64,
    /// The device had nothing to play.
    pub playback_xruns: u64,
    /// The machine slept with the device.
    pub suspends: u64,
    /// The device was taken away, or could not be used any more.
    pub losses: u64,
    /// The device stood still for a second and was opened anew.
    pub stalls: u64,
    /// Pieces of captured sound that were said twice: the clocks or the threads were too far apart.
    pub capture_repeated: u64,
    /// Pieces of captured sound that were left out.
    pub capture_dropped: u64,
    /// The same of what is played.
    pub playback_repeated: u64,
    /// The same of what is played.
    pub playback_dropped: u64,
    /// Blocks for which a queue had no room.
    pub blocks_lost: u64,
    /// Times that the echo canceller's view of what is played was lost, and began anew.
    pub echo_resets: u64,
}
tipring_card::name_counters!(Counters:
    capture_xruns,
    playback_xruns,
    suspends,
    losses,
    stalls,
    capture_repeated,
    capture_dropped,
    playback_repeated,
    playback_dropped,
    blocks_lost,
    echo_resets,
);

/// Places of the figures.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Figure {
    CaptureXruns,
    PlaybackXruns,
    Suspends,
    Losses,
    Stalls,
    CaptureRepeated,
    CaptureDropped,
    PlaybackRepeated,
    PlaybackDropped,
    BlocksLost,
    EchoResets,
}

/// What both sides of a device know.
pub(crate) struct Shared {
    pub of: Use,
    pub set: Set,
    /// The hook as the port was told it.
    pub told: AtomicBool,
    /// The device is there and runs.
    pub present: AtomicBool,
    /// Why it is not, as the system says it; 0: no such device.
    pub errno: AtomicI32,
    /// A channel is open.
    pub is_open: AtomicBool,
    /// And set up for sound: somebody is about to read it. At rest nobody does.
    pub is_heard: AtomicBool,
    pub capture_ppm: AtomicI32,
    pub playback_ppm: AtomicI32,
    /// What the echo canceller takes away, in decibels.
    pub echo_db: AtomicI32,
    pub ends: Mutex<Option<Box<Ends>>>,
    figures: [AtomicU64; Counters::COUNT],
    epoch: Instant,
}

impl Shared {
    pub fn new(of: Use, chimes: bool, ends: Ends) -> Shared {
        Shared {
            of,
            set: Set::new(of, chimes),
            told: AtomicBool::new(false),
            present: AtomicBool::new(false),
            errno: AtomicI32::new(0),
            is_open: AtomicBool::new(false),
            is_heard: AtomicBool::new(false),
            capture_ppm: AtomicI32::new(0),
            playback_ppm: AtomicI32::new(0),
            echo_db: AtomicI32::new(0),
            ends: Mutex::new(Some(Box::new(ends))),
            figures: Default::default(),
            epoch: Instant::now(),
        }
    }

    /// The one clock of all stamps.
    pub fn now_us(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub fn count(&self, figure: Figure) {
        self.figures[figure as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The slips of one way, as its buffer counts them.
    pub fn slips(&self, captured: bool, slips: Slips) {
        let (repeated, dropped) = if captured {
            (Figure::CaptureRepeated, Figure::CaptureDropped)
        } else {
            (Figure::PlaybackRepeated, Figure::PlaybackDropped)
        };
        self.figures[repeated as usize].store(u64::from(slips.repeated), Ordering::Relaxed);
        self.figures[dropped as usize].store(u64::from(slips.dropped), Ordering::Relaxed);
    }

    pub fn counters(&self) -> Counters {
        let mut figures = self.figures.iter();
        Counters::from_figures(|| figures.next().map_or(0, |figure| figure.load(Ordering::Relaxed)))
    }

    /// The hook is not as the port was told it.
    pub fn has_event(&self) -> bool {
        self.set.is_lifted() != self.told.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_its_own_place_and_name() {
        let (_, captured) = queue();
        let (said, _) = queue();
        let shared = Shared::new(Use::Handset, false, Ends { captured, said, elastic: Elastic::new(31) });
        shared.count(Figure::EchoResets);
        shared.count(Figure::Stalls);
        shared.slips(true, Slips { repeated: 3, dropped: 4, stopped: 9 });
        shared.slips(false, Slips { repeated: 5, dropped: 6, stopped: 9 });
        let expected = Counters {
            echo_resets: 1,
            stalls: 1,
            capture_repeated: 3,
            capture_dropped: 4,
            playback_repeated: 5,
            playback_dropped: 6,
            ..Counters::default()
        };
        assert_eq!(shared.counters(), expected);
    }
}
