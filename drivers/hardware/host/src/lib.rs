//! The host's clock as a ticker, for cards without a clock of their own and machines without DAHDI. It never drifts
//! from CLOCK_MONOTONIC, but it does drift from a telephone line. It is no card.

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tipring_card::{BLOCK_US, CardError, Pace};

/// A ticker on CLOCK_MONOTONIC, one tick a block.
#[derive(Debug)]
pub struct HostPace {
    timer: TimerFd,
}

impl HostPace {
    /// Starts ticking, once every block.
    pub fn start() -> Result<HostPace, CardError> {
        let every = TimeSpec::from_duration(std::time::Duration::from_micros(BLOCK_US));
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC).map_err(os)?;
        timer.set(Expiration::Interval(every), TimerSetTimeFlags::empty()).map_err(os)?;
        Ok(HostPace { timer })
    }
}

impl Pace for HostPace {
    fn wait(&mut self) -> Result<u32, CardError> {
        use std::os::fd::AsFd as _;
        let mut count = [0; 8];
        loop {
            match nix::unistd::read(self.timer.as_fd(), &mut count) {
                Ok(_) => return Ok(u32::try_from(u64::from_ne_bytes(count)).unwrap_or(u32::MAX)),
                Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(os(errno)),
            }
        }
    }
}

fn os(errno: nix::errno::Errno) -> CardError {
    CardError::Os(errno as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_clock_loses_no_tick() {
        let mut pace = HostPace::start().expect("a timer");
        let begin = std::time::Instant::now();
        let mut ticks = 0;
        while ticks < 10 {
            ticks += pace.wait().expect("a tick");
        }
        let passed_ms = begin.elapsed().as_millis();
        assert!(passed_ms >= 95 && u128::from(ticks) <= passed_ms / 10 + 1, "{ticks} ticks in {passed_ms} ms");
    }
}
