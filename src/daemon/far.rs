//! The far end of a simulated card in real time: an E1 and two analogue lines on one wire, an exchange for each kind, and
//! telephones that answer whoever calls. It lives on the host's clock.

use std::sync::{Arc, Mutex};

use tipring_card::{Law, Micros};
use tipring_dsp::mu_to_a;
use tipring_sim::{
    Exchange, ExchangeConfig, Office, OfficeConfig, Reply, Step, Subscriber, WallClock, Wire, WireConfig,
};

use super::serve::StartError;
use super::settings::zone;

/// Analogue lines of the simulated card.
pub const ANALOG_LINES: u16 = 2;
/// The numbers of those lines.
pub const LINE_NUMBERS: [&str; ANALOG_LINES as usize] = ["12025550171", "12025550172"];
/// The number of the simulated callers.
pub const CALLER: &str = "2025550100";
/// And their name.
pub const CALLER_NAME: &str = "A CALLER";
/// The country whose tones and numbers they have.
pub(super) const COUNTRY: &str = "us";
/// A called telephone on the E1 rings so long, and listens at most so long.
const RINGS: Micros = Micros::from_ms(1_000);
const LISTENS_MS: u32 = 600_000;
/// A called telephone on an analogue line rings once.
const ANALOG_RINGS: Micros = Micros::from_ms(2_500);

/// Wire, exchanges and the clock that turns them. Dropping it stops the clock.
pub(super) struct FarEnd {
    pub(super) wire: Wire,
    pub(super) exchange: Arc<Mutex<Exchange>>,
    pub(super) office: Arc<Mutex<Office>>,
    _clock: WallClock,
}

impl FarEnd {
    /// Starts the clock.
    pub(super) fn start() -> Result<FarEnd, StartError> {
        let wire = Wire::new(WireConfig { analog_ports: ANALOG_LINES, ..WireConfig::default() });
        let listens = vec![Step::AwaitHangup { limit_ms: LISTENS_MS }];
        let everybody =
            |rings, steps| vec![Subscriber { number: String::new(), reply: Reply::Answer { rings, steps } }];
        let exchange = Exchange::new(
            wire.far(),
            ExchangeConfig {
                subscribers: everybody(RINGS, listens),
                tones: Some(zone(COUNTRY)),
                ..ExchangeConfig::default()
            },
        );
        let office = Office::new(
            wire.far(),
            OfficeConfig {
                zone: zone(COUNTRY),
                // A trunk prefix and ten digits.
                number_length: Some(11),
                line_numbers: LINE_NUMBERS.iter().zip(1..).map(|(number, line)| ((*number).into(), line)).collect(),
                subscribers: everybody(ANALOG_RINGS, answers_and_hangs_up()),
                ..OfficeConfig::default()
            },
        );
        let (exchange, office) = (Arc::new(Mutex::new(exchange)), Arc::new(Mutex::new(office)));
        let turning = (exchange.clone(), office.clone());
        let clock = wire.run_wall(move |now| {
            if let (Ok(mut exchange), Ok(mut office)) = (turning.0.lock(), turning.1.lock()) {
                exchange.step(now);
                office.step(now);
            }
        });
        let clock =
            clock.map_err(|error| StartError { exit: 1, text: format!("the simulated line's clock: {error}") })?;
        Ok(FarEnd { wire, exchange, office, _clock: clock })
    }

    /// A telephone of the E1 calls a number.
    pub(super) fn ring(&self, id: &str, to: &str, at: Micros, steps: Vec<Step>) -> Result<(), StartError> {
        let call = tipring_sim::Call {
            id: id.into(),
            at,
            from: Some(CALLER.into()),
            name: Some(CALLER_NAME.into()),
            to: to.into(),
            steps,
            ..tipring_sim::Call::default()
        };
        let ring = |exchange: &mut Exchange| exchange.ring(call).map_err(|error| error.to_string());
        let rung =
            self.exchange.lock().map_err(|_| "the exchange stopped".to_string()).and_then(|mut it| ring(&mut it));
        rung.map_err(|text| StartError { exit: 1, text })
    }

    /// Whether every call is over.
    pub(super) fn is_idle(&self) -> bool {
        self.exchange.lock().is_ok_and(|exchange| exchange.is_idle())
            && self.office.lock().is_ok_and(|office| office.is_idle())
    }

    /// What a telephone of the E1 heard, A-law.
    pub(super) fn heard(&self, id: &str) -> Vec<u8> {
        let heard = |exchange: &Exchange| exchange.call(id).map(|call| call.phone.heard().to_vec());
        self.exchange.lock().ok().and_then(|exchange| heard(&exchange)).unwrap_or_default()
    }

    /// What the first telephone that was called over an analogue line heard, A-law.
    pub(super) fn heard_by_called(&self) -> Vec<u8> {
        let Ok(office) = self.office.lock() else {
            return Vec::new();
        };
        let Some(call) = office.call("in-1") else {
            return Vec::new();
        };
        match call.phone.law() {
            Law::A => call.phone.heard().to_vec(),
            Law::Mu => call.phone.heard().iter().map(|&octet| mu_to_a(octet)).collect(),
        }
    }

    /// What the far end saw of a call that did not go as it should.
    pub(super) fn explain(&self, ids: &[&str]) {
        let (Ok(exchange), Ok(office)) = (self.exchange.lock(), self.office.lock()) else {
            return;
        };
        let known = ids.iter().filter_map(|id| exchange.call(id)).chain(office.call("in-1"));
        for call in known {
            let cause = call.cause.map(|cause| format!("{} ({})", cause.text(), cause.0));
            eprintln!("tipring: {} as the exchange saw it: {cause:?} by {:?}", call.id, call.by);
            for step in call.phone.steps_ended() {
                eprintln!("tipring:   the telephone: {step:?}");
            }
        }
        for lines in [exchange.trace(), office.trace()] {
            for line in lines.iter().rev().take(20).rev() {
                eprintln!("tipring:   {:>9.3} {}", line.at.0 as f64 / 1e6, line.text);
            }
        }
    }
}

/// What the telephone of the demonstration's second call does: a word, a listen, and down with the receiver.
fn answers_and_hangs_up() -> Vec<Step> {
    vec![
        Step::Tone { hz: 740.0, ms: 1_500, level_dbm0: -12.0 },
        Step::AwaitSound { limit_ms: 10_000 },
        Step::AwaitQuiet { ms: 1_000, limit_ms: 10_000 },
        Step::hangup(),
    ]
}
