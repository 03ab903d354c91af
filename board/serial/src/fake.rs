//! A board controller that is not there: the chip's machine on a pseudo-terminal, under a path of its own, with relays,
//! contacts and LEDs that can be looked at, and faults that can be planted. For tests, and for whoever has no board. It is
//! as wrong as it is told to be, by seed.

mod terminal;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tipring_controller::Millis;
use tipring_controller::firmware::{Firmware, Input};
use tipring_controller::leds::Look;
use tipring_controller::words::{Board, MAX_LEDS, Reading, Reset, Status};

use terminal::Terminal;

/// Moves of relays that are kept; the oldest go.
const MOVES: usize = 1024;
/// A relay's contact follows its coil after so long.
const CONTACT: Millis = Millis(6);
/// Octets that are read at once.
const PIECE: usize = 256;

/// A board with a bit of everything.
pub const BOARD: Board = Board {
    firmware: [1, 0, 0],
    leds: 16,
    relays: 4,
    buttons: 2,
    sensed: 0x0f,
    has_temperature: true,
    has_supply: true,
};

/// What is wrong with the line; one in so many, zero: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Neither side hears the other.
    pub silent: bool,
    /// Octets with a bit turned round, both ways.
    pub flipped: u32,
    /// Octets in front of which there is one more.
    pub noise: u32,
}

/// What is to be done to the board, and how it is.
struct Bench {
    board: Board,
    faults: Faults,
    reading: Reading,
    /// Contacts that say so always, and those that never do.
    welded: u8,
    dead: u8,
    reset: Option<Reset>,
    press: Vec<u8>,
    plugged: bool,
    seen: Seen,
}

/// How a board is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Relays whose coil has current, a bit each.
    pub relays: u8,
    /// What LEDs show.
    pub looks: [Look; MAX_LEDS],
    /// Relays and watchdog.
    pub status: Status,
    /// When relays or LEDs changed last, by the board's clock.
    pub changed_at: Millis,
    /// How relays were, and since when.
    pub moves: VecDeque<(Millis, u8)>,
    /// When the board's thread turned last.
    pub turned_at: Millis,
    /// The longest time that the machine did not let it turn.
    pub held_up: Millis,
}

/// A board controller that is not there.
pub struct Fake {
    path: PathBuf,
    bench: Arc<Mutex<Bench>>,
    stop: Arc<AtomicBool>,
    epoch: Instant,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    /// Plugs one in under this path, which must not be there yet.
    pub fn start(path: &Path, board: Board) -> std::io::Result<Fake> {
        let bench = Bench {
            board,
            faults: Faults::default(),
            reading: Reading { temperature_c10: Some(405), supply_mv: Some(12_010) },
            welded: 0,
            dead: 0,
            reset: None,
            press: Vec::new(),
            plugged: true,
            seen: Seen::default(),
        };
        let (bench, stop, epoch) = (Arc::new(Mutex::new(bench)), Arc::new(AtomicBool::new(false)), Instant::now());
        let terminal = Terminal::open(path)?;
        let life = Life { path: path.into(), bench: bench.clone(), epoch, seed: 1, contacts: VecDeque::new() };
        let stopped = stop.clone();
        let thread =
            std::thread::Builder::new().name("fake board".into()).spawn(move || life.run(terminal, &stopped))?;
        Ok(Fake { path: path.into(), bench, stop, epoch, thread: Some(thread) })
    }

    /// Its port.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is.
    pub fn seen(&self) -> Seen {
        self.bench().seen.clone()
    }

    /// Its clock.
    pub fn now(&self) -> Millis {
        since(self.epoch)
    }

    /// Waits until it is so, for as long as that; whether it is.
    pub fn until(&self, limit: Duration, is_so: impl Fn(&Seen) -> bool) -> bool {
        let begun = Instant::now();
        loop {
            if is_so(&self.bench().seen) {
                return true;
            }
            if begun.elapsed() > limit {
                return false;
            }
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// What is wrong with the line from now on. The moment of it.
    pub fn faults(&self, faults: Faults) -> Millis {
        self.bench().faults = faults;
        self.now()
    }

    /// The chip begins anew.
    pub fn reset(&self, reset: Reset) -> Millis {
        self.bench().reset = Some(reset);
        self.now()
    }

    /// The port is pulled out, or put in again.
    pub fn plug(&self, plugged: bool) -> Millis {
        self.bench().plugged = plugged;
        self.now()
    }

    /// What the sensors say.
    pub fn reading(&self, reading: Reading) {
        self.bench().reading = reading;
    }

    /// Contacts that say "energised" always, and never: a bit each.
    pub fn contacts(&self, welded: u8, dead: u8) {
        let mut bench = self.bench();
        (bench.welded, bench.dead) = (welded, dead);
    }

    /// A button is pressed and let go.
    pub fn press(&self, button: u8) {
        self.bench().press.push(button);
    }

    fn bench(&self) -> MutexGuard<'_, Bench> {
        lock(&self.bench)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn since(epoch: Instant) -> Millis {
    Millis(u64::try_from(epoch.elapsed().as_millis()).unwrap_or(u64::MAX))
}

fn lock(bench: &Mutex<Bench>) -> MutexGuard<'_, Bench> {
    // Whoever panicked while looking has changed nothing.
    bench.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The thread.
struct Life {
    path: PathBuf,
    bench: Arc<Mutex<Bench>>,
    epoch: Instant,
    seed: u64,
    contacts: VecDeque<(Millis, u8)>,
}

impl Life {
    fn run(mut self, terminal: Terminal, stop: &AtomicBool) {
        let mut terminal = Some(terminal);
        let board = lock(&self.bench).board;
        let mut chip = Firmware::new(since(self.epoch), board, Reset::PowerOn);
        while !stop.load(Relaxed) {
            let plugged = lock(&self.bench).plugged;
            match (&terminal, plugged) {
                (Some(_), false) => terminal = None,
                (None, true) => terminal = Terminal::open(&self.path).ok(),
                _ => {}
            }
            self.turn(&mut chip, board, terminal.as_ref());
        }
    }

    /// A millisecond or so of the chip's life.
    fn turn(&mut self, chip: &mut Firmware, board: Board, terminal: Option<&Terminal>) {
        let now = since(self.epoch);
        let (faults, reading, presses, reset) = {
            let mut bench = lock(&self.bench);
            (bench.faults, bench.reading, std::mem::take(&mut bench.press), bench.reset.take())
        };
        if let Some(reset) = reset {
            *chip = Firmware::new(now, board, reset);
        }
        chip.handle(now, Input::Reading(reading));
        chip.handle(now, Input::Contacts(self.contacts(now, chip.relays())));
        for button in presses {
            chip.handle(now, Input::Button { button, down: true });
            chip.handle(now, Input::Button { button, down: false });
        }
        let mut piece = [0; PIECE];
        let came = match terminal {
            Some(terminal) => terminal.read(&mut piece),
            None => {
                std::thread::park_timeout(Duration::from_millis(1));
                0
            }
        };
        if !faults.silent {
            let octets = self.hurt(&piece[..came], faults);
            chip.handle(since(self.epoch), Input::Octets(&octets));
        }
        while let Some(wire) = chip.poll() {
            if let Some(terminal) = terminal.filter(|_| !faults.silent) {
                terminal.write(&self.hurt(&wire, faults));
            }
        }
        self.look(since(self.epoch), chip);
    }

    /// Contacts that follow the coils, as far as they do.
    fn contacts(&mut self, now: Millis, relays: u8) -> u8 {
        self.contacts.push_back((now, relays));
        while self.contacts.len() > 1 && self.contacts.get(1).is_some_and(|(at, _)| now.since(*at) >= CONTACT) {
            self.contacts.pop_front();
        }
        let bench = lock(&self.bench);
        let followed = self.contacts.front().map_or(0, |(_, relays)| *relays);
        followed & !bench.dead | bench.welded
    }

    fn hurt(&mut self, octets: &[u8], faults: Faults) -> Vec<u8> {
        let mut hurt = Vec::with_capacity(octets.len());
        for octet in octets {
            if self.once_in(faults.noise) {
                hurt.push(self.next() as u8);
            }
            let flip = if self.once_in(faults.flipped) { 1 << (self.next() % 8) } else { 0 };
            hurt.push(octet ^ flip);
        }
        hurt
    }

    fn once_in(&mut self, one_in: u32) -> bool {
        one_in != 0 && self.next().is_multiple_of(one_in)
    }

    fn next(&mut self) -> u32 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) as u32
    }

    fn look(&self, now: Millis, chip: &Firmware) {
        let relays = chip.relays();
        let looks = std::array::from_fn(|led| chip.look(led as u8));
        let mut bench = lock(&self.bench);
        let seen = &mut bench.seen;
        if seen.relays != relays || seen.looks != looks {
            seen.changed_at = now;
        }
        if seen.relays != relays {
            if seen.moves.len() == MOVES {
                seen.moves.pop_front();
            }
            seen.moves.push_back((now, relays));
        }
        seen.held_up = seen.held_up.max(now.since(seen.turned_at));
        seen.turned_at = now;
        (seen.relays, seen.looks, seen.status) = (relays, looks, chip.status());
    }
}
