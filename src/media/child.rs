//! A child process that is alone: in a [`Cage`], with an empty environment, no folder of ours, and a process group of its
//! own, which is killed whole when nobody waits for the child any more.
//!
//! No unsafe code and nothing between fork and exec: a thread is made for each start, gives up its own rights, and starts
//! the program, which inherits what is left ([ADR 19](../../docs/adr/0019-children-in-a-cage.md)).

mod cage;
mod calls;
mod limits;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{ChildStdin, ChildStdout};

pub use cage::Cage;
pub(crate) use cage::unguarded;

/// A running child.
pub(crate) struct Child {
    child: tokio::process::Child,
    group: Group,
}

impl Child {
    /// Starts a program that reads from a pipe; what it writes goes into a pipe too, unless it is not listened to.
    pub fn start(
        program: &Path,
        arguments: impl Iterator<Item = String>,
        listened: bool,
        cage: &Cage,
    ) -> io::Result<Self> {
        let mut command = tokio::process::Command::from(prepared(program, arguments)?);
        command.stdout(if listened { Stdio::piped() } else { Stdio::null() }).stderr(Stdio::null()).kill_on_drop(true);
        let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        let mut child = cage.within(program, move || {
            let _entered = runtime.enter();
            command.spawn()
        })?;
        let group = Group::of(child.id());
        // It is gone already, or it is not let run without bounds.
        if let Err(error) = limits::set(group.0, cage)
            && child.try_wait()?.is_none()
        {
            return Err(error);
        }
        Ok(Self { child, group })
    }

    /// The pipe it reads from, once.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The pipe it writes to, once.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end; what it has started does not outlive it.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await;
        self.group.kill();
        status
    }
}

/// The same for a thread that may block, with what it complains of on a pipe.
pub(crate) struct BlockingChild {
    pub child: std::process::Child,
    group: Group,
}

impl BlockingChild {
    /// Starts a program with three pipes.
    pub fn start(program: &Path, arguments: impl Iterator<Item = String>, cage: &Cage) -> io::Result<Self> {
        let mut command = prepared(program, arguments)?;
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = cage.within(program, move || command.spawn())?;
        let group = Group::of(Some(child.id()));
        if let Err(error) = limits::set(group.0, cage)
            && child.try_wait()?.is_none()
        {
            drop(group);
            let _ = child.wait();
            return Err(error);
        }
        Ok(Self { child, group })
    }

    /// Kills it if it still runs, and what it has started; answers how it ended.
    pub fn end(&mut self) -> io::Result<ExitStatus> {
        self.group.kill();
        self.child.wait()
    }
}

impl Drop for BlockingChild {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// A process group of ours. Dropped, it is killed.
struct Group(Option<Pid>);

impl Group {
    fn of(id: Option<u32>) -> Self {
        Self(id.and_then(|it| i32::try_from(it).ok()).map(Pid::from_raw))
    }

    fn kill(&mut self) {
        if let Some(group) = self.0.take() {
            // Nobody of the group is left: that is what is wanted.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

fn prepared(program: &Path, arguments: impl Iterator<Item = String>) -> io::Result<Command> {
    let place = place(program).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no such program"))?;
    let mut command = Command::new(place);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", path())
        .env("LANG", "C.UTF-8")
        .env("LC_ALL", "C.UTF-8")
        .current_dir("/")
        .stdin(Stdio::piped());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    Ok(command)
}

fn path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into())
}

/// Where a program is: a path, or a name looked for in `PATH`.
pub(crate) fn place(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    std::env::split_paths(&path()).map(|it| it.join(program)).find(|it| it.is_file())
}

/// Whether a program can be started.
pub(crate) fn found(program: &Path) -> bool {
    place(program).is_some()
}

/// Where a service without an environment looks.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
