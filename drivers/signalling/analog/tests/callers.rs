//! A thousand callers in every form that lines have, through noise 15 dB down, at -30 to -3 dBm0, with a bit rate and
//! frequencies up to 1 % off, in both laws; and what we send ourselves, heard by our own ear.

use tipring_analog::callerid::{CallTime, Format, Message, message_of};
use tipring_analog::{CallerId, CallerIdForm, CallerIdTone, Codes, Handset, Heard, Listen, Manner, ZoneId};
use tipring_card::{BLOCK, Law};
use tipring_dsp::Tone;
use tipring_dsp::dtmf::frequencies_of;
use tipring_dsp::fsk::{BIT_RATE, Modulator, Standard};

use crate::chaos::Seed;
use crate::sound::{Noise, hear};
use crate::support::digits;

/// What a form's exchange sends for a caller.
#[derive(Clone, Copy, Debug)]
enum Sent {
    Keyed(Standard, Format),
    Digits(Codes),
    /// `D1#` to `D3#`.
    Reason,
}

const FORMS: [(&str, Sent); 8] = [
    ("Bell 202, single", Sent::Keyed(Standard::Bell202, Format::Single)),
    ("Bell 202, multiple", Sent::Keyed(Standard::Bell202, Format::Multiple)),
    ("V.23, single", Sent::Keyed(Standard::V23, Format::Single)),
    ("V.23, multiple", Sent::Keyed(Standard::V23, Format::Multiple)),
    ("digits A…C", Sent::Digits(Codes::AToC)),
    ("digits A…#", Sent::Digits(Codes::AToHash)),
    ("digits D…C", Sent::Digits(Codes::DToC)),
    ("digits D1# to D3#", Sent::Reason),
];

fn between(seed: &mut Seed, low: f32, high: f32) -> f32 {
    low + (high - low) * seed.next(1 << 20) as f32 / (1 << 20) as f32
}

/// A number of three to fifteen digits; one in eight is withheld and one unknown. A name, where the format has one.
fn caller(seed: &mut Seed, sent: Sent) -> CallerId {
    let form = match sent {
        Sent::Keyed(Standard::Bell202, _) => CallerIdForm::Bell202,
        Sent::Keyed(Standard::V23, _) => CallerIdForm::V23,
        _ => CallerIdForm::Dtmf,
    };
    let mut caller = CallerId { form: Some(form), ..CallerId::default() };
    match (sent, seed.next(8)) {
        (Sent::Reason, n) => (caller.restricted, caller.unavailable) = (n < 3, n >= 3),
        (_, 0) => caller.restricted = true,
        (_, 1) => caller.unavailable = true,
        _ => {
            let number: String = (0..3 + seed.next(13)).map(|_| char::from(b'0' + seed.next(10) as u8)).collect();
            caller.number = Some(digits(&number));
        }
    }
    if let Sent::Keyed(_, Format::Multiple) = sent {
        match seed.next(4) {
            0 => {}
            1 => caller.name_restricted = true,
            _ => {
                let name: String = (0..2 + seed.next(20)).map(|_| char::from(b'A' + seed.next(26) as u8)).collect();
                caller.name = name.as_str().try_into().ok();
            }
        }
    }
    caller
}

/// 300 ms of line, the sound, and 200 ms of line; noise so far below the sound over all of it.
fn on_a_line(sound: &[i16], dbm0: f32, snr_db: f32, seed: &mut Seed) -> Vec<i16> {
    let mut all = vec![0; 2_400 + seed.next(BLOCK as u64) as usize];
    all.extend(sound);
    all.extend([0; 1_600]);
    Noise::new(seed.next(1 << 30) as u32, dbm0 - snr_db).add_to(&mut all);
    all
}

fn keyed(standard: Standard, message: &Message, dbm0: f32, seed: &mut Seed) -> Vec<i16> {
    let sent = Modulator::new(standard, dbm0, message).expect("it fits");
    let mut sent = sent.at_rate(BIT_RATE * between(seed, 0.99, 1.01)).detuned(between(seed, 0.99, 1.01));
    let mut sound = vec![0; 30_000];
    let written = sent.fill(&mut sound);
    sound.truncate(written);
    sound
}

/// Digits of 60 to 90 ms with pauses as long, both frequencies off, one up to 2 dB weaker.
fn dialled(keys: &str, dbm0: f32, seed: &mut Seed) -> Vec<i16> {
    let off = between(seed, 0.99, 1.01);
    let (low, high) = (dbm0 - 3.0 - between(seed, 0.0, 2.0), dbm0 - 3.0);
    let samples = 8 * between(seed, 60.0, 90.0) as usize;
    let mut sound = Vec::new();
    for key in keys.bytes() {
        let at = sound.len();
        sound.resize(at + 2 * samples, 0);
        let (low_hz, high_hz) = frequencies_of(key).expect("a key");
        Tone::new(low_hz * off, low).add_to(&mut sound[at..at + samples]);
        Tone::new(high_hz * off, high).add_to(&mut sound[at..at + samples]);
    }
    sound
}

fn keys_of(caller: &CallerId, codes: Codes) -> String {
    let (start, end) = match codes {
        Codes::AToC => ("A", "C"),
        Codes::AToHash => ("A", "#"),
        Codes::DToC => ("D", "C"),
    };
    match (&caller.number, codes) {
        (Some(number), _) => format!("{start}{number}{end}"),
        (None, Codes::AToHash) => if caller.restricted { "D1#" } else { "D3#" }.into(),
        (None, _) => format!("{start}{}C", if caller.restricted { "B10" } else { "B00" }),
    }
}

fn heard_in(law: Law, samples: &[i16]) -> Vec<Heard> {
    let mut handset = Handset::new(law, ZoneId::default());
    handset.listen(Listen::CallerId);
    hear(&mut handset, law, samples).into_iter().map(|heard| heard.1).collect()
}

/// Callers of so many that are told, alone and exactly, with the form that they came in.
fn whole(sent: Sent, count: u64, snr_db: f32) -> usize {
    let mut seed = Seed(7);
    (0..count)
        .filter(|n| {
            let law = if n % 2 == 0 { Law::A } else { Law::Mu };
            let caller = caller(&mut seed, sent);
            let dbm0 = between(&mut seed, -30.0, -3.0);
            let time = CallTime { month: 12, day: 24, hour: 13, minute: 5 };
            let sound = match sent {
                Sent::Keyed(standard, format) => keyed(standard, &message_of(&caller, format, time), dbm0, &mut seed),
                Sent::Digits(codes) => dialled(&keys_of(&caller, codes), dbm0, &mut seed),
                Sent::Reason if caller.restricted => dialled("D1#", dbm0, &mut seed),
                Sent::Reason => dialled(["D2#", "D3#"][seed.next(2) as usize], dbm0, &mut seed),
            };
            heard_in(law, &on_a_line(&sound, dbm0, snr_db, &mut seed)) == [Heard::CallerId(caller)]
        })
        .count()
}

#[test]
fn a2_a_thousand_callers_of_every_form_are_told_through_noise_15_decibels_down() {
    let mut short = Vec::new();
    for (name, sent) in FORMS {
        let told = whole(sent, 1_000, 15.0);
        println!("{name}: {told} of 1000");
        if told < 995 {
            short.push((name, told));
        }
    }
    assert!(short.is_empty(), "{short:?}");
}

#[test]
fn a2_noise_as_strong_as_the_message_hides_it() {
    // Shows that the test above can fail.
    for (name, sent) in FORMS {
        let told = whole(sent, 60, 0.0);
        assert!(told < 30, "{name}: {told} of 60");
    }
}

/// How a port may tell its telephone.
fn manners() -> Vec<Manner> {
    let mut all: Vec<Manner> = [Codes::AToC, Codes::AToHash, Codes::DToC].map(Manner::Digits).into();
    for standard in [Standard::Bell202, Standard::V23] {
        for format in [Format::Single, Format::Multiple] {
            for alert in [false, true] {
                all.push(Manner::Keyed { standard, format, alert });
            }
        }
    }
    all
}

/// All of a tone, on a line.
fn sound_of(mut tone: CallerIdTone) -> Vec<i16> {
    let mut samples = vec![0; 1_600];
    let mut block = [0; BLOCK];
    loop {
        let written = tone.fill(&mut block);
        samples.extend(&block[..written]);
        if written < BLOCK {
            break;
        }
    }
    samples.extend([0; 1_600]);
    samples
}

#[test]
fn what_a_port_tells_its_telephone_is_what_our_ear_hears() {
    let known =
        CallerId { number: Some(digits("3015550123")), name: "ANNE EXAMPLE".try_into().ok(), ..CallerId::default() };
    let callers = [
        known.clone(),
        CallerId { number: None, restricted: true, name: None, name_restricted: true, ..known.clone() },
        CallerId { number: None, unavailable: true, name: None, name_unavailable: true, ..known },
    ];
    for manner in manners() {
        let (form, names) = match manner {
            Manner::Keyed { standard: Standard::Bell202, format, .. } => {
                (CallerIdForm::Bell202, format == Format::Multiple)
            }
            Manner::Keyed { standard: Standard::V23, format, .. } => (CallerIdForm::V23, format == Format::Multiple),
            Manner::Digits(_) => (CallerIdForm::Dtmf, false),
        };
        for law in [Law::A, Law::Mu] {
            for caller in &callers {
                let sound = sound_of(CallerIdTone::of_caller(caller, manner, CallTime::default()));
                let mut told = CallerId { form: Some(form), ..caller.clone() };
                if !names {
                    told = CallerId { name: None, name_restricted: false, name_unavailable: false, ..told };
                }
                assert_eq!(heard_in(law, &sound), [Heard::CallerId(told)], "{manner:?} {law:?}");
            }
            for waiting in [true, false] {
                let Some(tone) = CallerIdTone::of_waiting(waiting, manner) else {
                    assert!(matches!(manner, Manner::Digits(_)));
                    continue;
                };
                assert_eq!(heard_in(law, &sound_of(tone)), [Heard::MessageWaiting(waiting)], "{manner:?} {law:?}");
            }
        }
    }
}

#[test]
fn a2_one_ear_hears_whichever_form_comes_and_names_it() {
    // As a line is before its ring: nothing announces what will come, or when; the ear is never told to begin anew.
    let mut seed = Seed(77);
    for law in [Law::A, Law::Mu] {
        let mut handset = Handset::new(law, ZoneId::default());
        handset.listen(Listen::CallerId);
        for round in 0..40 {
            let sent = FORMS[seed.next(FORMS.len() as u64) as usize].1;
            let caller = caller(&mut seed, sent);
            let dbm0 = between(&mut seed, -28.0, -6.0);
            let sound = match sent {
                Sent::Keyed(standard, format) => {
                    keyed(standard, &message_of(&caller, format, CallTime::default()), dbm0, &mut seed)
                }
                Sent::Digits(codes) => dialled(&keys_of(&caller, codes), dbm0, &mut seed),
                Sent::Reason => dialled(if caller.restricted { "D1#" } else { "D3#" }, dbm0, &mut seed),
            };
            // A ring's last swing goes before: 25 Hz, far stronger than the line's sound.
            let mut all = vec![0; 1_600];
            Tone::new(25.0, 3.0).add_to(&mut all[..400]);
            all.extend(on_a_line(&sound, dbm0, 15.0, &mut seed));
            let heard: Vec<Heard> = hear(&mut handset, law, &all).into_iter().map(|heard| heard.1).collect();
            assert_eq!(heard, [Heard::CallerId(caller)], "round {round}: {sent:?} at {dbm0} dBm0");
        }
    }
}
