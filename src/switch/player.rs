//! A port's player: a ring of octets with tones between them, begun at two blocks, drained a block at a time. It tells
//! the feeder what has become free, in portions of half the ring. It reads no file and knows no format.

use alloc::vec::Vec;

use heapless::Deque;
use tipring_card::{BLOCK, Block, Law};
use tipring_dsp::{CadenceTone, KeyTone, Tone as Sine, zone};

use crate::ears::companding;
use crate::{PLAY_BUFFER, PlayId, Tone};

/// Pieces (stretches of octets, and tones) that a player holds ahead: more keys than a number has, with pauses between.
pub const SEGMENTS: usize = 128;

pub(crate) struct Player {
    /// The playing, if one runs.
    play: Option<PlayId>,
    ring: Vec<u8>,
    from: usize,
    held: usize,
    segments: Deque<Segment, SEGMENTS>,
    sounding: Option<Sounding>,
    /// Marks that were passed and not yet told.
    passed: Deque<u32, PASSED>,
    /// All has been fed.
    complete: bool,
    /// The first octet is out.
    started: bool,
    /// Not waiting for two blocks.
    flowing: bool,
    octets: u32,
    /// Octets that may be fed and were not yet offered.
    unoffered: usize,
}

/// What one block of a playing was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Played {
    /// Octets of the block that are sound; the rest is silence.
    pub sound: usize,
    /// The first octet went out.
    pub started: bool,
    /// It ran dry just now.
    pub starved: bool,
    /// It is over.
    pub ended: bool,
}

#[derive(Clone, Copy, Debug)]
enum Segment {
    Octets(usize),
    Tone(Tone),
    Mark(u32),
}

#[derive(Clone, Copy, Debug)]
enum Sounding {
    Beep {
        sine: Sine,
        left: usize,
    },
    Key(KeyTone),
    Silence {
        left: usize,
    },
    /// Without end: only a stop, or the port's leaving, ends it.
    Rhythm(CadenceTone),
}

impl Player {
    pub(crate) fn new() -> Player {
        Player {
            play: None,
            ring: alloc::vec![0; PLAY_BUFFER],
            from: 0,
            held: 0,
            segments: Deque::new(),
            sounding: None,
            passed: Deque::new(),
            complete: false,
            started: false,
            flowing: false,
            octets: 0,
            unoffered: 0,
        }
    }

    pub(crate) fn play(&self) -> Option<PlayId> {
        self.play
    }

    /// Octets of the running playing that went out.
    pub(crate) fn octets(&self) -> u32 {
        self.octets
    }

    /// A new playing, empty.
    pub(crate) fn begin(&mut self, play: PlayId) {
        self.clear();
        self.play = Some(play);
        self.unoffered = PLAY_BUFFER;
    }

    /// No playing.
    pub(crate) fn clear(&mut self) {
        self.play = None;
        (self.from, self.held, self.octets, self.unoffered) = (0, 0, 0, 0);
        self.segments.clear();
        self.sounding = None;
        self.passed.clear();
        (self.complete, self.started, self.flowing) = (false, false, false);
    }

    /// Appends octets; tells how many found no room.
    pub(crate) fn feed(&mut self, octets: &[u8]) -> usize {
        let taken = octets.len().min(PLAY_BUFFER - self.held);
        if taken == 0 || !self.append_octets(taken) {
            return octets.len();
        }
        let to = (self.from + self.held) % PLAY_BUFFER;
        let first = taken.min(PLAY_BUFFER - to);
        self.ring[to..to + first].copy_from_slice(&octets[..first]);
        self.ring[..taken - first].copy_from_slice(&octets[first..taken]);
        self.held += taken;
        octets.len() - taken
    }

    /// Appends a tone. `false`: no room.
    pub(crate) fn tone(&mut self, tone: Tone) -> bool {
        self.segments.push_back(Segment::Tone(tone)).is_ok()
    }

    /// Appends a mark. `false`: no room.
    pub(crate) fn mark(&mut self, mark: u32) -> bool {
        self.segments.push_back(Segment::Mark(mark)).is_ok()
    }

    /// The next mark that was passed.
    pub(crate) fn passed(&mut self) -> Option<u32> {
        self.passed.pop_front()
    }

    /// Drops what waits; its marks count as passed. The playing goes on with what is fed next.
    pub(crate) fn flush(&mut self) {
        self.unoffered += self.held;
        (self.from, self.held) = (0, 0);
        self.sounding = None;
        self.flowing = false;
        while let Some(segment) = self.segments.pop_front() {
            if let Segment::Mark(mark) = segment {
                // Where those that were passed before are all told, there is a place for each.
                let _ = self.passed.push_back(mark);
            }
        }
    }

    /// Nothing more comes.
    pub(crate) fn complete(&mut self) {
        self.complete = true;
    }

    /// Whether nothing more may be fed.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    /// What is to be offered to the feeder, once it is worth an event.
    pub(crate) fn offer(&self) -> Option<u16> {
        (self.play.is_some() && !self.complete && self.unoffered >= OFFER).then_some(self.unoffered as u16)
    }

    /// It was offered.
    pub(crate) fn offered(&mut self) {
        self.unoffered = 0;
    }

    /// The next block of the running playing.
    pub(crate) fn next(&mut self, law: Law, block: &mut Block) -> Played {
        let mut played = Played::default();
        let flowed = self.flowing;
        if !self.flowing && (self.complete || self.has_start()) {
            self.flowing = true;
        }
        if !self.flowing {
            return played;
        }
        while played.sound < BLOCK {
            let written = self.write(law, &mut block[played.sound..]);
            if written == 0 {
                break;
            }
            played.sound += written;
        }
        self.pass_marks();
        self.octets = self.octets.saturating_add(played.sound as u32);
        played.started = played.sound > 0 && !self.started;
        self.started |= played.started;
        if self.sounding.is_none() && self.segments.is_empty() {
            played.ended = self.complete;
            let dry = !self.complete && played.sound < BLOCK;
            // Marks alone are no sound that could break off.
            played.starved = dry && (flowed || played.sound > 0);
            self.flowing &= !dry;
        }
        played
    }

    /// Whether there is enough to begin with.
    fn has_start(&self) -> bool {
        self.held >= START || self.segments.iter().any(|segment| !matches!(segment, Segment::Octets(_)))
    }

    /// Writes a piece of the first segment; 0: there is none. Each turn takes a segment away or writes.
    fn write(&mut self, law: Law, into: &mut [u8]) -> usize {
        loop {
            if let Some(sounding) = &mut self.sounding {
                let written = sounding.fill(law, into);
                if sounding.is_over() {
                    self.sounding = None;
                }
                if written > 0 {
                    return written;
                }
            }
            match self.segments.front_mut() {
                None => return 0,
                Some(Segment::Tone(tone)) => {
                    self.sounding = Sounding::of(*tone);
                    self.segments.pop_front();
                }
                Some(Segment::Mark(_)) => {
                    if !self.pass_marks() {
                        return 0;
                    }
                }
                Some(Segment::Octets(left)) => {
                    let count = (*left).min(into.len());
                    *left -= count;
                    if *left == 0 {
                        self.segments.pop_front();
                    }
                    self.take(&mut into[..count]);
                    return count;
                }
            }
        }
    }

    /// Marks that come next are passed. `false`: there is one for which there is no room.
    fn pass_marks(&mut self) -> bool {
        while self.sounding.is_none()
            && let Some(Segment::Mark(mark)) = self.segments.front()
        {
            if self.passed.push_back(*mark).is_err() {
                return false;
            }
            self.segments.pop_front();
        }
        true
    }

    fn take(&mut self, into: &mut [u8]) {
        let first = into.len().min(PLAY_BUFFER - self.from);
        into[..first].copy_from_slice(&self.ring[self.from..self.from + first]);
        let rest = into.len() - first;
        into[first..].copy_from_slice(&self.ring[..rest]);
        self.from = (self.from + into.len()) % PLAY_BUFFER;
        self.held -= into.len();
        self.unoffered += into.len();
    }

    fn append_octets(&mut self, count: usize) -> bool {
        if let Some(Segment::Octets(left)) = self.segments.back_mut() {
            *left += count;
            return true;
        }
        self.segments.push_back(Segment::Octets(count)).is_ok()
    }
}

impl Sounding {
    /// Nothing for a key that is none.
    fn of(tone: Tone) -> Option<Sounding> {
        match tone {
            Tone::Beep => Some(Sounding::Beep { sine: Sine::new(BEEP_HZ, BEEP_DBM0), left: BEEP_OCTETS }),
            Tone::Key(key) => KeyTone::new(key).map(Sounding::Key),
            Tone::Ringback(zone) => {
                let cadence = zone.tones().ringback.first()?;
                Some(Sounding::Rhythm(CadenceTone::new(*cadence, zone::LEVEL_DBM0)))
            }
            Tone::Congestion(zone) => {
                let cadence = zone.tones().congestion.first().or(zone.tones().busy.first())?;
                Some(Sounding::Rhythm(CadenceTone::new(*cadence, zone::LEVEL_DBM0)))
            }
            Tone::Silence(blocks) => Some(Sounding::Silence { left: usize::from(blocks) * BLOCK }),
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Sounding::Beep { left, .. } | Sounding::Silence { left } => *left == 0,
            Sounding::Key(key) => key.left() == 0,
            Sounding::Rhythm(_) => false,
        }
    }

    fn fill(&mut self, law: Law, into: &mut [u8]) -> usize {
        let mut samples = [0i16; BLOCK];
        let room = into.len().min(BLOCK);
        let count = match self {
            Sounding::Silence { left } => {
                let count = room.min(*left);
                *left -= count;
                into[..count].fill(law.silence());
                return count;
            }
            Sounding::Beep { sine, left } => {
                let count = room.min(*left);
                *left -= count;
                sine.fill(&mut samples[..count]);
                count
            }
            Sounding::Key(key) => key.fill(&mut samples[..room]),
            Sounding::Rhythm(tone) => {
                tone.fill(&mut samples[..room]);
                room
            }
        };
        companding(law).encode_into(&samples[..count], &mut into[..count]);
        count
    }
}

/// Marks that wait to be told: as many as there may be segments. One that finds no place waits among these; a flush
/// loses it.
const PASSED: usize = SEGMENTS;
/// Octets with which a playing begins, and goes on after a gap.
const START: usize = 2 * BLOCK;
/// What must have become free before it is worth an event.
const OFFER: usize = PLAY_BUFFER / 2;
/// Record's beep.
const BEEP_HZ: f32 = 1000.0;
const BEEP_DBM0: f32 = -12.0;
const BEEP_OCTETS: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fed_comes_out_in_order_round_the_ring() {
        let mut player = Player::new();
        player.begin(PlayId(1));
        let (mut fed, mut heard) = (0u32, 0u32);
        let mut block = [0; BLOCK];
        for _ in 0..1000 {
            let piece: [u8; 97] = core::array::from_fn(|n| ((fed as usize + n) % 251) as u8);
            fed += (97 - player.feed(&piece)) as u32;
            let played = player.next(Law::A, &mut block);
            for octet in &block[..played.sound] {
                assert_eq!(*octet, (heard % 251) as u8);
                heard += 1;
            }
        }
        assert_eq!(fed - heard, player.held as u32);
        assert!(player.held > PLAY_BUFFER - 97);
    }

    #[test]
    fn a_chain_of_empty_tones_is_passed_over() {
        let mut player = Player::new();
        player.begin(PlayId(1));
        for _ in 0..SEGMENTS {
            assert!(player.tone(Tone::Silence(0)));
        }
        assert!(!player.tone(Tone::Beep));
        player.complete();
        let played = player.next(Law::Mu, &mut [0; BLOCK]);
        assert!(played.ended && played.sound == 0);
    }

    #[test]
    fn offers_are_exactly_what_became_free() {
        let mut player = Player::new();
        player.begin(PlayId(1));
        let (mut credit, mut lost) = (0usize, 0);
        for n in 0..10_000 {
            if let Some(octets) = player.offer() {
                credit += usize::from(octets);
                player.offered();
            }
            let piece = credit.min(n % 161);
            credit -= piece;
            lost += player.feed(&[0; 160][..piece.min(160)]);
            player.next(Law::A, &mut [0; BLOCK]);
        }
        assert_eq!(lost, 0);
        assert!(player.octets() > 9_000 * 78, "the feeder was never held up: {}", player.octets());
    }
}
