//! The one thing that is read out of a certificate by hand: when it begins and ends (X.509, RFC 5280 §4.1). Anything odd
//! is `None`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// The moment after which a certificate is not valid.
pub(crate) fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    validity(certificate).map(|(_, end)| end)
}

/// From when and until when a certificate is valid.
pub(crate) fn validity(certificate: &[u8]) -> Option<(SystemTime, SystemTime)> {
    let (body, _) = expect(certificate, SEQUENCE)?;
    let (body, _) = expect(body, SEQUENCE)?;
    let body = expect(body, VERSION).map_or(body, |(_, rest)| rest);
    let (_, body) = expect(body, INTEGER)?;
    // Algorithm, issuer, validity.
    let (_, body) = expect(body, SEQUENCE)?;
    let (_, body) = expect(body, SEQUENCE)?;
    let (validity, _) = expect(body, SEQUENCE)?;
    let (first, begin, rest) = element(validity)?;
    let (second, end, _) = element(rest)?;
    Some((moment(first, begin)?, moment(second, end)?))
}

/// Tag, content and what follows.
fn element(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = octets.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        // Longer than four octets is no certificate.
        let known = (1..=4).contains(&digits.len());
        (known.then(|| digits.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)))?, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn expect(octets: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    element(octets).filter(|(tag, ..)| *tag == wanted).map(|(_, content, rest)| (content, rest))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn moment(tag: u8, text: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let text = match tag {
        // RFC 5280: 50 and above are of the last century.
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_string(),
        _ => return None,
    };
    if text.len() != 14 || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u8>().ok();
    let year = text.get(..4)?.parse::<i32>().ok()?;
    let month = time::Month::try_from(part(4, 6)?).ok()?;
    let date = time::Date::from_calendar_date(year, month, part(6, 8)?).ok()?;
    let clock = time::Time::from_hms(part(8, 10)?, part(10, 12)?, part(12, 14)?).ok()?;
    let seconds = date.with_time(clock).assume_utc().unix_timestamp();
    Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read() {
        for (year, form) in [(2031, "UTC time"), (2060, "generalized time")] {
            let mut params = rcgen::CertificateParams::new(vec!["box.lan".to_string()]).expect("a name");
            params.not_after = rcgen::date_time_ymd(year, 2, 3);
            let key = rcgen::KeyPair::generate().expect("a key");
            let certificate = params.self_signed(&key).expect("a certificate");
            let wanted = u64::try_from(params.not_after.unix_timestamp()).expect("after 1970");
            let read = not_after(certificate.der()).and_then(|end| end.duration_since(UNIX_EPOCH).ok());
            assert_eq!(read.map(|end| end.as_secs()), Some(wanted), "{form}");
            // Whatever is cut off or changed: no panic.
            for cut in 0..certificate.der().len() {
                let _ = not_after(&certificate.der()[..cut]);
                let mut odd = certificate.der().to_vec();
                odd[cut] ^= 0x81;
                let _ = not_after(&odd);
            }
        }
        assert_eq!(not_after(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(moment(UTC_TIME, b"310230000000Z"), None, "there is no 30 February");
    }
}
