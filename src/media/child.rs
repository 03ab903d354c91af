//! A child process that is alone: an empty environment, no folder of ours, a process group of its own, which is killed
//! whole when nobody waits for the child any more.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{ChildStdin, ChildStdout, Command};

/// A running child.
pub(crate) struct Child {
    child: tokio::process::Child,
    group: Option<Pid>,
}

impl Child {
    /// Starts a program that reads from a pipe; what it writes goes into a pipe too, unless it is not listened to.
    pub fn start(program: &Path, arguments: impl Iterator<Item = String>, listened: bool) -> io::Result<Self> {
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C.UTF-8")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(if listened { Stdio::piped() } else { Stdio::null() })
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = child.id().and_then(|it| i32::try_from(it).ok()).map(Pid::from_raw);
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
        self.kill();
        status
    }

    fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            // Nobody of the group is left: that is what is wanted.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether a program can be started: a path, or a name looked for in `PATH`.
pub(crate) fn found(program: &Path) -> bool {
    if program.components().count() > 1 {
        return program.is_file();
    }
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|it| it.join(program).is_file()))
}
