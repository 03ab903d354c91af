//! The world of a bench in real time: the whole service on a simulated card, exchanges at its far end, an application
//! server. The bench itself runs on the process's first thread, the service on a runtime of its own.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tipring_card::Micros;
use tipring_dsp::{Tone, alaw_encode};
use tipring_resources::{Method, Number, NumberOrigin, Sid, SidKind};
use tipring_router::DirectoryChange;
use tipring_sim::{
    Call, CallReport, Exchange, ExchangeConfig, Office, OfficeConfig, Reply, Step, Subscriber, WallClock, Wire,
    WireConfig,
};

use super::application::{Answer, Answers, Application};
use crate::config::{self, Card, CardKind, Config, NumberClass, Role};
use crate::daemon::outcome::ScratchDir;
use crate::daemon::serve::{Service, StartError, Wiring, now, random};
use crate::daemon::settings::zone;
use crate::daemon::telephones::LINE_READY;

/// The country of the simulated lines.
const COUNTRY: &str = "us";
/// A called telephone that should be busy.
pub(super) const BUSY: &str = "2025550117";
/// One that never answers.
pub(super) const SILENT: &str = "2025550118";
/// The number that outgoing calls show.
pub(super) const SHOWN: &str = "+15005550006";
/// A called telephone rings so long.
const RINGS: Micros = Micros::from_ms(200);

/// How large the world is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// E1 spans.
    pub(super) spans: u16,
    /// Analogue lines.
    pub(super) analog: u16,
}

/// Everything of a bench.
pub(super) struct World {
    /// The runtime of the service.
    pub(super) runtime: tokio::runtime::Runtime,
    /// The service.
    pub(super) service: Option<Service>,
    /// The wire.
    pub(super) wire: Wire,
    /// The exchange of the spans.
    pub(super) exchange: Arc<Mutex<Exchange>>,
    /// The office of the analogue lines.
    pub(super) office: Arc<Mutex<Office>>,
    /// The application server.
    pub(super) app: Application,
    /// Where the state is.
    pub(super) state: PathBuf,
    /// Calls are given to the spans in turn: the exchange itself fills the first one until it refuses.
    spans: u16,
    next_span: std::cell::Cell<u16>,
    _clock: WallClock,
    _dir: ScratchDir,
}

fn failed(what: &str, why: &dyn std::fmt::Display) -> StartError {
    StartError { exit: 1, text: format!("bench: {what}: {why}") }
}

impl World {
    /// Starts all of it and waits until its lines are ready.
    pub(super) fn start(size: Size, answers: Arc<Answers>) -> Result<World, StartError> {
        let dir = ScratchDir::new()?;
        let app = Application::start(answers).map_err(|error| failed("the application", &error))?;
        let runtime = crate::daemon::serve::runtime()?;
        let (wire, exchange, office, clock) = far_end(size)?;
        let config = config(&dir, size);
        let wiring = Wiring { card: Some(Box::new(wire.near())), ..Wiring::default() };
        let service = runtime.block_on(Service::start(&config, wiring))?;
        let state = config.this.state_dir.clone();
        let world = World {
            runtime,
            service: Some(service),
            wire,
            exchange,
            office,
            app,
            state,
            spans: size.spans,
            next_span: std::cell::Cell::new(0),
            _clock: clock,
            _dir: dir,
        };
        let until = Instant::now() + Duration::from_secs(20);
        while world.wire.now() < LINE_READY && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(world)
    }

    /// Where its media layer is asked.
    pub(super) fn media_socket(&self) -> PathBuf {
        self._dir.path.join("run/media.sock")
    }

    /// The running service.
    pub(super) fn service(&self) -> &Service {
        self.service.as_ref().expect("it runs until the world ends")
    }

    /// Gives a number to a path of the application.
    pub(super) fn number(&self, digits: &str, path: &str) -> Result<(), StartError> {
        self.number_with(digits, path, "", "")
    }

    /// The same, with a fallback and a status callback.
    pub(super) fn number_with(&self, digits: &str, path: &str, fallback: &str, status: &str) -> Result<(), StartError> {
        let url =
            |path: &str| if path.is_empty() { String::new() } else { format!("http://{}{path}", self.app.address) };
        let (service, stamp) = (self.service(), now());
        let number = Number {
            sid: Sid::new(SidKind::Number, u128::from_le_bytes(random()?)),
            account: service.account.sid,
            phone_number: digits.into(),
            friendly_name: digits.into(),
            voice_url: url(path),
            voice_method: Method::Post,
            voice_fallback_url: url(fallback),
            voice_fallback_method: Method::Post,
            status_callback: url(status),
            status_callback_method: Method::Post,
            strict_documents: false,
            origin: NumberOrigin::Api,
            created: stamp,
            updated: stamp,
            voice_application: None,
            sms_url: String::new(),
            sms_method: tipring_resources::Method::Post,
            sms_fallback_url: String::new(),
            sms_fallback_method: tipring_resources::Method::Post,
            sms_application: None,
        };
        self.runtime.block_on(async {
            service.store.put_number(number.clone()).await.map_err(|error| failed("a number", &error))?;
            service.live.directory(DirectoryChange::Number(number)).await;
            Ok(())
        })
    }

    /// A telephone of the spans calls a number at once.
    pub(super) fn ring(&self, id: &str, from: &str, to: &str, steps: Vec<Step>) -> Result<(), StartError> {
        let span = self.next_span.get() % self.spans + 1;
        self.next_span.set(span);
        let call = Call {
            span: Some(tipring_card::SpanId(span)),
            id: id.into(),
            at: self.wire.now(),
            from: Some(from.into()),
            to: to.into(),
            steps,
            ..Call::default()
        };
        let mut exchange = self.exchange.lock().map_err(|_| failed("the exchange", &"stopped"))?;
        exchange.ring(call).map_err(|error| failed("a call", &error))
    }

    /// Somebody calls on an analogue line.
    pub(super) fn ring_analog(&self, id: &str, steps: Vec<Step>) -> Result<(), StartError> {
        let from = Some("2025550199".into());
        let call = Call { id: id.into(), at: self.wire.now(), from, steps, ..Call::default() };
        let mut office = self.office.lock().map_err(|_| failed("the office", &"stopped"))?;
        office.ring(call).map_err(|error| failed("a call", &error))
    }

    /// Telephones' calls that are over, given once.
    pub(super) fn take_finished(&self) -> Vec<CallReport> {
        let mut all = self.exchange.lock().map(|mut it| it.take_finished()).unwrap_or_default();
        all.extend(self.office.lock().map(|mut it| it.take_finished()).unwrap_or_default());
        all
    }

    /// Calls of the spans that are under way at the far end.
    pub(super) fn under_way(&self) -> usize {
        self.exchange.lock().map_or(0, |exchange| exchange.calls().count())
    }

    /// Waits until so many calls are up in the service; false if that takes longer than `limit`.
    pub(super) fn wait_for_calls(&self, wanted: impl Fn(usize) -> bool, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            if wanted(self.runtime.block_on(self.service().live.live_calls())) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Ends it.
    pub(super) fn stop(mut self) {
        if let Some(service) = self.service.take() {
            self.runtime.block_on(service.stop(Duration::ZERO, std::future::pending()));
        }
    }
}

type FarEnd = (Wire, Arc<Mutex<Exchange>>, Arc<Mutex<Office>>, WallClock);

fn far_end(size: Size) -> Result<FarEnd, StartError> {
    let wire = Wire::new(WireConfig { spans: size.spans, analog_ports: size.analog, ..WireConfig::default() });
    let steps = vec![Step::Wait { ms: 400 }, Step::hangup()];
    let somebody = |number: &str, reply| Subscriber { number: number.into(), reply };
    let subscribers = vec![
        somebody(BUSY, Reply::Refuse(tipring_card::Cause::USER_BUSY)),
        somebody(SILENT, Reply::RingForever),
        somebody("", Reply::Answer { rings: RINGS, steps }),
    ];
    let exchange = ExchangeConfig { subscribers, keeps_trace: false, keeps_sound: false, ..ExchangeConfig::default() };
    let exchange = Arc::new(Mutex::new(Exchange::new(wire.far(), exchange)));
    let office = OfficeConfig { zone: zone(COUNTRY), keeps_trace: false, ..OfficeConfig::default() };
    let office = Arc::new(Mutex::new(Office::new(wire.far(), office)));
    let turning = (exchange.clone(), office.clone());
    let clock = wire.run_wall(move |now| {
        if let (Ok(mut exchange), Ok(mut office)) = (turning.0.lock(), turning.1.lock()) {
            exchange.step(now);
            office.step(now);
        }
    });
    let clock = clock.map_err(|error| failed("the simulated line's clock", &error))?;
    Ok((wire, exchange, office, clock))
}

fn config(dir: &ScratchDir, size: Size) -> Config {
    let mut config = Config::default();
    config.this.state_dir = dir.path.join("state");
    config.this.cache_dir = dir.path.join("cache");
    config.this.runtime_dir = dir.path.join("run");
    config.listen.api = "127.0.0.1:0".into();
    config.this.country = COUNTRY.into();
    use NumberClass::{International, Mobile, National, Short, TollFree, Unknown};
    config.outbound = config::Outbound::without_limits();
    config.outbound.open = vec![Short, TollFree, National, Mobile, International, Unknown];
    config.outbound.caller_ids = vec![SHOWN.into()];
    let lines = (1..=size.spans).map(|span| format!("sim {span}")).collect();
    let group = config::Group { name: "isdn".into(), lines, ..config::Group::default() };
    config.group = vec![group];
    config.card = vec![Card { kind: CardKind::Sim, spans: Vec::new(), role: Role::User, prefill: 2 }];
    config
}

/// A prompt as an application keeps it: a tone, 8 kHz, 16 bit.
pub(super) fn prompt(ms: u32) -> Answer {
    let samples = ms as usize * 8;
    let mut pcm = vec![0i16; samples];
    Tone::new(440.0, -12.0).fill(&mut pcm);
    debug_assert!(pcm.iter().any(|sample| alaw_encode(*sample) != alaw_encode(0)));
    let length = (samples * 2) as u32;
    let mut wav = Vec::with_capacity(44 + samples * 2);
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + length).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&8_000u32.to_le_bytes());
    wav.extend_from_slice(&16_000u32.to_le_bytes());
    wav.extend_from_slice(b"\x02\0\x10\0data");
    wav.extend_from_slice(&length.to_le_bytes());
    for sample in pcm {
        wav.extend_from_slice(&sample.to_le_bytes());
    }
    Answer::sound(wav)
}
