//! The keys of sound devices: a door bell's button, the hook key of a headset. One thread reads them all through evdev and
//! tells each device's telephone. A key that is not there is looked for again; it knows no call.
//!
//! Source: Linux `Documentation/input/input.rst`: a `struct input_event` is a time, a type, a code and a value.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::set::Happens;
use crate::shared::Shared;

/// Octets of an event: a time, two half words and a word.
const EVENT: usize = size_of::<libc::timeval>() + 8;
/// Events taken at once.
const AT_ONCE: usize = 32;
/// A key that is not there is looked for this often; so often the thread looks whether it shall end.
const AGAIN_MS: u16 = 500;
/// `EV_KEY`, and the value of a press: 0 is a release, 2 a repetition.
const KEY: u16 = 1;
const PRESSED: i32 = 1;

/// One device's key.
pub(crate) struct Key {
    /// `/dev/input/by-path/…`.
    pub node: PathBuf,
    /// One of its keys, or any.
    pub code: Option<u16>,
    pub shared: Arc<Shared>,
    pub file: Option<File>,
}

/// Reads all keys until it is stopped.
pub(crate) fn run(mut keys: Vec<Key>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        keys.iter_mut().filter(|key| key.file.is_none()).for_each(Key::open);
        let files: Vec<&File> = keys.iter().filter_map(|key| key.file.as_ref()).collect();
        let mut fds: Vec<PollFd> = files.iter().map(|file| PollFd::new(file.as_fd(), PollFlags::POLLIN)).collect();
        let _ = poll(&mut fds, PollTimeout::from(AGAIN_MS));
        keys.iter_mut().for_each(Key::read);
    }
}

impl Key {
    fn open(&mut self) {
        self.file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&self.node).ok();
    }

    fn read(&mut self) {
        let Some(file) = &mut self.file else {
            return;
        };
        let mut octets = [0; EVENT * AT_ONCE];
        match file.read(&mut octets) {
            Ok(0) => self.file = None,
            Ok(count) => {
                for _ in 0..presses(&octets[..count], self.code) {
                    self.shared.set.happens(Happens::Key);
                }
            }
            Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR)) => {}
            Err(_) => self.file = None,
        }
    }
}

/// Presses of this key in what was read.
fn presses(octets: &[u8], code: Option<u16>) -> usize {
    let is_press = |event: &&[u8]| {
        let [.., k0, k1, c0, c1, v0, v1, v2, v3] = **event else {
            return false;
        };
        let (kind, of) = (u16::from_ne_bytes([k0, k1]), u16::from_ne_bytes([c0, c1]));
        kind == KEY && i32::from_ne_bytes([v0, v1, v2, v3]) == PRESSED && code.is_none_or(|code| code == of)
    };
    octets.chunks_exact(EVENT).filter(is_press).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u16, code: u16, value: i32) -> Vec<u8> {
        let mut octets = vec![9; size_of::<libc::timeval>()];
        octets.extend(kind.to_ne_bytes());
        octets.extend(code.to_ne_bytes());
        octets.extend(value.to_ne_bytes());
        octets
    }

    #[test]
    fn a_press_is_one_whatever_comes_with_it() {
        let press = [event(4, 4, 458_792), event(1, 28, 1), event(0, 0, 0), event(1, 28, 2), event(1, 28, 0)].concat();
        assert_eq!(presses(&press, None), 1);
        assert_eq!(presses(&press, Some(28)), 1);
        assert_eq!(presses(&press, Some(29)), 0);
        assert_eq!(presses(&press[..EVENT * 2 - 1], None), 0, "half an event is none");
        assert_eq!(presses(&[], None), 0);
    }
}
