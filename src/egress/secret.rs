//! Credentials inside URLs: taken out before anything is sent, kept out of everything shown.

use std::fmt;

use url::Url;

/// User and password from a URL, percent-decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password; empty when the URL has none.
    pub password: String,
}

impl Credentials {
    /// The credentials of a URL, if it has any.
    pub fn of(url: &Url) -> Option<Self> {
        if url.username().is_empty() && url.password().is_none() {
            return None;
        }
        Some(Self { user: decoded(url.username()), password: decoded(url.password().unwrap_or_default()) })
    }

    /// The URL with these credentials in it. A URL that can carry none comes back as it was.
    pub fn into_url(&self, mut url: Url) -> Url {
        let _ = url.set_username(&self.user);
        let _ = url.set_password(Some(&self.password));
        url
    }
}

/// Never shows what it holds.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(hidden)")
    }
}

/// The URL as it may be shown and logged: without user, password and fragment. A URL without a host is not shown.
pub fn redacted(url: &Url) -> Url {
    if !url.has_host() {
        // `ann:secret@host/x` is a URL of the scheme `ann`: nothing in it can be told from a secret.
        if let Ok(nothing) = Url::parse("invalid:no-host") {
            return nothing;
        }
    }
    let mut shown = url.clone();
    // Both fail only on URLs that cannot carry credentials.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    shown
}

/// A text that may be a URL with credentials, or a broken one, without them.
pub fn hidden(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.has_host() => return redacted(&url).into(),
        _ => {}
    }
    // Whatever stands before the last @ may be a password with a slash in it, or one whose URL lacks its scheme.
    let is_path = text.starts_with('/') && !text.starts_with("//");
    let start = text.find("//").map_or(0, |it| it + 2);
    let (head, rest) = text.split_at(start);
    let shown = match rest.rsplit_once('@') {
        Some((_, host)) if !is_path => format!("{head}{host}"),
        _ => text.to_owned(),
    };
    shown.chars().take(MAX_URL_SHOWN).collect()
}

/// Scheme, host, port and path: a place for an error text, without the query that may hold a caller's keys.
pub(crate) fn place(url: &Url) -> String {
    if !url.has_host() {
        return "URL without a host".to_owned();
    }
    let mut shown = redacted(url);
    shown.set_query(None);
    shown.to_string()
}

/// Characters of a broken URL that are shown.
const MAX_URL_SHOWN: usize = 200;

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let hex = |at: usize| bytes.get(at).and_then(|&it| char::from(it).to_digit(16));
    while let Some(&byte) = bytes.get(at) {
        let escaped = hex(at + 1).zip(hex(at + 2)).map(|(high, low)| (high * 16 + low) as u8);
        let (value, length) = escaped.filter(|_| byte == b'%').map_or((byte, 1), |it| (it, 3));
        out.push(value);
        at += length;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn e8_credentials_are_taken_out_and_decoded() {
        let with = url("https://ann%40home:p%3As%25%C3%A4+x@app.example/voice?a=b#ct=100");
        let found = Credentials::of(&with).expect("credentials");
        assert_eq!((found.user.as_str(), found.password.as_str()), ("ann@home", "p:s%ä+x"));
        assert_eq!(redacted(&with).as_str(), "https://app.example/voice?a=b");
        assert_eq!(place(&with), "https://app.example/voice");
        assert_eq!(Credentials::of(&redacted(&with)), None);
        let again = found.into_url(redacted(&with));
        assert_eq!(Credentials::of(&again), Some(found));
    }

    #[test]
    fn e8_a_forgotten_scheme_betrays_nothing() {
        for text in ["ann:s3cret@app/voice", "mailto:ann@app", "data:text/plain,s3cret"] {
            assert!(!redacted(&url(text)).as_str().contains("s3cret"), "{text}");
            assert!(!place(&url(text)).contains('@'), "{text}");
        }
    }

    #[test]
    fn e8_whole_and_broken_urls_lose_their_credentials() {
        for (text, shown) in [
            ("https://u:p@app/x?y=1#ct=5", "https://app/x?y=1"),
            ("//u:p@app/x", "//app/x"),
            ("/relative?mail=a@b", "/relative?mail=a@b"),
            ("ann:s3cret@host/x", "host/x"),
            ("/relative", "/relative"),
            ("http://u:p@:::/x", "http://:::/x"),
            ("http://u:p/q@host:99999/", "http://host:99999/"),
        ] {
            assert_eq!(hidden(text), shown, "{text}");
        }
    }

    #[test]
    fn e8_debug_shows_nothing() {
        let found = Credentials::of(&url("http://ann:secret@app/")).expect("credentials");
        let shown = format!("{found:?}");
        assert!(!shown.contains("ann") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn half_escapes_stay_as_written() {
        for (text, meant) in [("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%+1", "%+1"), ("a%41%", "aA%"), ("", "")] {
            assert_eq!(decoded(text), meant, "{text}");
        }
    }
}
