//! Callers that spandsp sends and we hear, and that we send and spandsp hears: a thousand each way in every form that
//! both know. What is compared is what was said, and the bytes are each side's own.

use tipring_analog::callerid::{CallTime, Format};
use tipring_analog::{CallerId, CallerIdForm, CallerIdTone, Codes, Handset, Heard, Listen, Manner, ZoneId};
use tipring_card::Law;
use tipring_dsp::fsk::Standard as Keying;
use tipring_dsp::g711::Companding;
use tipring_dsp::level::{peak_at, power_of};

use crate::spandsp::adsi::{Receiver, Sender, Standard};
use crate::world::Dice;

const ROUNDS: usize = 1_000;
/// Of a thousand.
const LEAST: usize = 995;
const TIME: CallTime = CallTime { month: 12, day: 24, hour: 13, minute: 5 };
const TIME_DIGITS: &[u8] = b"12241305";

/// A form that both know.
#[derive(Clone, Copy, Debug)]
struct Form {
    name: &'static str,
    standard: Standard,
    manner: Manner,
    heard_as: CallerIdForm,
}

fn forms() -> Vec<Form> {
    let keyed = |name, standard, keying, format| {
        let heard_as = if keying == Keying::Bell202 { CallerIdForm::Bell202 } else { CallerIdForm::V23 };
        Form { name, standard, manner: Manner::Keyed { standard: keying, format, alert: false }, heard_as }
    };
    let digits = |name, codes| Form {
        name,
        standard: Standard::ClipDtmf,
        manner: Manner::Digits(codes),
        heard_as: CallerIdForm::Dtmf,
    };
    vec![
        keyed("CLASS, single", Standard::Class, Keying::Bell202, Format::Single),
        keyed("CLASS, multiple", Standard::Class, Keying::Bell202, Format::Multiple),
        keyed("CLIP", Standard::Clip, Keying::V23, Format::Multiple),
        keyed("ACLIP, single", Standard::Aclip, Keying::V23, Format::Single),
        keyed("ACLIP, multiple", Standard::Aclip, Keying::V23, Format::Multiple),
        digits("CLIP-DTMF A…C", Codes::AToC),
        digits("CLIP-DTMF A…#", Codes::AToHash),
    ]
}

impl Form {
    fn is_multiple(&self) -> bool {
        matches!(self.manner, Manner::Keyed { format: Format::Multiple, .. })
    }

    /// A caller by chance: a number, none withheld, none known; and a name where there is room for one.
    fn caller(&self, dice: &mut Dice) -> CallerId {
        let mut caller = CallerId::default();
        match dice.next() % 8 {
            0 => caller.restricted = true,
            1 => caller.unavailable = true,
            _ => {
                let number: String = (0..3 + dice.next() % 13).map(|_| letter(dice, b'0', 10)).collect();
                caller.number = number.as_str().try_into().ok();
            }
        }
        if self.is_multiple() {
            match dice.next() % 4 {
                0 => caller.name_restricted = true,
                1 => caller.name_unavailable = true,
                _ => {
                    let name: String = (0..2 + dice.next() % 14).map(|_| letter(dice, b'A', 26)).collect();
                    caller.name = name.as_str().try_into().ok();
                }
            }
        }
        caller
    }

    /// The caller's message as spandsp writes and sounds it.
    fn theirs(&self, caller: &CallerId) -> Vec<i16> {
        let number = caller.number.as_deref().unwrap_or_default().as_bytes();
        let reason: &[u8] = if caller.restricted { b"P" } else { b"O" };
        match self.manner {
            Manner::Digits(codes) => {
                let hash = codes == Codes::AToHash;
                let mut sender = Sender::new(self.standard, if hash { b'#' } else { b'C' });
                match (caller.number.is_some(), hash, caller.restricted) {
                    (true, ..) => sender.add(b'A', number),
                    (_, true, restricted) => sender.add(b'D', if restricted { b"1" } else { b"3" }),
                    (_, false, restricted) => sender.add(b'B', if restricted { b"10" } else { b"00" }),
                }
                sender.sound()
            }
            Manner::Keyed { format: Format::Single, .. } => {
                let mut sender = Sender::new(self.standard, 0x04);
                let said = if caller.number.is_some() { number } else { reason };
                sender.add(0, &[TIME_DIGITS, said].concat());
                sender.sound()
            }
            Manner::Keyed { .. } => {
                let mut sender = Sender::new(self.standard, 0x80);
                sender.add(1, TIME_DIGITS);
                if caller.number.is_some() {
                    sender.add(2, number);
                } else {
                    sender.add(4, reason);
                }
                match &caller.name {
                    Some(name) => sender.add(7, name.as_bytes()),
                    None => sender.add(8, if caller.name_restricted { b"P" } else { b"O" }),
                }
                sender.sound()
            }
        }
    }

    /// What spandsp must tell of a caller, byte for byte.
    fn told(&self, caller: &CallerId) -> Vec<u8> {
        let number = caller.number.as_deref().unwrap_or_default();
        let reason = if caller.restricted { "P" } else { "O" };
        let said = if caller.number.is_some() { number } else { reason };
        let field = |kind: u8, body: &str| [&[kind, body.len() as u8], body.as_bytes()].concat();
        let sized = |kind: u8, body: Vec<u8>| [&[kind, body.len() as u8], &body[..]].concat();
        match self.manner {
            Manner::Digits(codes) => match (caller.number.is_some(), codes, caller.restricted) {
                (true, Codes::AToHash, _) => format!("A{number}#"),
                (true, ..) => format!("A{number}C"),
                (_, Codes::AToHash, restricted) => if restricted { "D1#" } else { "D3#" }.into(),
                (_, _, restricted) => if restricted { "B10C" } else { "B00C" }.into(),
            }
            .into_bytes(),
            Manner::Keyed { format: Format::Single, .. } => sized(0x04, [TIME_DIGITS, said.as_bytes()].concat()),
            Manner::Keyed { .. } => {
                let mut body = [&[1, 8], TIME_DIGITS].concat();
                body.extend(field(if caller.number.is_some() { 2 } else { 4 }, said));
                match &caller.name {
                    Some(name) => body.extend(field(7, name)),
                    None => body.extend(field(8, if caller.name_restricted { "P" } else { "O" })),
                }
                sized(0x80, body)
            }
        }
    }
}

fn letter(dice: &mut Dice, first: u8, count: u64) -> char {
    char::from(first + (dice.next() % count) as u8)
}

/// A sound on a line: at a level, with noise so far below it, 200 ms of line before and after, through a law.
fn on_a_line(sound: &[i16], dbm0: f32, snr_db: f32, law: Law, dice: &mut Dice) -> Vec<[u8; 80]> {
    // Digits have pauses: the level is that of what sounds.
    let sounding: Vec<i16> = sound.iter().copied().filter(|sample| *sample != 0).collect();
    let gain = peak_at(dbm0) / 2f32.sqrt() / power_of(&sounding).sqrt().max(1.0);
    let noise = peak_at(dbm0 - snr_db) / 2f32.sqrt();
    let silence = [0i16; 1_600];
    let mut all: Vec<i16> = [&silence, sound, &silence].concat();
    all.resize(all.len().next_multiple_of(80), 0);
    all.iter_mut().for_each(|sample| *sample = (f32::from(*sample) * gain + noise * dice.gauss()) as i16);
    let mut block = [0; 80];
    all.chunks(80)
        .map(|piece| {
            companding(law).encode_into(piece, &mut block);
            block
        })
        .collect()
}

fn companding(law: Law) -> Companding {
    match law {
        Law::A => Companding::A,
        Law::Mu => Companding::Mu,
    }
}

fn law_of(n: usize) -> Law {
    if n.is_multiple_of(2) { Law::A } else { Law::Mu }
}

fn we_hear(form: &Form, dice: &mut Dice) -> usize {
    let one = |n: usize| {
        let caller = form.caller(dice);
        let (dbm0, law) = (dice.between(-30.0, -3.0), law_of(n));
        let line = on_a_line(&form.theirs(&caller), dbm0, 15.0, law, dice);
        let mut handset = Handset::new(law, ZoneId::default());
        handset.listen(Listen::CallerId);
        line.iter().for_each(|block| handset.hear(block));
        let expected = CallerId { form: Some(form.heard_as), ..caller };
        std::iter::from_fn(|| handset.poll()).collect::<Vec<_>>() == [Heard::CallerId(expected)]
    };
    (0..ROUNDS).map(one).filter(|right| *right).count()
}

fn they_hear(form: &Form, snr_db: f32, dice: &mut Dice) -> usize {
    let one = |n: usize| {
        let caller = form.caller(dice);
        let (dbm0, law) = (dice.between(-25.0, -6.0), law_of(n));
        let mut tone = CallerIdTone::of_caller(&caller, form.manner, TIME);
        let mut sound = vec![0; 60_000];
        let written = tone.fill(&mut sound);
        let line = on_a_line(&sound[..written], dbm0, snr_db, law, dice);
        let mut receiver = Receiver::new(form.standard);
        for block in &line {
            let mut samples = [0; 80];
            companding(law).decode_into(block, &mut samples);
            receiver.feed(&samples);
        }
        receiver.take() == [form.told(&caller)]
    };
    (0..ROUNDS).map(one).filter(|right| *right).count()
}

#[test]
fn a_thousand_callers_that_spandsp_sends_in_every_form_are_heard_by_us() {
    let mut dice = Dice::new(41);
    let mut short = Vec::new();
    for form in forms() {
        let heard = we_hear(&form, &mut dice);
        println!("spandsp sends, we hear, noise 15 dB down: {}: {heard} of {ROUNDS}", form.name);
        if heard < LEAST {
            short.push((form.name, heard));
        }
    }
    assert!(short.is_empty(), "{short:?}");
}

#[test]
fn a_thousand_callers_that_we_send_in_every_form_are_heard_by_spandsp() {
    let mut dice = Dice::new(42);
    let mut short = Vec::new();
    for form in forms() {
        let heard = they_hear(&form, 25.0, &mut dice);
        let noisy = they_hear(&form, 15.0, &mut dice);
        println!(
            "we send, spandsp hears: {}: {heard} of {ROUNDS} with noise 25 dB down, {noisy} with 15 dB",
            form.name
        );
        if heard < LEAST {
            short.push((form.name, heard));
        }
    }
    assert!(short.is_empty(), "{short:?}");
}

#[test]
fn waiting_messages_and_what_comes_behind_an_alert_tone_are_heard_by_spandsp() {
    let mut dice = Dice::new(43);
    for (standard, keying) in [(Standard::Class, Keying::Bell202), (Standard::Clip, Keying::V23)] {
        for alert in [false, true] {
            for (format, on, off) in [
                (Format::Single, &b"\x06\x03BBB"[..], &b"\x06\x03ooo"[..]),
                (Format::Multiple, b"\x82\x03\x0b\x01\xff", b"\x82\x03\x0b\x01\x00"),
            ] {
                for (waiting, told) in [(true, on), (false, off)] {
                    let manner = Manner::Keyed { standard: keying, format, alert };
                    let mut sound = vec![0; 20_000];
                    let mut tone = CallerIdTone::of_waiting(waiting, manner).expect("it can be keyed");
                    let written = tone.fill(&mut sound);
                    let mut receiver = Receiver::new(standard);
                    for block in on_a_line(&sound[..written], -15.0, 25.0, Law::A, &mut dice) {
                        let mut samples = [0; 80];
                        companding(Law::A).decode_into(&block, &mut samples);
                        receiver.feed(&samples);
                    }
                    assert_eq!(receiver.take(), [told], "{manner:?}");
                }
            }
        }
    }
}
