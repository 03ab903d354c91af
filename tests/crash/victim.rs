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
    /// Calls can go out.
    LineUp,
    /// The first call is there.
    Rung,
    /// So are all callers.
    Full,
}

/// How many callers a box has on each kind of line.
#[derive(Clone, Copy, Debug)]
pub struct Callers {
    pub isdn: u8,
    pub analog: u8,
}

/// Two on each kind of line.
pub const FOUR: Callers = Callers { isdn: 2, analog: 2 };
/// Nobody calls.
pub const NOBODY: Callers = Callers { isdn: 0, analog: 0 };

/// What its standard output told until it died.
#[derive(Debug, Default)]
pub struct Heard {
    /// The line's clock, at last.
    wire_ms: u64,
    takes: BTreeMap<Sid, Take>,
    calls: BTreeMap<String, Leg>,
}

/// A call that is not over.
#[derive(Clone, Debug, Default)]
struct Leg {
    outgoing: bool,
    /// Empty: it has none yet.
    line: String,
    /// No line was free.
    waits: bool,
    answered: bool,
    /// It is connected with a leg that it dialled.
    bridged: bool,
}

/// What a box was doing when it died.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cut {
    /// Calls on spans, whoever made them.
    pub isdn: u64,
    /// Calls on analogue lines.
    pub analog: u64,
    /// Calls that waited for a line.
    pub queued: u64,
    /// Outgoing calls that were being set up, or rang.
    pub ringing: u64,
    /// Outgoing calls that were up.
    pub talking: u64,
    /// Pairs.
    pub bridged: u64,
}

impl Cut {
    /// Four calls at least: two on each kind of line.
    pub fn is_full(&self) -> bool {
        self.isdn >= FOUR.isdn.into() && self.analog >= FOUR.analog.into()
    }
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
    pub fn start(home: &Path, voice_url: &str, callers: Callers) -> std::io::Result<Victim> {
        let log = std::fs::File::options().create(true).append(true).open(home.join("stderr.log"))?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_tipring"))
            .args(["dev", "--json", "--port", "0", "--app", voice_url])
            .args(["--calls", &callers.isdn.to_string(), "--analog-calls", &callers.analog.to_string()])
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

    /// Waits until calls can go out.
    pub async fn line_up(&mut self) -> Result<(), String> {
        self.reach(Stage::LineUp).await
    }

    /// Waits until the first call is there.
    pub async fn rung(&mut self) -> Result<(), String> {
        self.reach(Stage::Rung).await
    }

    /// Waits until everybody calls: two on the PRI and two on analogue lines.
    pub async fn full(&mut self) -> Result<(), String> {
        self.reach(Stage::Full).await
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
        if value["text"] == "sim 1: D channel up" {
            return Some(Stage::LineUp);
        }
        let (call, text) = (value["call"].as_str()?, value["text"].as_str()?);
        if let Some(sid) = text.strip_prefix("recording ").and_then(|rest| rest.strip_suffix(" begins")) {
            let take = Take { call: call.to_string(), begun_ms: self.wire_ms, ended: false };
            self.takes.insert(sid.parse().ok()?, take);
        }
        let over = ["Record ended", "Dial ended", "cleared", "lost by the line"];
        if over.iter().any(|beginning| text.starts_with(beginning)) {
            self.takes.values_mut().filter(|take| take.call == call).for_each(|take| take.ended = true);
        }
        self.leg(call, text);
        Some(if self.cut().is_full() { Stage::Full } else { Stage::Rung })
    }

    fn leg(&mut self, call: &str, text: &str) {
        if text.starts_with("cleared") || text.starts_with("lost by the line") {
            self.calls.remove(call);
            return;
        }
        let line = || text.rsplit_once(" on ").map(|(_, line)| line.to_string()).unwrap_or_default();
        let begun = match text.split_once(' ') {
            Some(("in", rest)) if rest.starts_with("from ") => Leg { line: line(), ..Leg::default() },
            Some(("to", rest)) if rest.starts_with("be called") => Leg { outgoing: true, ..Leg::default() },
            _ => {
                if let Some(leg) = self.calls.get_mut(call) {
                    leg.told(text, line);
                }
                return;
            }
        };
        self.calls.insert(call.to_string(), begun);
    }

    /// What it was doing when it died.
    pub fn cut(&self) -> Cut {
        let count = |which: &dyn Fn(&Leg) -> bool| self.calls.values().filter(|leg| which(leg)).count() as u64;
        Cut {
            isdn: count(&|leg| leg.line.starts_with("sim 1/")),
            analog: count(&|leg| leg.line.starts_with("sim 2/")),
            queued: count(&|leg| leg.waits && leg.line.is_empty()),
            ringing: count(&|leg| leg.outgoing && !leg.line.is_empty() && !leg.answered),
            talking: count(&|leg| leg.outgoing && leg.answered),
            bridged: count(&|leg| leg.bridged),
        }
    }

    /// Recordings that were being made when it died, and for how long the line had spoken into each.
    pub fn cut_takes(&self) -> impl Iterator<Item = (Sid, u64)> {
        let cut = self.takes.iter().filter(|(_, take)| !take.ended);
        cut.map(|(sid, take)| (*sid, self.wire_ms.saturating_sub(take.begun_ms)))
    }
}

impl Leg {
    fn told(&mut self, text: &str, line: impl Fn() -> String) {
        match text {
            "bridged" => self.bridged = true,
            _ if text.starts_with("Dial ended") => self.bridged = false,
            _ if text.starts_with("waits for a line") => self.waits = true,
            _ if text.starts_with("out to ") => self.line = line(),
            _ if text.starts_with("answered") => self.answered = true,
            _ => {}
        }
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
