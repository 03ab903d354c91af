//! What stands beside the calls of a scenario: recognizers, servers of streams, a message gateway. As a file names them,
//! and as machines on virtual time; none of them has a socket.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use serde_json::{Value, json};
use tipring_card::{Block, Micros};
use tipring_dsp::{Tone, ulaw_encode};
use tipring_resources::{Code, Message, MessageStatus};
use tipring_router::{Event, Listen, ListenHeard, ListenId, PlayId, StreamEvent, StreamId, StreamOrder, SwitchCommand};
use tipring_streams::{Incoming, Talk};

use super::mouth::Mouth;
use super::streaming::{about, said};

/// `[[recognizer]]`: hands its texts out in their order, one each time that it listens.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recognizer {
    /// Of this language tag; empty: every one.
    pub language: String,
    /// What it understands, one after another; nothing when all are out.
    pub says: Vec<String>,
    /// How certain it is.
    pub confidence: Option<f32>,
    /// What it understands before the end, each time that it listens, one each `every_ms`.
    pub partial: Vec<String>,
    /// How fast partial texts come, and the texts of one that goes on.
    pub every_ms: Option<u64>,
    /// It cannot listen: this error code.
    pub fails: u32,
}

/// `[[stream]]`: the server of a stream.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamServer {
    /// Of this URL; empty: every one.
    pub url: String,
    /// It does not take the stream: this error code, such as 31902.
    pub fails: u32,
    /// Sends back what it hears of the caller.
    pub echo: bool,
    /// Sends a tone of this frequency at once…
    pub tone_hz: f32,
    /// …so long.
    pub tone_ms: u32,
    /// Then a mark of this name.
    pub mark: String,
    /// Sends `clear` so long after the start.
    pub clear_after_ms: Option<u64>,
    /// Closes so long after the start.
    pub close_after_ms: Option<u64>,
    /// Closes when it hears this key.
    pub close_on: String,
}

/// `[message_gateway]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MessageGateway {
    /// It refuses every message with this code; 0: it takes them.
    pub refuses: u32,
    /// So long after a message it tells that it was delivered; never when left out.
    pub delivers_after_ms: Option<u64>,
}

/// `[[message]]`: somebody sends one to the box.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Incomer {
    /// When, as for `[[call]]`.
    pub at_ms: u64,
    /// Who.
    pub from: String,
    /// To which number.
    pub to: String,
    /// What it says.
    pub body: String,
}

/// What a stream's server got.
#[derive(Clone, Debug, Default)]
pub struct Streamed {
    /// Where.
    pub url: String,
    /// Every text but sound, in order.
    pub texts: Vec<Value>,
    /// The sound of each track, µ-law.
    pub sound: BTreeMap<String, Vec<u8>>,
}

/// All of it while a scenario runs.
pub(super) struct Beyond {
    recognizers: Vec<Recognizer>,
    servers: Vec<StreamServer>,
    gateway: Option<MessageGateway>,
    listens: BTreeMap<ListenId, Listens>,
    streams: BTreeMap<StreamId, Streams>,
    /// What all servers got, in the order in which their streams were opened.
    pub(super) streamed: Vec<Streamed>,
    /// What the gateway was given.
    pub(super) messages: Vec<Message>,
}

struct Listens {
    listen: Listen,
    /// Which of the recognizers; `None`: the media layer's.
    fake: Option<usize>,
    /// What it heard, for the media layer's.
    octets: Vec<u8>,
    next: Micros,
    /// Texts told before the end.
    told: usize,
}

struct Streams {
    server: StreamServer,
    talk: Talk,
    mouth: Option<Mouth>,
    play: Option<PlayId>,
    began: Micros,
    cleared: bool,
    /// Which of `streamed`.
    at: usize,
    sid: String,
}

/// A recognizer of the media layer is to hear all of a sound now.
pub(super) struct Whole {
    pub(super) listen: Listen,
    pub(super) octets: Vec<u8>,
}

/// When nothing else is said: between two partial texts.
const EVERY: Micros = Micros(500_000);
/// Octets of a listening that are kept: ten minutes.
const KEPT: usize = 4_800_000;

impl Beyond {
    pub(super) fn new(scenario: &super::scenario::Scenario) -> Self {
        Beyond {
            recognizers: scenario.recognizer.clone(),
            servers: scenario.stream.clone(),
            gateway: scenario.message_gateway.clone(),
            listens: BTreeMap::new(),
            streams: BTreeMap::new(),
            streamed: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// A recognizer begins to listen. An event: it cannot.
    pub(super) fn listen(&mut self, now: Micros, id: ListenId, listen: Listen) -> Option<Event> {
        let fits = |it: &Recognizer| it.language.is_empty() || it.language.eq_ignore_ascii_case(&listen.language);
        let fake = self.recognizers.iter().position(fits);
        if let Some(fails) = fake.map(|at| self.recognizers[at].fails).filter(|code| *code != 0) {
            let heard = ListenHeard::Failed { code: Code(fails), text: "the scenario's recognizer fails".into() };
            return Some(Event::Heard { id, heard });
        }
        let every = fake.map_or(Micros::FOREVER, |at| self.recognizers[at].every());
        let next = if fake.is_some() { now + every } else { Micros::FOREVER };
        self.listens.insert(id, Listens { listen, fake, octets: Vec::new(), next, told: 0 });
        None
    }

    pub(super) fn heard(&mut self, id: ListenId, block: &Block) {
        if let Some(listens) = self.listens.get_mut(&id).filter(|it| it.fake.is_none() && it.octets.len() < KEPT) {
            listens.octets.extend_from_slice(block);
        }
    }

    /// The sound of a recognizer is over: its last word, or what the media layer is to hear.
    pub(super) fn end_listen(&mut self, id: ListenId, dropped: bool) -> Option<Result<Event, Whole>> {
        let listens = self.listens.remove(&id)?;
        if dropped {
            return None;
        }
        let Listens { listen, fake, octets, .. } = listens;
        let Some(at) = fake else {
            return Some(Err(Whole { listen, octets }));
        };
        let heard = if listen.continuous {
            ListenHeard::Ended
        } else {
            let confidence = self.recognizers[at].confidence;
            ListenHeard::Final { text: self.recognizers[at].next_text(), confidence }
        };
        Some(Ok(Event::Heard { id, heard }))
    }

    /// What a recognizer of the scenario makes of a recording; `None`: there is none.
    pub(super) fn transcribe(&mut self, language: &str) -> Option<Result<String, (Code, String)>> {
        let fits = |it: &&mut Recognizer| it.language.is_empty() || it.language.eq_ignore_ascii_case(language);
        let recognizer = self.recognizers.iter_mut().find(fits)?;
        if recognizer.fails != 0 {
            return Some(Err((Code(recognizer.fails), "the scenario's recognizer fails".into())));
        }
        Some(Ok(recognizer.next_text()))
    }

    /// A stream is opened.
    pub(super) fn open(&mut self, now: Micros, id: StreamId, order: &StreamOrder) -> Event {
        let fits = |it: &&StreamServer| it.url.is_empty() || it.url == order.url;
        let Some(server) = self.servers.iter().find(fits).cloned() else {
            let event = StreamEvent::Failed { code: Code(31902), text: format!("{}: nobody is there", order.url) };
            return Event::Stream { id, event };
        };
        if server.fails != 0 {
            let event = StreamEvent::Failed { code: Code(server.fails), text: "the scenario's server fails".into() };
            return Event::Stream { id, event };
        }
        let mut talk = Talk::new(about(order));
        let texts = talk.begin();
        self.streamed.push(Streamed { url: order.url.clone(), ..Streamed::default() });
        let stream = Streams {
            server,
            talk,
            mouth: order.heard.map(Mouth::new),
            play: order.heard.map(|ear| ear.play),
            began: now,
            cleared: false,
            at: self.streamed.len() - 1,
            sid: order.sid.to_string(),
        };
        self.streams.insert(id, stream);
        for text in texts {
            self.hears(id, &text, &mut Vec::new());
        }
        Event::Stream { id, event: StreamEvent::Started }
    }

    /// What the server of a new stream says at once.
    pub(super) fn greet(&mut self, id: StreamId, out: &mut Vec<SwitchCommand>) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        let mut linear = vec![0; stream.server.tone_ms as usize * 8];
        Tone::new(stream.server.tone_hz, -10.0).fill(&mut linear);
        if !linear.is_empty() {
            stream.says(Incoming::Media(linear.into_iter().map(ulaw_encode).collect()), out);
        }
        if !stream.server.mark.is_empty() {
            stream.says(Incoming::Mark(stream.server.mark.clone()), out);
        }
    }

    /// A block of a track.
    pub(super) fn block(&mut self, id: StreamId, track: usize, block: &Block, out: &mut Vec<SwitchCommand>) {
        if let Some(text) = self.streams.get_mut(&id).and_then(|stream| stream.talk.block(track, block)) {
            self.hears(id, &text, out);
        }
    }

    /// A key of the caller; an event: the server has closed.
    pub(super) fn key(&mut self, id: StreamId, key: u8) -> Option<Event> {
        let stream = self.streams.get_mut(&id).filter(|stream| stream.mouth.is_some())?;
        let text = stream.talk.key(key);
        let closes = stream.server.close_on.as_bytes().contains(&key);
        self.hears(id, &text, &mut Vec::new());
        if closes {
            self.streams.remove(&id);
        }
        closes.then_some(Event::Stream { id, event: StreamEvent::Stopped })
    }

    /// A stream is closed by the box.
    pub(super) fn close(&mut self, id: StreamId) -> Option<Event> {
        let text = self.streams.get_mut(&id)?.talk.end();
        self.hears(id, &text, &mut Vec::new());
        self.streams.remove(&id);
        Some(Event::Stream { id, event: StreamEvent::Stopped })
    }

    /// The player has room. `false`: the playing is no stream's.
    pub(super) fn room(&mut self, play: PlayId, octets: usize, out: &mut Vec<SwitchCommand>) -> bool {
        let Some(stream) = self.streams.values_mut().find(|stream| stream.play == Some(play)) else {
            return false;
        };
        if let Some(mouth) = &mut stream.mouth {
            mouth.room(octets, out);
        }
        true
    }

    /// A mark was passed. `false`: the playing is no stream's.
    pub(super) fn marked(&mut self, play: PlayId, mark: u32, out: &mut Vec<SwitchCommand>) -> bool {
        let Some((id, stream)) = self.streams.iter_mut().find(|(_, stream)| stream.play == Some(play)) else {
            return false;
        };
        let id = *id;
        let name = stream.mouth.as_mut().and_then(|mouth| mouth.marked(mark, out));
        if let Some(text) = name.map(|name| stream.talk.mark(&name)) {
            self.hears(id, &text, out);
        }
        true
    }

    /// What happens by itself at this moment.
    pub(super) fn tick(&mut self, now: Micros, out: &mut Vec<SwitchCommand>) -> Vec<Event> {
        let mut events = Vec::new();
        for (id, listens) in &mut self.listens {
            if listens.next <= now
                && let Some(at) = listens.fake
            {
                listens.next = now + self.recognizers[at].every();
                let heard = self.recognizers[at].meanwhile(listens);
                events.extend(heard.map(|heard| Event::Heard { id: *id, heard }));
            }
        }
        let mut closed = Vec::new();
        for (id, stream) in &mut self.streams {
            let after = now.since(stream.began).as_ms();
            if stream.server.clear_after_ms.is_some_and(|at| after >= at)
                && !std::mem::replace(&mut stream.cleared, true)
            {
                stream.says(Incoming::Clear, out);
            }
            if stream.server.close_after_ms.is_some_and(|at| after >= at) {
                closed.push(*id);
            }
        }
        for id in closed {
            self.streams.remove(&id);
            events.push(Event::Stream { id, event: StreamEvent::Stopped });
        }
        events
    }

    /// A message goes to the gateway: what is told of it, and after how long.
    pub(super) fn send(&mut self, message: &Message) -> Vec<(Micros, Event)> {
        self.messages.push(message.clone());
        let sid = message.sid;
        let told = |status, fault| Event::MessageSent { sid, status, fault };
        let Some(gateway) = &self.gateway else {
            return vec![(Micros::ZERO, super::gateway::none(sid))];
        };
        if gateway.refuses != 0 {
            let fault = Some((Code(gateway.refuses), "the scenario's gateway refuses it".into()));
            return vec![(Micros::ZERO, told(MessageStatus::Failed, fault))];
        }
        let later = gateway.delivers_after_ms.map(|ms| (Micros::from_ms(ms), told(MessageStatus::Delivered, None)));
        std::iter::once((Micros::ZERO, told(MessageStatus::Sent, None))).chain(later).collect()
    }

    /// What is to be shown of each stream.
    pub(super) fn shown(&self) -> impl Iterator<Item = Value> {
        self.streamed.iter().map(|streamed| {
            let of = |event: &str, member: &str, name: &str| -> Vec<Value> {
                let fits = streamed.texts.iter().filter(|text| text["event"] == event);
                fits.map(|text| text[member][name].clone()).collect()
            };
            let sound: BTreeMap<&str, usize> =
                streamed.sound.iter().map(|(track, octets)| (track.as_str(), octets.len() / 8)).collect();
            json!({
                "stream": streamed.url, "sound_ms": sound, "keys": of("dtmf", "dtmf", "digit"),
                "marks": of("mark", "mark", "name"),
            })
        })
    }

    /// The server of a stream gets a text.
    fn hears(&mut self, id: StreamId, text: &str, out: &mut Vec<SwitchCommand>) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        let streamed = &mut self.streamed[stream.at];
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            return;
        };
        if value["event"] != "media" {
            streamed.texts.push(value);
            return;
        }
        let track = value["media"]["track"].as_str().unwrap_or_default().to_owned();
        // As any server would: what comes is read again as what goes.
        let back =
            json!({ "event": "media", "streamSid": stream.sid, "media": { "payload": value["media"]["payload"] } });
        if let Ok(incoming @ Incoming::Media(_)) = Incoming::read(&back.to_string(), &stream.sid) {
            let Incoming::Media(octets) = &incoming else { return };
            streamed.sound.entry(track.clone()).or_default().extend_from_slice(octets);
            if stream.server.echo && track == "inbound" {
                stream.says(incoming, out);
            }
        }
    }
}

impl Streams {
    fn says(&mut self, incoming: Incoming, out: &mut Vec<SwitchCommand>) {
        let _ = said(self.mouth.as_mut(), incoming, out);
    }
}

impl Recognizer {
    fn every(&self) -> Micros {
        self.every_ms.map_or(EVERY, |ms| Micros::from_ms(ms.max(10)))
    }

    fn next_text(&mut self) -> String {
        let mut says: VecDeque<String> = std::mem::take(&mut self.says).into();
        let text = says.pop_front().unwrap_or_default();
        self.says = says.into();
        text
    }

    /// What one that listens understands in between.
    fn meanwhile(&mut self, listens: &mut Listens) -> Option<ListenHeard> {
        if let Some(text) = self.partial.get(listens.told).filter(|_| listens.listen.partial) {
            listens.told += 1;
            return Some(ListenHeard::Partial { text: text.clone(), stability: Some(0.5) });
        }
        if !listens.listen.continuous || self.says.is_empty() {
            return None;
        }
        Some(ListenHeard::Final { text: self.next_text(), confidence: self.confidence })
    }
}
