//! `tipring serve`: the service under a supervisor. It tells when it is ready and that it is alive, takes another
//! configuration, waits for a card that is not there yet, and ends calls in good order. What the service does is `serve`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tipring_card::{Card, Law, Maintenance};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use super::conductor::Live;
use super::reload::{self, Outcome};
use super::serve::{LAST_WORDS, NOTICE_LIMIT, Service, StartError, Wiring, card_of, failed};
use super::supervisor::{Inherited, Supervisor};
use super::watch::{Health, Watch};
use super::{control, doctor, far};
use crate::config::last_good::{self, Keeper};
use crate::config::{CardKind, Config};
use crate::observe::events;

/// How often the service looks after itself: lines, status, watchdog.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Threads, sockets and the store are closed within this time after the last words.
const CLOSING: Duration = Duration::from_secs(10);
/// Reloads that wait for their turn.
const RELOADS: usize = 8;

/// Reads the configuration anew, from where it was read at the start.
pub type Reread = Box<dyn Fn() -> Result<Config, Vec<String>> + Send + Sync>;

/// How `tipring serve` is started.
pub struct Settings {
    /// As read; after a reload as read then.
    pub config: Config,
    /// Its main file.
    pub file: PathBuf,
    /// Reads it anew.
    pub reread: Reread,
    /// Shown as status: the configuration is not the one that the files hold.
    pub degraded: Option<String>,
}

/// Why one life of the service ended.
enum Ended {
    /// It is to end.
    ForGood,
    /// The card that was waited for is there.
    CardIsThere,
    /// The card is gone.
    CardIsGone,
}

/// Signals that the service listens to.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn of_process() -> Result<Signals, StartError> {
        let of = |kind| signal(kind).map_err(|error| failed("signals")(&error));
        Ok(Signals {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
            hangup: of(SignalKind::hangup())?,
        })
    }

    async fn end(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Runs until SIGTERM or Ctrl-C.
pub async fn run(mut settings: Settings) -> Result<(), StartError> {
    let supervisor = Supervisor::of_environment();
    let mut inherited = Inherited::of_environment();
    let mut signals = Signals::of_process()?;
    loop {
        let ended = live(&mut settings, &supervisor, &mut inherited, &mut signals).await?;
        match ended {
            Ended::ForGood => return Ok(()),
            Ended::CardIsThere => tracing::info!("the card is there: the service begins anew with it"),
            Ended::CardIsGone => tracing::error!("the card is gone: the service begins anew and waits for it"),
        }
    }
}

/// One life: with the card, or waiting for it.
async fn live(
    settings: &mut Settings,
    supervisor: &Supervisor,
    inherited: &mut Inherited,
    signals: &mut Signals,
) -> Result<Ended, StartError> {
    let (card, far_end, missing) = match open_card(&settings.config) {
        Ok((card, far_end)) => (card, far_end, None),
        // Somebody who restarts us again and again is told what we wait for instead; the API works meanwhile.
        Err(error) if supervisor.is_there() => (None, None, Some(error.text)),
        Err(error) => return Err(error),
    };
    if let Some(missing) = &missing {
        tracing::error!("{missing}; the service waits for it");
    }
    let handed = inherited.as_wanted(&settings.config.listen);
    let wiring = Wiring { card, handed, boards: crate::config::boards(&settings.file), ..Wiring::default() };
    let mut service = Service::start(&settings.config, wiring).await?;
    keep(settings);
    let credentials = settings.config.this.state_dir.join("account.json");
    write_secret(&credentials, &credentials_of(&service))
        .map_err(|error| failed(&credentials.display().to_string())(&error))?;
    let traces = service.timeline.take().unwrap_or_else(|| service.live.traces());
    let logged = tokio::spawn(super::log::timeline(traces));
    let (reloads, mut asked) = mpsc::channel(RELOADS);
    let face = control_face(&service, reloads);
    let listener = control::bind(&settings.config.this.runtime_dir)?;
    let face = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, face).await {
            tracing::error!(%error, "the control socket is not served any more");
        }
    });
    if let Some(why) = &settings.degraded {
        service.observer.meters().config_last_good(why);
    }
    let metrics = metrics(&settings.config, inherited, &service).await;
    let started = settings.config.clone();
    let mut watch = Watch::new(&service, missing, settings.degraded.clone());
    println!("tipring: the API listens on http://{}; account and token are in {}", service.api, credentials.display());
    tracing::info!(message_id = events::STARTED.id, api = %service.api, "tipring {} has started", crate::observe::VERSION);
    supervisor.ready(&watch.look().await.status);
    let ended = turn(settings, &started, supervisor, signals, &service, &mut watch, &mut asked).await;
    let hurry = async {
        // Who says it twice does not want to wait.
        signals.end().await;
    };
    let drain = match ended {
        Ended::ForGood => Duration::from_secs(settings.config.this.drain_s),
        Ended::CardIsThere | Ended::CardIsGone => Duration::ZERO,
    };
    if matches!(ended, Ended::ForGood) {
        supervisor.stopping(drain + NOTICE_LIMIT + LAST_WORDS + CLOSING);
        supervisor.status("stopping: calls under way come to their end");
    }
    // It was told how long this takes; the watchdog is for a service that runs.
    let fed = async {
        loop {
            supervisor.alive();
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        () = service.stop(drain, hurry) => {}
        () = fed => {}
    }
    face.abort();
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    drop(far_end);
    logged.abort();
    tracing::info!(message_id = events::STOPPED.id, "tipring has stopped");
    Ok(ended)
}

/// Looks after a running service until it is to end.
async fn turn(
    settings: &mut Settings,
    started: &Config,
    supervisor: &Supervisor,
    signals: &mut Signals,
    service: &Service,
    watch: &mut Watch,
    asked: &mut mpsc::Receiver<Asked>,
) -> Ended {
    let mut look = tokio::time::interval(LOOK_EVERY.min(supervisor.watchdog().map_or(LOOK_EVERY, |limit| limit / 4)));
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = signals.interrupt.recv() => return Ended::ForGood,
            _ = signals.terminate.recv() => return Ended::ForGood,
            _ = signals.hangup.recv() => drop(reload(settings, started, service, supervisor, watch).await),
            Some(asked) = asked.recv() => match asked {
                Asked::Reload(back) => {
                    let _ = back.send(reload(settings, started, service, supervisor, watch).await);
                }
                Asked::Order(asked, back) => drop(back.send(doctor::order(&asked, &settings.config))),
            },
            _ = look.tick() => {
                let card_is_gone = looked(supervisor, watch).await;
                if card_is_gone && supervisor.is_there() {
                    return Ended::CardIsGone;
                }
                if watch.waits_for_card() && open_card(&settings.config).is_ok() {
                    return Ended::CardIsThere;
                }
            }
        }
    }
}

/// Looks once, and tells the supervisor; true if the card is gone.
async fn looked(supervisor: &Supervisor, watch: &mut Watch) -> bool {
    let Health { alive, status, card_is_gone } = watch.look().await;
    supervisor.status(&status);
    if alive {
        supervisor.alive();
    }
    card_is_gone
}

/// What the service runs with is what it starts with when the files are broken.
fn keep(settings: &Settings) {
    if settings.degraded.is_some() {
        return;
    }
    if let Err(error) = last_good::keep(Keeper::Service, &settings.config, &settings.file) {
        tracing::warn!(%error, "the configuration could not be kept as the last good one");
    }
}

/// Reads the configuration anew and takes it over, or says why not and goes on as before.
async fn reload(
    settings: &mut Settings,
    started: &Config,
    service: &Service,
    supervisor: &Supervisor,
    watch: &mut Watch,
) -> Outcome {
    let outcome = match (settings.reread)() {
        Ok(new) => {
            let outcome = {
                let mut applied = std::pin::pin!(reload::apply(service, started, &settings.config, &new));
                // A store that is away makes it wait; whether the lines are well is looked at all the same.
                loop {
                    tokio::select! {
                        outcome = &mut applied => break outcome,
                        () = tokio::time::sleep(LOOK_EVERY) => { looked(supervisor, watch).await; }
                    }
                }
            };
            if outcome.ok {
                settings.config = new;
                settings.degraded = None;
                keep(settings);
            }
            outcome
        }
        Err(faults) => Outcome::refused(faults),
    };
    watch.reloaded(&outcome);
    let meters = service.observer.meters();
    match outcome.ok {
        true => meters.config_taken(&settings.file.display().to_string()),
        false => meters.config_refused(&outcome.faults.join("; ")),
    }
    outcome
}

type Opened = (Option<Box<dyn Card>>, Option<far::FarEnd>);

/// The configured card, with the far end of a simulated one, and joined to it what sound devices there are.
fn open_card(config: &Config) -> Result<Opened, StartError> {
    let (card, far) = match config.card.first() {
        None => (None, None),
        Some(entry) if entry.kind == CardKind::Sim => {
            let far = far::FarEnd::start()?;
            (Some(Box::new(far.wire.near()) as Box<dyn Card>), Some(far))
        }
        Some(entry) => (Some(card_of(config, entry.kind, true)?), None),
    };
    let law = card.as_ref().and_then(|card| card.channels().first().map(|channel| channel.law));
    let sound = sound_card(config, law.unwrap_or(Law::A))?;
    Ok((tipring_lines::Joined::cards(card.into_iter().chain(sound).collect()), far))
}

/// The sound devices as a card, if there are any.
fn sound_card(config: &Config, law: Law) -> Result<Option<Box<dyn Card>>, StartError> {
    let devices: Vec<_> = config.sound.iter().filter_map(|sound| sound.driven(law)).collect();
    if devices.is_empty() {
        return Ok(None);
    }
    let started = tipring_sound::SoundCard::start(&devices, tipring_sound::names::SYSFS.into(), SOUND_PRIORITY);
    let card = started.map_err(|error| StartError { exit: 69, text: format!("the sound devices: {error}") })?;
    Ok(Some(Box::new(card)))
}

/// One below the media thread's.
const SOUND_PRIORITY: u8 = 49;

/// Metrics and health on a port of their own, where one is configured. Without it calls go on: the same is on the control
/// socket, and health on the API's port.
async fn metrics(config: &Config, inherited: &Inherited, service: &Service) -> Option<tokio::task::JoinHandle<()>> {
    let handed = inherited.metrics.as_ref().and_then(|socket| socket.try_clone().ok());
    let listener = match handed {
        Some(socket) => super::serve::inherited(socket),
        None if config.listen.metrics.is_empty() => return None,
        None => super::serve::listen("listen.metrics", &config.listen.metrics).await,
    };
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!("{error}; the service runs without its port for metrics");
            return None;
        }
    };
    let observer = service.observer.clone();
    let face = crate::observe::face::public(observer.clone());
    let face = face.merge(service.entrances.ca_page());
    Some(tokio::spawn(async move {
        tipring_door::plain(tipring_door::Doors::new(listener), face).await;
        tracing::error!("metrics are not served any more");
        observer.closed("metrics");
    }))
}

/// What the control socket asks of whoever has the configuration.
enum Asked {
    /// Read it anew.
    Reload(oneshot::Sender<Outcome>),
    /// Which numbers a visit of the doctor dials.
    Order(doctor::Asked, oneshot::Sender<Result<tipring_doctor::Order, String>>),
}

/// The doctor at the control socket: `POST` begins a visit, `GET` shows it, `DELETE` ends it.
fn visits(live: Live, asks: mpsc::Sender<Asked>) -> axum::routing::MethodRouter {
    use axum::Json;
    use axum::extract::Query;
    use axum::http::StatusCode;
    let begins = live.clone();
    let begin = async move |Query(asked): Query<doctor::Asked>| {
        let (back, answer) = oneshot::channel();
        let stopped = || "the service is being stopped".to_owned();
        let order = match asks.send(Asked::Order(asked, back)).await {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(stopped())),
            Err(_) => Err(stopped()),
        };
        let begun = match order {
            Ok(order) => begins.examine(order).await,
            Err(why) => Err(why),
        };
        match begun {
            Ok(()) => (StatusCode::ACCEPTED, Json(serde_json::json!({}))),
            Err(why) => (StatusCode::CONFLICT, Json(serde_json::json!({"error": why}))),
        }
    };
    let ends = live.clone();
    let show = async move || Json(live.examination(false).await.unwrap_or_default());
    let end = async move || Json(ends.examination(true).await.unwrap_or_default());
    axum::routing::post(begin).get(show).delete(end)
}

/// What `/spans/maintenance?span=…&what=…` answers: 204, or 409 and why not.
fn maintenance(live: Live) -> axum::routing::MethodRouter {
    axum::routing::post(async move |query: axum::extract::Query<Maintained>| {
        let what = Maintenance::ALL.into_iter().find(|what| what.as_str() == query.what);
        let done = match what {
            Some(what) => live.maintain(query.span.clone(), what).await,
            None => Err(format!("{:?} is no maintenance", query.what)),
        };
        match done {
            Ok(()) => (axum::http::StatusCode::NO_CONTENT, String::new()),
            Err(why) => (axum::http::StatusCode::CONFLICT, why),
        }
    })
}

/// What is asked for there.
#[derive(serde::Deserialize)]
struct Maintained {
    span: String,
    what: String,
}

/// What the control socket answers.
fn control_face(service: &Service, reloads: mpsc::Sender<Asked>) -> axum::Router {
    let visits = visits(service.live.clone(), reloads.clone());
    let reload = axum::routing::post(async move || {
        let (back, outcome) = oneshot::channel();
        let sent = reloads.send(Asked::Reload(back)).await;
        let outcome = match sent {
            Ok(()) => outcome.await.ok(),
            Err(_) => None,
        };
        let outcome = outcome.unwrap_or_else(|| Outcome::refused(vec!["the service is being stopped".into()]));
        let status = if outcome.ok { axum::http::StatusCode::OK } else { axum::http::StatusCode::UNPROCESSABLE_ENTITY };
        (status, axum::Json(outcome))
    });
    let face =
        crate::observe::face::control(service.observer.clone()).route("/reload", reload).route("/doctor", visits);
    let face = face.route("/spans/maintenance", maintenance(service.live.clone()));
    let face = face.route("/lines/lift", lifting(service.live.clone(), service.gauges.clone()));
    match std::env::var_os("TIPRING_DEBUG") {
        Some(_) => face.merge(debug_face(service.gauges.clone())),
        None => face,
    }
}

/// Lifts the telephone of a sound device, or puts it down.
fn lifting(live: Live, gauges: Option<Arc<tipring_lines::Gauges>>) -> axum::routing::MethodRouter {
    use axum::http::StatusCode;
    axum::routing::post(async move |wish: axum::extract::Query<LiftWish>| {
        let LiftWish { line, lifted } = wish.0;
        let spans =
            gauges.iter().flat_map(|gauges| gauges.spans()).filter(|span| span.name == crate::config::SOUND_SPAN);
        let known: Vec<String> = spans
            .flat_map(|span| span.telephones.iter().map(|slot| span.line_name(*slot)).collect::<Vec<_>>())
            .collect();
        if !known.contains(&line) {
            let none = "the box has no sound devices".to_owned();
            let there = if known.is_empty() { none } else { format!("there are {}", known.join(", ")) };
            return (StatusCode::NOT_FOUND, format!("{line}: no sound device has this name; {there}"));
        }
        match live.ask(tipring_router::Request::Lift { line, lifted }).await {
            tipring_router::Reply::Done => (StatusCode::OK, String::new()),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "the service is being stopped".to_owned()),
        }
    })
}

/// What `/lines/lift` is asked.
#[derive(serde::Deserialize)]
struct LiftWish {
    line: String,
    lifted: bool,
}

/// Faults for tests of the supervision, where the environment allows them.
fn debug_face(gauges: Option<Arc<tipring_lines::Gauges>>) -> axum::Router {
    let stall = axum::routing::post(async move |path: axum::extract::Path<u64>| match gauges {
        Some(gauges) => {
            gauges.stall_media(path.0.min(60_000));
            (axum::http::StatusCode::OK, "the media thread stands still\n")
        }
        None => (axum::http::StatusCode::NOT_FOUND, "there is no card, and no media thread\n"),
    });
    axum::Router::new().route("/debug/stall-media/{ms}", stall)
}

/// Where the API is and who may ask, as JSON, for the box's own owner.
fn credentials_of(service: &Service) -> String {
    let account = &service.account;
    let mut known = serde_json::json!({
        "api": format!("http://{}", service.api), "account": account.sid.to_string(), "token": account.token,
    });
    if let Some(tls) = service.entrances.tls {
        known["tls"] = format!("https://{tls}").into();
    }
    if let Some(proxy) = service.entrances.proxy {
        known["proxy"] = format!("http://{proxy}").into();
    }
    format!("{known:#}\n")
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
