//! Parameters: query and form body, strictly decoded (WHATWG form encoding; what is not UTF-8 is refused, not replaced).
//! Names are case-sensitive, the first of several wins, unknown ones are passed over.

use tipring_resources::{Method, Sid, SidKind};
use url::Url;

use crate::fault::Fault;

/// Octets of a body at most. The longest honest one is a call with an inline document of 4000 characters, encoded.
pub const BODY_MAX: usize = 64 * 1024;
/// Parameters of one request at most.
pub const PARAMETERS_MAX: usize = 500;
/// Characters of a URL at most.
const URL_MAX: usize = 2048;
/// Characters of a name at most.
pub(crate) const NAME_MAX: usize = 64;

/// The parameters of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Adds what a query or a body holds.
    pub(crate) fn read(&mut self, text: &[u8]) -> Result<(), Fault> {
        for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if self.0.len() >= PARAMETERS_MAX {
                return Err(Fault::too_large("the number of parameters", PARAMETERS_MAX));
            }
            let cut = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let name = decode(&pair[..cut]).ok_or_else(|| Fault::bad(20002, BAD_NAME))?;
            let value = decode(pair.get(cut + 1..).unwrap_or_default());
            let value = value.ok_or_else(|| Fault::parameter(&name, "percent-encoded UTF-8"))?;
            self.0.push((name, value));
        }
        Ok(())
    }

    /// A parameter's text; one that is empty counts as not given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|text| !text.is_empty())
    }

    /// A parameter's text, which may be empty: an update clears a field with it.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter, in their order: a list is repeated keys.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All parameters but these.
    pub(crate) fn without<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        let others = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        others.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, Fault> {
        match self.text(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(Fault::parameter(name, "true or false")),
        }
    }

    pub(crate) fn sid(&self, name: &str, kind: SidKind) -> Result<Option<Sid>, Fault> {
        let parse = |text: &str| text.parse().ok().filter(|sid: &Sid| sid.kind == kind);
        match self.text(name) {
            None => Ok(None),
            Some(text) => parse(text)
                .map(Some)
                .ok_or_else(|| Fault::parameter(name, &format!("{} and 32 hex digits", kind.prefix()))),
        }
    }

    /// GET or POST, as an application is to be asked.
    pub(crate) fn method(&self, name: &str) -> Result<Option<Method>, Fault> {
        match self.text(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("GET") => Ok(Some(Method::Get)),
            Some(text) if text.eq_ignore_ascii_case("POST") => Ok(Some(Method::Post)),
            Some(_) => Err(Fault::bad(21403, format!("{name} is invalid: GET or POST is expected"))),
        }
    }

    /// An absolute URL, or nothing.
    pub(crate) fn url(&self, name: &str) -> Result<Option<String>, Fault> {
        let Some(text) = self.given(name).map(str::trim) else {
            return Ok(None);
        };
        check_url(name, text)?;
        Ok(Some(text.to_string()))
    }

    /// Several absolute URLs, separated by blanks, or nothing.
    pub(crate) fn urls(&self, name: &str) -> Result<Option<String>, Fault> {
        let Some(text) = self.given(name) else {
            return Ok(None);
        };
        text.split_whitespace().try_for_each(|url| check_url(name, url))?;
        Ok(Some(text.split_whitespace().collect::<Vec<_>>().join(" ")))
    }

    /// Sets a field to what a parameter gives; if it is not given, the field stays.
    pub(crate) fn set<T>(
        &self,
        field: &mut T,
        read: fn(&Form, &str) -> Result<Option<T>, Fault>,
        name: &str,
    ) -> Result<(), Fault> {
        if let Some(value) = read(self, name)? {
            *field = value;
        }
        Ok(())
    }

    /// A name for people.
    pub(crate) fn name(&self, name: &str) -> Result<Option<String>, Fault> {
        let Some(text) = self.given(name) else {
            return Ok(None);
        };
        if text.chars().count() > NAME_MAX || text.chars().any(char::is_control) {
            return Err(Fault::parameter(name, "a text of at most 64 characters"));
        }
        Ok(Some(text.to_string()))
    }
}

fn check_url(name: &str, text: &str) -> Result<(), Fault> {
    let fits = |url: Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    if text.is_empty() || (text.len() <= URL_MAX && Url::parse(text).is_ok_and(fits)) {
        return Ok(());
    }
    Err(Fault::bad(21402, format!("{name} is invalid: an absolute http or https URL is expected")))
}

/// Percent and plus decoding; `None`: a broken escape or no UTF-8.
pub(crate) fn decode(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (high, low) = (tail.first()?, tail.get(1)?);
                bytes.push(hex(*high)? << 4 | hex(*low)?);
                rest = tail.get(2..)?;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Encoding for our own links.
pub(crate) fn encode(text: &str) -> String {
    let mut coded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => coded.push(char::from(byte)),
            other => coded.push_str(&format!("%{other:02X}")),
        }
    }
    coded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

const BAD_NAME: &str = "the name of a parameter is not percent-encoded UTF-8";

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        let mut form = Form::default();
        form.read(text.as_bytes()).unwrap();
        form
    }

    #[test]
    fn a_sign_of_inequality_is_part_of_the_name() {
        let form = form("StartTime%3E=2024-01-01&StartTime<=2024-02-01&To=%2B1+2&Empty=&Bare");
        assert_eq!(form.text("StartTime>"), Some("2024-01-01"));
        assert_eq!(form.text("StartTime<"), Some("2024-02-01"));
        assert_eq!(form.text("To"), Some("+1 2"));
        assert_eq!((form.text("Empty"), form.given("Empty"), form.given("Bare")), (None, Some(""), Some("")));
    }

    #[test]
    fn broken_bytes_are_a_fault_of_the_asker() {
        for text in ["To=%", "To=%2", "To=%zz", "To=%ff", "%c3=1"] {
            assert_eq!(Form::default().read(text.as_bytes()).unwrap_err().status.as_u16(), 400, "{text}");
        }
        let many = "a=1&".repeat(PARAMETERS_MAX + 1);
        assert_eq!(Form::default().read(many.as_bytes()).unwrap_err().status.as_u16(), 413);
    }

    #[test]
    fn a_url_is_absolute_and_http() {
        for good in ["http://app.lan/voice?x=1#rp=ct", "https://user:pw@[::1]:8443/", ""] {
            assert_eq!(form(&format!("U={}", encode(good))).url("U").unwrap().as_deref(), Some(good));
        }
        for bad in ["voice", "/voice", "ftp://app/x", "http://", "javascript:1", "http:///x y"] {
            let got = form(&format!("U={}", encode(bad))).url("U");
            assert!(got.as_ref().is_err_and(|fault| fault.code.0 == 21402), "{bad}: {got:?}");
        }
    }
}
