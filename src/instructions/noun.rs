//! What stands inside `Dial`: whom it calls. Telephone numbers are read; other nouns of the dialect are named, so that
//! the router can say what it cannot do. Whether a number exists, is open and has a line is the router's matter.

use crate::attributes::{Attributes, nearest};
use crate::diagnostic::Notes;
use crate::dial::{CallEvents, DialNumber, MAX_TARGETS, Target};
use crate::play::{KEYS, MAX_KEYS};
use crate::verb::{VERBS, misplaced, text_only};
use crate::xml::{Content, Element};

/// Characters of a number as written, and of a group's name.
const MAX_NUMBER: usize = 64;

/// Nouns, with what is said of those that cannot be called.
const NOUNS: [(&str, &str); 8] = [
    ("Number", ""),
    ("Sip", "SIP is not available on this box yet; call a <Number>"),
    ("Client", "there is no registrar for clients on this box; call a <Number>"),
    ("Conference", "conference rooms are not available on this box yet"),
    ("Queue", "queues are not available on this box yet"),
    ("Sim", "there are no SIM cards on this box; call its <Number>"),
    ("WhatsApp", "WhatsApp is not available on this box; call a <Number>"),
    ("Application", "calls between applications are not available on this box; use <Redirect>"),
];
/// Nouns that must be alone.
const ALONE: [&str; 2] = ["Conference", "Queue"];
const ATTRIBUTES: [&str; 17] = [
    "sendDigits",
    "url",
    "method",
    "statusCallback",
    "statusCallbackMethod",
    "statusCallbackEvent",
    "byoc",
    "trunk",
    "machineDetection",
    "machineDetectionTimeout",
    "machineDetectionSpeechThreshold",
    "machineDetectionSpeechEndThreshold",
    "machineDetectionSilenceTimeout",
    "amdStatusCallback",
    "amdStatusCallbackMethod",
    "phoneNumberSid",
    "callReason",
];
/// Without `machineDetection` they have no effect; the last two name what this box does not have.
const WITHOUT_EFFECT: [&str; 8] = [
    "machineDetectionTimeout",
    "machineDetectionSpeechThreshold",
    "machineDetectionSpeechEndThreshold",
    "machineDetectionSilenceTimeout",
    "amdStatusCallback",
    "amdStatusCallbackMethod",
    "phoneNumberSid",
    "callReason",
];

/// Whom a Dial calls, in order; at most [`MAX_TARGETS`].
pub(crate) fn targets(dial: &Element, notes: &mut Notes<'_>) -> Vec<Target> {
    let mut nouns: Vec<&Element> = Vec::new();
    for content in &dial.content {
        let Content::Element(inner) = content else { continue };
        let name = inner.name.as_str();
        if NOUNS.iter().any(|(noun, _)| *noun == name) {
            nouns.push(inner);
        } else {
            not_a_noun(inner, notes);
        }
    }
    if nouns.is_empty() {
        return of_text(dial, notes).into_iter().collect();
    }
    stray_text(dial, notes);
    let others = nouns.iter().any(|noun| !ALONE.contains(&noun.name.as_str()));
    let mut targets = Vec::new();
    for noun in nouns {
        if ALONE.contains(&noun.name.as_str()) && (others || !targets.is_empty()) {
            let text = format!("<{}> must be alone in its <Dial>: passed over", noun.name);
            notes.warn(13000, noun.at, text);
            continue;
        }
        if targets.len() >= MAX_TARGETS {
            let text = format!("<Dial> calls {MAX_TARGETS} targets at most: this and what follows is passed over");
            notes.warn(13215, noun.at, text);
            break;
        }
        targets.extend(target(noun, notes));
    }
    targets
}

/// One noun. `None`: it is no target, a warning says why.
fn target(noun: &Element, notes: &mut Notes<'_>) -> Option<Target> {
    let (name, why) = NOUNS.iter().find(|(name, _)| *name == noun.name)?;
    if *name == "Number" {
        return number(noun, notes).map(Target::Number);
    }
    if *name == "Sip" && !is_sip(noun) {
        let text = "<Sip>: a URI such as sip:user@host is expected; SIP is not available on this box yet".to_owned();
        notes.warn(13243, noun.at, text);
    } else {
        notes.warn(12200, noun.at, format!("<{name}> cannot be called: {why}"));
    }
    Some(Target::Unsupported((*name).to_owned()))
}

/// `Number`.
fn number(noun: &Element, notes: &mut Notes<'_>) -> Option<DialNumber> {
    let mut attributes = Attributes::of(noun);
    let send_digits = send_digits(&mut attributes, notes);
    let group = group(&mut attributes, notes);
    let callback = attributes.given("statusCallback");
    let callback_method = attributes.method("statusCallbackMethod", 13221, notes);
    let words = ["initiated", "ringing", "answered", "completed"];
    let events = attributes.several("statusCallbackEvent", 13221, words, notes);
    let callback_events = events.map_or_else(CallEvents::default, |[initiated, ringing, answered, completed]| {
        CallEvents { initiated, ringing, answered, completed }
    });
    attributes.method("method", 13221, notes);
    if let Some(url) = attributes.take("url").filter(|url| !url.value.trim().is_empty()) {
        let text =
            "<Number url>: a document for the called party is not available on this box yet; it is connected at once";
        notes.warn(12200, url.at, text.to_owned());
    }
    if let Some(machine) = attributes.take("machineDetection") {
        let text = "<Number machineDetection>: answering machines are not recognized on this box yet; whoever answers is \
                    connected";
        notes.warn(13211, machine.at, text.to_owned());
    }
    attributes.ignore(&WITHOUT_EFFECT);
    attributes.finish(&ATTRIBUTES, notes);
    let text = text_only(noun, &[], notes);
    let number = written(&text, "Number", noun.at, notes)?;
    let place = notes.source().place(noun.at);
    Some(DialNumber { number, send_digits, group: group?, callback, callback_method, callback_events, place })
}

fn send_digits(attributes: &mut Attributes<'_>, notes: &mut Notes<'_>) -> String {
    let rule = crate::attributes::Keys { code: 13222, allowed: KEYS, most: MAX_KEYS, default: "" };
    attributes.keys("sendDigits", rule, notes)
}

/// The group of lines; empty: the default route. `None`: a name that no group has. The call must not go out on another
/// line instead.
fn group(attributes: &mut Attributes<'_>, notes: &mut Notes<'_>) -> Option<String> {
    let (byoc, trunk) = (attributes.take("byoc"), attributes.take("trunk"));
    if let (Some(byoc), Some(_)) = (byoc, trunk) {
        notes.warn(13224, byoc.at, "<Number> has trunk and byoc: trunk is used".to_owned());
    }
    let Some(attribute) = trunk.or(byoc) else {
        return Some(String::new());
    };
    let name = attribute.value.trim();
    if name.chars().count() > MAX_NUMBER || name.chars().any(char::is_control) {
        let text = format!("<Number {}>: no group of lines has such a name; the number is passed over", attribute.name);
        notes.warn(13224, attribute.at, text);
        return None;
    }
    Some(name.to_owned())
}

/// A `Dial` that holds text alone is one number.
fn of_text(dial: &Element, notes: &mut Notes<'_>) -> Option<Target> {
    let mut words = Vec::new();
    let mut at = None;
    for content in &dial.content {
        if let Content::Text { text, at: start } = content {
            words.extend(text.split_whitespace());
            if !text.trim().is_empty() {
                at = at.or(Some(start + text.len() - text.trim_start().len()));
            }
        }
    }
    let Some(at) = at else {
        notes.warn(13223, dial.at, "<Dial> names nobody to be called; put a number into it".to_owned());
        return None;
    };
    let number = written(&words.join(" "), "Dial", at, notes)?;
    Some(Target::Number(DialNumber { number, place: notes.source().place(at), ..DialNumber::default() }))
}

/// A number as written, if it can be one.
fn written(text: &str, element: &str, at: usize, notes: &mut Notes<'_>) -> Option<String> {
    let digit = text.chars().any(|c| c.is_ascii_digit() || matches!(c, '*' | '#'));
    // Beyond ASCII: dashes, blanks and the marks of direction that are copied along from pages, but no other digits.
    let sound = |c: char| match c {
        '0'..='9' | '*' | '#' | '+' | '-' | '.' | '/' | '(' | ')' | ' ' => true,
        c => !c.is_ascii() && !c.is_alphanumeric() && !c.is_control(),
    };
    if digit && text.chars().count() <= MAX_NUMBER && text.chars().all(sound) {
        return Some(text.to_owned());
    }
    let shown: String = text.chars().take(40).collect();
    let hint = match text.split_once(':') {
        Some(("sip" | "sips", _)) => "; a SIP address stands in <Sip>",
        Some(("client", _)) => "; a client stands in <Client>",
        _ => "",
    };
    let text =
        format!("<{element}>: \"{shown}\" is no telephone number: passed over; use E.164, e.g. +12025550100{hint}");
    notes.warn(13223, at, text);
    None
}

/// `sip:` and something with an at sign, or `Uri` children that hold it.
fn is_sip(noun: &Element) -> bool {
    noun.content.iter().any(|content| match content {
        Content::Text { text, .. } => {
            let scheme = text.trim().split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
            matches!(scheme.as_deref(), Some("sip" | "sips"))
        }
        Content::Element(inner) => inner.name == "Uri",
    })
}

/// Complains of what is no noun: a verb, or a name that nobody knows.
fn not_a_noun(inner: &Element, notes: &mut Notes<'_>) {
    if VERBS.contains(&inner.name.as_str()) {
        return misplaced(inner, "Dial", notes);
    }
    let names = NOUNS.map(|(name, _)| name);
    let hint = nearest(&inner.name, &names).map(|near| format!("; did you mean {near}?"));
    let hint = hint.unwrap_or_else(|| format!("; the nouns are {}", names.join(", ")));
    let name: String = inner.name.chars().take(40).collect();
    notes.warn(12200, inner.at, format!("<Dial> calls no <{name}>: passed over{hint}"));
}

/// Complains of text beside nouns.
fn stray_text(dial: &Element, notes: &mut Notes<'_>) {
    for content in &dial.content {
        if let Content::Text { text, at } = content
            && !text.trim().is_empty()
        {
            let at = at + text.len() - text.trim_start().len();
            notes.warn(13215, at, "text beside the nouns of <Dial> is passed over; put it into <Number>".to_owned());
        }
    }
}
