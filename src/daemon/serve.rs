//! The service put together: directories, store, media layer, card, conductor, API. `run` runs it from a configuration
//! file, the demonstration runs the same with a simulated card.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tipring_card::{Card, Micros};
use tipring_lines::{Engine, EngineConfig};
use tipring_resources::{Account, Sid, SidKind, Stamp};
use tipring_router::{DirectoryChange, Event, Reply, Request, Router, Trace};
use tipring_sim::WireConfig;
use tipring_store::Store;

use super::board::Board;
use super::carrier;
use super::conductor::{self, Live, Parts};
use super::directory;
use super::entrance::{self, Entrances};
use super::gateway::Messages;
use super::hands::Hands;
use super::media::MediaLayer;
use super::neighbours::{self, Neighbourhood};
use super::settings;
use super::sockets::Back;
use super::sounds::Sounds;
use super::supervisor::Handed;
use super::waiting::Waiting;
use crate::config::{CardKind, Config};
use crate::observe::{CardFace, Meters, Observer, Snapshot, events};

/// When the time to drain is over, callers are told; the words take so long.
pub const NOTICE_LIMIT: std::time::Duration = std::time::Duration::from_secs(8);
/// A day of the budgets for calls, by UTC.
const DAY_US: i64 = 86_400_000_000;
/// What they are told.
const NOTICE: &str = "We are sorry. This telephone system is being restarted. Please call again in a moment.";
/// Then they are ended; for the last words of all of them (lines cleared, recordings completed, callbacks sent).
pub const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(5);

/// Why the service cannot start.
#[derive(Debug)]
pub struct StartError {
    /// The exit code that says it to a supervisor: 69 device or port, 77 permission, 1 anything else.
    pub exit: u8,
    /// In words, with the remedy.
    pub text: String,
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for StartError {}

pub(super) fn failed(what: &str) -> impl Fn(&dyn std::fmt::Display) -> StartError + '_ {
    move |why| StartError { exit: 1, text: format!("{what}: {why}") }
}

/// A running service. Dropping it closes the lines.
pub struct Service {
    /// The conductor.
    pub live: Live,
    /// Where the API listens.
    pub api: SocketAddr,
    /// Its entrances, and what the box shows there.
    pub entrances: Entrances,
    /// The account that was made at the first start.
    pub account: Account,
    /// The store.
    pub store: Store,
    /// The media layer, here or apart.
    pub media: MediaLayer,
    /// Looks at all of it: metrics, health, state.
    pub observer: Observer,
    /// The timeline from its first line: the line may be up before whoever shows it has asked for it.
    pub timeline: Option<tokio::sync::broadcast::Receiver<Trace>>,
    /// What the card's threads tell of themselves; without a card nothing.
    pub gauges: Option<Arc<tipring_lines::Gauges>>,
    engine: Option<Engine>,
    board: Option<Board>,
    /// Locked as long as the state is ours.
    _owner: std::fs::File,
}

/// What a service is made of beside its configuration.
#[derive(Default)]
pub struct Wiring {
    /// The card; without one there are no lines.
    pub card: Option<Box<dyn Card>>,
    /// Host names that lead to an address whatever the name server says (simulated applications).
    pub hosts: Vec<(String, SocketAddr)>,
    /// Seed of every id; from the system when `None`.
    pub seed: Option<u64>,
    /// Sockets that listen already.
    pub handed: Handed,
    /// The operator's own profiles of boxes.
    pub boards: PathBuf,
}

impl Service {
    /// Starts everything. Nothing rings before all of it stands.
    pub async fn start(config: &Config, wiring: Wiring) -> Result<Service, StartError> {
        let epoch = Instant::now();
        let started = now();
        for dir in [&config.this.state_dir, &config.this.cache_dir, &config.this.runtime_dir] {
            directory(dir)?;
        }
        let owner = own(&config.this.state_dir)?;
        let client = client(config, wiring.hosts)?;
        // The socket first: where it answers, this box runs already, and its living calls are not to be repaired away.
        let asking = super::media::asking(config)?;
        let media = MediaLayer::start(config, client.clone()).await?;
        let store = open_store(config, started).await?;
        let messages = Messages::start(config, client.clone()).unwrap_or_else(|error| {
            // Calls are taken all the same; each message fails, with its code.
            tracing::error!("{error}; the box takes no messages");
            Messages::default()
        });
        let mut hands = Hands::new(client, asking.clone(), store.clone());
        let meters = hands.meters.clone();
        hands.sounds = Sounds::open(config, &store, &meters);
        let sounds = hands.sounds.clone();
        let seed = match wiring.seed {
            Some(seed) => seed,
            None => u64::from_le_bytes(random()?),
        };
        let bound = entrance::bind(config, wiring.handed).await?;
        let neighbourhood = Neighbourhood::open(config).await?;
        let api = bound.api()?;
        let mut router = Router::new(router_config(config, seed, started, api));
        let account = directory::first_account(&store).await?;
        directory::numbers(&store, config, account.sid).await?;
        let mut accounts = 0;
        for change in tipring_api::known_at_start(&store).await.map_err(|error| failed("tenants")(&error))? {
            if let DirectoryChange::Account(account) = &change {
                hands.learn(account);
                accounts += 1;
            }
            router.handle(Micros::ZERO, Event::Directory(change));
        }
        for queue in store.all().await.map_err(|error| failed("queues")(&error))? {
            router.handle(Micros::ZERO, Event::Directory(DirectoryChange::Queue(queue)));
        }
        let midnight = Stamp(started.0 - started.0.rem_euclid(DAY_US));
        let minutes = store.minutes_out(midnight).await.map_err(|error| failed("today's calls")(&error))?;
        let (spent, abroad) = settings::spent(&config.dialling_plan(), &minutes);
        router.has_spent(spent, abroad);
        // From here on it may ring: an exchange that was waiting for us is there within milliseconds.
        let (engine, handle) = match wiring.card {
            Some(card) => start_engine(card, config, epoch)?,
            None => (None, None),
        };
        if let Some(handle) = &handle {
            router.has_voices(handle.voices.clone());
            // The box's voices have the places behind those of its lines.
            router.has_lines(handle.voices.start.into());
        }
        tell_of_worst_night(config, handle.as_ref().map_or(0, |handle| handle.voices.start.into()), accounts);
        let gauges = handle.as_ref().map(tipring_lines::EngineHandle::gauges);
        let zone = config.zone();
        let parts = Parts { router, hands, blobs: store.blobs().clone(), engine: handle, messages, zone, epoch };
        let (live, timeline) = conductor::start(parts);
        let back = Back::of(&config.board.profile, &wiring.boards, tipring_board::Roots::host(), &config.span);
        let mut board = Board::start(config, &back, gauges.clone())?;
        if config.card.iter().any(|card| card.kind == CardKind::Dahdi) {
            let state_dir = config.this.state_dir.clone();
            tokio::task::spawn_blocking(move || super::cards::remember(&back, state_dir));
        }
        let board_face = board.as_ref().map(Board::face);
        let observer = observe(config, &live, &store, (meters.clone(), asking), (gauges.clone(), board_face));
        if let Some(board) = &mut board {
            board.look_after(gauges.clone(), live.clone(), observer.clone());
        }
        let others = neighbourhood.as_ref().map(Neighbourhood::asking);
        carrier::start(store.clone(), sounds.clone(), meters);
        let waiting = Waiting::of(&config.this.state_dir);
        if gauges.is_some() {
            for line in waiting.lines() {
                live.ask(Request::MessagesWait { line, waiting: true }).await;
            }
        }
        let beside = Beside { gauges: gauges.clone(), others, sounds, waiting };
        let app = face(config, store.clone(), live.clone(), &observer, beside);
        if let Some(neighbourhood) = neighbourhood {
            neighbourhood.serve(app.clone(), &store)?;
        }
        let entrances = bound.serve(app, &observer);
        lease(store.clone());
        if store.is_shared() {
            neighbours::watch_tenants(store.clone(), live.clone());
        }
        Ok(Service {
            live,
            api,
            account,
            store,
            media,
            observer,
            timeline: Some(timeline),
            gauges,
            engine,
            board,
            entrances,
            _owner: owner,
        })
    }

    /// Ends calls within `drain`: no new ones at once; who still speaks when the time is up is told so and hung up. When
    /// `hurry` comes, everything ends at once.
    pub async fn stop(mut self, drain: std::time::Duration, hurry: impl Future<Output = ()>) {
        tracing::info!(message_id = events::DRAIN_BEGINS.id, "no new calls: the service is being stopped");
        self.live.drain().await;
        let mut hurry = std::pin::pin!(hurry);
        let hurried = self.calls_end_within(drain, hurry.as_mut()).await;
        if !hurried && !drain.is_zero() && self.live.live_calls().await > 0 {
            self.live.notice(NOTICE).await;
            self.calls_end_within(NOTICE_LIMIT, hurry.as_mut()).await;
        }
        tracing::info!(message_id = events::DRAIN_ENDS.id, "the time for calls is up");
        self.live.end_all().await;
        let until = Instant::now() + LAST_WORDS;
        while self.live.busy().await > 0 && Instant::now() < until {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        self.observer.stop();
        self.entrances.close();
        // Closing joins threads: not on the runtime's own. The lines are given away before nobody has them.
        let (board, engine) = (self.board.take(), self.engine.take());
        let closing = move || {
            board.into_iter().for_each(Board::release);
            drop(engine);
        };
        let _ = tokio::task::spawn_blocking(closing).await;
        self.media.shutdown().await;
        self.store.close().await;
    }

    /// Waits until no call is up, for so long at most; true if it was hurried.
    async fn calls_end_within(
        &self,
        limit: std::time::Duration,
        mut hurry: std::pin::Pin<&mut impl Future<Output = ()>>,
    ) -> bool {
        let until = Instant::now() + limit;
        while self.live.live_calls().await > 0 && Instant::now() < until {
            let wait = tokio::time::sleep(std::time::Duration::from_millis(100));
            if tokio::select! { () = wait => false, () = hurry.as_mut() => true } {
                return true;
            }
        }
        false
    }
}

/// Says in the log what the owner should know of his limits.
fn tell_of_worst_night(config: &Config, lines: u32, accounts: u32) {
    match settings::worst_night(&config.outbound, lines, accounts) {
        Some(0) => {}
        Some(minutes) => tracing::info!("calls out can cost at most {minutes} minutes in a night (22:00 to 06:00)"),
        None => tracing::warn!("nothing bounds what calls out can cost in a night: set outbound.minutes_per_day"),
    }
}

/// Makes a directory that is for nobody else: tokens and recordings are in there.
pub(super) fn directory(dir: &Path) -> Result<(), StartError> {
    let mut maker = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(maker.recursive(true), 0o700);
    let made = maker.create(dir);
    made.map_err(|error| StartError { exit: 77, text: format!("{}: cannot be made: {error}", dir.display()) })
}

/// The runtime of a service.
pub fn runtime() -> Result<tokio::runtime::Runtime, StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| failed("no runtime")(&error))
}

/// Makes a state directory ours: a second box on it would take the calls of the first one for leftovers of a crash.
fn own(state: &Path) -> Result<std::fs::File, StartError> {
    let file = state.join("lock");
    let opened = std::fs::File::options().create(true).truncate(false).write(true).open(&file);
    let opened = opened.map_err(|error| failed(&file.display().to_string())(&error))?;
    match opened.try_lock() {
        Ok(()) => Ok(opened),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError {
            exit: 69,
            text: format!("{}: another tipring uses it; stop that one, or set box.state_dir", state.display()),
        }),
        Err(std::fs::TryLockError::Error(error)) => Err(failed(&file.display().to_string())(&error)),
    }
}

/// The moment, by the host's clock.
pub fn now() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Octets that nobody can guess.
pub fn random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut octets = [0; N];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut octets));
    read.map_err(|error| failed("/dev/urandom")(&error))?;
    Ok(octets)
}

/// The client for everything that leaves the box.
pub fn client(config: &Config, hosts: Vec<(String, SocketAddr)>) -> Result<tipring_egress::Client, StartError> {
    let mut extra_ca_pems = Vec::new();
    for file in &config.media.trust {
        let pem = std::fs::read(file);
        extra_ca_pems.push(pem.map_err(|error| failed(&file.display().to_string())(&error))?);
    }
    let destinations = tipring_guard::Destinations::new(config.rules(tipring_door::interfaces()));
    let egress = tipring_egress::Config { extra_ca_pems, hosts, destinations, ..tipring_egress::Config::default() };
    tipring_egress::Client::new(egress).map_err(|fault| failed("the HTTP client")(&fault))
}

/// The store of this box.
pub async fn open_store(config: &Config, now: Stamp) -> Result<Store, StartError> {
    let refused = |error: crate::config::ConfigError| StartError {
        exit: if error.denied { 77 } else { 78 },
        text: error.to_string(),
    };
    let url = config.store_url().map_err(refused)?;
    let data_dir = config.this.state_dir.clone();
    let settings = tipring_store::Config { url, box_name: config.this.name.clone(), data_dir, now };
    Store::open(settings).await.map_err(|error| failed("the store")(&error))
}

pub(super) async fn listen(key: &str, address: &str) -> Result<tokio::net::TcpListener, StartError> {
    tokio::net::TcpListener::bind(address).await.map_err(|error| StartError {
        exit: 69,
        text: format!("{address}: cannot listen: {error}; another program may use the port (set {key})"),
    })
}

/// A socket that listened before we were there.
pub(super) fn inherited(listener: std::net::TcpListener) -> Result<tokio::net::TcpListener, StartError> {
    let ours = listener.set_nonblocking(true).and_then(|()| tokio::net::TcpListener::from_std(listener));
    ours.map_err(|error| failed("a socket that was handed over")(&error))
}

/// How the router is set up on this box.
pub fn router_config(config: &Config, seed: u64, epoch: Stamp, api: SocketAddr) -> tipring_router::Config {
    tipring_router::Config {
        plan: config.dialling_plan(),
        zone: config.zone(),
        outbound: settings::outbound(&config.outbound),
        public_base: format!("http://{api}"),
        seed,
        epoch,
        ..tipring_router::Config::default()
    }
}

fn start_engine(
    card: Box<dyn Card>,
    config: &Config,
    epoch: Instant,
) -> Result<(Option<Engine>, Option<tipring_lines::EngineHandle>), StartError> {
    let settings = EngineConfig { lines: settings::lines(config), priority: 50, epoch };
    let name = card.name().to_string();
    let started = Engine::start(card, settings);
    let (engine, handle) = started.map_err(|error| StartError { exit: 69, text: format!("card {name}: {error}") })?;
    for complaint in &handle.complaints {
        tracing::warn!("{complaint}");
    }
    Ok((Some(engine), Some(handle)))
}

/// What the API asks of the running calls.
struct Face(Live, Meters, Beside);

/// And of what is beside them.
struct Beside {
    gauges: Option<Arc<tipring_lines::Gauges>>,
    others: Option<neighbours::Asking>,
    sounds: Option<Sounds>,
    waiting: Waiting,
}

impl tipring_api::Live for Face {
    fn ask(&self, request: Request) -> tipring_api::Later<'_, Reply> {
        Box::pin(async move {
            if let Request::MessagesWait { line, waiting } = &request {
                self.2.waiting.keep(line, *waiting).await;
            }
            self.0.ask(request).await
        })
    }

    fn directory_changed(&self, change: DirectoryChange) -> tipring_api::Later<'_, ()> {
        Box::pin(self.0.directory(change))
    }

    fn new_sid(&self, kind: SidKind) -> Sid {
        // A system without random numbers still gives names: the clock's microseconds do not repeat here.
        let bits = random().map_or_else(|_| now().0.unsigned_abs().into(), u128::from_le_bytes);
        Sid::new(kind, bits)
    }

    fn now(&self) -> Stamp {
        now()
    }

    fn spans(&self) -> Vec<tipring_api::SpanState> {
        self.2.gauges.iter().flat_map(|gauges| gauges.spans()).map(span_state).collect()
    }

    fn calls_on_lines(&self) -> tipring_api::Later<'_, Vec<(String, Sid)>> {
        Box::pin(async {
            let calls = self.0.snapshot().await.map(|snapshot| snapshot.calls).unwrap_or_default();
            calls.into_iter().filter_map(|call| Some((call.line, call.sid.parse().ok()?))).collect()
        })
    }

    fn neighbours(&self) -> Option<&dyn tipring_api::Neighbours> {
        self.2.others.as_ref().map(|others| others as &dyn tipring_api::Neighbours)
    }

    fn shared_sounds(&self) -> Option<&dyn tipring_api::SharedSounds> {
        self.2.sounds.as_ref().map(|sounds| sounds as &dyn tipring_api::SharedSounds)
    }

    fn credentials_refused(&self) {
        self.1.credentials_refused();
    }
}

/// A span as the API has it.
fn span_state(span: tipring_lines::SpanGauge) -> tipring_api::SpanState {
    let alarms = crate::observe::alarms(&span);
    let mut errors: Vec<(&'static str, u64)> = Vec::new();
    if span.digital {
        errors.extend(span.status.kinds.named());
        errors.push(("all", span.status.errors.into()));
    }
    tipring_api::SpanState {
        alarms: alarms.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect(),
        errors,
        name: span.name,
        analog: span.analog,
        up: span.up,
        lines: span.channels,
        telephones: span.telephones,
        names: span.names,
    }
}

impl crate::observe::Calls for Live {
    fn snapshot(&self) -> tipring_api::Later<'_, Option<Snapshot>> {
        Box::pin(self.snapshot())
    }
}

fn observe(
    config: &Config,
    live: &Live,
    store: &Store,
    (meters, media): (Meters, tipring_media::MediaClient),
    (gauges, board): (Option<Arc<tipring_lines::Gauges>>, Option<crate::observe::board::BoardFace>),
) -> Observer {
    let simulated = config.card.first().map_or(config.sound.is_empty(), |card| card.kind == CardKind::Sim);
    Observer::start(crate::observe::Parts {
        meters,
        calls: Arc::new(live.clone()),
        store: store.clone(),
        media,
        card: gauges.map(|gauges| CardFace { gauges, simulated }),
        areas: vec![("state", config.this.state_dir.clone()), ("cache", config.this.cache_dir.clone())],
        board,
    })
}

/// What is behind every entrance.
fn face(config: &Config, store: Store, live: Live, observer: &Observer, beside: Beside) -> axum::Router {
    let face = Arc::new(Face(live, observer.meters().clone(), beside));
    let app = tipring_api::app(tipring_api::State {
        store,
        live: face,
        base: String::new(),
        options: tipring_api::Options {
            dids: config.this.dids.clone(),
            country: settings::iso(config),
            mp3: config.media.mp3.clone(),
            pulse: None,
        },
    });
    app.merge(crate::observe::face::health(observer.clone()))
}

/// Renews this box's lease, so that no other box closes its calls, closes the calls of boxes that are silent, and forgets
/// what has had its time.
fn lease(store: Store) {
    tokio::spawn(async move {
        let mut every = tokio::time::interval(std::time::Duration::from_secs(5));
        let mut daily = tokio::time::interval(std::time::Duration::from_secs(86_400));
        daily.tick().await;
        loop {
            tokio::select! {
                _ = every.tick() => {}
                _ = daily.tick() => {
                    if let Err(error) = store.forget_old(now()).await {
                        tracing::warn!(%error, "old events could not be forgotten: tried again tomorrow");
                    }
                    continue;
                }
            }
            if let Err(error) = store.renew_lease(now()).await {
                tracing::warn!(message_id = events::LEASE_LOST.id, %error, "the box's lease could not be renewed");
                continue;
            }
            match store.close_dead_boxes(now()).await {
                Ok(closed) => {
                    for (name, calls) in closed {
                        let id = events::BOX_SILENT.id;
                        tracing::warn!(message_id = id, name, calls, "a box is silent: its calls are closed as failed");
                    }
                }
                Err(error) => tracing::warn!(%error, "other boxes could not be looked at"),
            }
        }
    });
}

/// Where a configuration is looked for when none is named.
pub fn default_file() -> PathBuf {
    crate::config::DEFAULT_FILE.into()
}

/// The card that a configuration names, opened; its spans are brought up where that is to be done.
pub fn card_of(config: &Config, kind: CardKind, bring_up: bool) -> Result<Box<dyn Card>, StartError> {
    match kind {
        CardKind::Sim => {
            let wire = WireConfig { analog_ports: super::far::ANALOG_LINES, ..WireConfig::default() };
            Ok(Box::new(tipring_sim::Wire::new(wire).near()))
        }
        CardKind::Dahdi => {
            let spans = config.card.first().map(|card| card.spans.as_slice()).unwrap_or_default();
            let config = tipring_dahdi::Config {
                spans: spans.iter().copied().map(tipring_card::SpanId).collect(),
                setups: config.span.iter().map(settings::span).collect(),
                bring_up,
                ..tipring_dahdi::Config::default()
            };
            let card = tipring_dahdi::DahdiCard::open(config);
            let card = card.map_err(|error| StartError { exit: 69, text: format!("the DAHDI card: {error}") })?;
            Ok(Box::new(card))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_box_without_a_card_says_so_to_a_call_at_once() {
        let dir = super::super::outcome::ScratchDir::new().expect("a folder");
        let mut config = Config::default();
        config.this.state_dir = dir.path.join("state");
        config.this.cache_dir = dir.path.join("cache");
        config.this.runtime_dir = dir.path.join("run");
        config.listen.api = "127.0.0.1:0".into();
        let wiring = Wiring { seed: Some(1), ..Wiring::default() };
        let mut service = Service::start(&config, wiring).await.expect("it starts");
        let mut timeline = service.timeline.take().expect("from its first line");
        let call = tipring_router::NewCall {
            account: service.account.sid,
            to: "112".into(),
            from: "+12025550199".into(),
            group: String::new(),
            instructions: tipring_router::Instructions::Document("<Response/>".into()),
            fallback_url: String::new(),
            fallback_method: tipring_resources::Method::Post,
            callback: None,
            timeout_s: 60,
            time_limit_s: 60,
            send_digits: String::new(),
            record: None,
            machine: None,
        };
        let reply = service.live.ask(Request::CreateCall(Box::new(call))).await;
        assert!(matches!(reply, Reply::Call(_)), "{reply:?}");
        let told = async {
            while !timeline.recv().await.expect("the timeline goes on").text.contains("the box has no card") {}
        };
        // Far below the 15 s after which the router gives lines up.
        tokio::time::timeout(std::time::Duration::from_secs(8), told).await.expect("it is said at once");
        let state = service.observer.state().await;
        assert!(state.ready && state.counters.calls == 1, "a box without a card is ready, and counts: {state:?}");
        let api = service.api;
        let asked = move || {
            let mut stream = std::net::TcpStream::connect(api).expect("it listens");
            std::io::Write::write_all(&mut stream, b"GET /readyz HTTP/1.0\r\n\r\n").expect("it reads");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("it answers");
            answer
        };
        let answer = tokio::task::spawn_blocking(asked).await.expect("asked");
        assert!(answer.contains(" 200 OK") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
        service.stop(std::time::Duration::ZERO, std::future::pending()).await;
    }

    #[tokio::test]
    async fn a_box_without_the_secret_of_its_messages_takes_calls() {
        let dir = super::super::outcome::ScratchDir::new().expect("a folder");
        let mut config = Config::default();
        config.this.state_dir = dir.path.join("state");
        config.this.cache_dir = dir.path.join("cache");
        config.this.runtime_dir = dir.path.join("run");
        config.listen.api = "127.0.0.1:0".into();
        config.messages.adapter = crate::config::MessageAdapter::Modem;
        config.messages.secret_file = dir.path.join("none").display().to_string();
        let wiring = Wiring { seed: Some(1), ..Wiring::default() };
        let service = Service::start(&config, wiring).await.expect("it starts");
        assert!(service.observer.is_ready().await.reasons.is_empty());
        service.stop(std::time::Duration::ZERO, std::future::pending()).await;
    }

    #[test]
    fn a_state_directory_has_one_box() {
        let dir = super::super::outcome::ScratchDir::new().expect("a folder");
        let first = own(&dir.path).expect("nobody has it");
        let second = own(&dir.path).expect_err("it is taken");
        assert_eq!(second.exit, 69);
        assert!(second.text.contains("another tipring uses it"), "{second}");
        drop(first);
        own(&dir.path).expect("it is free again");
    }
}
