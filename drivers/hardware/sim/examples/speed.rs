//! How fast the simulated world is: thirty calls with a tone both ways, channel-seconds a second.

#![allow(clippy::disallowed_methods)] // it measures

use std::time::Instant;

use tipring_card::{Cause, Micros};
use tipring_isdn::Role;
use tipring_sim::{Call, Exchange, ExchangeConfig, Reply, Step, Subscriber, Wire, WireConfig};

fn main() {
    let wire = Wire::new(WireConfig::default());
    let tone = |hz| Step::Tone { hz, ms: 60_000, level_dbm0: -12.0 };
    let reply = Reply::Answer { rings: Micros::from_ms(200), steps: vec![tone(425.0)] };
    let subscribers = vec![Subscriber { number: String::new(), reply }];
    let mut near =
        Exchange::new(wire.near(), ExchangeConfig { role: Role::User, subscribers, ..ExchangeConfig::default() });
    let mut far = Exchange::new(wire.far(), ExchangeConfig::default());
    for n in 0..30 {
        let steps = vec![Step::AwaitAnswer { limit_ms: 9_000 }, tone(440.0), Step::Hangup { cause: Cause::NORMAL.0 }];
        let call = Call { id: n.to_string(), to: "100".into(), steps, ..Call::default() };
        if let Err(error) = far.ring(call) {
            println!("{error}");
        }
    }
    let (begin, mut in_wire) = (Instant::now(), std::time::Duration::ZERO);
    while !(far.is_idle() && near.is_idle()) && wire.now() < Micros::from_s(300) {
        let before = Instant::now();
        wire.step(wire.now() + Micros::from_ms(10));
        in_wire += before.elapsed();
        far.step(wire.now());
        near.step(wire.now());
    }
    let (wall, steps) = (begin.elapsed().as_secs_f64(), wire.now().as_ms() as f64 / 10.0);
    let talked: f64 = far
        .take_finished()
        .iter()
        .filter_map(|call| Some(call.released_at?.since(call.connected_at?).0 as f64 / 1e6))
        .sum();
    println!("{talked:.0} channel-seconds in {wall:.2} s: {:.0} a second", talked / wall);
    println!("the wire alone: {:.1} µs a step of 10 ms", in_wire.as_secs_f64() * 1e6 / steps);
}
