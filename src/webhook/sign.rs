//! Signatures of requests to application servers, and their verification.
//!
//! HMAC-SHA1 over the URL as it is sent and the sorted form fields, keyed with the account's token. Pure.
//! The URL is signed without credentials and without fragment: neither goes over the wire, and the dialect's own
//! documentation drops the credentials too. Source: the TwiML dialect's webhook security rules.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use url::Url;

/// The header that carries a signature.
pub const SIGNATURE_HEADER: &str = "X-Twilio-Signature";

/// The signature of a request: `params` are the form fields of a POST, and empty for a GET or a WebSocket.
///
/// Names sort bytewise; a name with several values brings each distinct value once, sorted. Values are signed decoded.
pub fn sign(key: &str, url: &str, params: &[(String, String)]) -> String {
    BASE64.encode(mac(key, url, params).finalize().into_bytes())
}

/// Signs a JSON body. Gives the URL to send it to, with the body's hash in `bodySHA256`, and the signature.
pub fn sign_json(key: &str, url: &Url, body: &[u8]) -> (Url, String) {
    let mut hashed = tipring_egress::redacted(url);
    let hash: String = Sha256::digest(body).iter().map(|it| format!("{it:02x}")).collect();
    hashed.query_pairs_mut().append_pair("bodySHA256", &hash);
    let signature = sign(key, hashed.as_str(), &[]);
    (hashed, signature)
}

/// Whether a signature fits, in constant time. Like the dialect's own libraries it takes the URL with and without the
/// scheme's default port.
pub fn verify(key: &str, url: &str, params: &[(String, String)], signature: &str) -> bool {
    let Ok(signature) = BASE64.decode(signature) else {
        return false;
    };
    let other = other_port_form(url);
    let forms = [Some(url.to_owned()), other];
    forms.into_iter().flatten().fold(false, |fits, it| fits | mac(key, &it, params).verify_slice(&signature).is_ok())
}

/// The same URL with its default port written out, or left out. `None` for another port.
fn other_port_form(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let port = match scheme {
        "http" | "ws" => ":80",
        "https" | "wss" => ":443",
        _ => return None,
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.strip_suffix(port) {
        Some(bare) => Some(format!("{scheme}://{bare}{path}")),
        None if authority.rsplit(['@', ']']).next().is_some_and(|it| it.contains(':')) => None,
        None => Some(format!("{scheme}://{authority}{port}{path}")),
    }
}

fn mac(key: &str, url: &str, params: &[(String, String)]) -> Hmac<Sha1> {
    // HMAC takes keys of any length, so the error cannot occur; an empty key's signature would fit nothing anyway.
    let mut mac =
        Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap_or_else(|_| Hmac::<Sha1>::new(&Default::default()));
    mac.update(url.as_bytes());
    let sorted: BTreeSet<(&str, &str)> = params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";

    #[test]
    fn e1_published_vectors() {
        let classic = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ];
        assert_eq!(sign("12345", URL, &params(&classic)), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
        let later = classic.map(|(name, value)| (name, if value == "+14158675309" { "+12349013030" } else { value }));
        assert_eq!(sign("12345", URL, &params(&later)), "0/KCTR6DLpKmkAf8muzZqo1nDgQ=");
    }

    #[test]
    fn e1_order_does_not_matter_and_repeated_values_count_once() {
        let sorted = params(&[("A", "1"), ("A", "2"), ("B", "x"), ("b", "y"), ("c", "")]);
        let shuffled = params(&[("c", ""), ("A", "2"), ("b", "y"), ("A", "1"), ("A", "2"), ("B", "x")]);
        assert_eq!(sign("k", URL, &sorted), sign("k", URL, &shuffled));
        assert_ne!(sign("k", URL, &sorted), sign("k", URL, &sorted[1..]));
        assert_ne!(sign("k", URL, &params(&[("a", "bc")])), sign("k", URL, &params(&[("a", "bd")])));
    }

    #[test]
    fn e2_the_untouched_request_verifies_and_nothing_else() {
        let fields = params(&[("Digits", "1"), ("From", "+49301234"), ("Name", "Jürgen ☎"), ("Empty", "")]);
        let signature = sign("token", URL, &fields);
        assert!(verify("token", URL, &fields, &signature));
        for at in 0..fields.len() {
            let mut altered = fields.clone();
            altered[at].1.push('1');
            assert!(!verify("token", URL, &altered, &signature), "field {at} altered");
            altered.remove(at);
            assert!(!verify("token", URL, &altered, &signature), "field {at} removed");
        }
        let mut stray = fields.clone();
        stray.push(("Extra".to_owned(), "1".to_owned()));
        assert!(!verify("token", URL, &stray, &signature));
        assert!(!verify("other", URL, &fields, &signature));
        assert!(!verify("token", "https://mycompany.com/myapp.php?foo=1&bar=3", &fields, &signature));
        for forged in ["", "=", "not base64!", "AAAA", &signature[..27], &sign("", URL, &fields)] {
            assert!(!verify("token", URL, &fields, forged), "{forged}");
        }
    }

    #[test]
    fn e2_default_ports_are_one_with_none() {
        for (a, b) in [
            ("https://app.example/x?y=1", "https://app.example:443/x?y=1"),
            ("http://app.example?y=1", "http://app.example:80?y=1"),
            ("wss://[fd12::1]/s", "wss://[fd12::1]:443/s"),
        ] {
            assert!(verify("k", a, &[], &sign("k", b, &[])) && verify("k", b, &[], &sign("k", a, &[])), "{a} {b}");
        }
        assert!(verify("k", "http://app:8080/", &[], &sign("k", "http://app:8080/", &[])));
        assert!(!verify("k", "http://app:8080/", &[], &sign("k", "http://app/", &[])));
        assert!(!verify("k", "https://app/", &[], &sign("k", "https://app:80/", &[])));
    }

    #[test]
    fn e1_a_json_body_is_hashed_into_the_url() {
        let url = Url::parse("https://u:p@app.example/events?a=1#x").expect("a URL");
        let (sent, signature) = sign_json("k", &url, b"{}");
        // SHA-256 of two braces.
        let hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(sent.as_str(), format!("https://app.example/events?a=1&bodySHA256={hash}"));
        assert!(verify("k", sent.as_str(), &[], &signature));
    }

    proptest::proptest! {
        #[test]
        fn e2_any_text_is_judged_without_harm(url in "\\PC{0,60}", signature in "\\PC{0,40}") {
            proptest::prop_assert!(!verify("k", &url, &[], &signature));
            proptest::prop_assert!(verify("k", &url, &[], &sign("k", &url, &[])));
        }
    }
}
