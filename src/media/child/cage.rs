//! What a child may do: read the system's programs, write nowhere but where it is told, ask nobody, and that with bounds.
//!
//! Sources: Landlock (landlock(7)) for files, ports, signals and abstract sockets; seccomp(2) for the calls themselves;
//! both belong to a thread and pass to what it starts. It starts nothing itself.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, Scope,
    path_beneath_rules,
};

use super::{calls, place};

/// What a child of the media layer may do beyond reading the system's programs and its pipes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cage {
    /// It may open sockets: for a program that only passes texts to a service of its own.
    pub network: bool,
    /// Files and folders that it reads beside the system's, such as those of its models.
    pub reads: Vec<PathBuf>,
    /// Files and folders that it writes.
    pub writes: Vec<PathBuf>,
    /// Octets of address space.
    pub memory: u64,
    /// Time of a processor, for each of its processes.
    pub processor: Duration,
    /// It may start further programs.
    pub starts: bool,
}

impl Cage {
    /// For a program of the system that needs nothing else.
    pub fn lone() -> Self {
        Self { memory: LONE_MEMORY, starts: false, ..Self::usual() }
    }

    /// For a program that somebody configures: it may start others.
    pub fn usual() -> Self {
        Self {
            network: false,
            reads: Vec::new(),
            writes: Vec::new(),
            memory: MEMORY,
            processor: PROCESSOR,
            starts: true,
        }
    }

    /// The same, with one file more that it may write: it is made if it is not there, for only what is there can be
    /// let through.
    pub(crate) fn with_scratch(&self, file: &Path) -> io::Result<Self> {
        std::fs::File::create(file)?;
        let mut cage = self.clone();
        cage.writes.push(file.to_owned());
        Ok(cage)
    }

    /// Runs `start` on a thread that has given up its rights.
    pub(super) fn within<T: Send + 'static>(
        &self,
        program: &Path,
        start: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (cage, program) = (self.clone(), place(program));
        let thread = std::thread::Builder::new().name("media-cage".into()).spawn(move || {
            cage.close(program.as_deref())?;
            start()
        })?;
        thread.join().map_err(|_| io::Error::other("the thread that starts a child panicked"))?
    }

    /// Gives up rights of the calling thread, for good.
    fn close(&self, program: Option<&Path>) -> io::Result<()> {
        self.close_files(program).map_err(io::Error::other)?;
        calls::close(self.network, self.starts)
    }

    fn close_files(&self, program: Option<&Path>) -> Result<LandlockStatus, landlock::RulesetError> {
        let mut handled = AccessFs::from_all(NEWEST);
        if self.network {
            handled.remove(AccessFs::ResolveUnix);
        }
        let mut rules = Ruleset::default().handle_access(handled)?;
        if !self.network {
            rules = rules.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?;
        }
        // Nobody outside is sent a signal, let out or not.
        let scope = if self.network { BitFlags::from(Scope::Signal) } else { Scope::from_all(NEWEST) };
        let read = AccessFs::from_read(NEWEST);
        let write = AccessFs::from_all(NEWEST) & !(AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock);
        let looked = AccessFs::ReadFile | AccessFs::ReadDir;
        let node = AccessFs::ReadFile | AccessFs::WriteFile;
        let network: &[&str] = if self.network { &NETWORK } else { &[] };
        let created = rules
            .scope(scope)?
            .create()?
            .add_rules(path_beneath_rules(PROGRAMS, read))?
            .add_rules(path_beneath_rules(program, read))?
            .add_rules(path_beneath_rules(&self.reads, read))?
            .add_rules(path_beneath_rules(LOOKED_AT.iter().chain(network), looked))?
            .add_rules(path_beneath_rules(NODES, node))?
            .add_rules(path_beneath_rules(&self.writes, write))?;
        Ok(created.restrict_self()?.landlock)
    }
}

impl Default for Cage {
    fn default() -> Self {
        Self::usual()
    }
}

/// What this machine does not keep a child from, in words; nothing on a new kernel. Looked at once, and said in the log.
pub(crate) fn unguarded() -> &'static [String] {
    static MISSING: OnceLock<Vec<String>> = OnceLock::new();
    MISSING.get_or_init(|| {
        let missing = looked_for();
        for what in &missing {
            tracing::warn!("children of the media layer are not kept from everything on this machine: {what}");
        }
        missing
    })
}

fn looked_for() -> Vec<String> {
    let closed = std::thread::Builder::new().spawn(|| {
        let cage = Cage::lone();
        let status = cage.close_files(None).map_err(io::Error::other)?;
        calls::close(cage.network, true).map(|()| status)
    });
    let closed = closed.and_then(|it| it.join().unwrap_or_else(|_| Err(io::Error::other("a panic"))));
    let said = |text: &str| text.to_owned();
    let mut missing = match closed {
        Ok(LandlockStatus::Available { effective_abi, .. }) => {
            MISSED.iter().filter(|it| effective_abi < it.0).map(|it| said(it.1)).collect()
        }
        Ok(_) => {
            vec![said("the kernel has no Landlock (lsm=landlock): they read and write files as the media layer does")]
        }
        Err(error) => vec![format!("no child can be started: {error}")],
    };
    if !calls::known_machine() {
        missing.push(said("no filter of system calls is known for this machine: they can open sockets"));
    }
    missing
}

/// The newest of what this program knows; an older kernel keeps what it can.
const NEWEST: ABI = ABI::V10;
/// What the kernels before lack that matters here.
const MISSED: [(ABI, &str); 2] = [
    (ABI::V3, "they can cut files of the media layer's user to nothing (Linux 6.2 and later keep them from it)"),
    (ABI::V6, "they can send signals to processes of the media layer's user (Linux 6.12 and later keep them from it)"),
];
/// Programs, libraries and voices of the system, and what the dynamic linker reads.
const PROGRAMS: [&str; 11] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/alternatives",
];
/// Read, not run: names, times, the machine, the process itself. Other processes stay shut: Landlock lets nobody look into
/// one outside of its own.
const LOOKED_AT: [&str; 9] = [
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/fonts",
    "/proc",
    "/sys/devices/system/cpu",
];
/// What finding a host's address reads.
const NETWORK: [&str; 6] =
    ["/etc/hosts", "/etc/host.conf", "/etc/resolv.conf", "/etc/gai.conf", "/etc/ssl", "/etc/services"];
/// Devices that are none.
const NODES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
/// The largest of the bundled programs takes a tenth of it; it is address space and not memory.
const LONE_MEMORY: u64 = 1 << 30;
/// A small neural voice maps one and a half.
const MEMORY: u64 = 4 << 30;
/// Beyond what the longest text or recording takes; who waits gives up before.
const PROCESSOR: Duration = Duration::from_secs(600);
