//! What all tasks of the router share: the effects that wait, the one generator, the clock as it was last told, and
//! who waits for what. Locked for moments only, never across an await; one thread uses it at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use tipring_card::Micros;
use tipring_guard::spending::{Spending, Turns};
use tipring_resources::{Call, MessageStatus, Record, Sid, SidKind, Stamp};

use crate::beside::{ListenHeard, StreamEvent};

use crate::bridge::Child;
use crate::config::Config;
use crate::directory::Directory;
use crate::effects::{Effect, HttpAnswer, HttpId, ListenId, MediaId, PlayId, StreamId, Trace, TraceKind, WriteId};
use crate::errand::Errand;
use crate::limits::{Counters, MAX_EFFECTS, MAX_ERRANDS, MAX_INBOX};
use crate::messages::SentMessage;
use crate::progress::{Telling, Thread};
use crate::queue::Waiter;
use crate::queues::Queues;
use crate::recording::LiveTake;
use crate::rooms::Rooms;
use crate::routes::Routes;
use crate::running::Running;
use crate::session::Session;
use crate::sources::Sources;
use tipring_resources::Code;
use tipring_switch::TapId;

/// Names one task: a call, or an errand beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TaskId(pub(crate) u64);

/// What reaches a task.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// The moment that it waited for has come.
    Timeout,
    /// Look at the session again: answered, ended or cleared.
    Line,
    /// Look at the legs that this one has called.
    Child,
    Key(u8),
    Started(PlayId),
    Played {
        play: PlayId,
        whole: bool,
    },
    Quiet(TapId),
    Speaks(TapId),
    Heard {
        id: ListenId,
        heard: ListenHeard,
    },
    Classified {
        tap: TapId,
        verdict: String,
        after_ms: u32,
    },
    Transcribed {
        sid: Sid,
        result: Result<String, (Code, String)>,
    },
    Stream {
        id: StreamId,
        event: StreamEvent,
    },
    MessageSent {
        sid: Sid,
        status: MessageStatus,
        fault: Option<(Code, String)>,
    },
    /// Look at the room, the queue or the stream that the leg is in.
    Room,
    TapEnded {
        tap: TapId,
        spoken: bool,
        lost: u32,
    },
    Http {
        id: HttpId,
        answer: HttpAnswer,
    },
    MediaFailed {
        id: MediaId,
        code: Code,
        text: String,
    },
    MediaNoted {
        id: MediaId,
        text: String,
    },
    RecordingClosed {
        sid: Sid,
        duration_ms: Option<u32>,
        text: String,
    },
    Written {
        id: WriteId,
        result: Result<(), String>,
    },
}

/// Where a task's inputs wait.
#[derive(Default)]
pub(crate) struct Slot {
    pub(crate) call: Option<Sid>,
    inbox: VecDeque<Input>,
    timer: Option<Micros>,
    ready: bool,
}

pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) now: Micros,
    pub(crate) directory: Directory,
    pub(crate) counters: Counters,
    pub(crate) sessions: BTreeMap<TaskId, Session>,
    pub(crate) routes: Routes,
    /// Legs that a Dial has called and not yet done with.
    pub(crate) children: BTreeMap<TaskId, Child>,
    pub(crate) rooms: Rooms,
    pub(crate) queues: Queues,
    pub(crate) sources: Sources,
    /// The box's voices that speak to somebody, with the calls and rooms with which they end.
    pub(crate) voices: Vec<(Sid, TaskId)>,
    /// Legs that wait for a line.
    pub(crate) queue: VecDeque<Waiter>,
    /// Accounts get lines from there by turns.
    pub(crate) turns: Turns<Sid>,
    /// Lines of the box; 0: nobody has said how many.
    pub(crate) lines: u32,
    /// What calls out have cost, and may cost.
    pub(crate) spending: Spending,
    /// Callbacks that wait; an errand is at work as long as there is an entry.
    pub(crate) telling: BTreeMap<Thread, Telling>,
    /// What runs beside calls, by its task.
    pub(crate) running: BTreeMap<TaskId, Running>,
    /// Recordings that are being made.
    pub(crate) takes: BTreeMap<Sid, LiveTake>,
    /// Messages of which the gateway may still tell something, the oldest first.
    pub(crate) sent: VecDeque<SentMessage>,
    /// Calls that changed since the machine last looked, and what became of them.
    pub(crate) changed: Vec<Call>,
    /// Notifications written, by call.
    pub(crate) notified: BTreeMap<Sid, u32>,
    /// Exchanges written, by call.
    pub(crate) logged: BTreeMap<Sid, u32>,
    pub(crate) draining: bool,
    /// Tasks to be begun.
    pub(crate) begun: Vec<(TaskId, Errand)>,
    out: VecDeque<Effect>,
    rng: ChaCha8Rng,
    last_id: u64,
    slots: BTreeMap<TaskId, Slot>,
    ready: VecDeque<TaskId>,
    timers: BTreeSet<(Micros, TaskId)>,
    /// Tasks alive, by call: its cookies are forgotten with the last.
    alive: BTreeMap<Sid, u32>,
}

/// The world as tasks hold it.
pub(crate) type Shared = Arc<Mutex<World>>;

/// Locks; a panic elsewhere does not make the data unusable.
pub(crate) fn lock(shared: &Shared) -> MutexGuard<'_, World> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(config.seed);
        let sources = Sources::new(config.sources.clone());
        let spending = crate::spending::spending(&config);
        World {
            config,
            now: Micros::ZERO,
            directory: Directory::default(),
            counters: Counters::default(),
            sessions: BTreeMap::new(),
            routes: Routes::default(),
            children: BTreeMap::new(),
            rooms: Rooms::default(),
            queues: Queues::default(),
            sources,
            voices: Vec::new(),
            queue: VecDeque::new(),
            turns: Turns::default(),
            lines: 0,
            spending,
            telling: BTreeMap::new(),
            running: BTreeMap::new(),
            takes: BTreeMap::new(),
            sent: VecDeque::new(),
            changed: Vec::new(),
            notified: BTreeMap::new(),
            logged: BTreeMap::new(),
            draining: false,
            begun: Vec::new(),
            out: VecDeque::new(),
            rng,
            last_id: 0,
            slots: BTreeMap::new(),
            ready: VecDeque::new(),
            timers: BTreeSet::new(),
            alive: BTreeMap::new(),
        }
    }

    /// The date of now.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp(self.config.epoch.0.saturating_add_unsigned(self.now.0))
    }

    /// The next name of anything that is not a record.
    pub(crate) fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn sid(&mut self, kind: SidKind) -> Sid {
        Sid::new(kind, self.random())
    }

    /// A token that says nothing.
    pub(crate) fn token(&mut self) -> String {
        format!("{:032x}", self.random())
    }

    fn random(&mut self) -> u128 {
        u128::from(self.rng.next_u64()) << 64 | u128::from(self.rng.next_u64())
    }

    pub(crate) fn emit(&mut self, effect: Effect) {
        if self.out.len() >= MAX_EFFECTS && matches!(effect, Effect::Trace(_)) {
            self.counters.traces_dropped += 1;
            return;
        }
        self.out.push_back(effect);
    }

    pub(crate) fn take_effect(&mut self) -> Option<Effect> {
        self.out.pop_front()
    }

    pub(crate) fn trace(&mut self, call: Option<Sid>, kind: TraceKind, text: impl Into<String>) {
        let text: String = text.into();
        let text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.emit(Effect::Trace(Trace { at: self.now, call, kind, text }));
    }

    pub(crate) fn write(&mut self, record: Record) -> WriteId {
        let id = WriteId(self.id());
        self.emit(Effect::Write { id, record: Box::new(record) });
        id
    }

    /// Whether there is hardly room for a call and what goes on beside it.
    pub(crate) fn is_crowded(&self) -> bool {
        self.slots.len() + MAX_INBOX >= MAX_ERRANDS
    }

    /// A new task, to be begun by the machine. `None`: there are too many.
    pub(crate) fn begin(&mut self, call: Sid, errand: Errand) -> Option<TaskId> {
        if self.slots.len() >= MAX_ERRANDS {
            self.counters.errands_dropped += 1;
            return None;
        }
        let task = TaskId(self.id());
        self.slots.insert(task, Slot { call: Some(call), ..Slot::default() });
        *self.alive.entry(call).or_default() += 1;
        self.begun.push((task, errand));
        Some(task)
    }

    /// The call or room that a task is about.
    pub(crate) fn about(&self, task: TaskId) -> Option<Sid> {
        self.slots.get(&task)?.call
    }

    /// Whether anything goes on for a call.
    pub(crate) fn is_alive(&self, call: Sid) -> bool {
        self.alive.contains_key(&call)
    }

    /// A task is over.
    pub(crate) fn end_task(&mut self, task: TaskId) {
        let Some(slot) = self.slots.remove(&task) else {
            return;
        };
        if let Some(timer) = slot.timer {
            self.timers.remove(&(timer, task));
        }
        self.routes.forget(task);
        self.running.remove(&task);
        self.takes.retain(|_, take| take.task != task);
        let Some(call) = slot.call else { return };
        if let Some(alive) = self.alive.get_mut(&call) {
            *alive -= 1;
            if *alive == 0 {
                self.alive.remove(&call);
                self.notified.remove(&call);
                self.logged.remove(&call);
                self.emit(Effect::ForgetSession { session: call });
            }
        }
    }

    /// Hands an input to a task and makes it ready.
    pub(crate) fn deliver(&mut self, task: TaskId, input: Input) {
        let Some(slot) = self.slots.get_mut(&task) else {
            self.counters.stale_events += 1;
            return;
        };
        if slot.inbox.len() >= MAX_INBOX {
            self.counters.events_dropped += 1;
        } else {
            slot.inbox.push_back(input);
        }
        self.wake(task);
    }

    /// The oldest input of a task.
    pub(crate) fn take_input(&mut self, task: TaskId) -> Option<Input> {
        self.slots.get_mut(&task)?.inbox.pop_front()
    }

    /// Forgets what waits for a task.
    pub(crate) fn empty_inbox(&mut self, task: TaskId) {
        if let Some(slot) = self.slots.get_mut(&task) {
            slot.inbox.clear();
        }
    }

    /// The task waits until then, or for an input; [`Micros::FOREVER`] is no timer.
    pub(crate) fn set_timer(&mut self, task: TaskId, at: Micros) {
        let Some(slot) = self.slots.get_mut(&task) else {
            return;
        };
        if let Some(old) = slot.timer.take() {
            self.timers.remove(&(old, task));
        }
        if at != Micros::FOREVER {
            slot.timer = Some(at);
            self.timers.insert((at, task));
        }
    }

    /// Makes every task ready whose timer is due.
    pub(crate) fn fire_timers(&mut self) {
        while let Some((at, task)) = self.timers.first().copied() {
            if at > self.now {
                return;
            }
            self.timers.pop_first();
            if let Some(slot) = self.slots.get_mut(&task) {
                slot.timer = None;
            }
            self.wake(task);
        }
    }

    pub(crate) fn first_timer(&self) -> Option<Micros> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn wake(&mut self, task: TaskId) {
        if let Some(slot) = self.slots.get_mut(&task)
            && !slot.ready
        {
            slot.ready = true;
            self.ready.push_back(task);
        }
    }

    /// The next task to be polled.
    pub(crate) fn take_ready(&mut self) -> Option<TaskId> {
        let task = self.ready.pop_front()?;
        if let Some(slot) = self.slots.get_mut(&task) {
            slot.ready = false;
        }
        Some(task)
    }
}
