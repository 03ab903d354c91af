//! A card in real time: one signalling thread (D channels, machines, slow calls to the card) and one media thread (a
//! tick every 80 samples of the card's clock: read, switch, write, nothing else). Bounded single-producer queues lie
//! between them and whoever owns the engine; what does not fit is counted.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Instant;

use heapless::spsc::{Consumer, Producer};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use tipring_analog::fxs::{News, Tone};
use tipring_analog::{Digits, Handset, Listen, Manner};
use tipring_card::{Card, CardError, Channel, Law, Maintenance, Micros, Pace};
use tipring_doctor::{Examine, Examined};
use tipring_router::{LineCommand, LineEvent};
use tipring_switch::{Command, Event, Port};

use crate::config::LinesConfig;
use crate::cushion::Due;
use crate::gain::Gains;
use crate::gauges::Gauges;
use crate::media::{LineNews, Media, Returned};
use crate::ring::ring;
use crate::signalling::{Signalling, SignallingAction};

/// Switch commands waiting for the media thread: 8 s of feed for one port, or a fifth of a second for thirty.
const COMMANDS: usize = 4096;
/// Switch events waiting for the owner: a second of thirty recordings.
const EVENTS: usize = 4096;
/// Channels and words for handsets under way between the two threads: more than a card's ports.
const CHANNELS: usize = 512;
/// News of analogue lines under way: 64 lines with eight each; what does not fit waits on the media side.
const NEWS: usize = 512;
/// Line events waiting for the owner.
const LINE_EVENTS: usize = 1024;
/// The signalling thread looks for channels to close at least this often while some are under way.
const TICK_MS: u64 = 20;

/// How often what the signalling side counts is put together for readers.
const SHOW_EVERY: Micros = Micros::from_ms(250);

/// How an engine runs.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Role, prefill, groups, analogue lines.
    pub lines: LinesConfig,
    /// The real-time priority of the media thread; 0 = none.
    pub priority: u8,
    /// Process start: zero of every [`Micros`].
    pub epoch: Instant,
}

/// What an engine tells.
#[derive(Debug)]
pub enum EngineEvent {
    /// For the router.
    Line(LineEvent),
    /// For the doctor.
    Examined(Box<Examined>),
    /// A line for the timeline.
    Note(String),
}

/// Both threads of a card. Dropping it stops them and closes every channel.
pub struct Engine {
    stop: Arc<AtomicBool>,
    wake: Arc<EventFd>,
    threads: Vec<JoinHandle<()>>,
}

/// The owner's ends of the queues, and the gauges.
pub struct EngineHandle {
    /// Switch commands go here.
    commands: Producer<'static, Command>,
    /// Switch events come from here.
    events: Consumer<'static, Event>,
    lines: mpsc::SyncSender<ToSignalling>,
    /// Line events and notes come from here; the owner may move it to a thread of its own.
    pub line_events: Option<mpsc::Receiver<EngineEvent>>,
    /// What of the configuration fits no line of the card; told as notes too.
    pub complaints: Vec<String>,
    /// Places of the switch for voices of the box.
    pub voices: std::ops::Range<u16>,
    wake: Arc<EventFd>,
    gauges: Arc<Gauges>,
}

/// Messages to the media thread.
enum ToMedia {
    Attach { port: Port, law: Law, channel: Box<dyn Channel>, handset: Option<Box<Handset>>, gains: Gains },
    Rename { from: Port, to: Port },
    Detach { port: Port },
    Listen { port: Port, listen: Listen },
    Send { port: Port, digits: Digits },
    Play { port: Port, tone: Option<Tone> },
    Tell { port: Port, news: News, manner: Manner },
    Prefill(u8),
}

/// Messages of the owner to the signalling thread.
enum ToSignalling {
    Command(LineCommand),
    Examine(Examine),
    /// A loop or a test on a span.
    Maintain(String, Maintenance, mpsc::SyncSender<Result<(), String>>),
    /// Other settings; what fits no line of the card is answered.
    Configure(Box<LinesConfig>, mpsc::SyncSender<Configured>),
}

/// How new settings were taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configured {
    /// What of them fits no line of the card.
    pub complaints: Vec<String>,
    /// Spans and lines that take them when their calls are over.
    pub waiting: Vec<String>,
}

/// Messages back to the signalling thread.
enum FromMedia {
    /// To be closed.
    Close(Returned),
    Lost(Port),
}

impl Engine {
    /// Starts the threads of a card.
    pub fn start(mut card: Box<dyn Card>, config: EngineConfig) -> Result<(Engine, EngineHandle), CardError> {
        let pace = card.pace()?;
        let prefill = config.lines.prefill;
        let signalling = Signalling::new(card, config.lines);
        let (ports, complaints) = (signalling.ports(), signalling.complaints().to_vec());
        let (commands, command_queue) = ring::<Command, COMMANDS>();
        let (event_queue, events) = ring::<Event, EVENTS>();
        let (to_media, from_signalling) = ring::<ToMedia, CHANNELS>();
        let (to_signalling, from_media) = ring::<FromMedia, CHANNELS>();
        let (news, heard) = ring::<(Port, LineNews), NEWS>();
        let (lines, line_queue) = mpsc::sync_channel(LINE_EVENTS);
        let (line_out, line_events) = mpsc::sync_channel(LINE_EVENTS);
        let wake = EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC);
        let wake = Arc::new(wake.map_err(|errno| CardError::Os(errno as i32))?);
        let stop = Arc::new(AtomicBool::new(false));
        let gauges = Arc::new(Gauges::default());
        gauges.begin(config.epoch);
        let media = MediaThread {
            media: Media::new(ports).with_prefill(prefill),
            pace,
            due: Due::default(),
            epoch: config.epoch,
            channels: from_signalling,
            back: to_signalling,
            news,
            untold: None,
            commands: command_queue,
            events: event_queue,
            gauges: gauges.clone(),
            stop: stop.clone(),
            priority: config.priority,
            held: None,
            coming_back: None,
        };
        let slow = SignallingThread {
            signalling,
            epoch: config.epoch,
            commands: line_queue,
            out: line_out,
            to_media,
            from_media,
            heard,
            wake: wake.clone(),
            gauges: gauges.clone(),
            stop: stop.clone(),
            under_way: 0,
            show_at: Micros::ZERO,
        };
        let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
            let built = std::thread::Builder::new().name(name.to_string()).spawn(body);
            built.map_err(|error| CardError::Os(error.raw_os_error().unwrap_or(0)))
        };
        let threads = vec![spawn("media", Box::new(|| media.run()))?, spawn("signalling", Box::new(|| slow.run()))?];
        let handle = EngineHandle {
            commands,
            events,
            lines,
            line_events: Some(line_events),
            complaints,
            voices: Media::voices(ports),
            wake: wake.clone(),
            gauges,
        };
        Ok((Engine { stop, wake, threads }, handle))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.wake.write(1);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl EngineHandle {
    /// A command for the switch; false (and counted) if the queue is full.
    pub fn switch(&mut self, command: Command) -> bool {
        let sent = self.commands.enqueue(command).is_ok();
        if !sent {
            self.gauges.commands_lost.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    /// Places free in the queue of switch commands.
    pub fn switch_room(&self) -> usize {
        self.commands.capacity() - self.commands.len()
    }

    /// The next event of the switch.
    pub fn switch_event(&mut self) -> Option<Event> {
        self.events.dequeue()
    }

    /// A command for a line; false if the queue is full or the engine has stopped.
    pub fn line(&self, command: LineCommand) -> bool {
        let sent = self.lines.try_send(ToSignalling::Command(command)).is_ok();
        let _ = self.wake.write(1);
        sent
    }

    /// What the doctor wants of a line; false if the queue is full or the engine has stopped.
    pub fn examine(&self, examine: Examine) -> bool {
        let sent = self.lines.try_send(ToSignalling::Examine(examine)).is_ok();
        let _ = self.wake.write(1);
        sent
    }

    /// Other settings from now on, each as soon as no call uses the old one ([`Signalling::configure`]). The answer comes
    /// from the signalling thread; `None`: its queue is full, or it has stopped.
    pub fn configure(&self, config: LinesConfig) -> Option<mpsc::Receiver<Configured>> {
        let (back, answer) = mpsc::sync_channel(1);
        let sent = self.lines.try_send(ToSignalling::Configure(Box::new(config), back)).is_ok();
        let _ = self.wake.write(1);
        sent.then_some(answer)
    }

    /// A loop or a test on a span, by its name; why not, in words. `None`: the thread's queue is full, or it has stopped.
    pub fn maintain(&self, span: String, what: Maintenance) -> Option<mpsc::Receiver<Result<(), String>>> {
        let (back, answer) = mpsc::sync_channel(1);
        let sent = self.lines.try_send(ToSignalling::Maintain(span, what, back)).is_ok();
        let _ = self.wake.write(1);
        sent.then_some(answer)
    }

    /// Figures and states.
    pub fn gauges(&self) -> Arc<Gauges> {
        self.gauges.clone()
    }
}

struct MediaThread {
    media: Media,
    pace: Box<dyn Pace>,
    due: Due,
    epoch: Instant,
    channels: Consumer<'static, ToMedia>,
    back: Producer<'static, FromMedia>,
    news: Producer<'static, (Port, LineNews)>,
    /// News that found the queue full.
    untold: Option<(Port, LineNews)>,
    commands: Consumer<'static, Command>,
    events: Producer<'static, Event>,
    gauges: Arc<Gauges>,
    stop: Arc<AtomicBool>,
    priority: u8,
    /// An event that found its queue full waits here: nothing after it overtakes.
    held: Option<Event>,
    coming_back: Option<FromMedia>,
}

impl MediaThread {
    fn run(mut self) {
        let priority = thread_priority::ThreadPriorityValue::try_from(self.priority);
        if let (1.., Ok(value)) = (self.priority, priority) {
            // Without the right to real-time scheduling we carry on: the counters tell what it costs.
            let policy =
                thread_priority::ThreadSchedulePolicy::Realtime(thread_priority::RealtimeThreadSchedulePolicy::Fifo);
            let _ = thread_priority::set_thread_priority_and_policy(
                thread_priority::thread_native_id(),
                thread_priority::ThreadPriority::Crossplatform(value),
                policy,
            );
        }
        while !self.stop.load(Ordering::Relaxed) {
            let ticks = match self.pace.wait() {
                Ok(ticks) => ticks,
                Err(CardError::Again) => 0,
                Err(_) => {
                    self.gauges.media_ended.store(true, Ordering::Relaxed);
                    return;
                }
            };
            if self.gauges.stall_ms.load(Ordering::Relaxed) > 0 {
                let ms = self.gauges.stall_ms.swap(0, Ordering::Relaxed);
                std::thread::sleep(std::time::Duration::from_millis(ms));
            }
            self.gauges.beat.fetch_add(1, Ordering::Relaxed);
            let now_us = u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX);
            let late_us = if ticks > 0 { self.due.late_us(now_us, ticks) } else { 0 };
            let began = Instant::now();
            self.take();
            self.media.tick_late(ticks, late_us);
            self.give();
            self.gauges.worked(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
    }

    fn take(&mut self) {
        while self.coming_back.is_none() {
            let back = match self.channels.dequeue() {
                Some(ToMedia::Attach { port, law, channel, handset, gains }) => {
                    self.media.add(port, law, channel, handset, gains)
                }
                Some(ToMedia::Detach { port }) => self.media.remove(port),
                Some(ToMedia::Rename { from, to }) => {
                    self.media.rename(from, to);
                    None
                }
                Some(ToMedia::Listen { port, listen }) => {
                    self.media.listen(port, listen);
                    None
                }
                Some(ToMedia::Send { port, digits }) => {
                    self.media.send(port, &digits);
                    None
                }
                Some(ToMedia::Play { port, tone }) => {
                    self.media.play(port, tone);
                    None
                }
                Some(ToMedia::Tell { port, news, manner }) => {
                    self.media.tell_telephone(port, &news, manner);
                    None
                }
                Some(ToMedia::Prefill(blocks)) => {
                    self.media.set_prefill(blocks);
                    None
                }
                None => break,
            };
            if let Some(returned) = back {
                self.return_(FromMedia::Close(returned));
            }
        }
        while let Some(command) = self.commands.dequeue() {
            self.media.command(command);
        }
    }

    fn return_(&mut self, message: FromMedia) {
        if let Err(message) = self.back.enqueue(message) {
            self.coming_back = Some(message);
        }
    }

    fn give(&mut self) {
        if let Some(message) = self.coming_back.take() {
            self.return_(message);
        }
        if self.coming_back.is_none()
            && let Some(port) = self.media.lost()
        {
            self.return_(FromMedia::Lost(port));
        }
        while let Some(news) = self.untold.take().or_else(|| self.media.heard()) {
            if let Err(news) = self.news.enqueue(news) {
                self.untold = Some(news);
                break;
            }
        }
        while let Some(event) = self.held.take().or_else(|| self.media.poll()) {
            if let Err(event) = self.events.enqueue(event) {
                self.held = Some(event);
                self.gauges.events_lost.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
        self.gauges.show_media(self.media.counters(), self.media.switch_counters(), self.media.lateness());
    }
}

struct SignallingThread {
    signalling: Signalling,
    epoch: Instant,
    commands: mpsc::Receiver<ToSignalling>,
    out: mpsc::SyncSender<EngineEvent>,
    to_media: Producer<'static, ToMedia>,
    from_media: Consumer<'static, FromMedia>,
    heard: Consumer<'static, (Port, LineNews)>,
    wake: Arc<EventFd>,
    gauges: Arc<Gauges>,
    stop: Arc<AtomicBool>,
    /// Channels given to the media thread and not yet back.
    under_way: usize,
    /// When the counters are shown again.
    show_at: Micros,
}

impl SignallingThread {
    fn run(mut self) {
        let mut actions = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            self.gauges.signalling_beat.fetch_add(1, Ordering::Relaxed);
            let now = self.now();
            while let Ok(message) = self.commands.try_recv() {
                match message {
                    ToSignalling::Command(command) => self.signalling.command(now, command, &mut actions),
                    ToSignalling::Examine(examine) => self.signalling.examine(now, examine, &mut actions),
                    ToSignalling::Maintain(span, what, back) => {
                        let _ = back.try_send(self.signalling.maintain(&span, what, &mut actions));
                    }
                    ToSignalling::Configure(config, back) => {
                        let complaints = self.signalling.configure(&config);
                        self.send(ToMedia::Prefill(config.prefill));
                        // What can be taken at once is taken before the answer says what waits.
                        self.signalling.step(now, &mut actions);
                        let _ = back.try_send(Configured { complaints, waiting: self.signalling.waiting() });
                    }
                }
                self.carry_out(&mut actions);
            }
            while let Some(message) = self.from_media.dequeue() {
                match message {
                    FromMedia::Close(returned) => {
                        drop(returned);
                        self.under_way = self.under_way.saturating_sub(1);
                    }
                    FromMedia::Lost(port) => self.signalling.bearer_lost(now, port, &mut actions),
                }
            }
            while let Some((port, news)) = self.heard.dequeue() {
                self.signalling.heard(now, port, news, &mut actions);
            }
            self.signalling.step(now, &mut actions);
            self.carry_out(&mut actions);
            self.show(now);
            self.wait();
        }
    }

    fn now(&self) -> Micros {
        Micros(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn carry_out(&mut self, actions: &mut Vec<SignallingAction>) {
        for action in actions.drain(..) {
            match action {
                SignallingAction::Attach { port, law, channel, handset, gains } => {
                    self.under_way += 1;
                    if !self.send(ToMedia::Attach { port, law, channel, handset, gains }) {
                        self.under_way -= 1;
                    }
                }
                SignallingAction::Rename { from, to } => drop(self.send(ToMedia::Rename { from, to })),
                SignallingAction::Detach { port } => drop(self.send(ToMedia::Detach { port })),
                SignallingAction::Listen { port, listen } => drop(self.send(ToMedia::Listen { port, listen })),
                SignallingAction::Send { port, digits } => drop(self.send(ToMedia::Send { port, digits })),
                SignallingAction::Play { port, tone } => drop(self.send(ToMedia::Play { port, tone })),
                SignallingAction::TellTelephone { port, news, manner } => {
                    let _ = self.send(ToMedia::Tell { port, news, manner });
                }
                // Blocks while the owner is behind: line events are never lost, the D channel's window holds the rest.
                SignallingAction::Event(event) => drop(self.out.send(EngineEvent::Line(event))),
                SignallingAction::Examined(examined) => drop(self.out.send(EngineEvent::Examined(examined))),
                SignallingAction::Note(text) => drop(self.out.send(EngineEvent::Note(text))),
            }
        }
    }

    /// For the media thread; the queue has room for more than the card has channels.
    fn send(&mut self, message: ToMedia) -> bool {
        let sent = self.to_media.enqueue(message).is_ok();
        if !sent {
            self.gauges.to_media_lost.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    fn show(&mut self, now: Micros) {
        self.gauges.stale_commands.store(self.signalling.stale_commands(), Ordering::Relaxed);
        self.gauges.show_spans(self.signalling.gauges());
        if now >= self.show_at {
            self.show_at = now + SHOW_EVERY;
            self.gauges.show_signalling(self.signalling.counted());
            self.gauges.show_flights(|flights| self.signalling.show_flights(flights));
        }
    }

    fn wait(&mut self) {
        let now = self.now();
        let until = self.signalling.deadline(now).since(now).as_ms() + 1;
        let bound = if self.under_way > 0 { TICK_MS } else { 1_000 };
        let timeout = PollTimeout::try_from(until.min(bound)).unwrap_or(PollTimeout::ZERO);
        let flags = PollFlags::POLLIN | PollFlags::POLLPRI;
        let mut fds = vec![PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.signalling.fds().map(|fd| PollFd::new(fd, flags)));
        fds.extend(self.signalling.event_fds().map(|fd| PollFd::new(fd, PollFlags::POLLPRI)));
        let _ = poll(&mut fds, timeout);
        let _ = self.wake.read();
    }
}
