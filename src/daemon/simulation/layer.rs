//! The media layer of a scenario: in this process, behind a socket, or at a TCP address as if it were on another host; and
//! what goes wrong with it at declared moments.

use std::time::Duration;

use tipring_card::Micros;
use tipring_media::{Cage, Engine, EngineCommand, EngineVoice, Handle, MediaClient, Occupied};

use crate::config::Config;
use crate::daemon::media::{asking, start_media};
use crate::daemon::scenario::{Faults, Scenario, SickEngine};
use crate::daemon::serve::StartError;

/// The layer, and how it is started again.
pub(super) struct Layer {
    handle: Option<Handle>,
    config: Config,
    egress: tipring_egress::Client,
    /// The only engines, where the scenario names them.
    engines: Option<Vec<Engine>>,
    /// The cache's disk has no room.
    full_disk: bool,
    /// Its workers have their hands full.
    occupied: Option<Occupied>,
    /// It was stopped, and is to be back then.
    back: Option<Micros>,
}

impl Layer {
    /// Starts it as the scenario wants it.
    pub(super) async fn start(
        scenario: &Scenario,
        mut config: Config,
        egress: tipring_egress::Client,
    ) -> Result<Layer, StartError> {
        if scenario.media_elsewhere {
            // Every address of this host: TLS, as for another one.
            config.media.listen = "0.0.0.0:0".into();
            config.media.key_file = config.this.state_dir.join("media.key").display().to_string();
            std::fs::write(&config.media.key_file, KEY)
                .map_err(|error| StartError { exit: 1, text: error.to_string() })?;
        }
        let sick = scenario.engine.map(|engine| vec![engine_that(engine)]);
        let engines = if scenario.voiceless { Some(Vec::new()) } else { sick };
        let full_disk = scenario.full_disk;
        let mut layer = Layer { handle: None, config, egress, engines, full_disk, occupied: None, back: None };
        if !scenario.without_media {
            layer.begin().await?;
        }
        Ok(layer)
    }

    async fn begin(&mut self) -> Result<(), StartError> {
        let usual = self.engines.is_none() && !self.full_disk;
        let handle =
            if usual { start_media(&self.config, self.egress.clone()).await? } else { self.start_with().await? };
        if let Some(address) = handle.network() {
            self.config.media.listen = address.to_string();
        }
        self.handle = Some(handle);
        Ok(())
    }

    /// Another one than the configuration's.
    async fn start_with(&self) -> Result<Handle, StartError> {
        let (socket, cache) =
            (self.config.this.runtime_dir.join("media.sock"), self.config.this.cache_dir.join("media"));
        let mut settings = tipring_media::Config::new(socket, cache, self.egress.clone());
        if let Some(engines) = &self.engines {
            settings.engines.clone_from(engines);
        }
        settings.limits.last_word = PATIENCE;
        if self.full_disk {
            settings.limits.reserve_bytes = u64::MAX;
        }
        let started = tipring_media::MediaService::start(settings).await;
        started.map_err(|error| StartError { exit: 1, text: format!("the media layer: {error}") })
    }

    /// Whoever asks it.
    pub(super) fn asking(&self) -> Result<MediaClient, StartError> {
        let mut config = self.config.clone();
        if let Some(address) = self.handle.as_ref().and_then(Handle::network) {
            config.media.face = format!("https://127.0.0.1:{}", address.port());
        }
        asking(&config)
    }

    /// What is declared for this moment.
    pub(super) async fn step(&mut self, faults: &Faults, now: Micros) -> Result<(), StartError> {
        let due = |at: Option<u64>| at.is_some_and(|at| now >= Micros::from_ms(at));
        if due(faults.media_busy_at_ms) && self.occupied.is_none() {
            self.occupied = self.handle.as_ref().map(Handle::occupy);
        }
        if due(faults.media_down_at_ms) && self.back.is_none() {
            self.back = Some(now + Micros::from_ms(faults.media_down_for_ms));
            if let Some(handle) = self.handle.take() {
                handle.shutdown().await;
            }
        }
        if self.handle.is_none() && self.back.is_some_and(|back| now >= back) {
            self.begin().await?;
        }
        Ok(())
    }

    /// Its end.
    pub(super) async fn shutdown(mut self) {
        drop(self.occupied.take());
        if let Some(handle) = self.handle.take() {
            handle.shutdown().await;
        }
    }
}

/// A speech engine that fails.
fn engine_that(fails: SickEngine) -> Engine {
    let script = match fails {
        SickEngine::Hangs => "exec sleep 600",
        SickEngine::Crashes => "kill -9 $$",
        SickEngine::Babbles => "exec yes",
    };
    Engine::Command(EngineCommand {
        name: "sick".into(),
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        voices: EngineVoice::parse("en woman w").into_iter().collect(),
        markup_arguments: Vec::new(),
        by_sentence: false,
        cage: Cage::usual(),
        spare: false,
    })
}

/// A scenario waits so long for an engine that hangs, by the wall's clock: its own time stands still. Those that fail at once
/// have the time to do so on a busy host.
const PATIENCE: Duration = Duration::from_secs(3);
/// The key of a scenario's two hosts.
const KEY: &str = "the key that both hosts of a scenario have in common\n";
