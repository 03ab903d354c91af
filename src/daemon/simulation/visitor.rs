//! A program beside a scenario, in Rust: it speaks with the whole REST API and sleeps on the scenario's clock, which stands
//! still while the program works and goes on while the router owes it an answer. What it asks is its own business.

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tipring_card::Micros;
use tipring_resources::{Account, Sid, SidKind, Stamp};
use tipring_router::{DirectoryChange, Event, Reply, Request, RequestId};
use tipring_store::Store;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::World;
use crate::daemon::scenario::Subscriber;
use crate::daemon::serve::StartError;
use crate::daemon::telephones::LINE_READY;

/// A visitor that does nothing for so long waits for something that only the clock could bring.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests of a visitor are numbered from here: below are those of the scenario's programs.
const FIRST: u64 = 1 << 32;

/// What is around a scenario's box and stands in no file.
#[derive(Default)]
pub struct Around {
    /// Where its state is kept from one run to the next; a box that finds some begins an hour later and knows the numbers
    /// of before, not the scenario's.
    pub state: Option<PathBuf>,
    /// Where its sounds are kept from one run to the next.
    pub sounds: Option<PathBuf>,
    /// Names that lead elsewhere than to the scenario's documents.
    pub hosts: Vec<(String, SocketAddr)>,
    /// Files with authorities that it trusts beside the system's.
    pub trust: Vec<PathBuf>,
    /// What its operator has set of the API.
    pub api: tipring_api::Options,
    /// A program.
    pub visitor: Option<Visitor>,
}

/// A program, from its first line to its last.
pub type Visitor = Box<dyn FnOnce(Desk) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// What a visitor stands before.
pub struct Desk {
    /// The API, as it is behind every entrance.
    pub api: axum::Router,
    /// The account of the first start.
    pub account: Account,
    wishes: mpsc::UnboundedSender<Wish>,
}

impl Desk {
    /// Sleeps until a moment, counted as `at_ms` of a scenario is.
    pub async fn until(&self, at_ms: u64) {
        let (back, woken) = oneshot::channel();
        let _ = self.wishes.send(Wish::Until(LINE_READY + Micros::from_ms(at_ms), back));
        let _ = woken.await;
    }

    /// Somebody more who can be called, before all others.
    pub fn subscribe(&self, subscriber: Subscriber) {
        let _ = self.wishes.send(Wish::Subscribe(subscriber));
    }

    /// From now on nobody is reached on the scenario's `wide_hosts`.
    pub fn unplug(&self) {
        let _ = self.wishes.send(Wish::Unplug);
    }
}

enum Wish {
    Until(Micros, oneshot::Sender<()>),
    Subscribe(Subscriber),
    Unplug,
}

/// What the API asks of the box for a visitor.
enum Ask {
    Request(Box<Request>, oneshot::Sender<Reply>),
    Directory(Box<DirectoryChange>, oneshot::Sender<()>),
}

/// What happens next.
enum Turn {
    Wish(Wish),
    Ask(Ask),
}

/// The box as the API has it.
struct Face {
    asks: mpsc::UnboundedSender<Ask>,
    epoch: Stamp,
    clock: Arc<AtomicU64>,
    seed: u64,
    sids: AtomicU64,
}

impl tipring_api::Live for Face {
    fn ask(&self, request: Request) -> tipring_api::Later<'_, Reply> {
        let (back, answer) = oneshot::channel();
        let sent = self.asks.send(Ask::Request(Box::new(request), back));
        Box::pin(async move { if sent.is_ok() { answer.await.unwrap_or(Reply::NotLive) } else { Reply::NotLive } })
    }

    fn directory_changed(&self, change: DirectoryChange) -> tipring_api::Later<'_, ()> {
        let (back, done) = oneshot::channel();
        let sent = self.asks.send(Ask::Directory(Box::new(change), back));
        Box::pin(async move {
            if sent.is_ok() {
                let _ = done.await;
            }
        })
    }

    fn new_sid(&self, kind: SidKind) -> Sid {
        let n = self.sids.fetch_add(1, Ordering::Relaxed);
        Sid::new(kind, (u128::from(self.seed) << 64) | u128::from(FIRST + n))
    }

    fn now(&self) -> Stamp {
        Stamp(self.epoch.0 + i64::try_from(self.clock.load(Ordering::Relaxed)).unwrap_or(i64::MAX))
    }
}

/// The visitor of a run, if it has one.
pub(super) struct Visits {
    clock: Arc<AtomicU64>,
    asks: mpsc::UnboundedReceiver<Ask>,
    wishes: mpsc::UnboundedReceiver<Wish>,
    task: Option<JoinHandle<()>>,
    sleeps: Option<(Micros, oneshot::Sender<()>)>,
    owed: HashMap<u64, oneshot::Sender<Reply>>,
    next: u64,
}

impl Visits {
    /// Begins the visit.
    pub(super) fn new(
        visitor: Option<Visitor>,
        options: tipring_api::Options,
        store: Store,
        account: Account,
        (epoch, seed): (Stamp, u64),
    ) -> Self {
        let (to_box, asks) = mpsc::unbounded_channel();
        let (to_world, wishes) = mpsc::unbounded_channel();
        let clock = Arc::new(AtomicU64::new(0));
        let task = visitor.map(|visitor| {
            let clock = Arc::clone(&clock);
            let live = Arc::new(Face { asks: to_box, epoch, clock, seed, sids: AtomicU64::new(0) });
            let api = tipring_api::app(tipring_api::State { store, live, base: String::new(), options });
            tokio::spawn(visitor(Desk { api, account, wishes: to_world }))
        });
        Visits { clock, asks, wishes, task, sleeps: None, owed: HashMap::new(), next: FIRST }
    }

    /// When it wakes.
    pub(super) fn deadline(&self) -> Option<Micros> {
        self.sleeps.as_ref().map(|(at, _)| *at)
    }

    /// Whether it is over.
    pub(super) fn all_done(&self) -> bool {
        self.task.is_none()
    }

    /// The router has answered; what was asked by somebody else comes back.
    pub(super) fn answered(&mut self, id: RequestId, reply: Reply) -> Option<Reply> {
        match self.owed.remove(&id.0) {
            Some(back) => {
                let _ = back.send(reply);
                None
            }
            None => Some(reply),
        }
    }

    fn owe(&mut self, back: oneshot::Sender<Reply>) -> RequestId {
        self.next += 1;
        self.owed.insert(self.next, back);
        RequestId(self.next)
    }

    fn wake(&mut self, now: Micros) {
        self.clock.store(now.0, Ordering::Relaxed);
        if let Some((_, back)) = self.sleeps.take_if(|(at, _)| *at <= now) {
            let _ = back.send(());
        }
    }

    /// What it does next; `None` while it sleeps, waits for the router, or is over.
    async fn turn(&mut self) -> Result<Option<Turn>, StartError> {
        if self.task.is_none() || self.sleeps.is_some() || !self.owed.is_empty() {
            return Ok(None);
        }
        let next = async {
            tokio::select! {
                biased;
                Some(ask) = self.asks.recv() => Some(Turn::Ask(ask)),
                wish = self.wishes.recv() => wish.map(Turn::Wish),
            }
        };
        let next = tokio::time::timeout(PATIENCE, next).await;
        let next = next.map_err(|_| StartError { exit: 1, text: "the visitor waits for nothing".into() })?;
        if next.is_none()
            && let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            return Err(StartError { exit: 1, text: format!("the visitor broke: {error}") });
        }
        Ok(next)
    }
}

impl<W: Write> World<'_, W> {
    /// The visitor does what it does at this moment.
    pub(super) async fn visit(&mut self) -> Result<(), StartError> {
        self.visits.wake(self.now);
        while let Some(turn) = self.visits.turn().await? {
            match turn {
                Turn::Ask(Ask::Request(request, back)) => {
                    let id = self.visits.owe(back);
                    self.tell(Event::Request { id, request: *request });
                    self.settle().await?;
                }
                Turn::Ask(Ask::Directory(change, back)) => {
                    if let DirectoryChange::Account(account) = &*change {
                        self.hands.learn(account);
                    }
                    self.tell(Event::Directory(*change));
                    let _ = back.send(());
                }
                Turn::Wish(Wish::Until(at, back)) if at > self.now => self.visits.sleeps = Some((at, back)),
                Turn::Wish(Wish::Until(_, back)) => drop(back.send(())),
                Turn::Wish(Wish::Subscribe(subscriber)) => self.telephones.subscribe(&subscriber),
                Turn::Wish(Wish::Unplug) => self.app.unplug(),
            }
        }
        Ok(())
    }
}
