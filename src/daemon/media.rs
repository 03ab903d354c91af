//! Where this box's media layer runs: in the service's own process, or apart (`tipring media`), where a decoder or an
//! engine that goes wrong takes no call with it. Not the layer itself: that is the crate `tipring-media`.

use std::path::{Path, PathBuf};

use tipring_media::{Recognizer, RecognizerCommand, RecognizerUrl};

use super::serve::{StartError, client, failed};
use super::supervisor::{Inherited, Supervisor};
use crate::config::last_good::{self, Keeper};
use crate::config::{Config, RecognizerEntry};

/// The media layer as the service has it.
pub enum MediaLayer {
    /// In this process.
    Inside(tipring_media::Handle),
    /// In another one, which comes and goes as it likes.
    Apart(PathBuf),
}

impl MediaLayer {
    /// Starts the layer, unless the configuration names the face of one that runs apart.
    pub async fn start(config: &Config, egress: tipring_egress::Client) -> Result<MediaLayer, StartError> {
        match face(config) {
            Some(face) => Ok(MediaLayer::Apart(face.to_path_buf())),
            None => start_media(config, egress).await.map(MediaLayer::Inside),
        }
    }

    /// Its end: what runs apart goes on.
    pub async fn shutdown(self) {
        if let MediaLayer::Inside(handle) = self {
            handle.shutdown().await;
        }
    }
}

/// Where the media layer is asked.
pub fn socket(config: &Config) -> PathBuf {
    face(config).map_or_else(|| config.this.runtime_dir.join("media.sock"), Path::to_path_buf)
}

fn face(config: &Config) -> Option<&Path> {
    Some(Path::new(&config.media.face)).filter(|face| !face.as_os_str().is_empty())
}

fn settings(config: &Config, egress: tipring_egress::Client) -> tipring_media::Config {
    let mut settings = tipring_media::Config::new(socket(config), config.this.cache_dir.join("media"), egress);
    settings.limits.cache_bytes = config.media.cache_mib.saturating_mul(1024 * 1024);
    let configured = config.recognizer.iter().filter_map(recognizer);
    settings.recognizers = configured.chain(Recognizer::usual()).collect();
    settings
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
        }));
    }
    let url = entry.url.parse().ok()?;
    Some(Recognizer::Url(RecognizerUrl { name, languages, url }))
}

/// The media layer with its face on a socket in the runtime directory.
pub async fn start_media(config: &Config, egress: tipring_egress::Client) -> Result<tipring_media::Handle, StartError> {
    let started = tipring_media::MediaService::start(settings(config, egress)).await;
    started.map_err(|error| failed("the media layer")(&error))
}

/// `tipring media`: the layer alone, until SIGTERM or Ctrl-C.
pub async fn run(config: &Config, file: &Path) -> Result<(), StartError> {
    let supervisor = Supervisor::of_environment();
    // Before anything is announced: whoever was told may want to stop it at once.
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| failed("SIGTERM")(&error))?;
    super::serve::directory(&config.this.cache_dir)?;
    let egress = client(config, Vec::new())?;
    let settings = settings(config, egress);
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
    let handle = started.map_err(|error| failed("the media layer")(&error))?;
    if let Err(error) = last_good::keep(Keeper::Media, config, file) {
        tracing::warn!(%error, "the configuration could not be kept as the last good one");
    }
    println!("tipring: the media layer listens on {}", face.display());
    supervisor.ready("ready");
    loop {
        let beat = supervisor.watchdog().map_or(std::time::Duration::from_secs(10), |limit| limit / 4);
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break,
            _ = terminate.recv() => break,
            // It is this loop that is watched: a runtime that does not run stops it.
            () = tokio::time::sleep(beat) => {
                supervisor.alive();
                let status = handle.status();
                supervisor.status(&format!("{} entries, {} under way", status.entries, status.under_way));
            }
        }
    }
    supervisor.stopping(std::time::Duration::from_secs(5));
    handle.shutdown().await;
    Ok(())
}
