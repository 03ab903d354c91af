//! `Sip` in `Dial`: an address, or several with their order.

use std::fmt;

use crate::attributes::{Attributes, Number};
use crate::called::{Amd, CalledLeg, amd, called_leg};
use crate::diagnostic::Notes;
use crate::shown;
use crate::verb::{Place, text_only};
use crate::xml::{Content, Element};

/// Characters of an address without its headers.
const MAX_URI: usize = 255;
/// Characters of the headers behind the address.
const MAX_HEADERS: usize = 1_024;
/// Addresses of one noun.
const MAX_URIS: usize = 10;
/// Characters of a user name or password.
const MAX_CREDENTIAL: usize = 256;

/// A SIP address to be called.
#[derive(Clone, Default, PartialEq)]
pub struct SipNoun {
    /// One, or several in the order that they stand in; never empty.
    pub uris: Vec<SipUri>,
    /// For the far end's challenge.
    pub username: Option<String>,
    /// For the far end's challenge.
    pub password: Option<String>,
    /// Codecs to be offered, in order; empty: the default.
    pub codecs: Vec<String>,
    /// The document and the callbacks of the leg.
    pub leg: CalledLeg,
    /// Whether a machine has answered.
    pub amd: Amd,
    /// Where it stands.
    pub place: Place,
}

/// One address.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SipUri {
    /// With its parameters and headers, as written.
    pub uri: String,
    /// The lowest goes first.
    pub priority: u32,
    /// Share among those of one priority.
    pub weight: u32,
}

/// Never shows who is to answer the far end's challenge, and how.
impl fmt::Debug for SipNoun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SipNoun").field("uris", &self.uris).field("place", &self.place).finish_non_exhaustive()
    }
}

/// Without the password that the address may hold.
impl fmt::Debug for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} priority={} weight={}", shown::sip(&self.uri), self.priority, self.weight)
    }
}

pub(super) fn read(noun: &Element, notes: &mut Notes<'_>) -> Option<SipNoun> {
    let mut attributes = Attributes::of(noun, "Dial>Sip");
    let username = attributes.secret("username", 13249, MAX_CREDENTIAL, notes);
    let password = attributes.secret("password", 13249, MAX_CREDENTIAL, notes);
    let codecs = attributes.label("codecs", 13243, MAX_URI, notes).unwrap_or_default();
    let codecs = codecs.split([',', ' ']).filter(|codec| !codec.is_empty()).map(str::to_owned).collect();
    let leg = called_leg(&mut attributes, 13241, notes);
    let amd = amd(&mut attributes, 13241, notes);
    attributes.finish(notes);
    let uris = uris(noun, notes);
    if uris.is_empty() {
        return None;
    }
    Some(SipNoun { uris, username, password, codecs, leg, amd, place: notes.source().place(noun.at) })
}

/// The address in the text, or those of the `Uri` children.
fn uris(noun: &Element, notes: &mut Notes<'_>) -> Vec<SipUri> {
    let children: Vec<&Element> = noun.content.iter().filter_map(child).collect();
    let text = text_only(noun, &["Uri"], notes);
    if children.is_empty() {
        return uri(text, noun.at, notes).map(|uri| SipUri { uri, priority: 0, weight: 0 }).into_iter().collect();
    }
    let mut uris = Vec::new();
    for child in children {
        if uris.len() >= MAX_URIS {
            notes.warn(
                13250,
                child.at,
                format!("<Sip> has {MAX_URIS} addresses at most: this and more is passed over"),
            );
            break;
        }
        let mut attributes = Attributes::of(child, "Dial>Sip>Uri");
        let mut number = |name| {
            let rule = Number { code: 13243, range: 0..=65_535, default: 0 };
            attributes.number(name, rule, notes)
        };
        let (priority, weight) = (number("priority"), number("weight"));
        attributes.finish(notes);
        let text = text_only(child, &[], notes);
        uris.extend(uri(text, child.at, notes).map(|uri| SipUri { uri, priority, weight }));
    }
    uris
}

fn child(content: &Content) -> Option<&Element> {
    match content {
        Content::Element(inner) if inner.name == "Uri" => Some(inner),
        _ => None,
    }
}

/// The address that is an element's text.
pub(crate) fn uri_of_text(element: &Element, notes: &mut Notes<'_>) -> Option<String> {
    let text = text_only(element, &[], notes);
    uri(text, element.at, notes)
}

/// `sip:` or `sips:`, a user, an at sign, a host; a port, parameters and headers may follow.
fn uri(text: String, at: usize, notes: &mut Notes<'_>) -> Option<String> {
    let (address, headers) = text.split_once('?').unwrap_or((&text, ""));
    if address.len() > MAX_URI || headers.len() > MAX_HEADERS {
        let text = format!("<Sip>: {MAX_URI} characters of address and {MAX_HEADERS} of headers at most: passed over");
        notes.warn(13251, at, text);
        return None;
    }
    let scheme =
        address.split_once(':').filter(|(s, _)| s.eq_ignore_ascii_case("sip") || s.eq_ignore_ascii_case("sips"));
    let sound = scheme.is_some_and(|(_, rest)| {
        let (user, host) = rest.rsplit_once('@').unwrap_or(("", rest));
        let host = host.split(';').next().unwrap_or_default();
        let host_sound = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        // An at sign of a password is written %40: which of two is the one behind the user would be a guess.
        rest.matches('@').count() == 1 && !user.is_empty() && !host.is_empty() && host.chars().all(host_sound)
    });
    if sound && text.chars().all(|c| c.is_ascii_graphic()) {
        return Some(text);
    }
    let shown: String = shown::sip(&text).chars().take(40).collect();
    notes.warn(13243, at, format!("<Sip>: \"{shown}\" is no address: passed over; write sip:user@host"));
    None
}
