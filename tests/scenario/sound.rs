//! What a caller heard, in words: known texts and sounds are found in the octets of the line, exactly.

use std::sync::OnceLock;

use tipring_dsp::{Tone, alaw_decode};

use crate::world::{document, render, scenario};

pub const HELLO: &str = "Hello from the application.";
pub const SPARE: &str = "This is the fallback.";
pub const SPARE_2: &str = "This is the second fallback.";
const APOLOGY: &str = "We are sorry. An application error has occurred. Goodbye.";
const UNCONFIGURED: &str = "This number is not in service yet. Goodbye.";
/// Octets from the beginning of a sound that tell that it began: no two of the known sounds begin alike for so long.
const BEGINNING: usize = 2_400;
/// Sound that is not known but so short that it is the edge of a known one, e.g. of one that was cut.
const EDGE_MS: u64 = 60;

/// Name, document at `/`, in words.
const KNOWN: &[(&str, &str)] = &[
    ("hello", "the application's words"),
    ("spare", "the fallback's words"),
    ("spare-2", "the second fallback's words"),
    ("apology", "the built-in apology"),
    ("unconfigured", "the built-in notice"),
    ("beep", "the beep"),
    ("announcement", "the announcement"),
];

fn body(name: &str) -> String {
    let say = |text: &str| format!("<Response><Say>{text}</Say><Pause/></Response>");
    match name {
        "hello" => say(HELLO),
        "spare" => say(SPARE),
        "spare-2" => say(SPARE_2),
        "apology" => say(APOLOGY),
        "unconfigured" => say(UNCONFIGURED),
        "beep" => "<Response><Record timeout=\"1\"/></Response>".into(),
        _ => "<Response><Play>/announcement.wav</Play><Pause/></Response>".into(),
    }
}

/// A sound as it goes over the line, without the silence around it. A span speaks A-law; a line that speaks µ-law gives
/// other octets of the same sound.
pub struct Known {
    pub words: &'static str,
    pub analog: bool,
    pub octets: Vec<u8>,
}

/// Every known sound, heard once over a line that nothing is wrong with.
pub fn known() -> &'static [Known] {
    static KNOWN_SOUNDS: OnceLock<Vec<Known>> = OnceLock::new();
    KNOWN_SOUNDS.get_or_init(|| {
        let mut text = format!("analog_lines = {}\n", KNOWN.len()) + &document("/announcement.wav", "@announcement");
        let listens = "does = [{ await_answer = {} }, { await_hangup = {} }]\n";
        for (at, (name, _)) in (1..).zip(KNOWN) {
            text += &document(&format!("/{name}"), &body(name));
            for number in [format!("{at}00"), format!("sim 2/{at}")] {
                text += &format!("[[number]]\nnumber = \"{number}\"\nurl = \"http://app.example/{name}\"\n");
            }
        }
        for (way, what) in [("to", "00\""), ("line", "")] {
            for at in 1..=KNOWN.len() {
                let to = if way == "to" { format!("\"{at}{what}") } else { at.to_string() };
                text += &format!("[[call]]\nid = \"{way}-{at}\"\n{way} = {to}\n{listens}");
            }
        }
        let (_, outcome) = render(&scenario(&text), 1, 1);
        let heard = outcome.heard.iter().map(|(id, octets)| (id.starts_with("line"), trim(octets)));
        let names = KNOWN.iter().chain(KNOWN);
        names.zip(heard).map(|((_, words), (analog, octets))| Known { words, analog, octets }).collect()
    })
}

/// One known sound on a span.
pub fn sound_of(words: &str) -> &'static [u8] {
    sound_on("pri", words)
}

/// One known sound on a line: `pri` or `fxo`.
pub fn sound_on(way: &str, words: &str) -> &'static [u8] {
    let found = known().iter().find(|known| known.words == words && known.analog == (way == "fxo"));
    &found.unwrap_or_else(|| panic!("no sound is known as {words}")).octets
}

/// A-law octets as linear samples.
pub fn linear(octets: &[u8]) -> Vec<i16> {
    octets.iter().map(|&octet| alaw_decode(octet)).collect()
}

/// Without the silence at both ends.
pub fn trim(octets: &[u8]) -> Vec<u8> {
    let loud = |&octet: &u8| alaw_decode(octet).unsigned_abs() > 8;
    let begin = octets.iter().position(loud).unwrap_or(0);
    let end = octets.iter().rposition(loud).map_or(0, |at| at + 1);
    octets.get(begin..end).unwrap_or_default().to_vec()
}

/// Where a sound stands in another, exactly.
pub fn find(heard: &[u8], sound: &[u8]) -> Option<usize> {
    if sound.is_empty() || heard.len() < sound.len() {
        return None;
    }
    heard.windows(sound.len()).position(|window| window == sound)
}

/// Every place of a sound.
pub fn places(heard: &[u8], sound: &[u8]) -> Vec<usize> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = find(&heard[from..], sound) {
        found.push(from + at);
        from += at + sound.len();
    }
    found
}

/// What was heard, in words: each known sound in its order, whole or only begun; how long anything else was.
pub fn in_words(heard: &[u8]) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut rest = heard;
    loop {
        let begun = |known: &'static Known| {
            let beginning = known.octets.get(..BEGINNING.min(known.octets.len() / 2))?;
            let at = find(rest, beginning)?;
            let same = rest[at..].iter().zip(&known.octets).take_while(|(a, b)| a == b).count();
            Some((at, known, same))
        };
        let next = known().iter().filter_map(begun).min_by_key(|(at, _, _)| *at);
        let Some((at, known, length)) = next else {
            break;
        };
        words.extend(other(&rest[..at]));
        let is_whole = length == known.octets.len();
        words.push(if is_whole { known.words.to_string() } else { format!("the beginning of {}", known.words) });
        rest = &rest[at + length..];
    }
    words.extend(other(rest));
    if words.is_empty() { "nothing".into() } else { words.join(", then ") }
}

/// Sounds of the network and whistles, in their order; how long anything else was.
fn other(octets: &[u8]) -> Vec<String> {
    let (mut words, mut unknown_ms): (Vec<String>, u64) = (Vec::new(), 0);
    for run in loud_runs(octets) {
        match tone_name(run) {
            // The last burst of a busy tone, cut off by the end of the call.
            Some(name) if name == CONGESTION && words.last().is_some_and(|last| last == BUSY) => {}
            Some(name) => words.extend((words.last() != Some(&name)).then_some(name)),
            None => unknown_ms += tipring::daemon::telephones::sound_ms(run),
        }
    }
    if unknown_ms > EDGE_MS {
        words.push(format!("{unknown_ms} ms of something else"));
    }
    words
}

/// Stretches of sound between silences.
fn loud_runs(octets: &[u8]) -> Vec<&[u8]> {
    let mut runs = Vec::new();
    let mut rest = octets;
    let is_loud = |block: &&[u8]| tipring::daemon::telephones::sound_ms(block) > 0;
    while !rest.is_empty() {
        let quiet = rest.chunks(80).take_while(|block| !is_loud(block)).map(<[u8]>::len).sum();
        let loud = rest[quiet..].chunks(80).take_while(is_loud).map(<[u8]>::len).sum::<usize>();
        if loud > 0 {
            runs.push(&rest[quiet..quiet + loud]);
        }
        rest = &rest[quiet + loud..];
    }
    runs
}

/// The two tones of the United States that only the length of a burst tells apart.
const BUSY: &str = "busy tone";
const CONGESTION: &str = "congestion tone";

/// One or two frequencies that are all of a sound: ringback, busy and dial tone of the United States, a whistle.
fn tone_name(octets: &[u8]) -> Option<String> {
    let samples = linear(octets);
    let (ms, middle) = (samples.len() / 8, &samples[samples.len() / 4..samples.len() * 3 / 4]);
    if middle.len() < 160 {
        return None;
    }
    let all = tipring_dsp::dbm0_of(middle);
    let has = |hz: f32| (crate::legs::dbm0_at(middle, hz) - all + 3.0).abs() < 1.5;
    for (pair, name) in [([440.0, 480.0], "ringback"), ([350.0, 440.0], "dial tone")] {
        if pair.into_iter().all(has) {
            return Some(name.into());
        }
    }
    if has(480.0) && has(620.0) {
        return Some(if ms < 350 { CONGESTION } else { BUSY }.into());
    }
    let whistle = [500, 700, 900].into_iter().find(|hz| crate::legs::dbm0_at(middle, *hz as f32) > all - 0.5);
    whistle.map(|hz| format!("a tone of {hz} Hz"))
}

/// A WAV of two seconds that is no speech: tones that climb, so that every stretch of it is found in one place only.
pub fn announcement() -> Vec<u8> {
    wav(&climbing(200))
}

/// Tones of 10 ms, each higher than the one before.
pub fn climbing(steps: usize) -> Vec<i16> {
    let mut samples = vec![0; steps * 80];
    let mut tone = Tone::new(300.0, -12.0);
    for (n, piece) in samples.chunks_mut(80).enumerate() {
        tone.set_hz(300.0 + 13.0 * n as f32);
        tone.fill(piece);
    }
    samples
}

/// A WAV file of 8 kHz, mono, 16 bits.
pub fn wav(samples: &[i16]) -> Vec<u8> {
    let octets = samples.len() as u32 * 2;
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + octets).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&8_000_u32.to_le_bytes());
    file.extend_from_slice(&16_000_u32.to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&octets.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// The samples of a recording's file: a WAV of 8 kHz, mono, 16 bits.
pub fn recorded(file: &[u8]) -> Vec<i16> {
    let reader = hound::WavReader::new(file).expect("a WAV");
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 8_000, 16));
    reader.into_samples().map(|sample| sample.expect("a sample")).collect()
}

#[test]
fn what_was_heard_is_told_in_words() {
    let silence = vec![0xD5; 8_000];
    let (hello, beep) = (sound_of("the application's words"), sound_of("the beep"));
    assert_eq!(in_words(&silence), "nothing");
    let both = [&silence, hello, &silence, beep, &silence].concat();
    assert_eq!(in_words(&both), "the application's words, then the beep");
    let cut = [&silence[..], &hello[..hello.len() / 2], &silence].concat();
    assert_eq!(in_words(&cut), "the beginning of the application's words");
    let strange = [&silence[..], &sound_of("the built-in apology")[8_000..16_000], &silence].concat();
    assert!(in_words(&strange).ends_with("ms of something else"), "{}", in_words(&strange));
}
