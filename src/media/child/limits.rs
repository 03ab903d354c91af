//! Bounds of a child, set from outside as soon as it runs and before it is given its first octet: processor, address space,
//! files, processes. No memory image is left behind.
//!
//! Source: prlimit(2). Limits pass to what a process starts; what it has started meanwhile is looked for and given them too.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use rustix::process::{Resource, Rlimit, prlimit};

use super::cage::Cage;

/// Sets the bounds of a child, and of what it may have started in its first moments.
pub(super) fn set(child: Option<Pid>, cage: &Cage) -> io::Result<()> {
    let Some(child) = child else { return Ok(()) };
    let bounds = bounds(cage);
    let mut all = vec![child.as_raw()];
    while let Some(raw) = all.pop() {
        let pid = rustix::process::Pid::from_raw(raw);
        for (resource, most) in bounds {
            let limit = Rlimit { current: Some(most), maximum: Some(most) };
            match prlimit(pid, resource, limit) {
                Ok(_) => {}
                // A grandchild that has ended already.
                Err(rustix::io::Errno::SRCH) if raw != child.as_raw() => break,
                // A limit that is lower already cannot be raised, and need not be.
                Err(rustix::io::Errno::PERM) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let children = std::fs::read_to_string(format!("/proc/{raw}/task/{raw}/children")).unwrap_or_default();
        all.extend(children.split_whitespace().filter_map(|it| it.parse::<i32>().ok()).take(MAX_CHILDREN));
    }
    Ok(())
}

fn bounds(cage: &Cage) -> [(Resource, u64); 6] {
    [
        (Resource::Cpu, cage.processor.as_secs().max(1)),
        (Resource::As, cage.memory),
        (Resource::Fsize, MAX_FILE),
        (Resource::Nofile, MAX_FILES),
        (Resource::Nproc, if cage.starts { processes() } else { u64::from(u32::MAX) }),
        (Resource::Core, 0),
    ]
}

/// The kernel counts all of a user: what there is already, whatever it is, and some more.
fn processes() -> u64 {
    static COUNTED: Mutex<Option<(Instant, u64)>> = Mutex::new(None);
    let mut counted = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
    let there = match *counted {
        Some((at, there)) if at.elapsed() < COUNTED_AGAIN => there,
        _ => tasks(),
    };
    *counted = Some((Instant::now(), there));
    there + MAX_PROCESSES
}

/// Processes and threads of this user.
fn tasks() -> u64 {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::getuid().as_raw();
    let of_user = |it: &std::fs::DirEntry| it.metadata().is_ok_and(|it| it.is_dir() && it.uid() == own);
    let threads = |it: std::fs::DirEntry| {
        let status = std::fs::read_to_string(it.path().join("status")).ok()?;
        status.lines().find_map(|it| it.strip_prefix("Threads:")?.trim().parse::<u64>().ok())
    };
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter(of_user).take(MAX_LOOKED_AT).filter_map(threads).sum()
}

/// Octets of one file that a child writes, memory that it shares as one too: an hour of sound at 22 kHz.
const MAX_FILE: u64 = 160 << 20;
/// Descriptors of one process.
const MAX_FILES: u64 = 128;
/// Processes and threads of all children together, beside what there was.
const MAX_PROCESSES: u64 = 256;
/// Processes that one has started before its limits stood.
const MAX_CHILDREN: usize = 1024;
/// How long a count of the user's processes stands.
const COUNTED_AGAIN: Duration = Duration::from_secs(5);
/// Processes of a user that are counted.
const MAX_LOOKED_AT: usize = 8192;
