//! Who hears which tap: a recording's file, a recognizer, the detector of answering machines, a stream. One map; the
//! files and the detectors are here, a block for anybody else is handed back. The same in real time and on virtual time.

use std::collections::HashMap;

use tipring_card::{BLOCK, Block, Law};
use tipring_dsp::answer::{Answering, Expected, Settings};
use tipring_dsp::{ZoneId, alaw_decode, ulaw_decode};
use tipring_resources::Sid;
use tipring_router::{Event, ListenId, MachineDetection, MachineMode, StreamId};
use tipring_switch::TapId;

use super::recorder::{Closing, Recorder};

/// All that hears.
pub struct Ears {
    taps: HashMap<TapId, Ear>,
    recorder: Recorder,
    zone: ZoneId,
}

enum Ear {
    /// Of this recording; its right channel.
    Recording(Sid, bool),
    Machine(Box<Machine>),
    Listener(ListenId),
    /// Its track.
    Stream(StreamId, usize),
}

struct Machine {
    law: Law,
    detector: Answering,
}

/// Where a block is to go.
#[derive(Debug, PartialEq)]
// One is moved, and soon taken apart: a box for it would cost more than its size.
#[allow(clippy::large_enum_variant)]
pub enum Goes {
    /// Nowhere else.
    Nowhere,
    /// To a recognizer.
    Listener(ListenId),
    /// To a stream, as this track of it.
    Stream(StreamId, usize),
    /// It was the last that a detector needed.
    Verdict(Event),
    /// It was the first that a recording's disk did not take.
    Broken(Event),
}

impl Ears {
    /// Ears on lines of a country.
    pub fn new(recorder: Recorder, zone: ZoneId) -> Self {
        Ears { taps: HashMap::new(), recorder, zone }
    }

    /// Another country, for what begins from now on.
    pub fn set_zone(&mut self, zone: ZoneId) {
        self.zone = zone;
    }

    /// A file for the blocks of a tap; with a second one it has two channels, and that is the right one.
    pub fn record(&mut self, sid: Sid, tap: TapId, law: Law, second: Option<(TapId, Law)>) {
        self.recorder.open(sid, law, second.map(|(_, law)| law));
        self.taps.insert(tap, Ear::Recording(sid, false));
        if let Some((right, _)) = second {
            self.taps.insert(right, Ear::Recording(sid, true));
        }
    }

    /// Leaves out of a recording what comes, or goes on.
    pub fn pause(&mut self, sid: Sid, paused: bool, silence: bool) {
        self.recorder.pause(sid, paused, silence);
    }

    /// A recording is over.
    pub fn close(&mut self, sid: Sid, trim: bool, drop_tail_ms: u32, discard: bool) -> Closing {
        self.taps.retain(|_, ear| !matches!(ear, Ear::Recording(of, _) if *of == sid));
        self.recorder.close(sid, trim, drop_tail_ms, discard)
    }

    /// A detector hears a tap.
    pub fn classify(&mut self, tap: TapId, law: Law, how: &MachineDetection) {
        let settings = Settings {
            expected: match how.mode {
                MachineMode::Enable => Expected::Start,
                MachineMode::DetectMessageEnd => Expected::MessageEnd,
            },
            timeout_ms: how.timeout_s.saturating_mul(1000),
            speech_threshold_ms: how.speech_threshold_ms,
            speech_end_threshold_ms: how.speech_end_threshold_ms,
            silence_timeout_ms: how.silence_timeout_ms,
        };
        let detector = Answering::new(self.zone, settings);
        self.taps.insert(tap, Ear::Machine(Box::new(Machine { law, detector })));
    }

    /// A recognizer hears a tap.
    pub fn listen(&mut self, tap: TapId, id: ListenId) {
        self.taps.insert(tap, Ear::Listener(id));
    }

    /// A stream hears a tap.
    pub fn stream(&mut self, tap: TapId, id: StreamId, track: usize) {
        self.taps.insert(tap, Ear::Stream(id, track));
    }

    /// A block of a tap.
    pub fn block(&mut self, tap: TapId, block: &Block) -> Goes {
        let Some(ear) = self.taps.get_mut(&tap) else {
            return Goes::Nowhere;
        };
        match ear {
            Ear::Recording(sid, right) => self.recorder.block(*sid, *right, block).map_or(Goes::Nowhere, Goes::Broken),
            Ear::Listener(id) => Goes::Listener(*id),
            Ear::Stream(id, track) => Goes::Stream(*id, *track),
            Ear::Machine(machine) => {
                let Some(answered) = machine.hear(block) else {
                    return Goes::Nowhere;
                };
                self.taps.remove(&tap);
                let (verdict, after_ms) = (answered.verdict.as_str().to_owned(), answered.after_ms);
                Goes::Verdict(Event::Classified { tap, verdict, after_ms })
            }
        }
    }

    /// A tap has ended. A recording's stays until that is closed.
    pub fn ended(&mut self, tap: TapId) {
        if !matches!(self.taps.get(&tap), Some(Ear::Recording(..))) {
            self.taps.remove(&tap);
        }
    }
}

impl Machine {
    fn hear(&mut self, block: &Block) -> Option<tipring_dsp::answer::Answered> {
        let decode = match self.law {
            Law::A => alaw_decode,
            Law::Mu => ulaw_decode,
        };
        let mut linear = [0; BLOCK];
        for (into, octet) in linear.iter_mut().zip(block) {
            *into = decode(*octet);
        }
        self.detector.block(&linear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::outcome::ScratchDir;
    use tipring_resources::SidKind;
    use tipring_store::Blobs;

    const HOW: MachineDetection = MachineDetection {
        mode: MachineMode::Enable,
        timeout_s: 30,
        speech_threshold_ms: 2_400,
        speech_end_threshold_ms: 1_200,
        silence_timeout_ms: 5_000,
    };

    fn ears(dir: &ScratchDir) -> Ears {
        Ears::new(Recorder::new(Blobs::new(dir.path.clone()).expect("a folder")), ZoneId::default())
    }

    /// The samples of a closed recording.
    fn samples(dir: &ScratchDir, sid: Sid) -> Vec<i16> {
        let mut reader = hound::WavReader::open(dir.path.join(format!("{sid}.wav"))).expect("a file");
        reader.samples().collect::<Result<_, _>>().expect("whole")
    }

    #[test]
    fn each_tap_goes_where_it_was_asked_to_and_ends() {
        let dir = ScratchDir::new().expect("a folder");
        let mut ears = ears(&dir);
        ears.listen(TapId(1), ListenId(7));
        ears.stream(TapId(2), StreamId(8), 1);
        assert_eq!(ears.block(TapId(1), &[0xd5; BLOCK]), Goes::Listener(ListenId(7)));
        assert_eq!(ears.block(TapId(2), &[0xd5; BLOCK]), Goes::Stream(StreamId(8), 1));
        assert_eq!(ears.block(TapId(3), &[0xd5; BLOCK]), Goes::Nowhere);
        ears.ended(TapId(1));
        ears.ended(TapId(2));
        assert!(ears.taps.is_empty());
    }

    #[test]
    fn a_silent_party_is_unknown_after_its_time_and_the_tap_is_free() {
        let dir = ScratchDir::new().expect("a folder");
        let mut ears = ears(&dir);
        ears.classify(TapId(1), Law::A, &HOW);
        let verdict = (0..600).find_map(|n| match ears.block(TapId(1), &[0xd5; BLOCK]) {
            Goes::Verdict(event) => Some((n, event)),
            _ => None,
        });
        let (_, event) = verdict.expect("a verdict");
        let Event::Classified { tap, verdict, after_ms } = event else { panic!("{event:?}") };
        assert_eq!((tap, verdict.as_str()), (TapId(1), "unknown"));
        assert!((4_900..=5_200).contains(&after_ms), "{after_ms}");
        assert!(ears.taps.is_empty());
    }

    #[test]
    fn c7_what_is_paused_is_left_out_or_silent_and_two_channels_stay_together() {
        let dir = ScratchDir::new().expect("a folder");
        let sid = |n| Sid::new(SidKind::Recording, n);
        // Of each recording both taps get the number of the tick as their sound.
        let tone = |n: usize| tipring_dsp::alaw_encode((n as i16) * 256 + 8);
        for (at, silence) in [(1, false), (2, true)] {
            let mut ears = ears(&dir);
            ears.record(sid(at), TapId(1), Law::A, Some((TapId(2), Law::A)));
            for n in 0..60 {
                ears.block(TapId(1), &[tone(n); BLOCK]);
                // Between the two taps of one tick.
                if n == 20 {
                    ears.pause(sid(at), true, silence);
                }
                if n == 40 {
                    ears.pause(sid(at), false, false);
                }
                ears.block(TapId(2), &[tone(n); BLOCK]);
            }
            let closed = ears.close(sid(at), false, 0, false).close();
            let wanted = if silence { 600 } else { 400 };
            assert!(
                matches!(closed, Event::RecordingClosed { duration_ms: Some(ms), .. } if ms == wanted),
                "{closed:?}"
            );
            assert!(ears.taps.is_empty());
            let samples = samples(&dir, sid(at));
            for (frame, pair) in samples.chunks_exact(2).enumerate() {
                assert_eq!(pair[0], pair[1], "frame {frame}: the channels are apart");
            }
            let tick = |n: usize| samples[n * 2 * BLOCK];
            assert_eq!(tick(20), tipring_dsp::alaw_decode(tone(20)));
            let after = if silence { tick(41) } else { tick(21) };
            assert_eq!(after, tipring_dsp::alaw_decode(tone(41)));
            assert!(!silence || tick(30).abs() < 16);
        }
    }
}
