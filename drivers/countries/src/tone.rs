//! The notation of tones: `"400+450 400/200/400/2000"`, `"400*33"`, `"950>1400>1800 330"`. It says what stands there and
//! where it goes wrong; what a country must have is judged in `read`.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::fault::{Fault, position};
use crate::near::shown;

/// Frequencies that a telephone line carries.
pub const HZ: RangeInclusive<u16> = 200..=3400;
/// Frequencies that modulate.
pub const MODULATION_HZ: RangeInclusive<u16> = 10..=200;
/// On and off times of a rhythm: the listener is proven from the first to the last.
pub const SPAN_MS: RangeInclusive<u16> = 100..=5000;
/// On and off times of one rhythm: the listener keeps twelve, and needs a turn and a burst more.
pub const MAX_SPANS: usize = 10;

/// Where rising tones are heard as such: each band's bounds, 7.5 % around 950, 1410 and 1815 Hz.
const RISING_HZ: [RangeInclusive<u16>; 3] = [880..=1020, 1305..=1515, 1680..=1950];
/// How long each may be.
const RISING_MS: RangeInclusive<u16> = 200..=460;
/// How long the second of two may be.
const LAST_OF_TWO_MS: RangeInclusive<u16> = 900..=2000;
const GAP_MS: RangeInclusive<u16> = 0..=60;
const PAUSE_MS: RangeInclusive<u16> = 100..=5000;
/// The pause behind rising tones that do not say another.
const USUAL_PAUSE_MS: u16 = 1000;

/// A sound and its rhythm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tone {
    /// One or two frequencies that sound together; 0: none.
    pub hz: [u16; 2],
    /// The second frequency modulates the first instead of being added.
    pub modulated: bool,
    /// On and off in turn; empty: without end.
    pub on_off_ms: Vec<u16>,
}

/// How a network says that a number cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Information {
    /// Three (0: two) tones, each higher than the one before.
    Rising {
        /// One after the other; 0: none.
        hz: [u16; 3],
        /// How long each is.
        ms: [u16; 3],
        /// Silence between them.
        gap_ms: u16,
        /// Silence after the last.
        pause_ms: u16,
    },
    /// A tone in a rhythm of its own.
    Rhythm(Tone),
}

/// What is wrong with a text of this notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Offset in octets.
    pub at: usize,
    pub what: String,
    pub remedy: String,
}

type Read<T> = Result<T, Wrong>;

impl Tone {
    pub(crate) fn read(text: &str) -> Read<Tone> {
        let mut words = words(text);
        let (at, sound) = words.next().ok_or_else(|| {
            wrong(0, "a tone is wanted, and this is empty", "write its frequency and its rhythm: \"425 500/500\"")
        })?;
        let (hz, modulated) = self::sound(at, sound)?;
        let on_off_ms = words.next().map_or(Ok(Vec::new()), |(at, rhythm)| self::rhythm(at, rhythm))?;
        match words.next() {
            None => Ok(Tone { hz, modulated, on_off_ms }),
            Some((at, more)) => Err(wrong(
                at,
                format!("\"{}\" stands behind the rhythm", shown(more)),
                "on and off times are parted by strokes: \"425 200/200/600/1000\"",
            )),
        }
    }
}

/// A tone that stands alone, in a text of one line; the fault has its column.
impl FromStr for Tone {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Tone, Fault> {
        Tone::read(text).map_err(|Wrong { at, what, remedy }| {
            let (line, column) = position(text, at);
            Fault { line, column, what, remedy }
        })
    }
}

impl Information {
    pub(crate) fn read(text: &str) -> Read<Information> {
        match words(text).next() {
            Some((at, sound)) if sound.contains('>') => rising(at, sound, text),
            _ => Tone::read(text).map(Information::Rhythm),
        }
    }
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.hz[0])?;
        if self.hz[1] > 0 {
            write!(f, "{}{}", if self.modulated { '*' } else { '+' }, self.hz[1])?;
        }
        if self.on_off_ms.is_empty() { Ok(()) } else { write!(f, " {}", joined(&self.on_off_ms, "/")) }
    }
}

impl fmt::Display for Information {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Information::Rhythm(tone) => tone.fmt(f),
            Information::Rising { hz, ms, gap_ms, pause_ms } => {
                let count = if hz[2] == 0 { 2 } else { 3 };
                let even = ms[..count].iter().all(|each| *each == ms[0]);
                let ms = joined(&ms[..if even { 1 } else { count }], "/");
                write!(f, "{} {ms}", joined(&hz[..count], ">"))?;
                if *gap_ms > 0 {
                    write!(f, " gap {gap_ms}")?;
                }
                if *pause_ms == USUAL_PAUSE_MS { Ok(()) } else { write!(f, " pause {pause_ms}") }
            }
        }
    }
}

impl Serialize for Tone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Information {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn joined(numbers: &[u16], between: &str) -> String {
    numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(between)
}

fn wrong(at: usize, what: impl Into<String>, remedy: impl Into<String>) -> Wrong {
    Wrong { at, what: what.into(), remedy: remedy.into() }
}

/// Words and where they begin.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(' ')
        .scan(0, |next, word| {
            let at = *next;
            *next += word.len() + 1;
            Some((at, word))
        })
        .filter(|(_, word)| !word.is_empty())
}

/// Parts between signs and where they begin.
fn parts(at: usize, text: &str, sign: char) -> impl Iterator<Item = (usize, &str)> {
    text.split(sign).scan(at, move |next, part| {
        let at = *next;
        *next += part.len() + sign.len_utf8();
        Some((at, part))
    })
}

/// A number within its bounds. `unit` is what it counts.
fn number(at: usize, text: &str, bounds: &RangeInclusive<u16>, unit: &str) -> Read<u16> {
    let remedy = || format!("write a whole number from {} to {}", bounds.start(), bounds.end());
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if !digits {
        return Err(wrong(at, format!("\"{}\" is no number of {unit}", shown(text)), remedy()));
    }
    match text.parse::<u16>() {
        Ok(number) if bounds.contains(&number) => Ok(number),
        _ => Err(wrong(at, format!("{} {unit} is out of bounds", shown(text)), remedy())),
    }
}

fn sound(at: usize, text: &str) -> Read<([u16; 2], bool)> {
    if text.contains('>') {
        let remedy = "rising tones stand in `information` alone; elsewhere write \"425\", \"350+440\" or \"400*33\"";
        return Err(wrong(at, format!("\"{}\" are tones one after the other", shown(text)), remedy));
    }
    let Some(sign_at) = text.find(['+', '*']) else {
        return number(at, text, &HZ, "Hz").map(|hz| ([hz, 0], false));
    };
    let (one, other) = (&text[..sign_at], &text[sign_at + 1..]);
    let first = number(at, one, &HZ, "Hz")?;
    let second_at = at + sign_at + 1;
    if other.contains(['+', '*']) {
        let what = format!("\"{}\" has more than two frequencies", shown(text));
        return Err(wrong(second_at, what, "take two; three at equal distances are a modulated one: \"425*25\""));
    }
    if text[sign_at..].starts_with('+') {
        let second = number(second_at, other, &HZ, "Hz")?;
        if second <= first {
            let (low, high) = (second.min(first), second.max(first));
            let remedy = if low == high { format!("write \"{low}\"") } else { format!("write \"{low}+{high}\"") };
            return Err(wrong(at, format!("\"{first}+{second}\" does not begin with the lower frequency"), remedy));
        }
        return Ok(([first, second], false));
    }
    let by = number(second_at, other, &MODULATION_HZ, "Hz of modulation")?;
    if first.saturating_sub(by) < *HZ.start() || first.saturating_add(by) > *HZ.end() {
        let what = format!("\"{first}*{by}\" reaches from {} to {} Hz", first.saturating_sub(by), first + by);
        return Err(wrong(at, what, format!("stay within {} and {} Hz", HZ.start(), HZ.end())));
    }
    Ok(([first, by], true))
}

fn rhythm(at: usize, text: &str) -> Read<Vec<u16>> {
    let spans = parts(at, text, '/').map(|(at, part)| number(at, part, &SPAN_MS, "ms"));
    let spans = spans.take(MAX_SPANS + 1).collect::<Read<Vec<u16>>>()?;
    if spans.len() > MAX_SPANS {
        let what = format!("a rhythm of more than {MAX_SPANS} times");
        return Err(wrong(at, what, "write one turn of it; it is repeated without end"));
    }
    if spans.len() % 2 == 1 {
        let what = format!("the rhythm has {} times: on and off come in pairs", spans.len());
        return Err(wrong(at, what, format!("write the last silence too: \"{text}/{}\"", spans[0])));
    }
    Ok(spans)
}

fn rising(at: usize, sound: &str, text: &str) -> Read<Information> {
    let tones: Vec<(usize, &str)> = parts(at, sound, '>').take(4).collect();
    if !(2..=3).contains(&tones.len()) {
        let what = format!("\"{}\" has not two or three tones", shown(sound));
        return Err(wrong(at, what, "write \"950>1400>1800 330\""));
    }
    let mut hz = [0; 3];
    for ((place, (at, tone)), band) in tones.iter().enumerate().zip(&RISING_HZ) {
        hz[place] = number(*at, tone, band, "Hz as the next of rising tones")?;
    }
    let mut more = words(text).skip(1);
    let Some((at, lengths)) = more.next() else {
        return Err(wrong(text.len(), "how long the tones are is missing", format!("write \"{sound} 330\"")));
    };
    let ms = lengths_of(at, lengths, tones.len())?;
    let (mut gap_ms, mut pause_ms) = (0, USUAL_PAUSE_MS);
    while let Some((at, word)) = more.next() {
        let (to, bounds) = match word {
            "gap" => (&mut gap_ms, GAP_MS),
            "pause" => (&mut pause_ms, PAUSE_MS),
            _ => {
                let what = format!("\"{}\" is neither gap nor pause", shown(word));
                return Err(wrong(at, what, "write \"950>1400>1800 330 gap 15 pause 1000\""));
            }
        };
        let (at, number) = more.next().unwrap_or((text.len(), ""));
        *to = self::number(at, number, &bounds, "ms")?;
    }
    Ok(Information::Rising { hz, ms, gap_ms, pause_ms })
}

/// The lengths of two or three tones: one for all, or one for each.
fn lengths_of(at: usize, text: &str, tones: usize) -> Read<[u16; 3]> {
    let written: Vec<(usize, &str)> = parts(at, text, '/').take(4).collect();
    if written.len() != 1 && written.len() != tones {
        let what = format!("{} lengths for {tones} tones", written.len());
        return Err(wrong(at, what, "write one for all, or one for each"));
    }
    let mut ms = [0; 3];
    for (place, ms) in ms.iter_mut().enumerate().take(tones) {
        let (at, length) = written.get(place).or(written.first()).copied().unwrap_or((at, ""));
        let bounds = if tones == 2 && place == 1 { LAST_OF_TWO_MS } else { RISING_MS };
        *ms = number(at, length, &bounds, "ms of a rising tone")?;
    }
    Ok(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_as_it_was() {
        for text in ["425", "350+440", "400*33", "400+450 400/200/400/2000", "425 200/200/600/1000"] {
            assert_eq!(Tone::read(text).map(|tone| tone.to_string()).as_deref(), Ok(text));
            assert_eq!(Information::read(text).map(|tone| tone.to_string()).as_deref(), Ok(text));
        }
        for text in ["950>1400>1800 330", "950>1400>1800 330 gap 15", "950>1400 325/1300 gap 30 pause 2600"] {
            assert_eq!(Information::read(text).map(|tone| tone.to_string()).as_deref(), Ok(text));
            assert!(Tone::read(text).is_err(), "{text}");
        }
        let spaced = Tone::read("  425   500/500 ").expect("blanks part words");
        assert_eq!(spaced, Tone { hz: [425, 0], modulated: false, on_off_ms: vec![500, 500] });
    }

    #[test]
    fn a_tone_that_stands_alone_is_read_and_its_fault_has_a_place_and_a_remedy() {
        let busy = Tone { hz: [425, 0], modulated: false, on_off_ms: vec![500, 400] };
        assert_eq!("425 500/400".parse(), Ok(busy));
        let fault = "425 500".parse::<Tone>().expect_err("no pair");
        assert_eq!((fault.line, fault.column), (1, 5));
        assert!(fault.text().contains("come in pairs; write"), "{}", fault.text());
    }

    #[test]
    fn a_wrong_tone_is_told_where_it_goes_wrong() {
        for (text, at) in [
            ("", 0),
            ("4O0 500/500", 0),
            ("199 500/500", 0),
            ("440+350", 0),
            ("425+425", 0),
            ("350+4400", 4),
            ("350+400+440", 4),
            ("400*5", 4),
            ("210*33", 0),
            ("425 500", 4),
            ("425 500/99", 8),
            ("425 500/5001", 8),
            ("425 500/", 8),
            ("425 500/500 x", 12),
            ("425 100/100/100/100/100/100/100/100/100/100/100/100", 4),
            ("425 65536/500", 4),
        ] {
            assert_eq!(Tone::read(text).map_err(|wrong| wrong.at), Err(at), "{text}");
        }
        for (text, at) in [
            ("950>1400>1800", 13),
            ("950 330>", 4),
            ("950>1400>1800>2000 330", 0),
            ("1400>950>1800 330", 0),
            ("950>1400>1800 330/330", 14),
            ("950>1400>1800 330/100/330", 18),
            ("950>1400>1800 330 gap", 21),
            ("950>1400>1800 330 gap 90", 22),
            ("950>1400>1800 330 then 90", 18),
            ("950>1400 330", 9),
        ] {
            assert_eq!(Information::read(text).map_err(|wrong| wrong.at), Err(at), "{text}");
        }
    }
}
