//! The contract suite of `tipring-card` on the simulated card.

use tipring_card::{
    Card, ChannelId, Micros, Signalling, SpanId,
    contract::{Bench, Outcome, run},
};
use tipring_sim::{Faults, FirstFrame, Side, SimCard, Wire, WireConfig};

struct SimBench {
    wire: Wire,
    near: SimCard,
    far: SimCard,
    step: Micros,
}

impl SimBench {
    fn new(seed: u64, step: Micros, first_frame: FirstFrame) -> SimBench {
        let faults = Faults { first_frame, ..Faults::default() };
        let wire = Wire::new(WireConfig { spans: 1, analog_ports: 2, seed, faults, ..WireConfig::default() });
        SimBench { near: wire.near(), far: wire.far(), wire, step }
    }
}

impl Bench for SimBench {
    fn near(&mut self) -> &mut dyn Card {
        &mut self.near
    }

    fn far(&mut self) -> &mut dyn Card {
        &mut self.far
    }

    fn pair(&self, kind: Signalling) -> Option<(ChannelId, ChannelId)> {
        let id = self.near.channels().iter().find(|channel| channel.signalling == kind)?.id;
        Some((id, id))
    }

    fn advance(&mut self, time: Micros) {
        let end = self.wire.now() + time;
        while self.wire.now() < end {
            self.wire.step((self.wire.now() + self.step).min(end));
        }
    }

    fn break_span(&mut self, up: bool) -> bool {
        self.wire.plug(SpanId(1), up);
        true
    }

    fn remove(&mut self) -> bool {
        self.wire.remove(Side::Near);
        true
    }
}

#[test]
fn the_contract_suite_passes_on_the_simulated_card() {
    let steps = [1, 10].map(Micros::from_ms);
    for (step, first) in [(steps[0], FirstFrame::Lost), (steps[1], FirstFrame::Seeded)] {
        let report = run(&mut SimBench::new(5, step, first));
        assert!(report.passed(), "{report}");
        assert!(report.clauses.len() >= 27, "{report}");
        assert!(report.clauses.iter().all(|clause| clause.outcome == Outcome::Passed), "{report}");
        println!("{report}");
    }
}
