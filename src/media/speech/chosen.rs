//! One text spoken by the first engine that can: each has a time to begin, and who has begun speaks to the end. Where one
//! stands in for another, what it spoke is heard and not kept.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::command::Task;
use super::service::ask;
use super::{Ailing, Engine, fake, harmless};
use crate::convert::Piece;
use crate::fault::{MediaFault, SPEECH};
use crate::wire::Speech;

/// Where one text will be spoken: engines and their voices, the best first.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    voices: Vec<(Engine, String)>,
    ailing: Arc<Ailing>,
    now: SystemTime,
    stood_in: Arc<AtomicBool>,
}

/// How long engines have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// To the first sample, where another engine could speak.
    pub first: Duration,
    /// To the first sample, where none is left.
    pub last: Duration,
    /// To the last.
    pub all: Duration,
}

impl Chosen {
    pub(super) fn new(voices: Vec<(Engine, String)>, ailing: Arc<Ailing>, now: SystemTime) -> Self {
        Self { voices, ailing, now, stood_in: Arc::default() }
    }

    /// Engine and voice, for the cache key.
    pub fn name(&self) -> String {
        self.voices.first().map_or_else(String::new, |(engine, voice)| format!("{}/{voice}", engine.name()))
    }

    /// Who speaks in its place, under a name of its own, because it failed just now; `None`: it is well, or all failed.
    pub fn instead(&self) -> Option<Self> {
        let ails = |it: &(Engine, String)| self.ailing.is(it.0.name(), self.now);
        let mut voices = self.voices.clone();
        voices.sort_by_key(ails);
        let other = !voices.first().is_none_or(ails) && self.voices.first().is_some_and(ails);
        other.then(|| Self::new(voices, Arc::clone(&self.ailing), self.now))
    }

    /// Set once another engine has spoken than the one of the name.
    pub fn stood_in(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stood_in)
    }

    /// Speaks into the queue. If no engine can, the fault of the first one goes into it.
    pub async fn speak(
        self,
        speech: &Speech,
        pieces: &mpsc::Sender<Piece>,
        patience: Patience,
        scratch: &Path,
        egress: &tipring_egress::Client,
    ) {
        let mut first = None;
        for (at, (engine, voice)) in self.voices.iter().take(MAX_ENGINES).enumerate() {
            let mouth = Mouth { pieces, begun: AtomicBool::new(false) };
            let last = at + 1 == self.voices.len().min(MAX_ENGINES);
            let spoken = spoken(engine, voice, speech, &mouth, scratch, egress);
            let fault = match within(spoken, &mouth, patience, last, engine.name()).await {
                Ok(()) => {
                    let _ = pieces.send(Piece::End).await;
                    return;
                }
                Err(fault) => fault,
            };
            if pieces.is_closed() {
                return;
            }
            self.ailing.note(engine.name(), self.now);
            if mouth.has_begun() {
                let _ = pieces.send(Piece::Broken(fault)).await;
                return;
            }
            if !last {
                tracing::warn!(%fault, "a speech engine failed; the next one speaks");
                self.stood_in.store(true, Ordering::Release);
            }
            first.get_or_insert(fault);
        }
        let none = || MediaFault::new(SPEECH, "Say: there is no speech engine");
        let _ = pieces.send(Piece::Broken(first.unwrap_or_else(none))).await;
    }
}

/// Waits for an engine: for its first sample less long where another one may take over.
async fn within(
    spoken: impl Future<Output = Result<(), MediaFault>>,
    mouth: &Mouth<'_>,
    patience: Patience,
    last: bool,
    name: &str,
) -> Result<(), MediaFault> {
    tokio::pin!(spoken);
    let late = |limit: Duration| {
        let text = format!("Say: {name} took more than {} s", limit.as_secs_f32());
        Err(MediaFault::new(SPEECH, text))
    };
    let first = if last { patience.last } else { patience.first };
    if first < patience.all {
        match tokio::time::timeout(first, &mut spoken).await {
            Ok(done) => return done,
            Err(_) if !mouth.has_begun() => return late(first),
            Err(_) => {}
        }
    }
    tokio::time::timeout(patience.all, &mut spoken).await.unwrap_or_else(|_| late(patience.all))
}

async fn spoken(
    engine: &Engine,
    voice: &str,
    speech: &Speech,
    mouth: &Mouth<'_>,
    scratch: &Path,
    egress: &tipring_egress::Client,
) -> Result<(), MediaFault> {
    match engine {
        Engine::Fake => fake(&harmless(&speech.text), voice, speech.speed, mouth.pieces).await,
        Engine::Command(command) => Task { command, voice, speech, mouth, scratch }.speak_all().await,
        Engine::Url(service) => ask(service, voice, speech, mouth, egress).await,
    }
}

/// Where an engine speaks to; it is known whether it has begun.
pub(super) struct Mouth<'a> {
    pub pieces: &'a mpsc::Sender<Piece>,
    pub begun: AtomicBool,
}

impl Mouth<'_> {
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// Passes samples on.
    pub async fn say(&self, samples: Bytes) -> Result<(), &'static str> {
        if samples.is_empty() {
            return Ok(());
        }
        self.begun.store(true, Ordering::Release);
        self.pieces.send(Piece::Data(samples)).await.map_err(|_| "nobody listens any more")
    }
}

/// Engines that are tried for one text.
const MAX_ENGINES: usize = 4;
