//! Where this box's media layer runs: in the service's own process, apart (`tipring media`), where a decoder or an engine
//! that goes wrong takes no call with it, or on another host. Not the layer itself: that is the crate `tipring-media`.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tipring_door::Shared;
use tipring_media::{
    Cage, Decoder, Engine, EngineCommand, EngineUrl, EngineVoice, Entry, Magic, MediaClient, Preset, Recognizer,
    RecognizerCommand, RecognizerUrl, Remote, Start,
};

use tokio::signal::unix::{SignalKind, signal};

use super::run::Reread;
use super::serve::{StartError, client, failed};
use super::supervisor::{Inherited, Supervisor};
use crate::config::last_good::{self, Keeper};
use crate::config::{Config, DecoderEntry, MediaFace, RecognizerEntry, SpeechEntry};

/// The media layer as the service has it.
pub enum MediaLayer {
    /// In this process.
    Inside(tipring_media::Handle),
    /// In another one, on this host or elsewhere, which comes and goes as it likes; where.
    Apart(String),
}

impl MediaLayer {
    /// Starts the layer, unless the configuration names the face of one that runs apart.
    pub async fn start(config: &Config, egress: tipring_egress::Client) -> Result<MediaLayer, StartError> {
        match face(config)? {
            MediaFace::Inside => start_media(config, egress).await.map(MediaLayer::Inside),
            MediaFace::Socket(_) | MediaFace::Remote { .. } => Ok(MediaLayer::Apart(config.media.face.clone())),
        }
    }

    /// Takes what another configuration says at once; a complaint where the layer must be told by somebody else.
    pub fn take(&self, old: &Config, new: &Config) -> Option<String> {
        match self {
            MediaLayer::Inside(handle) => {
                take(handle, new);
                None
            }
            MediaLayer::Apart(_) if workers(old) == workers(new) => None,
            MediaLayer::Apart(face) => Some(format!(
                "media.sound_workers, media.speech_workers: the media layer at {face} runs by itself; reload it too \
                 (systemctl reload tipring-media, or SIGHUP)"
            )),
        }
    }

    /// Its end: what runs apart goes on.
    pub async fn shutdown(self) {
        if let MediaLayer::Inside(handle) = self {
            handle.shutdown().await;
        }
    }
}

fn workers(config: &Config) -> (usize, usize) {
    (config.media.sound_workers, config.media.speech_workers)
}

fn take(handle: &tipring_media::Handle, new: &Config) {
    let (sounds, speech) = workers(new);
    handle.set_workers(sounds, speech);
}

/// Where the package's media layer is asked.
pub const PACKAGED_SOCKET: &str = "/run/tipring-media/media.sock";

/// Whoever asks the media layer.
pub fn asking(config: &Config) -> Result<MediaClient, StartError> {
    let remote = match face(config)? {
        MediaFace::Inside => return Ok(begins(MediaClient::new(own_socket(config)), config)),
        MediaFace::Socket(path) => return Ok(begins(MediaClient::new(path), config)),
        MediaFace::Remote { tls, host, port } => (tls, host, port),
    };
    reached(config, remote).map(|remote| begins(MediaClient::remote(remote), config))
}

/// Sounds begin as the configuration says.
fn begins(client: MediaClient, config: &Config) -> MediaClient {
    client.starting(Start::parse(&config.media.start).unwrap_or_default())
}

fn face(config: &Config) -> Result<MediaFace, StartError> {
    config.media.asked().map_err(|text| StartError { exit: 78, text })
}

fn own_socket(config: &Config) -> PathBuf {
    config.this.runtime_dir.join("media.sock")
}

/// The key that two hosts have in common.
fn shared(config: &Config) -> Result<Shared, StartError> {
    let (file, text) = config.media_key().map_err(|error| StartError {
        exit: if error.denied { 77 } else { 78 },
        text: format!("{error}; both hosts have the same file, made once by `openssl rand -base64 32`"),
    })?;
    Shared::new(&text).ok_or_else(|| StartError {
        exit: 78,
        text: format!(
            "media.key_file: {}: at least {} characters are wanted, such as `openssl rand -base64 32` makes",
            file.display(),
            tipring_door::SHARED_LEAST
        ),
    })
}

/// Opens the layer to another host, where the configuration says so: in plain on loopback, else with TLS.
fn open_to_network(handle: &mut tipring_media::Handle, config: &Config) -> Result<(), StartError> {
    let Ok(address) = config.media.listen.parse::<SocketAddr>() else { return Ok(()) };
    let shared = shared(config)?;
    let made = |error: &dyn std::fmt::Display| failed("the media layer's key")(error);
    let tls = if address.ip().is_loopback() { None } else { Some(shared.server().map_err(|error| made(&error))?) };
    let entry = Entry { token: shared.token().into(), tls };
    let opened = TcpListener::bind(address).and_then(|listener| handle.open_to_network(listener, entry));
    opened.map_err(|error| StartError {
        exit: 69,
        text: format!("{address}: cannot listen: {error}; another program may use the port (set media.listen)"),
    })
}

fn settings(config: &Config, egress: tipring_egress::Client) -> Result<tipring_media::Config, StartError> {
    let socket = match face(config)? {
        MediaFace::Inside => own_socket(config),
        MediaFace::Socket(path) => path,
        MediaFace::Remote { .. } => {
            let text = format!("media.face is {}: this process is the layer itself; leave it empty", config.media.face);
            return Err(StartError { exit: 78, text });
        }
    };
    let mut settings = tipring_media::Config::new(socket, config.this.cache_dir.join("media"), egress);
    settings.limits.cache_bytes = config.media.cache_mib.saturating_mul(1024 * 1024);
    settings.state_dir = match config.media.state_dir.as_os_str().is_empty() {
        true => config.this.state_dir.join("media"),
        false => config.media.state_dir.clone(),
    };
    settings.phrase_threshold = config.media.phrase_threshold;
    settings.limits.sound_workers = config.media.sound_workers;
    settings.limits.speech_workers = config.media.speech_workers;
    settings.own_decoder = own_decoder();
    settings.transcoder = (&config.media.ffmpeg).into();
    settings.level_db = config.media.level_db as f32;
    settings.presets = presets(config);
    if let Some((_, preset)) = settings.presets.iter().find(|it| it.0 == config.media.preset) {
        settings.default_preset = *preset;
    }
    settings.decoders = config.decoder.iter().map(decoder).collect();
    let bundled = if config.media.bundled_speech { Engine::usual() } else { Vec::new() };
    settings.engines = config.speech.iter().map(engine).chain(bundled).collect();
    let media = &config.media;
    settings.limits.reserve_bytes = media.reserve_mib.saturating_mul(1024 * 1024);
    settings.limits.stale_kept = Duration::from_secs(media.stale_days.saturating_mul(DAY_S));
    settings.seal_key = config.seal_key().map_err(unread)?;
    settings.store = shared_store(config)?;
    settings.ask_first = asked_first(config)?;
    let configured = config.recognizer.iter().filter_map(recognizer);
    settings.recognizers = configured.chain(Recognizer::usual()).collect();
    Ok(settings)
}

fn unread(error: crate::config::ConfigError) -> StartError {
    StartError { exit: if error.denied { 77 } else { 78 }, text: error.to_string() }
}

/// The store that boxes share, for copies of sounds and for recordings.
pub(super) fn shared_store(config: &Config) -> Result<Option<tipring_media::StoreConfig>, StartError> {
    let media = &config.media;
    if media.store.is_empty() {
        return Ok(None);
    }
    let mut store = tipring_media::StoreConfig::new(&media.store);
    store.endpoint.clone_from(&media.store_endpoint);
    store.region.clone_from(&media.store_region);
    store.credentials = config.media_store_key().map_err(unread)?;
    store.plain = media.store_plain;
    store.octets = media.store_mib.saturating_mul(1024 * 1024);
    store.age = Duration::from_secs(media.store_days.saturating_mul(DAY_S));
    Ok(Some(store))
}

/// This program as a decoder, by the file that runs: an upgrade that replaces its name does not change what it is. `None`
/// where the rooms run in another program, such as a test.
fn own_decoder() -> Option<(PathBuf, Vec<String>)> {
    let program = std::env::current_exe().ok()?;
    let name = program.file_name()?.to_str()?.trim_end_matches(" (deleted)");
    (name == env!("CARGO_PKG_NAME")).then(|| ("/proc/self/exe".into(), vec!["decode".to_owned()]))
}

/// The forms that can be asked for by name.
fn presets(config: &Config) -> Vec<(String, Preset)> {
    let own = [("alaw", "audio/x-alaw"), ("mulaw", "audio/x-mulaw"), ("l16", "audio/l16")];
    let own = own.map(|(name, mime)| (name.to_owned(), mime.to_owned()));
    // What is configured goes before what is always there.
    let all = config.preset.iter().map(|it| (it.name.clone(), it.mime())).chain(own);
    all.filter_map(|(name, mime)| Some((name, Preset::parse(&mime)?))).collect()
}

fn cage(network: bool, reads: &[PathBuf], writes: &[PathBuf], memory_mib: u64) -> Cage {
    Cage { network, reads: reads.into(), writes: writes.into(), memory: memory_mib << 20, ..Cage::usual() }
}

fn decoder(entry: &DecoderEntry) -> Decoder {
    let (program, arguments) = entry.command.split_first().map_or((String::new(), &[][..]), |it| (it.0.clone(), it.1));
    Decoder {
        name: entry.name.clone(),
        types: entry.types.clone(),
        magic: entry.magic.iter().filter_map(|it| Magic::parse(it)).collect(),
        program: program.into(),
        arguments: arguments.to_vec(),
        cage: cage(false, &entry.reads, &[], entry.memory_mib),
    }
}

fn engine(entry: &SpeechEntry) -> Engine {
    let (name, voices) = (entry.name.clone(), entry.voices.iter().filter_map(|it| EngineVoice::parse(it)).collect());
    let Some((program, arguments)) = entry.command.split_first() else {
        return Engine::Url(EngineUrl { name, url: entry.url.clone(), voices, markup: !entry.markup.is_empty() });
    };
    Engine::Command(EngineCommand {
        name,
        program: program.into(),
        arguments: arguments.to_vec(),
        voices,
        markup_arguments: entry.markup.clone(),
        by_sentence: entry.by_sentence,
        cage: cage(entry.network, &entry.reads, &entry.writes, entry.memory_mib),
        spare: false,
    })
}

/// The layers that are asked before an origin is.
fn asked_first(config: &Config) -> Result<Vec<Remote>, StartError> {
    let others = config.media.others().map_err(|text| StartError { exit: 78, text })?;
    let others = others.into_iter().filter_map(|face| match face {
        MediaFace::Remote { tls, host, port } => Some((tls, host, port)),
        MediaFace::Inside | MediaFace::Socket(_) => None,
    });
    others.map(|it| reached(config, it)).collect()
}

/// How a layer at an address is asked.
fn reached(config: &Config, (tls, host, port): (bool, String, u16)) -> Result<Remote, StartError> {
    let shared = shared(config)?;
    let tls = if tls { Some(shared.client().map_err(|error| failed("the media layer's key")(&error))?) } else { None };
    Ok(Remote { host, port, token: shared.token().into(), tls })
}

/// An entry as the layer has it; the configuration's judge has seen that it is one.
fn recognizer(entry: &RecognizerEntry) -> Option<Recognizer> {
    let (name, languages) = (entry.name.clone(), entry.languages.clone());
    if let Some((program, arguments)) = entry.command.split_first() {
        return Some(Recognizer::Command(RecognizerCommand {
            name,
            languages,
            program: program.into(),
            arguments: arguments.to_vec(),
            rate_hz: entry.rate_hz,
            grammar: None,
            cage: cage(entry.network, &entry.reads, &entry.writes, entry.memory_mib),
        }));
    }
    let url = entry.url.parse().ok()?;
    Some(Recognizer::Url(RecognizerUrl { name, languages, url }))
}

/// The media layer with its face on a socket in the runtime directory, and at an address where one is configured.
pub async fn start_media(config: &Config, egress: tipring_egress::Client) -> Result<tipring_media::Handle, StartError> {
    let started = tipring_media::MediaService::start(settings(config, egress)?).await;
    let mut handle = started.map_err(|error| failed("the media layer")(&error))?;
    open_to_network(&mut handle, config)?;
    Ok(handle)
}

/// `tipring media`: the layer alone, until SIGTERM or Ctrl-C. SIGHUP has it take its configuration anew.
pub async fn run(config: &Config, file: &Path, reread: Reread) -> Result<(), StartError> {
    let supervisor = Supervisor::of_environment();
    // Before anything is announced: whoever was told may want to stop it at once.
    let of = |kind| signal(kind).map_err(|error| failed("signals")(&error));
    let (mut terminate, mut hangup) = (of(SignalKind::terminate())?, of(SignalKind::hangup())?);
    super::serve::directory(&config.this.cache_dir)?;
    let egress = client(config, Vec::new())?;
    let settings = settings(config, egress)?;
    let face = settings.socket.clone();
    let started = match Inherited::of_environment().media {
        Some(listener) => tipring_media::MediaService::start_on(settings, listener).await,
        None => {
            if let Some(folder) = face.parent() {
                super::serve::directory(folder)?;
            }
            tipring_media::MediaService::start(settings).await
        }
    };
    let mut handle = started.map_err(|error| failed("the media layer")(&error))?;
    open_to_network(&mut handle, config)?;
    if let Err(error) = last_good::keep(Keeper::Media, config, file) {
        tracing::warn!(%error, "the configuration could not be kept as the last good one");
    }
    let network = handle.network().map_or(String::new(), |address| format!(" and {address}"));
    println!("tipring: the media layer listens on {}{network}", face.display());
    supervisor.ready("ready");
    loop {
        let beat = supervisor.watchdog().map_or(std::time::Duration::from_secs(10), |limit| limit / 4);
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break,
            _ = terminate.recv() => break,
            _ = hangup.recv() => reload(&handle, &reread, file),
            // It is this loop that is watched: a runtime that does not run stops it.
            () = tokio::time::sleep(beat) => {
                supervisor.alive();
                let status = handle.status();
                supervisor.status(&told(&status));
            }
        }
    }
    supervisor.stopping(std::time::Duration::from_secs(5));
    handle.shutdown().await;
    Ok(())
}

/// One line about it.
fn told(status: &tipring_media::Status) -> String {
    let busy = status.sounds.busy + status.speech.busy;
    let queued = status.sounds.queued + status.speech.queued;
    format!("{} entries, {} under way, {busy} workers busy, {queued} wait", status.entries, status.under_way)
}

/// Takes what counts at once; everything else waits for the next start.
fn reload(handle: &tipring_media::Handle, reread: &Reread, file: &Path) {
    match reread() {
        Ok(new) => {
            take(handle, &new);
            let (sounds, speech) = workers(&new);
            tracing::info!(sounds, speech, "the workers of the media layer, as the configuration says now");
            if let Err(error) = last_good::keep(Keeper::Media, &new, file) {
                tracing::warn!(%error, "the configuration could not be kept as the last good one");
            }
        }
        Err(faults) => {
            for fault in faults {
                tracing::error!("{fault}; the media layer goes on as before");
            }
        }
    }
}

const DAY_S: u64 = 24 * 3600;
