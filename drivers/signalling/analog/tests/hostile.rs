//! Caller id that is hurt on purpose, by seed: bytes, keyed samples, digits. Nothing of it may panic, be kept too long
//! or come out as what it cannot be; and the ear must hear a good message afterwards. A million runs of each where
//! `TIPRING_SOAK` is set.

use tipring_analog::callerid::{CallTime, Content, Format, Message, message_of, message_waiting, read};
use tipring_analog::{CallerId, CallerIdForm, Handset, Heard, Listen, ZoneId};
use tipring_card::{BLOCK, Block, Law};
use tipring_dsp::fsk::{Modulator, Standard};
use tipring_dsp::g711::Companding;
use tipring_dsp::{KEYS, KeyTone};

use crate::chaos::Seed;
use crate::support::digits;

fn runs() -> u64 {
    if std::env::var_os("TIPRING_SOAK").is_some() { 1_000_000 } else { 5_000 }
}

/// A message to begin with.
fn good(seed: &mut Seed) -> Message {
    let number: String = (0..seed.next(12)).map(|_| char::from(b'0' + seed.next(10) as u8)).collect();
    let known = seed.next(3) > 0;
    let caller = CallerId {
        number: Some(digits(&number)).filter(|_| known),
        restricted: seed.next(4) == 0,
        name: "ANNE".try_into().ok().filter(|_| seed.next(2) == 0),
        ..CallerId::default()
    };
    let format = if seed.next(2) == 0 { Format::Single } else { Format::Multiple };
    if seed.next(8) == 0 { message_waiting(known, format) } else { message_of(&caller, format, CallTime::default()) }
}

/// Hurts bytes up to eight times, and gives half of them a good check sum again.
fn hurt(bytes: &mut Vec<u8>, seed: &mut Seed) {
    for _ in 0..seed.next(9) {
        let at = seed.next(bytes.len().max(1) as u64) as usize;
        match seed.next(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << seed.next(8),
            1 if at < bytes.len() => bytes[at] = seed.next(256) as u8,
            2 if at < bytes.len() => bytes[at] = [0, 1, 2, 4, 7, 8, 0x0b, 0x80, 0xff][seed.next(9) as usize],
            3 => bytes.truncate(at),
            4 if at < bytes.len() => _ = bytes.remove(at),
            5 => bytes.insert(at.min(bytes.len()), seed.next(256) as u8),
            6 => bytes.extend_from_within(..at.min(bytes.len())),
            _ => {}
        }
        bytes.truncate(300);
    }
    if seed.next(2) == 0 && bytes.len() > 2 {
        let last = bytes.len() - 1;
        bytes[1] = (last - 2).min(255) as u8;
        bytes[last] = bytes[..last].iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg();
    }
}

/// What must hold of every caller, whatever came.
fn is_possible(caller: &CallerId) -> bool {
    let number = caller.number.as_deref().unwrap_or("1");
    let name = caller.name.as_deref().unwrap_or("A");
    number.chars().any(|c| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || "*#+".contains(c))
        && !name.trim().is_empty()
        && !name.chars().any(char::is_control)
        && !(caller.restricted && (caller.number.is_some() || caller.unavailable))
        && !(caller.unavailable && caller.number.is_some())
        && !(caller.name_restricted && caller.name.is_some())
}

#[test]
fn hurt_bytes_are_read_or_refused() {
    let mut seed = Seed(31);
    let mut read_all = 0;
    for run in 0..runs() {
        let mut bytes = good(&mut seed).to_vec();
        hurt(&mut bytes, &mut seed);
        match read(&bytes) {
            Some(Content::Caller(caller)) => {
                assert!(is_possible(&caller) && caller.form.is_none(), "run {run}: {bytes:02x?} {caller:?}");
                read_all += 1;
            }
            Some(Content::MessageWaiting(_)) => read_all += 1,
            None => {}
        }
    }
    println!("hurt messages: {} runs, {read_all} read", runs());
    assert!(read_all > runs() / 10 && read_all < runs(), "both happen: {read_all}");
}

/// Hurts samples: gaps, jumps, clipping, repetition, noise.
fn hurt_sound(sound: &mut Vec<i16>, seed: &mut Seed) {
    for _ in 0..seed.next(5) {
        let at = seed.next(sound.len().max(1) as u64) as usize;
        let end = (at + seed.next(400) as usize).min(sound.len());
        match seed.next(7) {
            0 => sound[at..end].fill(0),
            1 => sound[at..end].fill([i16::MIN, i16::MAX][seed.next(2) as usize]),
            2 => sound[at..end].iter_mut().for_each(|sample| *sample = sample.saturating_mul(20)),
            3 => sound[at..end].iter_mut().for_each(|sample| *sample = (seed.next(65_536) as i32 - 32_768) as i16),
            4 => drop(sound.drain(at..end)),
            5 => sound.extend_from_within(at..end),
            _ => sound[at..].iter_mut().for_each(|sample| *sample /= 8),
        }
    }
}

fn companding(law: Law) -> Companding {
    match law {
        Law::A => Companding::A,
        Law::Mu => Companding::Mu,
    }
}

/// Lets an ear hear samples and says what it told, which is never more than it can keep.
fn tells(ear: &mut Handset, law: Law, sound: &[i16]) -> Vec<Heard> {
    let mut told = Vec::new();
    for piece in sound.chunks(BLOCK) {
        let mut block: Block = [law.silence(); BLOCK];
        companding(law).encode_into(piece, &mut block);
        ear.hear(&block);
        told.extend(std::iter::from_fn(|| ear.poll()));
    }
    assert_eq!(ear.lost(), 0);
    told
}

/// As short as a message can be keyed.
fn keyed(standard: Standard, bytes: &[u8]) -> Vec<i16> {
    let bytes = &bytes[..bytes.len().min(tipring_dsp::fsk::MAX_BYTES)];
    let mut sent = Modulator::with_preamble(standard, -15.0, bytes, 10, 50).expect("it fits");
    let mut sound = vec![0; 20_000];
    let written = sent.fill(&mut sound);
    sound.truncate(written);
    sound
}

fn dialled(keys: &[u8], on_ms: u16) -> Vec<i16> {
    let mut sound = vec![0; keys.len() * usize::from(on_ms) * 16];
    let places = sound.chunks_mut(usize::from(on_ms) * 16);
    for (place, key) in places.zip(keys) {
        KeyTone::with(*key, -12.0, -10.0, on_ms, on_ms).expect("a key").fill(place);
    }
    sound
}

/// Hostile sounds, one after the other into one ear, which hears a good message every thousand of them.
fn survive(name: &str, start: u64, mut sound: impl FnMut(&mut Seed) -> Vec<i16>) {
    let mut seed = Seed(start);
    let mut told_all = 0;
    for law in [Law::A, Law::Mu] {
        let mut ear = Handset::new(law, ZoneId::default());
        ear.listen(Listen::CallerId);
        for run in 0..runs() / 2 {
            let mut hostile = sound(&mut seed);
            hurt_sound(&mut hostile, &mut seed);
            for heard in tells(&mut ear, law, &hostile) {
                match heard {
                    Heard::CallerId(caller) => {
                        assert!(is_possible(&caller) && caller.form.is_some(), "run {run}: {caller:?}");
                        told_all += 1;
                    }
                    Heard::MessageWaiting(_) => told_all += 1,
                    Heard::BadCallerId => {}
                    other => panic!("run {run}: {other:?}"),
                }
            }
            if run % 1000 == 999 {
                // After a second of nothing.
                tells(&mut ear, law, &[0; 10_000]);
                let known = CallerId { number: Some(digits("0301234567")), ..CallerId::default() };
                let message = message_of(&known, Format::Multiple, CallTime::default());
                let mut good = keyed(Standard::V23, &message);
                good.extend([0; 800]);
                let form = Some(CallerIdForm::V23);
                assert_eq!(tells(&mut ear, law, &good), [Heard::CallerId(CallerId { form, ..known })], "run {run}");
            }
        }
    }
    println!("{name}: {} runs, {told_all} told", runs());
    assert!(told_all > 0, "some are whole");
}

#[test]
fn hurt_keying_is_heard_or_refused_and_a_good_message_after_it_is_heard() {
    survive("hurt keying", 32, |seed| {
        let mut bytes = good(seed).to_vec();
        if seed.next(2) == 0 {
            hurt(&mut bytes, seed);
        }
        bytes.truncate(40);
        keyed(if seed.next(2) == 0 { Standard::Bell202 } else { Standard::V23 }, &bytes)
    });
}

#[test]
fn hurt_digits_are_heard_or_refused_and_a_good_message_after_them_is_heard() {
    survive("hurt digits", 33, |seed| {
        let mut keys: Vec<u8> =
            [&b"A12C"[..], b"A12#", b"D12C", b"D1#", b"AB10C", b"B00C"][seed.next(6) as usize].into();
        for _ in 0..seed.next(3) {
            let at = seed.next(keys.len() as u64) as usize;
            keys[at] = KEYS[seed.next(16) as usize];
        }
        dialled(&keys, 40 + seed.next(20) as u16)
    });
}
