//! The wire form of a request to listen, written and read in one place. It opens no socket.

use http::{HeaderMap, HeaderValue, Request, Uri};

use crate::fault::MediaFault;
use crate::preset::Preset;
use crate::wire::{ACCOUNT, LISTEN_HOST, NO_ACCOUNT, decode, encode, is_tag, shown};

/// What shall be recognised. The sound itself comes afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenRequest {
    /// The account on whose behalf it is asked.
    pub account: String,
    /// The language tag, such as `en-US`.
    pub language: String,
    /// Words and phrases that are likely; what does not fit into 64 KiB is left out.
    pub hints: Vec<String>,
    /// The speech model as the document names it; empty for none.
    pub model: String,
    /// The form of the sound.
    pub form: Preset,
}

impl ListenRequest {
    /// The head of the request.
    pub(crate) fn write<B>(&self, body: B) -> Result<Request<B>, MediaFault> {
        self.check()?;
        let mut hints = String::new();
        for hint in self.hints.iter().filter(|it| !it.trim().is_empty()).take(MAX_HINTS) {
            let hint = encode(&hint.chars().take(MAX_HINT_CHARS).collect::<String>());
            if hints.len() + hint.len() >= MAX_HINTS_OCTETS {
                break;
            }
            if !hints.is_empty() {
                hints.push(',');
            }
            hints += &hint;
        }
        Request::post(format!("http://{LISTEN_HOST}/{}", self.language))
            .header("host", LISTEN_HOST)
            .header("content-type", self.form.to_string())
            .header(ACCOUNT, &self.account)
            .header(HINTS, hints)
            .header(MODEL, encode(&self.model))
            .body(body)
            .map_err(|error| MediaFault::request(format!("listen: {error}")))
    }

    pub(crate) fn read(uri: &Uri, headers: &HeaderMap) -> Result<Self, MediaFault> {
        let bad = |what: &str| MediaFault::request(format!("listen: {what}"));
        let text = |name: &str| headers.get(name).map_or(Ok(""), HeaderValue::to_str);
        let coded = |name: &str| {
            let what = format!("{name} is not percent-encoded UTF-8");
            text(name).ok().and_then(decode).ok_or_else(|| bad(&what))
        };
        let kind = text("content-type").map_err(|_| bad("Content-Type is not ASCII"))?;
        let form = Preset::parse(kind).ok_or_else(|| {
            bad(&format!("Content-Type: {:?} is not audio/x-alaw, audio/x-mulaw or audio/l16 with ;rate=", shown(kind)))
        })?;
        // Each hint by itself: a comma inside one is encoded.
        let hints = text(HINTS).map_err(|_| bad("X-Listen-Hints is not ASCII"))?;
        let hints =
            hints.split(',').filter(|it| !it.is_empty()).take(MAX_HINTS).map(decode).collect::<Option<Vec<_>>>();
        let request = Self {
            account: text(ACCOUNT).map_err(|_| bad("X-Tipring-Account is not ASCII"))?.to_owned(),
            language: uri.path().strip_prefix('/').unwrap_or_default().to_owned(),
            hints: hints.ok_or_else(|| bad("X-Listen-Hints is not percent-encoded UTF-8"))?,
            model: coded(MODEL)?,
            form,
        };
        request.check()?;
        let account = if request.account.is_empty() { NO_ACCOUNT.to_owned() } else { request.account };
        Ok(Self { account, ..request })
    }

    fn check(&self) -> Result<(), MediaFault> {
        if self.language.is_empty() || !is_tag(&self.language) {
            let text = format!("listen: {:?} is not a language tag such as en-GB", shown(&self.language));
            return Err(MediaFault::request(text));
        }
        Ok(())
    }
}

/// `en` of `en-US`, in lower case.
pub(crate) fn primary(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

const HINTS: &str = "x-listen-hints";
const MODEL: &str = "x-listen-model";
/// As many as documents may name.
pub(crate) const MAX_HINTS: usize = 500;
pub(crate) const MAX_HINT_CHARS: usize = 100;
/// Half of the face's longest head.
const MAX_HINTS_OCTETS: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use tipring_card::Law;

    fn request() -> ListenRequest {
        ListenRequest {
            account: "AC1".into(),
            language: "en-GB".into(),
            hints: vec!["yes, please".into(), "Grüße".into()],
            model: "phone_call".into(),
            form: Preset::telephone(Law::A),
        }
    }

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let head = request().write(()).unwrap();
        assert_eq!(ListenRequest::read(head.uri(), head.headers()), Ok(request()));
        let many = ListenRequest { hints: vec!["ü".repeat(500); 900], ..request() };
        let head = many.write(()).unwrap();
        let read = ListenRequest::read(head.uri(), head.headers()).unwrap();
        assert!((100..500).contains(&read.hints.len()) && read.hints[0].chars().count() == 100);
    }

    #[test]
    fn strange_requests_are_refused() {
        for language in ["", "en/x", "en%20", "../x"] {
            assert!(ListenRequest { language: language.into(), ..request() }.write(()).is_err(), "{language}");
        }
        let mut head = request().write(()).unwrap();
        head.headers_mut().insert("content-type", HeaderValue::from_static("audio/mpeg"));
        assert!(ListenRequest::read(head.uri(), head.headers()).unwrap_err().text.contains("audio/mpeg"));
        let mut head = request().write(()).unwrap();
        head.headers_mut().insert(HINTS, HeaderValue::from_static("a,%zz"));
        assert!(ListenRequest::read(head.uri(), head.headers()).is_err());
    }
}
