//! The signs of hang-up during a call: found where they are, and not found in an hour of sound that is none, nor in a
//! day.
//!
//! The speech is **synthetic** (see `talk_off`), and so is the music: chords with harmonics, lone notes at and near the
//! networks' frequencies in a rhythm that is no network's, ringing telephones, staccato. It says nothing about recorded
//! music, of which `recordings` has some. A pure, steady sine at the country's frequency for more than two seconds
//! **is** a dial tone to any listener, and a staccato of such sines in the rhythm of busy is busy; there is none here.

use crate::network::{Way, heard_in, sound};
use crate::recordings::{MISSING, Tape};
use crate::speaker::Speaker;
use crate::world::{Dice, through};
use tipring_dsp::level::peak_at;
use tipring_dsp::progress::{BLOCK, Mode};
use tipring_dsp::{Cadence, Progress, Progressing, Tone, ZoneId};

/// One note: a frequency with harmonics, that fades or not.
struct Note {
    hz: f32,
    rich: f32,
    fade_db_s: f32,
    vibrato: f32,
}

/// Adds a note to samples; ends soft, within 4 ms.
fn add(into: &mut [i16], note: &Note, dbm0: f32, phase: f32) {
    let count = into.len();
    let mut turns = [phase; 6];
    for (n, sample) in into.iter_mut().enumerate() {
        let s = n as f32 / 8000.0;
        let ends = (n.min(count - n) as f32 / 32.0).min(1.0);
        let gain = peak_at(dbm0) * 10f32.powf(-note.fade_db_s * s / 20.0) * ends;
        let hz = note.hz * (1.0 + note.vibrato * (core::f32::consts::TAU * 5.5 * s).sin());
        let (mut sum, mut loud) = (0.0, 1.0);
        for (harmonic, turn) in turns.iter_mut().enumerate() {
            let hz = hz * (harmonic + 1) as f32;
            if hz > 3600.0 || loud < 0.01 {
                break;
            }
            *turn = (*turn + hz / 8000.0).fract();
            sum += loud * (core::f32::consts::TAU * *turn).sin();
            loud *= note.rich;
        }
        *sample = sample.saturating_add((sum * gain) as i16);
    }
}

/// Ten seconds of something that is no tone of a network.
fn scene(kind: u64, dice: &mut Dice, speaker: &mut Speaker) -> Vec<i16> {
    let mut all = vec![0i16; 80_000];
    let dbm0 = dice.between(-30.0, -8.0);
    let loud = 10f32.powf((dbm0 + 10.0) / 20.0);
    match kind {
        // Speech, which is half of it all.
        0..=5 => all.iter_mut().for_each(|sample| *sample = (f32::from(speaker.sample()) * loud) as i16),
        6 => chords(&mut all, dbm0, dice),
        7 => lone_notes(&mut all, dbm0, dice),
        8 => staccato(&mut all, dbm0, dice),
        9 => telephones(&mut all, dbm0, dice),
        10 => {
            // Speech over music.
            chords(&mut all, dbm0 - 10.0, dice);
            all.iter_mut()
                .for_each(|sample| *sample = sample.saturating_add((f32::from(speaker.sample()) * loud) as i16));
        }
        _ => {
            // Bursts of noise: drums, applause, a bad line.
            let mut left = 0;
            let mut gain = 0.0;
            for sample in &mut all {
                if left == 0 {
                    left = dice.between(400.0, 8000.0) as usize;
                    gain = if gain > 0.0 { 0.0 } else { peak_at(dbm0) / 1.5 };
                }
                left -= 1;
                *sample = (gain * dice.gauss()) as i16;
            }
        }
    }
    all
}

/// Chords of one to four notes of the tempered scale.
fn chords(all: &mut [i16], dbm0: f32, dice: &mut Dice) {
    let mut at = 0;
    while at < all.len() {
        let length = dice.between(800.0, 8000.0) as usize;
        let end = (at + length).min(all.len());
        let voices = 1 + dice.next() % 4;
        for _ in 0..voices {
            let note = Note {
                hz: 110.0 * 2f32.powf((dice.next() % 37) as f32 / 12.0),
                rich: dice.between(0.15, 0.7),
                fade_db_s: dice.between(0.0, 20.0),
                vibrato: 0.0,
            };
            add(&mut all[at..end], &note, dbm0 - 6.0, dice.part());
        }
        at = end;
    }
}

/// Notes at the networks' frequencies and near them, pure or hardly coloured, in a rhythm by chance: a flute, a
/// whistle.
fn lone_notes(all: &mut [i16], dbm0: f32, dice: &mut Dice) {
    let near = [350.0, 392.0, 400.0, 415.3, 420.0, 425.0, 440.0, 450.0, 466.2, 480.0, 620.0, 950.0, 1400.0];
    let mut at = 0;
    while at < all.len() {
        let end = (at + dice.between(640.0, 14_000.0) as usize).min(all.len());
        let sustained = end - at > 8000;
        let note = Note {
            hz: near[(dice.next() % near.len() as u64) as usize],
            rich: if dice.next().is_multiple_of(3) { 0.0 } else { dice.between(0.05, 0.5) },
            fade_db_s: if sustained { dice.between(1.0, 12.0) } else { dice.between(0.0, 12.0) },
            vibrato: dice.between(0.0, 0.02),
        };
        add(&mut all[at..end], &note, dbm0, dice.part());
        at = end + dice.between(0.0, 8000.0) as usize;
    }
}

/// Equal notes in a strict beat, coloured and fading as strings and pianos are.
fn staccato(all: &mut [i16], dbm0: f32, dice: &mut Dice) {
    let beat = (8000.0 * 60.0 / dice.between(70.0, 180.0)) as usize;
    let hz = [425.0, 440.0, 440.0, 400.0][(dice.next() % 4) as usize];
    let rich = dice.between(0.4, 0.8);
    let part = dice.between(0.3, 0.8);
    for at in (0..all.len()).step_by(beat) {
        let end = (at + (beat as f32 * part) as usize).min(all.len());
        let note = Note { hz, rich, fade_db_s: dice.between(5.0, 40.0), vibrato: 0.0 };
        add(&mut all[at..end], &note, dbm0, 0.0);
    }
}

/// Telephones that ring in the room: two notes in quick turn, or a scale of pure ones, two seconds of six.
fn telephones(all: &mut [i16], dbm0: f32, dice: &mut Dice) {
    let (low, high) = (dice.between(400.0, 1200.0), dice.between(1.1, 1.5));
    let quick = dice.between(400.0, 1200.0) as usize;
    let scale = dice.next().is_multiple_of(2);
    for ring in all.chunks_mut(48_000) {
        let count = ring.len().min(16_000);
        for (n, piece) in ring[..count].chunks_mut(quick).enumerate() {
            let hz =
                if scale { low * 2f32.powf((n % 8) as f32 / 12.0) } else { low * if n % 2 == 0 { 1.0 } else { high } };
            add(piece, &Note { hz, rich: 0.0, fade_db_s: 0.0, vibrato: 0.0 }, dbm0, 0.0);
        }
    }
}

/// The countries that listen to the hour: each kind of sound and rhythm is among them.
const LISTENING: [&str; 12] = ["us", "gb", "de", "fr", "au", "nz", "it", "es", "br", "in", "cn", "ar"];

fn is_hang_up(what: &Progressing) -> bool {
    use Progressing::{Busy, Congestion, DialTone, Howler, Information};
    matches!(what, Busy | Congestion | DialTone | Information | Howler)
}

fn feed(ear: &mut Progress, samples: &[i16], mut told: impl FnMut(Progressing)) {
    for block in samples.chunks_exact(BLOCK) {
        let block: &[i16; BLOCK] = block.try_into().expect("a whole block");
        if let Some(what) = ear.block(block) {
            told(what);
        }
    }
}

/// Time that this thread has had of a processor; 0 where the system does not say.
fn cpu_ns() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0.0)
}

/// An hour of scenes, told to all ears in turn: what they took for a hang-up, voices, rings, and time a channel second.
fn an_hour(seed: u64, ears: &mut [Progress]) -> (Vec<String>, usize, usize, f64) {
    let mut dice = Dice::new(seed);
    let mut speaker = Speaker::new(seed + 1);
    let (mut hang_ups, mut voices, mut rings, mut spent) = (Vec::new(), 0, 0, 0.0);
    for n in 0..360u64 {
        let kind = dice.next() % 12;
        let mut sound = scene(kind, &mut dice, &mut speaker);
        sound.iter_mut().for_each(|sample| *sample = through(n % 2 == 0, *sample));
        let begin = cpu_ns();
        for (at, ear) in ears.iter_mut().enumerate() {
            feed(ear, &sound, |what| {
                voices += usize::from(what == Progressing::Voice);
                rings += usize::from(what == Progressing::Ringback);
                if is_hang_up(&what) {
                    hang_ups.push(format!("ear {at}, scene {n} of kind {kind}: {what:?}"));
                }
            });
        }
        spent += cpu_ns() - begin;
    }
    (hang_ups, voices, rings, spent / 1e3 / (3600.0 * ears.len() as f64))
}

/// Recordings, told to all ears in turn: what they took for a hang-up, and voices.
fn recorded(tape: &mut Tape, seconds: usize, ears: &mut [Progress]) -> (Vec<String>, usize) {
    let (mut hang_ups, mut voices) = (Vec::new(), 0);
    let mut at_s = 0;
    tape.seconds(seconds, |piece| {
        for (at, ear) in ears.iter_mut().enumerate() {
            feed(ear, piece, |what| {
                voices += usize::from(what == Progressing::Voice);
                if is_hang_up(&what) {
                    hang_ups.push(format!("ear {at}, recording that begins at {at_s} s: {what:?}"));
                }
            });
        }
        at_s += piece.len() / 8000;
    });
    (hang_ups, voices)
}

#[test]
#[ignore = "minutes of CPU; for soak runs"]
fn no_false_hang_up_in_24_hours_in_all_countries() {
    let mut ears: Vec<Progress> = ZoneId::all().map(Progress::new).collect();
    let mut all = Vec::new();
    let mut hours = 24;
    match Tape::all(2400) {
        Some(mut tape) => {
            // Four hours are enough to hear the twenty minutes at every pitch.
            hours -= 4;
            all.extend(recorded(&mut tape, 4 * 3600, &mut ears).0);
            std::println!("four hours of recordings in {} countries: {} hang-ups {all:?}", ears.len(), all.len());
        }
        None => std::println!("== SKIPPED recordings: {MISSING}"),
    }
    for hour in 0..hours {
        all.extend(an_hour(1000 + 2 * hour, &mut ears).0);
    }
    std::println!("24 hours in {} countries: {} hang-ups {all:?}", ears.len(), all.len());
    assert!(all.is_empty());
}

#[test]
fn no_false_hang_up_in_ten_minutes_of_recorded_speech_and_music() {
    let Some(mut tape) = Tape::all(10) else { return std::println!("== SKIPPED recordings: {MISSING}") };
    let mut ears: Vec<Progress> = ZoneId::all().map(Progress::new).collect();
    let (hang_ups, voices) = recorded(&mut tape, 600, &mut ears);
    std::println!(
        "ten minutes of recordings in {} countries: {} hang-ups, {voices} voices",
        ears.len(),
        hang_ups.len()
    );
    assert!(hang_ups.is_empty(), "{hang_ups:?}");
    assert!(voices > ears.len(), "they were heard");
}

#[test]
fn no_false_hang_up_in_an_hour_of_speech_and_music() {
    let zones = LISTENING.map(|code| ZoneId::of(code).expect("a zone"));
    let mut ears = zones.map(Progress::new);
    let (hang_ups, voices, rings, micros) = an_hour(61, &mut ears);
    std::println!("an hour in {} countries: {} hang-ups {hang_ups:?}", LISTENING.len(), hang_ups.len());
    std::println!("{voices} voices, {rings} rings; {micros:.0} us of CPU a channel second");
    assert!(micros < 1000.0, "{micros:.0} us: ten times of what it may be");
    assert!(hang_ups.is_empty());
    assert!(voices > 1000, "the hour was heard");
    let mut dice = Dice::new(60);
    // Shows that it can fail: the same ears, in the same state, find the country's busy tone after the hour.
    for (ear, zone) in ears.iter_mut().zip(zones) {
        let busy = &zone.tones().busy[0];
        let planted = sound(busy, Way { dbm0: -25.0, ..Way::default() }, 8000.0, &mut dice);
        let mut found = false;
        feed(ear, &planted, |what| found |= what == Progressing::Busy);
        assert!(found, "{}", zone.tones().code);
    }
}

#[test]
fn a_busy_tone_in_the_middle_of_the_talk_is_found() {
    let mut dice = Dice::new(63);
    let mut speaker = Speaker::new(64);
    for zone in ZoneId::all() {
        let busy = &zone.tones().busy[0];
        let turn: u16 = busy.on_off_ms.iter().sum();
        let mut all = scene(0, &mut dice, &mut speaker);
        let way = Way { dbm0: dice.between(-30.0, -10.0), snr_db: Some(25.0), ..Way::default() };
        let noise = peak_at(way.dbm0 - 25.0) / 2f32.sqrt();
        for sample in &mut all {
            *sample = through(true, sample.saturating_add((noise * dice.gauss()) as i16));
        }
        let begin = all.len() as u32 / 8;
        all.extend(sound(busy, way, f32::from(turn) * 5.0, &mut dice));
        let heard = heard_in(zone, Mode::Call, &all);
        let found = heard.iter().find(|(_, what)| *what == Progressing::Busy);
        let Some((ms, _)) = found else { panic!("{}: {way:?} {heard:?}", zone.tones().code) };
        // Speech that ran on into the first burst may cost one more.
        assert!(*ms <= begin + u32::from(turn) * 4 + 100, "{}: {ms} after {begin}", zone.tones().code);
    }
}

/// The busy tone of Germany for a minute with something over it.
fn busy_with(over: impl FnMut(usize) -> i16) -> Vec<i16> {
    let de = ZoneId::of("de").expect("a zone");
    let mut dice = Dice::new(65);
    let busy = sound(&de.tones().busy[0], Way { dbm0: -15.0, ..Way::default() }, 60_000.0, &mut dice);
    busy.iter().zip((0..busy.len()).map(over)).map(|(a, b)| through(true, a.saturating_add(b))).collect()
}

fn hang_ups(sound: &[i16]) -> usize {
    let de = ZoneId::of("de").expect("a zone");
    heard_in(de, Mode::Call, sound).iter().filter(|(_, what)| is_hang_up(what)).count()
}

#[test]
fn a_busy_tone_with_talk_over_it_is_not_busy() {
    assert!(hang_ups(&busy_with(|_| 0)) >= 18, "without talk it is, every three cycles");
    for talk_db in [6.0f32, 0.0, -6.0] {
        let gain = 10f32.powf((talk_db - 5.0) / 20.0);
        let mut speaker = Speaker::new(66);
        let got = hang_ups(&busy_with(|_| (f32::from(speaker.sample()) * gain) as i16));
        assert_eq!(got, 0, "talk at {talk_db} dB");
    }
}

#[test]
fn a_busy_tone_whose_pauses_are_spoken_in_is_not_busy() {
    let mut speaker = Speaker::new(67);
    let got = hang_ups(&busy_with(|n| if n / 3840 % 2 == 1 { speaker.sample() } else { 0 }));
    assert_eq!(got, 0);
}

#[test]
fn a_busy_tone_is_found_over_the_echo_of_our_own_prompt() {
    // The prompt at -15 dBm0 comes back 20 dB weaker.
    let mut speaker = Speaker::new(68);
    let got = hang_ups(&busy_with(|_| (f32::from(speaker.sample()) * 0.056) as i16));
    std::println!("found over the echo: {got} of 20");
    assert!(got >= 10, "{got}");
}

#[test]
fn a_tone_beside_the_countrys_or_in_another_rhythm_is_no_sign() {
    let mut dice = Dice::new(69);
    let de = ZoneId::of("de").expect("a zone");
    let cases: [(u16, &[u16]); 6] = [
        (440, &[480, 480]),
        (400, &[480, 480]),
        (425, &[480, 300]),
        (425, &[700, 300]),
        (425, &[480, 480, 240, 240]),
        (850, &[480, 480]),
    ];
    for (hz, on_off) in cases {
        let spans: &'static [u16] = on_off.to_vec().leak();
        let cadence = Cadence { hz: [hz, 0], modulated: false, on_off_ms: spans };
        let heard = heard_in(de, Mode::Call, &sound(&cadence, Way::default(), 20_000.0, &mut dice));
        assert!(!heard.iter().any(|(_, what)| is_hang_up(what)), "{cadence:?}: {heard:?}");
    }
}

#[test]
fn noise_15_decibels_down_hides_no_busy_tone() {
    let mut dice = Dice::new(70);
    for zone in ZoneId::all() {
        let busy = &zone.tones().busy[0];
        let turn: u16 = busy.on_off_ms.iter().sum();
        let way = Way { dbm0: -18.0, snr_db: Some(15.0), begun: dice.part(), ..Way::default() };
        // The line is known by its noise for some seconds.
        let mut all: Vec<i16> = (0..40_000).map(|_| through(true, (dice.gauss() * peak_at(-36.0)) as i16)).collect();
        all.extend(sound(busy, way, f32::from(turn) * 4.0 + 100.0, &mut dice));
        let heard = heard_in(zone, Mode::Call, &all);
        assert!(heard.iter().any(|(_, what)| *what == Progressing::Busy), "{}: {heard:?}", zone.tones().code);
    }
}

#[test]
fn voice_and_silence_are_told_and_nothing_else() {
    let mut speaker = Speaker::new(71);
    let mut all = vec![0; 24_000];
    all.extend((0..24_000).map(|_| through(false, speaker.sample())));
    all.extend([8i16; 28_000]);
    let heard = heard_in(ZoneId::default(), Mode::Call, &all);
    let first: Vec<Progressing> = heard.iter().take(4).map(|(_, what)| *what).collect();
    let silence = |ms| Progressing::Silence { ms };
    assert_eq!(first, [silence(1000), silence(2000), silence(3000), Progressing::Voice], "{heard:?}");
    assert!((3_200..4_200).contains(&heard[3].0), "{heard:?}");
    let after: Vec<Progressing> = heard[4..].iter().map(|(_, what)| *what).collect();
    assert!(after.ends_with(&[silence(1000), silence(2000), silence(3000)]), "{heard:?}");
    assert!(!heard.iter().any(|(_, what)| is_hang_up(what) || *what == Progressing::Ringback));
}

#[test]
fn clicks_do_not_end_silence_and_are_no_voice() {
    let mut all = vec![0i16; 40_000];
    for at in (3_000..40_000).step_by(4_321) {
        all[at..at + 30].fill(9_000);
    }
    let heard = heard_in(ZoneId::default(), Mode::Call, &all);
    assert_eq!(heard.len(), 5, "{heard:?}");
    assert!(heard.iter().all(|(_, what)| matches!(what, Progressing::Silence { .. })), "{heard:?}");
}

#[test]
fn another_mode_forgets_what_was_half_heard() {
    let mut dice = Dice::new(72);
    let de = ZoneId::of("de").expect("a zone");
    let busy = sound(&de.tones().busy[0], Way::default(), 6_000.0, &mut dice);
    let mut ear = Progress::new(de);
    let mut told = Vec::new();
    for piece in busy.chunks(16_000) {
        feed(&mut ear, piece, |what| told.push(what));
        ear.listen(Mode::Call);
    }
    assert_eq!(told, []);
}

#[test]
fn a_short_hello_is_a_voice() {
    // Stretches of synthetic speech after silence; one in eight begins with a pause of its own.
    for (ms, least) in [(400, 45), (600, 80), (1000, 95)] {
        for code in ["us", "de", "gb"] {
            let zone = ZoneId::of(code).expect("a zone");
            let mut told = 0;
            for seed in 0..100 {
                let mut speaker = Speaker::new(1000 + seed);
                let mut word: Vec<i16> = (0..8 * ms).map(|_| through(false, speaker.sample() / 4)).collect();
                word.extend([0; 4_000]);
                let mut all = vec![0; 8_000];
                all.extend(word);
                let heard = heard_in(zone, Mode::Call, &all);
                told += usize::from(heard.iter().any(|(_, what)| *what == Progressing::Voice));
            }
            std::println!("a voice of {ms} ms in {code}: {told} of 100");
            assert!(told >= least, "{ms} ms in {code}: {told}");
        }
    }
}

#[test]
fn a_hissing_line_is_no_voice_and_a_voice_on_it_is() {
    let mut dice = Dice::new(73);
    for hiss in [-45.0f32, -40.0, -36.0] {
        for code in ["us", "de"] {
            let zone = ZoneId::of(code).expect("a zone");
            let mut speaker = Speaker::new(74);
            let gain = peak_at(hiss) / 2f32.sqrt();
            let mut line = |voice: bool, seconds: usize| -> Vec<i16> {
                let samples = (0..seconds * 8000).map(|_| {
                    let voice = if voice { f32::from(speaker.sample()) * 0.5 } else { 0.0 };
                    through(true, (voice + gain * dice.gauss()) as i16)
                });
                samples.collect()
            };
            let mut ear = Progress::new(zone);
            ear.listen(Mode::BeforeDialling);
            let mut told = Vec::new();
            feed(&mut ear, &line(false, 3), |what| told.push(what));
            ear.listen(Mode::Call);
            feed(&mut ear, &line(false, 10), |what| told.push(what));
            assert!(!told.contains(&Progressing::Voice), "{code} at {hiss}: {told:?}");
            feed(&mut ear, &line(true, 2), |what| told.push(what));
            assert!(told.contains(&Progressing::Voice), "{code} at {hiss}: {told:?}");
        }
    }
}

/// The howler as it comes: four tones of one level, on and off.
fn howler(off: f32, ms: usize, dbm0: f32, snr_db: f32, dice: &mut Dice) -> Vec<i16> {
    let mut all = vec![0i16; 24_000];
    for hz in [1400.0, 2060.0, 2450.0, 2600.0] {
        let mut tone = Tone::new(hz * off, dbm0 - 6.0);
        for burst in all[8_000..].chunks_mut(16 * ms) {
            let end = burst.len().min(8 * ms);
            tone.add_to(&mut burst[..end]);
        }
    }
    let noise = peak_at(dbm0 - snr_db) / 2f32.sqrt();
    all.iter_mut().for_each(|sample| *sample = through(true, sample.saturating_add((noise * dice.gauss()) as i16)));
    all
}

#[test]
fn a_howler_is_told_once_in_a_second_and_before_it_is_a_voice() {
    let mut dice = Dice::new(75);
    for zone in ZoneId::all() {
        for (off, ms, dbm0, snr_db) in
            [(1.0, 100, -10.0, 40.0), (0.985, 110, -25.0, 20.0), (1.015, 90, -3.0, 30.0), (1.0, 105, -20.0, 15.0)]
        {
            let heard = heard_in(zone, Mode::Call, &howler(off, ms, dbm0, snr_db, &mut dice));
            let heard: Vec<_> =
                heard.into_iter().filter(|(_, what)| !matches!(what, Progressing::Silence { .. })).collect();
            let code = zone.tones().code;
            assert!(matches!(heard[..], [(0..=2000, Progressing::Howler)]), "{code} {off} {ms} {dbm0}: {heard:?}");
        }
    }
}

#[test]
fn what_lacks_a_tone_of_the_howlers_or_its_rhythm_is_none() {
    let mut dice = Dice::new(76);
    let is_told = |sound: &[i16]| {
        heard_in(ZoneId::default(), Mode::Call, sound).iter().any(|(_, what)| *what == Progressing::Howler)
    };
    assert!(is_told(&howler(1.0, 100, -10.0, 30.0, &mut dice)));
    assert!(!is_told(&howler(1.0, 200, -10.0, 30.0, &mut dice)), "in another rhythm");
    assert!(!is_told(&howler(0.9, 100, -10.0, 30.0, &mut dice)), "at other frequencies");
    let noise = |on: bool, dice: &mut Dice| if on { (dice.gauss() * 3000.0) as i16 } else { 0 };
    let bursts: Vec<i16> = (0..40_000).map(|n| noise(n / 800 % 2 == 0, &mut dice)).collect();
    assert!(!is_told(&bursts), "noise in its rhythm");
}
