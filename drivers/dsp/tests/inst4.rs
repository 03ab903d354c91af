//! The generated tones of every country, measured: which frequencies sound, and for how long, against the file of
//! countries. The measurement is a spectrum and an envelope of its own; the listener of this crate has no part in it.

use std::f64::consts::TAU;

use tipring_countries::{Book, Tone};
use tipring_dsp::zone::LEVEL_DBM0;
use tipring_dsp::{Cadence, CadenceTone, RATE, ZoneId};

/// Enough for two turns of the longest rhythm.
const SECONDS: usize = 14;
/// Silence that is none: where two tones, or a modulated one, cancel each other.
const BRIDGED: usize = 25 * RATE as usize / 1000;

fn generated(cadence: Cadence) -> Vec<i16> {
    let mut samples = vec![0; SECONDS * RATE as usize];
    CadenceTone::new(cadence, LEVEL_DBM0).fill(&mut samples);
    samples
}

/// Sound and silence in turn, as sample ranges; the last is cut off.
fn spans(samples: &[i16]) -> Vec<(bool, std::ops::Range<usize>)> {
    let loud = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0) / 50;
    let mut marks: Vec<usize> = (0..samples.len()).filter(|at| samples[*at].unsigned_abs() > loud).collect();
    marks.dedup();
    let mut spans = Vec::new();
    let (mut begin, mut last) = (marks[0], marks[0]);
    for mark in marks.into_iter().skip(1) {
        if mark - last > BRIDGED {
            spans.push((true, begin..last + 1));
            spans.push((false, last + 1..mark));
            begin = mark;
        }
        last = mark;
    }
    spans
}

/// The power at a frequency, through a Hann window.
fn power(samples: &[i16], hz: f64) -> f64 {
    let step = TAU * hz / f64::from(RATE);
    let turn = TAU / samples.len() as f64;
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let weighted = f64::from(*sample) * (1.0 - (turn * n as f64).cos());
        real += weighted * (step * n as f64).cos();
        imaginary += weighted * (step * n as f64).sin();
    }
    (real * real + imaginary * imaginary) / (samples.len() * samples.len()) as f64
}

/// The strongest frequencies of a burst, as many as asked for, and how strong the next one is beside the strongest.
fn strongest(burst: &[i16], count: usize) -> (Vec<f64>, f64) {
    let lobe_hz = 2.5 * f64::from(RATE) / burst.len() as f64;
    let coarse: Vec<(f64, f64)> =
        (100..1000).map(|half| f64::from(half) * 2.0).map(|hz| (hz, power(burst, hz))).collect();
    let mut found: Vec<(f64, f64)> = Vec::new();
    for _ in 0..=count {
        let far = |hz: f64| found.iter().all(|(other, _)| (hz - other).abs() > lobe_hz);
        let peak = coarse.iter().filter(|(hz, _)| far(*hz)).max_by(|a, b| a.1.total_cmp(&b.1)).expect("a peak");
        let fine = (-20..=20).map(|tenth| peak.0 + f64::from(tenth) * 0.1).map(|hz| (hz, power(burst, hz)));
        found.push(fine.max_by(|a, b| a.1.total_cmp(&b.1)).expect("a peak"));
    }
    let rest = found.pop().map_or(0.0, |(_, power)| power) / found[0].1;
    let mut hz: Vec<f64> = found.into_iter().map(|(hz, _)| hz).collect();
    hz.sort_by(f64::total_cmp);
    (hz, rest)
}

/// What a tone is to sound like.
fn expected_hz(tone: &Tone) -> Vec<f64> {
    let [first, second] = tone.hz.map(f64::from);
    match (tone.hz[1], tone.modulated) {
        (0, _) => vec![first],
        (_, false) => vec![first, second],
        (_, true) => vec![first - second, first, first + second],
    }
}

/// How far the generated tone is from what the file says: in Hz and in time, in parts of a hundred.
fn measured(tone: &Tone, cadence: Cadence) -> (f64, f64) {
    let samples = generated(cadence);
    let spans = spans(&samples);
    assert!(spans.len() > tone.on_off_ms.len(), "{tone}: {} spans", spans.len());
    let (mut off_hz, mut off_ms) = (0.0_f64, 0.0_f64);
    for (n, (sounds, range)) in spans.iter().enumerate() {
        assert_eq!(*sounds, n % 2 == 0, "{tone}");
        let ms = range.len() as f64 * 1000.0 / f64::from(RATE);
        let wanted = f64::from(tone.on_off_ms[n % tone.on_off_ms.len()]);
        off_ms = off_ms.max((ms - wanted).abs() / wanted * 100.0);
    }
    let (_, longest) = spans.iter().step_by(2).max_by_key(|(_, range)| range.len()).expect("a burst");
    let burst = &samples[longest.start..longest.end.min(longest.start + 4000)];
    let wanted = expected_hz(tone);
    let (heard, rest) = strongest(burst, wanted.len());
    assert!(rest < 0.003, "{tone}: something else sounds too, {rest:.4} of it");
    for (heard, wanted) in heard.iter().zip(&wanted) {
        off_hz = off_hz.max((heard - wanted).abs() / wanted * 100.0);
    }
    (off_hz, off_ms)
}

/// All forms of one kind of tone, in the file and in the table.
fn of_every_country(of_file: fn(&tipring_countries::Tones) -> &[Tone], of_table: fn(ZoneId) -> &'static [Cadence]) {
    let book = Book::default();
    let (mut countries, mut forms, mut worst) = (0, 0, (0.0_f64, 0.0_f64));
    let mut known: Vec<Tone> = Vec::new();
    for country in book.all() {
        let (_, tones) = book.tones(country).expect("tones");
        let zone = ZoneId::of(&country.code).expect("in the table");
        let (in_file, in_table) = (of_file(tones), of_table(zone));
        assert_eq!(in_file.len(), in_table.len(), "{}", country.code);
        countries += 1;
        for (tone, cadence) in in_file.iter().zip(in_table) {
            let same = (tone.hz, tone.modulated, &tone.on_off_ms[..]);
            assert_eq!(same, (cadence.hz, cadence.modulated, cadence.on_off_ms), "{}", country.code);
            if known.contains(tone) {
                continue;
            }
            known.push(tone.clone());
            forms += 1;
            let (off_hz, off_ms) = measured(tone, *cadence);
            assert!(off_hz <= 1.0, "{} {tone}: {off_hz:.2} % off in Hz", country.code);
            assert!(off_ms <= 10.0, "{} {tone}: {off_ms:.2} % off in time", country.code);
            worst = (worst.0.max(off_hz), worst.1.max(off_ms));
        }
    }
    println!(
        "{countries} countries, {forms} different forms: at worst {:.3} % in Hz, {:.2} % in time",
        worst.0, worst.1
    );
    assert!(countries >= 46 && forms > 10, "{countries} {forms}");
}

#[test]
fn inst4_the_generated_busy_tone_of_every_country_is_within_1_percent_in_hz_and_10_percent_in_time() {
    of_every_country(|tones| &tones.busy, |zone| zone.tones().busy);
}

#[test]
fn inst4_so_are_congestion_and_ringback() {
    of_every_country(|tones| &tones.congestion, |zone| zone.tones().congestion);
    of_every_country(|tones| &tones.ringback, |zone| zone.tones().ringback);
}

#[test]
fn the_measurement_hears_a_wrong_tone() {
    let tone = |text: &str| {
        let entry = format!(
            "[xx]\nname = \"X\"\ndial = [\"425\"]\nringback = [\"425 1000/4000\"]\nbusy = [\"{text}\"]\nring_ms = \
             [1000, 4000]\ncaller_id = [\"aon\"]\nfxo_mode = \"FCC\"\nlaw = \"a\"\nhang_up = [\"tone\"]\nemergency = \
             [\"112\"]\nframing = \"e1\"\n"
        );
        let mut read = tipring_countries::read(&entry).expect("good");
        read.remove(0).tones.expect("tones").busy.remove(0)
    };
    let made = |hz: [u16; 2], on_off_ms: &'static [u16]| Cadence { hz, modulated: false, on_off_ms };
    let (off_hz, off_ms) = measured(&tone("425 500/500"), made([432, 0], &[500, 440]));
    assert!((1.2..2.2).contains(&off_hz) && (11.0..13.0).contains(&off_ms), "{off_hz} {off_ms}");
    let (off_hz, _) = measured(&tone("480+620 500/500"), made([480, 628], &[500, 500]));
    assert!((1.0..1.6).contains(&off_hz), "{off_hz}");
}
