//! Jobs: what the layer does beside calls, asked for over its face: warming, crawling, refreshing, writing down. They wait in order, few run
//! at a time, and what became of them can be read for a while after. They end with the process: whoever wants them done
//! for certain plans them (`plans`).

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::wish::Wish;
use crate::fault::MediaFault;
use crate::rules::millis;
use crate::service::Service;

/// Where a job is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// Others are before it.
    #[default]
    Queued,
    /// Media are asked for.
    Running,
    /// Every medium was asked for; some may have failed.
    Completed,
    /// It could not be done.
    Failed,
    /// It was taken back.
    Canceled,
}

/// A job as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobState {
    /// Its name, for asking after it.
    pub id: String,
    /// Whose it is.
    pub account: String,
    /// `warm`, `crawl`, `refresh` or `transcribe`.
    pub kind: String,
    /// The plan that began it; empty: somebody asked.
    pub plan: String,
    /// Where it is.
    pub status: JobStatus,
    /// When it was asked for, in milliseconds since 1970.
    pub asked_ms: u64,
    /// When it was over; 0: it is not.
    pub ended_ms: u64,
    /// Media that it has to ask for, as far as it is known.
    pub found: u64,
    /// Links that were looked at and did not fit.
    pub passed_over: u64,
    /// Media that were there already.
    pub hits: u64,
    /// Media that were fetched or made.
    pub made: u64,
    /// Media that their origin confirmed.
    pub confirmed: u64,
    /// Media that could not be had.
    pub failed: u64,
    /// Of those that were had: media that are not kept, because their origin forbids it.
    pub unkept: u64,
    /// Octets as they are kept.
    pub octets: u64,
    /// Why it failed.
    pub fault: Option<MediaFault>,
    /// What became of the media, the first thousand and those that failed.
    pub items: Vec<ItemState>,
}

/// What became of one medium.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ItemState {
    /// Its persistent URI.
    pub uri: String,
    /// The form.
    pub preset: String,
    /// `hit`, `miss` or `revalidated`; empty: it was not had.
    pub cached: String,
    /// It is in the cache now.
    pub kept: bool,
    /// Octets as it is kept.
    pub octets: u64,
    /// What a recording says; what was heard of it where it has a fault.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Why it was not had, or why a link was passed over.
    pub fault: Option<MediaFault>,
}

/// A job that runs or waits.
pub(crate) struct Job {
    pub account: String,
    pub wish: Wish,
    pub taken_back: CancellationToken,
    state: Mutex<JobState>,
}

pub(crate) struct Jobs {
    all: Mutex<VecDeque<Arc<Job>>>,
    serial: std::sync::atomic::AtomicU64,
    running: Arc<Semaphore>,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { all: Mutex::default(), serial: Default::default(), running: Arc::new(Semaphore::new(RUNNING)) }
    }
}

impl Jobs {
    /// Of this account (`None`: of all), the last first.
    pub fn list(&self, account: Option<&str>) -> Vec<JobState> {
        let shown = |it: &Arc<Job>| JobState { items: Vec::new(), ..it.state() };
        self.all().iter().rev().filter(|it| account.is_none_or(|own| own == it.account)).map(shown).collect()
    }

    pub fn find(&self, account: Option<&str>, id: &str) -> Option<Arc<Job>> {
        let all = self.all();
        all.iter().find(|it| it.lock().id == id && account.is_none_or(|own| own == it.account)).cloned()
    }

    fn put(&self, job: Arc<Job>) -> Result<(), MediaFault> {
        let mut all = self.all();
        if all.iter().filter(|it| !it.over()).count() >= WAITING {
            let text = format!("jobs: {WAITING} wait already; ask again when some are over");
            return Err(MediaFault::new(crate::fault::FETCH, text));
        }
        while all.len() >= KEPT {
            let Some(oldest) = all.iter().position(|it| it.over()) else { break };
            all.remove(oldest);
        }
        all.push_back(job);
        Ok(())
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Arc<Job>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    /// As it is now.
    pub fn state(&self) -> JobState {
        self.lock().clone()
    }

    fn over(&self) -> bool {
        !matches!(self.lock().status, JobStatus::Queued | JobStatus::Running)
    }

    pub fn expects(&self, more: usize) {
        self.lock().found += more as u64;
    }

    /// A link did not fit.
    pub fn passes_over(&self, uri: String, why: MediaFault) {
        let mut state = self.lock();
        state.passed_over += 1;
        if state.items.len() < ITEMS {
            state.items.push(ItemState { uri, fault: Some(why), ..ItemState::default() });
        }
    }

    pub fn had(&self, item: ItemState) {
        let mut state = self.lock();
        match item.cached.as_str() {
            "hit" => state.hits += 1,
            "revalidated" => state.confirmed += 1,
            "miss" => state.made += 1,
            _ => state.failed += 1,
        }
        let keeps = !matches!(self.wish, Wish::Transcribe(_));
        if keeps && !item.cached.is_empty() && !item.kept {
            state.unkept += 1;
        }
        state.octets += if item.kept { item.octets } else { 0 };
        let room = if item.fault.is_some() { ITEMS + FAULTS } else { ITEMS };
        if state.items.len() < room {
            state.items.push(item);
        }
    }

    fn lock(&self) -> MutexGuard<'_, JobState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Takes a job on, or refuses it.
    pub(crate) fn take_on(self: &Arc<Self>, account: &str, wish: Wish, plan: &str) -> Result<Arc<Job>, MediaFault> {
        wish.check()?;
        let now_ms = millis(self.now());
        let serial = self.jobs.serial.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let state = JobState {
            id: format!("{now_ms:x}-{serial:x}"),
            account: account.to_owned(),
            kind: wish.kind().to_owned(),
            plan: plan.to_owned(),
            asked_ms: now_ms,
            ..JobState::default()
        };
        let taken_back = self.stop.child_token();
        let job = Arc::new(Job { account: account.to_owned(), wish, taken_back, state: Mutex::new(state) });
        self.jobs.put(Arc::clone(&job))?;
        let (service, running) = (Arc::clone(self), Arc::clone(&job));
        tokio::spawn(async move { service.carry_out(running).await });
        Ok(job)
    }

    async fn carry_out(self: Arc<Self>, job: Arc<Job>) {
        let done = async {
            let Ok(_turn) = self.jobs.running.acquire().await else { return Ok(()) };
            job.lock().status = JobStatus::Running;
            let run = AssertUnwindSafe(super::warm::run(&self, &job)).catch_unwind().await;
            run.unwrap_or_else(|_| Err(MediaFault::new(crate::fault::FETCH, "the job panicked; the log says where")))
        };
        let outcome = tokio::select! {
            outcome = done => Some(outcome),
            () = job.taken_back.cancelled() => None,
        };
        let now: SystemTime = self.now();
        let mut state = job.lock();
        state.ended_ms = millis(now).max(1);
        state.status = match outcome {
            Some(Ok(())) => JobStatus::Completed,
            Some(Err(fault)) => {
                state.fault = Some(fault);
                JobStatus::Failed
            }
            None => JobStatus::Canceled,
        };
        tracing::info!(
            job = state.id,
            kind = state.kind,
            account = state.account,
            plan = state.plan,
            found = state.found,
            hits = state.hits,
            made = state.made,
            confirmed = state.confirmed,
            failed = state.failed,
            status = ?state.status,
            "a job of the media layer is over"
        );
    }
}

/// Jobs that run at the same time: they are in no hurry, and one that waits for a slow origin holds no other up.
const RUNNING: usize = 4;
/// Jobs that wait or run; then they are refused.
const WAITING: usize = 64;
/// Jobs that can be read; those that have been over for longest go first.
const KEPT: usize = 256;
/// Media of a job that are shown one by one.
const ITEMS: usize = 1_000;
/// And so many more that failed.
const FAULTS: usize = 1_000;
