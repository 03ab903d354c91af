//! Messages as a modem takes and gives them in PDU mode. Source: 3GPP TS 23.040, 9.2.2 (SMS-DELIVER, SMS-SUBMIT), 9.1.2.5
//! (addresses); TS 23.038 (data coding).

use crate::gsm7;
use crate::parts;
use crate::parts::{Part, Place};

/// A message as a modem gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliver {
    /// E.164 with plus, digits, or a word.
    pub from: String,
    /// When the centre had it, in seconds since about 2000: to put messages in order.
    pub at_s: i64,
    /// What it says, and which part it is.
    pub part: Part,
}

/// What cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message cannot be read: {0}")]
pub struct BadPdu(&'static str);

/// A message for a modem: its hexadecimal text, and the length that `AT+CMGS` is told (without the centre's address).
pub fn submit(to: &str, part: &Part) -> (String, usize) {
    let header = parts::header(part);
    let mut pdu = vec![if header.is_empty() { 0x01 } else { 0x41 }, 0];
    pdu.extend(address(to));
    // No protocol above; the alphabet.
    pdu.extend([0, if part.gsm7 { 0x00 } else { 0x08 }]);
    if part.gsm7 {
        let septets = gsm7::encode(&part.text);
        let fill = (7 - header.len() * 8 % 7) % 7;
        let head = (header.len() * 8 + fill) / 7;
        pdu.push((head + septets.len()) as u8);
        pdu.extend(&header);
        pdu.extend(gsm7::pack(&septets, fill));
    } else {
        let text: Vec<u8> = part.text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        pdu.push((header.len() + text.len()) as u8);
        pdu.extend(&header);
        pdu.extend(text);
    }
    let length = pdu.len();
    // The modem's own message centre.
    (format!("00{}", hex(&pdu)), length)
}

impl Deliver {
    /// Reads what a modem gives, hexadecimal.
    pub fn read(text: &str) -> Result<Deliver, BadPdu> {
        let octets = unhex(text.trim()).ok_or(BadPdu("it is not hexadecimal"))?;
        let mut rest = Rest(&octets);
        let centre = rest.octet()?;
        rest.take(usize::from(centre))?;
        let first = rest.octet()?;
        if first & 0x03 != 0 {
            return Err(BadPdu("it is none that came in"));
        }
        let from = rest.address()?;
        let _protocol = rest.octet()?;
        let coding = rest.octet()?;
        let at_s = stamp(rest.take(7)?);
        let length = usize::from(rest.octet()?);
        let part = body(first & 0x40 != 0, coding, length, rest.0)?;
        Ok(Deliver { from, at_s, part })
    }
}

/// A centre's date in seconds since about 2000: year to second and the zone in quarters of an hour, two digits each, the lower
/// half first (9.2.3.11). One that cannot be is some other second.
fn stamp(octets: &[u8]) -> i64 {
    let digits = |octet: u8| i64::from(octet & 0x0f) * 10 + i64::from(octet >> 4);
    let [year, month, day, hour, minute, second, zone] = octets else { return 0 };
    let quarters = digits(zone & !0x08) * if zone & 0x08 != 0 { -1 } else { 1 };
    // Years begin in March here, so that the leap day is the last one.
    let (year, month) = (digits(*year) - i64::from(digits(*month) < 3), (digits(*month) + 9) % 12);
    let days = year * 365 + year.div_euclid(4) + (month * 153 + 2) / 5 + digits(*day);
    ((days * 24 + digits(*hour)) * 60 + digits(*minute) - quarters * 15) * 60 + digits(*second)
}

/// A message's own octets: perhaps a header, and the text.
pub(crate) fn body(headed: bool, coding: u8, length: usize, octets: &[u8]) -> Result<Part, BadPdu> {
    let head = match headed {
        true => 1 + usize::from(*octets.first().ok_or(BadPdu("it has no header"))?),
        false => 0,
    };
    let header = octets.get(usize::from(headed)..head).ok_or(BadPdu("its header is cut off"))?;
    let place = place(header);
    let text = &octets[head..];
    match alphabet(coding) {
        Alphabet::Gsm7 => {
            let fill = (7 - head * 8 % 7) % 7;
            let count = length.saturating_sub((head * 8 + fill) / 7);
            Ok(Part { place, gsm7: true, text: gsm7::decode(&gsm7::unpack(text, fill, count)) })
        }
        Alphabet::Ucs2 => {
            let text = text.get(..length.saturating_sub(head)).unwrap_or(text);
            let units: Vec<u16> = text.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            Ok(Part { place, gsm7: false, text: String::from_utf16_lossy(&units) })
        }
        Alphabet::Octets => Err(BadPdu("it holds no text")),
    }
}

pub(crate) enum Alphabet {
    Gsm7,
    Octets,
    Ucs2,
}

/// By the data coding (TS 23.038, 4).
pub(crate) fn alphabet(coding: u8) -> Alphabet {
    match (coding >> 4, coding >> 2 & 0x03) {
        (0x0..=0x7, 1) => Alphabet::Octets,
        (0x0..=0x7, 2) => Alphabet::Ucs2,
        (0xe, _) => Alphabet::Ucs2,
        (0xf, _) if coding & 0x04 != 0 => Alphabet::Octets,
        _ => Alphabet::Gsm7,
    }
}

/// Which part it is, by the header's elements.
pub(crate) fn place(mut header: &[u8]) -> Option<Place> {
    while let [kind, length, rest @ ..] = header {
        let element = rest.get(..usize::from(*length))?;
        match (kind, element) {
            (0x00, [reference, of, n]) => return Some((u16::from(*reference), *of, *n)),
            (0x08, [high, low, of, n]) => return Some((u16::from_be_bytes([*high, *low]), *of, *n)),
            _ => header = &rest[usize::from(*length)..],
        }
    }
    None
}

fn address(number: &str) -> Vec<u8> {
    let digits: Vec<u8> = number.bytes().filter_map(nibble).take(20).collect();
    let mut out = vec![digits.len() as u8, if number.starts_with('+') { 0x91 } else { 0x81 }];
    out.extend(digits.chunks(2).map(|pair| pair[0] | pair.get(1).unwrap_or(&0x0f) << 4));
    out
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'*' => Some(0x0a),
        b'#' => Some(0x0b),
        _ => None,
    }
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], BadPdu> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(BadPdu("it is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn octet(&mut self) -> Result<u8, BadPdu> {
        self.take(1).map(|octets| octets[0])
    }

    fn address(&mut self) -> Result<String, BadPdu> {
        let count = usize::from(self.octet()?);
        let kind = self.octet()?;
        let octets = self.take(count.div_ceil(2))?;
        if kind >> 4 & 0x07 == 5 {
            return Ok(gsm7::decode(&gsm7::unpack(octets, 0, count * 4 / 7)));
        }
        let sign = |nibble: u8| char::from(b"0123456789*#abc "[usize::from(nibble)]);
        let digits = octets.iter().flat_map(|octet| [sign(octet & 0x0f), sign(octet >> 4)]).take(count);
        let digits: String = digits.filter(|it| *it != ' ').collect();
        Ok(if kind >> 4 & 0x07 == 1 { format!("+{digits}") } else { digits })
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || digits.len() > MAX_HEX {
        return None;
    }
    let digit = |it: u8| char::from(it).to_digit(16);
    digits.chunks(2).map(|pair| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8)).collect()
}

/// The longest message that a modem gives: 176 octets and the centre.
const MAX_HEX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::parts;

    #[test]
    fn a_message_out_is_as_the_standard_has_it() {
        let part = Part { place: None, gsm7: true, text: "hellohello".into() };
        let (text, length) = submit("+46708251358", &part);
        assert_eq!(text, "0001000B916407281553F800000AE8329BFD4697D9EC37");
        assert_eq!(length, (text.len() - 2) / 2);
        let wide = Part { place: None, gsm7: false, text: "☎".into() };
        assert_eq!(submit("112", &wide).0, "000100038111F2000802260E");
    }

    #[test]
    fn a_message_in_is_read() {
        let text = "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37";
        let deliver = Deliver::read(text).expect("it can be read");
        assert_eq!((deliver.from.as_str(), deliver.part.text.as_str()), ("27838890001", "hellohello"));
    }

    #[test]
    fn a_centres_dates_are_in_order_whatever_the_zone_and_the_month() {
        let seconds = |date: &str| stamp(&unhex(date).expect("hexadecimal"));
        // 2026-02-28, 03-01, 12-31, 2027-01-01: a day apart, and the rest of the year.
        let dates = ["62208200000000", "62301000000000", "62211300000000", "72101000000000"].map(seconds);
        assert_eq!([dates[1] - dates[0], dates[3] - dates[2]], [86_400; 2]);
        assert_eq!(dates[3] - dates[1], 306 * 86_400);
        assert_eq!(seconds("82301000000000") - seconds("82208200000000"), 2 * 86_400, "2028 has a leap day");
        // Noon in Berlin's winter is 11 in Greenwich, and 6 in New York.
        let noon = ["62119221000040", "62119211000000", "6211926000000A"].map(seconds);
        assert_eq!(noon, [noon[0]; 3]);
    }

    /// What a network makes of a message out.
    fn delivered(submitted: &str) -> String {
        let octets = unhex(submitted).expect("hexadecimal");
        let digits = usize::from(octets[3]).div_ceil(2);
        let (address, rest) = octets[3..].split_at(2 + digits);
        let mut pdu = vec![0, octets[1] & 0x40];
        pdu.extend(address);
        pdu.extend(&rest[..2]);
        pdu.extend([0x62, 0x11, 0x92, 0x31, 0x00, 0x00, 0x00]);
        pdu.extend(&rest[2..]);
        hex(&pdu)
    }

    #[test]
    fn all_parts_of_long_texts_come_through_in_both_alphabets() {
        for text in ["abc €[] ".repeat(60), "Grüße ☎ ".repeat(30), "x".into(), "a".repeat(160), "ж".repeat(70)] {
            let mut whole = String::new();
            for part in parts(&text, 9).expect("few") {
                let deliver = Deliver::read(&delivered(&submit("+49301234567", &part).0)).expect("it can be read");
                assert_eq!(deliver.from, "+49301234567");
                assert_eq!((deliver.part.place, deliver.part.gsm7), (part.place, part.gsm7));
                whole += &deliver.part.text;
            }
            assert_eq!(whole, text);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_octets_are_read_without_harm(octets in proptest::collection::vec(0u8.., 0..200), text in "\\PC{0,60}") {
            let _ = Deliver::read(&hex(&octets));
            let _ = Deliver::read(&format!("00{}", hex(&octets)));
            let _ = Deliver::read(&text);
        }
    }
}
