//! What runs beside calls: recognizers that hear what is set, servers of streams, whoever knows machines, the gateway of
//! messages. Without settings there is none of them, and they say so.

use std::collections::BTreeMap;

use tipring_resources::{Message, MessageStatus};
use tipring_router::{ListenHeard, ListenId, StreamEvent, StreamId, StreamOrder};

use super::*;

/// What the caller says, and what a recognizer makes of it. Times are from the begin of listening.
#[derive(Clone, Debug, Default)]
pub struct Utterance {
    /// He begins to speak.
    pub at_ms: u64,
    /// He speaks so long.
    pub length_ms: u64,
    /// Told meanwhile.
    pub partials: Vec<(u64, &'static str, f32)>,
    /// At the end.
    pub text: &'static str,
    pub confidence: Option<f32>,
    /// From the end of listening to the last word; `None`: it never comes.
    pub final_ms: Option<u64>,
}

impl Utterance {
    /// Says this after a second, for a second.
    pub fn of(text: &'static str) -> Utterance {
        Utterance { at_ms: 1_000, length_ms: 1_000, text, confidence: Some(0.5), final_ms: Some(200), partials: vec![] }
    }
}

/// How a stream's server behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Server {
    /// Takes every stream, and stops when it is told.
    #[default]
    Takes,
    Refuses(u32),
    /// Takes it, and closes it after so many milliseconds.
    Closes(u64),
    /// Never says anything.
    Hangs,
}

#[derive(Default)]
pub struct Hands {
    /// Callers speak like this; `None`: there is no recognizer.
    pub says: Option<Utterance>,
    pub server: Server,
    /// The verdict on who answers, and after which time.
    pub verdict: Option<(&'static str, u64)>,
    /// What a recording is understood as.
    pub text: Option<&'static str>,
    /// What the gateway makes of messages; `None`: there is no gateway.
    pub gateway: Option<MessageStatus>,
    pub gateway_hangs: bool,
    /// Messages that the gateway got.
    pub messages: Vec<Message>,
    /// Streams that are open.
    pub streams: BTreeMap<StreamId, StreamOrder>,
    /// Keys that servers were told.
    pub keys: Vec<u8>,
    listens: BTreeMap<ListenId, bool>,
}

impl Hands {
    #[track_caller]
    pub fn nothing_is_left(&self) {
        assert!(self.listens.is_empty(), "{:?} listen on", self.listens);
        assert!(self.streams.is_empty(), "{:?} stay open", self.streams.keys());
    }
}

impl Bench {
    /// An ear: when it is spoken, and when no more.
    pub(super) fn ear(&mut self, port: Port, tap: TapId, quiet_ms: u32) {
        let quiet_ms = u64::from(quiet_ms);
        match self.beside.says.clone() {
            Some(says) => {
                self.later(says.at_ms, Event::Switch(SwitchEvent::Speaks { port, tap }));
                let quiet = Event::Switch(SwitchEvent::Quiet { port, tap, spoken: true });
                self.later(says.at_ms + says.length_ms + quiet_ms, quiet);
            }
            None => self.later(quiet_ms, Event::Switch(SwitchEvent::Quiet { port, tap, spoken: false })),
        }
    }

    pub(super) fn react_beside(&mut self, effect: Effect) {
        match effect {
            Effect::Listen { id, listen, .. } => self.listens(id, listen.continuous, listen.partial),
            Effect::EndListen { id, dropped } => self.end_listen(id, dropped),
            Effect::Classify { tap, .. } => {
                if let Some((verdict, ms)) = self.beside.verdict {
                    let after_ms = u32::try_from(ms).unwrap_or(0);
                    self.later(ms, Event::Classified { tap, verdict: verdict.into(), after_ms });
                }
            }
            Effect::Transcribe { sid, .. } => {
                let none = Err((Code(13618), "no recognizer is configured".to_owned()));
                let result = self.beside.text.map_or(none, |text| Ok(text.to_owned()));
                self.later(3_000, Event::Transcribed { sid, result });
            }
            Effect::OpenStream { id, stream } => self.open_stream(id, *stream),
            Effect::StreamKey { id, key } => {
                assert!(self.beside.streams.contains_key(&id), "a key for a stream that is over");
                self.beside.keys.push(key);
            }
            Effect::CloseStream { id } => {
                assert!(self.beside.streams.remove(&id).is_some(), "closed twice, or after its end");
                self.pending.retain(|_, event| !matches!(event, Event::Stream { id: i, .. } if *i == id));
                if self.beside.server != Server::Hangs {
                    self.later(10, Event::Stream { id, event: StreamEvent::Stopped });
                }
            }
            Effect::SendMessage(message) => self.send(&message),
            _ => {}
        }
    }

    fn listens(&mut self, id: ListenId, continuous: bool, partial: bool) {
        let Some(says) = self.beside.says.clone() else {
            let heard = ListenHeard::Failed { code: Code(13326), text: "no recognizer is configured".into() };
            return self.later(5, Event::Heard { id, heard });
        };
        self.beside.listens.insert(id, continuous);
        for (ms, text, stability) in says.partials.iter().filter(|_| partial) {
            let heard = ListenHeard::Partial { text: (*text).into(), stability: Some(*stability) };
            self.later(says.at_ms + ms, Event::Heard { id, heard });
        }
        if continuous {
            let heard = ListenHeard::Final { text: says.text.into(), confidence: says.confidence };
            self.later(says.at_ms + says.length_ms, Event::Heard { id, heard });
        }
    }

    fn end_listen(&mut self, id: ListenId, dropped: bool) {
        let known = self.beside.listens.remove(&id);
        if dropped {
            self.pending.retain(|_, event| !matches!(event, Event::Heard { id: i, .. } if *i == id));
            return;
        }
        let (Some(continuous), Some(says)) = (known, self.beside.says.clone()) else { return };
        let Some(ms) = says.final_ms else {
            self.beside.listens.insert(id, continuous);
            return;
        };
        let heard = match continuous {
            false => ListenHeard::Final { text: says.text.into(), confidence: says.confidence },
            true => ListenHeard::Ended,
        };
        self.later(ms, Event::Heard { id, heard });
    }

    fn open_stream(&mut self, id: StreamId, stream: StreamOrder) {
        let server = self.beside.server;
        let mut told = |ms: u64, event: StreamEvent| self.later(ms, Event::Stream { id, event });
        match server {
            Server::Takes => told(15, StreamEvent::Started),
            Server::Closes(ms) => {
                told(15, StreamEvent::Started);
                told(15 + ms, StreamEvent::Stopped);
            }
            Server::Refuses(code) => {
                told(15, StreamEvent::Failed { code: Code(code), text: "nobody listens there".into() });
            }
            Server::Hangs => {}
        }
        self.beside.streams.insert(id, stream);
    }

    /// A stream that its server has ended is no longer open.
    pub(super) fn notice_event(&mut self, event: &Event) {
        if let Event::Stream { id, event: StreamEvent::Stopped | StreamEvent::Failed { .. } } = event {
            self.beside.streams.remove(id);
        }
        if let Event::Heard { id, heard } = event
            && (matches!(heard, ListenHeard::Failed { .. } | ListenHeard::Ended)
                || self.beside.listens.get(id) == Some(&false) && matches!(heard, ListenHeard::Final { .. }))
        {
            self.beside.listens.remove(id);
        }
    }

    fn send(&mut self, message: &Message) {
        self.beside.messages.push(message.clone());
        if self.beside.gateway_hangs {
            return;
        }
        let (status, fault) = match self.beside.gateway {
            Some(MessageStatus::Failed) => {
                (MessageStatus::Failed, Some((Code(30007), "the gateway does not want it".to_owned())))
            }
            Some(status) => (status, None),
            None => (MessageStatus::Failed, Some((Code(14108), "no gateway is configured".to_owned()))),
        };
        self.later(20, Event::MessageSent { sid: message.sid, status, fault });
    }

    /// The calls' first stream that is open.
    #[track_caller]
    pub fn stream(&self) -> (StreamId, &StreamOrder) {
        let (id, stream) = self.beside.streams.first_key_value().expect("no stream is open");
        (*id, stream)
    }
}
