//! The default alphabet of GSM messages: 7 bits a sign, a second table behind an escape. Source: 3GPP TS 23.038.

/// The default alphabet, by code.
const ALPHABET: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                        ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Behind the escape.
const EXTENSION: [(u8, char); 10] = [
    (0x0a, '\u{c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2f, '\\'),
    (0x3c, '['),
    (0x3d, '~'),
    (0x3e, ']'),
    (0x40, '|'),
    (0x65, '€'),
];
pub(crate) const ESCAPE: u8 = 0x1b;

/// The septets of a sign; `None`: the alphabet has it not.
pub fn septets(sign: char) -> Option<(Option<u8>, u8)> {
    if sign != '\u{1b}'
        && let Some(at) = ALPHABET.chars().position(|it| it == sign)
    {
        return Some((None, at as u8));
    }
    let (code, _) = EXTENSION.iter().find(|(_, it)| *it == sign)?;
    Some((Some(ESCAPE), *code))
}

/// Whether the alphabet has all of a text.
pub fn is_gsm7(text: &str) -> bool {
    text.chars().all(|sign| septets(sign).is_some())
}

/// A text as septets, one an octet; what the alphabet has not is `?`.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for sign in text.chars() {
        let (escape, code) = septets(sign).unwrap_or((None, b'?'));
        out.extend(escape);
        out.push(code);
    }
    out
}

/// Septets, one an octet, as text. An escape that means nothing is a blank, as the standard has it.
pub(crate) fn decode(septets: &[u8]) -> String {
    let alphabet: Vec<char> = ALPHABET.chars().collect();
    let mut out = String::with_capacity(septets.len());
    let mut all = septets.iter();
    while let Some(code) = all.next() {
        if *code & 0x7f != ESCAPE {
            out.push(alphabet[usize::from(code & 0x7f)]);
            continue;
        }
        let Some(code) = all.next() else { break };
        let sign = EXTENSION.iter().find(|(it, _)| it == code).map(|(_, sign)| *sign);
        out.push(sign.unwrap_or_else(|| alphabet[usize::from(code & 0x7f)]));
    }
    out.replace('\u{1b}', " ")
}

/// Packs septets into octets, `fill` bits left free at the beginning.
pub(crate) fn pack(septets: &[u8], fill: usize) -> Vec<u8> {
    let mut out = vec![0u8; (septets.len() * 7 + fill).div_ceil(8)];
    for (n, septet) in septets.iter().enumerate() {
        let bit = n * 7 + fill;
        let wide = u16::from(septet & 0x7f) << (bit % 8);
        out[bit / 8] |= wide as u8;
        if let Some(next) = out.get_mut(bit / 8 + 1) {
            *next |= (wide >> 8) as u8;
        }
    }
    out
}

/// Unpacks at most `count` septets behind `fill` bits.
pub(crate) fn unpack(octets: &[u8], fill: usize, count: usize) -> Vec<u8> {
    let there = (octets.len() * 8).saturating_sub(fill) / 7;
    let septet = |n: usize| {
        let bit = n * 7 + fill;
        let low = u16::from(octets[bit / 8]);
        let high = octets.get(bit / 8 + 1).copied().map_or(0, u16::from);
        ((low | high << 8) >> (bit % 8)) as u8 & 0x7f
    };
    (0..count.min(there)).map(septet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_has_its_128_places() {
        assert_eq!(ALPHABET.chars().count(), 128);
        assert_eq!(
            (septets('@'), septets('ß'), septets('à')),
            (Some((None, 0)), Some((None, 0x1e)), Some((None, 0x7f)))
        );
        assert_eq!((septets('€'), septets('☎')), (Some((Some(ESCAPE), 0x65)), None));
    }

    #[test]
    fn hellohello_is_packed_as_everybody_knows() {
        let packed = pack(&encode("hellohello"), 0);
        assert_eq!(packed, [0xe8, 0x32, 0x9b, 0xfd, 0x46, 0x97, 0xd9, 0xec, 0x37]);
        assert_eq!(decode(&unpack(&packed, 0, 10)), "hellohello");
    }

    proptest::proptest! {
        #[test]
        fn what_is_packed_is_unpacked(text in "[ -_a-~äöüßÄÖÜ€@£]{0,80}", fill in 0usize..7) {
            proptest::prop_assume!(is_gsm7(&text));
            let septets = encode(&text);
            proptest::prop_assert_eq!(decode(&unpack(&pack(&septets, fill), fill, septets.len())), text);
        }

        #[test]
        fn any_octets_are_unpacked_without_harm(octets in proptest::collection::vec(0u8.., 0..50), fill in 0usize..8, count in 0usize..300) {
            let _ = decode(&unpack(&octets, fill, count));
        }
    }
}
