//! The caller's number and name as a message of bytes: single (SDMF) and multiple (MDMF) data format, read and written.
//! Not its modulation, and not when it is sent. What comes here is from the wire: lengths and characters are hostile
//! until they are proven.
//!
//! Source: Telcordia GR-30-CORE and SR-TSV-002476; ETSI EN 300 659-3, whose call set-up message is MDMF.

use heapless::Vec;

use crate::words::{CallerId, Digits, Name};

/// Most bytes of a message: a type, a length of one octet, that many octets, a check sum.
pub const MAX_MESSAGE: usize = 258;

/// A message as it goes out.
pub type Message = Vec<u8, MAX_MESSAGE>;

/// When a call was made, as the exchange says it; without a month it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallTime {
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Who calls. How it was keyed is not in the message: [`CallerId::form`] is `None`.
    Caller(CallerId),
    /// Messages wait for the user of the line, or wait no more.
    MessageWaiting(bool),
}

/// Reads one whole message, from its type to its check sum. `None`: the sum is wrong, a length does not fit, or it is
/// of no kind that is known. A message that names nobody is a good one.
pub fn read(message: &[u8]) -> Option<Content> {
    let (&[kind, length], rest) = message.split_first_chunk::<2>()?;
    let (_sum, body) = rest.split_last()?;
    if body.len() != usize::from(length) || body.is_empty() || sum(message) != 0 {
        return None;
    }
    match kind {
        SDMF => single(body).map(Content::Caller),
        MDMF => multiple(body).map(Content::Caller),
        SDMF_WAITING => waiting_single(body).map(Content::MessageWaiting),
        MDMF_WAITING => waiting_multiple(body).map(Content::MessageWaiting),
        _ => None,
    }
}

/// The caller of a message, if it is about one.
pub fn parse(message: &[u8]) -> Option<CallerId> {
    match read(message)? {
        Content::Caller(caller) => Some(caller),
        Content::MessageWaiting(_) => None,
    }
}

/// Writes an MDMF message. What is too long is cut; a withheld number is not sent.
pub fn mdmf(number: Option<&str>, name: Option<&str>, restricted: bool, time: CallTime) -> Message {
    let number = match number {
        _ if restricted => Err(PRIVATE),
        None => Err(UNAVAILABLE),
        Some(number) => Ok(number),
    };
    written(number, name.map(Ok), time)
}

/// In which of the two formats a message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A number, or why there is none. Older telephones know no other.
    Single,
    /// A number and a name, or why there is none.
    #[default]
    Multiple,
}

/// Writes a message about a caller. What is withheld is not sent; a number that is not there is sent as unavailable.
pub fn message_of(caller: &CallerId, format: Format, time: CallTime) -> Message {
    let number = match &caller.number {
        _ if caller.restricted => Err(PRIVATE),
        None => Err(UNAVAILABLE),
        Some(number) => Ok(number.as_str()),
    };
    if format == Format::Multiple {
        let name = match &caller.name {
            _ if caller.name_restricted => Some(Err(PRIVATE)),
            Some(name) => Some(Ok(name.as_str())),
            None => caller.name_unavailable.then_some(Err(UNAVAILABLE)),
        };
        return written(number, name, time);
    }
    let mut message = Message::new();
    let _ = message.extend_from_slice(&[SDMF, 0]);
    let _ = message.extend_from_slice(&digits_of(time));
    match number {
        Ok(number) => message.extend(number.bytes().take(MAX_NUMBER)),
        Err(reason) => _ = message.push(reason),
    }
    sealed(message)
}

/// Writes a message about waiting messages: the lamp of a telephone goes on or off.
pub fn message_waiting(waiting: bool, format: Format) -> Message {
    let mut message = Message::new();
    let letter = if waiting { WAITING_ON } else { WAITING_OFF };
    let _ = match format {
        Format::Single => message.extend_from_slice(&[SDMF_WAITING, 0, letter, letter, letter]),
        Format::Multiple => message.extend_from_slice(&[MDMF_WAITING, 0, INDICATOR, 1, if waiting { 0xFF } else { 0 }]),
    };
    sealed(message)
}

/// An MDMF message of a number, and of a name if anything is to be said of one; or of the reasons for none.
fn written(number: Result<&str, u8>, name: Option<Result<&str, u8>>, time: CallTime) -> Message {
    let mut message = Message::new();
    let _ = message.extend_from_slice(&[MDMF, 0]);
    // Telephones set their clock by it: who knows no date says none.
    if time.month != 0 {
        parameter(&mut message, DATE_TIME, digits_of(time).into_iter());
    }
    match number {
        Ok(number) => parameter(&mut message, NUMBER, number.bytes().filter(u8::is_ascii).take(MAX_NUMBER)),
        Err(reason) => parameter(&mut message, NUMBER_ABSENT, core::iter::once(reason)),
    }
    match name {
        Some(Ok(name)) => {
            // ISO 8859-1, of which ASCII is a part.
            let latin = name.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'));
            parameter(&mut message, NAME, latin.take(MAX_NAME_SENT));
        }
        Some(Err(reason)) => parameter(&mut message, NAME_ABSENT, core::iter::once(reason)),
        None => {}
    }
    sealed(message)
}

/// Whether a message that is read can begin with this byte.
pub(crate) fn is_kind(byte: u8) -> bool {
    matches!(byte, SDMF | MDMF | SDMF_WAITING | MDMF_WAITING)
}

/// Month, day, hour and minute in two digits each.
fn digits_of(time: CallTime) -> [u8; 8] {
    let mut digits = [b'0'; 8];
    for (pair, value) in digits.chunks_exact_mut(2).zip([time.month, time.day, time.hour, time.minute]) {
        let value = value.min(99);
        pair.copy_from_slice(&[b'0' + value / 10, b'0' + value % 10]);
    }
    digits
}

/// Puts the length into its place and the check sum behind.
fn sealed(mut message: Message) -> Message {
    let length = u8::try_from(message.len().saturating_sub(2)).unwrap_or(u8::MAX);
    if let Some(place) = message.get_mut(1) {
        *place = length;
    }
    let check = sum(&message).wrapping_neg();
    let _ = message.push(check);
    message
}

fn parameter(message: &mut Message, kind: u8, value: impl Iterator<Item = u8>) {
    let at = message.len();
    let _ = message.extend_from_slice(&[kind, 0]);
    message.extend(value);
    let length = u8::try_from(message.len() - at - 2).unwrap_or(u8::MAX);
    if let Some(place) = message.get_mut(at + 1) {
        *place = length;
    }
}

/// What is told of a number or a name, and why it is not.
#[derive(Debug, Default)]
struct Told {
    restricted: bool,
    unavailable: bool,
}

impl Told {
    /// `P`: withheld; whatever else stands there says that the network has none.
    fn absent(&mut self, reason: &[u8]) {
        match reason.first() {
            Some(&PRIVATE) => self.restricted = true,
            Some(_) => self.unavailable = true,
            None => {}
        }
    }

    /// Some exchanges put the reason where the value would be.
    fn is_reason(value: &[u8]) -> bool {
        matches!(value, [PRIVATE | UNAVAILABLE])
    }
}

/// Month, day, hour, minute in two digits each, then the number or a letter in its place.
fn single(body: &[u8]) -> Option<CallerId> {
    let (time, number) = body.split_at_checked(8)?;
    if !time.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut why = Told::default();
    if Told::is_reason(number) {
        why.absent(number);
    }
    Some(finished((number_of(number), why), (None, Told::default())))
}

/// Parameters of a kind, a length, a value; unknown ones are passed over.
fn multiple(body: &[u8]) -> Option<CallerId> {
    let (mut number, mut name) = ((None, Told::default()), (None, Told::default()));
    for parameter in Parameters(body) {
        match parameter? {
            (NUMBER, value) if Told::is_reason(value) => number.1.absent(value),
            (NUMBER, value) => number.0 = number_of(value),
            (NUMBER_ABSENT, reason) => number.1.absent(reason),
            (NAME, value) => name.0 = name_of(value),
            (NAME_ABSENT, reason) => name.1.absent(reason),
            _ => {}
        }
    }
    Some(finished(number, name))
}

/// Who withholds a number or a name has none, whatever else came; and what came is there.
fn finished(number: (Option<Digits>, Told), name: (Option<Name>, Told)) -> CallerId {
    let ((number, why), (name, why_no_name)) = (number, name);
    let number = number.filter(|_| !why.restricted);
    let name = name.filter(|_| !why_no_name.restricted);
    CallerId {
        restricted: why.restricted,
        unavailable: why.unavailable && !why.restricted && number.is_none(),
        name_restricted: why_no_name.restricted,
        name_unavailable: why_no_name.unavailable && !why_no_name.restricted && name.is_none(),
        number,
        name,
        form: None,
    }
}

/// Three equal letters.
fn waiting_single(body: &[u8]) -> Option<bool> {
    match body {
        [WAITING_ON, WAITING_ON, WAITING_ON] => Some(true),
        [WAITING_OFF, WAITING_OFF, WAITING_OFF] => Some(false),
        _ => None,
    }
}

/// The indicator among other parameters.
fn waiting_multiple(body: &[u8]) -> Option<bool> {
    let mut waiting = None;
    for parameter in Parameters(body) {
        if let (INDICATOR, &[value]) = parameter? {
            waiting = Some(value != 0);
        }
    }
    waiting
}

/// A kind, a length, a value, again and again: each with its kind. One that does not fit is `None` and the last.
struct Parameters<'a>(&'a [u8]);

impl<'a> Iterator for Parameters<'a> {
    type Item = Option<(u8, &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let first = self.0.split_first_chunk::<2>().and_then(|(&[kind, length], after)| {
            let (value, after) = after.split_at_checked(usize::from(length))?;
            Some((kind, value, after))
        });
        self.0 = first.map_or(&[], |(_, _, after)| after);
        Some(first.map(|(kind, value, _)| (kind, value)))
    }
}

/// A number without its ornament. Anything that is no number, or too long for one, is none.
fn number_of(value: &[u8]) -> Option<Digits> {
    let mut digits = Digits::new();
    for byte in value {
        match byte {
            b'0'..=b'9' | b'*' | b'#' | b'+' => digits.push(char::from(*byte)).ok()?,
            b' ' | b'-' | b'(' | b')' | b'.' | b'/' => {}
            _ => return None,
        }
    }
    digits.chars().any(|c| c.is_ascii_digit()).then_some(digits)
}

/// A name, read as ISO 8859-1, without control characters, cut to what is kept.
fn name_of(value: &[u8]) -> Option<Name> {
    let mut name = Name::new();
    for c in value.trim_ascii().iter().map(|byte| char::from(*byte)).filter(|c| !c.is_control()) {
        if name.push(c).is_err() {
            break;
        }
    }
    (!name.trim().is_empty()).then_some(name)
}

/// Sum of all bytes, modulo 256: 0 for a message with its check sum.
fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// Message kinds.
const SDMF: u8 = 0x04;
const MDMF: u8 = 0x80;
const SDMF_WAITING: u8 = 0x06;
const MDMF_WAITING: u8 = 0x82;
/// Parameters of MDMF.
const DATE_TIME: u8 = 1;
const NUMBER: u8 = 2;
const NUMBER_ABSENT: u8 = 4;
const NAME: u8 = 7;
const NAME_ABSENT: u8 = 8;
const INDICATOR: u8 = 11;
/// Messages wait, or wait no more, in the single format.
const WAITING_ON: u8 = 0x42;
const WAITING_OFF: u8 = 0x6F;
/// Reasons for an absence.
const PRIVATE: u8 = b'P';
const UNAVAILABLE: u8 = b'O';
/// Most characters that are sent; both fit into a message together.
const MAX_NUMBER: usize = 40;
const MAX_NAME_SENT: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    const NOON: CallTime = CallTime { month: 12, day: 24, hour: 13, minute: 5 };

    fn with_sum(bytes: &[u8]) -> vec::Vec<u8> {
        let mut all = vec![bytes[0], (bytes.len() - 1) as u8];
        all.extend_from_slice(&bytes[1..]);
        all.push(sum(&all).wrapping_neg());
        all
    }

    fn number(of: &str) -> Option<Digits> {
        of.try_into().ok()
    }

    #[test]
    fn what_is_written_is_read() {
        for (digits, name, restricted) in [
            (Some("3015550123"), Some("ANNE EXAMPLE"), false),
            (Some("+4930123456"), None, false),
            (None, Some("J\u{fc}rgen"), false),
            (Some("3015550123"), None, true),
            (None, None, false),
        ] {
            let caller = parse(&mdmf(digits, name, restricted, NOON)).unwrap();
            assert_eq!(caller.number.as_deref(), digits.filter(|_| !restricted));
            assert_eq!(caller.name.as_deref(), name);
            assert_eq!(caller.restricted, restricted);
            assert_eq!(caller.unavailable, digits.is_none());
        }
    }

    #[test]
    fn a_withheld_number_or_name_is_told_from_one_that_nobody_knows() {
        let read = |body: &[u8]| {
            let caller = parse(&with_sum(body)).unwrap();
            assert!(caller.number.is_none() && caller.name.is_none(), "{body:?}");
            [caller.restricted, caller.unavailable, caller.name_restricted, caller.name_unavailable]
        };
        assert_eq!(read(b"\x80\x04\x01P"), [true, false, false, false]);
        assert_eq!(read(b"\x80\x04\x01O"), [false, true, false, false]);
        assert_eq!(read(b"\x80\x04\x01C"), [false, true, false, false], "a payphone");
        assert_eq!(read(b"\x80\x02\x01P"), [true, false, false, false], "in the number's place");
        assert_eq!(read(b"\x80\x02\x01O"), [false, true, false, false]);
        assert_eq!(read(b"\x80\x04\x01O\x08\x01P"), [false, true, true, false]);
        assert_eq!(read(b"\x80\x04\x01P\x08\x01O"), [true, false, false, true]);
        assert_eq!(read(b"\x80\x08\x01P\x07\x04ANNE"), [false, false, true, false], "nor is a withheld name believed");
        assert_eq!(read(b"\x80\x01\x0812241305"), [false; 4], "nothing is said");
        let known = parse(&with_sum(b"\x80\x04\x01O\x02\x03123\x08\x01O\x07\x04ANNE")).unwrap();
        assert!(!known.unavailable && !known.name_unavailable && known.number.is_some() && known.name.is_some());
    }

    #[test]
    fn what_a_line_says_of_a_caller_can_be_said_again() {
        let name = || Name::try_from("ANNE").ok();
        let known = CallerId { number: number("3015550123"), name: name(), ..CallerId::default() };
        let callers = [
            known.clone(),
            CallerId { name: None, ..known.clone() },
            CallerId { name: None, name_restricted: true, ..known.clone() },
            CallerId { name: None, name_unavailable: true, ..known.clone() },
            CallerId { number: None, restricted: true, ..known.clone() },
            CallerId { number: None, unavailable: true, ..known },
        ];
        for caller in callers {
            assert_eq!(parse(&message_of(&caller, Format::Multiple, NOON)), Some(caller.clone()));
            let alone = CallerId { name: None, name_restricted: false, name_unavailable: false, ..caller.clone() };
            assert_eq!(parse(&message_of(&caller, Format::Single, NOON)), Some(alone));
        }
        let secret = CallerId {
            number: number("123"),
            name: name(),
            restricted: true,
            name_restricted: true,
            ..CallerId::default()
        };
        for format in [Format::Single, Format::Multiple] {
            let sent = message_of(&secret, format, NOON);
            assert!(!sent.windows(3).any(|piece| piece == b"123") && !sent.windows(4).any(|piece| piece == b"ANNE"));
            for waiting in [true, false] {
                assert_eq!(read(&message_waiting(waiting, format)), Some(Content::MessageWaiting(waiting)));
            }
        }
        assert_eq!(
            &message_of(&CallerId::default(), Format::Single, NOON)[..],
            b"\x04\x0912241305O\x12",
            "by the standard"
        );
    }

    #[test]
    fn waiting_messages_are_told_in_both_formats() {
        for (body, waiting) in [
            (&b"\x82\x0b\x01\xff"[..], Some(true)),
            (b"\x82\x0b\x01\x00", Some(false)),
            (b"\x82\x01\x0812241305\x0b\x01\xff\x13\x01\x05", Some(true)),
            (b"\x06BBB", Some(true)),
            (b"\x06ooo", Some(false)),
            (b"\x06BBo", None),
            (b"\x06BB", None),
            (b"\x82\x01\x0812241305", None),
            (b"\x82\x0b\x02\xff\xff", None),
            (b"\x82\x0b\x01", None),
        ] {
            assert_eq!(read(&with_sum(body)), waiting.map(Content::MessageWaiting), "{body:?}");
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_standard() {
        let message = mdmf(Some("5551212"), None, false, NOON);
        assert_eq!(&message[..4], [0x80, 19, 1, 8]);
        assert_eq!(&message[4..12], b"12241305");
        assert_eq!(&message[12..21], b"\x02\x075551212");
        // 0x80 + 19 + 1 + 8 + 402 + 2 + 7 + 357 = 924: 0x39C.
        assert_eq!(message[21], 0x64);
        assert_eq!(message.len(), 22);
    }

    #[test]
    fn who_knows_no_date_sends_none_and_is_read_all_the_same() {
        let message = mdmf(Some("123"), None, false, CallTime::default());
        assert_eq!(&message[..4], [0x80, 5, NUMBER, 3]);
        assert_eq!(parse(&message).unwrap().number, number("123"));
    }

    #[test]
    fn a_single_format_message_is_read() {
        let caller = parse(&with_sum(b"\x04122413055551212")).unwrap();
        assert_eq!(caller, CallerId { number: number("5551212"), ..CallerId::default() });
        let withheld = CallerId { restricted: true, ..CallerId::default() };
        let unavailable = CallerId { unavailable: true, ..CallerId::default() };
        assert_eq!(parse(&with_sum(b"\x0412241305P")), Some(withheld));
        assert_eq!(parse(&with_sum(b"\x0412241305O")), Some(unavailable));
        assert_eq!(parse(&with_sum(b"\x041224130")), None, "short");
        assert_eq!(parse(&with_sum(b"\x04122x13055551212")), None, "no time");
    }

    #[test]
    fn hostile_lengths_and_characters_do_no_harm() {
        assert_eq!(parse(&[]), None);
        assert_eq!(parse(&[0x80]), None);
        assert_eq!(parse(&[0x80, 0, 0x80]), None, "empty");
        assert_eq!(parse(&with_sum(b"\x80\x02\xff123")), None, "a parameter beyond the end");
        assert_eq!(parse(&with_sum(b"\x80\x02")), None, "half a parameter");
        assert_eq!(parse(&with_sum(b"\x82\x0b\x01\xff")), None, "a message waiting is no caller");
        let long = with_sum(&[&b"\x80\x02\x29"[..], &[b'7'; 41]].concat());
        assert_eq!(parse(&long).unwrap().number, None, "too long for a number");
        let ornament = parse(&with_sum(b"\x80\x02\x0e(301) 555-0123")).unwrap();
        assert_eq!(ornament.number, number("3015550123"));
        assert_eq!(parse(&with_sum(b"\x80\x02\x0512<34")).unwrap().number, None);
        let name = parse(&with_sum(&[&b"\x80\x07\x60 A\0B\n"[..], &[0xe9; 0x5b]].concat())).unwrap().name.unwrap();
        assert!(name.starts_with("AB\u{e9}") && name.len() <= crate::MAX_NAME, "{name}");
        assert_eq!(parse(&with_sum(b"\x80\x07\x02  ")).unwrap().name, None);
    }

    #[test]
    fn every_wrong_bit_and_every_cut_is_noticed() {
        let message = mdmf(Some("3015550123"), Some("ANNE"), false, NOON);
        for bit in 0..message.len() * 8 {
            let mut wrong = message.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&wrong), None, "bit {bit}");
        }
        for length in 0..message.len() {
            assert_eq!(parse(&message[..length]), None, "{length}");
        }
    }

    #[test]
    fn any_body_with_a_good_sum_is_read_or_refused() {
        let mut seed = 1u32;
        let mut next = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % below
        };
        let mut good = 0;
        for _ in 0..20_000 {
            let mut bytes = vec![if next(2) == 0 { MDMF } else { SDMF }];
            for _ in 0..next(256) {
                // Small numbers are kinds and lengths.
                let byte = if next(2) == 0 { next(10) } else { next(256) };
                bytes.push(byte as u8);
            }
            if let Some(caller) = parse(&with_sum(&bytes)) {
                good += 1;
                assert!(caller.number.is_none_or(|n| n.chars().all(|c| c.is_ascii_digit() || "*#+".contains(c))));
                assert!(caller.name.is_none_or(|n| n.chars().all(|c| !c.is_control())));
            }
        }
        assert!(good > 100, "{good}");
    }

    #[test]
    fn a_withheld_number_is_not_believed_when_it_comes_all_the_same() {
        let caller = parse(&with_sum(b"\x80\x04\x01P\x02\x03123")).unwrap();
        assert_eq!((caller.number, caller.restricted), (None, true));
    }

    #[test]
    fn the_longest_message_fits() {
        let long = "9".repeat(300);
        let message = mdmf(Some(&long), Some(&long), false, CallTime { month: 255, ..NOON });
        assert_eq!(parse(&message).unwrap().number.unwrap().len(), 40);
        assert_eq!(parse(&message).unwrap().name.unwrap().len(), 48);
    }
}
