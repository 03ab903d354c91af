//! `tipring dev`: the whole service on a simulated E1, with a sample application and a caller who uses it. It shows the
//! call as a timeline and says what to type next. Nothing here is special to the demonstration but the far end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tipring_card::{
    Card, CardError, Channel, ChannelId, ChannelInfo, ClockDomain, Event, Hook, Micros, Pace, Progress, Setup, SpanId,
    SpanInfo, SpanStatus,
};
use tipring_router::{DirectoryChange, Trace, TraceKind};
use tipring_sim::{Exchange, ExchangeConfig, Step, Wire, WireConfig};
use tipring_store::{CallFilter, Page, RecordingFilter};
use tokio::sync::broadcast::error::RecvError;

use super::app::{App, Document};
use super::callers::Callers;
use super::serve::{Service, StartError, Wiring, now};
use super::telephones::{sound_ms, write_wav};
use super::timeline::{Form, Timeline};
use crate::config::{Card as CardEntry, CardKind, Config, Role};

/// Port of the API unless another is asked for.
pub const API_PORT: u16 = 8080;
/// The number that the sample application answers.
pub const NUMBER: &str = "100";
/// The number of the simulated caller.
pub const CALLER: &str = "2025550100";
/// The first prompt of the sample application.
pub const WELCOME: &str = "Welcome to tipring. Press 1 for our opening hours, or 2 to leave a message.";
/// The demonstration call is over by then, or something is wrong.
const CALL_LIMIT: Duration = Duration::from_secs(90);
/// What the caller's telephone heard stays comparable with the prompt for this long after the answer.
const ID: &str = "demonstration";

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
    /// A planted fault.
    pub fault: Option<Fault>,
    /// Where state is kept; the user's state folder when `None`.
    pub state: Option<PathBuf>,
    /// Instead of the demonstration: so many callers who ring again and again, until Ctrl-C.
    pub calls: Option<u8>,
    /// The application of the number; the sample application when `None`.
    pub app: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options { once: false, json: false, port: API_PORT, fault: None, state: None, calls: None, app: None }
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
    let (config, file) = config(&state, options.port);
    let wire = Wire::new(WireConfig::default());
    let exchange = Exchange::new(wire.far(), ExchangeConfig::default());
    let exchange = Arc::new(Mutex::new(exchange));
    let turning = exchange.clone();
    let clock = wire.run_wall(move |now| {
        if let Ok(mut exchange) = turning.lock() {
            exchange.step(now);
        }
    });
    let clock = clock.map_err(|error| failed("the simulated line's clock", &error))?;
    let card: Box<dyn Card> = match options.fault {
        Some(Fault::Mute) => Box::new(Muted(Box::new(wire.near()))),
        None => Box::new(wire.near()),
    };
    let begun = now();
    let service = Service::start(&config, &file, Wiring { card: Some(card), hosts: Vec::new(), seed: None }).await?;
    let voice_url = options.app.clone().unwrap_or_else(|| format!("http://{}/menu", app.address()));
    give_number(&service, voice_url).await?;
    write_state(&state, &service, &app)?;
    let form = if options.json { Form::Json } else { Form::Text };
    let mut timeline = Timeline::new(std::io::stdout(), form);
    if let Some(count) = options.calls {
        Callers::new(exchange, wire, NUMBER).run(count, &service, &mut timeline).await?;
        service.stop(Duration::from_secs(2)).await;
        drop(clock);
        return Ok(Summary { ok: true, calls: 0, http: 0, verbs: 0, recordings: 0 });
    }
    let mut show = Show { timeline, verbs: 0, ended: false };
    if form == Form::Text {
        println!("a simulated E1, an application on http://{}, the API on http://{}\n", app.address(), service.api);
    }
    ring(&exchange, ID, wire.now() + super::telephones::LINE_READY, leaves_a_message())?;
    let called = follow(&mut show, &service, &exchange).await;
    let summary = summarise(&service, &app, &show, called, begun).await;
    if !summary.ok {
        explain(&exchange);
    }
    let heard = state.join("heard.wav");
    let octets = heard_octets(&exchange);
    write_wav(&heard, &octets).map_err(|error| failed(&heard.display().to_string(), &error))?;
    if options.json {
        let Summary { ok, calls, http, verbs, recordings } = summary;
        println!("{}", json!({"ok": ok, "calls": calls, "http": http, "verbs": verbs, "recordings": recordings}));
    } else {
        next_steps(&service, &app, &heard, &octets);
    }
    if !options.once {
        serve_on(&mut show, &service, &exchange, &wire).await;
    }
    service.stop(Duration::from_secs(2)).await;
    drop(clock);
    Ok(summary)
}

fn config(state: &Path, port: u16) -> (Config, PathBuf) {
    let mut config = Config::default();
    config.this.state_dir = state.join("dev");
    config.this.cache_dir = state.join("dev/cache");
    config.this.runtime_dir = state.join("dev/run");
    config.listen.api = format!("127.0.0.1:{port}");
    config.card = vec![CardEntry { kind: CardKind::Sim, spans: Vec::new(), role: Role::User, prefill: 2 }];
    (config, state.join("dev/none.toml"))
}

/// The sample application's number. It is set anew at each start, as the application's port is.
async fn give_number(service: &Service, voice_url: String) -> Result<(), StartError> {
    let failed = |error: tipring_store::StoreError| StartError { exit: 1, text: format!("the number: {error}") };
    let known = service.store.all_numbers().await.map_err(failed)?;
    let known = known.into_iter().find(|number| number.phone_number == NUMBER);
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
        phone_number: NUMBER.into(),
        friendly_name: "Sample application".into(),
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
    };
    service.store.put_number(number.clone()).await.map_err(failed)?;
    service.live.directory(DirectoryChange::Number(number)).await;
    Ok(())
}

/// Where the running demonstration can be reached, for the other commands and for programs.
fn write_state(state: &Path, service: &Service, app: &App) -> Result<(), StartError> {
    let file = state.join("dev.json");
    let text = json!({
        "api": format!("http://{}", service.api), "app": format!("http://{}", app.address()),
        "account": service.account.sid.to_string(), "token": service.account.token,
        "number": NUMBER, "heard": state.join("heard.wav"),
    });
    super::serve::write_secret(&file, &format!("{text:#}\n"))
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

/// A caller who presses each key when the application has fallen silent, and listens to the end.
fn presses(keys: &str) -> Vec<Step> {
    let mut steps = vec![Step::AwaitAnswer { limit_ms: 30_000 }];
    for key in keys.chars() {
        steps.extend([Step::AwaitQuiet { ms: 1_200, limit_ms: 20_000 }, Step::press(&key.to_string())]);
    }
    steps.push(Step::AwaitHangup { limit_ms: 120_000 });
    steps
}

fn ring(exchange: &Arc<Mutex<Exchange>>, id: &str, at: Micros, steps: Vec<Step>) -> Result<(), StartError> {
    let call = tipring_sim::Call {
        id: id.into(),
        at,
        from: Some(CALLER.into()),
        name: Some("A CALLER".into()),
        to: NUMBER.into(),
        steps,
        ..tipring_sim::Call::default()
    };
    let ring = |exchange: &mut Exchange| exchange.ring(call).map_err(|error| error.to_string());
    let rung = exchange.lock().map_err(|_| "the exchange stopped".to_string()).and_then(|mut it| ring(&mut it));
    rung.map_err(|text| StartError { exit: 1, text })
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
async fn follow(show: &mut Show, service: &Service, exchange: &Arc<Mutex<Exchange>>) -> bool {
    let mut traces = service.live.traces();
    let until = Instant::now() + CALL_LIMIT;
    while Instant::now() < until && !show.ended {
        match tokio::time::timeout(Duration::from_millis(200), traces.recv()).await {
            Ok(Ok(trace)) => show.trace(&trace),
            Ok(Err(RecvError::Lagged(missed))) => show.timeline.note(0, &format!("{missed} lines were missed")),
            Ok(Err(RecvError::Closed)) => return false,
            Err(_) => {
                let idle = exchange.lock().is_ok_and(|exchange| exchange.is_idle());
                show.ended = idle && service.live.live_calls().await == 0;
            }
        }
    }
    show.ended
}

/// What the far end saw of a call that did not go as it should.
fn explain(exchange: &Arc<Mutex<Exchange>>) {
    let Ok(exchange) = exchange.lock() else {
        return;
    };
    if let Some(call) = exchange.call(ID) {
        let cause = call.cause.map(|cause| format!("{} ({})", cause.text(), cause.0));
        eprintln!("tipring: the call did not go as it should; the exchange says: {cause:?} by {:?}", call.by);
        for step in call.phone.steps_ended() {
            eprintln!("tipring:   the telephone: {step:?}");
        }
    }
    for line in exchange.trace().iter().rev().take(20).rev() {
        eprintln!("tipring:   {:>9.3} {}", line.at.0 as f64 / 1e6, line.text);
    }
}

fn heard_octets(exchange: &Arc<Mutex<Exchange>>) -> Vec<u8> {
    let heard = |exchange: &Exchange| exchange.call(ID).map(|call| call.phone.heard().to_vec());
    exchange.lock().ok().and_then(|exchange| heard(&exchange)).unwrap_or_default()
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
        ok: called && done && calls.len() == 1 && recordings == 1,
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
    println!("\ngive the number {NUMBER} to your own application:");
    println!("  tipring numbers set {NUMBER} http://127.0.0.1:3000/voice\n");
    let _ = std::io::stdout().flush();
}

/// Shows calls until Ctrl-C. A line of keys typed at the terminal is a caller who presses them.
async fn serve_on(show: &mut Show, service: &Service, exchange: &Arc<Mutex<Exchange>>, wire: &Wire) {
    println!("serving until Ctrl-C; Enter rings {NUMBER} again, keys before it (e.g. 1) are pressed in that call");
    let mut traces = service.live.traces();
    let mut typed = typed_lines();
    for n in 2_u32.. {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return,
            Some(line) = typed.recv() => {
                let steps = presses(line.trim());
                let wrong = steps.iter().find_map(Step::complaint);
                match wrong.map_or_else(|| ring(exchange, &format!("{ID}-{n}"), wire.now(), steps), |why| {
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

/// The documents of the sample application.
pub fn documents() -> Vec<Document> {
    let document = |path: &str, digits: Option<&str>, body: String| Document {
        path: path.into(),
        when: digits.map(|digits| ("Digits".to_string(), digits.to_string())).into_iter().collect(),
        body,
        ..Document::default()
    };
    let menu = format!(
        "<Response>\n  <Gather numDigits=\"1\" timeout=\"5\" action=\"/pressed\">\n    <Say>{WELCOME}</Say>\n  \
         </Gather>\n  <Say>We heard no key.</Say>\n  <Redirect>/menu</Redirect>\n</Response>\n"
    );
    let hours = "<Response><Say>We are open from nine to five.</Say><Redirect>/menu</Redirect></Response>";
    let message = "<Response>\n  <Say>Please speak after the tone, then press hash.</Say>\n  \
                   <Record action=\"/thanks\" maxLength=\"60\" finishOnKey=\"#\"/>\n  \
                   <Say>We heard nothing.</Say>\n</Response>\n";
    let thanks = "<Response><Say>Thank you. Goodbye.</Say><Hangup/></Response>";
    vec![
        document("/menu", None, menu),
        document("/pressed", Some("1"), hours.into()),
        document("/pressed", Some("2"), message.into()),
        document("/pressed", None, "<Response><Redirect>/menu</Redirect></Response>".into()),
        document("/thanks", None, thanks.into()),
    ]
}

/// A card that sends silence whatever it is given: the planted fault of [`Fault::Mute`].
struct Muted(Box<dyn Card>);

impl Card for Muted {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn clock(&self) -> ClockDomain {
        self.0.clock()
    }
    fn spans(&self) -> &[SpanInfo] {
        self.0.spans()
    }
    fn channels(&self) -> &[ChannelInfo] {
        self.0.channels()
    }
    fn span_status(&mut self, span: SpanId) -> Result<SpanStatus, CardError> {
        self.0.span_status(span)
    }
    fn open(&mut self, channel: ChannelId) -> Result<Box<dyn Channel>, CardError> {
        let channel = self.0.open(channel)?;
        Ok(match channel.info().signalling {
            tipring_card::Signalling::Bearer => Box::new(MutedChannel(channel)),
            _ => channel,
        })
    }
    fn pace(&mut self) -> Result<Box<dyn Pace>, CardError> {
        self.0.pace()
    }
}

struct MutedChannel(Box<dyn Channel>);

impl Channel for MutedChannel {
    fn info(&self) -> &ChannelInfo {
        self.0.info()
    }
    fn setup(&mut self, setup: Setup) -> Result<(), CardError> {
        self.0.setup(setup)
    }
    fn read(&mut self, into: &mut [u8]) -> Result<usize, CardError> {
        self.0.read(into)
    }
    fn write(&mut self, from: &[u8]) -> Result<usize, CardError> {
        let silence = self.0.info().law.silence();
        self.0.write(&vec![silence; from.len()])
    }
    fn flush(&mut self) -> Result<(), CardError> {
        self.0.flush()
    }
    fn event(&mut self) -> Result<Option<Event>, CardError> {
        self.0.event()
    }
    fn hook(&mut self, hook: Hook) -> Result<Progress, CardError> {
        self.0.hook(hook)
    }
    fn dial(&mut self, digits: &str) -> Result<(), CardError> {
        self.0.dial(digits)
    }
    fn control(&self) -> Result<Box<dyn tipring_card::Control>, CardError> {
        Err(CardError::Invalid)
    }

    fn dialing(&mut self) -> Result<bool, CardError> {
        self.0.dialing()
    }
    fn fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.0.fd()
    }
}
