//! The world around a router: an exchange that rings, applications that answer from a table, sounds of a known length, a
//! store that commits. Each of them can be told to fail or to be silent for ever.

mod api;
mod beside;
mod far_end;
mod group;
mod told;

pub use beside::{Server, Utterance};
pub use far_end::{FarEnd, NO_LINE};

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tipring_card::{Cause, Law, Micros, Supervision};
use tipring_numbering::{Class, Plan, TypeOfNumber};
use tipring_resources::{
    Account, AccountStatus, Call, CallStatus, Code, Method, Notification, Number, NumberOrigin, Record, Recording, Sid,
    SidKind, Stamp,
};
use tipring_router::{
    AttemptId, CallChange, Config, DirectoryChange, Effect, Event, Exchange, HttpAnswer, HttpRequest, Instructions,
    LineCommand, LineEvent, LineKind, LineNumber, MediaSource, NewCall, Outbound, Outgoing, PlayId, Purpose, Reply,
    Request, RequestId, Router, SwitchCommand, SwitchEvent, TraceKind,
};
use tipring_switch::{Port, RoomId, TapId, Tone};

/// 2026-11-22 20:00 UTC.
pub const EPOCH: Stamp = Stamp(1_795_377_600_000_000);
pub const APP: &str = "http://app.test/voice";
/// A number that the configuration has verified.
pub const SHOWN: &str = "+12025550199";
/// Whom to call.
pub const BOB: &str = "+12025550123";
pub const EVE: &str = "+12025550124";

/// What an application does with a request.
#[derive(Clone, Debug)]
pub enum App {
    Says(&'static str, String),
    Fails(u32),
    Hangs,
    /// Takes so many milliseconds more.
    After(u64, Box<App>),
}

/// What becomes of a sound.
#[derive(Clone, Copy, Debug)]
pub enum SoundIs {
    Long(u64),
    Broken(u32),
    /// Begins, then breaks after so many milliseconds.
    BreaksAfter(u64),
    Silent,
}

/// Something that the caller heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    pub what: String,
    pub from_ms: u64,
    pub to_ms: u64,
    pub whole: bool,
}

pub struct Bench {
    pub router: Router,
    pub now: Micros,
    /// Everything that the router ever wanted, with its time.
    pub log: Vec<(Micros, Effect)>,
    pub requests: Vec<(Micros, HttpRequest)>,
    pub heard: Vec<Heard>,
    apps: BTreeMap<String, VecDeque<App>>,
    sounds: BTreeMap<String, SoundIs>,
    pending: BTreeMap<(Micros, u64), Event>,
    playing: BTreeMap<PlayId, (String, Micros, Port)>,
    tones: BTreeMap<PlayId, (String, u64)>,
    taps: BTreeMap<TapId, Tapped>,
    sequence: u64,
    generation: u32,
    pub line_answers: bool,
    pub line_clears: bool,
    pub store_commits: bool,
    pub files_close: bool,
    pub app_latency_ms: u64,
    /// Whether the caller speaks into a recording.
    pub caller_speaks: bool,
    pub recording_ms: u32,
    /// Who is called, by number, and how he behaves; others answer after two seconds.
    far_ends: BTreeMap<String, FarEnd>,
    /// Crosspoints that the router has made and not taken back: listener and talker.
    pub connected: BTreeSet<(Port, Port)>,
    /// Seats in rooms of the switch: hears, talks.
    pub seats: BTreeMap<Port, (RoomId, bool, bool)>,
    /// Voices of the box that are in use.
    pub voices: BTreeSet<Port>,
    /// Every crosspoint that ever was, with its time.
    pub bridges: Vec<(Micros, Port, Port)>,
    /// Leases of lines that we called on, in order, with the number called.
    pub called: Vec<(Port, String)>,
    requests_made: u64,
    /// Recognizers, streams, gateway.
    pub beside: beside::Hands,
}

struct Tapped {
    port: Port,
    sid: Option<Sid>,
}

pub fn account() -> Account {
    Account {
        sid: Sid::new(SidKind::Account, 0xac),
        friendly_name: "test".into(),
        status: AccountStatus::Active,
        token: "secret".into(),
        created: EPOCH,
        updated: EPOCH,
        parent: None,
        contact: String::new(),
        voice: tipring_resources::VoiceSettings::default(),
        public_media: false,
    }
}

pub fn number(phone: &str) -> Number {
    let id = phone.bytes().fold(7_u128, |id, b| id * 31 + u128::from(b));
    Number {
        sid: Sid::new(SidKind::Number, id),
        account: account().sid,
        phone_number: phone.into(),
        friendly_name: phone.into(),
        voice_url: APP.into(),
        voice_method: Method::Post,
        voice_fallback_url: String::new(),
        voice_fallback_method: Method::Post,
        status_callback: String::new(),
        status_callback_method: Method::Post,
        strict_documents: false,
        origin: NumberOrigin::Api,
        created: EPOCH,
        updated: EPOCH,
        voice_application: None,
        sms_url: String::new(),
        sms_method: tipring_resources::Method::Post,
        sms_fallback_url: String::new(),
        sms_fallback_method: tipring_resources::Method::Post,
        sms_application: None,
    }
}

pub fn config(seed: u64) -> Config {
    Config {
        seed,
        epoch: EPOCH,
        plan: Plan {
            country: "1".into(),
            area: "202".into(),
            trunk_prefix: String::new(),
            international_prefix: "011".into(),
            ..Plan::default()
        },
        outbound: Outbound {
            open: [Class::National, Class::Mobile, Class::TollFree, Class::Short].into(),
            caller_ids: vec![SHOWN.into()],
            queue_limit: Micros::from_s(60),
            ..Outbound::default()
        },
        public_base: "http://127.0.0.1:8080".into(),
        sources: 100..116,
        apology: "sorry".into(),
        unconfigured: "no application".into(),
        ..Config::default()
    }
}

impl Bench {
    /// A box with one account and the number 100, whose application answers with this.
    pub fn with(inner: &str) -> Bench {
        let mut bench = Bench::bare(1);
        bench.knows(number("100"));
        bench.app(APP, &[xml(inner)]);
        bench
    }

    /// A box with one account.
    pub fn bare(seed: u64) -> Bench {
        let mut bench = Bench {
            router: Router::new(config(seed)),
            now: Micros::ZERO,
            log: Vec::new(),
            requests: Vec::new(),
            heard: Vec::new(),
            apps: BTreeMap::new(),
            sounds: BTreeMap::new(),
            pending: BTreeMap::new(),
            playing: BTreeMap::new(),
            tones: BTreeMap::new(),
            taps: BTreeMap::new(),
            sequence: 0,
            generation: 0,
            line_answers: true,
            line_clears: true,
            store_commits: true,
            files_close: true,
            app_latency_ms: 3,
            caller_speaks: true,
            recording_ms: 4_000,
            far_ends: BTreeMap::new(),
            connected: BTreeSet::new(),
            seats: BTreeMap::new(),
            voices: BTreeSet::new(),
            bridges: Vec::new(),
            called: Vec::new(),
            requests_made: 100,
            beside: beside::Hands::default(),
        };
        bench.event(Event::Directory(DirectoryChange::Account(account())));
        bench
    }

    pub fn knows(&mut self, number: Number) {
        self.event(Event::Directory(DirectoryChange::Number(number)));
    }

    /// What the application at this URL answers, one after the other; the last for ever.
    pub fn app(&mut self, url: &str, answers: &[App]) {
        self.apps.insert(url.into(), answers.iter().cloned().collect());
    }

    /// What becomes of sounds whose URL or text holds this.
    pub fn sound(&mut self, part: &str, is: SoundIs) {
        self.sounds.insert(part.into(), is);
    }

    /// The exchange rings: from +12025550100 to 100.
    pub fn rings(&mut self) -> Port {
        self.rings_for("100")
    }

    pub fn rings_for(&mut self, called: &str) -> Port {
        let calling = line_number("2025550100", TypeOfNumber::National, false);
        self.rings_from(called, Some(calling), Some("Ann Example"))
    }

    pub fn rings_from(&mut self, called: &str, calling: Option<LineNumber>, name: Option<&str>) -> Port {
        self.comes_in(LineKind::Isdn, called, calling, name)
    }

    /// Somebody dials on a telephone of the box, at a port without a number.
    pub fn telephone_dials(&mut self, number: &str) -> Port {
        self.comes_in(LineKind::Telephone, number, None, None)
    }

    fn comes_in(&mut self, kind: LineKind, called: &str, calling: Option<LineNumber>, name: Option<&str>) -> Port {
        self.generation += 1;
        let lease = Port { index: 7, generation: self.generation };
        self.event(Event::Line(LineEvent::Incoming {
            lease,
            line: "sim 1/7".into(),
            law: Law::A,
            kind,
            called: line_number(called, TypeOfNumber::Unknown, false),
            calling,
            caller_name: name.map(Into::into),
            redirecting: None,
        }));
        lease
    }

    pub fn presses(&mut self, lease: Port, keys: &str) {
        for key in keys.bytes() {
            self.event(Event::Switch(SwitchEvent::Key { port: lease, key }));
        }
    }

    pub fn hangs_up(&mut self, lease: Port) {
        self.clears(lease, Cause::NORMAL);
    }

    pub fn clears(&mut self, lease: Port, cause: Cause) {
        self.event(Event::Line(LineEvent::Cleared { lease, cause, by_far_end: true }));
        self.detach(lease);
    }

    /// Tells the router something, now, and carries out what it wants.
    pub fn event(&mut self, event: Event) {
        self.notice_event(&event);
        self.router.handle(self.now, event);
        self.carry_out();
        self.run_to(self.now);
    }

    /// Lets time pass.
    pub fn wait_ms(&mut self, ms: u64) {
        self.run_to(self.now + Micros::from_ms(ms));
    }

    /// Until nothing is left to happen, but not longer than a day.
    pub fn run_out(&mut self) {
        self.run_to(self.now + Micros::from_s(86_400));
    }

    fn run_to(&mut self, until: Micros) {
        for _ in 0..1_000_000 {
            let event = self.pending.keys().next().map(|(at, _)| *at);
            let timer = self.router.deadline();
            let next = event.unwrap_or(Micros::FOREVER).min(timer.unwrap_or(Micros::FOREVER));
            if next > until {
                self.now = until;
                return;
            }
            self.now = self.now.max(next);
            let event = match event {
                Some(at) if at == next => self.pending.pop_first().map_or(Event::Timer, |(_, event)| event),
                _ => Event::Timer,
            };
            if let Event::Switch(SwitchEvent::Played { play, whole, .. }) = event {
                self.played(play, whole);
            }
            self.notice_event(&event);
            self.router.handle(self.now, event);
            self.carry_out();
        }
        panic!("it never comes to rest");
    }

    pub fn later(&mut self, ms: u64, event: Event) {
        self.sequence += 1;
        self.pending.insert((self.now + Micros::from_ms(ms), self.sequence), event);
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.router.poll() {
            self.log.push((self.now, effect.clone()));
            self.react(effect);
        }
    }

    fn react(&mut self, effect: Effect) {
        match effect {
            Effect::Http { id, request } => {
                self.requests.push((self.now, request.clone()));
                if let Some((answer, ms)) = self.answer(&request) {
                    self.later(self.app_latency_ms + ms, Event::Http { id, answer });
                }
            }
            Effect::Line(LineCommand::Answer { lease }) if self.line_answers => {
                self.later(20, Event::Line(LineEvent::Answered { lease, by: tipring_card::Supervision::Connect }));
            }
            Effect::Line(LineCommand::Dial { attempt, call }) => self.dialled(attempt, &call),
            Effect::Line(LineCommand::Clear { lease, cause }) => {
                self.detach(lease);
                if self.line_clears {
                    self.later(30, Event::Line(LineEvent::Cleared { lease, cause, by_far_end: false }));
                }
            }
            Effect::Write { id, .. } if self.store_commits => {
                self.later(5, Event::Written { id, result: Ok(()) });
            }
            Effect::Media { id, port, play, source, .. } => self.media(id, port, play, &source),
            Effect::Switch(command) => self.switch(command),
            Effect::OpenRecording { sid, tap, second, .. } => {
                if let Some((second, _)) = second {
                    self.taps.insert(second, Tapped { port: Port { index: 0, generation: 0 }, sid: Some(sid) });
                }
                self.taps.insert(tap, Tapped { port: Port { index: 0, generation: 0 }, sid: Some(sid) });
            }
            Effect::CloseRecording { sid, drop_tail_ms, discard, .. } if self.files_close => {
                let duration_ms = if discard { 0 } else { self.recording_ms.saturating_sub(drop_tail_ms) };
                let closed = Event::RecordingClosed { sid, duration_ms: Some(duration_ms), text: String::new() };
                self.later(40, closed);
            }
            effect => self.react_beside(effect),
        }
    }

    fn switch(&mut self, command: SwitchCommand) {
        match command {
            SwitchCommand::Play { play, .. } => drop(self.tones.insert(play, (String::new(), 0))),
            SwitchCommand::Tone { play, tone, port: port_of_tone } => {
                let endless = match tone {
                    Tone::Ringback(zone) => Some(format!("ringback {}", zone.tones().code)),
                    Tone::Congestion(zone) => Some(format!("congestion {}", zone.tones().code)),
                    _ => None,
                };
                if let Some(text) = endless {
                    self.tones.remove(&play);
                    return self.starts(play, port_of_tone, text, 0);
                }
                let (sign, length) = match tone {
                    Tone::Beep => ("beep".to_owned(), 250),
                    Tone::Key(key) => (char::from(key).to_string(), 160),
                    Tone::Silence(blocks) => ("w".to_owned(), 10 * u64::from(blocks)),
                    Tone::Ringback(_) | Tone::Congestion(_) => (String::new(), 0),
                };
                let (text, ms) = self.tones.entry(play).or_default();
                text.push_str(&sign);
                *ms += length;
            }
            // An endless tone has begun already, and does not end by this.
            SwitchCommand::FeedEnd { play, .. }
                if !self.tones.contains_key(&play) && self.playing.contains_key(&play) => {}
            SwitchCommand::FeedEnd { play, port } => {
                let (text, ms) = self.tones.remove(&play).unwrap_or_default();
                self.starts(play, port, text, 0);
                self.later(ms, Event::Switch(SwitchEvent::Played { port, play, octets: 0, whole: true }));
            }
            SwitchCommand::Stop { play, port } => self.cut(play, port),
            SwitchCommand::Tap { port, tap, quiet_ms, .. } => {
                self.taps.entry(tap).or_insert(Tapped { port, sid: None }).port = port;
                if quiet_ms > 0 {
                    let spoken = self.caller_speaks;
                    let quiet = Event::Switch(SwitchEvent::Quiet { port, tap, spoken });
                    let speech_ms = if spoken { u64::from(self.recording_ms) } else { 0 };
                    self.later(speech_ms + u64::from(quiet_ms), quiet);
                }
            }
            SwitchCommand::Listen { port, tap, quiet_ms } => {
                self.taps.entry(tap).or_insert(Tapped { port, sid: None }).port = port;
                self.ear(port, tap, quiet_ms);
            }
            SwitchCommand::TapHeard { port, tap } => {
                self.taps.entry(tap).or_insert(Tapped { port, sid: None }).port = port;
            }
            SwitchCommand::AttachSource { port, .. } => assert!(self.voices.insert(port), "attached twice"),
            SwitchCommand::Detach { port } => {
                assert!(self.voices.remove(&port), "was not attached");
                self.detach(port);
            }
            SwitchCommand::Join { port, room, hears, talks } => drop(self.seats.insert(port, (room, hears, talks))),
            SwitchCommand::Leave { port } => drop(self.seats.remove(&port)),
            SwitchCommand::Untap { tap, .. } => self.tap_ends(tap),
            SwitchCommand::Connect { listener, talker } => {
                assert!(self.connected.insert((listener, talker)), "connected twice");
                self.bridges.push((self.now, listener, talker));
            }
            SwitchCommand::Disconnect { listener, talker } => {
                assert!(self.connected.remove(&(listener, talker)), "was not connected");
            }
            _ => {}
        }
    }

    /// A playing ends at once.
    fn cut(&mut self, play: PlayId, port: Port) {
        self.pending.retain(|_, event| match event {
            Event::Switch(SwitchEvent::Played { play: p, .. } | SwitchEvent::Started { play: p, .. }) => *p != play,
            _ => true,
        });
        self.later(0, Event::Switch(SwitchEvent::Played { port, play, octets: 0, whole: false }));
    }

    fn tap_ends(&mut self, tap: TapId) {
        if let Some(tapped) = self.taps.remove(&tap) {
            self.pending.retain(|_, event| {
                !matches!(event,
                Event::Switch(SwitchEvent::Quiet { tap: t, .. } | SwitchEvent::Speaks { tap: t, .. }) if *t == tap)
            });
            let spoken = self.caller_speaks;
            let ended = SwitchEvent::TapEnded { port: tapped.port, tap, blocks: 400, lost: 0, spoken };
            self.later(0, Event::Switch(ended));
        }
    }

    /// The port leaves the switch: its taps and playings end.
    pub fn detach(&mut self, lease: Port) {
        self.leave(lease);
        self.run_to(self.now);
    }

    fn leave(&mut self, lease: Port) {
        self.seats.remove(&lease);
        let plays: Vec<PlayId> = self.playing.iter().filter(|(_, p)| p.2 == lease).map(|(play, _)| *play).collect();
        for play in plays {
            self.cut(play, lease);
        }
        let taps: Vec<TapId> = self.taps.iter().filter(|(_, t)| t.port == lease).map(|(tap, _)| *tap).collect();
        for tap in taps {
            self.tap_ends(tap);
        }
    }

    fn media(&mut self, id: tipring_router::MediaId, port: Port, play: PlayId, source: &MediaSource) {
        let text = match source {
            MediaSource::Url(url) => url.clone(),
            MediaSource::Speech { text, .. } => text.clone(),
            MediaSource::Music => "music".to_owned(),
        };
        let found = self.sounds.iter().find(|(part, _)| text.contains(part.as_str())).map(|(_, is)| *is);
        match found.unwrap_or(SoundIs::Long(1_000)) {
            SoundIs::Long(ms) => {
                self.starts(play, port, text, 10);
                let played = SwitchEvent::Played { port, play, octets: 0, whole: true };
                self.later(10 + ms, Event::Switch(played));
            }
            SoundIs::Broken(code) => {
                self.later(10, Event::MediaFailed { id, code: Code(code), text: "no such sound".into() });
            }
            SoundIs::BreaksAfter(ms) => {
                self.starts(play, port, text, 10);
                self.later(ms, Event::MediaFailed { id, code: Code(13420), text: "it broke".into() });
                let played = SwitchEvent::Played { port, play, octets: 0, whole: true };
                self.later(ms + 100, Event::Switch(played));
            }
            SoundIs::Silent => {}
        }
    }

    fn starts(&mut self, play: PlayId, port: Port, what: String, after_ms: u64) {
        self.playing.insert(play, (what, self.now + Micros::from_ms(after_ms), port));
        self.later(after_ms, Event::Switch(SwitchEvent::Started { port, play }));
    }

    fn played(&mut self, play: PlayId, whole: bool) {
        if let Some((what, from, _)) = self.playing.remove(&play) {
            self.heard.push(Heard { what, from_ms: from.as_ms(), to_ms: self.now.as_ms(), whole });
        }
    }

    fn answer(&mut self, request: &HttpRequest) -> Option<(HttpAnswer, u64)> {
        let app = match self.apps.get_mut(&request.url) {
            None => App::Fails(11200),
            Some(answers) if answers.len() > 1 => answers.pop_front()?,
            Some(answers) => answers.front()?.clone(),
        };
        let (app, ms) = match app {
            App::After(ms, app) => (*app, ms),
            app => (app, 0),
        };
        let exchange = Exchange {
            method: request.method,
            url: request.url.clone(),
            status: Some(200),
            duration_ms: u32::try_from(self.app_latency_ms).unwrap_or(0),
            ..Exchange::default()
        };
        let answer = match app {
            App::Says(kind, body) => HttpAnswer::Document {
                url: request.url.replace("u:p@", ""),
                content_type: (!kind.is_empty()).then(|| kind.to_owned()),
                body: body.into_bytes(),
                exchange,
            },
            App::Fails(code) => HttpAnswer::Failed { code: Code(code), text: "it failed".into(), exchange },
            App::Hangs | App::After(..) => return None,
        };
        Some((answer, ms))
    }
}

/// A document as the API takes it.
pub fn inline(inner: &str) -> Instructions {
    Instructions::Document(format!("<Response>{inner}</Response>"))
}

/// Another URL as the API takes it.
pub fn url(url: &str) -> Instructions {
    Instructions::Url { url: url.into(), method: Method::Post }
}

pub fn xml(inner: &str) -> App {
    App::Says("text/xml", format!("<?xml version=\"1.0\"?>\n<Response>{inner}</Response>"))
}

pub fn line_number(digits: &str, ton: TypeOfNumber, restricted: bool) -> LineNumber {
    LineNumber { digits: digits.into(), ton, restricted }
}

/// The value of a parameter; `None`: it was not sent.
pub fn value<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let mut found = request.params.iter().filter(|(n, _)| n == name);
    let value = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} was sent twice: {request:?}");
    value
}

/// A callback of progress; `all`: of everything, else of the end.
pub fn callback(all: bool) -> tipring_router::CallCallback {
    let events = tipring_router::CallEvents { initiated: all, ringing: all, answered: all, completed: true };
    tipring_router::CallCallback { url: "http://app.test/status".into(), method: Method::Post, events }
}
