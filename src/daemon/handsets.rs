//! Telephones on ports of the box: what a scenario says of them, how they live through it, and what each of them saw. How
//! the box rings them and takes their digits is decided in the box; what a telephone does by itself, in `tipring_sim`.

use serde::Deserialize;
use tipring_card::{BLOCK_US, Card, ChannelInfo, Micros, Signalling};
use tipring_sim::{Step, Wire};

use super::scenario::Scenario;
use super::telephones::{LINE_READY, of_a_law};
use crate::config::TelephoneCallerId;

/// Telephones of one scenario: a card of three modules of eight ports.
const MAX_TELEPHONES: usize = 24;

/// `[[telephone]]`: a telephone on a port of the box; the first entry is port 1.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telephone {
    /// For people, and the name of its WAV.
    pub id: String,
    /// Shown as the caller of its calls.
    pub number: String,
    /// How it is told who calls.
    pub caller_id: TelephoneCallerId,
    /// Is lifted at this moment, as for `[[call]]`…
    pub lifts_at_ms: Option<u64>,
    /// …or at the beginning of this ring, from 1; without either it rings and nobody comes.
    pub answers_ring: Option<usize>,
    /// What it does when it is lifted, in order; then it is put down.
    pub does: Vec<Step>,
}

impl Telephone {
    /// Why it makes no sense.
    pub fn complaint(&self) -> Option<String> {
        let why = match (self.lifts_at_ms, self.answers_ring) {
            _ if self.id.is_empty() => "an id".to_owned(),
            (Some(_), Some(_)) => "either lifts_at_ms or answers_ring".to_owned(),
            (None, None) if !self.does.is_empty() => "lifts_at_ms or answers_ring, for what it does".to_owned(),
            (_, Some(0)) => "answers_ring: 1 is the first ring".to_owned(),
            _ => self.does.iter().find_map(Step::complaint)?,
        };
        Some(format!("telephone {}: {why}", self.id))
    }
}

/// Why the telephones of a scenario make no sense.
pub(super) fn complaint(telephones: &[Telephone]) -> Option<String> {
    let many = (telephones.len() > MAX_TELEPHONES).then(|| format!("telephone: at most {MAX_TELEPHONES}"));
    many.or_else(|| telephones.iter().find_map(Telephone::complaint))
}

/// The ports as the box is told of them: a span of their own, behind the E1s and the analogue lines.
pub(super) fn ports(scenario: &Scenario) -> Vec<crate::config::Telephone> {
    let span = u16::from(scenario.spans) + u16::from(scenario.analog_lines > 0) + 1;
    let port = |(port, telephone): (usize, &Telephone)| crate::config::Telephone {
        line: format!("sim {span}/{port}"),
        number: telephone.number.clone(),
        caller_id: telephone.caller_id,
        ..crate::config::Telephone::default()
    };
    (1..).zip(&scenario.telephone).map(port).collect()
}

/// What a telephone on a port of the box saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// As the scenario names it.
    pub id: String,
    /// When its bell began to sound, each time, in milliseconds from the scenario's start.
    pub rings_ms: Vec<u64>,
    /// The digits that it was shown as the caller, the last time; empty: none.
    pub number: String,
    /// And the name.
    pub name: String,
    /// It was told that the caller withholds the number.
    pub restricted: bool,
    /// When it was lifted.
    pub lifted_ms: Option<u64>,
    /// What it heard since then: G.711 A-law.
    pub heard: Vec<u8>,
    /// The first octet of it.
    pub heard_from_ms: Option<u64>,
    /// When its battery was taken away while it was off hook, each time.
    pub drops_ms: Vec<u64>,
    /// Steps done, and how each ended.
    pub steps: Vec<String>,
    /// The end of each of them.
    pub steps_ms: Vec<u64>,
}

/// All of them.
pub(super) struct Handsets {
    all: Vec<Handset>,
    lines: Vec<String>,
    now: Micros,
}

struct Handset {
    id: String,
    telephone: tipring_sim::Telephone,
    /// Is still to be lifted then, to do this.
    lifts: Option<(Micros, Vec<Step>)>,
}

impl Handsets {
    /// Each at its port, at the far end of the wire.
    pub(super) fn new(scenario: &Scenario, wire: &Wire) -> Handsets {
        let far = wire.far();
        let ports = far.channels().iter().filter(|channel| channel.signalling == Signalling::FxsKs);
        let handset = |(port, wanted): (&ChannelInfo, &Telephone)| {
            let mut telephone = tipring_sim::Telephone::new(wire.far(), port.id);
            if let Some(ring) = wanted.answers_ring {
                telephone.answer(ring, wanted.does.clone());
            }
            let lifts = wanted.lifts_at_ms.map(|ms| (LINE_READY + Micros::from_ms(ms), wanted.does.clone()));
            Handset { id: wanted.id.clone(), telephone, lifts }
        };
        Handsets {
            all: ports.zip(&scenario.telephone).map(handset).collect(),
            lines: ports_lines(scenario),
            now: Micros::ZERO,
        }
    }

    /// Lets them live up to a moment: after every step of the wire.
    pub(super) fn step(&mut self, now: Micros) {
        self.now = now;
        for Handset { telephone, lifts, .. } in &mut self.all {
            telephone.step(now);
            if let Some((_, steps)) = lifts.take_if(|(at, _)| *at <= now) {
                telephone.lift(now, steps);
            }
        }
    }

    /// When one of them has something to do of itself: it is to be lifted, or speaks the next block.
    pub(super) fn deadline(&self) -> Option<Micros> {
        let next_block = Micros((self.now.0 / BLOCK_US + 1) * BLOCK_US);
        let of = |handset: &Handset| match &handset.lifts {
            Some((at, _)) => Some(*at),
            None => handset.telephone.is_lifted().then_some(next_block),
        };
        self.all.iter().filter_map(of).min()
    }

    /// Whether each that is to be lifted at a moment was, and all are on hook.
    pub(super) fn all_done(&self) -> bool {
        self.all.iter().all(|handset| handset.lifts.is_none() && !handset.telephone.is_lifted())
    }

    /// Whether a line of the box is one of theirs.
    pub(super) fn has(&self, line: &str) -> bool {
        self.lines.iter().any(|known| known == line)
    }

    /// What each of them saw.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.all.iter().map(|handset| Seen { id: handset.id.clone(), ..seen(&handset.telephone) }).collect()
    }
}

fn ports_lines(scenario: &Scenario) -> Vec<String> {
    ports(scenario).into_iter().map(|port| port.line).collect()
}

fn seen(telephone: &tipring_sim::Telephone) -> Seen {
    let in_ms = |moments: &[Micros]| moments.iter().map(|at| at.as_ms()).collect();
    let caller = telephone.caller();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let bell = Seen {
        rings_ms: in_ms(telephone.rings()),
        number: text(caller.and_then(|caller| caller.number.as_deref())),
        name: text(caller.and_then(|caller| caller.name.as_deref())),
        restricted: caller.is_some_and(|caller| caller.restricted),
        drops_ms: in_ms(telephone.drops()),
        ..Seen::default()
    };
    let Some(phone) = telephone.phone() else { return bell };
    Seen {
        lifted_ms: phone.connected_at().map(Micros::as_ms),
        heard: of_a_law(phone),
        heard_from_ms: phone.heard_from().map(Micros::as_ms),
        steps: phone.steps_ended().iter().map(|step| format!("{step:?}")).collect(),
        steps_ms: phone.steps_ended().iter().map(|step| step.at.as_ms()).collect(),
        ..bell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_that_makes_no_sense_is_refused_with_the_reason() {
        let whole = Telephone { id: "a".into(), lifts_at_ms: Some(0), ..Telephone::default() };
        assert_eq!(whole.complaint(), None);
        assert_eq!(Telephone { lifts_at_ms: None, ..whole.clone() }.complaint(), None, "it may just ring");
        for (wrong, why) in [
            (Telephone { id: String::new(), ..whole.clone() }, "an id"),
            (Telephone { answers_ring: Some(1), ..whole.clone() }, "either"),
            (Telephone { answers_ring: Some(0), lifts_at_ms: None, ..whole.clone() }, "1 is the first ring"),
            (Telephone { lifts_at_ms: None, does: vec![Step::hangup()], ..whole.clone() }, "for what it does"),
            (Telephone { does: vec![Step::press("x")], ..whole.clone() }, "'x' is no key"),
        ] {
            let complaint = wrong.complaint().expect("refused");
            assert!(complaint.contains(why), "{complaint}");
        }
        assert_eq!(complaint(&vec![whole.clone(); 24]), None);
        assert!(complaint(&vec![whole; 25]).expect("refused").contains("at most 24"));
    }
}
