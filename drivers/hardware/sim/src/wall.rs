//! The wire on the host's clock: one thread that steps it every block and then lets the exchange work. The only file
//! here that asks for the time. If the host stalls, what was missed runs back to back, up to a bound.

#![allow(clippy::disallowed_methods)] // this is the clock

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tipring_card::{BLOCK_US, Micros};

use crate::wire::Wire;

/// A late host does not hear what it missed: beyond this the clock of the wire is slow instead. A burst of blocks would
/// run its users' buffers dry, which no real card does to them.
const MAX_CATCH_UP: Micros = Micros(BLOCK_US);

/// The running clock; dropping it stops the wire.
pub struct WallClock {
    wire: Wire,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Wire {
    /// Turns the wire by the host's clock from now on. `each_block` runs after every block's step, without the lock:
    /// let the exchange work there. Channels opened from now on have a descriptor to poll.
    pub fn run_wall(&self, mut each_block: impl FnMut(Micros) + Send + 'static) -> io::Result<WallClock> {
        let mut world = self.shared.world();
        if world.has_fds && !world.wall_ended {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the wire runs on the host's clock already"));
        }
        world.has_fds = true;
        world.wall_ended = false;
        drop(world);
        let stop = Arc::new(AtomicBool::new(false));
        let (wire, stopped) = (self.clone(), stop.clone());
        let run = move || run(&wire, &stopped, &mut each_block);
        let thread = thread::Builder::new().name("sim-wire".into()).spawn(run)?;
        Ok(WallClock { wire: self.clone(), stop, thread: Some(thread) })
    }
}

fn run(wire: &Wire, stop: &AtomicBool, each_block: &mut dyn FnMut(Micros)) {
    let begin = Instant::now();
    let first = wire.now();
    let mut missed = Micros::ZERO;
    while !stop.load(Ordering::Relaxed) {
        let next = wire.now() + Micros(BLOCK_US);
        let due = next.since(first) + missed;
        if let Some(early) = Duration::from_micros(due.0).checked_sub(begin.elapsed()) {
            thread::sleep(early);
        }
        let late = Micros(begin.elapsed().as_micros() as u64).since(due);
        missed = missed + late.since(MAX_CATCH_UP);
        wire.step(next);
        each_block(next);
    }
}

impl Drop for WallClock {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.wire.shared.world().wall_ended = true;
        self.wire.shared.ticked.notify_all();
    }
}
