//! Octets of the short message peer-to-peer protocol, version 3.4. Source: SMPP 3.4, issue 1.2, chapters 4 and 5.

use crate::gsm7;
use crate::parts::{Part, Place, header};
use crate::pdu::{Alphabet, alphabet, place};

/// The longest PDU that is read: a message of 64 KiB, which its length allows, and what stands before it.
pub(super) const MAX_PDU: usize = 66 * 1_024;
const HEAD: usize = 16;

pub(super) const GENERIC_NACK: u32 = 0x8000_0000;
pub(super) const SUBMIT: u32 = 0x4;
pub(super) const DELIVER: u32 = 0x5;
pub(super) const UNBIND: u32 = 0x6;
pub(super) const BIND_TRANSCEIVER: u32 = 0x9;
pub(super) const ENQUIRE_LINK: u32 = 0x15;
pub(super) const RESPONSE: u32 = 0x8000_0000;

/// One PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pdu {
    pub command: u32,
    pub status: u32,
    pub sequence: u32,
    pub body: Vec<u8>,
}

/// What the centre brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Delivered {
    /// A message.
    Message { from: String, to: String, part: Part },
    /// What became of one of ours.
    Receipt {
        /// As the centre calls it.
        id: String,
        fate: Fate,
    },
}

/// How far one of ours is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    OnItsWay,
    Arrived,
    /// It will not arrive; the centre's word for it.
    Lost(String),
}

impl Pdu {
    pub(super) fn new(command: u32, sequence: u32, body: Vec<u8>) -> Pdu {
        Pdu { command, status: 0, sequence, body }
    }

    pub(super) fn written(&self) -> Vec<u8> {
        let length = (HEAD + self.body.len()) as u32;
        let head = [length, self.command, self.status, self.sequence];
        head.into_iter().flat_map(u32::to_be_bytes).chain(self.body.iter().copied()).collect()
    }

    /// The first PDU of what has come, taken off. An error: its length cannot be.
    pub(super) fn next(held: &mut Vec<u8>) -> Result<Option<Pdu>, usize> {
        let word = |at: usize| held.get(at..at + 4).map(|it| u32::from_be_bytes([it[0], it[1], it[2], it[3]]));
        let (Some(length), Some(command), Some(status), Some(sequence)) = (word(0), word(4), word(8), word(12)) else {
            return Ok(None);
        };
        let length = length as usize;
        if !(HEAD..=MAX_PDU).contains(&length) {
            return Err(length);
        }
        if held.len() < length {
            return Ok(None);
        }
        let body = held.drain(..length).skip(HEAD).collect();
        Ok(Some(Pdu { command, status, sequence, body }))
    }
}

/// The body of a bind.
pub(super) fn bind(system_id: &str, password: &str, system_type: &str) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, system_id, 15);
    text(&mut body, password, 8);
    text(&mut body, system_type, 12);
    // Version 3.4, any address.
    body.extend([0x34, 0, 0, 0]);
    body
}

/// The body of a message out; a receipt is asked for.
pub(super) fn submit(from: &str, to: &str, part: &Part) -> Vec<u8> {
    let mut body = vec![0];
    address(&mut body, from);
    address(&mut body, to);
    body.push(if part.place.is_some() { 0x40 } else { 0 });
    // Protocol, priority, at once, as long as the centre likes.
    body.extend([0, 0, 0, 0]);
    body.extend([1, 0, if part.gsm7 { 0 } else { 8 }, 0]);
    let mut octets = header(part);
    if part.gsm7 {
        octets.extend(gsm7::encode(&part.text));
    } else {
        octets.extend(part.text.encode_utf16().flat_map(u16::to_be_bytes));
    }
    body.push(octets.len() as u8);
    body.extend(octets);
    body
}

/// Reads what the centre brings; `None`: it cannot be read.
pub(super) fn delivered(body: &[u8]) -> Option<Delivered> {
    let mut rest = Rest(body);
    rest.text()?;
    let from = rest.address()?;
    let to = rest.address()?;
    let class = rest.octet()?;
    rest.take(2)?;
    rest.text()?;
    rest.text()?;
    rest.take(2)?;
    let coding = rest.octet()?;
    rest.octet()?;
    let length = rest.octet()?;
    let short = rest.take(usize::from(length))?;
    let more = Optional::read(rest)?;
    let octets = match (short, more.payload) {
        ([], Some(payload)) => payload,
        _ => short,
    };
    // A receipt, at the end or on the way.
    if matches!(class & 0x3c, 0x04 | 0x20) {
        return receipt(&more, &String::from_utf8_lossy(octets));
    }
    let head = if class & 0x40 != 0 { 1 + usize::from(*octets.first()?) } else { 0 };
    let header = octets.get(usize::from(head > 0)..head)?;
    let place = place(header).or(more.place());
    let (gsm7, text) = text_of(coding, octets.get(head..)?)?;
    Some(Delivered::Message { from, to, part: Part { place, gsm7, text } })
}

/// A text by its coding, and whether that has 7 bits; `None`: it is no text.
fn text_of(coding: u8, octets: &[u8]) -> Option<(bool, String)> {
    let wide = || {
        let units: Vec<u16> = octets.chunks_exact(2).map(|it| u16::from_be_bytes([it[0], it[1]])).collect();
        Some((false, String::from_utf16_lossy(&units)))
    };
    match coding {
        0 => Some((true, gsm7::decode(octets))),
        // ASCII and Latin 1.
        1 | 3 => Some((true, octets.iter().map(|it| char::from(*it)).collect())),
        8 => wide(),
        // Octets, and signs of alphabets that nobody has here.
        0x02..=0x0f => None,
        // As the air interface has it.
        _ => match alphabet(coding) {
            Alphabet::Gsm7 => Some((true, gsm7::decode(octets))),
            Alphabet::Ucs2 => wide(),
            Alphabet::Octets => None,
        },
    }
}

/// Parameters behind a message, as far as they matter (5.3.2).
#[derive(Default)]
struct Optional<'a> {
    payload: Option<&'a [u8]>,
    reference: Option<u16>,
    of: Option<u8>,
    n: Option<u8>,
    receipted: Option<String>,
    state: Option<u8>,
}

impl<'a> Optional<'a> {
    /// `None`: one of them is cut off.
    fn read(mut rest: Rest<'a>) -> Option<Self> {
        let mut read = Self::default();
        while !rest.0.is_empty() {
            let (tag, length) = (rest.word()?, rest.word()?);
            let value = rest.take(usize::from(length))?;
            match (tag, value) {
                (0x0424, payload) => read.payload = Some(payload),
                (0x020c, [high, low]) => read.reference = Some(u16::from_be_bytes([*high, *low])),
                (0x020e, [of]) => read.of = Some(*of),
                (0x020f, [n]) => read.n = Some(*n),
                (0x001e, id) => {
                    let id = id.strip_suffix(&[0]).unwrap_or(id);
                    read.receipted = Some(String::from_utf8_lossy(id).into_owned());
                }
                (0x0427, [state]) => read.state = Some(*state),
                _ => {}
            }
        }
        Some(read)
    }

    fn place(&self) -> Option<Place> {
        Some((self.reference?, self.of?, self.n?))
    }
}

/// A receipt by its parameters, and where it has none by its text; `None`: it has neither.
fn receipt(more: &Optional<'_>, text: &str) -> Option<Delivered> {
    let after = |name: &str| text.split_once(name).map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default());
    let id = more.receipted.clone().or_else(|| after("id:").map(str::to_owned)).filter(|id| !id.is_empty())?;
    let state = match more.state {
        Some(state) => STATES.get(usize::from(state)).copied().unwrap_or("UNKNOWN"),
        None => after("stat:")?,
    };
    let fate = match state {
        "DELIVRD" => Fate::Arrived,
        "EXPIRED" | "DELETED" | "UNDELIV" | "REJECTD" => Fate::Lost(state.to_owned()),
        _ => Fate::OnItsWay,
    };
    Some(Delivered::Receipt { id, fate })
}

/// By the parameter's number (5.2.28), as texts call them (appendix B).
const STATES: [&str; 9] =
    ["UNKNOWN", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD"];

/// The name that the centre gives in the answer to a message out.
pub(super) fn message_id(body: &[u8]) -> String {
    Rest(body).text().unwrap_or_default()
}

fn address(body: &mut Vec<u8>, number: &str) {
    let (kind, plan, digits) = match number.strip_prefix('+') {
        Some(digits) => (1, 1, digits),
        None if number.bytes().all(|it| it.is_ascii_digit()) => (0, 1, number),
        None => (5, 0, number),
    };
    body.extend([kind, plan]);
    text(body, digits, 20);
}

/// A text of at most so many octets, and its end.
fn text(body: &mut Vec<u8>, text: &str, most: usize) {
    body.extend(text.bytes().filter(|it| *it != 0).take(most));
    body.push(0);
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn octet(&mut self) -> Option<u8> {
        self.take(1).map(|it| it[0])
    }

    fn word(&mut self) -> Option<u16> {
        self.take(2).map(|it| u16::from_be_bytes([it[0], it[1]]))
    }

    fn text(&mut self) -> Option<String> {
        let end = self.0.iter().position(|it| *it == 0)?;
        let text = self.take(end + 1)?;
        Some(String::from_utf8_lossy(&text[..end]).into_owned())
    }

    fn address(&mut self) -> Option<String> {
        let kind = self.octet()?;
        self.octet()?;
        let digits = self.text()?;
        Some(if kind == 1 && !digits.starts_with('+') { format!("+{digits}") } else { digits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::parts;

    /// As the codec reads it; panics where that is no message.
    fn message(body: &[u8]) -> (String, String, Part) {
        match delivered(body) {
            Some(Delivered::Message { from, to, part }) => (from, to, part),
            other => panic!("{other:?}"),
        }
    }

    /// A message in with a class, a coding, a text, and parameters.
    fn brought(class: u8, coding: u8, short: &[u8], more: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = b"\0\x01\x01493022\0\x01\x01493011\0".to_vec();
        body.extend([class, 0, 0, 0, 0, 0, 0, coding, 0, short.len() as u8]);
        body.extend(short);
        for (tag, value) in more {
            body.extend(tag.to_be_bytes());
            body.extend((value.len() as u16).to_be_bytes());
            body.extend(*value);
        }
        body
    }

    #[test]
    fn a_message_out_read_as_one_in_is_the_same() {
        for text in ["hello €".to_owned(), "ж☎".repeat(60), "x".repeat(300)] {
            let mut whole = String::new();
            for part in parts(&text, 3).expect("few") {
                let (from, to, read) = message(&submit("+4930111", "+4930222", &part));
                assert_eq!((from.as_str(), to.as_str(), read.place), ("+4930111", "+4930222", part.place));
                whole += &read.text;
            }
            assert_eq!(whole, text);
        }
    }

    #[test]
    fn a_text_may_stand_in_the_payload_and_its_place_in_parameters() {
        let long = "a long text ".repeat(100);
        let (_, _, part) = message(&brought(0, 0, b"", &[(0x0424, long.as_bytes())]));
        assert_eq!((part.text, part.place), (long, None));
        let sar: [(u16, &[u8]); 3] = [(0x020c, &[1, 7]), (0x020e, &[2]), (0x020f, &[1])];
        let (_, _, part) = message(&brought(0, 1, b"a@b", &sar));
        assert_eq!((part.text.as_str(), part.place), ("a@b", Some((0x107, 2, 1))));
        let (_, _, part) = message(&brought(0x40, 8, &[6, 8, 4, 1, 7, 2, 2, 0x26, 0x0e], &[]));
        assert_eq!((part.text.as_str(), part.place), ("☎", Some((0x107, 2, 2))));
    }

    #[test]
    fn what_is_no_text_and_what_is_cut_off_cannot_be_read() {
        assert_eq!(delivered(&brought(0, 4, b"abc", &[])), None);
        let mut cut = brought(0, 0, b"", &[(0x0424, b"abc")]);
        cut.pop();
        assert_eq!(delivered(&cut), None);
        assert_eq!(delivered(&brought(4, 0, b"hello", &[])), None, "a receipt of nothing");
    }

    #[test]
    fn pdus_are_cut_out_of_a_stream_and_impossible_lengths_end_it() {
        let one = Pdu::new(ENQUIRE_LINK, 7, Vec::new());
        let two = Pdu { command: SUBMIT | RESPONSE, status: 8, sequence: 9, body: b"abc\0".to_vec() };
        let mut held = [one.written(), two.written()].concat();
        let tail = held.split_off(20);
        assert_eq!(Pdu::next(&mut held), Ok(Some(one)));
        assert_eq!(Pdu::next(&mut held), Ok(None));
        held.extend(tail);
        assert_eq!(Pdu::next(&mut held), Ok(Some(two)));
        let mut wrong = vec![0xff; 16];
        assert!(Pdu::next(&mut wrong).is_err());
        assert!(Pdu::next(&mut vec![0; 16]).is_err());
    }

    #[test]
    fn a_receipt_is_read_by_its_parameters_or_its_text() {
        let text = b"id:77AB sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:DELIVRD err:000 text:x";
        let is = |id: &str, fate| Some(Delivered::Receipt { id: id.into(), fate });
        assert_eq!(delivered(&brought(4, 0, text, &[])), is("77AB", Fate::Arrived));
        let lost = Fate::Lost("UNDELIV".into());
        assert_eq!(delivered(&brought(4, 0, b"", &[(0x1e, b"9\0"), (0x427, &[5])])), is("9", lost.clone()));
        assert_eq!(delivered(&brought(4, 0, text, &[(0x1e, b"9"), (0x427, &[5])])), is("9", lost));
        assert_eq!(delivered(&brought(0x20, 0, b"id:9 stat:ENROUTE", &[])), is("9", Fate::OnItsWay));
    }

    proptest::proptest! {
        #[test]
        fn any_octets_are_read_without_harm(octets in proptest::collection::vec(0u8.., 0..120)) {
            let _ = delivered(&octets);
            let _ = message_id(&octets);
            let _ = Pdu::next(&mut octets.clone());
            let _ = delivered(&brought(octets.first().copied().unwrap_or_default(), 0, &octets, &[(0x424, &octets)]));
        }
    }
}
