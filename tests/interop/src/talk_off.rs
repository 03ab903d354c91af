//! Row `dsp.talk_off`: keys that our detector and spandsp's find where nobody pressed one, in hours of recorded and of
//! synthesized speech and music, on the same samples. The recordings are Debian's (see `recordings`): without them
//! their part is left out and that is said.

use crate::corpus;
use crate::dtmf::{Ear, Ours, peer};
use crate::measure::Row;
use crate::recordings::{MISSING, Tape};
use crate::speaker::{Chords, Speaker};
use crate::world::{Dice, through};

/// False keys of one kind of sound.
pub struct Count {
    what: &'static str,
    seconds: usize,
    ours: usize,
    theirs: Option<usize>,
}

/// Whoever takes the sound, piece by piece.
type Hear<'a> = &'a mut dyn FnMut(&[i16]);

/// A part of the sound and who makes it.
struct Part<'a> {
    what: &'static str,
    seconds: usize,
    make: &'a mut dyn FnMut(Hear<'_>),
}

/// Both ears over the hour of recordings and the two of synthesized sound, or over a share of each.
pub fn counts(share: f32) -> Vec<Count> {
    let seconds = |minutes: f32| (minutes * 60.0 * share) as usize;
    let mut all = Vec::new();
    for (what, tape, minutes) in
        [("recorded speech", Tape::speech(900), 35.0), ("recorded music", Tape::music(901), 40.0)]
    {
        match tape {
            Some(mut tape) => {
                let seconds = seconds(minutes);
                all.push(count(Part { what, seconds, make: &mut |hear| tape.seconds(seconds, hear) }));
            }
            None => eprintln!("== SKIPPED {what}: {MISSING}"),
        }
    }
    let voices = seconds(60.0);
    all.push(count(Part { what: "formants", seconds: voices, make: &mut |hear| formants(voices, hear) }));
    let chords = seconds(30.0);
    let mut player = Chords::new(77);
    let make = &mut |hear: Hear<'_>| in_seconds(chords, || player.sample(), hear);
    all.push(count(Part { what: "chords", seconds: chords, make }));
    let text = corpus::all_spoken();
    if text.is_empty() {
        eprintln!("== SKIPPED espeak-ng: it is not installed");
    } else {
        let seconds = seconds(30.0);
        all.push(count(Part { what: "espeak-ng", seconds, make: &mut |hear| spoken(&text, seconds, hear) }));
    }
    all
}

fn count(part: Part) -> Count {
    let (mut ours, mut their) = (Ours::new(), peer());
    let (mut our_keys, mut their_keys) = (0, 0);
    (part.make)(&mut |sound| {
        for block in sound.chunks(80) {
            ours.feed(block);
            if let Some((their, _)) = &mut their {
                their.feed(block);
            }
        }
        our_keys += ours.take().len();
        their_keys += their.as_mut().map_or(0, |(their, _)| their.take().len());
    });
    Count { what: part.what, seconds: part.seconds, ours: our_keys, theirs: their.map(|_| their_keys) }
}

/// Synthetic voices, another one every five minutes.
fn formants(seconds: usize, hear: Hear<'_>) {
    for (n, at) in (0..seconds).step_by(300).enumerate() {
        let mut speaker = Speaker::new(2100 + n as u64);
        in_seconds(300.min(seconds - at), || speaker.sample(), hear);
    }
}

fn in_seconds(seconds: usize, mut sample: impl FnMut() -> i16, hear: Hear<'_>) {
    for n in 0..seconds {
        let second: Vec<i16> = (0..8000).map(|_| through(n % 2 == 0, sample())).collect();
        hear(&second);
    }
}

/// Voices of espeak-ng, faster and slower, louder and softer.
fn spoken(text: &[i16], seconds: usize, hear: Hear<'_>) {
    let (mut dice, mut left) = (Dice::new(902), seconds * 8000);
    while left > 0 {
        let (pitch, gain) = (dice.between(0.8, 1.25), dice.between(0.1, 1.5));
        for second in crate::recordings::resampled(text, pitch).chunks(8000) {
            let count = second.len().min(left);
            let sound: Vec<i16> =
                second[..count].iter().map(|s| through(left % 2 == 0, (f32::from(*s) * gain) as i16)).collect();
            hear(&sound);
            left -= count;
        }
    }
}

/// The counts in words, and all of ours and all of theirs.
fn summed(counts: &[Count]) -> (String, usize, Option<usize>) {
    let said = counts.iter().map(|it| {
        let theirs = it.theirs.map_or(String::new(), |theirs| format!(" and {theirs}"));
        format!("{} {:.0} min: {}{theirs}", it.what, it.seconds as f32 / 60.0, it.ours)
    });
    let theirs = counts.iter().map(|it| it.theirs).sum();
    (said.collect::<Vec<_>>().join(", "), counts.iter().map(|it| it.ours).sum(), theirs)
}

/// The row: three hours and a quarter.
pub fn row() -> Row {
    let counts = counts(1.0);
    let (note, ours, theirs) = summed(&counts);
    let row = Row::new("dsp.talk_off", ours as f64, "false keys").at_most(MOST as f64).note(note);
    let recorded = counts.iter().filter(|it| it.what.starts_with("recorded")).map(|it| it.seconds).sum::<usize>();
    let row = row.holds("an hour of it was recorded", recorded >= 3600);
    match theirs {
        Some(theirs) => row.beside("spandsp dtmf_rx", theirs as f64).holds("no more than spandsp", ours <= theirs),
        None => row,
    }
}

/// False keys that are allowed in all of it.
const MOST: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// A tenth of it; all of it where `TIPRING_SOAK` is set.
    #[test]
    fn hours_of_speech_and_music_have_at_most_five_keys_and_no_more_than_spandsp_finds() {
        let share = if std::env::var_os("TIPRING_SOAK").is_some() { 1.0 } else { 0.1 };
        let counts = counts(share);
        let (said, ours, theirs) = summed(&counts);
        let names = if theirs.is_some() { "ours and spandsp's" } else { "ours" };
        println!("false keys, {names}: {said}; in all {ours}, {theirs:?}");
        assert!(ours <= MOST, "{said}");
        assert!(theirs.is_none_or(|theirs| ours <= theirs), "{said}");
    }

    #[test]
    fn a_key_that_is_pressed_is_counted() {
        let press = crate::world::Press::of(b'5').sound(&mut Dice::new(1));
        let found = count(Part { what: "a key", seconds: 0, make: &mut |hear| hear(&press) });
        assert!(found.ours == 1 && found.theirs.is_none_or(|theirs| theirs == 1));
    }
}
