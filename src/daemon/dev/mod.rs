//! `tipring dev`: the whole service on a simulated E1, with a sample application and a caller who uses it. It shows the
//! call as a timeline and says what to type next. Nothing here is special to the demonstration but the far end.

mod documents;
mod muted;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tipring_card::Card;
use tipring_router::{DirectoryChange, Trace, TraceKind};
use tipring_sim::Step;
use tipring_store::{CallFilter, Page, RecordingFilter};
use tokio::sync::broadcast::error::RecvError;

pub use documents::documents;

use self::muted::Muted;
use super::app::App;
use super::callers::Callers;
use super::far::{ANALOG_LINES, COUNTRY, FarEnd};
use super::serve::{Service, StartError, Wiring, now};
use super::telephones::{LINE_READY, sound_ms, write_wav};
use super::timeline::{Form, Timeline};
use crate::config::{self, Card as CardEntry, CardKind, Config, NumberClass, Role};

/// Port of the API unless another is asked for.
pub const API_PORT: u16 = 8080;
/// The number that the sample application answers.
pub const NUMBER: &str = "100";
/// The number whose caller is connected to somebody else, over an analogue line.
pub const CONNECT: &str = "200";
/// Whom that number dials.
pub const DIALLED: &str = "2025550142";
/// A number that programs may show when they call.
pub const SHOWN: &str = "+15005550006";
/// The first prompt of the sample application.
pub const WELCOME: &str = "Welcome to tipring. Press 1 for our opening hours, or 2 to leave a message.";
/// A demonstration call is over by then, or something is wrong.
const CALL_LIMIT: Duration = Duration::from_secs(90);
/// What the caller's telephone heard stays comparable with the prompt for this long after the answer.
const ID: &str = "demonstration";
const SECOND: &str = "connected";
/// The second caller speaks this long after the answer: by then the other party is there.
const SPEAKS_AFTER_MS: u32 = 12_000;
/// The called party must have heard this much of it.
const BRIDGED_MS: u64 = 500;

/// A planted fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    /// The card sends silence whatever it is given.
    Mute,
}

/// How the demonstration runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// End after the call.
    pub once: bool,
    /// Timeline as JSON.
    pub json: bool,
    /// Port of the API on loopback; any free one with 0.
    pub port: u16,
    /// Port of the API over TLS on loopback; none when `None`.
    pub tls: Option<u16>,
    /// Port for programs that ask a proxy for `api.twilio.com`; none when `None`.
    pub proxy: Option<u16>,
    /// A planted fault.
    pub fault: Option<Fault>,
    /// Where state is kept; the user's state folder when `None`.
    pub state: Option<PathBuf>,
    /// Instead of the demonstration: so many callers who ring again and again, until Ctrl-C.
    pub calls: Option<u8>,
    /// And so many on analogue lines.
    pub analog_calls: u8,
    /// The application of the number; the sample application when `None`.
    pub app: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            once: false,
            json: false,
            port: API_PORT,
            tls: None,
            proxy: None,
            fault: None,
            state: None,
            calls: None,
            analog_calls: 0,
            app: None,
        }
    }
}

/// What came of the call.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The call went as it should.
    pub ok: bool,
    /// Calls in the store that this run made.
    pub calls: usize,
    /// Requests that the application was asked.
    pub http: usize,
    /// Verbs that were carried out.
    pub verbs: usize,
    /// Recordings that this run made.
    pub recordings: usize,
}

/// Where the demonstration keeps its state.
pub fn state_dir() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let base = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    base.or_else(home).unwrap_or_else(std::env::temp_dir).join("tipring")
}

/// Runs the demonstration until its end, or until Ctrl-C.
pub async fn run(options: Options) -> Result<Summary, StartError> {
    let state = options.state.clone().unwrap_or_else(state_dir);
    let failed = |what: &str, error: &dyn std::fmt::Display| StartError { exit: 1, text: format!("{what}: {error}") };
    std::fs::create_dir_all(&state).map_err(|error| failed(&state.display().to_string(), &error))?;
    let app = App::start(documents(), "127.0.0.1:0").await.map_err(|error| failed("the sample application", &error))?;
    let config = config(&state, &options);
    let far = FarEnd::start()?;
    let near = far.wire.near();
    let card: Box<dyn Card> = match options.fault {
        Some(Fault::Mute) => Box::new(Muted(Box::new(near))),
        None => Box::new(near),
    };
    let begun = now();
    let service = Service::start(&config, Wiring { card: Some(card), ..Wiring::default() }).await?;
    let voice_url = options.app.clone().unwrap_or_else(|| format!("http://{}/menu", app.address()));
    give_number(&service, NUMBER, "Sample application", voice_url.clone()).await?;
    give_number(&service, CONNECT, "Connected over an analogue line", format!("http://{}/connect", app.address()))
        .await?;
    for line in 1..=ANALOG_LINES {
        give_number(&service, &format!("sim 2/{line}"), "An analogue line", voice_url.clone()).await?;
    }
    write_state(&state, &service, &app)?;
    let form = if options.json { Form::Json } else { Form::Text };
    let mut timeline = Timeline::new(std::io::stdout(), form);
    if let Some(count) = options.calls {
        let callers = Callers::new(far.exchange.clone(), far.office.clone(), far.wire.clone(), NUMBER);
        callers.run(count, options.analog_calls, &service, &mut timeline).await?;
        service.stop(Duration::from_secs(2), std::future::pending()).await;
        return Ok(Summary { ok: true, calls: 0, http: 0, verbs: 0, recordings: 0 });
    }
    let mut show = Show { timeline, verbs: 0, ended: false };
    if form == Form::Text {
        let (app, api) = (app.address(), service.api);
        println!("a simulated E1 and two analogue lines, an application on http://{app}, the API on http://{api}\n");
    }
    far.ring(ID, NUMBER, far.wire.now() + LINE_READY, leaves_a_message())?;
    let mut called = follow(&mut show, &service, &far).await;
    if form == Form::Text {
        println!("\nthe second caller is connected to {DIALLED}, over an analogue line\n");
    }
    far.ring(SECOND, CONNECT, far.wire.now(), is_connected())?;
    called &= follow(&mut show, &service, &far).await;
    let summary =
        summarise(&service, &app, &show, called && sound_ms(&far.heard_by_called()) >= BRIDGED_MS, begun).await;
    if !summary.ok {
        far.explain(&[ID, SECOND]);
    }
    let heard = state.join("heard.wav");
    let octets = far.heard(ID);
    for (file, octets) in [(&heard, &octets), (&state.join("heard-connected.wav"), &far.heard(SECOND))] {
        write_wav(file, octets).map_err(|error| failed(&file.display().to_string(), &error))?;
    }
    if options.json {
        let Summary { ok, calls, http, verbs, recordings } = summary;
        println!("{}", json!({"ok": ok, "calls": calls, "http": http, "verbs": verbs, "recordings": recordings}));
    } else {
        next_steps(&service, &app, &heard, &octets);
    }
    if !options.once {
        serve_on(&mut show, &service, &far).await;
    }
    service.stop(Duration::from_secs(2), std::future::pending()).await;
    drop(far);
    Ok(summary)
}

fn loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn config(state: &Path, options: &Options) -> Config {
    let mut config = Config::default();
    config.this.state_dir = state.join("dev");
    config.this.cache_dir = state.join("dev/cache");
    config.this.runtime_dir = state.join("dev/run");
    config.listen.api = loopback(options.port);
    config.listen.tls = options.tls.map(loopback).unwrap_or_default();
    config.listen.proxy = options.proxy.map(loopback).unwrap_or_default();
    config.this.country = COUNTRY.into();
    use NumberClass::{International, Mobile, National, Short, TollFree, Unknown};
    // A demonstration is called as often as somebody likes; nobody is billed.
    config.outbound = config::Outbound::without_limits();
    config.outbound.open = vec![Short, TollFree, National, Mobile, International, Unknown];
    config.outbound.caller_ids = vec![SHOWN.into()];
    let group = |name: &str, line: &str| config::Group {
        name: name.into(),
        lines: vec![line.into()],
        ..config::Group::default()
    };
    config.group = vec![group("isdn", "sim 1"), group("analog", "sim 2")];
    config.card = vec![CardEntry { kind: CardKind::Sim, spans: Vec::new(), role: Role::User, prefill: 2 }];
    config
}

/// The sample application's number. It is set anew at each start, as the application's port is.
async fn give_number(service: &Service, name: &str, about: &str, voice_url: String) -> Result<(), StartError> {
    let failed = |error: tipring_store::StoreError| StartError { exit: 1, text: format!("the number: {error}") };
    let known = service.store.all_numbers().await.map_err(failed)?;
    let known = known.into_iter().find(|number| number.phone_number == name);
    let stamp = now();
    let sid = match &known {
        Some(number) => number.sid,
        None => tipring_resources::Sid::new(
            tipring_resources::SidKind::Number,
            u128::from_le_bytes(super::serve::random()?),
        ),
    };
    let number = tipring_resources::Number {
        sid,
        account: service.account.sid,
        phone_number: name.into(),
        friendly_name: about.into(),
        voice_url,
        voice_method: tipring_resources::Method::Post,
        voice_fallback_url: String::new(),
        voice_fallback_method: tipring_resources::Method::Post,
        status_callback: String::new(),
        status_callback_method: tipring_resources::Method::Post,
        strict_documents: false,
        origin: tipring_resources::NumberOrigin::Api,
        created: known.map_or(stamp, |number| number.created),
        updated: stamp,
        voice_application: None,
        sms_url: String::new(),
        sms_method: tipring_resources::Method::Post,
        sms_fallback_url: String::new(),
        sms_fallback_method: tipring_resources::Method::Post,
        sms_application: None,
    };
    service.store.put_number(number.clone()).await.map_err(failed)?;
    service.live.directory(DirectoryChange::Number(number)).await;
    Ok(())
}

/// Where the running demonstration can be reached, for the other commands and for programs.
fn write_state(state: &Path, service: &Service, app: &App) -> Result<(), StartError> {
    let file = state.join("dev.json");
    let ca = state.join("dev").join(super::entrance::TLS_DIR).join(tipring_door::CA_FILE);
    let text = json!({
        "tls": service.entrances.tls.map(|at| format!("https://{at}")), "ca": ca,
        "proxy": service.entrances.proxy.map(|at| format!("http://{at}")),
        "api": format!("http://{}", service.api), "app": format!("http://{}", app.address()),
        "account": service.account.sid.to_string(), "token": service.account.token,
        "number": NUMBER, "connect": CONNECT, "from": SHOWN, "heard": state.join("heard.wav"),
    });
    super::run::write_secret(&file, &format!("{text:#}\n"))
        .map_err(|error| StartError { exit: 1, text: format!("{}: {error}", file.display()) })
}

/// What the caller of the demonstration does.
fn leaves_a_message() -> Vec<Step> {
    vec![
        Step::AwaitAnswer { limit_ms: 10_000 },
        Step::AwaitQuiet { ms: 1_200, limit_ms: 20_000 },
        Step::press("2"),
        Step::AwaitQuiet { ms: 1_200, limit_ms: 20_000 },
        Step::Tone { hz: 440.0, ms: 2_000, level_dbm0: -12.0 },
        Step::press("#"),
        Step::AwaitHangup { limit_ms: 20_000 },
    ]
}

/// What the second caller does: speaks once the other party has spoken, and is hung up on.
fn is_connected() -> Vec<Step> {
    vec![
        Step::AwaitAnswer { limit_ms: 10_000 },
        Step::Wait { ms: SPEAKS_AFTER_MS },
        Step::Tone { hz: 440.0, ms: 2_000, level_dbm0: -12.0 },
        Step::AwaitHangup { limit_ms: 40_000 },
    ]
}

/// A caller who presses each key when the application has fallen silent, and listens to the end.
fn presses(keys: &str) -> Vec<Step> {
    let mut steps = vec![Step::AwaitAnswer { limit_ms: 30_000 }];
    for key in keys.chars() {
        steps.extend([Step::AwaitQuiet { ms: 1_200, limit_ms: 20_000 }, Step::press(&key.to_string())]);
    }
    steps.push(Step::AwaitHangup { limit_ms: 120_000 });
    steps
}

struct Show {
    timeline: Timeline<std::io::Stdout>,
    verbs: usize,
    ended: bool,
}

impl Show {
    fn trace(&mut self, trace: &Trace) {
        // A verb tells its beginning, some their end too: only beginnings count.
        self.verbs += usize::from(trace.kind == TraceKind::Verb && !trace.text.contains(" ended"));
        self.timeline.trace(trace);
        self.timeline.flush();
    }
}

/// Shows the timeline until the caller's call is over and written; false if that takes too long.
async fn follow(show: &mut Show, service: &Service, far: &FarEnd) -> bool {
    show.ended = false;
    let mut traces = service.live.traces();
    let until = Instant::now() + CALL_LIMIT;
    while Instant::now() < until && !show.ended {
        match tokio::time::timeout(Duration::from_millis(200), traces.recv()).await {
            Ok(Ok(trace)) => show.trace(&trace),
            Ok(Err(RecvError::Lagged(missed))) => show.timeline.note(0, &format!("{missed} lines were missed")),
            Ok(Err(RecvError::Closed)) => return false,
            Err(_) => {
                show.ended = far.is_idle() && service.live.live_calls().await == 0;
            }
        }
    }
    show.ended
}

async fn summarise(
    service: &Service,
    app: &App,
    show: &Show,
    called: bool,
    begun: tipring_resources::Stamp,
) -> Summary {
    let (store, account) = (&service.store, service.account.sid);
    let calls = store.calls(account, &CallFilter::default(), Page { size: 1_000, ..Page::default() }).await;
    let calls = calls.map(|listing| listing.items).unwrap_or_default();
    let calls: Vec<_> = calls.into_iter().filter(|call| call.created >= begun).collect();
    let recordings =
        store.recordings(account, &RecordingFilter::default(), Page { size: 1_000, ..Page::default() }).await;
    let recordings = recordings.map(|listing| listing.items).unwrap_or_default();
    let kept = |recording: &&tipring_resources::Recording| {
        recording.created >= begun && recording.status == tipring_resources::RecordingStatus::Completed
    };
    let recordings = recordings.iter().filter(kept).count();
    let done = calls.iter().all(|call| call.status == tipring_resources::CallStatus::Completed);
    Summary {
        ok: called && done && calls.len() == 3 && recordings == 1,
        calls: calls.len(),
        http: app.asked().len(),
        verbs: show.verbs,
        recordings,
    }
}

fn next_steps(service: &Service, app: &App, heard: &Path, octets: &[u8]) {
    let base = format!("http://{}", service.api);
    let (sid, token) = (service.account.sid, &service.account.token);
    println!(
        "\nwhat the caller heard ({:.1} s, {:.1} s of it sound): {}",
        octets.len() as f64 / 8_000.0,
        sound_ms(octets) as f64 / 1_000.0,
        heard.display()
    );
    println!("the application's documents: http://{}/menu", app.address());
    println!("\ntry next:\n  curl -u {sid}:{token} {base}/2010-04-01/Accounts/{sid}/Calls.json");
    println!("  curl -u {sid}:{token} {base}/2010-04-01/Accounts/{sid}/Recordings.json");
    println!("\nor with the Python SDK (pip install twilio):");
    println!("  from twilio.rest import Client");
    println!("  client = Client(\"{sid}\", \"{token}\")");
    println!("  client.api.base_url = \"{base}\"");
    println!("  for call in client.calls.list(): print(call.sid, call.from_formatted, call.status, call.duration)");
    println!(
        "  client.calls.create(to=\"+12025550123\", from_=\"{SHOWN}\", twiml=\"<Response><Say>Hello</Say></Response>\")"
    );
    println!("\ngive the number {NUMBER} to your own application:");
    println!("  tipring numbers set {NUMBER} http://127.0.0.1:3000/voice\n");
    let _ = std::io::stdout().flush();
}

/// Shows calls until Ctrl-C. A line of keys typed at the terminal is a caller who presses them.
async fn serve_on(show: &mut Show, service: &Service, far: &FarEnd) {
    println!("serving until Ctrl-C; Enter rings {NUMBER} again, keys before it (e.g. 1) are pressed in that call");
    let mut traces = service.live.traces();
    let mut typed = typed_lines();
    for n in 2_u32.. {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return,
            Some(line) = typed.recv() => {
                let steps = presses(line.trim());
                let wrong = steps.iter().find_map(Step::complaint);
                match wrong.map_or_else(|| far.ring(&format!("{ID}-{n}"), NUMBER, far.wire.now(), steps), |why| {
                    Err(StartError { exit: 2, text: why })
                }) {
                    Ok(()) => {}
                    Err(error) => println!("{error}"),
                }
            }
            trace = traces.recv() => match trace {
                Ok(trace) => show.trace(&trace),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
        }
    }
}

/// Lines of a terminal; none if standard input is something else.
fn typed_lines() -> tokio::sync::mpsc::Receiver<String> {
    let (lines, typed) = tokio::sync::mpsc::channel(8);
    let read = move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    };
    if std::io::IsTerminal::is_terminal(&std::io::stdin())
        && let Err(error) = std::thread::Builder::new().name("terminal".into()).spawn(read)
    {
        tracing::warn!(%error, "the terminal is not read");
    }
    typed
}
