//! The protocol of a stream as a machine: blocks of 10 ms become messages of 20 ms, each track counts its own chunks,
//! every message but the first has its number. It knows no socket, and no clock but the blocks themselves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tipring_card::{BLOCK, Block, Law};
use tipring_dsp::a_to_mu;

use crate::outgoing::{Body, Connected, Dtmf, Format, Mark, Media, Message, Parameters, Start, Stop};

/// Which side of the call a track is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Track {
    /// Law of its blocks.
    pub law: Law,
    /// What the caller hears; else what the caller says.
    pub outbound: bool,
}

/// What a stream is about: told to the server at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Talking {
    /// `MZ…`
    pub stream: String,
    /// `AC…`
    pub account: String,
    /// `CA…`
    pub call: String,
    /// In order.
    pub parameters: Vec<(String, String)>,
    /// What is sent.
    pub tracks: Vec<Track>,
}

/// One stream's talk.
#[derive(Debug)]
pub struct Talk {
    about: Talking,
    sequence: u64,
    lanes: Vec<Lane>,
}

/// One track on its way out.
#[derive(Debug)]
struct Lane {
    track: Track,
    /// Messages so far.
    chunk: u64,
    waiting: [u8; FRAME],
    /// Octets of it that are there.
    held: usize,
}

impl Talk {
    /// A talk that has not begun.
    pub fn new(about: Talking) -> Talk {
        let lane = |track: &Track| Lane { track: *track, chunk: 0, waiting: [0; FRAME], held: 0 };
        let lanes = about.tracks.iter().map(lane).collect();
        Talk { about, sequence: 0, lanes }
    }

    /// `MZ…`
    pub fn sid(&self) -> &str {
        &self.about.stream
    }

    /// The first two texts: `connected` and `start`.
    pub fn begin(&mut self) -> [String; 2] {
        let connected = text(&Connected::NEW);
        let about = self.about.clone();
        let mut tracks: Vec<&'static str> = about.tracks.iter().map(|track| name(track.outbound)).collect();
        tracks.dedup();
        let start = Start {
            account_sid: &about.account,
            stream_sid: &about.stream,
            call_sid: &about.call,
            tracks,
            media_format: Format::ONLY,
            custom_parameters: Parameters(&about.parameters),
        };
        [connected, self.message("start", Body::Start(start))]
    }

    /// The next block of a track. Every other one makes a message.
    pub fn block(&mut self, lane: usize, block: &Block) -> Option<String> {
        let lane = self.lanes.get_mut(lane)?;
        for (into, octet) in lane.waiting[lane.held..].iter_mut().zip(block) {
            *into = match lane.track.law {
                Law::Mu => *octet,
                Law::A => a_to_mu(*octet),
            };
        }
        lane.held += BLOCK;
        if lane.held < FRAME {
            return None;
        }
        lane.held = 0;
        let payload = BASE64.encode(lane.waiting);
        let timestamp = (lane.chunk * FRAME_MS).to_string();
        lane.chunk += 1;
        let (track, chunk) = (name(lane.track.outbound), lane.chunk.to_string());
        Some(self.message("media", Body::Media(Media { track, chunk, timestamp, payload: &payload })))
    }

    /// The caller pressed a key.
    pub fn key(&mut self, key: u8) -> String {
        let digit = char::from(key).to_string();
        self.message("dtmf", Body::Dtmf(Dtmf { track: "inbound_track", digit }))
    }

    /// All before a mark was heard, or dropped.
    pub fn mark(&mut self, name: &str) -> String {
        self.message("mark", Body::Mark(Mark { name }))
    }

    /// The last text.
    pub fn end(&mut self) -> String {
        let (account, call) = (self.about.account.clone(), self.about.call.clone());
        self.message("stop", Body::Stop(Stop { account_sid: &account, call_sid: &call }))
    }

    fn message(&mut self, event: &'static str, body: Body<'_>) -> String {
        self.sequence += 1;
        text(&Message { event, sequence_number: self.sequence.to_string(), body, stream_sid: &self.about.stream })
    }
}

fn name(outbound: bool) -> &'static str {
    if outbound { "outbound" } else { "inbound" }
}

fn text(message: &impl serde::Serialize) -> String {
    // Only strings and numbers: there is nothing in it that JSON cannot say.
    serde_json::to_string(message).unwrap_or_default()
}

/// Octets of a message: 20 ms.
const FRAME: usize = 2 * BLOCK;
const FRAME_MS: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn talk(tracks: &[Track]) -> Talk {
        Talk::new(Talking {
            stream: "MZ1".into(),
            account: "AC1".into(),
            call: "CA1".into(),
            parameters: vec![("z".into(), "1".into()), ("a".into(), "2".into()), ("z".into(), "3".into())],
            tracks: tracks.to_vec(),
        })
    }

    fn json(text: &str) -> Value {
        serde_json::from_str(text).expect(text)
    }

    const MU: Track = Track { law: Law::Mu, outbound: false };

    #[test]
    fn the_start_is_as_the_dialect_has_it() {
        let mut talk = talk(&[MU, Track { law: Law::Mu, outbound: true }]);
        let [connected, start] = talk.begin();
        assert_eq!(connected, r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#);
        let wanted = json!({
            "event": "start", "sequenceNumber": "1", "streamSid": "MZ1",
            "start": {
                "streamSid": "MZ1", "accountSid": "AC1", "callSid": "CA1", "tracks": ["inbound", "outbound"],
                "customParameters": {"a": "2", "z": "3"},
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            },
        });
        assert_eq!(json(&start), wanted);
        assert!(start.contains(r#""customParameters":{"a":"2","z":"3"}"#), "{start}");
    }

    #[test]
    fn two_blocks_make_a_message_and_each_track_counts_for_itself() {
        let mut talk = talk(&[MU, Track { law: Law::Mu, outbound: true }]);
        talk.begin();
        assert_eq!(talk.block(0, &[1; BLOCK]), None);
        assert_eq!(talk.block(1, &[3; BLOCK]), None);
        let first = json(&talk.block(0, &[2; BLOCK]).expect("20 ms"));
        let second = json(&talk.block(1, &[4; BLOCK]).expect("20 ms"));
        let payload = BASE64.encode([[1; BLOCK], [2; BLOCK]].concat());
        let media = json!({"track": "inbound", "chunk": "1", "timestamp": "0", "payload": payload});
        assert_eq!(first, json!({"event": "media", "sequenceNumber": "2", "streamSid": "MZ1", "media": media}));
        assert_eq!(second["media"]["track"], "outbound");
        assert_eq!((&second["media"]["chunk"], &second["sequenceNumber"]), (&json!("1"), &json!("3")));
        talk.block(0, &[1; BLOCK]);
        let third = json(&talk.block(0, &[1; BLOCK]).expect("20 ms"));
        assert_eq!((&third["media"]["chunk"], &third["media"]["timestamp"]), (&json!("2"), &json!("20")));
    }

    #[test]
    fn a_law_is_recoded() {
        let mut talk = talk(&[Track { law: Law::A, outbound: false }]);
        talk.begin();
        talk.block(0, &[0xd5; BLOCK]);
        let media = json(&talk.block(0, &[0xd5; BLOCK]).expect("20 ms"));
        assert_eq!(media["media"]["payload"], BASE64.encode([a_to_mu(0xd5); FRAME]));
    }

    #[test]
    fn keys_marks_and_the_end() {
        let mut talk = talk(&[MU]);
        talk.begin();
        let key = json!({"track": "inbound_track", "digit": "#"});
        assert_eq!(
            json(&talk.key(b'#')),
            json!({"event": "dtmf", "sequenceNumber": "2", "streamSid": "MZ1", "dtmf": key})
        );
        let mark = json!({"name": "a \"b\""});
        let wanted = json!({"event": "mark", "sequenceNumber": "3", "streamSid": "MZ1", "mark": mark});
        assert_eq!(json(&talk.mark("a \"b\"")), wanted);
        let stop = json!({"accountSid": "AC1", "callSid": "CA1"});
        assert_eq!(
            json(&talk.end()),
            json!({"event": "stop", "sequenceNumber": "4", "streamSid": "MZ1", "stop": stop})
        );
    }
}
