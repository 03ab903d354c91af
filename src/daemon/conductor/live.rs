//! How others speak with the conductor: what they ask, and the answers.

use tipring_card::Maintenance;
use tipring_doctor::Order;
use tipring_lines::{Configured, LinesConfig};
use tipring_router::{DirectoryChange, Reconfiguration, Reply, Request, Trace};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::daemon::doctor::Seen;
use crate::observe::Snapshot;

/// How others speak with the conductor. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    pub(super) requests: mpsc::Sender<Ask>,
    pub(super) traces: broadcast::Sender<Trace>,
}

// One is moved, and soon taken apart: a box for it would cost more than its size.
#[allow(clippy::large_enum_variant)]
pub(super) enum Ask {
    Request(Request, oneshot::Sender<Reply>),
    Directory(DirectoryChange, oneshot::Sender<()>),
    Live(oneshot::Sender<usize>),
    Busy(oneshot::Sender<usize>),
    Configure(Box<Reconfiguration>),
    Lines(Box<LinesConfig>, oneshot::Sender<Option<Configured>>),
    Maintain(String, Maintenance, oneshot::Sender<Result<(), String>>),
    Snapshot(oneshot::Sender<Snapshot>),
    Examine(Order, oneshot::Sender<Result<(), String>>),
    Examination { stop: bool, back: oneshot::Sender<Seen> },
    Drain,
    Notice(String),
    EndAll,
}

impl Live {
    /// Asks something of a live call. `NotLive` when the conductor has stopped.
    pub async fn ask(&self, request: Request) -> Reply {
        let (back, answer) = oneshot::channel();
        match self.requests.send(Ask::Request(request, back)).await {
            Ok(()) => answer.await.unwrap_or(Reply::NotLive),
            Err(_) => Reply::NotLive,
        }
    }

    /// Accounts and numbers as they are from now on; returns when the router knows.
    pub async fn directory(&self, change: DirectoryChange) {
        let (back, done) = oneshot::channel();
        if self.requests.send(Ask::Directory(change, back)).await.is_ok() {
            let _ = done.await;
        }
    }

    /// Calls that are up.
    pub async fn live_calls(&self) -> usize {
        let (back, answer) = oneshot::channel();
        match self.requests.send(Ask::Live(back)).await {
            Ok(()) => answer.await.unwrap_or(0),
            Err(_) => 0,
        }
    }

    /// What calls are judged by from now on.
    pub async fn configure(&self, new: Reconfiguration) {
        let _ = self.requests.send(Ask::Configure(Box::new(new))).await;
    }

    /// Other settings of the lines, each as soon as no call uses the old one. `None`: there is no card, or its thread
    /// does not answer.
    pub async fn configure_lines(&self, new: LinesConfig) -> Option<Configured> {
        let (back, answer) = oneshot::channel();
        self.requests.send(Ask::Lines(Box::new(new), back)).await.ok()?;
        answer.await.ok()?
    }

    /// A loop or a test on a span; why not, in words.
    pub async fn maintain(&self, span: String, what: Maintenance) -> Result<(), String> {
        let stopped = || "the service is being stopped".to_owned();
        let (back, answer) = oneshot::channel();
        self.requests.send(Ask::Maintain(span, what, back)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Tells everybody who was answered that it is over, and hangs up after that; ends all other calls.
    pub async fn notice(&self, text: &str) {
        let _ = self.requests.send(Ask::Notice(text.to_owned())).await;
    }

    /// The living calls as they are now; `None` when the conductor has stopped.
    pub async fn snapshot(&self) -> Option<Snapshot> {
        let (back, answer) = oneshot::channel();
        self.requests.send(Ask::Snapshot(back)).await.ok()?;
        answer.await.ok()
    }

    /// Has the doctor examine a line; the reason where that cannot be.
    pub async fn examine(&self, order: Order) -> Result<(), String> {
        let stopped = || "the service is being stopped".to_owned();
        let (back, answer) = oneshot::channel();
        self.requests.send(Ask::Examine(order, back)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// What can be seen of the doctor's visit, or of the last one; one that goes on is ended where `stop`.
    pub async fn examination(&self, stop: bool) -> Option<Seen> {
        let (back, answer) = oneshot::channel();
        self.requests.send(Ask::Examination { stop, back }).await.ok()?;
        answer.await.ok()
    }

    /// No new calls from now on.
    pub async fn drain(&self) {
        let _ = self.requests.send(Ask::Drain).await;
    }

    /// Ends every call.
    pub async fn end_all(&self) {
        let _ = self.requests.send(Ask::EndAll).await;
    }

    /// Calls, and what is still done beside and after them: callbacks, recordings that are being completed.
    pub async fn busy(&self) -> usize {
        let (back, answer) = oneshot::channel();
        match self.requests.send(Ask::Busy(back)).await {
            Ok(()) => answer.await.unwrap_or(0),
            Err(_) => 0,
        }
    }

    /// The timeline from now on.
    pub fn traces(&self) -> broadcast::Receiver<Trace> {
        self.traces.subscribe()
    }
}
