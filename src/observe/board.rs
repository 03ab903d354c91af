//! The board controller at one moment: what `GET /board` answers on the control socket, `tipring board status` shows, and
//! the page of metrics has.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tipring_serial::{Desk, Shown};

use super::exposition::Page;
use super::meters::unix_now_s;
use super::names;

/// A board controller, as far as it is looked at.
#[derive(Clone)]
pub struct BoardFace {
    /// Where its thread shows how it is.
    pub desk: Arc<Desk>,
    /// The box's profile.
    pub profile: String,
    /// Its serial port.
    pub port: PathBuf,
    /// What is printed beside the sockets of each relay, as far as the profile tells.
    pub relay_labels: Vec<String>,
    /// The last test of its relays.
    pub tested: Arc<Mutex<Option<Tested>>>,
}

/// A test of all relays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tested {
    /// When it ended, seconds since 1970.
    pub unix_s: i64,
    /// On which day of the box's zone: `2026-12-01`.
    pub day: String,
    /// No relay that has a contact has failed.
    pub passed: bool,
    /// How it went, in words, relay by relay.
    pub outcomes: Vec<String>,
}

/// The board controller at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BoardState {
    /// The box's profile.
    pub profile: String,
    /// Its serial port.
    pub port: String,
    /// `up`, `silent`, `refused`, `closed`.
    pub link: String,
    /// Why there is no port, if there is none.
    pub fault: Option<String>,
    /// Version of its program.
    pub firmware: Option<String>,
    /// LEDs that it has.
    pub leds: u8,
    /// Relays, from zero: true, the box has the line; false, it is connected straight through.
    pub relays: Vec<bool>,
    /// What is printed beside the sockets of each relay, as far as the profile tells.
    pub relay_labels: Vec<String>,
    /// The watchdog has food.
    pub fed: bool,
    /// The watchdog has released the relays and they are so still.
    pub tripped: bool,
    /// How often it has since the controller began.
    pub trips: u16,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
    /// Volts.
    pub supply: Option<f64>,
    /// `normal`, `warm`, `hot`; empty: not known.
    pub heat: String,
    /// `normal`, `low`, `high`; empty: not known.
    pub supply_is: String,
    /// The last test of the relays.
    pub tested: Option<Tested>,
    /// What went wrong on its line, by name.
    pub counters: Vec<(String, u64)>,
}

impl BoardFace {
    /// Now.
    pub fn state(&self) -> BoardState {
        let shown = self.desk.shown();
        let tested = self.tested.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let state = BoardState {
            profile: self.profile.clone(),
            port: self.port.display().to_string(),
            relay_labels: self.relay_labels.clone(),
            link: shown.link.into(),
            fault: shown.fault.clone(),
            tested,
            counters: counted(&shown).into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect(),
            ..BoardState::default()
        };
        let Some(chip) = shown.chip else { return state };
        let [major, minor, patch] = chip.board.firmware;
        let status = chip.state.status;
        BoardState {
            firmware: Some(format!("{major}.{minor}.{patch}")),
            leds: chip.board.leds,
            relays: (0..chip.board.relays.min(8)).map(|relay| status.energised & (1 << relay) != 0).collect(),
            fed: status.fed,
            tripped: status.tripped,
            trips: chip.state.trips,
            temperature: chip.reading.temperature_c10.map(|tenths| f64::from(tenths) / 10.0),
            supply: chip.reading.supply_mv.map(|mv| f64::from(mv) / 1000.0),
            heat: chip.reading.temperature_c10.map(|_| chip.heat.word().into()).unwrap_or_default(),
            supply_is: chip.reading.supply_mv.map(|_| chip.supply.word().into()).unwrap_or_default(),
            ..state
        }
    }

    /// Its counters, for the page of every counter.
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        counted(&self.desk.shown())
    }
}

fn counted(shown: &Shown) -> Vec<(&'static str, u64)> {
    let mut counters = shown.counters.named().to_vec();
    counters.extend([("events_lost", shown.events_lost), ("opened", shown.opened)]);
    counters
}

/// On the page of metrics: at most sixteen series.
pub(super) fn metrics(page: &mut Page, state: &BoardState) {
    let truth = |it: bool| f64::from(u8::from(it));
    page.single(&names::BOARD_LINK, truth(state.link == "up"));
    page.head(&names::BOARD_RELAY);
    for (relay, energised) in state.relays.iter().enumerate() {
        page.sample(&names::BOARD_RELAY, &[&relay.to_string()], truth(*energised));
    }
    page.single(&names::BOARD_FED, truth(state.fed));
    page.single(&names::BOARD_TRIPS, state.trips.into());
    if let Some(celsius) = state.temperature {
        page.single(&names::BOARD_TEMPERATURE, celsius);
    }
    if let Some(volts) = state.supply {
        page.single(&names::BOARD_SUPPLY, volts);
    }
    if let Some(tested) = &state.tested {
        page.single(&names::BOARD_TEST_PASSED, truth(tested.passed));
        page.single(&names::BOARD_TEST_AGE, (unix_now_s() - tested.unix_s).max(0) as f64);
    }
}
