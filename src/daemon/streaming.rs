//! Media streams in real time: a call's sound goes to their servers, what these say goes to a port, marks come back.

use std::collections::HashMap;

use tipring_card::Block;
use tipring_egress::Client;
use tipring_resources::Code;
use tipring_router::{Event, PlayId, StreamEvent, StreamId, StreamOrder, SwitchCommand};
use tipring_streams::{Incoming, MAX_WARNINGS, Order, Stream, Talking, Told, Track};
use tipring_webhook::{SIGNATURE_HEADER, sign};
use tokio::sync::mpsc;

use super::mouth::Mouth;
use crate::observe::Meters;

/// All streams.
#[derive(Default)]
pub struct Streaming {
    open: HashMap<StreamId, Open>,
    /// Who is heard on a playing.
    plays: HashMap<PlayId, StreamId>,
    meters: Meters,
}

struct Open {
    stream: Stream,
    mouth: Option<Mouth>,
    two_way: bool,
    /// Warnings of what was dropped.
    warned: usize,
}

/// Something that a server said was dropped: what.
#[derive(Debug, PartialEq, Eq)]
pub struct Dropped(&'static str);

/// What a stream's server is told at the start.
pub fn about(order: &StreamOrder) -> Talking {
    Talking {
        stream: order.sid.to_string(),
        account: order.account.to_string(),
        call: order.call.to_string(),
        parameters: order.parameters.clone(),
        tracks: order.tracks.iter().map(|tap| Track { law: tap.law, outbound: tap.outbound }).collect(),
    }
}

impl Streaming {
    /// None so far; they are counted by `meters`.
    pub fn new(meters: Meters) -> Self {
        Streaming { meters, ..Streaming::default() }
    }

    /// Opens one; `key` signs the upgrade. What happens to it goes to `tell`.
    pub fn open<T: Send + 'static>(
        &mut self,
        client: Client,
        key: &str,
        id: StreamId,
        order: &StreamOrder,
        tell: mpsc::Sender<T>,
        wrap: impl Fn(Told) -> T + Send + Sync + 'static,
    ) {
        let signature = sign(key, &Order::signed(&order.url), &[]);
        let wanted = Order { url: order.url.clone(), signature: (SIGNATURE_HEADER, signature), about: about(order) };
        let stream = Stream::open(client, wanted, tell, wrap);
        if let Some(ear) = order.heard {
            self.plays.insert(ear.play, id);
        }
        let (mouth, two_way) = (order.heard.map(Mouth::new), order.heard.is_some());
        self.open.insert(id, Open { stream, mouth, two_way, warned: 0 });
        self.meters.stream_opened();
    }

    /// A block of a track. The event, if any, is its last: the server does not read.
    pub fn block(&mut self, id: StreamId, track: usize, block: &Block) -> Option<Event> {
        self.send(id, |stream| stream.block(track, block))
    }

    /// The caller pressed a key; only a server that is heard gets it.
    pub fn key(&mut self, id: StreamId, key: u8) -> Option<Event> {
        let two_way = self.open.get(&id).is_some_and(|open| open.two_way);
        if two_way { self.send(id, |stream| stream.key(key)) } else { None }
    }

    /// It is to be over: its last word comes, within a bound of time.
    pub fn close(&mut self, id: StreamId) {
        if let Some(open) = self.open.get_mut(&id) {
            open.mouth = None;
            open.stream.close();
        }
    }

    fn send(
        &mut self,
        id: StreamId,
        word: impl FnOnce(&Stream) -> Result<(), tipring_streams::Fault>,
    ) -> Option<Event> {
        let fault = word(&self.open.get(&id)?.stream).err()?;
        self.forget(id, false);
        let event = StreamEvent::Failed { code: Code(fault.code()), text: fault.to_string() };
        Some(Event::Stream { id, event })
    }

    /// Something has happened to one: what the router is to hear of it, and what the switch is to do.
    pub fn told(&mut self, id: StreamId, told: Told, out: &mut Vec<SwitchCommand>) -> Option<Event> {
        let open = self.open.get_mut(&id)?;
        let event = match told {
            Told::Started => StreamEvent::Started,
            Told::Warned(warning) => StreamEvent::Warned { code: Code(warning.code), text: warning.text },
            Told::Heard(incoming) => {
                let dropped = said(open.mouth.as_mut(), incoming, out).err()?;
                self.meters.stream_word_dropped();
                if open.warned >= MAX_WARNINGS {
                    return None;
                }
                open.warned += 1;
                dropped.warning()
            }
            Told::Stopped => {
                self.forget(id, true);
                StreamEvent::Stopped
            }
            Told::Failed(fault) => {
                self.forget(id, false);
                StreamEvent::Failed { code: Code(fault.code()), text: fault.to_string() }
            }
        };
        Some(Event::Stream { id, event })
    }

    /// The player has room. `false`: the playing is no stream's.
    pub fn room(&mut self, play: PlayId, octets: usize, out: &mut Vec<SwitchCommand>) -> bool {
        let Some(id) = self.plays.get(&play) else {
            return false;
        };
        if let Some(mouth) = self.open.get_mut(id).and_then(|open| open.mouth.as_mut()) {
            mouth.room(octets, out);
        }
        true
    }

    /// A mark of a playing was passed: its server is told. `None`: the playing is no stream's.
    pub fn marked(&mut self, play: PlayId, mark: u32, out: &mut Vec<SwitchCommand>) -> Option<Option<Event>> {
        let id = *self.plays.get(&play)?;
        let mouth = self.open.get_mut(&id).and_then(|open| open.mouth.as_mut());
        let name = mouth.and_then(|mouth| mouth.marked(mark, out));
        Some(name.and_then(|name| self.send(id, |stream| stream.mark(name))))
    }

    /// A playing is over: nothing more of its server is heard.
    pub fn played(&mut self, play: PlayId) {
        if let Some(open) = self.plays.remove(&play).and_then(|id| self.open.get_mut(&id)) {
            open.mouth = None;
        }
    }

    fn forget(&mut self, id: StreamId, in_order: bool) {
        if self.open.remove(&id).is_some() {
            self.meters.stream_ended(in_order);
        }
        self.plays.retain(|_, of| *of != id);
    }
}

/// A server has said something. An error: there was no room for it.
pub fn said(mouth: Option<&mut Mouth>, incoming: Incoming, out: &mut Vec<SwitchCommand>) -> Result<(), Dropped> {
    // Of a stream of one way there is nobody who hears it.
    let Some(mouth) = mouth else { return Ok(()) };
    match incoming {
        Incoming::Media(octets) => mouth.sound(&octets, out).map_err(|_| Dropped("sound")),
        Incoming::Mark(name) => mouth.mark(name, out).map_err(|_| Dropped("a mark")),
        Incoming::Clear => {
            mouth.clear(out);
            Ok(())
        }
    }
}

impl Dropped {
    fn warning(&self) -> StreamEvent {
        let what = self.0;
        let text =
            format!("{what} of the server was dropped: too much waits to be heard; send clear, or wait for marks");
        StreamEvent::Warned { code: Code(31930), text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{SinkExt as _, StreamExt as _};
    use tipring_card::{BLOCK, Law};
    use tipring_resources::{Sid, SidKind};
    use tipring_router::{StreamEar, StreamTap};
    use tipring_switch::{FEED, PLAY_BUFFER, Port, TapId};
    use tokio_tungstenite::tungstenite::Message;

    const PLAY: PlayId = PlayId(9);
    const ID: StreamId = StreamId(5);

    fn order(url: String) -> StreamOrder {
        let sid = |kind| Sid::new(kind, 1);
        StreamOrder {
            account: sid(SidKind::Account),
            call: sid(SidKind::Call),
            sid: sid(SidKind::Stream),
            url,
            parameters: Vec::new(),
            tracks: vec![StreamTap { tap: TapId(1), law: Law::Mu, outbound: false }],
            heard: Some(StreamEar { port: Port { index: 3, generation: 1 }, play: PLAY, law: Law::Mu }),
        }
    }

    fn sound(out: &[SwitchCommand]) -> Vec<u8> {
        let piece = |command: &SwitchCommand| match command {
            SwitchCommand::Feed { len, data, .. } => data[..usize::from(*len)].to_vec(),
            _ => Vec::new(),
        };
        out.iter().flat_map(piece).collect()
    }

    #[tokio::test]
    async fn what_the_server_says_is_fed_with_room_its_mark_comes_back_and_its_close_is_the_end() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("ws://{}/", listener.local_addr().expect("an address"));
        let order = order(url);
        let (sid, spoken) = (order.sid, (0..20_000u32).map(|n| (n % 251) as u8).collect::<Vec<u8>>());
        let payload = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &spoken);
        let serving = tokio::spawn(async move {
            let (socket, _) = listener.accept().await.expect("a connection");
            let mut socket = tokio_tungstenite::accept_async(socket).await.expect("an upgrade");
            let say = |text: String| Message::text(text);
            let media = format!(r#"{{"event":"media","streamSid":"{sid}","media":{{"payload":"{payload}"}}}}"#);
            socket.send(say(media)).await.expect("sent");
            let mark = format!(r#"{{"event":"mark","streamSid":"{sid}","mark":{{"name":"said"}}}}"#);
            socket.send(say(mark)).await.expect("sent");
            let mut events = Vec::new();
            while let Some(Ok(Message::Text(text))) = socket.next().await {
                let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                events.push(value["event"].as_str().expect("a word").to_owned());
                if value["event"] == "mark" {
                    break;
                }
            }
            socket.close(None).await.expect("closed");
            while let Some(Ok(_)) = socket.next().await {}
            events
        });
        let client = Client::new(tipring_egress::Config::default()).expect("a client");
        let (tell, mut told) = mpsc::channel(64);
        let mut streaming = Streaming::default();
        streaming.open(client, "key", ID, &order, tell, |told| told);
        let (mut out, mut events) = (Vec::new(), Vec::new());
        // Started, the sound and the mark.
        for _ in 0..3 {
            let next = told.recv().await.expect("something");
            events.extend(streaming.told(ID, next, &mut out));
        }
        assert_eq!(events, [Event::Stream { id: ID, event: StreamEvent::Started }]);
        assert_eq!(sound(&out), spoken[..PLAY_BUFFER], "as much as a fresh player takes");
        assert!(streaming.room(PLAY, PLAY_BUFFER, &mut out) && streaming.room(PLAY, 8_000, &mut out));
        assert_eq!(sound(&out), spoken);
        assert!(out.iter().all(|it| !matches!(it, SwitchCommand::Feed { len, .. } if usize::from(*len) > FEED)));
        let Some(SwitchCommand::Mark { mark, .. }) = out.last() else { panic!("{:?}", out.last()) };
        assert_eq!(streaming.block(ID, 0, &[1; BLOCK]), None);
        assert_eq!(streaming.block(ID, 0, &[1; BLOCK]), None);
        assert_eq!(streaming.key(ID, b'7'), None);
        let mark = *mark;
        assert_eq!(streaming.marked(PLAY, mark, &mut out), Some(None));
        assert_eq!(streaming.marked(PlayId(1), 0, &mut out), None, "the playing is no stream's");
        let next = told.recv().await.expect("something");
        let last = streaming.told(ID, next, &mut out);
        assert_eq!(last, Some(Event::Stream { id: ID, event: StreamEvent::Stopped }));
        assert_eq!(serving.await.expect("it ran"), ["connected", "start", "media", "dtmf", "mark"]);
        assert!(streaming.open.is_empty() && streaming.plays.is_empty());
    }

    /// A server that takes whoever comes, and says nothing.
    async fn silent() -> (tokio::net::TcpListener, StreamOrder) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let order = order(format!("ws://{}/", listener.local_addr().expect("an address")));
        (listener, order)
    }

    #[tokio::test]
    async fn a_flood_is_warned_of_so_often_and_counted_to_its_end() {
        let (_listener, order) = silent().await;
        let client = Client::new(tipring_egress::Config::default()).expect("a client");
        let (tell, _told) = mpsc::channel::<Told>(64);
        let meters = Meters::default();
        let mut streaming = Streaming::new(meters.clone());
        streaming.open(client, "key", ID, &order, tell, |told| told);
        let (mut out, mut warnings) = (Vec::new(), 0);
        for n in 0..2_000 {
            let event = streaming.told(ID, Told::Heard(Incoming::Mark(n.to_string())), &mut out);
            warnings += usize::from(matches!(event, Some(Event::Stream { event: StreamEvent::Warned { .. }, .. })));
        }
        // The player holds 32, a thousand wait.
        assert_eq!((warnings, meters.figure("streams", "words_dropped")), (MAX_WARNINGS, Some(968)));
        assert!(out.len() < 100, "{} commands", out.len());
        assert_eq!(meters.figure("streams", "opened"), Some(1));
        streaming.told(ID, Told::Stopped, &mut out);
        streaming.told(ID, Told::Stopped, &mut out);
        assert_eq!(meters.figure("streams", "closed"), Some(1), "it ends once");
    }
}
