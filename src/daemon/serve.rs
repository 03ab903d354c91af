//! The service put together: directories, store, media layer, card, conductor, API. `tipring serve` runs it from a
//! configuration file; the demonstration runs the same with a simulated card.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tipring_card::{Card, Micros};
use tipring_lines::{Engine, EngineConfig};
use tipring_resources::{Account, AccountStatus, Method, Number, NumberOrigin, Sid, SidKind, Stamp};
use tipring_router::{DirectoryChange, Event, Reply, Request, Router, Trace};
use tipring_sim::WireConfig;
use tipring_store::Store;

use super::conductor::{self, Live, Parts};
use super::hands::Hands;
use super::settings;
use crate::config::{CardKind, Config, Documents};

/// Calls have this long to end after SIGTERM.
const DRAIN: std::time::Duration = std::time::Duration::from_secs(30);
/// Then they are ended; for the last words of all of them (lines cleared, recordings completed, callbacks sent).
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(5);

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

fn failed(what: &str) -> impl Fn(&dyn std::fmt::Display) -> StartError + '_ {
    move |why| StartError { exit: 1, text: format!("{what}: {why}") }
}

/// A running service. Dropping it closes the lines.
pub struct Service {
    /// The conductor.
    pub live: Live,
    /// Where the API listens.
    pub api: SocketAddr,
    /// The account that was made at the first start.
    pub account: Account,
    /// The store.
    pub store: Store,
    /// The media layer's counters.
    pub media: tipring_media::Handle,
    /// The timeline from its first line: the line may be up before whoever shows it has asked for it.
    pub timeline: Option<tokio::sync::broadcast::Receiver<Trace>>,
    engine: Option<Engine>,
    api_task: tokio::task::JoinHandle<()>,
    /// Locked as long as the state is ours.
    _owner: std::fs::File,
}

/// What a service is made of beside its configuration.
pub struct Wiring {
    /// The card; without one there are no lines.
    pub card: Option<Box<dyn Card>>,
    /// Host names that lead to an address whatever the name server says (simulated applications).
    pub hosts: Vec<(String, SocketAddr)>,
    /// Seed of every id; from the system when `None`.
    pub seed: Option<u64>,
}

impl Service {
    /// Starts everything. Nothing rings before all of it stands.
    pub async fn start(config: &Config, file: &Path, wiring: Wiring) -> Result<Service, StartError> {
        let epoch = Instant::now();
        let started = now();
        for dir in [&config.this.state_dir, &config.this.cache_dir, &config.this.runtime_dir] {
            // Tokens and recordings are in there: for nobody else.
            let mut maker = std::fs::DirBuilder::new();
            std::os::unix::fs::DirBuilderExt::mode(maker.recursive(true), 0o700);
            maker.create(dir).map_err(|error| StartError {
                exit: 77,
                text: format!("{}: cannot be made: {error}", dir.display()),
            })?;
        }
        let owner = own(&config.this.state_dir)?;
        let client = client(config, wiring.hosts)?;
        // The socket first: where it answers, this box runs already, and its living calls are not to be repaired away.
        let media = start_media(config, client.clone()).await?;
        let store = open_store(config, started).await?;
        let socket = config.this.runtime_dir.join("media.sock");
        let hands = Hands::new(client, tipring_media::MediaClient::new(socket), store.clone());
        let seed = match wiring.seed {
            Some(seed) => seed,
            None => u64::from_le_bytes(random()?),
        };
        let listener = listen(&config.listen.api).await?;
        let api = listener.local_addr().map_err(|error| failed("the API's address")(&error))?;
        let mut router = Router::new(router_config(config, seed, started, api));
        let account = first_account(&store).await?;
        let numbers = known_numbers(&store, config, file, account.sid).await?;
        for account in store.accounts().await.map_err(|error| failed("accounts")(&error))? {
            hands.learn(&account);
            router.handle(Micros::ZERO, Event::Directory(DirectoryChange::Account(account)));
        }
        for number in numbers {
            router.handle(Micros::ZERO, Event::Directory(DirectoryChange::Number(number)));
        }
        // From here on it may ring: an exchange that was waiting for us is there within milliseconds.
        let (engine, handle) = match wiring.card {
            Some(card) => start_engine(card, config, epoch)?,
            None => (None, None),
        };
        let parts = Parts { router, hands, blobs: store.blobs().clone(), engine: handle, epoch };
        let (live, timeline) = conductor::start(parts);
        let api_task = serve_api(listener, store.clone(), live.clone());
        lease(store.clone());
        Ok(Service { live, api, account, store, media, timeline: Some(timeline), engine, api_task, _owner: owner })
    }

    /// Ends calls within `drain`: no new ones at once, the rest when the time is up, or when `hurry` comes.
    pub async fn stop(mut self, drain: std::time::Duration, hurry: impl Future<Output = ()>) {
        self.live.drain().await;
        let until = Instant::now() + drain;
        let mut hurry = std::pin::pin!(hurry);
        while self.live.live_calls().await > 0 && Instant::now() < until {
            let wait = tokio::time::sleep(std::time::Duration::from_millis(100));
            if tokio::select! { () = wait => false, () = &mut hurry => true } {
                break;
            }
        }
        self.live.end_all().await;
        let until = Instant::now() + LAST_WORDS;
        while self.live.busy().await > 0 && Instant::now() < until {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        self.api_task.abort();
        // Closing joins two threads: not on the runtime's own.
        let engine = self.engine.take();
        let _ = tokio::task::spawn_blocking(move || drop(engine)).await;
        self.media.shutdown().await;
        self.store.close().await;
    }
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
    let egress = tipring_egress::Config { extra_ca_pems, hosts, ..tipring_egress::Config::default() };
    tipring_egress::Client::new(egress).map_err(|fault| failed("the HTTP client")(&fault))
}

/// The store of this box.
pub async fn open_store(config: &Config, now: Stamp) -> Result<Store, StartError> {
    let url = Some(config.this.store.clone()).filter(|url| !url.is_empty());
    let data_dir = config.this.state_dir.clone();
    let settings = tipring_store::Config { url, box_name: config.this.name.clone(), data_dir, now };
    Store::open(settings).await.map_err(|error| failed("the store")(&error))
}

/// The media layer with its face on a socket in the runtime directory.
pub async fn start_media(config: &Config, egress: tipring_egress::Client) -> Result<tipring_media::Handle, StartError> {
    let socket = config.this.runtime_dir.join("media.sock");
    let mut settings = tipring_media::Config::new(socket, config.this.cache_dir.join("media"), egress);
    settings.limits.cache_bytes = config.media.cache_mib.saturating_mul(1024 * 1024);
    tipring_media::MediaService::start(settings).await.map_err(|error| failed("the media layer")(&error))
}

async fn listen(address: &str) -> Result<tokio::net::TcpListener, StartError> {
    tokio::net::TcpListener::bind(address).await.map_err(|error| StartError {
        exit: 69,
        text: format!("{address}: cannot listen: {error}; another program may use the port (set listen.api)"),
    })
}

/// How the router is set up on this box.
pub fn router_config(config: &Config, seed: u64, epoch: Stamp, api: SocketAddr) -> tipring_router::Config {
    tipring_router::Config {
        plan: config.dialling_plan(),
        zone: settings::zone(&config.this.country),
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

/// The account that everything belongs to until others are made; made at the first start.
async fn first_account(store: &Store) -> Result<Account, StartError> {
    let accounts = store.accounts().await.map_err(|error| failed("accounts")(&error))?;
    if let Some(account) = accounts.into_iter().next() {
        return Ok(account);
    }
    let account = Account {
        sid: Sid::new(SidKind::Account, u128::from_le_bytes(random()?)),
        friendly_name: "First account".into(),
        status: AccountStatus::Active,
        token: format!("{:032x}", u128::from_le_bytes(random()?)),
        created: now(),
        updated: now(),
    };
    store.put_account(account.clone()).await.map_err(|error| failed("the first account")(&error))?;
    Ok(account)
}

/// The numbers of the store, with those of the file put over them.
async fn known_numbers(store: &Store, config: &Config, file: &Path, account: Sid) -> Result<Vec<Number>, StartError> {
    let of_store = |error: &dyn std::fmt::Display| failed("numbers")(error);
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut known = store.all_numbers().await.map_err(|error| of_store(&error))?;
    let listed = |number: &Number| config.number.iter().any(|entry| *entry.number.get_ref() == number.phone_number);
    for gone in known.extract_if(.., |number| number.origin != NumberOrigin::Api && !listed(number)) {
        store.delete_number(gone.account, gone.sid).await.map_err(|error| of_store(&error))?;
    }
    for entry in &config.number {
        let digits = entry.number.get_ref();
        let (line, _) = crate::config::position(&text, entry.number.span().start);
        let before = known.iter().position(|number| number.phone_number == *digits).map(|at| known.remove(at));
        let stamp = now();
        let number = Number {
            sid: match &before {
                Some(before) => before.sid,
                None => Sid::new(SidKind::Number, u128::from_le_bytes(random()?)),
            },
            account: before.as_ref().map_or(account, |before| before.account),
            phone_number: digits.clone(),
            friendly_name: digits.clone(),
            voice_url: entry.url.clone(),
            voice_method: method(entry.method),
            voice_fallback_url: entry.fallback.join(" "),
            voice_fallback_method: Method::Post,
            status_callback: entry.status_callback.clone(),
            status_callback_method: Method::Post,
            strict_documents: entry.documents == Documents::Strict,
            origin: NumberOrigin::File { file: file.display().to_string(), line: u32::try_from(line).unwrap_or(0) },
            created: before.map_or(stamp, |before| before.created),
            updated: stamp,
        };
        store.put_number(number.clone()).await.map_err(|error| of_store(&error))?;
        known.push(number);
    }
    Ok(known)
}

/// GET or POST as records have it.
pub fn method(method: crate::config::Method) -> Method {
    match method {
        crate::config::Method::Get => Method::Get,
        crate::config::Method::Post => Method::Post,
    }
}

/// What the API asks of the running calls.
struct Face(Live);

impl tipring_api::Live for Face {
    fn ask(&self, request: Request) -> tipring_api::Later<'_, Reply> {
        Box::pin(self.0.ask(request))
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
}

fn serve_api(listener: tokio::net::TcpListener, store: Store, live: Live) -> tokio::task::JoinHandle<()> {
    let app = tipring_api::app(tipring_api::State { store, live: Arc::new(Face(live)), base: String::new() });
    tokio::spawn(async move {
        if let Err(error) = axum::serve(super::doors::Doors::new(listener), app).await {
            tracing::error!(%error, "the API stopped");
        }
    })
}

/// Renews this box's lease, so that no other box closes its calls, and closes the calls of boxes that are silent.
fn lease(store: Store) {
    tokio::spawn(async move {
        let mut every = tokio::time::interval(std::time::Duration::from_secs(5));
        loop {
            every.tick().await;
            if let Err(error) = store.renew_lease(now()).await {
                tracing::warn!(%error, "the box's lease could not be renewed");
                continue;
            }
            match store.close_dead_boxes(now()).await {
                Ok(closed) => {
                    for (name, calls) in closed {
                        tracing::warn!(name, calls, "a box is silent: its calls are closed as failed");
                    }
                }
                Err(error) => tracing::warn!(%error, "other boxes could not be looked at"),
            }
        }
    });
}

/// Where a configuration is looked for when none is named.
pub fn default_file() -> PathBuf {
    "/etc/tipring/tipring.toml".into()
}

/// The card that a configuration names, opened.
pub fn card_of(kind: CardKind, spans: &[u16]) -> Result<Box<dyn Card>, StartError> {
    match kind {
        CardKind::Sim => {
            let wire = WireConfig { analog_ports: super::far::ANALOG_LINES, ..WireConfig::default() };
            Ok(Box::new(tipring_sim::Wire::new(wire).near()))
        }
        CardKind::Dahdi => {
            let config = tipring_dahdi::Config {
                spans: spans.iter().copied().map(tipring_card::SpanId).collect(),
                ..tipring_dahdi::Config::default()
            };
            let card = tipring_dahdi::DahdiCard::open(config);
            let card = card.map_err(|error| StartError { exit: 69, text: format!("the DAHDI card: {error}") })?;
            Ok(Box::new(card))
        }
    }
}

/// `tipring serve`: runs until SIGTERM or Ctrl-C.
pub async fn run(config: &Config, file: &Path) -> Result<(), StartError> {
    let entry = config.card.first();
    let mut far_end = None;
    let card = match entry.map(|card| card.kind) {
        None => None,
        Some(CardKind::Sim) => {
            let far = super::far::FarEnd::start()?;
            let card: Box<dyn Card> = Box::new(far.wire.near());
            far_end = Some(far);
            Some(card)
        }
        Some(kind) => Some(card_of(kind, &entry.map(|card| card.spans.clone()).unwrap_or_default())?),
    };
    let mut service = Service::start(config, file, Wiring { card, hosts: Vec::new(), seed: None }).await?;
    let credentials = config.this.state_dir.join("account.json");
    write_secret(&credentials, &credentials_of(&service))
        .map_err(|error| failed(&credentials.display().to_string())(&error))?;
    println!("tipring: the API listens on http://{}; account and token are in {}", service.api, credentials.display());
    let traces = service.timeline.take().unwrap_or_else(|| service.live.traces());
    let mut logged = tokio::spawn(log(traces));
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| failed("SIGTERM")(&error))?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        _ = &mut logged => {}
    }
    // Who says it twice does not want to wait.
    let again = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    service.stop(DRAIN, again).await;
    drop(far_end);
    logged.abort();
    Ok(())
}

/// Logs the timeline to its end, the last calls' included.
async fn log(mut traces: tokio::sync::broadcast::Receiver<Trace>) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        match traces.recv().await {
            Ok(trace) => {
                let call = trace.call.map(|sid| sid.to_string()).unwrap_or_default();
                tracing::info!(call, kind = trace.kind.as_str(), "{}", trace.text);
            }
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "timeline lines were missed"),
            Err(RecvError::Closed) => return,
        }
    }
}

/// Where the API is and who may ask, as JSON, for the box's own owner.
fn credentials_of(service: &Service) -> String {
    let account = &service.account;
    let api = format!("http://{}", service.api);
    format!("{:#}\n", serde_json::json!({"api": api, "account": account.sid.to_string(), "token": account.token}))
}

/// Writes a file that only its owner reads: the old one, or the new one whole.
pub fn write_secret(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let part = file.with_extension("part");
    let _ = std::fs::remove_file(&part);
    let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    std::fs::rename(&part, file)
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
        let wiring = Wiring { card: None, hosts: Vec::new(), seed: Some(1) };
        let mut service = Service::start(&config, &dir.path.join("none.toml"), wiring).await.expect("it starts");
        let mut timeline = service.timeline.take().expect("from its first line");
        let call = tipring_router::NewCall {
            account: service.account.sid,
            to: "112".into(),
            from: "+12025550199".into(),
            group: String::new(),
            instructions: tipring_router::Instructions::Document("<Response/>".into()),
            fallback_url: String::new(),
            fallback_method: Method::Post,
            callback: None,
            timeout_s: 60,
            time_limit_s: 60,
            send_digits: String::new(),
            record: None,
        };
        let reply = service.live.ask(Request::CreateCall(Box::new(call))).await;
        assert!(matches!(reply, Reply::Call(_)), "{reply:?}");
        let told = async {
            while !timeline.recv().await.expect("the timeline goes on").text.contains("the box has no card") {}
        };
        // Far below the 15 s after which the router gives lines up.
        tokio::time::timeout(std::time::Duration::from_secs(8), told).await.expect("it is said at once");
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
