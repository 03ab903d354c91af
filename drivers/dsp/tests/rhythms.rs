//! Busy and congestion of every country over exchanges whose clocks are off: bursts and pauses up to 15 % longer or
//! shorter, each by its own factor, -30 to -10 dBm0, frequencies up to 1.5 % off, noise 15 dB down or less, begun
//! anywhere. Found is what was told as busy or congestion, whichever, within four cycles: both end a call.

use crate::network::{Way, heard_in, sound};
use crate::world::{Dice, through};
use tipring_dsp::level::peak_at;
use tipring_dsp::progress::Mode;
use tipring_dsp::{Cadence, Progressing, ZoneId};

/// A way by chance. Noise is 15 dB below the weaker bursts where a country has such.
fn way(dice: &mut Dice, step_db: i8) -> Way {
    let (on, off) = (dice.between(0.85, 1.15), dice.between(0.85, 1.15));
    Way {
        dbm0: dice.between(-30.0, -10.0),
        off: dice.between(0.985, 1.015),
        time: on,
        pause: off / on,
        snr_db: (!dice.next().is_multiple_of(4)).then(|| dice.between(15.0, 35.0) - f32::from(step_db.min(0))),
        begun: dice.part(),
        step_db: f32::from(step_db),
        ..Way::default()
    }
}

/// One cycle of a rhythm as it comes.
fn cycle_ms(cadence: &Cadence, way: Way) -> f32 {
    let of = |first: usize| cadence.on_off_ms.iter().skip(first).step_by(2).map(|ms| f32::from(*ms)).sum::<f32>();
    (of(0) + of(1) * way.pause) * way.time
}

/// What a second of the line and four cycles of the tone are taken for.
fn told(zone: ZoneId, cadence: &Cadence, way: Way, dice: &mut Dice) -> Option<Progressing> {
    let noise = way.snr_db.map_or(0.0, |db| peak_at(way.dbm0 - db) / 2f32.sqrt());
    let mut all: Vec<i16> = (0..8_000).map(|_| through(true, (noise * dice.hiss()) as i16)).collect();
    all.extend(sound(cadence, way, 4.0 * cycle_ms(cadence, way) + SURE_MS, dice));
    let heard = heard_in(zone, Mode::Call, &all);
    // The hiss of a line as bad as that may pass for a voice before.
    heard
        .into_iter()
        .map(|(_, what)| what)
        .find(|what| !matches!(what, Progressing::Silence { .. } | Progressing::Voice))
}

/// A pause is one when it has lasted for 40 ms, and a block is 10 ms.
const SURE_MS: f32 = 60.0;

/// What was drawn of a country's tone, found, and told as what it is.
struct Figures {
    code: &'static str,
    congestion: bool,
    form: usize,
    found: usize,
    named: usize,
}

fn all_countries(draws: usize, seed: u64) -> Vec<Figures> {
    let mut dice = Dice::new(seed);
    let mut all = Vec::new();
    for zone in ZoneId::all() {
        let tones = zone.tones();
        let kinds = [(false, tones.busy, 0), (true, tones.congestion, tones.congestion_step_db)];
        for (congestion, forms, step_db) in kinds {
            for (form, cadence) in forms.iter().enumerate() {
                let mut figures = Figures { code: tones.code, congestion, form, found: 0, named: 0 };
                let right = if congestion { Progressing::Congestion } else { Progressing::Busy };
                for _ in 0..draws {
                    let what = told(zone, cadence, way(&mut dice, step_db), &mut dice);
                    figures.found += usize::from(matches!(what, Some(Progressing::Busy | Progressing::Congestion)));
                    figures.named += usize::from(what == Some(right));
                }
                all.push(figures);
            }
        }
    }
    all
}

/// At least 99 of 100 of every country's tones, and of each by itself as many as so few draws can tell.
fn found_in_four_cycles(draws: usize, seed: u64, least_of_one: f32) {
    let all = all_countries(draws, seed);
    let share = |of: usize, count: usize| 100.0 * of as f32 / (draws * count) as f32;
    let (found, named) = all.iter().fold((0, 0), |(found, named), it| (found + it.found, named + it.named));
    let worst = all.iter().map(|it| share(it.found, 1)).fold(100.0f32, f32::min);
    std::println!(
        "busy and congestion, {} tones of {} countries, {draws} draws each: {:.2} % found in four cycles, {worst:.1} % of \
         the worst, {:.1} % by their own name",
        all.len(),
        ZoneId::all().count(),
        share(found, all.len()),
        share(named, all.len()),
    );
    for it in all.iter().filter(|it| share(it.found, 1) < 99.0) {
        let kind = if it.congestion { "congestion" } else { "busy" };
        std::println!(
            "{} {kind} form {}: {:.1} % found, {:.1} % named",
            it.code,
            it.form,
            share(it.found, 1),
            share(it.named, 1)
        );
    }
    assert!(share(found, all.len()) >= 99.0, "{found}");
    assert!(worst >= least_of_one, "{worst}");
}

#[test]
fn busy_and_congestion_of_every_country_are_found_in_four_cycles_with_a_rhythm_15_percent_off() {
    found_in_four_cycles(30, 151, 96.0);
}

#[test]
#[ignore = "minutes of CPU; for soak runs"]
fn a_thousand_draws_of_every_countrys_busy_and_congestion_are_found_in_four_cycles() {
    found_in_four_cycles(1000, 152, 99.0);
}
