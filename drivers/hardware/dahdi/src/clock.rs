//! DAHDI's sample clock as a ticker: every open of the timer node counts samples of the timing master. Without DAHDI
//! the host's clock is the pace.
//!
//! TIMERCONFIG starts it; POLLPRI says that it has expired; GETEVENT tells so, and TIMERACK takes one expiry away, so
//! the loop below counts every one of them.

use std::fs::{File, OpenOptions};
use std::os::fd::AsFd as _;
use std::path::Path;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tipring_card::{CardError, Pace};

use crate::{fault, raw};

/// No tick for this long means that the clock stands: the timing master is gone.
const STALL_MS: u16 = 1_000;
/// More ticks than this at once (10 s of blocks) are a machine that was stopped: the rest is thrown away.
const AT_ONCE: u32 = 1_000;
/// GETEVENT on the timer node.
const EXPIRED: i32 = 15;

/// A ticker on DAHDI's clock.
#[derive(Debug)]
pub struct DahdiPace {
    timer: File,
}

impl DahdiPace {
    /// Starts ticking, once every `samples` samples (a multiple of 8).
    pub fn start(root: &Path, samples: u16) -> Result<DahdiPace, CardError> {
        let timer = OpenOptions::new().read(true).write(true).open(root.join("timer"));
        let timer = timer.map_err(|error| fault::io_error(&error))?;
        raw::ioctl(timer.as_fd(), &raw::TIMERCONFIG, &mut i32::from(samples)).map_err(fault::card_error)?;
        Ok(DahdiPace { timer })
    }

    /// The expiries that have not been taken away yet, and takes them.
    fn expired(&self) -> Result<u32, CardError> {
        let mut ticks = 0;
        while ticks < AT_ONCE {
            let mut event = 0;
            raw::ioctl(self.timer.as_fd(), &raw::GETEVENT, &mut event).map_err(fault::card_error)?;
            if event != EXPIRED {
                return Ok(ticks);
            }
            raw::ioctl(self.timer.as_fd(), &raw::TIMERACK, &mut 1).map_err(fault::card_error)?;
            ticks += 1;
        }
        raw::ioctl(self.timer.as_fd(), &raw::TIMERACK, &mut -1).map_err(fault::card_error)?;
        Ok(ticks)
    }
}

impl Pace for DahdiPace {
    /// `Again` when the clock stands still for a second.
    fn wait(&mut self) -> Result<u32, CardError> {
        loop {
            let ticks = self.expired()?;
            if ticks > 0 {
                return Ok(ticks);
            }
            let mut fds = [PollFd::new(self.timer.as_fd(), PollFlags::POLLPRI)];
            match poll(&mut fds, PollTimeout::from(STALL_MS)) {
                Ok(0) => return Err(CardError::Again),
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(fault::card_error(errno as i32)),
            }
        }
    }
}
