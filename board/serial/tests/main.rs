//! The thread on a real terminal, with a board controller that is not there on its other side. Time is the board's own
//! clock; nothing waits but for a condition, with a bound.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use tipring_controller::Millis;
use tipring_controller::host::{Config, Date, Event, Limits, Policy};
use tipring_controller::leds::{Appliance, Line, Look};
use tipring_controller::words::{Reading, Reset};
use tipring_serial::fake::{BOARD, Fake, Faults, Seen};
use tipring_serial::{BAUD, Desk, Serial, Setup};

/// Everything that is wanted is so within this after the line is well.
const A_SECOND: Millis = Millis(1000);
/// A condition is waited for so long; a machine that is busy may be late, the machines' own clocks say whether it counts.
const PATIENCE: Duration = Duration::from_secs(20);

struct Bench {
    fake: Fake,
    serial: Serial,
    desk: Arc<Desk>,
    told: Receiver<Event>,
    beats: Arc<AtomicBool>,
}

fn path(name: &str) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Relaxed);
    std::env::temp_dir().join(format!("tipring-board-{}-{count}-{name}", std::process::id()))
}

/// A beat that advances while it is allowed to, once in ten milliseconds.
fn beat(beats: Arc<AtomicBool>) -> Box<dyn Fn() -> u64 + Send> {
    let (begun, last) = (Instant::now(), AtomicU64::new(0));
    Box::new(move || {
        if beats.load(Relaxed) {
            last.store(begun.elapsed().as_millis() as u64 / 10, Relaxed);
        }
        last.load(Relaxed)
    })
}

fn config(watchdog_ms: u16) -> Config {
    let limits = Limits::default();
    Config { service: 3, first_session: 0, watchdog_ms, self_test: Policy::Monthly, last_test: None, limits }
}

impl Bench {
    fn new(name: &str, watchdog_ms: u16) -> Bench {
        let path = path(name);
        let fake = Fake::start(&path, BOARD).expect("a terminal");
        let beats = Arc::new(AtomicBool::new(true));
        let setup = Setup { path, baud: BAUD, config: config(watchdog_ms), beat: beat(beats.clone()) };
        let (serial, told) = Serial::start(setup).expect("a thread");
        let desk = serial.desk();
        Bench { fake, serial, desk, told, beats }
    }

    /// With all that is wanted in place.
    #[track_caller]
    fn up(name: &str) -> Bench {
        let bench = Bench::new(name, 2000);
        for led in 0..BOARD.leds {
            bench.desk.led(led, wanted(led));
        }
        bench.desk.relay(1, true);
        bench.desk.relay(3, true);
        bench.until("begun", is_as_wanted);
        bench
    }

    #[track_caller]
    fn until(&self, what: &str, is_so: impl Fn(&Seen) -> bool) {
        assert!(self.fake.until(PATIENCE, is_so), "{what}: {:?} {:?}", self.fake.seen(), self.desk.shown());
    }

    /// Everything is as it is wanted, within a second of this moment of the board's clock.
    #[track_caller]
    fn restored(&self, since: Millis) {
        self.restored_within(since, A_SECOND);
    }

    #[track_caller]
    fn restored_within(&self, since: Millis, limit: Millis) {
        self.until("restored", |seen| seen.changed_at >= since && is_as_wanted(seen));
        self.took(since, limit);
    }

    /// The last change took no longer; what the machine held one of the two threads up is not counted.
    #[track_caller]
    fn took(&self, since: Millis, limit: Millis) -> Millis {
        let seen = self.fake.seen();
        let took = seen.changed_at.since(since);
        let held_up = seen.held_up + Millis(self.desk.shown().longest_turn_ms);
        assert!(took <= limit + held_up, "{took:?}, held up for {held_up:?}");
        took
    }

    #[track_caller]
    fn tells(&self, what: &str, is_it: impl Fn(&Event) -> bool) -> Event {
        let begun = Instant::now();
        while let Some(left) = PATIENCE.checked_sub(begun.elapsed()) {
            match self.told.recv_timeout(left) {
                Ok(event) if is_it(&event) => return event,
                Ok(_) => {}
                Err(_) => break,
            }
        }
        panic!("{what} was not told: {:?}", self.desk.shown());
    }
}

/// Until it is so, or patience is at its end.
fn wait(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() && begun.elapsed() < PATIENCE {
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

fn wanted(led: u8) -> Look {
    Line::ALL[usize::from(led) % Line::ALL.len()].look()
}

fn is_as_wanted(seen: &Seen) -> bool {
    seen.relays == 0b1010 && (0..BOARD.leds).all(|led| seen.looks[usize::from(led)] == wanted(led))
}

#[test]
fn a_port_that_was_silent_for_long_enough_to_trip_has_everything_within_a_second() {
    let bench = Bench::up("silent");
    bench.fake.faults(Faults { silent: true, ..Faults::default() });
    bench.until("tripped", |seen| seen.relays == 0);
    bench.tells("tells of it", |event| matches!(event, Event::Down(_)));
    let since = bench.fake.faults(Faults::default());
    bench.restored(since);
    bench.tells("tells of it", |event| *event == Event::Tripped);
}

#[test]
fn a_port_that_was_pulled_out_and_put_in_again_has_everything_within_a_second_of_its_opening() {
    let bench = Bench::up("pulled");
    bench.fake.plug(false);
    bench.until("tripped", |seen| seen.relays == 0);
    wait(|| bench.desk.shown().fault.is_some());
    let fault = bench.desk.shown().fault.expect("a reason");
    assert!(fault.contains("pulled"), "it names the port: {fault}");
    let since = bench.fake.plug(true);
    // It is looked for twice a second; from then on there is a second.
    bench.restored_within(since, A_SECOND + Millis(500));
    assert!(bench.desk.shown().opened >= 2);
}

#[test]
fn a_chip_that_begins_anew_has_everything_within_a_second() {
    let bench = Bench::up("reset");
    let since = bench.fake.reset(Reset::Brownout);
    bench.until("released", |seen| seen.moves.iter().any(|(at, relays)| *at >= since && *relays == 0));
    bench.restored(since);
    bench.tells("the reason", |event| matches!(event, Event::Up { reset: Reset::Brownout, .. }));
}

#[test]
fn noise_moves_no_relay_and_what_is_wanted_during_it_is_there_within_a_second_after_it() {
    let bench = Bench::up("noise");
    let since = bench.fake.faults(Faults { flipped: 60, noise: 40, silent: false });
    wait(|| bench.desk.shown().counters.bad_frames >= 20);
    assert!(bench.desk.shown().counters.bad_frames >= 20, "{:?}", bench.desk.shown());
    let seen = bench.fake.seen();
    let wrong: Vec<_> = seen.moves.iter().filter(|(at, relays)| *at >= since && relays & !0b1010 != 0).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let since = bench.fake.faults(Faults::default());
    bench.desk.relay(0, true);
    bench.until("moved", |seen| seen.relays == 0b1011);
    bench.took(since, A_SECOND);
}

#[test]
fn relays_let_go_within_the_watchdogs_time_when_the_beat_stands_still() {
    let bench = Bench::up("stall");
    let since = bench.fake.now();
    bench.beats.store(false, Relaxed);
    bench.until("released", |seen| seen.relays == 0);
    assert!(bench.took(since, Millis(2000)) >= Millis(1000));
    assert_eq!(bench.fake.seen().looks[0], Appliance::RelayReleased.look());
    let since = bench.fake.now();
    bench.beats.store(true, Relaxed);
    bench.restored(since);
}

#[test]
fn a_service_that_ends_lets_the_relays_go() {
    let Bench { fake, serial, .. } = Bench::up("ended");
    drop(serial);
    assert!(fake.until(PATIENCE, |seen| seen.relays == 0));
}

#[test]
fn the_boards_word_reaches_the_service() {
    let bench = Bench::up("words");
    bench.fake.press(1);
    bench.tells("a press", |event| *event == Event::Pressed { button: 1, times: 1 });
    bench.fake.reading(Reading { temperature_c10: Some(900), supply_mv: Some(9000) });
    bench.tells("heat", |event| matches!(event, Event::Heat(_)));
    let supply = || bench.desk.shown().chip.map(|chip| (chip.board, chip.reading.supply_mv));
    wait(|| supply() == Some((BOARD, Some(9000))));
    assert_eq!(supply(), Some((BOARD, Some(9000))));
    bench.fake.contacts(0, 0b0100);
    bench.desk.today(Date { year: 2026, month: 12, day: 1 });
    let told = bench.tells("the test", |event| matches!(event, Event::SelfTest(_)));
    let Event::SelfTest(report) = told else { panic!("{told:?}") };
    assert!(!report.passed());
    assert_eq!(bench.desk.shown().tested, Some(report));
}

#[test]
fn a_port_that_is_not_there_or_is_none_is_waited_for_and_told() {
    for path in ["/nonexistent/board", "/dev/null", "/etc/passwd"] {
        let setup = Setup { path: path.into(), baud: BAUD, config: config(2000), beat: Box::new(|| 0) };
        let (serial, _told) = Serial::start(setup).expect("a thread");
        let desk = serial.desk();
        wait(|| desk.shown().fault.is_some());
        let fault = desk.shown().fault.expect("a reason");
        assert!(fault.starts_with(path), "{fault}");
    }
}

#[test]
fn a_service_that_takes_no_events_loses_them_counted_and_nothing_else() {
    let bench = Bench::up("full");
    let begun = Instant::now();
    let mut round = 0_u8;
    while bench.desk.shown().events_lost == 0 && begun.elapsed() < PATIENCE {
        round = round.wrapping_add(1);
        bench.fake.press(0);
        std::thread::park_timeout(Duration::from_millis(2));
    }
    assert!(bench.desk.shown().events_lost > 0);
    bench.desk.relay(0, true);
    bench.until("moved", |seen| seen.relays == 0b1011);
}
