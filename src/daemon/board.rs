//! The board controller in the service: its watchdog gets the media thread's beat, its LEDs show the lines, its relays are
//! energised while the box drives what they take from it, what it tells goes to the log. A board that is not there stops
//! nothing. The thread on its port is `tipring_serial`'s; here is the task that tells it what is wanted.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tipring_lines::Gauges;
use tipring_serial::controller::host::{self, Date, Event, Limits, Policy, Report};
use tipring_serial::controller::words::MAX_RELAYS;
use tipring_serial::{Desk, Serial, Setup};
use tokio::task::JoinHandle;

use super::conductor::Live;
use super::lamps::Condition;
use super::run::write_secret;
use super::serve::{StartError, failed, random};
use super::sockets::{Back, Holding, Sockets};
use crate::config::{Board as BoardConfig, Config, SelfTest};
use crate::observe::board::{BoardFace, Tested};
use crate::observe::{Observer, events};

/// How often it is looked what cards there are.
const CARDS_EVERY: Duration = Duration::from_secs(10);
/// How often LEDs follow lines, and events are told.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A media thread that has not turned for so long stands still: without a card's clock it turns once a second.
const STILL: Duration = Duration::from_millis(1500);
/// At the end the relays are released, and it is waited for so long that they are.
const RELEASE: Duration = Duration::from_millis(500);
/// The conductor tells within this how many calls are up; else it is taken that some are.
const ANSWERS: Duration = Duration::from_secs(1);
/// The file of the last test in the state directory, and its most octets.
const TESTED: &str = "board.json";
const TESTED_OCTETS: u64 = 4096;

/// The board controller of a running service. Dropping it ends its thread.
pub struct Board {
    serial: Serial,
    told: Option<Receiver<Event>>,
    face: BoardFace,
    file: PathBuf,
    back: Back,
    task: Option<JoinHandle<()>>,
}

impl Board {
    /// Starts its thread, if one is configured: by its port, or by a profile that is named and knows the port.
    pub fn start(config: &Config, back: &Back, gauges: Option<Arc<Gauges>>) -> Result<Option<Board>, StartError> {
        let BoardConfig { profile, mut port, watchdog_ms, self_test } = config.board.clone();
        if port.as_os_str().is_empty() && profile.is_empty() {
            return Ok(None);
        }
        let serial = back.serial();
        if port.as_os_str().is_empty() {
            let Some(of_profile) = serial else { return Ok(None) };
            port = PathBuf::from(&of_profile.device);
        }
        let baud = serial.map_or(tipring_serial::BAUD, |of_profile| of_profile.baud);
        let file = config.this.state_dir.join(TESTED);
        let tested = read(&file);
        let has_card = gauges.is_some();
        let beat = move || gauges.as_ref().map_or(0, |gauges| gauges.beat());
        let config = host::Config {
            service: u32::from_le_bytes(random()?),
            first_session: u16::from_le_bytes(random()?),
            watchdog_ms,
            self_test: match self_test {
                SelfTest::Monthly => Policy::Monthly,
                SelfTest::Never => Policy::Never,
            },
            last_test: tested.as_ref().and_then(|tested| date_of(&tested.day)),
            limits: Limits::default(),
        };
        let started = Serial::start(Setup { path: port.clone(), baud, config, beat: Box::new(beat) });
        let (serial, told) = started.map_err(|error| failed("the board controller's thread")(&error))?;
        let desk = serial.desk();
        let held = back.look().held(&[], has_card);
        (0..MAX_RELAYS as u8).for_each(|relay| desk.relay(relay, held & (1 << relay) != 0));
        let (profile, relay_labels) = (back.id().to_owned(), back.relay_labels());
        let face = BoardFace { desk, profile, port, relay_labels, tested: Arc::new(Mutex::new(tested)) };
        Ok(Some(Board { serial, told: Some(told), face, file, back: back.clone(), task: None }))
    }

    /// How it is looked at.
    pub fn face(&self) -> BoardFace {
        self.face.clone()
    }

    /// Begins to tell it of the box, on the current runtime.
    pub fn look_after(&mut self, gauges: Option<Arc<Gauges>>, live: Live, observer: Observer) {
        let Some(told) = self.told.take() else { return };
        let keeper = Keeper {
            desk: self.serial.desk(),
            told: Mutex::new(told),
            face: self.face.clone(),
            file: self.file.clone(),
            back: self.back.clone(),
            sockets: Sockets::default(),
            holding: Holding::default(),
            gauges,
            live,
            observer,
            beat: (0, Instant::now()),
        };
        self.task = Some(tokio::spawn(keeper.run()));
    }

    /// The service ends: the lines are given away, and not only when the watchdog finds out. May wait; not on the runtime.
    pub fn release(self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        let desk = self.serial.desk();
        (0..MAX_RELAYS as u8).for_each(|relay| desk.relay(relay, false));
        let until = Instant::now() + RELEASE;
        let is_released = || desk.shown().chip.is_none_or(|chip| chip.state.status.energised == 0);
        while !is_released() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The task.
struct Keeper {
    desk: Arc<Desk>,
    /// Only for the task's own sake: a receiver by itself cannot be carried from thread to thread.
    told: Mutex<Receiver<Event>>,
    face: BoardFace,
    file: PathBuf,
    back: Back,
    /// As they were when it was last looked.
    sockets: Sockets,
    holding: Holding,
    gauges: Option<Arc<Gauges>>,
    live: Live,
    observer: Observer,
    /// The media thread's beat, and when it last rose.
    beat: (u64, Instant),
}

impl Keeper {
    async fn run(mut self) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut look_at = Instant::now();
        loop {
            every.tick().await;
            if Instant::now() >= look_at {
                look_at = Instant::now() + CARDS_EVERY;
                let back = self.back.clone();
                if let Ok(sockets) = tokio::task::spawn_blocking(move || back.look()).await {
                    self.sockets = sockets;
                }
            }
            let calls = tokio::time::timeout(ANSWERS, self.live.live_calls()).await.unwrap_or(1);
            self.desk.calls(u32::try_from(calls).unwrap_or(u32::MAX));
            self.desk.today(today());
            let ready = self.observer.is_ready().await.is_good();
            self.light(ready);
            for event in self.events() {
                self.tell(event);
            }
        }
    }

    fn events(&self) -> Vec<Event> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // No more than the channel holds.
        told.try_iter().take(256).collect()
    }

    fn light(&mut self, ready: bool) {
        let spans = self.gauges.as_ref().map(|gauges| gauges.spans()).unwrap_or_default();
        let still = self.gauges.as_ref().is_some_and(|gauges| {
            let beat = gauges.beat();
            if beat != self.beat.0 {
                self.beat = (beat, Instant::now());
            }
            self.beat.1.elapsed() > STILL
        });
        let released = self.desk.shown().chip.is_some_and(|chip| chip.state.status.tripped);
        let looks = self.sockets.looks(Condition { ready, still, released }, &spans);
        for (led, look) in (0..).zip(looks) {
            self.desk.led(led, look);
        }
        let held = self.holding.turn(self.sockets.held(&spans, self.gauges.is_some()), Instant::now());
        (0..MAX_RELAYS as u8).for_each(|relay| self.desk.relay(relay, held & (1 << relay) != 0));
    }

    /// Into the log.
    fn tell(&self, event: Event) {
        let port = self.face.port.display();
        let (lost, back) = (events::BOARD_LOST.id, events::BOARD_BACK.id);
        let (fault, released) = (events::BOARD_FAULT.id, events::RELAYS_RELEASED.id);
        match event {
            Event::Up { reset, version, board } => {
                let [major, minor, patch] = board.firmware;
                let reset = reset.word();
                tracing::info!(
                    "board controller {major}.{minor}.{patch} speaks version {version}; last reset: {reset}"
                );
            }
            Event::Restored { after_ms } => {
                tracing::info!(message_id = back, "the board is as it is to be, {after_ms} ms after it answered");
            }
            Event::Down(why) => {
                let reason = match why {
                    host::Down::Restarted(reset) => format!(" ({})", reset.word()),
                    _ => String::new(),
                };
                tracing::warn!(message_id = lost, "{port}: {}{reason}", why.text());
            }
            Event::Refused { ours: [oldest, newest], theirs: [their_oldest, their_newest] } => tracing::error!(
                message_id = lost,
                "{port}: the board controller speaks versions {their_oldest} to {their_newest} of the protocol, tipring \
                 {oldest} to {newest}: one of the two needs another program"
            ),
            Event::Echo => tracing::error!(
                message_id = fault,
                "{port}: the line gives back what is sent: it is another port, or its two wires are joined"
            ),
            Event::Tripped => tracing::error!(
                message_id = released,
                "the board's watchdog has released the relays: the lines are connected straight through"
            ),
            Event::Relays(bits) => tracing::info!("relays of the board that are energised: {}", relays(bits)),
            Event::Fed(_) => {}
            Event::ContactDisagrees { relay, energised } => {
                let (told, does) = if energised { ("energised", "did not") } else { ("released", "does not let go") };
                tracing::error!(message_id = fault, "relay {relay} was {told} and {does}: its contact says so");
            }
            Event::NotDone { kind, reason } => {
                tracing::warn!("the board controller refused a command of kind {kind:#04x}: {}", reason.word());
            }
            Event::Pressed { button, times } => tracing::info!("button {button} of the board was pressed ({times})"),
            Event::Heat(host::Heat::Normal) => tracing::info!("the board is no longer too warm"),
            Event::Heat(heat) => tracing::warn!(message_id = fault, "the board is {}", heat.word()),
            Event::Supply(host::Supply::Normal) => tracing::info!("the board's supply is in order again"),
            Event::Supply(supply) => tracing::warn!(message_id = fault, "the board's supply is too {}", supply.word()),
            Event::SelfTestWaits => tracing::info!("the test of the relays waits until nobody is on the phone"),
            Event::SelfTest(report) => self.tested(&report),
        }
    }

    /// Keeps the result of a test: it is not done again this month, whoever restarts the service.
    fn tested(&self, report: &Report) {
        let Date { year, month, day } = report.day.unwrap_or_else(today);
        let words = report.outcomes.iter().flatten().map(|outcome| outcome.word().to_owned());
        let tested = Tested {
            unix_s: super::serve::now().0 / 1_000_000,
            day: format!("{year:04}-{month:02}-{day:02}"),
            passed: report.passed(),
            outcomes: words.collect(),
        };
        match tested.passed {
            true => tracing::info!("the relays of the board have passed their test"),
            false => tracing::error!(
                message_id = events::BOARD_FAULT.id,
                "the relays of the board have not passed their test: {}",
                tested.outcomes.iter().enumerate().map(|(n, it)| format!("{n} {it}")).collect::<Vec<_>>().join(", ")
            ),
        }
        let written = serde_json::to_string(&tested).map_err(std::io::Error::from);
        if let Err(error) = written.and_then(|text| write_secret(&self.file, &text)) {
            tracing::warn!("{}: {error}; the relays are tested again after the next start", self.file.display());
        }
        *self.face.tested.lock().unwrap_or_else(PoisonError::into_inner) = Some(tested);
    }
}

fn relays(bits: u8) -> String {
    match (0..8).filter(|relay| bits & (1 << relay) != 0).map(|relay: u8| relay.to_string()).collect::<Vec<_>>() {
        none if none.is_empty() => "none".into(),
        some => some.join(", "),
    }
}

/// In the zone of the box.
fn today() -> Date {
    let now = jiff::Timestamp::from_millisecond(super::serve::now().0 / 1000).unwrap_or_default();
    let today = now.to_zoned_datetime(jiff::tz::TimeZone::system()).date();
    let part = |part: i8| u8::try_from(part).unwrap_or(1);
    Date { year: u16::try_from(today.year()).unwrap_or(0), month: part(today.month()), day: part(today.day()) }
}

/// `2026-12-01`
fn date_of(text: &str) -> Option<Date> {
    let date: jiff::civil::Date = text.parse().ok()?;
    let part = |part: i8| u8::try_from(part).ok();
    Some(Date { year: u16::try_from(date.year()).ok()?, month: part(date.month())?, day: part(date.day())? })
}

/// The last test that was kept. What cannot be read was none: a test too many does no harm.
fn read(file: &Path) -> Option<Tested> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(file).ok()?.take(TESTED_OCTETS).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok().filter(|tested: &Tested| date_of(&tested.day).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_they_are_written_and_rubbish_is_none() {
        assert_eq!(date_of("2026-02-28"), Some(Date { year: 2026, month: 2, day: 28 }));
        assert_eq!(["2026-02-30", "", "today", "-0001-01-01"].map(date_of), [None; 4]);
    }

    #[test]
    fn relays_are_named() {
        assert_eq!((relays(0), relays(0b1000_0101)), ("none".into(), "0, 2, 7".into()));
    }

    #[test]
    fn a_file_that_is_not_there_or_is_rubbish_is_no_test() {
        let dir = super::super::outcome::ScratchDir::new().expect("a folder");
        let file = dir.path.join(TESTED);
        assert_eq!(read(&file), None);
        for text in ["", "{", "[]", "{\"day\": 7}", "\u{0}"] {
            std::fs::write(&file, text).expect("written");
            assert_eq!(read(&file), None, "{text:?}");
        }
        let tested = Tested { unix_s: 7, day: "2026-12-01".into(), passed: true, outcomes: vec!["passed".into()] };
        write_secret(&file, &serde_json::to_string(&tested).expect("JSON")).expect("written");
        assert_eq!(read(&file), Some(tested));
    }
}
