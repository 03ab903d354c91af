//! One answer: from the cache, from a medium that is just growing, or from a new flight to its origin or its engine.
//!
//! One flight a key: who asks while it is under way reads along. What must not be kept is never shared either; each
//! asker gets a flight alone. Nobody waits for a flight's end but the flight itself.

mod making;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use tokio::sync::{Semaphore, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, Cached, Shared};
use crate::cache::{Cache, Found, key_of};
use crate::coming::Coming;
use crate::config::{Config, LEVEL_DB};
use crate::counters::{Tally, count};
use crate::decoders::Decoders;
use crate::depot::Depot;
use crate::desk::{Forms, Jobs, Phrases, Plans};
use crate::fault::{FETCH, MediaFault, TOO_LARGE};
use crate::flights::{Flight, Flights, Place, Role, Stage, Voice};
use crate::late::Silent;
use crate::listen::Recognizer;
use crate::neighbours::Neighbours;
use crate::origin;
use crate::rules::Rules;
use crate::speech::{Ailing, Chosen, Engine, choose};
use crate::wire::{Ask, Form, From, NO_ACCOUNT, Start};
use crate::workers::{SOUND_STEPS, SPEECH_STEPS, Workers};

pub(crate) struct Service {
    pub config: Config,
    pub cache: Arc<Cache>,
    pub depot: Option<Arc<Depot>>,
    /// Layers that are asked before an origin is.
    pub neighbours: Neighbours,
    pub tally: Arc<Tally>,
    pub stop: CancellationToken,
    engines: Vec<Engine>,
    /// Engines that failed just now.
    ailing: Arc<Ailing>,
    pub decoders: Arc<Decoders>,
    pub recognizers: Vec<Recognizer>,
    pub recognitions: Arc<Semaphore>,
    pub flights: Arc<Flights>,
    /// Origins that let a check wait in vain.
    pub silent: Silent,
    pub sounds: Workers,
    pub speech: Workers,
    pub jobs: Jobs,
    pub plans: Plans,
    pub phrases: Phrases,
    pub forms: Forms,
}

/// An original that is about to be converted.
struct Source {
    status: u16,
    declared: String,
    headers: Vec<(String, String)>,
    rules: Rules,
    keep: bool,
    endless: bool,
    feed: Feed,
}

enum Feed {
    Origin(Box<tipring_egress::Response>),
    Engine(Chosen),
    File(std::path::PathBuf),
}

impl Feed {
    /// Set once another voice has spoken than the one of the name.
    fn stood_in(&self) -> Arc<AtomicBool> {
        match self {
            Self::Engine(voice) => voice.stood_in(),
            Self::Origin(_) | Self::File(_) => Arc::default(),
        }
    }
}

/// What a flight found instead of a new original.
enum Outcome {
    Convert(Box<Source>),
    /// A stored entry, and how it was found.
    Stored(Shared, Cached),
    /// An entry that comes from the shared store.
    Brought(Box<Coming>),
}

impl Service {
    pub fn new(
        config: Config,
        cache: Arc<Cache>,
        depot: Option<Arc<Depot>>,
        tally: Arc<Tally>,
        stop: CancellationToken,
    ) -> Self {
        let (engines, absent): (Vec<_>, Vec<_>) = config.engines.iter().cloned().partition(Engine::installed);
        for engine in absent {
            tracing::info!(engine = engine.name(), "speech engine is not installed");
        }
        let (recognizers, absent): (Vec<_>, Vec<_>) =
            config.recognizers.iter().cloned().partition(Recognizer::installed);
        for recognizer in absent {
            tracing::info!(recognizer = recognizer.name(), "recognizer is not installed");
        }
        // Said once in the log, before the first child.
        crate::child::unguarded();
        let limits = &config.limits;
        let workers = |name, limit, steps| Workers::new(name, limit, steps, limits, Arc::clone(&config.clock));
        let decoders = Decoders::new(&config.decoders, &config.transcoder, config.own_decoder.as_ref());
        Self {
            jobs: Jobs::default(),
            plans: Plans::open(&config.state_dir, config.zone.clone()),
            forms: Forms::open(&config.state_dir),
            phrases: Phrases::open(&config.state_dir, config.phrase_threshold),
            decoders: Arc::new(decoders),
            recognizers,
            recognitions: Arc::new(Semaphore::new(config.limits.recognitions)),
            sounds: workers("media-sound", limits.sound_workers, SOUND_STEPS),
            speech: workers("media-speech", limits.speech_workers, SPEECH_STEPS),
            engines,
            ailing: Arc::default(),
            neighbours: Neighbours::new(&config.ask_first),
            config,
            cache,
            tally,
            stop,
            depot,
            flights: Arc::default(),
            silent: Silent::default(),
        }
    }

    /// Lets workers go who have nothing to do.
    pub fn relieve(&self) {
        self.sounds.relieve();
        self.speech.relieve();
    }

    /// Nothing new is begun; what is under way is cut.
    pub fn end(&self) {
        self.stop.cancel();
        self.sounds.stop();
        self.speech.stop();
    }

    /// Answers one request.
    pub async fn answer(self: &Arc<Self>, ask: Ask) -> Result<Answer, MediaFault> {
        let start = ask.start;
        let mut answer = self.begun(ask).await?;
        if start == Start::Whole {
            answer.body.whole(WHOLE_OCTETS).await?;
        }
        Ok(answer)
    }

    /// The name under which an answer is kept, and what speaks it if it is a text.
    pub fn key(&self, ask: &Ask) -> Result<(String, Option<Voice>), MediaFault> {
        let voice = match &ask.from {
            From::Speech(speech) => {
                // An account's own recording, else the box's.
                let recorded = self.phrases.recorded(&ask.account, speech);
                Some(match recorded.or_else(|| self.phrases.recorded(NO_ACCOUNT, speech)) {
                    Some((path, recording)) => Voice::Recorded(path, recording),
                    None => Voice::Engine(choose(&self.engines, speech, &self.ailing, self.now())?),
                })
            }
            From::Origin(_) => None,
        };
        Ok((self.key_for(ask, voice.as_ref()), voice))
    }

    fn key_for(&self, ask: &Ask, voice: Option<&Voice>) -> String {
        let preset = match voice {
            Some(Voice::Engine(voice)) => format!("{} {}", ask.form.name(), voice.name()),
            Some(Voice::Recorded(_, recording)) => format!("{} recorded/{}", ask.form.name(), recording.sha256),
            None => ask.form.name(),
        };
        // What was made for another level is another entry.
        let level = self.config.level_db;
        let preset = if level == LEVEL_DB { preset } else { format!("{preset} {level} dB") };
        key_of(&ask.account, &ask.uri(), &preset)
    }

    /// What speaks in place of an engine that ails, under another name; `None`: nothing does.
    pub fn instead(&self, ask: &Ask, voice: Option<&Voice>) -> Option<(String, Voice)> {
        let Some(Voice::Engine(chosen)) = voice else { return None };
        let voice = Voice::Engine(chosen.instead()?);
        Some((self.key_for(ask, Some(&voice)), voice))
    }

    /// What the box itself was told to bring in is there for all its accounts, and stays the box's when it is checked.
    async fn the_boxs(&self, ask: &Ask) -> Option<Ask> {
        let ask = as_the_box(ask)?;
        let (key, _) = self.key(&ask).ok()?;
        match self.find(&key, &ask).await.ok()? {
            Found::Nothing => None,
            Found::Fresh(..) | Found::Stale(..) => Some(ask),
        }
    }

    /// The same as the box's own, under its key, spoken by the same voice; `None`: it is, or there is no such thing.
    pub fn as_the_boxs(&self, ask: &Ask, voice: Option<&Voice>) -> Option<(String, Ask)> {
        let ask = as_the_box(ask)?;
        Some((self.key_for(&ask, voice), ask))
    }

    /// An answer whose first sound is there.
    async fn begun(self: &Arc<Self>, ask: Ask) -> Result<Answer, MediaFault> {
        let (mut key, mut voice) = self.key(&ask)?;
        let mut found = if ask.private { Found::Nothing } else { self.find(&key, &ask).await? };
        if matches!(found, Found::Nothing)
            && let Some((other, instead)) = self.instead(&ask, voice.as_ref())
        {
            (key, voice) = (other, Some(instead));
            if !ask.private {
                found = self.find(&key, &ask).await?;
            }
        }
        if ask.private {
            return self.launch(key, ask, voice, None).await;
        }
        match found {
            Found::Fresh(entry, spool) if !ask.recheck => {
                count(&self.tally.hits);
                return Ok(Shared::stored(entry, spool).answer(&ask, Cached::Hit));
            }
            Found::Nothing => {
                if let Some(ask) = self.the_boxs(&ask).await {
                    return Box::pin(self.begun(ask)).await;
                }
            }
            Found::Fresh(..) | Found::Stale(..) => {}
        }
        match self.flights.enter(&key) {
            Role::Lead(place) => self.launch(key, ask, voice, Some(place)).await,
            Role::Join(stage) => match self.join(stage, &ask).await {
                Some(answer) => answer,
                None => self.launch(key, ask, voice, None).await,
            },
        }
    }

    /// Whether anybody else may have what is not on the disk.
    fn has_others(&self) -> bool {
        self.depot.is_some() || !self.neighbours.is_empty()
    }

    /// Reads along with a flight; `None` if it must not be shared.
    async fn join(&self, mut stage: watch::Receiver<Stage>, ask: &Ask) -> Option<Result<Answer, MediaFault>> {
        let now = stage.wait_for(|it| !matches!(it, Stage::Pending)).await.map(|it| it.clone());
        match now {
            Ok(Stage::Begun(shared)) => {
                count(&self.tally.hits);
                Some(Ok(shared.answer(ask, Cached::Hit)))
            }
            Ok(Stage::Failed(fault)) => Some(Err(fault)),
            Ok(Stage::Alone) => None,
            Ok(Stage::Pending) | Err(_) => Some(Err(stopped())),
        }
    }

    /// Starts a flight and waits for its first sound. Whether the asker waits or not, it goes on by itself.
    async fn launch(
        self: &Arc<Self>,
        key: String,
        ask: Ask,
        voice: Option<Voice>,
        place: Option<Place>,
    ) -> Result<Answer, MediaFault> {
        let (lead, answer) = oneshot::channel();
        let flight = Flight { key, ask, began: self.now(), voice, place, lead: Some(lead), stale: None, lease: None };
        let (service, under_way) = (Arc::clone(self), self.flights.started());
        tokio::spawn(async move {
            let _under_way = under_way;
            service.fly(flight).await;
        });
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    async fn fly(self: &Arc<Self>, mut flight: Flight) {
        match self.outcome(&mut flight).await {
            Ok(Outcome::Stored(shared, cached)) => {
                let shared = Arc::new(shared);
                flight.publish(Stage::Begun(Arc::clone(&shared)));
                let answer = shared.answer(&flight.ask, cached);
                flight.answer(Ok(answer));
            }
            Ok(Outcome::Convert(source)) => self.convert(flight, *source).await,
            Ok(Outcome::Brought(coming)) => self.brought(flight, *coming).await,
            Err(fault) => flight.failed(fault),
        }
    }

    async fn outcome(self: &Arc<Self>, flight: &mut Flight) -> Result<Outcome, MediaFault> {
        let mut checks = Vec::new();
        if flight.place.is_some() {
            let mut found = self.find(&flight.key, &flight.ask).await?;
            if matches!(found, Found::Nothing) && !flight.ask.recheck && self.has_others() {
                if let Some(coming) = self.coming(flight).await? {
                    return Ok(Outcome::Brought(Box::new(coming)));
                }
                found = self.find(&flight.key, &flight.ask).await?;
            }
            match found {
                // Another flight has just landed.
                Found::Fresh(entry, spool) if !flight.ask.recheck => {
                    count(&self.tally.hits);
                    return Ok(Outcome::Stored(Shared::stored(entry, spool), Cached::Hit));
                }
                Found::Fresh(entry, _) => {
                    checks = entry.rules.checks();
                    flight.stale = Some(entry);
                }
                Found::Stale(entry, headers) => {
                    checks = headers;
                    flight.stale = Some(entry);
                }
                Found::Nothing => {}
            }
        }
        match flight.voice.take() {
            Some(voice) => Ok(Outcome::Convert(Box::new(self.spoken(flight, voice)))),
            None => self.fetched(flight, checks).await,
        }
    }

    fn spoken(&self, flight: &Flight, voice: Voice) -> Source {
        let (declared, feed) = match voice {
            Voice::Engine(chosen) => {
                count(&self.tally.synthesized);
                ("audio/wav".to_owned(), Feed::Engine(chosen))
            }
            Voice::Recorded(path, recording) => {
                count(&self.tally.recorded);
                (recording.content_type, Feed::File(path))
            }
        };
        Source {
            status: 200,
            declared,
            headers: Vec::new(),
            rules: Rules::speech(self.now()),
            keep: flight.place.is_some(),
            endless: false,
            feed,
        }
    }

    async fn fetched(self: &Arc<Self>, flight: &Flight, checks: Vec<(String, String)>) -> Result<Outcome, MediaFault> {
        let checked = !checks.is_empty();
        // A document is its application's own word, and worth a wait.
        let hurries = !flight.ask.recheck && flight.ask.form != Form::AsIs;
        let stands_in = flight.stale.as_ref().filter(|it| hurries && it.rules.may_serve_stale());
        let fetched = match stands_in {
            Some(stale) => self.fetch_soon(flight, stale, checks).await,
            None => self.fetch(&flight.ask, checks).await,
        };
        let original = match fetched {
            Ok(it) => it,
            Err(fault) => return self.stale_or(flight, fault).await,
        };
        let (status, uri) = (original.response.status, flight.ask.uri());
        if let (304, true, Some(stale)) = (status, checked, &flight.stale) {
            let confirmed = stale.rules.confirmed(&uri, status, &original.response.headers, self.now());
            if let (Some(rules), Ok(spool)) = (confirmed, self.cache.open_body(&flight.key, stale)) {
                self.confirm(&flight.key, &flight.ask, rules).await?;
                return Ok(Outcome::Stored(Shared::stored(stale.clone(), spool), Cached::Revalidated));
            }
            // It speaks of something else, or the body is gone: once more, without a condition.
            let original = self.fetch(&flight.ask, Vec::new()).await?;
            return self.judged(flight, original).await;
        }
        self.judged(flight, original).await
    }

    pub async fn fetch(&self, ask: &Ask, checks: Vec<(String, String)>) -> Result<origin::Original, MediaFault> {
        let From::Origin(url) = &ask.from else { return Err(stopped()) };
        let mut headers = match ask.form {
            Form::AsIs => ask.headers.clone(),
            Form::Audio(..) => vec![("accept".to_owned(), "audio/*, */*;q=0.1".to_owned())],
        };
        headers.extend(checks);
        count(&self.tally.fetches);
        let follow = ask.form != Form::AsIs;
        let within = (follow, ask.within.as_ref());
        let fetch = origin::fetch(&self.config.egress, url, &headers, self.largest(ask), within);
        tokio::select! {
            original = fetch => original,
            () = self.stop.cancelled() => Err(stopped()),
        }
    }

    /// Octets of its original at most.
    fn largest(&self, ask: &Ask) -> usize {
        let wanted = ask.largest.and_then(|it| usize::try_from(it).ok()).unwrap_or(usize::MAX);
        wanted.min(self.config.limits.original_bytes)
    }

    /// What an origin's answer is good for.
    async fn judged(&self, flight: &Flight, original: origin::Original) -> Result<Outcome, MediaFault> {
        let response = original.response;
        let as_is = flight.ask.form == Form::AsIs;
        if !as_is && !matches!(response.status, 200 | 203) {
            let fault = MediaFault::new(FETCH, format!("{}: the server answered {}", response.url, response.status));
            if response.status >= 500 {
                return self.stale_or(flight, fault).await;
            }
            if matches!(response.status, 404 | 410) {
                self.forget(&flight.key);
            }
            return Err(fault);
        }
        let declared_length = response.header("content-length").and_then(|it| it.parse::<u64>().ok());
        let limit = self.largest(&flight.ask) as u64;
        if let Some(length) = declared_length.filter(|it| *it > limit) {
            let text = format!("{}: {length} octets; at most {limit} are fetched", response.url);
            return Err(MediaFault::new(TOO_LARGE, text));
        }
        let From::Origin(url) = &flight.ask.from else { return Err(stopped()) };
        let unsaid = (!as_is).then_some(self.config.limits.unsaid_fresh);
        let rules = Rules::new(url, response.status, &response.headers, self.now(), unsaid);
        let uri = flight.ask.uri();
        let useful = rules.can_be_checked() || rules.fresh_until_ms(&uri) > rules.date_ms;
        let varies = response.headers_named("vary").any(|it| !it.trim().eq_ignore_ascii_case("accept-encoding"));
        let personal = as_is && (response.status != 200 || varies || response.header("set-cookie").is_some());
        // A radio station has no end.
        let live = response.headers.iter().any(|(name, _)| name.starts_with("icy-"));
        let keep =
            flight.place.is_some() && !original.forbidden && !live && !personal && useful && rules.storable(&uri);
        Ok(Outcome::Convert(Box::new(Source {
            status: response.status,
            declared: response.header("content-type").unwrap_or_default().to_owned(),
            headers: if as_is { passed_on(&response.headers) } else { Vec::new() },
            rules,
            keep,
            endless: declared_length.is_none(),
            feed: Feed::Origin(Box::new(response)),
        })))
    }

    pub async fn confirm(&self, key: &str, ask: &Ask, rules: Rules) -> Result<(), MediaFault> {
        let (cache, told, key, uri) = (Arc::clone(&self.cache), key, key.to_owned(), ask.uri());
        let written = tokio::task::spawn_blocking(move || cache.confirm(&key, rules, &uri)).await;
        count(&self.tally.revalidations);
        if let Some(depot) = &self.depot {
            depot.confirm(told);
        }
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a confirmed cache entry could not be written; it is checked again");
                Ok(())
            }
            Err(_) => Err(stopped()),
        }
    }

    /// The stale entry, if there is one that may be used while its origin fails; else the fault.
    async fn stale_or(&self, flight: &Flight, fault: MediaFault) -> Result<Outcome, MediaFault> {
        let Some(stale) = flight.stale.as_ref().filter(|it| it.rules.may_serve_stale()) else { return Err(fault) };
        let Ok(spool) = self.cache.open_body(&flight.key, stale) else { return Err(fault) };
        tracing::warn!(%fault, "a stale medium is used");
        count(&self.tally.stale_used);
        count(&self.tally.hits);
        let shared = Shared { stale: true, ..Shared::stored(stale.clone(), spool) };
        Ok(Outcome::Stored(shared, Cached::Hit))
    }

    pub async fn find(&self, key: &str, ask: &Ask) -> Result<Found, MediaFault> {
        let (cache, key, uri, now) = (Arc::clone(&self.cache), key.to_owned(), ask.uri(), self.now());
        tokio::task::spawn_blocking(move || cache.find(&key, &uri, now)).await.map_err(|_| stopped())
    }

    pub fn now(&self) -> SystemTime {
        (self.config.clock)()
    }
}

/// End-to-end headers of a document.
fn passed_on(headers: &[(String, String)]) -> Vec<(String, String)> {
    let own =
        ["connection", "content-length", "content-type", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];
    headers.iter().filter(|(name, _)| !own.contains(&name.as_str())).cloned().collect()
}

/// The same asked for by the box itself; `None`: it is, or it is a document, which is its account's own.
fn as_the_box(ask: &Ask) -> Option<Ask> {
    let other = ask.account != NO_ACCOUNT && ask.form != Form::AsIs;
    other.then(|| Ask { account: NO_ACCOUNT.to_owned(), ..ask.clone() })
}

pub(crate) fn stopped() -> MediaFault {
    MediaFault::new(FETCH, "the media layer was stopped")
}

/// What is not kept and is asked for as a whole waits in memory: seventeen minutes of telephone sound. What is longer begins then.
const WHOLE_OCTETS: usize = 8 << 20;
