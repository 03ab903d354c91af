//! `Number`: a telephone number to be called.

use crate::attributes::Attributes;
use crate::called::{Amd, CalledLeg, amd, called_leg};
use crate::diagnostic::Notes;
use crate::play::{KEYS, MAX_KEYS};
use crate::shown;
use crate::verb::{Place, text_only};
use crate::xml::Element;

/// Characters of a number as written, and of a group's name.
const MAX_NUMBER: usize = 64;

/// A telephone number to be called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DialNumber {
    /// As written, blanks at the ends removed.
    pub number: String,
    /// Keys that are sent after the answer: `0-9 * # A-D`, `w` half a second, `W` a second.
    pub send_digits: String,
    /// The group of lines (`byoc`, or our own `trunk`); empty: the default route.
    pub group: String,
    /// Our own: the type of number that the line is told; `None`: as the plan says.
    pub number_type: Option<NumberType>,
    /// Our own: whether the called party may see the caller id; `None`: as the caller wants it.
    pub presentation: Option<Presentation>,
    /// The document and the callbacks of the leg.
    pub leg: CalledLeg,
    /// Whether a machine has answered.
    pub amd: Amd,
    /// Where it stands.
    pub place: Place,
}

/// The type of a number, as Q.931 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberType {
    /// The line's dialling plan decides.
    Unknown,
    /// With country code.
    International,
    /// With area code.
    National,
    /// Special to the network.
    Network,
    /// Without area code.
    Subscriber,
    /// Abbreviated.
    Abbreviated,
}

/// Whether the called party may see the caller id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presentation {
    /// It may.
    Allowed,
    /// It may not.
    Restricted,
}

/// `None`: there is no number, or it must not be called; a warning says why.
pub(super) fn read(noun: &Element, notes: &mut Notes<'_>) -> Option<DialNumber> {
    let mut attributes = Attributes::of(noun, "Dial>Number");
    let send_digits = send_digits(&mut attributes, notes);
    let group = group(&mut attributes, notes);
    let types = [
        ("unknown", Some(NumberType::Unknown)),
        ("international", Some(NumberType::International)),
        ("national", Some(NumberType::National)),
        ("network", Some(NumberType::Network)),
        ("subscriber", Some(NumberType::Subscriber)),
        ("abbreviated", Some(NumberType::Abbreviated)),
    ];
    let number_type = attributes.one_of("type", 13223, &types, None, notes);
    let shown = [("allowed", Some(Presentation::Allowed)), ("restricted", Some(Presentation::Restricted))];
    let presentation = attributes.one_of("presentation", 13214, &shown, None, notes);
    let leg = called_leg(&mut attributes, 13221, notes);
    let amd = amd(&mut attributes, 13221, notes);
    attributes.finish(notes);
    let text = text_only(noun, &[], notes);
    let number = written(&text, "Number", noun.at, notes)?;
    Some(DialNumber {
        number,
        send_digits,
        group: group?,
        number_type,
        presentation,
        leg,
        amd,
        place: notes.source().place(noun.at),
    })
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

/// A number as written, if it can be one.
pub(super) fn written(text: &str, element: &str, at: usize, notes: &mut Notes<'_>) -> Option<String> {
    let digit = text.chars().any(|c| c.is_ascii_digit() || matches!(c, '*' | '#'));
    // Beyond ASCII: dashes, blanks and the marks of direction that are copied along from pages, but no other digits.
    let sound = |c: char| match c {
        '0'..='9' | '*' | '#' | '+' | '-' | '.' | '/' | '(' | ')' | ' ' => true,
        c => !c.is_ascii() && !c.is_alphanumeric() && !c.is_control(),
    };
    if digit && text.chars().count() <= MAX_NUMBER && text.chars().all(sound) {
        return Some(text.to_owned());
    }
    let shown: String = shown::text(text).chars().take(40).collect();
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
