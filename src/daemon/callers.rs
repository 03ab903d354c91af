//! Callers who ring again as soon as their call is over, for proofs that want calls under way at every moment
//! (`tipring dev --calls N`). Each whistles for twenty seconds and hangs up, unless the box ends the call before.
//! Beside the timeline it is told how far the line's own clock has come: what was said on the line until then is known
//! from that, however slow the host is. Not here: who answers them.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tipring_card::Micros;
use tipring_sim::{Call, CallReport, Exchange, Office, Step, Wire};
use tokio::sync::broadcast::error::RecvError;

use super::serve::{Service, StartError};
use super::telephones::LINE_READY;
use super::timeline::Timeline;

/// At most as many as an E1 has B channels.
pub const CALLERS_MAX: u8 = 30;
/// What each says: a tone this long.
const TONE_MS: u32 = 20_000;
/// A caller whose call is over rings again after this long.
const PAUSE: Micros = Micros::from_ms(100);
/// An analogue line rests longer: the box lets it, and hears no ring meanwhile.
const ANALOG_PAUSE: Micros = Micros::from_ms(2_500);
/// How often the line's clock is told, and callers who are done are looked for.
const EVERY: Duration = Duration::from_millis(50);

/// The callers of both kinds of lines.
pub struct Callers {
    exchange: Arc<Mutex<Exchange>>,
    office: Arc<Mutex<Office>>,
    wire: Wire,
    number: String,
}

impl Callers {
    /// Callers of `number`; nobody rings yet.
    pub fn new(exchange: Arc<Mutex<Exchange>>, office: Arc<Mutex<Office>>, wire: Wire, number: &str) -> Self {
        Callers { exchange, office, wire, number: number.into() }
    }

    /// `count` of them, and `analog` on analogue lines, ring as soon as the line is ready, and again and again, until
    /// Ctrl-C. Calls that the box makes meanwhile disturb nobody.
    pub async fn run<W: Write>(
        &self,
        count: u8,
        analog: u8,
        service: &Service,
        timeline: &mut Timeline<W>,
    ) -> Result<(), StartError> {
        let mut traces = service.live.traces();
        for caller in 0..count.min(CALLERS_MAX) {
            self.ring(caller, self.wire.now() + LINE_READY)?;
        }
        for caller in 0..analog.min(CALLERS_MAX) {
            self.ring_analog(caller, self.wire.now() + LINE_READY)?;
        }
        timeline.object(&json!({"ready": true}));
        timeline.flush();
        let mut every = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(()),
                _ = every.tick() => {
                    self.ring_again()?;
                    timeline.object(&json!({"wire_ms": self.wire.now().as_ms()}));
                }
                trace = traces.recv() => match trace {
                    Ok(trace) => timeline.trace(&trace),
                    Err(RecvError::Lagged(missed)) => timeline.note(0, &format!("{missed} lines were missed")),
                    Err(RecvError::Closed) => return Ok(()),
                },
            }
            timeline.flush();
        }
    }

    /// Whoever is done rings again.
    fn ring_again(&self) -> Result<(), StartError> {
        let done = self.exchange.lock().map_err(|_| stopped())?.take_finished();
        for caller in done.iter().filter_map(caller_of) {
            self.ring(caller, self.wire.now() + PAUSE)?;
        }
        let done = self.office.lock().map_err(|_| stopped())?.take_finished();
        for caller in done.iter().filter_map(caller_of) {
            self.ring_analog(caller, self.wire.now() + ANALOG_PAUSE)?;
        }
        Ok(())
    }

    fn ring_analog(&self, caller: u8, at: Micros) -> Result<(), StartError> {
        let mut office = self.office.lock().map_err(|_| stopped())?;
        let line = office.lines().nth(usize::from(caller));
        let call = Call { line, ..call(caller, at, "20255502", "") };
        office.ring(call).map_err(|error| StartError { exit: 1, text: error.to_string() })
    }

    fn ring(&self, caller: u8, at: Micros) -> Result<(), StartError> {
        let call = call(caller, at, "20255501", &self.number);
        let rung = self.exchange.lock().map_err(|_| stopped())?.ring(call);
        rung.map_err(|error| StartError { exit: 1, text: error.to_string() })
    }
}

/// Who made a call; `None`: the box did, a telephone was called.
fn caller_of(report: &CallReport) -> Option<u8> {
    report.id.parse().ok()
}

/// A caller's call.
fn call(caller: u8, at: Micros, from: &str, to: &str) -> Call {
    Call {
        id: caller.to_string(),
        at,
        from: Some(format!("{from}{caller:02}")),
        to: to.into(),
        steps: vec![
            Step::AwaitAnswer { limit_ms: 30_000 },
            Step::Tone { hz: 440.0, ms: TONE_MS, level_dbm0: -12.0 },
            Step::hangup(),
        ],
        ..Call::default()
    }
}

fn stopped() -> StartError {
    StartError { exit: 1, text: "the simulated exchange stopped".into() }
}
