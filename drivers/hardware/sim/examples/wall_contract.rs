//! The contract suite on the simulated card with the host's clock turning the wire, clause by clause. It takes more
//! than a minute, so it is no test: tests never sleep.

#![allow(clippy::disallowed_methods)] // its bench waits for the host's clock

use std::{io, thread, time::Duration};

use tipring_card::{
    Card, ChannelId, Micros, Signalling, SpanId,
    contract::{Bench, run_each},
};
use tipring_sim::{Side, SimCard, Wire, WireConfig};

struct WallBench {
    wire: Wire,
    near: SimCard,
    far: SimCard,
}

impl Bench for WallBench {
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
        thread::sleep(Duration::from_micros(time.0));
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

fn main() -> io::Result<()> {
    let wire = Wire::new(WireConfig { analog_ports: 2, ..WireConfig::default() });
    let _clock = wire.run_wall(|_| ())?;
    let mut bench = WallBench { near: wire.near(), far: wire.far(), wire };
    let report = run_each(&mut bench, &mut |clause| println!("{}: {:?} {}", clause.name, clause.outcome, clause.note));
    println!("passed: {}", report.passed());
    if report.passed() { Ok(()) } else { Err(io::Error::other("a clause failed")) }
}
