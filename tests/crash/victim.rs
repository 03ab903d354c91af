//! The box that dies: a `tipring dev` in a process of its own, its standard output read to the last line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tipring_resources::Sid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// A box that is not up by then, or at which nobody rings by then, is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running box.
pub struct Victim {
    child: Arc<Mutex<Child>>,
    stage: watch::Receiver<Stage>,
    reader: tokio::task::JoinHandle<Heard>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Starting,
    Ready,
    Rung,
}

/// What its standard output told until it died.
#[derive(Debug, Default)]
pub struct Heard {
    /// The line's clock, at last.
    wire_ms: u64,
    takes: BTreeMap<Sid, Take>,
}

/// A recording that was being made.
#[derive(Debug)]
struct Take {
    call: String,
    /// The line's clock when it began, or a little later.
    begun_ms: u64,
    ended: bool,
}

impl Victim {
    /// Starts one whose state is below `home`.
    pub fn start(home: &Path, voice_url: &str, calls: u8) -> std::io::Result<Victim> {
        let log = std::fs::File::options().create(true).append(true).open(home.join("stderr.log"))?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_tipring"))
            .args(["dev", "--json", "--port", "0", "--app", voice_url, "--calls", &calls.to_string()])
            .env("XDG_STATE_HOME", home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| std::io::Error::other("no standard output"))?;
        let (told, stage) = watch::channel(Stage::Starting);
        let reader = tokio::spawn(async move {
            let mut heard = Heard::default();
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(stage) = heard.line(&line) {
                    told.send_if_modified(|known| stage > std::mem::replace(known, stage.max(*known)));
                }
            }
            heard
        });
        Ok(Victim { child: Arc::new(Mutex::new(child)), stage, reader })
    }

    /// Waits until the API answers; its address and credentials.
    pub async fn ready(&mut self, home: &Path) -> Result<Value, String> {
        self.reach(Stage::Ready).await?;
        let file = home.join("tipring/dev.json");
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Waits until the first call is there.
    pub async fn rung(&mut self) -> Result<(), String> {
        self.reach(Stage::Rung).await
    }

    async fn reach(&mut self, stage: Stage) -> Result<(), String> {
        let reached = tokio::time::timeout(PATIENCE, self.stage.wait_for(|at| *at >= stage)).await;
        match reached {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(format!("the box ended by itself before it was {stage:?}; see stderr.log")),
            Err(_) => Err(format!("the box was not {stage:?} in {} s", PATIENCE.as_secs())),
        }
    }

    /// SIGKILL, from wherever.
    pub fn killer(&self) -> impl FnOnce() + Send + 'static {
        let child = self.child.clone();
        move || drop(child.lock().unwrap().start_kill())
    }

    /// Waits until it is dead; false: not in this time.
    pub async fn dies_within(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.stage.wait_for(|_| false)).await.is_ok()
    }

    /// SIGKILL if it is alive; what it told until then.
    pub async fn bury(self) -> Result<Heard, String> {
        self.killer()();
        let heard = self.reader.await.map_err(|error| error.to_string())?;
        let mut child = self.child.lock().unwrap().try_wait();
        // Its output has ended, so it is dead or about to be; the kernel needs a moment to let go of its locks.
        while let Ok(None) = child {
            tokio::task::yield_now().await;
            child = self.child.lock().unwrap().try_wait();
        }
        let status = child.map_err(|error| error.to_string())?;
        match status {
            Some(status) if std::os::unix::process::ExitStatusExt::signal(&status) == Some(9) => Ok(heard),
            status => Err(format!("the box was not killed: it ended by itself ({status:?}); see stderr.log")),
        }
    }
}

impl Heard {
    fn line(&mut self, line: &str) -> Option<Stage> {
        let value: Value = serde_json::from_str(line).ok()?;
        if let Some(ms) = value["wire_ms"].as_u64() {
            self.wire_ms = ms;
            return None;
        }
        if value["ready"] == true {
            return Some(Stage::Ready);
        }
        let (call, text) = (value["call"].as_str()?, value["text"].as_str()?);
        if let Some(sid) = text.strip_prefix("recording ").and_then(|rest| rest.strip_suffix(" begins")) {
            let take = Take { call: call.to_string(), begun_ms: self.wire_ms, ended: false };
            self.takes.insert(sid.parse().ok()?, take);
        }
        if text.starts_with("Record ended") {
            self.takes.values_mut().filter(|take| take.call == call).for_each(|take| take.ended = true);
        }
        Some(Stage::Rung)
    }

    /// Recordings that were being made when it died, and for how long the line had spoken into each.
    pub fn cut_takes(&self) -> impl Iterator<Item = (Sid, u64)> {
        let cut = self.takes.iter().filter(|(_, take)| !take.ended);
        cut.map(|(sid, take)| (*sid, self.wire_ms.saturating_sub(take.begun_ms)))
    }
}

/// A folder of a box; it is removed unless something went wrong.
pub struct Home(pub PathBuf);

impl Home {
    pub fn new(name: &str) -> std::io::Result<Home> {
        let dir = std::env::temp_dir().join(format!("tipring-crash-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        Ok(Home(dir))
    }

    pub fn remove(self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
