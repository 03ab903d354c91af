//! The contract suite of `tipring-card` on the simulated card.

use tipring_card::{
    Card, CardError, ChannelId, Event, Hook, Micros, Progress, Signalling, SpanId,
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
        assert!(report.clauses.len() >= 39, "{report}");
        assert!(report.clauses.iter().all(|clause| clause.outcome == Outcome::Passed), "{report}");
        println!("{report}");
    }
}

#[test]
fn a_control_moves_the_hook_from_another_thread() {
    let mut bench = SimBench::new(1, Micros::from_ms(10), FirstFrame::Kept);
    let (id, _) = bench.pair(Signalling::FxsKs).expect("a line");
    let channel = bench.near.open(id).expect("it is free");
    let mut far = bench.far.open(id).expect("it is free");
    let mut control = channel.control().expect("a line has a hook");
    let moved = std::thread::spawn(move || (control.hook(Hook::OffHook), control)).join().expect("no panic");
    assert_eq!(moved.0, Ok(Progress::Done));
    bench.advance(Micros::from_ms(50));
    assert_eq!(far.event(), Ok(Some(Event::RingOffHook)));
    let mut control = moved.1;
    drop(channel);
    assert_eq!(control.hook(Hook::OffHook), Err(CardError::Invalid));
    // A card that is taken away is another matter than a channel that was dropped.
    let channel = bench.near.open(id).expect("it is free again");
    let mut control = channel.control().expect("a line has a hook");
    bench.remove();
    assert_eq!(control.hook(Hook::OffHook), Err(CardError::Gone));
    drop(channel);
    assert_eq!(control.hook(Hook::OffHook), Err(CardError::Invalid));
    let (bearer, _) = bench.pair(Signalling::Bearer).expect("a B channel");
    assert!(bench.far.open(bearer).expect("it is free").control().is_err(), "no hook, no control");
}
