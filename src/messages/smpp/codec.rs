//! Octets of the short message peer-to-peer protocol, version 3.4. Source: SMPP 3.4, issue 1.2, chapters 4 and 5.

use crate::gsm7;
use crate::parts::Part;
use crate::pdu::place;

/// The longest PDU that is read: a message of 64 KiB cannot be.
pub(super) const MAX_PDU: usize = 4_096;
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

/// A message that the centre brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivered {
    pub from: String,
    pub to: String,
    /// It tells what became of one of ours.
    pub receipt: bool,
    pub part: Part,
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
    let mut octets = match part.place {
        Some((reference, of, n)) => vec![5, 0, 3, reference, of, n],
        None => Vec::new(),
    };
    if part.gsm7 {
        octets.extend(gsm7::encode(&part.text));
    } else {
        octets.extend(part.text.encode_utf16().flat_map(u16::to_be_bytes));
    }
    body.push(octets.len() as u8);
    body.extend(octets);
    body
}

/// Reads a message that the centre brings; `None`: it cannot be read.
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
    let octets = rest.take(usize::from(length))?;
    let head = if class & 0x40 != 0 { 1 + usize::from(*octets.first()?) } else { 0 };
    let header = octets.get(usize::from(head > 0)..head)?;
    let (place, octets) = (place(header), octets.get(head..)?);
    let gsm7 = coding != 8;
    let text = match coding {
        8 => {
            let units: Vec<u16> = octets.chunks_exact(2).map(|it| u16::from_be_bytes([it[0], it[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        // Latin 1.
        3 => octets.iter().map(|it| char::from(*it)).collect(),
        _ => gsm7::decode(octets),
    };
    Some(Delivered { from, to, receipt: class & 0x3c == 0x04, part: Part { place, gsm7, text } })
}

/// What a receipt says: the centre's name of the message, and its state.
pub(super) fn receipt(text: &str) -> Option<(&str, &str)> {
    let after = |name: &str| text.split_once(name).map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default());
    Some((after("id:")?, after("stat:")?))
}

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

    #[test]
    fn a_message_out_read_as_one_in_is_the_same() {
        for text in ["hello €".to_owned(), "ж☎".repeat(60), "x".repeat(300)] {
            let mut whole = String::new();
            for part in parts(&text, 3).expect("few") {
                let read = delivered(&submit("+4930111", "+4930222", &part)).expect("it can be read");
                assert_eq!((read.from.as_str(), read.to.as_str(), read.receipt), ("+4930111", "+4930222", false));
                assert_eq!(read.part.place, part.place);
                whole += &read.part.text;
            }
            assert_eq!(whole, text);
        }
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
    fn a_receipt_is_read() {
        let text = "id:77AB sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:DELIVRD err:000 text:x";
        assert_eq!(receipt(text), Some(("77AB", "DELIVRD")));
        assert_eq!(receipt("hello"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_octets_are_read_without_harm(octets in proptest::collection::vec(0u8.., 0..120)) {
            let _ = delivered(&octets);
            let _ = message_id(&octets);
            let _ = Pdu::next(&mut octets.clone());
            let _ = receipt(&String::from_utf8_lossy(&octets));
        }
    }
}
