//! One answer: from the cache, from a medium that is just growing, or from a new flight to its origin or its engine.
//!
//! One flight a key: who asks while it is under way reads along. What must not be kept is never shared either; each
//! asker gets a flight alone. Nobody waits for a flight's end but the flight itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::cache::{Cache, Draft, Entry, Found, key_of};
use crate::config::Config;
use crate::convert::{Begun, Job, Piece, Sink};
use crate::counters::{Tally, count};
use crate::fault::{FETCH, MediaFault, TOO_LARGE};
use crate::origin;
use crate::rules::Rules;
use crate::speech::{Chosen, Engine, choose};
use crate::spool::{Spool, SpoolReader};
use crate::wire::{Ask, Form, From};

/// How an answer came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cached {
    /// Nothing was fetched or made for it.
    Hit,
    /// Fetched or made just now.
    Miss,
    /// Stored, and confirmed by its origin just now.
    Revalidated,
}

impl Cached {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Revalidated => "revalidated",
        }
    }
}

/// An answer whose body begins.
pub(crate) struct Answer {
    pub status: u16,
    pub cached: Cached,
    /// It is stale: its origin could not be asked.
    pub stale: bool,
    pub content_type: String,
    pub original_type: String,
    /// Further headers of a document.
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

/// Where the octets come from.
pub(crate) enum Body {
    Spool(SpoolReader),
    Direct(mpsc::Receiver<Result<Bytes, MediaFault>>),
}

impl Body {
    pub async fn next(&mut self) -> Option<Result<Bytes, MediaFault>> {
        match self {
            Self::Spool(reader) => reader.next().await,
            Self::Direct(pieces) => pieces.recv().await,
        }
    }
}

pub(crate) struct Service {
    pub config: Config,
    pub cache: Arc<Cache>,
    pub tally: Arc<Tally>,
    pub stop: CancellationToken,
    engines: Vec<Engine>,
    flights: Mutex<HashMap<String, watch::Receiver<Stage>>>,
    under_way: watch::Sender<usize>,
    conversions: Arc<Semaphore>,
}

/// How far a shared flight is.
#[derive(Clone)]
enum Stage {
    Pending,
    Begun(Arc<Shared>),
    /// It must not be shared.
    Alone,
    Failed(MediaFault),
}

/// What readers of a shared flight need.
struct Shared {
    status: u16,
    begun: Begun,
    headers: Vec<(String, String)>,
    spool: Spool,
}

/// One trip for a medium.
struct Flight {
    key: String,
    ask: Ask,
    voice: Option<Chosen>,
    /// `None`: alone.
    stage: Option<watch::Sender<Stage>>,
    lead: Option<oneshot::Sender<Result<Answer, MediaFault>>>,
    stale: Option<Entry>,
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
}

/// What a flight found instead of a new original.
enum Outcome {
    Convert(Box<Source>),
    Answered(Answer),
}

impl Service {
    pub fn new(config: Config, cache: Cache, tally: Arc<Tally>) -> Self {
        let (engines, absent): (Vec<_>, Vec<_>) = config.engines.iter().cloned().partition(Engine::installed);
        for engine in absent {
            tracing::info!(?engine, "speech engine is not installed");
        }
        Self {
            conversions: Arc::new(Semaphore::new(config.limits.conversions)),
            engines,
            config,
            cache: Arc::new(cache),
            tally,
            stop: CancellationToken::new(),
            flights: Mutex::default(),
            under_way: watch::channel(0).0,
        }
    }

    /// Answers one request.
    pub async fn answer(self: &Arc<Self>, ask: Ask) -> Result<Answer, MediaFault> {
        let voice = match &ask.from {
            From::Speech(speech) => Some(choose(&self.engines, speech)?),
            From::Origin(_) => None,
        };
        let preset = match &voice {
            Some(voice) => format!("{} {}", ask.form.name(), voice.name()),
            None => ask.form.name(),
        };
        let key = key_of(&ask.account, &ask.uri(), &preset);
        if ask.private {
            return self.alone(key, ask, voice).await;
        }
        if !ask.recheck
            && let Found::Fresh(entry, spool) = self.find(&key, &ask).await? {
                return Ok(self.hit(&ask, &entry, &spool));
            }
        match self.join_or_lead(&key, &ask, &voice) {
            Role::Lead(answer) => answer.await.unwrap_or_else(|_| Err(stopped())),
            Role::Join(stage) => match self.join(stage, &ask).await {
                Some(answer) => answer,
                None => self.alone(key, ask, voice).await,
            },
        }
    }

    /// Waits until nothing is under way.
    pub async fn idle(&self) {
        let _ = self.under_way.subscribe().wait_for(|it| *it == 0).await;
    }

    /// Flights under way.
    pub fn flights(&self) -> usize {
        *self.under_way.borrow()
    }

    fn join_or_lead(self: &Arc<Self>, key: &str, ask: &Ask, voice: &Option<Chosen>) -> Role {
        let mut flights = self.flying();
        if let Some(stage) = flights.get(key) {
            return Role::Join(stage.clone());
        }
        let (stage, seen) = watch::channel(Stage::Pending);
        let (lead, answer) = oneshot::channel();
        flights.insert(key.to_owned(), seen);
        let flight = Flight {
            key: key.to_owned(),
            ask: ask.clone(),
            voice: voice.clone(),
            stage: Some(stage),
            lead: Some(lead),
            stale: None,
        };
        self.launch(flight);
        Role::Lead(answer)
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

    async fn alone(self: &Arc<Self>, key: String, ask: Ask, voice: Option<Chosen>) -> Result<Answer, MediaFault> {
        let (lead, answer) = oneshot::channel();
        self.launch(Flight { key, ask, voice, stage: None, lead: Some(lead), stale: None });
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    fn launch(self: &Arc<Self>, flight: Flight) {
        let service = Arc::clone(self);
        self.under_way.send_modify(|it| *it += 1);
        tokio::spawn(async move {
            let key = flight.stage.is_some().then(|| flight.key.clone());
            // Also when the flight is dropped or panics, its key is free again.
            let _landing = Landing { service: Arc::clone(&service), key };
            service.fly(flight).await;
        });
    }

    async fn fly(self: &Arc<Self>, mut flight: Flight) {
        let outcome = match self.outcome(&mut flight).await {
            Ok(outcome) => outcome,
            Err(fault) => return self.failed(&mut flight, fault),
        };
        match outcome {
            Outcome::Answered(answer) => {
                // Who joined meanwhile finds the entry by itself.
                self.land(&flight);
                flight.publish(Stage::Alone);
                flight.answer(Ok(answer));
            }
            Outcome::Convert(source) => self.convert(flight, *source).await,
        }
    }

    async fn outcome(&self, flight: &mut Flight) -> Result<Outcome, MediaFault> {
        let mut checks = Vec::new();
        if flight.stage.is_some() {
            match self.find(&flight.key, &flight.ask).await? {
                // Another flight has just landed.
                Found::Fresh(entry, spool) if !flight.ask.recheck => {
                    return Ok(Outcome::Answered(self.hit(&flight.ask, &entry, &spool)));
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

    fn spoken(&self, flight: &Flight, voice: Chosen) -> Source {
        count(&self.tally.synthesized);
        Source {
            status: 200,
            declared: "audio/wav".to_owned(),
            headers: Vec::new(),
            rules: Rules::speech(self.now()),
            keep: flight.stage.is_some(),
            endless: false,
            feed: Feed::Engine(voice),
        }
    }

    async fn fetched(&self, flight: &Flight, checks: Vec<(String, String)>) -> Result<Outcome, MediaFault> {
        let checked = !checks.is_empty();
        let original = match self.fetch(flight, checks).await {
            Ok(it) => it,
            Err(fault) => return self.stale_or(flight, fault).await,
        };
        let (status, uri) = (original.response.status, flight.ask.uri());
        if let (304, true, Some(stale)) = (status, checked, &flight.stale) {
            let confirmed = stale.rules.confirmed(&uri, status, &original.response.headers, self.now());
            if let (Some(rules), Ok(spool)) = (confirmed, self.cache.open_body(&flight.key, stale)) {
                return self.revalidated(flight, stale, rules, &spool).await.map(Outcome::Answered);
            }
            // It speaks of something else, or the body is gone: once more, without a condition.
            let original = self.fetch(flight, Vec::new()).await?;
            return self.judged(flight, original).await;
        }
        self.judged(flight, original).await
    }

    async fn fetch(&self, flight: &Flight, checks: Vec<(String, String)>) -> Result<origin::Original, MediaFault> {
        let From::Origin(url) = &flight.ask.from else { return Err(stopped()) };
        let mut headers = match flight.ask.form {
            Form::AsIs => flight.ask.headers.clone(),
            Form::Audio(..) => vec![("accept".to_owned(), "audio/*, */*;q=0.1".to_owned())],
        };
        headers.extend(checks);
        count(&self.tally.fetches);
        let follow = flight.ask.form != Form::AsIs;
        let fetch = origin::fetch(&self.config.egress, url, &headers, self.config.limits.original_bytes, follow);
        tokio::select! {
            original = fetch => original,
            () = self.stop.cancelled() => Err(stopped()),
        }
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
                self.cache.remove(&flight.key);
            }
            return Err(fault);
        }
        let declared_length = response.header("content-length").and_then(|it| it.parse::<u64>().ok());
        let limit = self.config.limits.original_bytes as u64;
        if let Some(length) = declared_length.filter(|it| *it > limit) {
            let text = format!("{}: {length} octets; at most {limit} are fetched", response.url);
            return Err(MediaFault::new(TOO_LARGE, text));
        }
        let From::Origin(url) = &flight.ask.from else { return Err(stopped()) };
        let unsaid = (!as_is).then_some(self.config.limits.unsaid_fresh);
        let rules = Rules::new(url, response.status, &response.headers, self.now(), unsaid);
        let uri = flight.ask.uri();
        let useful = rules.can_be_checked() || rules.fresh_until_ms(&uri) > rules.date_ms;
        let personal = as_is && (response.status != 200 || response.header("set-cookie").is_some());
        // A radio station has no end.
        let live = response.headers.iter().any(|(name, _)| name.starts_with("icy-"));
        let keep =
            flight.stage.is_some() && !original.forbidden && !live && !personal && useful && rules.storable(&uri);
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

    async fn revalidated(
        &self,
        flight: &Flight,
        stale: &Entry,
        rules: Rules,
        spool: &Spool,
    ) -> Result<Answer, MediaFault> {
        count(&self.tally.revalidations);
        let answer = Answer { cached: Cached::Revalidated, ..entry_answer(&flight.ask, stale, spool) };
        let (cache, key, uri) = (Arc::clone(&self.cache), flight.key.clone(), flight.ask.uri());
        match tokio::task::spawn_blocking(move || cache.confirm(&key, rules, &uri)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "a confirmed cache entry could not be written; it is checked again")
            }
            Err(_) => return Err(stopped()),
        }
        Ok(answer)
    }

    /// The stale entry, if there is one that may be used while its origin fails; else the fault.
    async fn stale_or(&self, flight: &Flight, fault: MediaFault) -> Result<Outcome, MediaFault> {
        let Some(stale) = flight.stale.as_ref().filter(|it| it.rules.may_serve_stale()) else { return Err(fault) };
        let Ok(spool) = self.cache.open_body(&flight.key, stale) else { return Err(fault) };
        tracing::warn!(%fault, "a stale medium is used");
        count(&self.tally.stale_used);
        count(&self.tally.hits);
        let answer = entry_answer(&flight.ask, stale, &spool);
        Ok(Outcome::Answered(Answer { cached: Cached::Hit, stale: true, ..answer }))
    }

    async fn convert(self: &Arc<Self>, mut flight: Flight, source: Source) {
        let Ok(permit) = Arc::clone(&self.conversions).try_acquire_owned() else {
            let text = format!("the media layer converts {} media at once already", self.config.limits.conversions);
            return self.failed(&mut flight, MediaFault::new(FETCH, text));
        };
        if !source.keep {
            flight.publish(Stage::Alone);
            self.land(&flight);
        }
        let scratch = self.cache.temporary(self.now());
        let (sink, ear) = match self.sink(&source, &scratch) {
            Ok(it) => it,
            Err(error) => return self.failed(&mut flight, MediaFault::local("making a cache file", &error)),
        };
        let (feed, pieces) = mpsc::channel(PIECES);
        self.feed(&flight.ask, source.feed, feed, scratch);
        let (begun, first_sound) = oneshot::channel();
        let seconds = self.config.limits.audio.as_secs();
        let max_octets = match flight.ask.form {
            Form::AsIs => self.config.limits.original_bytes as u64,
            Form::Audio(preset, _) => preset.octets_per_second() * seconds,
        };
        let job = Job {
            pieces,
            declared: source.declared,
            form: flight.ask.form,
            max_octets,
            begun: Some(begun),
            tally: Arc::clone(&self.tally),
        };
        let job = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            job.run(sink)
        });
        let begun = match first_sound.await.unwrap_or_else(|_| Err(stopped())) {
            Ok(begun) => begun,
            Err(fault) => {
                if let Ok((Sink::Spool { writer, .. }, _)) = job.await {
                    writer.broken(fault.clone());
                }
                return self.failed(&mut flight, fault);
            }
        };
        count(&self.tally.misses);
        let kind = (begun.content_type.clone(), begun.original_type.clone());
        flight.begin(source.status, begun, source.headers, ear);
        if let Ok((sink, result)) = job.await {
            self.finish(&flight, sink, result, source.rules, kind).await;
        }
    }

    fn sink(&self, source: &Source, scratch: &std::path::Path) -> std::io::Result<(Sink, Ear)> {
        if source.keep {
            let (writer, spool) = Spool::create(&scratch.with_extension("body"))?;
            return Ok((Sink::Spool { writer, endless: source.endless }, Ear::Spool(spool)));
        }
        let (sender, receiver) = mpsc::channel(PIECES);
        Ok((Sink::Direct(sender), Ear::Direct(receiver)))
    }

    fn feed(self: &Arc<Self>, ask: &Ask, feed: Feed, pieces: mpsc::Sender<Piece>, scratch: std::path::PathBuf) {
        let service = Arc::clone(self);
        let from = ask.from.clone();
        tokio::spawn(async move {
            let work = async {
                match (feed, &from) {
                    (Feed::Origin(response), _) => origin::pump(*response, pieces.clone()).await,
                    (Feed::Engine(voice), From::Speech(speech)) => {
                        let scratch = scratch.with_extension("wav");
                        voice.speak(speech, &pieces, service.config.limits.synthesis, &scratch).await;
                    }
                    (Feed::Engine(_), From::Origin(_)) => {}
                }
            };
            // A conversion that has given up needs no more pieces, and its engine need not go on.
            tokio::select! {
                () = work => {}
                () = pieces.closed() => {}
                () = service.stop.cancelled() => {}
            }
        });
    }

    async fn finish(
        &self,
        flight: &Flight,
        sink: Sink,
        result: Result<(), MediaFault>,
        rules: Rules,
        kind: (String, String),
    ) {
        if let Err(fault) = &result {
            tracing::warn!(%fault, uri = %flight.shown_uri(), "a medium broke off");
            count(&self.tally.broken);
        }
        match (sink, result) {
            (Sink::Direct(_), Ok(())) => {}
            (Sink::Direct(reader), Err(fault)) => {
                let _ = reader.send(Err(fault)).await;
            }
            (Sink::Spool { writer, .. }, Err(fault)) => {
                // First off the map, then broken: whoever hears of it may ask again at once.
                self.land(flight);
                writer.broken(fault);
            }
            (Sink::Spool { writer, .. }, Ok(())) => {
                // Readers need not wait for the disk; who asks now reads along until the entry is there.
                writer.whole();
                let draft = Draft {
                    account: flight.ask.account.clone(),
                    uri: flight.ask.uri(),
                    preset: flight.ask.form.name(),
                    content_type: kind.0,
                    original_type: kind.1,
                    rules,
                };
                let (cache, key) = (Arc::clone(&self.cache), flight.key.clone());
                let stored = tokio::task::spawn_blocking(move || {
                    let stored = cache.store(&key, draft, &writer);
                    if stored.is_err() {
                        writer.discard();
                    }
                    stored
                });
                if let Ok(Err(error)) = stored.await {
                    tracing::error!(%error, "a medium could not be stored; is the cache's disk full?");
                }
            }
        }
    }

    fn failed(&self, flight: &mut Flight, fault: MediaFault) {
        self.land(flight);
        flight.publish(Stage::Failed(fault.clone()));
        flight.answer(Err(fault));
    }

    /// Takes a flight off the map.
    fn land(&self, flight: &Flight) {
        if flight.stage.is_some() {
            self.flying().remove(&flight.key);
        }
    }

    async fn find(&self, key: &str, ask: &Ask) -> Result<Found, MediaFault> {
        let (cache, key, uri, now) = (Arc::clone(&self.cache), key.to_owned(), ask.uri(), self.now());
        tokio::task::spawn_blocking(move || cache.find(&key, &uri, now)).await.map_err(|_| stopped())
    }

    fn hit(&self, ask: &Ask, entry: &Entry, spool: &Spool) -> Answer {
        count(&self.tally.hits);
        entry_answer(ask, entry, spool)
    }

    fn now(&self) -> SystemTime {
        (self.config.clock)()
    }

    fn flying(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<Stage>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Role {
    Lead(oneshot::Receiver<Result<Answer, MediaFault>>),
    Join(watch::Receiver<Stage>),
}

/// Where the first asker will listen.
enum Ear {
    Spool(Spool),
    Direct(mpsc::Receiver<Result<Bytes, MediaFault>>),
}

struct Landing {
    service: Arc<Service>,
    key: Option<String>,
}

impl Drop for Landing {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            let mut flights = self.service.flying();
            // A later flight of the same key stays: its watch still has a sender.
            if flights.get(key).is_some_and(|it| it.has_changed().is_err()) {
                flights.remove(key);
            }
        }
        self.service.under_way.send_modify(|it| *it -= 1);
    }
}

impl Flight {
    fn publish(&self, stage: Stage) {
        if let Some(sender) = &self.stage {
            sender.send_replace(stage);
        }
    }

    fn answer(&mut self, answer: Result<Answer, MediaFault>) {
        // An asker that has gone needs none.
        if let Some(lead) = self.lead.take() {
            let _ = lead.send(answer);
        }
    }

    fn begin(&mut self, status: u16, begun: Begun, headers: Vec<(String, String)>, ear: Ear) {
        let answer = match ear {
            Ear::Spool(spool) => {
                let shared = Arc::new(Shared { status, begun, headers, spool });
                let answer = shared.answer(&self.ask, Cached::Miss);
                self.publish(Stage::Begun(shared));
                answer
            }
            Ear::Direct(pieces) => Answer {
                status,
                cached: Cached::Miss,
                stale: false,
                content_type: begun.content_type,
                original_type: begun.original_type,
                headers,
                body: Body::Direct(pieces),
            },
        };
        self.answer(Ok(answer));
    }

    fn shown_uri(&self) -> String {
        match &self.ask.from {
            From::Origin(url) => tipring_egress::redacted(url).to_string(),
            From::Speech(_) => self.ask.uri(),
        }
    }
}

impl Shared {
    fn answer(&self, ask: &Ask, cached: Cached) -> Answer {
        Answer {
            status: self.status,
            cached,
            stale: false,
            content_type: type_for(ask, &self.begun.content_type),
            original_type: self.begun.original_type.clone(),
            headers: self.headers.clone(),
            body: Body::Spool(self.spool.reader()),
        }
    }
}

fn entry_answer(ask: &Ask, entry: &Entry, spool: &Spool) -> Answer {
    Answer {
        status: entry.rules.status,
        cached: Cached::Hit,
        stale: false,
        content_type: type_for(ask, &entry.content_type),
        original_type: entry.original_type.clone(),
        headers: if ask.form == Form::AsIs { entry.rules.headers.clone() } else { Vec::new() },
        body: Body::Spool(spool.reader()),
    }
}

/// Who asked for `audio/basic` is answered so, whoever asked first.
fn type_for(ask: &Ask, stored: &str) -> String {
    match ask.form {
        Form::AsIs => stored.to_owned(),
        Form::Audio(_, true) => "audio/basic".to_owned(),
        Form::Audio(preset, false) => preset.to_string(),
    }
}

/// End-to-end headers of a document.
fn passed_on(headers: &[(String, String)]) -> Vec<(String, String)> {
    let own =
        ["connection", "content-length", "content-type", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];
    headers.iter().filter(|(name, _)| !own.contains(&name.as_str())).cloned().collect()
}

fn stopped() -> MediaFault {
    MediaFault::new(FETCH, "the media layer was stopped")
}

/// Pieces between two stages: enough to keep both busy, little enough to hold a slow one back.
const PIECES: usize = 16;
