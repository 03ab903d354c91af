//! The conductor in real time: owns the router, carries its effects out through the engine and [`Hands`], and brings the
//! world's events back. One task owns all of it; everybody else speaks with it over bounded channels.

mod effects;
mod live;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::time::{Duration, Instant};

use tipring_card::{Block, Micros};
use tipring_lines::{EngineEvent, EngineHandle};
use tipring_resources::Code;
use tipring_router::{
    DirectoryChange, Event, HttpId, MediaId, MessageIn, Reply, RequestId, Router, StreamId, SwitchCommand, SwitchEvent,
    Trace, TraceKind, ZoneId,
};
use tipring_store::Blobs;
use tipring_switch::TapId;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::AbortHandle;

use super::callbook::{self, CallBook};
use super::doctor::Doctor;
use super::ears::{Ears, Goes};
use super::feeder::{AHEAD, Feeder};
use super::gateway::{Heard, Taking};
use super::hands::Hands;
use super::inbox::{Inbox, WORDS, some};
use super::listening::Listening;
use super::recorder::Recorder;
use super::streaming::Streaming;
pub use live::Live;

use live::Ask;

/// Ends of effects under way to the conductor. Each effect has one; the router bounds the effects.
const ENDS: usize = 4096;
/// Requests of the API that wait.
const REQUESTS: usize = 256;
/// Timeline lines that a slow reader may be behind before it misses some.
const TRACES: usize = 4096;
/// How often the switch's events are fetched while something is going on: they come once a block.
const LIVE_POLL: Duration = Duration::from_millis(10);
/// And while nothing is.
const IDLE_POLL: Duration = Duration::from_millis(250);
/// The signalling thread answers within a step, unless a slow ioctl holds it.
const CONFIGURE_LIMIT: Duration = Duration::from_secs(2);

/// What the conductor is made with.
pub struct Parts {
    /// The router, with its directory empty.
    pub router: Router,
    /// The slow hands.
    pub hands: Hands,
    /// Where recordings go.
    pub blobs: Blobs,
    /// The card; without one the box has no lines and only the API works.
    pub engine: Option<EngineHandle>,
    /// Takes messages.
    pub messages: super::gateway::Messages,
    /// The country of the lines.
    pub zone: ZoneId,
    /// Zero of every [`Micros`].
    pub epoch: Instant,
}

/// The end, or a part, of an effect.
// One is moved, and soon taken apart: a box for it would cost more than its size.
#[allow(clippy::large_enum_variant)]
enum End {
    Event(Event),
    Message(MessageIn, oneshot::Sender<()>),
    Sound(MediaId, Sound),
}

enum Sound {
    Chunk(Vec<u8>),
    /// Something is to be known of it.
    Note(String),
    End,
    Fault(Code, String),
}

/// Starts the conductor on the current runtime. The receiver has the timeline from its very first line.
pub fn start(parts: Parts) -> (Live, broadcast::Receiver<Trace>) {
    let (requests, asked) = mpsc::channel(REQUESTS);
    let (traces, timeline) = broadcast::channel(TRACES);
    let (ends, ended) = mpsc::channel(ENDS);
    let (words, streamed) = mpsc::channel(WORDS);
    let (lines, line_events) = mpsc::channel(REQUESTS);
    let mut engine = parts.engine;
    if let Some(from) = engine.as_mut().and_then(|engine| engine.line_events.take()) {
        bridge(from, lines);
    }
    if let Some(told) = parts.messages.told {
        tokio::spawn(messages_in(told, parts.messages.number, ends.clone()));
    }
    let (book, told) = CallBook::new();
    tokio::spawn(callbook::log(told));
    let meters = &parts.hands.meters;
    let conductor = Conductor {
        listening: Listening::new(meters.clone()),
        streaming: Streaming::new(meters.clone()),
        router: parts.router,
        hands: parts.hands,
        ears: Ears::new(Recorder::new(parts.blobs), parts.zone),
        gateway: parts.messages.gateway,
        taking: Taking::default(),
        feeder: Feeder::default(),
        engine,
        epoch: parts.epoch,
        ends,
        words,
        traces: traces.clone(),
        https: HashMap::new(),
        sounds: HashMap::new(),
        replies: HashMap::new(),
        next_request: 0,
        held: std::collections::VecDeque::new(),
        book,
        doctor: Doctor::default(),
    };
    tokio::spawn(conductor.run(Inbox { lines: line_events, ended, asked, streamed }));
    (Live { requests, traces }, timeline)
}

/// Line events come from a thread; a second one brings them into the runtime.
fn bridge(from: std_mpsc::Receiver<EngineEvent>, to: mpsc::Sender<EngineEvent>) {
    let pump = move || {
        while let Ok(event) = from.recv() {
            if to.blocking_send(event).is_err() {
                return;
            }
        }
    };
    // Without this thread no call could come in: the process is out of threads and says so in its log.
    if let Err(error) = std::thread::Builder::new().name("line events".into()).spawn(pump) {
        tracing::error!(%error, "cannot start the thread that brings line events");
    }
}

/// What the gateway tells by itself.
async fn messages_in(mut told: mpsc::Receiver<tipring_messages::Told>, number: String, ends: mpsc::Sender<End>) {
    while let Some(told) = told.recv().await {
        let end = match super::gateway::heard(told, &number) {
            Some(Heard::Event(event)) => End::Event(*event),
            Some(Heard::Message(message, taken)) => End::Message(message, taken),
            None => continue,
        };
        if ends.send(end).await.is_err() {
            return;
        }
    }
}

struct Stream {
    task: AbortHandle,
    /// Permits for chunks: the stream waits when the feeder is full.
    more: Arc<tokio::sync::Semaphore>,
    paused: bool,
}

struct Conductor {
    router: Router,
    hands: Hands,
    ears: Ears,
    listening: Listening,
    streaming: Streaming,
    gateway: Option<tipring_messages::Gateway>,
    taking: Taking,
    feeder: Feeder,
    engine: Option<EngineHandle>,
    epoch: Instant,
    ends: mpsc::Sender<End>,
    words: mpsc::Sender<(StreamId, tipring_streams::Told)>,
    traces: broadcast::Sender<Trace>,
    https: HashMap<HttpId, AbortHandle>,
    sounds: HashMap<MediaId, Stream>,
    replies: HashMap<RequestId, oneshot::Sender<Reply>>,
    next_request: u64,
    /// Switch commands that found the queue full keep their order here.
    held: std::collections::VecDeque<SwitchCommand>,
    /// For those who look at living calls.
    book: CallBook,
    doctor: Doctor,
}

impl Conductor {
    async fn run(mut self, mut inbox: Inbox<Ask, End>) {
        loop {
            self.switch_events();
            self.timers();
            self.effects();
            let (wait, hears) = (self.wait(), self.hears_servers());
            tokio::select! {
                biased;
                Some(event) = inbox.lines.recv() => self.line(event),
                Some(end) = inbox.ended.recv() => self.end(end),
                ask = inbox.asked.recv() => match ask {
                    Some(ask) => self.ask(ask),
                    None => return,
                },
                Some((id, told)) = inbox.streamed.recv(), if hears => self.streamed(id, told),
                () = tokio::time::sleep(wait) => {}
            }
            some(&mut inbox.lines).for_each(|event| self.line(event));
            some(&mut inbox.ended).for_each(|end| self.end(end));
            some(&mut inbox.asked).for_each(|ask| self.ask(ask));
            if self.hears_servers() {
                some(&mut inbox.streamed).for_each(|(id, told)| self.streamed(id, told));
            }
        }
    }

    /// While commands wait for the switch, servers of streams wait too: what they say makes more of them.
    fn hears_servers(&self) -> bool {
        self.held.is_empty()
    }

    fn now(&self) -> Micros {
        Micros(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn wait(&self) -> Duration {
        let idle = self.router.live_calls().next().is_none() && self.held.is_empty() && !self.doctor.runs();
        let poll = if idle { IDLE_POLL } else { LIVE_POLL };
        match self.router.deadline().into_iter().chain(self.doctor.deadline()).min() {
            Some(deadline) => poll.min(Duration::from_micros(deadline.since(self.now()).0)),
            None => poll,
        }
    }

    fn handle(&mut self, event: Event) {
        let now = self.now();
        self.router.handle(now, event);
        self.effects();
    }

    fn timers(&mut self) {
        let now = self.now();
        if self.router.deadline().is_some_and(|deadline| deadline <= now) {
            self.router.handle(now, Event::Timer);
        }
        self.doctor.timer(now);
    }

    fn line(&mut self, event: EngineEvent) {
        match event {
            EngineEvent::Line(event) => self.handle(Event::Line(event)),
            EngineEvent::Examined(examined) => {
                let now = self.now();
                self.doctor.examined(now, examined);
                self.effects();
            }
            EngineEvent::Note(text) => {
                let trace = Trace { at: self.now(), call: None, kind: TraceKind::Line, text };
                let _ = self.traces.send(trace);
            }
        }
    }

    fn switch_events(&mut self) {
        let mut commands = Vec::new();
        while let Some(event) = self.engine.as_mut().and_then(EngineHandle::switch_event) {
            let now = self.now();
            let Some(event) = self.doctor.switched(now, event) else {
                continue;
            };
            match event {
                SwitchEvent::Audio { tap, data, .. } => self.heard(tap, &data),
                SwitchEvent::Room { play, octets, .. } => {
                    if !self.streaming.room(play, usize::from(octets), &mut commands) {
                        let more = self.feeder.room(play, usize::from(octets), &mut commands);
                        self.resume(more);
                    }
                    self.switch(&mut commands);
                }
                SwitchEvent::Marked { play, mark, .. } => match self.streaming.marked(play, mark, &mut commands) {
                    Some(last) => self.tell(last),
                    None => self.handle(Event::Switch(event)),
                },
                SwitchEvent::TapEnded { tap, .. } => {
                    self.ears.ended(tap);
                    self.handle(Event::Switch(event));
                }
                SwitchEvent::Played { play, .. } => {
                    self.streaming.played(play);
                    if let Some(media) = self.feeder.played(play) {
                        self.stop_sound(media);
                    }
                    self.handle(Event::Switch(event));
                }
                other => self.handle(Event::Switch(other)),
            }
        }
        self.switch(&mut commands);
    }

    /// A block of a tap goes where it is heard.
    fn heard(&mut self, tap: TapId, block: &Block) {
        match self.ears.block(tap, block) {
            Goes::Nowhere => {}
            Goes::Listener(id) => self.listening.block(id, block),
            Goes::Stream(id, track) => {
                let last = self.streaming.block(id, track, block);
                self.tell(last);
            }
            Goes::Verdict(event) | Goes::Broken(event) => self.handle(event),
        }
    }

    fn tell(&mut self, event: Option<Event>) {
        if let Some(event) = event {
            self.handle(event);
        }
    }

    fn switch(&mut self, commands: &mut Vec<SwitchCommand>) {
        self.held.extend(commands.drain(..));
        let Some(engine) = &mut self.engine else {
            self.held.clear();
            return;
        };
        let room = engine.switch_room().min(self.held.len());
        for command in self.held.drain(..room) {
            engine.switch(command);
        }
    }

    fn resume(&mut self, media: Option<MediaId>) {
        if let Some(stream) = media.and_then(|media| self.sounds.get_mut(&media))
            && std::mem::replace(&mut stream.paused, false)
        {
            stream.more.add_permits(1);
        }
    }

    fn stop_sound(&mut self, media: MediaId) {
        if let Some(stream) = self.sounds.remove(&media) {
            stream.task.abort();
        }
    }

    fn end(&mut self, end: End) {
        match end {
            End::Event(event) => {
                if let Event::Http { id, .. } = &event {
                    self.https.remove(id);
                }
                let wanted = match &event {
                    Event::Heard { id, heard } => self.listening.told(*id, heard),
                    _ => true,
                };
                self.tell(wanted.then_some(event));
            }
            End::Message(message, taken) => {
                self.taking.begin(taken);
                self.handle(Event::MessageIn(Box::new(message)));
                self.taking.end();
            }
            End::Sound(media, sound) => self.sound(media, sound),
        }
    }

    fn streamed(&mut self, id: StreamId, told: tipring_streams::Told) {
        let mut commands = Vec::new();
        let event = self.streaming.told(id, told, &mut commands);
        self.switch(&mut commands);
        self.tell(event);
    }

    fn sound(&mut self, media: MediaId, sound: Sound) {
        let mut commands = Vec::new();
        match sound {
            Sound::Chunk(octets) => {
                let waiting = self.feeder.chunk(media, &octets, &mut commands);
                if let Some(stream) = self.sounds.get_mut(&media) {
                    if waiting < AHEAD {
                        stream.more.add_permits(1);
                    } else {
                        stream.paused = true;
                    }
                }
            }
            Sound::Note(text) => self.handle(Event::MediaNoted { id: media, text }),
            Sound::End => {
                self.feeder.end_of_empty(media, &mut commands);
                self.sounds.remove(&media);
            }
            Sound::Fault(code, text) => {
                self.feeder.fail(media, &mut commands);
                self.sounds.remove(&media);
                self.switch(&mut commands);
                self.handle(Event::MediaFailed { id: media, code, text });
            }
        }
        self.switch(&mut commands);
    }

    fn ask(&mut self, ask: Ask) {
        match ask {
            Ask::Request(request, back) => {
                let id = RequestId(self.next_request);
                self.next_request += 1;
                self.replies.insert(id, back);
                self.handle(Event::Request { id, request });
            }
            Ask::Directory(change, back) => {
                if let DirectoryChange::Account(account) = &change {
                    self.hands.learn(account);
                }
                self.handle(Event::Directory(change));
                let _ = back.send(());
            }
            Ask::Live(back) => {
                let _ = back.send(self.router.live_calls().count());
            }
            Ask::Busy(back) => {
                let _ = back.send(self.router.busy());
            }
            Ask::Configure(new) => {
                self.ears.set_zone(new.zone);
                self.handle(Event::Configure(new));
            }
            Ask::Lines(new, back) => {
                let answer = self.engine.as_ref().and_then(|engine| engine.configure(*new));
                tokio::task::spawn_blocking(move || {
                    let _ = back.send(answer.and_then(|answer| answer.recv_timeout(CONFIGURE_LIMIT).ok()));
                });
            }
            Ask::Maintain(span, what, back) => {
                let answer = self.engine.as_ref().and_then(|engine| engine.maintain(span, what));
                tokio::task::spawn_blocking(move || {
                    let away = || Err("the box has no card, or its lines do not answer".to_owned());
                    let answer = answer.and_then(|answer| answer.recv_timeout(CONFIGURE_LIMIT).ok());
                    let _ = back.send(answer.unwrap_or_else(away));
                });
            }
            Ask::Snapshot(back) => {
                let _ = back.send(self.book.snapshot(self.router.live_calls(), self.router.counters()));
            }
            Ask::Examine(order, back) => {
                let now = self.now();
                let begun = match &self.engine {
                    Some(_) => self.doctor.begin(now, order),
                    None => Err("the box has no card, and no lines".into()),
                };
                let _ = back.send(begun);
            }
            Ask::Examination { stop, back } => {
                let now = self.now();
                if stop {
                    self.doctor.stop(now);
                    self.effects();
                }
                let _ = back.send(self.doctor.seen().clone());
            }
            Ask::Drain => self.handle(Event::Drain),
            Ask::Notice(text) => self.handle(Event::Notice(text)),
            Ask::EndAll => self.handle(Event::EndAll),
        }
    }

    fn effects(&mut self) {
        while let Some(effect) = self.router.poll() {
            self.effect(effect);
        }
        while let Some(effect) = self.doctor.poll() {
            self.of_doctor(effect);
        }
    }
}
