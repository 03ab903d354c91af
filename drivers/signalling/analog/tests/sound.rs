//! Through the ear and the mouth: caller id, busy tones and digits as sound, in both laws, with the noise of a line.

use tipring_analog::callerid::{CallTime, mdmf};
use tipring_analog::{
    CallerId, CallerIdForm, Command, Config, Event, Handset, Heard, Input, Listen, Output, Sign, ZoneId,
};
use tipring_card::{BLOCK, Block, Event as LineEvent, Law};
use tipring_dsp::cadence::CadenceTone;
use tipring_dsp::fsk::{Modulator, Standard};
use tipring_dsp::g711::Companding;
use tipring_dsp::level::peak_at;
use tipring_dsp::{Cadence, Detector, Tone};

use crate::support::*;

/// Noise of a level, by seed.
pub struct Noise {
    seed: u32,
    peak: f32,
}

impl Noise {
    pub fn new(seed: u32, dbm0: f32) -> Noise {
        // Four even numbers added: nearly Gaussian, variance 4/3 of one's peak squared; a sine's is half.
        Noise { seed, peak: peak_at(dbm0) * (0.5f32 * 3.0 / 4.0).sqrt() }
    }

    pub fn add_to(&mut self, samples: &mut [i16]) {
        for sample in samples {
            let mut sum = 0.0;
            for _ in 0..4 {
                self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                sum += (self.seed >> 8) as f32 / (1u32 << 23) as f32 - 1.0;
            }
            *sample = sample.saturating_add((sum * self.peak) as i16);
        }
    }
}

fn companding(law: Law) -> Companding {
    match law {
        Law::A => Companding::A,
        Law::Mu => Companding::Mu,
    }
}

/// Lets a handset hear samples; tells what it heard but for levels, and after how many milliseconds.
pub fn hear(handset: &mut Handset, law: Law, samples: &[i16]) -> Vec<(usize, Heard)> {
    let mut all = Vec::new();
    for (n, piece) in samples.chunks(BLOCK).enumerate() {
        let mut block: Block = [law.silence(); BLOCK];
        companding(law).encode_into(piece, &mut block);
        handset.hear(&block);
        let heard = std::iter::from_fn(|| handset.poll()).filter(|heard| !matches!(heard, Heard::Level(_)));
        all.extend(heard.map(|heard| (10 * (n + 1), heard)));
    }
    assert_eq!(handset.lost(), 0);
    all
}

/// 400 ms of nothing, a message, and nothing again.
fn burst(standard: Standard, dbm0: f32, bytes: &[u8]) -> Vec<i16> {
    let mut samples = vec![0; 3_200];
    let mut modulator = Modulator::new(standard, dbm0, bytes).unwrap();
    let mut piece = [0; BLOCK];
    loop {
        let written = modulator.fill(&mut piece);
        samples.extend(&piece[..written]);
        if written < BLOCK {
            break;
        }
    }
    samples.extend([0; 4_000]);
    samples
}

fn form_of(standard: Standard) -> CallerIdForm {
    match standard {
        Standard::Bell202 => CallerIdForm::Bell202,
        Standard::V23 => CallerIdForm::V23,
    }
}

/// A caller of whom only the number came, in a form.
fn caller_by(number: &str, form: CallerIdForm) -> CallerId {
    CallerId { form: Some(form), ..caller(number) }
}

fn listening(law: Law, zone: ZoneId, listen: Listen) -> Handset {
    let mut handset = Handset::new(law, zone);
    handset.listen(listen);
    handset
}

#[test]
fn a2_caller_id_is_heard_in_both_standards_and_laws_at_every_level() {
    let message = mdmf(Some("3015550123"), Some("ANNE EXAMPLE"), false, CallTime { month: 2, ..Default::default() });
    let mut bad = Vec::new();
    for standard in [Standard::Bell202, Standard::V23] {
        for law in [Law::A, Law::Mu] {
            for (dbm0, noise) in [(-6.0, -31.0), (-13.5, -38.5), (-20.0, -45.0), (-28.0, -50.0), (-34.0, -56.0)] {
                let mut samples = burst(standard, dbm0, &message);
                Noise::new(standard as u32 + 1, noise).add_to(&mut samples);
                let heard = hear(&mut listening(law, ZoneId::default(), Listen::CallerId), law, &samples);
                match &heard[..] {
                    [(_, Heard::CallerId(caller))]
                        if caller.number == Some(digits("3015550123"))
                            && caller.name.as_deref() == Some("ANNE EXAMPLE")
                            && caller.form == Some(form_of(standard)) => {}
                    other => bad.push((standard, law, dbm0, format!("{other:?}"))),
                }
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn a2_a_withheld_number_comes_as_such() {
    let message = mdmf(Some("3015550123"), None, true, CallTime::default());
    let samples = burst(Standard::Bell202, -13.5, &message);
    let heard = hear(&mut listening(Law::Mu, ZoneId::default(), Listen::CallerId), Law::Mu, &samples);
    let form = Some(CallerIdForm::Bell202);
    let expected = Heard::CallerId(CallerId { restricted: true, form, ..CallerId::default() });
    assert_eq!(heard.iter().map(|h| &h.1).collect::<Vec<_>>(), [&expected]);
}

#[test]
fn a2_a_damaged_message_is_told_as_bad_and_the_next_is_heard() {
    let mut message = mdmf(Some("3015550123"), None, false, CallTime::default());
    message[8] ^= 4;
    let mut samples = burst(Standard::V23, -15.0, &message);
    message[8] ^= 4;
    samples.extend(burst(Standard::V23, -15.0, &message));
    let heard = hear(&mut listening(Law::A, ZoneId::default(), Listen::CallerId), Law::A, &samples);
    let heard: Vec<Heard> = heard.into_iter().map(|h| h.1).collect();
    let known = caller_by("3015550123", CallerIdForm::V23);
    assert_eq!(heard, [Heard::BadCallerId, Heard::CallerId(known)]);
}

#[test]
fn a2_a_number_in_dtmf_is_heard() {
    for law in [Law::A, Law::Mu] {
        let mut exchange = Handset::new(law, ZoneId::default());
        exchange.set_digit_times(70, 70);
        exchange.send(&digits("D0223456789C"));
        let mut handset = listening(law, ZoneId::default(), Listen::CallerId);
        let mut block = [law.silence(); BLOCK];
        while exchange.speak(&mut block) {
            handset.hear(&block);
        }
        let known = caller_by("0223456789", CallerIdForm::Dtmf);
        assert_eq!((handset.poll(), handset.poll()), (Some(Heard::CallerId(known)), None));
    }
}

#[test]
fn a2_noise_and_a_voice_are_no_message() {
    for dbm0 in [-50.0, -30.0, -10.0] {
        let mut samples = vec![0; 8_000 * 5];
        Noise::new(9, dbm0).add_to(&mut samples);
        let heard = hear(&mut listening(Law::A, ZoneId::default(), Listen::CallerId), Law::A, &samples);
        assert!(!heard.iter().any(|h| matches!(h.1, Heard::CallerId(_))), "{heard:?}");
    }
}

#[test]
fn a2_from_the_ring_to_the_number() {
    let mut bench = Bench::new(Config::default());
    let mut handset = Handset::new(Law::Mu, ZoneId::default());
    bench.rings();
    for output in bench.outputs() {
        if let Output::Listen(what) = output {
            handset.listen(what);
        }
    }
    let message = mdmf(Some("2125550199"), None, false, CallTime::default());
    let mut samples = burst(Standard::Bell202, -18.0, &message);
    Noise::new(4, -48.0).add_to(&mut samples);
    for (at, heard) in hear(&mut handset, Law::Mu, &samples) {
        assert!(at < 2_000);
        bench.hears(heard);
    }
    bench.tells(&[Event::Incoming { caller: caller_by("2125550199", CallerIdForm::Bell202) }]);
}

/// A country's tone on a line with noise, after half a second of a quiet line; it begins anywhere in a block.
fn toned(cadence: Cadence, seconds: usize, seed: u32) -> Vec<i16> {
    let mut samples = vec![0; 8_000 * seconds];
    let start = 4_000 + (7 + 13 * seed as usize) % BLOCK;
    CadenceTone::new(cadence, -16.0).fill(&mut samples[start..]);
    Noise::new(seed, -48.0).add_to(&mut samples);
    samples
}

#[test]
fn b17_busy_tone_hangs_up_in_every_country_within_four_cycles() {
    let mut bad = Vec::new();
    let mut countries = 0;
    for (n, zone) in ZoneId::all().enumerate() {
        let code = zone.tones().code;
        let Some(busy) = zone.tones().busy.first() else { continue };
        let law = if n % 2 == 0 { Law::A } else { Law::Mu };
        let mut handset = listening(law, zone, Listen::Hangup);
        let cycle: usize = busy.on_off_ms.iter().map(|ms| usize::from(*ms)).sum();
        let heard = hear(&mut handset, law, &toned(*busy, 10, n as u32));
        let first = heard.iter().find(|h| matches!(h.1, Heard::Busy | Heard::Congestion));
        countries += 1;
        match first {
            Some((at, _)) if *at <= 500 + 4 * cycle + 50 => {}
            _ => bad.push((code, cycle, format!("{first:?}"))),
        }
    }
    assert!(bad.is_empty() && countries >= 40, "{countries}: {bad:#?}");
}

#[test]
fn b17_a_call_ends_by_the_sound_of_busy_tone() {
    for code in ["us", "uk", "de", "fr", "it", "jp", "br", "in", "au", "za", "se", "cn"] {
        let zone = ZoneId::of(code).unwrap();
        let config = Config { zone, ..Config::default() };
        let mut bench = Bench::answered(config);
        let mut handset = listening(Law::A, zone, Listen::Hangup);
        for (_, heard) in hear(&mut handset, Law::A, &toned(zone.tones().busy[0], 10, 3)).into_iter().take(1) {
            bench.hears(heard);
        }
        let told = bench.outputs();
        let ends = |sign| told.contains(&event(ended(16, sign)));
        assert!(ends(Sign::BusyTone) || ends(Sign::CongestionTone), "{code}: {told:?}");
        assert_eq!(told.first(), Some(&ON_HOOK));
    }
}

/// A voice of a kind: syllables of a gliding pitch with overtones, words, pauses.
fn voice(seconds: usize, seed: u32) -> Vec<i16> {
    let mut seed = seed;
    let mut next = |from: u32, below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        from + (seed >> 16) % (below - from)
    };
    let mut samples = Vec::new();
    while samples.len() < 8_000 * seconds {
        let (pitch, glide, loudest) = (next(90, 240) as f32, next(0, 40) as f32 - 20.0, next(1, 9));
        let length = 8 * next(80, 350) as usize;
        let at = samples.len();
        samples.resize(at + length, 0);
        for overtone in 1..12u32 {
            let distance = overtone.abs_diff(loudest) as f32;
            let mut tone = Tone::new(pitch * overtone as f32, -18.0 - 5.0 * distance);
            for (n, piece) in samples[at..].chunks_mut(BLOCK).enumerate() {
                let done = (n * BLOCK) as f32 / length as f32;
                tone.set_hz((pitch + glide * done) * overtone as f32);
                tone.add_to(piece);
            }
        }
        let pause = if next(0, 6) == 0 { next(200, 900) } else { next(5, 80) };
        samples.resize(samples.len() + 8 * pause as usize, 0);
    }
    Noise::new(1, -58.0).add_to(&mut samples);
    samples
}

#[test]
fn b17_two_minutes_of_a_voice_are_no_hang_up() {
    let speech = voice(120, 5);
    for zone in ZoneId::all() {
        let heard = hear(&mut listening(Law::A, zone, Listen::Hangup), Law::A, &speech);
        // A pause may be longer than a second; a voice and silence end nothing.
        let is_sign = |heard: &&(usize, Heard)| !matches!(heard.1, Heard::Voice | Heard::Silence(_));
        assert_eq!(heard.iter().find(is_sign), None, "{}", zone.tones().code);
    }
    // And the ear was open: as an answer it counts soon.
    let heard = hear(&mut listening(Law::A, ZoneId::default(), Listen::Progress), Law::A, &speech);
    assert!(matches!(heard.first(), Some((0..=1_500, Heard::Voice))), "{:?}", heard.first());
}

#[test]
fn dial_tone_is_heard_before_dialling_in_every_country() {
    let mut bad = Vec::new();
    for (n, zone) in ZoneId::all().enumerate() {
        let Some(dial) = zone.tones().dial.first() else { continue };
        let heard = hear(&mut listening(Law::A, zone, Listen::DialTone), Law::A, &toned(*dial, 5, n as u32));
        if !matches!(heard[..], [(_, Heard::DialTone), ..]) || heard.iter().any(|h| h.1 != Heard::DialTone) {
            bad.push((zone.tones().code, format!("{heard:?}")));
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn dial_tone_is_believed_sooner_before_dialling_than_in_a_call() {
    let zone = ZoneId::of("de").unwrap();
    let samples = toned(zone.tones().dial[0], 5, 2);
    let after = |what| hear(&mut listening(Law::A, zone, what), Law::A, &samples).first().map(|h| h.0 - 500);
    assert!(after(Listen::DialTone).is_some_and(|ms| (300..1_000).contains(&ms)));
    assert!(after(Listen::Hangup).is_some_and(|ms| ms >= 1_950));
}

#[test]
fn a16_ringback_then_a_voice_is_told_in_that_order() {
    let zone = ZoneId::of("de").unwrap();
    let mut samples = toned(zone.tones().ringback[0], 9, 5);
    // A voice: syllables of noise.
    for n in 0..8 {
        let mut syllable = vec![0; 1_600];
        Noise::new(n, -18.0).add_to(&mut syllable);
        samples.extend(syllable);
        samples.extend([0; 800]);
    }
    let heard = hear(&mut listening(Law::A, zone, Listen::Progress), Law::A, &samples);
    let heard: Vec<&Heard> = heard.iter().map(|h| &h.1).filter(|h| !matches!(h, Heard::Silence(_))).collect();
    assert_eq!(heard, [&Heard::Ringback, &Heard::Ringback, &Heard::Voice]);
}

#[test]
fn digits_are_sent_as_an_exchange_takes_them() {
    for law in [Law::A, Law::Mu] {
        let mut handset = Handset::new(law, ZoneId::default());
        let said: Block = [0x11; BLOCK];
        let mut block = said;
        assert!(!handset.speak(&mut block));
        assert_eq!(block, said, "nothing is replaced while no digits go out");
        handset.send(&digits("05w9*#AD"));
        let (mut detector, mut seen, mut blocks) = (Detector::new(), String::new(), 0);
        while handset.speak(&mut block) {
            let mut samples = [0; BLOCK];
            companding(law).decode_into(&block, &mut samples);
            detector.feed(&samples, |key| seen.push(char::from(key)));
            blocks += 1;
            assert!(blocks < 1_000);
        }
        // Eight blocks of silence: until the last digit is on the wire.
        assert_eq!((seen.as_str(), blocks), ("059*#AD", 7 * 20 + 50 + 8));
        assert_eq!((handset.poll(), handset.poll()), (Some(Heard::Dialled), None));
    }
}

#[test]
fn digits_that_are_broken_off_are_told_once_and_nothing_more_goes_out() {
    for blocks in [0, 5, 25, 40, 47] {
        let mut handset = Handset::new(Law::A, ZoneId::default());
        handset.break_off();
        assert_eq!(handset.poll(), None, "there is nothing to break off");
        handset.send(&digits("12"));
        let mut block = [0; BLOCK];
        for n in 0..blocks {
            assert!(handset.is_sending() && handset.is_in_tail() == (n >= 40), "{n}");
            handset.speak(&mut block);
        }
        handset.break_off();
        handset.break_off();
        assert!(!handset.speak(&mut block) && !handset.is_sending(), "{blocks}");
        assert_eq!((handset.poll(), handset.poll()), (Some(Heard::Broken), None), "{blocks}");
        handset.send(&digits("3"));
        assert!(handset.speak(&mut block), "the next number goes out");
    }
}

#[test]
fn a_call_is_dialled_by_the_handset() {
    let mut bench = Bench::new(Config { dial_tone_limit: ms(0), ..Config::default() });
    bench.commands(Command::Dial(digits("12"))).sees(LineEvent::HookComplete).passes(1_000);
    let mut handset = Handset::new(Law::A, ZoneId::default());
    for output in bench.outputs() {
        match output {
            Output::Send(digits) => handset.send(&digits),
            Output::Listen(listen) => handset.listen(listen),
            _ => {}
        }
    }
    let mut block = [0; BLOCK];
    while handset.speak(&mut block) {
        bench.passes(10);
    }
    let heard = handset.poll().unwrap();
    bench.does(Input::Heard(heard)).tells(&[Event::Dialled]);
    handset.send(&digits(""));
    assert_eq!(handset.poll(), Some(Heard::Dialled), "nothing to send is sent at once");
}

#[test]
fn an_ear_that_is_off_hears_nothing_and_one_that_nobody_asks_forgets() {
    let zone = ZoneId::of("de").unwrap();
    let samples = toned(zone.tones().busy[0], 10, 1);
    assert_eq!(hear(&mut listening(Law::A, zone, Listen::Off), Law::A, &samples), []);
    assert_eq!(hear(&mut listening(Law::A, zone, Listen::CallerId), Law::A, &samples), []);
    let mut handset = listening(Law::A, zone, Listen::Off);
    for _ in 0..20 {
        handset.send(&digits(""));
    }
    assert_eq!((std::iter::from_fn(|| handset.poll()).count(), handset.lost()), (8, 12));
}

#[test]
fn a_handset_tells_how_loud_each_second_of_a_call_was_and_hears_nothing_else_where_that_is_all() {
    for law in [Law::A, Law::Mu] {
        let sine = |dbm0: f32, n: usize| (peak_at(dbm0) * f32::sin(n as f32 * 0.7)) as i16;
        let samples: Vec<i16> = (0..16_000).map(|n| sine(-20.0, n)).collect();
        for (how, levels) in [(Listen::Level, 2), (Listen::Hangup, 2), (Listen::Progress, 2), (Listen::Keys, 0)] {
            let mut handset = Handset::new(law, ZoneId::default());
            handset.listen(how);
            let (mut told, mut else_told) = (Vec::new(), 0);
            for piece in samples.chunks(BLOCK) {
                let (mut block, mut said): (Block, Block) = ([law.silence(); BLOCK], [law.silence(); BLOCK]);
                companding(law).encode_into(piece, &mut block);
                let ours: Vec<i16> = (0..BLOCK).map(|n| sine(-35.0, n)).collect();
                companding(law).encode_into(&ours, &mut said);
                handset.says(&said);
                handset.hear(&block);
                while let Some(heard) = handset.poll() {
                    match heard {
                        Heard::Level(level) => told.push((level.from_line, level.to_line)),
                        _ => else_told += 1,
                    }
                }
            }
            assert_eq!(told.len(), levels, "{law:?} {how:?}");
            assert!(told.iter().all(|level| *level == (-20, -35)), "{law:?} {how:?}: {told:?}");
            assert!(how != Listen::Level || else_told == 0);
        }
    }
}
