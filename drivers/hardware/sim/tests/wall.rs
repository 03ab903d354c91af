//! The wire on the host's clock: it turns by itself, wakes who polls, paces who waits, and stops.

use std::sync::{Arc, Mutex};

use tipring_card::{BLOCK, Card, CardError, ChannelId, Setup};
use tipring_sim::{Exchange, ExchangeConfig, Wire, WireConfig};

#[test]
fn the_wall_clock_wakes_and_paces() {
    let wire = Wire::new(WireConfig::default());
    let exchange = Arc::new(Mutex::new(Exchange::new(wire.far(), ExchangeConfig::default())));
    let mut near = wire.near();
    let mut pace = near.pace().unwrap();
    assert_eq!(pace.wait(), Err(CardError::Again), "virtual time never waits");
    let stepped = exchange.clone();
    let clock = wire.run_wall(move |now| stepped.lock().unwrap().step(now)).unwrap();
    assert!(wire.run_wall(|_| ()).is_err(), "two clocks on one wire");
    let mut bearer = near.open(ChannelId(1)).unwrap();
    bearer.setup(Setup::Audio(bearer.info().law)).unwrap();
    let mut d = near.open(ChannelId(16)).unwrap();
    d.setup(Setup::Frames).unwrap();
    let mut blocks = 0;
    for _ in 0..20 {
        assert!(pace.wait().unwrap() >= 1);
        let mut block = [0; BLOCK];
        while bearer.read(&mut block).is_ok() {
            blocks += 1;
        }
    }
    assert!(blocks >= 18, "{blocks} blocks in 20 ticks");
    // The exchange sends SABME again and again: the descriptor of the D channel becomes readable.
    let fd = d.fd().unwrap();
    let mut polled = [nix::poll::PollFd::new(fd, nix::poll::PollFlags::POLLIN)];
    assert_eq!(nix::poll::poll(&mut polled, 5_000_u16), Ok(1));
    let mut frame = [0; 64];
    while d.event().unwrap().is_some() {}
    let _ = d.read(&mut frame);
    drop(clock);
    assert_eq!((0..200).map(|_| pace.wait()).find_map(Result::err), Some(CardError::Gone));
}
