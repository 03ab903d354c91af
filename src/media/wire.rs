//! The wire form of a request to the media layer, written and read in one place: absolute-form URIs, `Accept` for the
//! preset, text of speech in a header. It opens no socket.
//!
//! Sources: RFC 9112 section 3.2.2 (absolute form), RFC 3986 section 2.1 (percent encoding).

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use sha2::{Digest, Sha256};
use tipring_card::Law;
use tipring_egress::hidden;
use url::Url;

use crate::fault::{MediaFault, SPEECH, TEXT_LENGTH};
use crate::preset::Preset;

/// What a caller wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaRequest {
    /// The account on whose behalf it is asked.
    pub account: String,
    /// Where the sound comes from.
    pub source: Source,
    /// The law of the channel.
    pub law: Law,
}

/// Where sound comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The media layer's own music.
    Music,
    /// A file on a server: an http or https URL.
    Url(String),
    /// Text to be spoken.
    Speech {
        /// The text, plain.
        text: String,
        /// The voice as the document names it.
        voice: String,
        /// The language tag; empty leaves it to the voice.
        language: String,
        /// The same text with its speech markup, as it stands inside `speak`; for engines that understand it.
        markup: Option<String>,
    },
}

/// When the answer to a request for a medium begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Start {
    /// With its first sound, while the rest is fetched and made.
    #[default]
    Growing,
    /// When it is whole: it will not stop in the middle, whatever its server does.
    Whole,
    /// With its first sound, past the cache: what is sent at this moment.
    Live,
}

impl Start {
    /// As it stands in a configuration, and in a request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Growing => "growing",
            Self::Whole => "whole",
            Self::Live => "live",
        }
    }

    /// Reads it.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Growing, Self::Whole, Self::Live].into_iter().find(|it| it.as_str().eq_ignore_ascii_case(text.trim()))
    }
}
/// Names the key that another media layer looks for: two that choose different voices have nothing in common.
pub(crate) const KEPT_KEY: &str = "x-kept-key";

/// A request as the media layer reads it.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub account: String,
    pub from: From,
    pub form: Form,
    /// The asker forbids keeping (`Cache-Control: no-store`).
    pub private: bool,
    /// The asker wants it checked with the origin (`Cache-Control: no-cache`).
    pub recheck: bool,
    /// When its answer begins.
    pub start: Start,
    /// Octets of the original at most, where fewer are wanted than the layer allows.
    pub largest: Option<u64>,
    /// A directory that redirects must not leave.
    pub within: Option<Url>,
    /// The asker wants it only if it is kept (`Cache-Control: only-if-cached`).
    pub only_kept: bool,
    /// End-to-end headers, passed on with documents only.
    pub headers: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum From {
    Origin(Url),
    Speech(Speech),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Speech {
    pub text: String,
    pub voice: String,
    pub language: String,
    /// Percent of the normal speed.
    pub speed: u16,
    /// The text with its markup; empty: it has none.
    pub markup: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Unchanged.
    AsIs,
    /// Converted; the flag says that it was asked for as `audio/basic` and is answered so.
    Audio(Preset, bool),
}

impl Form {
    /// The part of the key.
    pub fn name(self) -> String {
        match self {
            Self::AsIs => "as-is".to_owned(),
            Self::Audio(preset, _) => preset.to_string(),
        }
    }
}

impl Ask {
    /// The persistent URI.
    pub fn uri(&self) -> String {
        match &self.from {
            From::Origin(url) => url.to_string(),
            From::Speech(speech) => speech.uri(),
        }
    }

    /// Reads a request. `default` is the preset that `Accept: audio/*` stands for.
    pub fn read(method: &Method, uri: &Uri, headers: &HeaderMap, default: Preset) -> Result<Self, MediaFault> {
        if method != Method::GET {
            return Err(MediaFault::request(format!("{method}: the media layer answers GET only")));
        }
        let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let from = if host == SPEECH_HOST {
            From::Speech(Speech::read(uri, headers)?)
        } else {
            From::Origin(origin_url(uri, text(ORIGIN_SCHEME))?)
        };
        let form = read_form(text("accept"), &from, default)?;
        let start = match text(START) {
            None => Start::default(),
            Some(it) => Start::parse(it)
                .ok_or_else(|| MediaFault::request(format!("X-Media-Start: {}: growing, whole or live", shown(it))))?,
        };
        let control = text("cache-control").unwrap_or_default().to_ascii_lowercase();
        Ok(Self {
            account: text(ACCOUNT).unwrap_or(NO_ACCOUNT).to_owned(),
            from,
            form,
            private: control.contains("no-store") || start == Start::Live,
            recheck: control.contains("no-cache"),
            start,
            largest: None,
            within: None,
            only_kept: control.contains("only-if-cached"),
            headers: end_to_end(headers),
        })
    }
}

impl Speech {
    /// Text, voice, language, speed and markup as one name of fixed length. NUL keeps the parts apart.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.text, &self.voice, &self.language, &self.speed.to_string()] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        // A text without markup keeps the name that it always had.
        if !self.markup.is_empty() {
            hash.update(self.markup.as_bytes());
            hash.update([0]);
        }
        hex(&hash.finalize())
    }

    fn uri(&self) -> String {
        format!("http://{SPEECH_HOST}/{}/{}", encode(&self.voice), self.hash())
    }

    fn read(uri: &Uri, headers: &HeaderMap) -> Result<Self, MediaFault> {
        let header = |name: &str| headers.get(name).map_or(Ok(""), HeaderValue::to_str);
        let unreadable = |_| MediaFault::request("speech: a header is not ASCII; percent-encode it");
        let bad = |what: &str| MediaFault::request(format!("speech: {what}"));
        let text = decode(header(SPEECH_TEXT).map_err(unreadable)?)
            .ok_or_else(|| bad("X-Speech-Text is not percent-encoded UTF-8"))?;
        let markup = decode(header(SPEECH_MARKUP).map_err(unreadable)?)
            .ok_or_else(|| bad("X-Speech-Markup is not percent-encoded UTF-8"))?;
        let language = header(SPEECH_LANGUAGE).map_err(unreadable)?.to_owned();
        let speed = match header(SPEECH_SPEED).map_err(unreadable)? {
            "" => NORMAL_SPEED,
            it => it.parse().map_err(|_| bad("X-Speech-Speed is a number, in percent"))?,
        };
        if !SPEEDS.contains(&speed) {
            return Err(bad("X-Speech-Speed is from 25 to 400 percent"));
        }
        // A voice that is not named leaves its part of the path empty.
        let mut path = uri.path().strip_prefix('/').unwrap_or_default().split('/');
        let (Some(voice), Some(hash), None) = (path.next(), path.next(), path.next()) else {
            return Err(bad("the path is /<voice>/<sha256>"));
        };
        let voice = decode(voice).ok_or_else(|| bad("the voice is not percent-encoded UTF-8"))?;
        if voice.len() > MAX_VOICE {
            return Err(bad("the voice's name is too long"));
        }
        let speech = Self { text, voice, language, speed, markup };
        speech.check()?;
        if !speech.hash().eq_ignore_ascii_case(hash) {
            return Err(bad("the sha256 in the path is not that of text, voice, language, speed and markup"));
        }
        Ok(speech)
    }

    pub fn check(&self) -> Result<(), MediaFault> {
        let length = self.text.chars().count();
        if length > MAX_TEXT_CHARS {
            let text = format!("Say: {length} characters; at most {MAX_TEXT_CHARS} are spoken at once");
            return Err(MediaFault::new(TEXT_LENGTH, text));
        }
        let length = self.markup.len();
        if length > MAX_MARKUP {
            let text = format!("Say: {length} octets with their markup; at most {MAX_MARKUP} are taken");
            return Err(MediaFault::new(TEXT_LENGTH, text));
        }
        if self.text.trim().is_empty() {
            return Err(MediaFault::new(SPEECH, "Say: there is no text to speak"));
        }
        if !is_tag(&self.language) {
            return Err(MediaFault::request("speech: the language is not a tag such as en-GB"));
        }
        Ok(())
    }
}

/// Whether a text can be a language tag; an empty one can.
pub(crate) fn is_tag(text: &str) -> bool {
    text.len() <= MAX_LANGUAGE && text.chars().all(|it| it.is_ascii_alphanumeric() || it == '-' || it == '_')
}

type Headers = Vec<(&'static str, String)>;

/// The request that goes to the media layer.
pub(crate) fn write<B: Default>(wanted: &MediaRequest) -> Result<Request<B>, MediaFault> {
    let (uri, extra) = match &wanted.source {
        Source::Music => (format!("http://{OWN_HOST}{MUSIC}"), Vec::new()),
        Source::Url(url) => write_url(url)?,
        Source::Speech { text, voice, language, markup } => {
            let speech = Speech {
                text: text.clone(),
                voice: voice.clone(),
                language: language.clone(),
                speed: NORMAL_SPEED,
                markup: markup.clone().unwrap_or_default(),
            };
            speech.check()?;
            let mut headers = vec![(SPEECH_TEXT, encode(text)), (SPEECH_LANGUAGE, language.clone())];
            if !speech.markup.is_empty() {
                headers.push((SPEECH_MARKUP, encode(&speech.markup)));
            }
            (speech.uri(), headers)
        }
    };
    let bad = |_| MediaFault::request(format!("{uri}: not a URI that can be asked for"));
    let parsed: Uri = uri.parse().map_err(|_| bad(()))?;
    let host = parsed.host().unwrap_or_default().to_owned();
    let mut builder = Request::get(parsed)
        .header("host", host)
        .header("accept", Preset::telephone(wanted.law).to_string())
        // What follows a body is read.
        .header("te", "trailers")
        .header(ACCOUNT, &wanted.account);
    for (name, value) in extra {
        builder = builder.header(name, value);
    }
    builder.body(B::default()).map_err(|_| bad(()))
}

/// The request that asks another media layer whether it has the same.
pub(crate) fn write_for_layer<B: Default>(ask: &Ask, key: &str) -> Result<Request<B>, MediaFault> {
    let (uri, extra) = match &ask.from {
        From::Origin(url) => write_url(url.as_str())?,
        From::Speech(speech) => {
            let mut headers = vec![
                (SPEECH_TEXT, encode(&speech.text)),
                (SPEECH_LANGUAGE, speech.language.clone()),
                (SPEECH_SPEED, speech.speed.to_string()),
            ];
            if !speech.markup.is_empty() {
                headers.push((SPEECH_MARKUP, encode(&speech.markup)));
            }
            (speech.uri(), headers)
        }
    };
    let accept = match ask.form {
        Form::AsIs => "*/*".to_owned(),
        Form::Audio(preset, _) => preset.to_string(),
    };
    let mut builder = Request::get(uri)
        .header("accept", accept)
        .header("cache-control", "only-if-cached")
        .header(KEPT_KEY, key)
        .header(ACCOUNT, &ask.account);
    for (name, value) in extra {
        builder = builder.header(name, value);
    }
    builder.body(B::default()).map_err(|error| MediaFault::request(error.to_string()))
}

fn write_url(text: &str) -> Result<(String, Headers), MediaFault> {
    let bad = |what: &str| MediaFault::request(format!("{}: {what}", shown(&hidden(text))));
    let mut url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
    url.set_fragment(None);
    if url.as_str().len() > MAX_URI {
        return Err(bad("longer than 8 KiB"));
    }
    match url.scheme() {
        "http" => Ok((url.into(), Vec::new())),
        // The default port stays left out: the reader knows the scheme.
        "https" => {
            let uri = format!("http{}", url.as_str().trim_start_matches("https"));
            Ok((uri, vec![(ORIGIN_SCHEME, "https".to_owned())]))
        }
        _ => Err(bad("only http and https can be fetched")),
    }
}

fn origin_url(uri: &Uri, scheme: Option<&str>) -> Result<Url, MediaFault> {
    if uri.scheme_str() != Some("http") {
        return Err(MediaFault::request(
            "the target is an absolute URI, http://…; https originals carry X-Origin-Scheme: https",
        ));
    }
    let text = uri.to_string();
    if text.len() > MAX_URI {
        return Err(MediaFault::request("the URI is longer than 8 KiB"));
    }
    let text = match scheme.unwrap_or("http") {
        "http" => text,
        "https" => format!("https{}", text.trim_start_matches("http")),
        other => return Err(MediaFault::request(format!("X-Origin-Scheme: {} is not http or https", shown(other)))),
    };
    Url::parse(&text).map_err(|error| MediaFault::request(format!("{}: {error}", shown(&hidden(&text)))))
}

fn read_form(accept: Option<&str>, from: &From, default: Preset) -> Result<Form, MediaFault> {
    let accept = accept.unwrap_or("*/*").trim();
    let as_is = accept.is_empty() || accept == "*/*";
    if as_is {
        return Ok(match from {
            From::Origin(_) => Form::AsIs,
            From::Speech(_) => Form::Audio(default, false),
        });
    }
    for wanted in accept.split(',').map(str::trim) {
        if let Some(preset) = Preset::parse(wanted) {
            return Ok(Form::Audio(preset, wanted.to_ascii_lowercase().starts_with("audio/basic")));
        }
        if wanted.to_ascii_lowercase().starts_with("audio/*") {
            return Ok(Form::Audio(default, false));
        }
    }
    // Types of documents (text/xml and the like): whoever asks so wants the original.
    if matches!(from, From::Origin(_)) && !accept.to_ascii_lowercase().contains("audio/") {
        return Ok(Form::AsIs);
    }
    Err(MediaFault::unsupported(format!(
        "Accept: {}: cannot be made; ask for audio/x-alaw, audio/x-mulaw, audio/basic or audio/l16, with ;rate=",
        shown(accept)
    )))
}

fn end_to_end(headers: &HeaderMap) -> Vec<(String, String)> {
    let kept = |name: &HeaderName| {
        let name = name.as_str();
        !HOP_BY_HOP.contains(&name) && !OWN.contains(&name)
    };
    headers
        .iter()
        .filter(|(name, _)| kept(name))
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}

/// A foreign text of bounded length, on one line. It may be a URL that nobody can read: what stands before an at sign may
/// be a password then.
pub(crate) fn shown(text: &str) -> String {
    let (hidden, text) = match text.rsplit_once('@') {
        Some((_, after)) => ("***@", after),
        None => ("", text),
    };
    let text = hidden.chars().chain(text.chars());
    text.map(|it| if it.is_control() { ' ' } else { it }).take(MAX_SHOWN).collect()
}

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|it| format!("{it:02x}")).collect()
}

pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for &octet in text.as_bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            out.push(char::from(octet));
        } else {
            out.push_str(&format!("%{octet:02X}"));
        }
    }
    out
}

pub(crate) fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        if octet != b'%' {
            out.push(octet);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(out).ok()
}

/// The host that stands for the speech engines.
pub(crate) const SPEECH_HOST: &str = "speech.tipring";
/// The host that stands for the recognizers.
pub(crate) const LISTEN_HOST: &str = "listen.tipring";
/// The host that stands for the media layer itself.
pub(crate) const OWN_HOST: &str = "media.tipring";
/// The path of its music.
pub(crate) const MUSIC: &str = "/music";
pub(crate) const ACCOUNT: &str = "x-tipring-account";
pub(crate) const ORIGIN_SCHEME: &str = "x-origin-scheme";
pub(crate) const START: &str = "x-media-start";
const SPEECH_TEXT: &str = "x-speech-text";
const SPEECH_MARKUP: &str = "x-speech-markup";
const SPEECH_LANGUAGE: &str = "x-speech-language";
const SPEECH_SPEED: &str = "x-speech-speed";
/// Requests without an account are the box's own; no account id looks like this.
pub(crate) const NO_ACCOUNT: &str = "-";
pub(crate) const NORMAL_SPEED: u16 = 100;
/// Percent of the normal speed: beyond, nothing is understood.
const SPEEDS: std::ops::RangeInclusive<u16> = 25..=400;
/// Characters spoken at once, as the TwiML dialect has it.
pub const MAX_TEXT_CHARS: usize = 4096;
/// Octets of a text with its markup: what documents may hold.
const MAX_MARKUP: usize = 16 * 1024;
/// Names of voices are about 40 octets.
const MAX_VOICE: usize = 128;
/// The longest registered language tags have 35 octets.
const MAX_LANGUAGE: usize = 35;
/// URIs beyond this are refused by most servers too.
pub(crate) const MAX_URI: usize = 8 * 1024;
/// Foreign text inside a message of ours: a line or two.
const MAX_SHOWN: usize = 160;
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Not sent on: ours, and what the outgoing client or the cache sets itself.
const OWN: [&str; 11] = [
    ACCOUNT,
    START,
    ORIGIN_SCHEME,
    SPEECH_TEXT,
    SPEECH_MARKUP,
    SPEECH_LANGUAGE,
    SPEECH_SPEED,
    "accept-encoding",
    "content-length",
    "if-none-match",
    "if-modified-since",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(source: Source) -> Result<Ask, MediaFault> {
        let wanted = MediaRequest { account: "AC1".into(), source, law: Law::A };
        let request = write::<()>(&wanted)?;
        Ask::read(request.method(), request.uri(), request.headers(), Preset::telephone(Law::Mu))
    }

    #[test]
    fn a_url_is_read_as_it_was_written() {
        for url in ["http://h/a.mp3", "https://h/a.mp3?x=1&y=%20", "https://u:p@h:8443/a", "http://[::1]:99/"] {
            let ask = asked(Source::Url(url.into())).unwrap();
            assert_eq!(ask.uri(), url);
            assert_eq!(ask.account, "AC1");
            assert_eq!(ask.form, Form::Audio(Preset::telephone(Law::A), false));
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_without_credentials() {
        for url in
            ["http://u:secret@h:99999999/a", "ftp://u:secret@h/a", "http://u:secret@[h/a", "http://u:secret/a@h b"]
        {
            let fault = asked(Source::Url(url.into())).unwrap_err();
            assert!(!fault.to_string().contains("secret"), "{fault}");
        }
        assert_eq!(shown("a\nb"), "a b");
        assert_eq!(shown("ftp://u:secret@h/a"), "***@h/a");
    }

    #[test]
    fn speech_of_any_script_is_read_as_it_was_written() {
        let text = "-v Grüße, 你好 <b>100 %</b>\r\nX-Evil: 1";
        let source = Source::Speech {
            text: text.into(),
            voice: "Polly.Marlene".into(),
            language: "de-DE".into(),
            markup: Some("<s>x</s>".into()),
        };
        let From::Speech(speech) = asked(source).unwrap().from else { panic!("not speech") };
        assert_eq!((speech.text.as_str(), speech.language.as_str()), (text, "de-DE"));
        assert_eq!(speech.markup, "<s>x</s>");
    }

    #[test]
    fn wrong_hash_empty_text_long_text_and_foreign_schemes_are_refused() {
        let speech = |text: &str| Source::Speech {
            text: text.into(),
            voice: "man".into(),
            language: String::new(),
            markup: None,
        };
        assert_eq!(asked(speech("  ")).unwrap_err().code, SPEECH);
        assert_eq!(asked(speech(&"x".repeat(4097))).unwrap_err().code, TEXT_LENGTH);
        assert!(asked(Source::Url("file:///etc/passwd".into())).is_err());
        let request = Request::get("http://speech.tipring/man/00").header(SPEECH_TEXT, "hello").body(()).unwrap();
        let read = Ask::read(request.method(), request.uri(), request.headers(), Preset::telephone(Law::A));
        assert!(read.unwrap_err().text.contains("sha256"));
    }

    #[test]
    fn b3_markup_is_taken_up_to_its_bound() {
        let marked = |octets: usize| Source::Speech {
            text: "x".into(),
            voice: "man".into(),
            language: String::new(),
            markup: Some(format!("<s>{}x</s>", "é".repeat((octets - 8) / 2))),
        };
        let From::Speech(speech) = asked(marked(MAX_MARKUP)).unwrap().from else { panic!("not speech") };
        assert_eq!(speech.markup.len(), MAX_MARKUP);
        assert_eq!(asked(marked(MAX_MARKUP + 2)).unwrap_err().code, TEXT_LENGTH);
    }

    #[test]
    fn a_url_that_cannot_be_fetched_is_told_without_its_credentials() {
        for text in ["http://ann:s3cret@:::/x", "ftp://ann:s3cret@host/x", "ann:s3cret@host/x"] {
            let fault = write_url(text).unwrap_err();
            assert!(!fault.text.contains("s3cret") && !fault.text.contains("ann"), "{}", fault.text);
        }
    }

    #[test]
    fn broken_percent_codes_are_refused() {
        for text in ["%", "%1", "%zz", "%ff"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
