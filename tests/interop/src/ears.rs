//! Rows `dsp.progress` and `dsp.fsk`: what our listener for the networks' tones and our demodulator cost a
//! channel-second, beside spandsp's on the same blocks of 10 ms; and whether both heard what there was.

use tipring_dsp::cadence::CadenceTone;
use tipring_dsp::fsk::{Modulator, Standard};
use tipring_dsp::{Demodulator, Progress, Progressing, ZoneId};

use crate::measure::{ROUNDS, Row, cpu_of, in_turn, median};
use crate::speaker::{Chords, Speaker};
use crate::world::{Dice, through};

/// Something that takes blocks, and tells how often it heard what it is for.
trait Ear {
    fn feed(&mut self, block: &[i16; 80]);
    fn heard(&mut self) -> usize;
}

struct Tones(Progress, usize);

impl Ear for Tones {
    fn feed(&mut self, block: &[i16; 80]) {
        let told = self.0.block(block);
        self.1 += usize::from(told.is_some_and(|it| matches!(it, Progressing::Busy | Progressing::Congestion)));
    }

    fn heard(&mut self) -> usize {
        std::mem::take(&mut self.1)
    }
}

struct Bytes(Demodulator, usize);

impl Ear for Bytes {
    fn feed(&mut self, block: &[i16; 80]) {
        self.0.feed(block, |_| self.1 += 1);
    }

    fn heard(&mut self) -> usize {
        std::mem::take(&mut self.1)
    }
}

#[cfg(feature = "spandsp")]
impl Ear for crate::spandsp::tones::Listener {
    fn feed(&mut self, block: &[i16; 80]) {
        crate::spandsp::tones::Listener::feed(self, block);
    }

    fn heard(&mut self) -> usize {
        self.take().into_iter().filter(|code| *code >= 0).count()
    }
}

#[cfg(feature = "spandsp")]
impl Ear for crate::spandsp::adsi::Receiver {
    fn feed(&mut self, block: &[i16; 80]) {
        crate::spandsp::adsi::Receiver::feed(self, block);
    }

    /// Bytes, with the check sum that it takes off.
    fn heard(&mut self) -> usize {
        self.take().iter().map(|message| message.len() + 1).sum()
    }
}

/// The ears of another, where they were built in.
type Peer = Option<(Box<dyn Ear>, &'static str)>;

/// Microseconds a channel-second.
fn cost(ear: &mut dyn Ear, sound: &[i16]) -> f64 {
    let took = cpu_of(|| sound.as_chunks::<80>().0.iter().for_each(|block| ear.feed(block)));
    ear.heard();
    took.as_secs_f64() * 1e6 / (sound.len() as f64 / 8000.0)
}

/// Ours and theirs on one sound.
fn measured(name: &str, sound: &[i16], ours: &mut dyn Ear, peer: &mut Peer) -> Row {
    let Some((their, peer_name)) = peer else {
        return Row::new(name, median((0..ROUNDS).map(|_| cost(ours, sound)).collect()), UNIT);
    };
    let (a, b) = in_turn(ROUNDS, || cost(ours, sound), || cost(their.as_mut(), sound));
    Row::new(name, a, UNIT).beside(peer_name, b)
}

/// What an ear hears of a sound.
fn heard(ear: &mut dyn Ear, sound: &[i16]) -> usize {
    sound.as_chunks::<80>().0.iter().for_each(|block| ear.feed(block));
    ear.heard()
}

/// Stretches of busy tone in which an ear hears one, and how often it hears one elsewhere.
fn stretches(ear: &mut dyn Ear, parts: &[(Vec<i16>, Vec<i16>)]) -> (usize, usize) {
    let (mut right, mut wrong) = (0, 0);
    for (others, busy) in parts {
        wrong += heard(ear, others);
        right += usize::from(heard(ear, busy) > 0);
    }
    (right, wrong)
}

/// Call progress of Portugal, whose tones have one frequency: six times a minute of speech, music and silence, then
/// twenty seconds of busy tone.
pub fn progress() -> Row {
    let zone = ZoneId::of("pt").expect("a zone");
    let (mut speaker, mut chords) = (Speaker::new(80), Chords::new(81));
    let mut parts: Vec<(Vec<i16>, Vec<i16>)> = Vec::new();
    for _ in 0..6 {
        let mut others: Vec<i16> = (0..20 * 8000).map(|_| through(true, speaker.sample())).collect();
        others.extend((0..20 * 8000).map(|_| through(false, chords.sample())));
        others.extend([0; 20 * 8000]);
        let mut busy = vec![0; 20 * 8000];
        CadenceTone::new(zone.tones().busy[0], -15.0).fill(&mut busy);
        parts.push((others, busy.into_iter().map(|sample| through(true, sample)).collect()));
    }
    let ours = || Box::new(Tones(Progress::new(zone), 0));
    #[cfg(feature = "spandsp")]
    let peer = || -> Peer {
        let listener = crate::spandsp::tones::Listener::new(zone.tones());
        Some((Box::new(listener), "spandsp super_tone_rx"))
    };
    #[cfg(not(feature = "spandsp"))]
    let peer = || -> Peer { None };
    let sound: Vec<i16> =
        parts.iter().flat_map(|(others, busy)| [others.as_slice(), busy.as_slice()].concat()).collect();
    let (right, wrong) = stretches(ours().as_mut(), &parts);
    let mut note = format!("ours: {right} of 6 busy tones, {wrong} where there is none");
    if let Some((mut their, _)) = peer() {
        let (right, wrong) = stretches(their.as_mut(), &parts);
        note += &format!("; theirs: {right} and {wrong}");
    }
    let row = measured("dsp.progress", &sound, ours().as_mut(), &mut peer()).at_most(PROGRESS_GOAL);
    row.holds("every busy tone was heard, and none where there is none", (right, wrong) == (6, 0)).note(note)
}

/// The demodulator over a hundred messages of Bell 202 with noise 20 dB down, half a second of line before each.
pub fn keying() -> Row {
    let mut dice = Dice::new(82);
    let mut sound = Vec::new();
    let mut bytes = 0;
    for _ in 0..100 {
        let mut message = vec![0x80, 30];
        message.extend((0..30).map(|_| dice.next() as u8));
        let sum = message.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        message.push(sum.wrapping_neg());
        bytes += message.len();
        let mut samples = vec![0; 12_000];
        Modulator::new(Standard::Bell202, -15.0, &message).expect("it fits").fill(&mut samples[4_000..]);
        sound.extend(samples.into_iter().map(|sample| through(true, sample + (dice.gauss() * 300.0) as i16)));
    }
    #[cfg(feature = "spandsp")]
    let peer = || -> Peer {
        use crate::spandsp::adsi::{Receiver, Standard};
        Some((Box::new(Receiver::new(Standard::Class)), "spandsp adsi_rx"))
    };
    #[cfg(not(feature = "spandsp"))]
    let peer = || -> Peer { None };
    let ours = || Box::new(Bytes(Demodulator::new(), 0));
    let our_bytes = heard(ours().as_mut(), &sound);
    let their_bytes = peer().map(|(mut their, _)| heard(their.as_mut(), &sound));
    let theirs = their_bytes.map_or(String::new(), |bytes| format!(" and {bytes}"));
    let row = measured("dsp.fsk", &sound, ours().as_mut(), &mut peer()).at_most_of_peer(1.0);
    let row = row.holds("as many bytes as spandsp", their_bytes.is_none_or(|theirs| our_bytes >= theirs));
    row.note(format!("bytes {our_bytes}{theirs} of {bytes}"))
}

const UNIT: &str = "us/channel-second";
/// What the listener of every line may cost.
const PROGRESS_GOAL: f64 = 88.0;
