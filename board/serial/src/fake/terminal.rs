//! A pseudo-terminal under a path: what is opened there is the one side, this is the other. Raw from the beginning, so that
//! it gives nothing back; gone, with its path, when it is dropped.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// Octets are waited for so long.
const TURN: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

pub(super) struct Terminal {
    path: PathBuf,
    ours: OwnedFd,
    /// Theirs is held open too: a terminal that nobody has open is hung up.
    _theirs: OwnedFd,
}

impl Terminal {
    pub(super) fn open(path: &Path) -> io::Result<Terminal> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = rustix::fs::open(name.as_c_str(), flags, Mode::empty())?;
        let mut raw = tcgetattr(&theirs)?;
        raw.make_raw();
        tcsetattr(&theirs, OptionalActions::Now, &raw)?;
        fcntl_setfl(&ours, OFlags::RDWR | OFlags::NONBLOCK)?;
        std::os::unix::fs::symlink(OsStr::from_bytes(name.to_bytes()), path)?;
        Ok(Terminal { path: path.into(), ours, _theirs: theirs })
    }

    /// What has come, within a millisecond.
    pub(super) fn read(&self, octets: &mut [u8]) -> usize {
        let mut fds = [PollFd::new(&self.ours, PollFlags::IN)];
        match poll(&mut fds, Some(&TURN)) {
            Ok(1..) => rustix::io::read(&self.ours, octets).unwrap_or(0),
            _ => 0,
        }
    }

    /// What does not fit is lost, as on a line.
    pub(super) fn write(&self, octets: &[u8]) {
        let _ = rustix::io::write(&self.ours, octets);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
