//! Children that try what they shall not do. Each speaks if it gets through, and each is let through once, so that it is
//! known that it would.

use std::path::PathBuf;
use std::time::Duration;

use tipring_media::{Cage, Engine, EngineCommand, EngineVoice, Gender};

use crate::room::{Room, wave};

/// An engine of a shell script in which `got` speaks.
struct Tried {
    files: PathBuf,
    engine: EngineCommand,
}

impl Tried {
    fn new(name: &str, lines: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let files = std::env::temp_dir().join(format!("tipring-tried-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&files);
        std::fs::create_dir_all(&files).unwrap();
        let (program, spoken) = (files.join("engine"), files.join("spoken.wav"));
        std::fs::write(&spoken, wave(16_000, 1, 1_000.0, 0.5)).unwrap();
        let lines =
            format!("#!/bin/bash\ngot() {{ cat {}; exit 0; }}\ncat >/dev/null\n{lines}\nexit 7\n", spoken.display());
        std::fs::write(&program, lines).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let engine = EngineCommand {
            name: name.into(),
            program,
            arguments: Vec::new(),
            voices: vec![EngineVoice {
                language: "en".into(),
                gender: Gender::Woman,
                name: "v".into(),
                stands_for: Vec::new(),
            }],
            markup_arguments: Vec::new(),
            by_sentence: false,
            spare: false,
            cage: Cage { reads: vec![spoken], ..Cage::usual() },
        };
        Self { files, engine }
    }

    /// Whether it has spoken, with a cage changed so; else the fault.
    async fn speaks(&self, change: impl FnOnce(&mut Cage)) -> Result<(), String> {
        let mut engine = self.engine.clone();
        change(&mut engine.cage);
        let room = Room::with(|it| {
            it.engines = vec![Engine::Command(engine)];
            it.limits.synthesis = Duration::from_secs(10);
        })
        .await;
        let said = room.says("Hello", "alice", "en").await;
        assert!(said.is_ok() || room.files().is_empty());
        said.map(|_| ()).map_err(|fault| {
            assert_eq!(fault.code, 13520, "{fault}");
            fault.text
        })
    }

    #[track_caller]
    fn refused(&self, said: Result<(), String>) {
        let fault = said.expect_err(&self.engine.name);
        assert!(fault.contains("ended with exit status: 7"), "{}: {fault}", self.engine.name);
    }
}

impl Drop for Tried {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.files);
    }
}

#[tokio::test]
async fn e14_a_child_reaches_no_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let tcp = Tried::new("tcp", &format!("exec 3<>/dev/tcp/127.0.0.1/{port} && got"));
    tcp.refused(tcp.speaks(|_| {}).await);
    tcp.speaks(|it| it.network = true).await.unwrap();
    for family in ["PF_INET", "PF_INET6", "PF_UNIX", "16"] {
        let socket = format!("perl -MSocket -e 'socket(S, {family}, SOCK_DGRAM, 0) or exit 1' && got");
        let socket = Tried::new(&format!("socket-{family}"), &socket);
        socket.refused(socket.speaks(|_| {}).await);
        socket.speaks(|it| it.network = true).await.unwrap();
    }
}

#[tokio::test]
async fn e14_a_child_reads_and_writes_nothing_that_is_not_its_own() {
    let made = std::env::temp_dir().join(format!("tipring-made-{}", std::process::id()));
    let writes = Tried::new("writes", &format!("echo x >{} && got", made.display()));
    writes.refused(writes.speaks(|_| {}).await);
    assert!(!made.exists());
    writes.speaks(|it| it.writes.push(std::env::temp_dir())).await.unwrap();
    std::fs::write(&made, "secret").unwrap();
    for (name, lines) in [
        ("reads", format!("cat {} >&2 && got", made.display())),
        ("cuts", format!("truncate -s 0 {} && got", made.display())),
        ("lists", "ls /tmp >&2 && got".into()),
        ("removes", format!("rm {} && got", made.display())),
    ] {
        let tried = Tried::new(name, &lines);
        tried.refused(tried.speaks(|_| {}).await);
        assert_eq!(std::fs::read_to_string(&made).unwrap(), "secret", "{name}");
    }
    let reads = Tried::new("lets", &format!("cat {} >&2 && got", made.display()));
    reads.speaks(|it| it.reads.push(made.clone())).await.unwrap();
    let shadow = Tried::new("shadow", "cat /etc/shadow >&2 && got");
    shadow.refused(shadow.speaks(|_| {}).await);
    std::fs::remove_file(made).unwrap();
}

#[tokio::test]
async fn e14_a_child_touches_no_other_process() {
    for (name, lines) in [
        ("looks", "cat </proc/$PPID/mem >&2 && got"),
        ("signals", "kill -CONT $PPID && got"),
        ("leaves", "perl -MPOSIX -e 'fork and wait, exit($? >> 8); exit(POSIX::setsid() == -1)' && got"),
        ("limits", "perl -e 'exit(syscall(302, getppid(), 7, 0, 0) == -1)' && got"),
    ] {
        let tried = Tried::new(name, lines);
        tried.refused(tried.speaks(|_| {}).await);
    }
    let forks = Tried::new("forks", "perl -e 'my $p = fork; defined $p or exit 1; $p and wait; exit 0' && got");
    forks.speaks(|_| {}).await.unwrap();
    assert!(forks.speaks(|it| it.starts = false).await.is_err());
}

#[tokio::test]
async fn e14_a_child_has_bounds_of_memory_time_and_processes() {
    let memory = Tried::new("memory", "perl -e '$x = \"a\" x (10 << 30)' && got");
    memory.refused(memory.speaks(|_| {}).await);
    let memory = Tried::new("less-memory", "perl -e '$x = \"a\" x (10 << 20)' && got");
    memory.speaks(|_| {}).await.unwrap();
    let endless = Tried::new("endless", "while :; do :; done");
    let fault = endless.speaks(|it| it.processor = Duration::from_secs(1)).await.unwrap_err();
    assert!(fault.contains("signal"), "{fault}");
    // As somebody whose processes the kernel counts: root's it does not.
    let bomb = "bomb() { bomb | bomb & }; bomb; wait; sleep 600";
    let other = "setpriv --reuid=65534 --regid=65534 --clear-groups";
    let bomb = Tried::new("bomb", &format!("[ $UID = 0 ] || exec bash -c '{bomb}'; exec {other} bash -c '{bomb}'"));
    assert!(bomb.speaks(|_| {}).await.is_err());
    let left = || {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = all.filter_map(|it| std::fs::read(it.path().join("cmdline")).ok());
        lines.filter(|it| it.windows(12).any(|it| it == b"bomb | bomb ")).count()
    };
    let gone = async {
        while left() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("some of it is still alive");
}

#[tokio::test]
async fn e14_what_a_machine_does_not_keep_children_from_is_in_the_status() {
    let room = Room::open().await;
    let unguarded = room.client.status().await.unwrap().unguarded;
    assert_eq!(unguarded, room.handle.status().unguarded);
    // Every kernel that tests run on has Landlock; an old one may lack the newer parts.
    assert!(!unguarded.iter().any(|it| it.contains("no Landlock") || it.contains("can be started")), "{unguarded:?}");
}
