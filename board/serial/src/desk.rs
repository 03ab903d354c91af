//! What lies between the service and the thread: levels, not a queue. The service writes what is wanted and reads how it is;
//! a level that is written twice is one level, so nothing here can be full. Locks are held for a copy.

use std::sync::Mutex;

use tipring_controller::host::{Chip, Counters, Date, Report};
use tipring_controller::leds::Look;
use tipring_controller::words::{MAX_LEDS, MAX_RELAYS};

/// Both sides' papers.
#[derive(Default)]
pub struct Desk {
    wanted: Mutex<Wanted>,
    shown: Mutex<Shown>,
}

/// What the service wants.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) looks: [Look; MAX_LEDS],
    pub(crate) energised: [bool; MAX_RELAYS],
    pub(crate) calls: u32,
    pub(crate) today: Option<Date>,
    /// How often a test of the relays was asked for.
    pub(crate) tests: u32,
}

/// How it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The link in a word: `closed`, `silent`, `refused`, `up`.
    pub link: &'static str,
    /// Why there is no port, if there is none.
    pub fault: Option<String>,
    /// What is known of the chip; `None` without a session.
    pub chip: Option<Chip>,
    /// The last test of the relays since the service began, or the one that it knew of.
    pub tested: Option<Report>,
    /// What went wrong on the line.
    pub counters: Counters,
    /// How often the port was opened.
    pub opened: u64,
    /// Events that nobody took in time.
    pub events_lost: u64,
    /// The longest turn of the thread: tens of milliseconds, unless the machine does not let it run.
    pub longest_turn_ms: u64,
}

impl Default for Shown {
    fn default() -> Self {
        Shown {
            link: "closed",
            fault: None,
            chip: None,
            tested: None,
            counters: Counters::default(),
            opened: 0,
            events_lost: 0,
            longest_turn_ms: 0,
        }
    }
}

impl Desk {
    /// What an LED is to show. One that no board has is nobody's.
    pub fn led(&self, led: u8, look: Look) {
        self.want(|wanted| {
            if let Some(place) = wanted.looks.get_mut(usize::from(led)) {
                *place = look;
            }
        });
    }

    /// How a relay is to be.
    pub fn relay(&self, relay: u8, energised: bool) {
        self.want(|wanted| {
            if let Some(place) = wanted.energised.get_mut(usize::from(relay)) {
                *place = energised;
            }
        });
    }

    /// So many calls are up or on their way.
    pub fn calls(&self, calls: u32) {
        self.want(|wanted| wanted.calls = calls);
    }

    /// What day it is.
    pub fn today(&self, date: Date) {
        self.want(|wanted| wanted.today = Some(date));
    }

    /// The relays are to be tested as soon as nobody is on the phone.
    pub fn test(&self) {
        self.want(|wanted| wanted.tests = wanted.tests.wrapping_add(1));
    }

    /// How it is, some hundredths of a second old at most.
    pub fn shown(&self) -> Shown {
        self.shown.lock().map(|shown| shown.clone()).unwrap_or_default()
    }

    pub(crate) fn wanted(&self) -> Wanted {
        self.wanted.lock().map(|wanted| *wanted).unwrap_or_default()
    }

    pub(crate) fn show(&self, change: impl FnOnce(&mut Shown)) {
        if let Ok(mut shown) = self.shown.lock() {
            change(&mut shown);
        }
    }

    fn want(&self, change: impl FnOnce(&mut Wanted)) {
        if let Ok(mut wanted) = self.wanted.lock() {
            change(&mut wanted);
        }
    }
}
