//! The one writer: commands are queued, grouped into a transaction, and answered after its commit. A command that the
//! database refuses fails alone: its group is rolled back and its fellows are tried again one by one, in order.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Connection, Row};
use tipring_resources::{Account, Application, AuditEvent, Key, Number, Record, Sid, Stamp};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::journal::Journal;
use crate::rows::Statement;
use crate::store::Engine;
use crate::{StoreError, rooms, rows, tenants, texts};

/// Writes that may wait. A write is some hundred microseconds on a sound disk; a queue this long means a dead one.
pub const WRITE_QUEUE: usize = 8192;
/// Commands in one transaction at most: bounds what a poisoned one makes us repeat.
pub const BATCH_MAX: usize = 256;

/// Tries of one group while the database is away, [`RETRY_AFTER`] apart.
const TRIES: u32 = 5;
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What the writer is asked.
pub(crate) enum Command {
    Record(Record),
    Account(Account),
    Number(Number),
    Application(Application),
    Key(Key),
    Audit(AuditEvent),
    /// Of a table by its name, one of our own words.
    Delete {
        table: &'static str,
        account: Sid,
        sid: Sid,
    },
    DeleteCall {
        account: Sid,
        sid: Sid,
    },
    DeleteRecording {
        account: Sid,
        sid: Sid,
        now: Stamp,
    },
    Nothing,
}

type Outcome = Result<u64, StoreError>;
type Order = (Command, oneshot::Sender<Outcome>);

/// What the writer has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterCounters {
    /// Commands committed.
    pub commands: u64,
    /// Transactions committed.
    pub transactions: u64,
    /// Commands that the database refused.
    pub refused: u64,
    /// Commands turned away because [`WRITE_QUEUE`] were waiting.
    pub turned_away: u64,
}
tipring_card::name_counters!(WriterCounters: commands, transactions, refused, turned_away);

#[derive(Debug, Default)]
struct Counters {
    commands: AtomicU64,
    transactions: AtomicU64,
    refused: AtomicU64,
    turned_away: AtomicU64,
}

/// A write on its way: resolves after the commit.
#[must_use = "the write is on its way, but nobody learns whether it was refused"]
#[derive(Debug)]
pub struct Committed(Result<oneshot::Receiver<Outcome>, StoreError>);

impl Committed {
    fn settle(&mut self, context: &mut Context<'_>) -> Poll<Outcome> {
        match &mut self.0 {
            Err(error) => Poll::Ready(Err(error.clone())),
            Ok(answer) => Pin::new(answer).poll(context).map(|got| got.unwrap_or(Err(StoreError::Closed))),
        }
    }

    /// How many rows it touched.
    pub(crate) async fn rows(mut self) -> Outcome {
        std::future::poll_fn(|context| self.settle(context)).await
    }
}

impl Future for Committed {
    type Output = Result<(), StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.settle(context).map(|outcome| outcome.map(drop))
    }
}

/// The way to the writer task.
pub(crate) struct Writer {
    orders: Mutex<Option<mpsc::Sender<Order>>>,
    task: Mutex<Option<JoinHandle<()>>>,
    counters: Arc<Counters>,
    news: broadcast::Sender<Arc<Record>>,
}

impl Writer {
    pub(crate) fn start(pool: AnyPool, engine: Engine, box_name: String, journal: Arc<Journal>) -> Self {
        let (orders, inbox) = mpsc::channel(WRITE_QUEUE);
        let counters = Arc::new(Counters::default());
        let (news, _) = broadcast::channel(WRITE_QUEUE);
        let desk = Desk { pool, engine, box_name, journal, counters: Arc::clone(&counters), news: news.clone() };
        let task = tokio::spawn(desk.work(inbox));
        Writer { orders: Mutex::new(Some(orders)), task: Mutex::new(Some(task)), counters, news }
    }

    pub(crate) fn news(&self) -> broadcast::Receiver<Arc<Record>> {
        self.news.subscribe()
    }

    pub(crate) fn send(&self, command: Command) -> Committed {
        let (answer, answered) = oneshot::channel();
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(orders) = orders.as_ref() else {
            return Committed(Err(StoreError::Closed));
        };
        Committed(match orders.try_reserve() {
            Ok(place) => {
                place.send((command, answer));
                Ok(answered)
            }
            Err(mpsc::error::TrySendError::Full(())) => {
                self.counters.turned_away.fetch_add(1, Ordering::Relaxed);
                Err(StoreError::Busy(WRITE_QUEUE))
            }
            Err(mpsc::error::TrySendError::Closed(())) => Err(StoreError::Closed),
        })
    }

    pub(crate) fn counters(&self) -> WriterCounters {
        WriterCounters {
            commands: self.counters.commands.load(Ordering::Relaxed),
            transactions: self.counters.transactions.load(Ordering::Relaxed),
            refused: self.counters.refused.load(Ordering::Relaxed),
            turned_away: self.counters.turned_away.load(Ordering::Relaxed),
        }
    }

    /// Takes no more orders, waits for the end of the task.
    pub(crate) async fn stop(&self) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).take();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

/// The task's own things.
struct Desk {
    pool: AnyPool,
    engine: Engine,
    box_name: String,
    journal: Arc<Journal>,
    counters: Arc<Counters>,
    news: broadcast::Sender<Arc<Record>>,
}

impl Desk {
    async fn work(self, mut inbox: mpsc::Receiver<Order>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while inbox.recv_many(&mut batch, BATCH_MAX).await > 0 {
            match self.patiently(&batch).await {
                Ok(outcomes) => self.answer(batch.drain(..), outcomes),
                Err(error @ StoreError::Unreachable(_)) => {
                    let outcomes = vec![Err(error); batch.len()];
                    self.answer(batch.drain(..), outcomes);
                }
                Err(_) if batch.len() > 1 => {
                    for order in batch.drain(..) {
                        let outcome = self.transaction(std::slice::from_ref(&order)).await;
                        self.settle(order, outcome);
                    }
                }
                Err(error) => self.answer(batch.drain(..), vec![Err(error)]),
            }
        }
        self.pool.close().await;
    }

    /// A database that is away for some seconds (a restart, a backup's lock) costs no record.
    async fn patiently(&self, batch: &[Order]) -> Result<Vec<Outcome>, StoreError> {
        let mut tries = 1;
        loop {
            match self.transaction(batch).await {
                Err(StoreError::Unreachable(text)) if tries < TRIES => {
                    tracing::warn!(%text, tries, "the database is away: the writes wait");
                    tries += 1;
                    tokio::time::sleep(RETRY_AFTER).await;
                }
                done => return done,
            }
        }
    }

    fn answer(&self, batch: impl Iterator<Item = Order>, outcomes: Vec<Outcome>) {
        for (order, outcome) in batch.zip(outcomes) {
            self.settle(order, outcome.map(|rows| vec![Ok(rows)]));
        }
    }

    fn settle(&self, (command, answer): Order, outcome: Result<Vec<Outcome>, StoreError>) {
        let outcome = outcome.and_then(|mut outcomes| outcomes.pop().unwrap_or(Ok(0)));
        match &outcome {
            Ok(rows) => {
                self.counters.commands.fetch_add(1, Ordering::Relaxed);
                match &command {
                    Command::Record(Record::Call(call)) => self.journal.relieve(call),
                    Command::DeleteCall { .. } if *rows > 0 => self.journal.forget_written(),
                    _ => {}
                }
                if let Command::Record(record) = command
                    && *rows > 0
                    && self.news.receiver_count() > 0
                {
                    // Nobody may be listening any more.
                    let _ = self.news.send(Arc::new(record));
                }
            }
            Err(error) => {
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
                if !matches!(error, StoreError::NumberInUse(_)) {
                    tracing::error!(%error, "a write was refused");
                }
            }
        }
        let _ = answer.send(outcome);
    }

    /// All commands in one transaction. An outcome that is an error left no trace in it.
    async fn transaction(&self, batch: &[Order]) -> Result<Vec<Outcome>, StoreError> {
        if batch.iter().all(|(command, _)| matches!(command, Command::Nothing)) {
            return Ok(batch.iter().map(|_| Ok(0)).collect());
        }
        if batch.iter().any(|(command, _)| matches!(command, Command::DeleteCall { .. })) {
            // Before the row goes: a crash right after the commit must find no old line to bring it back with.
            for (command, _) in batch {
                if let Command::Record(Record::Call(call)) = command
                    && batch.iter().any(|(it, _)| matches!(it, Command::DeleteCall { sid, .. } if *sid == call.sid))
                {
                    self.journal.relieve(call);
                }
            }
            self.journal.forget_written();
        }
        let mut connection = self.pool.acquire().await?;
        if let [(command, _)] = batch
            && !matches!(command, Command::Number(_))
        {
            // One statement is a transaction by itself: two turns to the database less.
            let rows = self.apply(&mut connection, command).await?;
            self.counters.transactions.fetch_add(1, Ordering::Relaxed);
            return Ok(vec![Ok(rows)]);
        }
        let mut tx = connection.begin_with(self.engine.begin()).await?;
        let mut outcomes = Vec::with_capacity(batch.len());
        for (command, _) in batch {
            match self.apply(&mut tx, command).await {
                Err(refused @ StoreError::NumberInUse(_)) => outcomes.push(Err(refused)),
                done => outcomes.push(Ok(done?)),
            }
        }
        tx.commit().await?;
        self.counters.transactions.fetch_add(1, Ordering::Relaxed);
        Ok(outcomes)
    }

    async fn apply(&self, tx: &mut AnyConnection, command: &Command) -> Outcome {
        let statement = match command {
            Command::Record(record) => put(record, &self.box_name),
            Command::Account(account) => rows::put_account(account),
            Command::Number(number) => {
                if let Some(other) = holder(tx, number).await? {
                    return Err(StoreError::NumberInUse(other));
                }
                rows::put_number(number)
            }
            Command::Application(application) => tenants::put_application(application),
            Command::Key(key) => tenants::put_key(key),
            Command::Audit(event) => tenants::put_audit(event),
            Command::Delete { table, account, sid } => {
                sqlx::query(AssertSqlSafe(format!("DELETE FROM {table} WHERE sid = $1 AND account = $2")))
                    .bind(sid.to_string())
                    .bind(account.to_string())
            }
            Command::DeleteCall { account, sid } => sqlx::query(
                "DELETE FROM calls WHERE sid = $1 AND account = $2
                 AND status NOT IN ('queued', 'ringing', 'in-progress')",
            )
            .bind(sid.to_string())
            .bind(account.to_string()),
            Command::DeleteRecording { account, sid, now } => sqlx::query(
                "UPDATE recordings SET status = 'deleted', updated = $3 WHERE sid = $1 AND account = $2
                 AND status NOT IN ('deleted', 'in-progress', 'paused', 'stopped')",
            )
            .bind(sid.to_string())
            .bind(account.to_string())
            .bind(now.0),
            Command::Nothing => return Ok(0),
        };
        Ok(statement.execute(tx).await?.rows_affected())
    }
}

fn put(record: &Record, box_name: &str) -> Statement {
    match record {
        Record::Call(call) => rows::put_call(call, box_name),
        Record::Recording(recording) => rows::put_recording(recording, box_name),
        Record::Notification(notification) => rows::put_notification(notification),
        Record::Conference(conference) => rooms::put_conference(conference, box_name),
        Record::Participant(participant) => rooms::put_participant(participant, box_name),
        Record::ParticipantGone { conference, call } => rooms::participant_gone(*conference, *call),
        Record::Queue(queue) => rooms::put_queue(queue),
        Record::QueueGone(sid) => rooms::queue_gone(*sid),
        Record::Member(member) => rooms::put_member(member, box_name),
        Record::MemberGone { queue, call } => rooms::member_gone(*queue, *call),
        Record::Transcription(transcription) => texts::put_transcription(transcription, box_name),
        Record::Message(message) => texts::put_message(message, box_name),
        Record::CallEvent(event) => texts::put_event(event),
        Record::CallerId(caller_id) => tenants::put_caller_id(caller_id),
    }
}

/// Which other number has this number's address.
async fn holder(tx: &mut AnyConnection, number: &Number) -> Result<Option<Sid>, StoreError> {
    let row = sqlx::query("SELECT sid FROM numbers WHERE phone_number = $1 AND sid <> $2")
        .bind(number.phone_number.clone())
        .bind(number.sid.to_string())
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let text: String = row.try_get(0)?;
    text.parse().map(Some).map_err(|_| StoreError::BadRow { table: "numbers", text: format!("sid is {text:?}") })
}
