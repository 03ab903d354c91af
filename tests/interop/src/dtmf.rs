//! Row `dsp.dtmf`: our detector beside spandsp's on one corpus: CPU time of both, keys that were heard, and sound that
//! was taken for a key. Both get the same blocks of 10 ms.

use tipring_dsp::Detector;

use crate::corpus::{self, Keys, Others};
use crate::measure::{ROUNDS, Row, cpu_of, in_turn};

/// A detector of keys.
pub trait Ear {
    /// Takes a block.
    fn feed(&mut self, block: &[i16]);
    /// The keys since the last time.
    fn take(&mut self) -> Vec<u8>;
}

/// Ours.
pub struct Ours {
    detector: Detector,
    told: Vec<u8>,
}

impl Ours {
    /// One that has heard nothing.
    pub fn new() -> Ours {
        Ours { detector: Detector::new(), told: Vec::new() }
    }
}

impl Ear for Ours {
    fn feed(&mut self, block: &[i16]) {
        self.detector.feed(block, |key| self.told.push(key));
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.told)
    }
}

#[cfg(feature = "spandsp")]
impl Ear for crate::spandsp::Receiver {
    fn feed(&mut self, block: &[i16]) {
        crate::spandsp::Receiver::feed(self, block);
    }

    fn take(&mut self) -> Vec<u8> {
        crate::spandsp::Receiver::take(self)
    }
}

/// Keys that were told as exactly the one key before the next began.
fn hits(ear: &mut impl Ear, keys: &Keys) -> usize {
    let (mut from, mut right) = (0, 0);
    for (end, key) in &keys.ends {
        // Blocks of 10 ms, but for the last one: what is told is told in time for this key.
        keys.sound[from..*end].chunks(80).for_each(|block| ear.feed(block));
        right += usize::from(ear.take() == [*key]);
        from = *end;
    }
    right
}

/// Keys that were told where there was none, by kind of sound.
fn false_keys(mut ear: impl FnMut() -> Box<dyn Ear>, others: &Others) -> Vec<(&'static str, usize)> {
    let count = |sound: &[i16], ear: &mut dyn Ear| {
        sound
            .chunks(8000)
            .map(|second| {
                second.chunks(80).for_each(|block| ear.feed(block));
                ear.take().len()
            })
            .sum()
    };
    others.kinds.iter().map(|(kind, sound)| (*kind, count(sound, ear().as_mut()))).collect()
}

/// Microseconds a channel-second.
fn cost(ear: &mut dyn Ear, sounds: &[&[i16]]) -> f64 {
    let seconds: f64 = sounds.iter().map(|sound| sound.len() as f64 / 8000.0).sum();
    let took = cpu_of(|| {
        for sound in sounds {
            sound.chunks(80).for_each(|block| ear.feed(block));
        }
    });
    ear.take();
    took.as_secs_f64() * 1e6 / seconds
}

/// The other detector and its name, where it was built in.
pub fn peer() -> Option<(Box<dyn Ear>, &'static str)> {
    #[cfg(feature = "spandsp")]
    return Some((Box::new(crate::spandsp::Receiver::new()), "spandsp dtmf_rx"));
    #[cfg(not(feature = "spandsp"))]
    None
}

/// What spandsp's detector costs alone a channel-second, on the same sound as our row `switch.ivr`.
pub fn peer_alone(sound: &[i16]) -> Option<f64> {
    let (mut ear, _) = peer()?;
    let long: Vec<i16> = sound.iter().copied().cycle().take(100 * 8000).collect();
    let figures = (0..ROUNDS).map(|_| cost(ear.as_mut(), &[&long])).collect();
    Some(crate::measure::median(figures))
}

/// The row. Without the peer it has our figures alone.
pub fn row() -> Row {
    let (keys, others) = (corpus::keys(6000), corpus::others());
    let mut sounds: Vec<&[i16]> = vec![&keys.sound];
    sounds.extend(others.kinds.iter().map(|(_, sound)| sound.as_slice()));
    let (mut ours, their) = (Ours::new(), peer());
    let our_hits = hits(&mut Ours::new(), &keys);
    let our_false = false_keys(|| Box::new(Ours::new()), &others);
    let total = |kinds: &[(&str, usize)]| kinds.iter().map(|(_, count)| count).sum::<usize>();
    let listed = |kinds: &[(&str, usize)]| {
        kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", ")
    };
    let pressed = keys.ends.len();
    let minutes: f64 = others.kinds.iter().map(|(_, sound)| sound.len() as f64 / 480_000.0).sum();
    let Some((mut their, name)) = their else {
        let figures = (0..ROUNDS).map(|_| cost(&mut ours, &sounds)).collect();
        let note = format!("hits {our_hits} of {pressed}; false in {minutes:.0} min: {}", listed(&our_false));
        return Row::new("dsp.dtmf", crate::measure::median(figures), UNIT).at_most_of_peer(GOAL).note(note);
    };
    let (a, b) = in_turn(ROUNDS, || cost(&mut ours, &sounds), || cost(their.as_mut(), &sounds));
    let their_false = false_keys(|| peer().expect("there is one").0, &others);
    let mut theirs = Boxed(peer().expect("there is one").0);
    let their_hits = hits(&mut theirs, &keys);
    let on_keys = cost(&mut ours, &[&keys.sound]) / cost(their.as_mut(), &[&keys.sound]);
    let note = format!(
        "hits {our_hits} and {their_hits} of {pressed}; false in {minutes:.0} min: {} and {}; ratio on keys alone {on_keys:.2}",
        listed(&our_false),
        listed(&their_false)
    );
    let row = Row::new("dsp.dtmf", a, UNIT).beside(name, b).at_most_of_peer(GOAL);
    let row = row.holds("as many hits as spandsp", our_hits >= their_hits);
    row.holds("no more false keys than spandsp", total(&our_false) <= total(&their_false)).note(note)
}

struct Boxed(Box<dyn Ear>);

impl Ear for Boxed {
    fn feed(&mut self, block: &[i16]) {
        self.0.feed(block);
    }

    fn take(&mut self) -> Vec<u8> {
        self.0.take()
    }
}

const UNIT: &str = "us/channel-second";
/// Half of spandsp's.
const GOAL: f64 = 0.5;
