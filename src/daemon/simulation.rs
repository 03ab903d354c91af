//! Scripted calls on virtual time: the same rooms as in real time, stepped by one loop. The clock stands still while an
//! effect is in flight; answers arrive in the order of their effects, at the moment of the effect plus the latency that
//! the scenario declares. So real HTTP, a real database and a real speech engine take part without racing, and the same
//! seed gives the same lines, byte for byte.

mod effects;
mod judging;
mod layer;
mod setup;
mod visitor;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use tipring_card::{BLOCK_US, Micros};
use tipring_doctor::Report;
use tipring_lines::{LinesConfig, Media, Signalling, SignallingAction};
use tipring_resources::{Account, Call, Number, NumberOrigin, Record, Sid, SidKind, Stamp};
use tipring_router::{DirectoryChange, Event, HttpId, MediaId, Router, SwitchCommand, SwitchEvent};
use tokio::task::JoinHandle;

use self::effects::Came;
use self::layer::Layer;
use super::app::App;
use super::beyond::Beyond;
use super::doctor::Doctor;
use super::ears::{Ears, Goes};
use super::feeder::Feeder;
use super::hands::Hands;
pub use super::handsets::Seen;
pub use super::outcome::{Called, Moments, Outcome, Told};
use super::outcome::{ScratchDir, write_heard};
use super::programs::Programs;
use super::recorder::Recorder;
use super::scenario::{DoctorVisit, Scenario};
use super::serve::{StartError, client, open_store, router_config};
use super::settings;
use super::telephones::Telephones;
use super::timeline::{Form, Timeline};

use setup::{account, applications, config, of_store};
use visitor::Visits;
pub use visitor::{Around, Desk, Visitor};

/// 2026-01-01 00:00 UTC: every scenario begins at this moment.
const EPOCH: Stamp = Stamp(1_767_225_600_000_000);
/// And a box that finds what another left so much later.
const LATER_US: i64 = 3_600_000_000;
/// After the last call: what is still on its way (callbacks, writes) gets this long.
const AFTERGLOW: Micros = Micros::from_s(2);
/// From the first octet of a sound to the end of its source, where that breaks off: the player has begun by then.
const BREAK_AFTER: Micros = Micros(2 * BLOCK_US);
/// What the media layer is waited for where the clock stands still meanwhile: a busy host changes no scenario.
const UNHURRIED: std::time::Duration = std::time::Duration::from_secs(30);
/// Rounds of settling at one moment of virtual time. Each round carries out effects that the one before caused; a
/// router that still wants more is caught in a circle.
const ROUNDS: usize = 10_000;

/// How a scenario is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Decides every SID and every fault.
    pub seed: u64,
    /// One JSON object a line instead of a timeline for people.
    pub json: bool,
    /// Where to write what each telephone heard.
    pub heard: Option<PathBuf>,
}

/// Runs a scenario from its first ring to its last effect; the timeline goes to `out`.
pub async fn run(scenario: &Scenario, options: &Options, out: impl Write) -> Result<Outcome, StartError> {
    run_amid(scenario, options, Around::default(), out).await
}

/// The same, with what is around the box.
pub async fn run_amid(
    scenario: &Scenario,
    options: &Options,
    around: Around,
    out: impl Write,
) -> Result<Outcome, StartError> {
    let dir = ScratchDir::new()?;
    let config = config(scenario, &dir, &around)?;
    let (app, hosts) = applications(scenario, around.hosts).await?;
    let client = client(&config, hosts)?;
    let epoch = if config.this.state_dir.join("born.journal").exists() { Stamp(EPOCH.0 + LATER_US) } else { EPOCH };
    let store = open_store(&config, epoch).await?;
    let account = account(&store, options.seed).await?;
    let layer = Layer::start(scenario, config.clone(), client.clone()).await?;
    let hands = Hands::waiting(client, layer.asking()?, store.clone(), UNHURRIED);
    let api = ([127, 0, 0, 1], 8080).into();
    let mut router = Router::new(router_config(&config, options.seed, epoch, api));
    let telephones = Telephones::new(scenario, options.seed).map_err(|text| StartError { exit: 78, text })?;
    let groups = scenario.group.iter().map(settings::group).collect();
    let lines = LinesConfig { groups, ..settings::lines(&config) };
    let signalling = Signalling::new(Box::new(telephones.near()), lines);
    router.has_voices(Media::voices(signalling.ports()));
    router.has_lines(u32::try_from(signalling.ports()).unwrap_or(u32::MAX));
    let media = Media::new(signalling.ports());
    let form = if options.json { Form::Json } else { Form::Text };
    let visits = Visits::new(around.visitor, around.api, store.clone(), account.clone(), (epoch, options.seed));
    let mut world = World {
        scenario,
        app,
        visits,
        telephones,
        signalling,
        media,
        router,
        ears: Ears::new(Recorder::new(store.blobs().clone()), settings::zone(&scenario.country)),
        beyond: Beyond::new(scenario),
        feeder: Feeder::default(),
        hands,
        timeline: Timeline::new(out, form),
        now: Micros::ZERO,
        next_tick: Micros(BLOCK_US),
        due: BTreeMap::new(),
        flights: Vec::new(),
        seq: 0,
        gone_http: HashSet::new(),
        gone_media: HashSet::new(),
        calls: BTreeMap::new(),
        records: Records::default(),
        programs: Programs::new(scenario, account.sid),
        actions: Vec::new(),
        layer,
        doctor: Doctor::default(),
        orders: scenario.doctor.iter().cloned().collect(),
        examined: Vec::new(),
    };
    world.directory(&account, options.seed).await?;
    let begin = Instant::now();
    world.play().await?;
    let wall_s = begin.elapsed().as_secs_f64();
    let mut outcome = world.judge(wall_s);
    outcome.token = account.token;
    let layer = world.over();
    store.close().await;
    layer.shutdown().await;
    if let Some(dir) = &options.heard {
        write_heard(dir, &outcome)?;
    }
    let speed = outcome.channel_seconds / wall_s.max(1e-9);
    eprintln!(
        "sim: {} call(s), {:.1} channel-seconds with audio in {wall_s:.2} s: {speed:.0} a second",
        outcome.calls, outcome.channel_seconds
    );
    for failure in &outcome.failures {
        eprintln!("sim: not as expected: {failure}");
    }
    Ok(outcome)
}

/// An end that is due at a moment of virtual time.
// One is moved, and soon taken apart: a box for it would cost more than its size.
#[allow(clippy::large_enum_variant)]
enum Due {
    Event(Event),
    Sound(MediaId, Came),
}

/// An effect that is being carried out while the clock stands still.
struct Flight {
    due: Micros,
    task: JoinHandle<Due>,
}

#[derive(Default)]
struct Records {
    recordings: HashMap<Sid, Vec<Sid>>,
    errors: HashMap<Sid, Vec<u32>>,
    /// Every call as it was last written, in the order of their birth.
    calls: Vec<Call>,
    /// Every call each time that it was written.
    written: Vec<Call>,
    /// Everything else each time that it was written.
    others: Vec<Record>,
}

struct World<'a, W: Write> {
    scenario: &'a Scenario,
    app: App,
    visits: Visits,
    telephones: Telephones,
    signalling: Signalling,
    media: Media,
    router: Router,
    ears: Ears,
    beyond: Beyond,
    feeder: Feeder,
    hands: Hands,
    timeline: Timeline<W>,
    now: Micros,
    next_tick: Micros,
    due: BTreeMap<(Micros, u64), Due>,
    flights: Vec<Flight>,
    seq: u64,
    gone_http: HashSet<HttpId>,
    gone_media: HashSet<MediaId>,
    /// Telephone → its call's record as it was last written.
    calls: BTreeMap<usize, Call>,
    records: Records,
    programs: Programs,
    actions: Vec<SignallingAction>,
    layer: Layer,
    doctor: Doctor,
    /// Visits that are still to begin, in order.
    orders: VecDeque<DoctorVisit>,
    examined: Vec<Report>,
}

impl<W: Write> World<'_, W> {
    /// What the box knows of tenants: of the store; a fresh one has the scenario's numbers.
    async fn directory(&mut self, account: &Account, seed: u64) -> Result<(), StartError> {
        let known = tipring_api::known_at_start(&self.hands.store).await.map_err(of_store)?;
        let is_fresh = known.len() == 1;
        for change in known {
            if let DirectoryChange::Account(account) = &change {
                self.hands.learn(account);
            }
            self.tell(Event::Directory(change));
        }
        for queue in self.hands.store.all().await.map_err(of_store)? {
            self.tell(Event::Directory(DirectoryChange::Queue(queue)));
        }
        if is_fresh { self.numbers(account.sid, seed).await } else { Ok(()) }
    }

    async fn numbers(&mut self, account_sid: Sid, seed: u64) -> Result<(), StartError> {
        let sid = |kind, n: u64| Sid::new(kind, (u128::from(seed) << 64) | u128::from(n));
        for (n, entry) in (2..).zip(&self.scenario.number) {
            let number = Number {
                sid: sid(SidKind::Number, n),
                account: account_sid,
                phone_number: entry.number.clone(),
                friendly_name: entry.number.clone(),
                voice_url: entry.url.clone(),
                voice_method: super::directory::method(entry.method),
                voice_fallback_url: entry.fallback.join(" "),
                voice_fallback_method: tipring_resources::Method::Post,
                status_callback: entry.status_callback.clone(),
                status_callback_method: tipring_resources::Method::Post,
                strict_documents: entry.documents == crate::config::Documents::Strict,
                origin: NumberOrigin::Api,
                created: EPOCH,
                updated: EPOCH,
                voice_application: None,
                sms_url: entry.sms_url.clone(),
                sms_method: tipring_resources::Method::Post,
                sms_fallback_url: String::new(),
                sms_fallback_method: tipring_resources::Method::Post,
                sms_application: None,
            };
            self.hands.store.put_number(number.clone()).await.map_err(of_store)?;
            self.tell(Event::Directory(DirectoryChange::Number(number)));
        }
        Ok(())
    }

    async fn play(&mut self) -> Result<(), StartError> {
        let limit = Micros::from_s(self.scenario.limit_s);
        let mut quiet_since = None;
        while self.now < limit {
            self.lines();
            self.ask();
            self.visit().await?;
            self.layer.step(&self.scenario.faults, self.now).await?;
            if self.router.deadline().is_some_and(|deadline| deadline <= self.now) {
                self.tell(Event::Timer);
            }
            self.send_for_doctor();
            self.settle().await?;
            while self.next_tick <= self.now {
                self.media.tick(1);
                self.switch_events();
                self.beyond();
                self.settle().await?;
                self.next_tick = self.next_tick + Micros(BLOCK_US);
            }
            // A callback that will be tried again is a timer of the router.
            let timers = self.router.deadline().is_some_and(|at| at < Micros::FOREVER);
            let pending = timers || self.due.keys().any(|(at, _)| *at < Micros::FOREVER);
            let done = self.telephones.all_done() && self.programs.all_done() && self.visits.all_done();
            let quiet = done
                && self.orders.is_empty()
                && !self.doctor.runs()
                && self.router.live_calls().next().is_none()
                && !pending;
            quiet_since = if quiet { quiet_since.or(Some(self.now)) } else { None };
            if quiet_since.is_some_and(|since| self.now.since(since) >= AFTERGLOW) {
                break;
            }
            self.advance();
        }
        Ok(())
    }

    fn advance(&mut self) {
        let due = self.due.keys().next().map(|(at, _)| *at);
        let next = [
            Some(self.next_tick),
            self.router.deadline(),
            Some(self.signalling.deadline(self.now)),
            self.telephones.deadline(),
            self.programs.deadline(),
            self.visits.deadline(),
            self.doctor.deadline(),
            due,
        ];
        let next = next.into_iter().flatten().min().unwrap_or(self.next_tick);
        self.now = next.max(self.now + Micros(1)).min(self.next_tick);
    }

    /// Programs ask what they ask now.
    fn ask(&mut self) {
        loop {
            let World { programs, telephones, records, now, .. } = self;
            let leg_of = |of: Sid| records.calls.iter().find(|call| call.parent == Some(of)).map(|call| call.sid);
            let Some(event) = programs.due(*now, &|id| telephones.call_of(id), &leg_of) else {
                return;
            };
            self.tell(event);
        }
    }

    /// What is left at the end.
    fn over(self) -> Layer {
        self.layer
    }

    fn lines(&mut self) {
        self.telephones.step(self.now);
        let mut actions = std::mem::take(&mut self.actions);
        self.signalling.step(self.now, &mut actions);
        self.carry_out(&mut actions);
        self.actions = actions;
    }

    fn carry_out(&mut self, actions: &mut Vec<SignallingAction>) {
        for action in actions.drain(..) {
            match action {
                SignallingAction::Attach { port, law, channel, handset, gains } => {
                    drop(self.media.add(port, law, channel, handset, gains));
                }
                SignallingAction::Rename { from, to } => self.media.rename(from, to),
                SignallingAction::Listen { port, listen } => self.media.listen(port, listen),
                SignallingAction::Send { port, digits } => self.media.send(port, &digits),
                SignallingAction::Play { port, tone } => self.media.play(port, tone),
                SignallingAction::TellTelephone { port, news, manner } => {
                    self.media.tell_telephone(port, &news, manner);
                }
                SignallingAction::Detach { port } => drop(self.media.remove(port)),
                SignallingAction::Event(event) => self.tell(Event::Line(event)),
                SignallingAction::Examined(examined) => self.doctor.examined(self.now, examined),
                SignallingAction::Note(text) => self.timeline.note(self.now.0, &text),
            }
        }
    }

    fn tell(&mut self, event: Event) {
        self.router.handle(self.now, event);
    }

    fn switch_events(&mut self) {
        let mut commands = Vec::new();
        while let Some(event) = self.media.poll() {
            let Some(event) = self.doctor.switched(self.now, event) else {
                continue;
            };
            match event {
                SwitchEvent::Audio { tap, data, .. } => match self.ears.block(tap, &data) {
                    Goes::Nowhere => {}
                    Goes::Listener(id) => self.beyond.heard(id, &data),
                    Goes::Stream(id, track) => self.beyond.block(id, track, &data, &mut commands),
                    Goes::Verdict(event) | Goes::Broken(event) => self.tell(event),
                },
                SwitchEvent::Room { play, octets, .. } => {
                    if !self.beyond.room(play, usize::from(octets), &mut commands) {
                        self.feeder.room(play, usize::from(octets), &mut commands);
                    }
                }
                SwitchEvent::Marked { play, mark, .. } => {
                    if !self.beyond.marked(play, mark, &mut commands) {
                        self.tell(Event::Switch(event));
                    }
                }
                SwitchEvent::TapEnded { tap, .. } => {
                    self.ears.ended(tap);
                    self.tell(Event::Switch(event));
                }
                SwitchEvent::Played { play, .. } => {
                    self.feeder.played(play);
                    self.tell(Event::Switch(event));
                }
                other => self.tell(Event::Switch(other)),
            }
            self.switch(&mut commands);
        }
        while let Some((port, news)) = self.media.heard() {
            let mut actions = std::mem::take(&mut self.actions);
            self.signalling.heard(self.now, port, news, &mut actions);
            self.carry_out(&mut actions);
            self.actions = actions;
        }
        while let Some(port) = self.media.lost() {
            let mut actions = std::mem::take(&mut self.actions);
            self.signalling.bearer_lost(self.now, port, &mut actions);
            self.carry_out(&mut actions);
            self.actions = actions;
        }
    }

    fn switch(&mut self, commands: &mut Vec<SwitchCommand>) {
        for command in commands.drain(..) {
            self.media.command(command);
        }
    }

    /// What recognizers and servers do by themselves at this moment.
    fn beyond(&mut self) {
        let mut commands = Vec::new();
        let events = self.beyond.tick(self.now, &mut commands);
        self.switch(&mut commands);
        for event in events {
            self.tell(event);
        }
    }

    /// Carries effects out until there are none that end at this moment.
    async fn settle(&mut self) -> Result<(), StartError> {
        for _ in 0..ROUNDS {
            while let Some(effect) = self.router.poll() {
                self.effect(effect);
            }
            self.of_doctor();
            self.switch_events();
            for flight in std::mem::take(&mut self.flights) {
                let end = flight.task.await;
                let end = end.map_err(|error| StartError { exit: 1, text: format!("an effect broke: {error}") })?;
                self.seq += 1;
                self.due.insert((flight.due.max(self.now), self.seq), end);
            }
            let now = self.now;
            let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) else {
                return Ok(());
            };
            let end = entry.remove();
            self.arrive(end);
        }
        Err(StartError { exit: 1, text: format!("the router does not come to rest at {} ms", self.now.as_ms()) })
    }

    fn arrive(&mut self, end: Due) {
        match end {
            Due::Event(Event::Http { id, .. }) if self.gone_http.remove(&id) => {}
            Due::Event(event) => self.tell(event),
            Due::Sound(media, _) if self.gone_media.remove(&media) => {}
            Due::Sound(media, Came { octets, notes, broken }) => {
                for text in notes {
                    self.tell(Event::MediaNoted { id: media, text });
                }
                let mut commands = Vec::new();
                if !octets.is_empty() {
                    self.feeder.chunk(media, &octets, &mut commands);
                }
                let Some((code, text)) = broken else {
                    self.feeder.end_of_empty(media, &mut commands);
                    return self.switch(&mut commands);
                };
                self.feeder.fail(media, &mut commands);
                self.switch(&mut commands);
                let failed = Event::MediaFailed { id: media, code, text };
                if octets.is_empty() {
                    self.tell(failed);
                } else {
                    // The source breaks off while the caller hears what came before.
                    self.seq += 1;
                    self.due.insert((self.now + BREAK_AFTER, self.seq), Due::Event(failed));
                }
            }
        }
    }

    fn fly(&mut self, due: Micros, end: impl Future<Output = Due> + Send + 'static) {
        self.flights.push(Flight { due, task: tokio::spawn(end) });
    }

    fn notice(&mut self, record: &Record) {
        if !matches!(record, Record::Call(_)) {
            self.records.others.push(record.clone());
        }
        match record {
            Record::Call(call) => {
                self.records.written.push(call.clone());
                match self.records.calls.iter_mut().find(|known| known.sid == call.sid) {
                    Some(known) => known.clone_from(call),
                    None => self.records.calls.push(call.clone()),
                }
                if let Some(telephone) = self.telephones.of_call(call) {
                    self.calls.insert(telephone, call.clone());
                }
            }
            Record::Recording(recording) => {
                let kept = self.records.recordings.entry(recording.call).or_default();
                if recording.status == tipring_resources::RecordingStatus::Completed && !kept.contains(&recording.sid) {
                    kept.push(recording.sid);
                }
            }
            Record::Notification(notification) => {
                if let Some(call) = notification.call {
                    self.records.errors.entry(call).or_default().push(notification.code.0);
                }
            }
            _ => {}
        }
    }
}
