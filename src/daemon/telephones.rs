//! The far end of a scenario: a wire, an exchange on it, a telephone for each call. It knows which telephone a call of
//! ours belongs to, and tells afterwards what each one heard.

use std::path::Path;

use tipring_card::{Cause, Micros, SpanId};
use tipring_dsp::{alaw_decode, dbm0_of};
use tipring_resources::{Call, Sid};
use tipring_sim::{Exchange, ExchangeConfig, Faults, Planned, Side, SimCard, Trouble, Wire, WireConfig};

use super::scenario::{Expect, Scenario};

/// Sound is what is louder than this, block by block.
const SOUND_DBM0: f32 = -45.0;
/// A scenario's time zero: the link is up by then and the box has restarted every channel.
pub const LINE_READY: Micros = Micros::from_ms(2_500);
/// A wire moves in whole milliseconds.
const STEP_US: u64 = 1_000;

/// All telephones of a scenario.
pub struct Telephones {
    wire: Wire,
    exchange: Exchange,
    rings: Vec<Ring>,
    by_sid: Vec<(Sid, usize)>,
}

struct Ring {
    id: String,
    from: Option<String>,
    restricted: bool,
    to: String,
    expect: Expect,
}

/// What came of one telephone's call.
pub struct Report {
    /// As the scenario names it; `-2`, `-3`… behind it for repeated ones.
    pub id: String,
    /// What was expected of it.
    pub expect: Expect,
    /// Q.850 cause of the end as the exchange knows it.
    pub cause: Option<u8>,
    /// All that was heard, G.711 A-law.
    pub heard: Vec<u8>,
    /// How much of it was sound.
    pub sound_ms: u64,
    /// From the ring to the answer.
    pub answered_after_ms: Option<u64>,
    /// From the answer to the first sound.
    pub first_sound_ms: Option<u64>,
    /// Steps done, and how each ended.
    pub steps: Vec<String>,
}

impl Telephones {
    /// The wire and the exchange of a scenario; every call is arranged.
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self, String> {
        let wire = Wire::new(WireConfig {
            spans: u16::from(scenario.spans),
            seed,
            faults: faults(scenario),
            ..WireConfig::default()
        });
        let starts_at = Micros::from_ms(scenario.faults.exchange_late_ms);
        let config = ExchangeConfig { starts_at, keeps_trace: false, ..ExchangeConfig::default() };
        let mut exchange = Exchange::new(wire.far(), config);
        let mut rings = Vec::new();
        for call in scenario.call.iter().map(toml::Spanned::get_ref) {
            for n in 0..call.times {
                let id = if n == 0 { call.id.clone() } else { format!("{}-{}", call.id, n + 1) };
                rings.push(Ring {
                    id: id.clone(),
                    from: call.from.clone(),
                    restricted: call.restricted,
                    to: call.to.clone(),
                    expect: call.expect.clone(),
                });
                let arranged = exchange.ring(tipring_sim::Call {
                    id,
                    at: LINE_READY + Micros::from_ms(call.at_ms + u64::from(n) * call.every_ms),
                    from: call.from.clone(),
                    name: call.name.clone(),
                    restricted: call.restricted,
                    to: call.to.clone(),
                    steps: call.does.clone(),
                    ..tipring_sim::Call::default()
                });
                arranged.map_err(|error| error.to_string())?;
            }
        }
        Ok(Telephones { wire, exchange, rings, by_sid: Vec::new() })
    }

    /// The box's card.
    pub fn near(&self) -> SimCard {
        self.wire.near()
    }

    /// Lets the far end live up to a moment.
    pub fn step(&mut self, now: Micros) {
        let whole = Micros(now.0 / STEP_US * STEP_US);
        self.wire.step(whole);
        self.exchange.step(whole);
    }

    /// When the far end has something to do of itself.
    pub fn deadline(&self) -> Option<Micros> {
        // Rounded up to the wire's next step.
        self.exchange.deadline().map(|at| Micros(at.0.div_ceil(STEP_US) * STEP_US))
    }

    /// Whether every call has rung and is over.
    pub fn all_done(&self) -> bool {
        self.exchange.is_idle()
    }

    /// Which telephone a call of ours belongs to. Calls of the same numbers come in the order in which they rang.
    pub fn of_call(&mut self, call: &Call) -> Option<usize> {
        if let Some((_, at)) = self.by_sid.iter().find(|(sid, _)| *sid == call.sid) {
            return Some(*at);
        }
        let taken = |at: usize| self.by_sid.iter().any(|(_, taken)| *taken == at);
        // A withheld number is kept nowhere.
        let from = |ring: &Ring| if ring.restricted { String::new() } else { ring.from.clone().unwrap_or_default() };
        let fits = |ring: &Ring| ring.to == call.to_raw && from(ring) == call.from_raw;
        let rung = |ring: &Ring| self.exchange.call(&ring.id).is_some();
        let at = (0..self.rings.len()).find(|&at| !taken(at) && fits(&self.rings[at]) && rung(&self.rings[at]))?;
        self.by_sid.push((call.sid, at));
        Some(at)
    }

    /// What came of every call, in the order of the scenario.
    pub fn reports(&self) -> Vec<Report> {
        self.rings.iter().map(|ring| self.report(ring)).collect()
    }

    fn report(&self, ring: &Ring) -> Report {
        let call = self.exchange.call(&ring.id);
        let phone = call.map(|call| &call.phone);
        let heard = phone.map(|phone| phone.heard().to_vec()).unwrap_or_default();
        let first = phone.and_then(tipring_sim::Phone::first_sound_at);
        let connected = call.and_then(|call| call.connected_at);
        let steps = phone.map(|phone| phone.steps_ended().iter().map(|step| format!("{step:?}")).collect());
        Report {
            id: ring.id.clone(),
            expect: ring.expect.clone(),
            cause: call.and_then(|call| call.cause).map(|Cause(cause)| cause),
            sound_ms: sound_ms(&heard),
            answered_after_ms: call.and_then(|call| Some(call.connected_at?.since(call.began_at).as_ms())),
            first_sound_ms: first.zip(connected).map(|(first, connected)| first.since(connected).as_ms()),
            steps: steps.unwrap_or_default(),
            heard,
        }
    }
}

/// Milliseconds of sound in G.711 A-law octets.
pub fn sound_ms(heard: &[u8]) -> u64 {
    let loud = |block: &&[u8]| {
        let samples: Vec<i16> = block.iter().map(|&octet| alaw_decode(octet)).collect();
        dbm0_of(&samples) > SOUND_DBM0
    };
    heard.chunks_exact(80).filter(loud).count() as u64 * 10
}

/// Writes G.711 A-law octets as a WAV of 16-bit samples.
pub fn write_wav(file: &Path, octets: &[u8]) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec)?;
    for &octet in octets {
        writer.write_sample(alaw_decode(octet))?;
    }
    writer.finalize()
}

fn faults(scenario: &Scenario) -> Faults {
    let wanted = scenario.faults;
    let mut planned = Vec::new();
    if let Some(at) = wanted.span_down_at_ms {
        let what = Trouble::SpanAlarm { span: SpanId(1), lasts: Micros::from_ms(wanted.span_down_for_ms) };
        planned.push(Planned { at: Micros::from_ms(at), what });
    }
    if let Some(at) = wanted.d_channel_down_at_ms {
        let what = Trouble::FramesVanish { span: SpanId(1), lasts: Micros::from_ms(wanted.d_channel_down_for_ms) };
        planned.push(Planned { at: Micros::from_ms(at), what });
    }
    if let Some(at) = wanted.card_gone_at_ms {
        planned.push(Planned { at: Micros::from_ms(at), what: Trouble::Remove(Side::Near) });
    }
    let frame_loss_ppm = 1_000_000_u32.checked_div(wanted.frame_loss_one_in).unwrap_or(0);
    Faults { frame_loss_ppm, planned, ..Faults::default() }
}
