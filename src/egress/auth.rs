//! Answers to a 401: Basic (RFC 7617) and Digest (RFC 7616, with the older form without `qop` of RFC 2069).
//!
//! Pure: the client's nonce is an argument. Digest is preferred to Basic and SHA-256 to MD5, whatever order the
//! server lists them in. `auth-int` alone, and algorithms that we don't know, are no offer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::Md5;
use sha2::{Digest as _, Sha256};

use crate::secret::Credentials;

/// One challenge out of `WWW-Authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    scheme: String,
    params: Vec<(String, String)>,
}

impl Challenge {
    /// Whether the server says that only the nonce was too old.
    pub(crate) fn is_stale(&self) -> bool {
        self.param("stale").is_some_and(|it| it.eq_ignore_ascii_case("true"))
    }

    fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// Rank of this offer; `None` when we cannot answer it.
    fn rank(&self) -> Option<u8> {
        match self.scheme.as_str() {
            "basic" => Some(0),
            "digest" => {
                self.param("nonce")?;
                self.param("realm")?;
                let qop_fits =
                    self.param("qop").is_none_or(|it| it.split(',').any(|it| it.trim().eq_ignore_ascii_case("auth")));
                Algorithm::named(self.param("algorithm")).filter(|_| qop_fits).map(|it| it.hash as u8)
            }
            _ => None,
        }
    }
}

/// The best challenge that we can answer, of all `WWW-Authenticate` headers.
pub(crate) fn best<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut offers: Vec<Challenge> = headers.flat_map(challenges).take(MAX_CHALLENGES).collect();
    offers.retain(|it| it.rank().is_some());
    // The first of equals wins.
    offers.into_iter().rev().max_by_key(Challenge::rank)
}

/// The `Authorization` header for a challenge. `target` is path and query as in the request line.
pub(crate) fn answer(
    challenge: &Challenge,
    who: &Credentials,
    method: &str,
    target: &str,
    cnonce: &str,
) -> Option<String> {
    match challenge.scheme.as_str() {
        "basic" => Some(format!("Basic {}", BASE64.encode(format!("{}:{}", who.user, who.password)))),
        "digest" => digest(challenge, who, method, target, cnonce),
        _ => None,
    }
}

fn digest(challenge: &Challenge, who: &Credentials, method: &str, target: &str, cnonce: &str) -> Option<String> {
    let realm = challenge.param("realm")?;
    let nonce = challenge.param("nonce")?;
    let algorithm = Algorithm::named(challenge.param("algorithm"))?;
    let hash = |text: &str| algorithm.hash.of(text);
    let mut secret = hash(&format!("{}:{realm}:{}", who.user, who.password));
    if algorithm.session {
        secret = hash(&format!("{secret}:{nonce}:{cnonce}"));
    }
    let what = hash(&format!("{method}:{target}"));
    let qop = challenge.param("qop").is_some();
    let response = match qop {
        true => hash(&format!("{secret}:{nonce}:{NONCE_COUNT}:{cnonce}:auth:{what}")),
        false => hash(&format!("{secret}:{nonce}:{what}")),
    };
    let user = match challenge.param("userhash").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        true => format!("username=\"{}\", userhash=true", hash(&format!("{}:{realm}", who.user))),
        false if who.user.is_ascii() => format!("username={}", quoted(&who.user)),
        false => format!("username*=UTF-8''{}", percent(&who.user)),
    };
    let (realm, nonce, uri) = (quoted(realm), quoted(nonce), quoted(target));
    let mut header = format!("Digest {user}, realm={realm}, nonce={nonce}, uri={uri}, response=\"{response}\"");
    if let Some(named) = challenge.param("algorithm") {
        header.push_str(&format!(", algorithm={named}"));
    }
    if let Some(opaque) = challenge.param("opaque") {
        header.push_str(&format!(", opaque={}", quoted(opaque)));
    }
    if qop || algorithm.session {
        header.push_str(&format!(", cnonce={}", quoted(cnonce)));
    }
    if qop {
        header.push_str(&format!(", qop=auth, nc={NONCE_COUNT}"));
    }
    Some(header)
}

#[derive(Debug, Clone, Copy)]
struct Algorithm {
    hash: Hash,
    session: bool,
}

/// Hash functions, worst first; the numbers rank them above Basic.
#[derive(Debug, Clone, Copy)]
enum Hash {
    Md5 = 1,
    Sha256 = 2,
}

impl Algorithm {
    fn named(name: Option<&str>) -> Option<Self> {
        let (hash, session) = match name.unwrap_or("MD5").to_ascii_uppercase().as_str() {
            "MD5" => (Hash::Md5, false),
            "MD5-SESS" => (Hash::Md5, true),
            "SHA-256" => (Hash::Sha256, false),
            "SHA-256-SESS" => (Hash::Sha256, true),
            _ => return None,
        };
        Some(Self { hash, session })
    }
}

impl Hash {
    fn of(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text)),
            Self::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `ext-value` of RFC 8187: everything but letters, digits and `-._~` escaped.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|it| match it {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(it).to_string(),
            _ => format!("%{it:02X}"),
        })
        .collect()
}

/// Challenges of one header: `Digest realm="a, b", nonce=x, Basic realm="c"`.
fn challenges(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    for item in items(header) {
        let (first, rest) = item.split_once([' ', '\t']).unwrap_or((item, ""));
        let starts = !first.contains('=') && !rest.trim_start().starts_with('=');
        if starts {
            found.push(Challenge { scheme: first.to_ascii_lowercase(), params: Vec::new() });
        }
        let param = if starts { rest } else { item };
        let (Some(last), Some((name, value))) = (found.last_mut(), param.split_once('=')) else {
            continue;
        };
        if last.params.len() < MAX_PARAMS {
            last.params.push((name.trim().to_ascii_lowercase(), unquoted(value.trim())));
        }
    }
    found
}

/// Splits at commas outside of quotes.
fn items(header: &str) -> impl Iterator<Item = &str> {
    let mut quote = false;
    let mut escape = false;
    header
        .split(move |it: char| {
            let splits = it == ',' && !quote;
            match it {
                _ if escape => escape = false,
                '\\' if quote => escape = true,
                '"' => quote = !quote,
                _ => {}
            }
            splits
        })
        .map(str::trim)
        .filter(|it| !it.is_empty())
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(it) = chars.next() {
        match it {
            '\\' => text.extend(chars.next()),
            '"' => break,
            _ => text.push(it),
        }
    }
    text
}

/// A nonce is used once here, so its count is always the first.
const NONCE_COUNT: &str = "00000001";
/// Offers read from one answer: real servers make one to three.
const MAX_CHALLENGES: usize = 16;
/// Parameters read from one offer: the standards know nine.
const MAX_PARAMS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn who(user: &str, password: &str) -> Credentials {
        Credentials { user: user.to_owned(), password: password.to_owned() }
    }

    fn only(header: &str) -> Challenge {
        best([header].into_iter()).expect("an offer that can be answered")
    }

    const RFC_CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    #[test]
    fn e8_digest_vectors_of_rfc_7616() {
        let common = "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
                      nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
        let mufasa = who("Mufasa", "Circle of Life");
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let offer = only(&format!("Digest {common}, algorithm={algorithm}"));
            let header = answer(&offer, &mufasa, "GET", "/dir/index.html", RFC_CNONCE).expect("an answer");
            assert!(header.contains(&format!("response=\"{response}\"")), "{header}");
            assert!(
                header.contains("qop=auth, nc=00000001") && header.contains(&format!("algorithm={algorithm}")),
                "{header}"
            );
            assert!(!header.contains("Circle"), "{header}");
        }
    }

    #[test]
    fn e8_digest_without_qop_is_the_old_form() {
        let offer = only("Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"");
        let header =
            answer(&offer, &who("Mufasa", "Circle Of Life"), "GET", "/dir/index.html", "x").expect("an answer");
        // Recomputed by hand: MD5(MD5(user:realm:password):nonce:MD5(GET:/dir/index.html)).
        assert!(header.contains("response=\"670fd8c2df070c60b045671b8b24ff02\""), "{header}");
        assert!(!header.contains("nc=") && !header.contains("cnonce"), "{header}");
    }

    #[test]
    fn e8_basic_vector_of_rfc_7617() {
        let offer = only("Basic realm=\"foo\", charset=\"UTF-8\"");
        let header = answer(&offer, &who("test", "123\u{a3}"), "GET", "/", "");
        assert_eq!(header.as_deref(), Some("Basic dGVzdDoxMjPCow=="));
    }

    #[test]
    fn the_strongest_offer_wins_in_any_order() {
        let three = "Basic realm=\"a, b\", Digest realm=\"x\", nonce=\"1\", algorithm=MD5, Digest realm=\"x\", nonce=\"2\", algorithm=SHA-256";
        let best_of_one = only(three);
        assert_eq!((best_of_one.scheme.as_str(), best_of_one.param("nonce")), ("digest", Some("2")));
        let apart = [
            "Digest realm=\"x\", nonce=\"2\", algorithm=SHA-256",
            "Digest realm=\"x\", nonce=\"1\"",
            "Basic realm=\"a\"",
        ];
        assert_eq!(best(apart.into_iter()).expect("an offer").param("nonce"), Some("2"));
        let unknown = "Digest realm=\"x\", nonce=\"1\", algorithm=SHA-512-256, Digest realm=\"x\", nonce=\"1\", qop=\"auth-int\", Basic realm=\"a\"";
        assert_eq!(only(unknown).scheme, "basic");
        assert_eq!(best(["Negotiate, NTLM abc==", "Bearer realm=\"x\""].into_iter()), None);
        assert_eq!(best(["Digest realm=\"no nonce\""].into_iter()), None);
    }

    #[test]
    fn quotes_and_commas_inside_a_realm_stay_inside() {
        let offer = only(r#"Digest realm="say \"hi\", Basic x=1", nonce="n\\1", stale=TRUE"#);
        assert_eq!(offer.param("realm"), Some("say \"hi\", Basic x=1"));
        assert!(offer.is_stale());
        let header = answer(&offer, &who("a\"b", "p"), "GET", "/", "c").expect("an answer");
        assert!(header.contains(r#"realm="say \"hi\", Basic x=1""#) && header.contains(r#"nonce="n\\1""#), "{header}");
        assert!(header.contains(r#"username="a\"b""#), "{header}");
    }

    #[test]
    fn users_beyond_ascii_travel_as_hash_or_escaped() {
        let plain = only("Digest realm=\"r\", nonce=\"n\", charset=UTF-8");
        let header = answer(&plain, &who("J\u{e4}s\u{f8}n", "p"), "GET", "/", "c").expect("an answer");
        assert!(header.contains("username*=UTF-8''J%C3%A4s%C3%B8n"), "{header}");
        let hashed = only("Digest realm=\"r\", nonce=\"n\", userhash=true");
        let header = answer(&hashed, &who("J\u{e4}s\u{f8}n", "p"), "GET", "/", "c").expect("an answer");
        assert!(header.contains("userhash=true") && !header.contains("J%C3"), "{header}");
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_read_without_harm(header in "\\PC*", spiced in "(Digest|Basic|[a-z]+=|\"|\\\\|,| |=|nonce=\"1\"|realm=r){0,40}") {
            for text in [header, spiced] {
                if let Some(offer) = best([text.as_str()].into_iter()) {
                    proptest::prop_assert!(answer(&offer, &who("a", "b"), "GET", "/", "c").is_some());
                }
            }
        }
    }
}
