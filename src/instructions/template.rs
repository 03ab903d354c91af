//! Templates of URLs: `{Digits}` stands for what that name holds at the moment, percent-encoded. The model is RFC 6570
//! level 1, simple expansion and nothing else. What is no expression (`{}`, `{a b}`, a brace that is never closed) stays
//! as it is, and so does a URL without braces.

/// Octets of a URL that was filled; values that lead beyond are left out.
pub const MAX_URL: usize = 16 * 1024;
/// Names that are told as missing.
pub const MAX_MISSING: usize = 16;
/// Octets of a name.
const MAX_NAME: usize = 64;

/// A template that was filled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The URL.
    pub url: String,
    /// Names without a value, each once and at most [`MAX_MISSING`]; they were left empty.
    pub missing: Vec<String>,
}

/// Whether there is anything to be filled.
pub fn is_template(url: &str) -> bool {
    pieces(url).any(|piece| matches!(piece, Piece::Name(_)))
}

/// Fills a template. `lookup` knows the values.
pub fn expand<'v>(template: &str, lookup: impl Fn(&str) -> Option<&'v str>) -> Expanded {
    let mut expanded = Expanded::default();
    for piece in pieces(template) {
        let name = match piece {
            Piece::Text(text) => {
                expanded.url.push_str(text);
                continue;
            }
            Piece::Name(name) => name,
        };
        // Three octets are the most that an octet becomes.
        let value = lookup(name).filter(|value| expanded.url.len() + 3 * value.len() <= MAX_URL);
        match value {
            Some(value) => encode(value, &mut expanded.url),
            None if expanded.missing.len() < MAX_MISSING && !expanded.missing.iter().any(|known| known == name) => {
                expanded.missing.push(name.to_owned());
            }
            None => {}
        }
    }
    expanded
}

enum Piece<'t> {
    /// Stays as it is.
    Text(&'t str),
    /// To be filled.
    Name(&'t str),
}

/// A template's texts and names, in order.
fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(name) = name_at(rest) {
            rest = &rest[name.len() + 2..];
            return Some(Piece::Name(name));
        }
        // Up to the next brace, but at least one octet: a brace that begins no expression is text.
        let end = rest.char_indices().skip(1).find(|(_, c)| *c == '{').map_or(rest.len(), |(at, _)| at);
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Piece::Text(text))
    })
}

/// The name of the expression that a text begins with.
fn name_at(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('{')?;
    let end = inner.bytes().take(MAX_NAME + 1).position(|b| !(b.is_ascii_alphanumeric() || b == b'_' || b == b'.'))?;
    (end > 0 && inner.as_bytes()[end] == b'}').then(|| &inner[..end])
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encode(value: &str, url: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for octet in value.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
            url.push(char::from(octet));
        } else {
            url.push('%');
            url.push(char::from(HEX[usize::from(octet >> 4)]));
            url.push(char::from(HEX[usize::from(octet & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str) -> (String, Vec<String>) {
        let values = [("Digits", "12#"), ("Called", "+44 20"), ("From.City", "Zürich"), ("Empty", "")];
        let lookup = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let Expanded { url, missing } = expand(template, lookup);
        (url, missing)
    }

    #[test]
    fn a4_a_template_is_filled_with_percent_encoded_values() {
        for (template, wanted) in [
            ("http://a/{Called}/{Digits}.mp3", "http://a/%2B44%2020/12%23.mp3"),
            ("/{From.City}?x={Digits}{Digits}", "/Z%C3%BCrich?x=12%2312%23"),
            ("{Empty}", ""),
        ] {
            assert_eq!(fill(template), (wanted.to_owned(), vec![]), "{template}");
            assert!(is_template(template), "{template}");
        }
    }

    #[test]
    fn a12_what_is_no_expression_stays_as_it_is() {
        for url in [
            "http://a/b?c=d#e",
            "",
            "{",
            "}",
            "{}",
            "{ Digits }",
            "/{Digits",
            "{+Digits}",
            "{a-b}",
            "{é}",
            "{{}}",
            "%7BDigits%7D",
        ] {
            assert_eq!(fill(url), (url.to_owned(), vec![]), "{url}");
            assert!(!is_template(url), "{url}");
        }
        assert_eq!(fill("{{Digits}}").0, "{12#}".replace('#', "%23"), "there is no way to quote a brace");
        assert_eq!(fill(&format!("{{{}}}", "x".repeat(65))).1, Vec::<String>::new());
    }

    #[test]
    fn a12_an_unknown_name_is_left_empty_and_told_once() {
        assert_eq!(fill("/{digits}/{Digits}/{digits}"), ("//12%23/".to_owned(), vec!["digits".to_owned()]));
        let many: String = (0..100).map(|n| format!("{{x{n}}}")).collect();
        assert_eq!(fill(&many).1.len(), MAX_MISSING);
    }

    #[test]
    fn a12_a_filled_url_is_bounded() {
        let value = "#".repeat(256);
        let expanded = expand(&"{D}".repeat(20_000), |_| Some(&value));
        assert!(expanded.url.len() <= MAX_URL, "{}", expanded.url.len());
        assert_eq!(expanded.missing, ["D"]);
    }

    /// Whatever stands in a template: what is no expression comes out unchanged, and nothing panics.
    #[test]
    fn a12_any_text_is_a_template_or_stays_as_it_is() {
        let alphabet: Vec<char> = "{}{}Aa0_.-%é\u{301}/".chars().collect();
        let mut state = 0x5eed_u64;
        let mut templates = 0;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push(alphabet[usize::try_from(state >> 33).unwrap_or(0) % alphabet.len()]);
            }
            let empty = expand(&text, |_| None);
            let full = expand(&text, |_| Some("~"));
            assert_eq!(is_template(&text), !empty.missing.is_empty(), "{text}");
            assert!(is_template(&text) || (empty.url == text && full.url == text), "{text}");
            assert!(full.missing.is_empty() && full.url.len() >= empty.url.len(), "{text}");
            templates += usize::from(is_template(&text));
        }
        assert!(templates > 500, "{templates}");
    }
}
