//! `Parameter`: a name and a value that go along with a noun.

use crate::attributes::Attributes;
use crate::diagnostic::Notes;
use crate::nearest::nearest;
use crate::verb::text_only;
use crate::xml::{Content, Element};

/// Characters of a name and its value together, as twiml allows.
pub const MAX_PARAMETER: usize = 500;
/// Parameters of one noun: each goes out with every request that tells of it.
pub const MAX_PARAMETERS: usize = 100;

/// The pairs of name and value among an element's children, `path` being theirs in the catalogue.
pub(crate) fn all(element: &Element, path: &'static str, code: u32, notes: &mut Notes<'_>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for content in &element.content {
        let Content::Element(inner) = content else { continue };
        if inner.name != "Parameter" {
            continue;
        }
        if pairs.len() >= MAX_PARAMETERS {
            let text = format!("<{}>: only the first {MAX_PARAMETERS} parameters are kept", element.name);
            notes.warn(code, inner.at, text);
            break;
        }
        pairs.extend(one(inner, path, code, notes));
    }
    pairs
}

/// One pair; `None`: it has no name or is too long.
fn one(element: &Element, path: &'static str, code: u32, notes: &mut Notes<'_>) -> Option<(String, String)> {
    let mut attributes = Attributes::of(element, path);
    let name = attributes.text("name").unwrap_or_default();
    let value = attributes.take("value").map(|value| value.value.clone()).unwrap_or_default();
    attributes.finish(notes);
    text_only(element, &[], notes);
    if name.is_empty() || name.chars().count() + value.chars().count() > MAX_PARAMETER {
        let text = format!("<Parameter>: a name, and with its value {MAX_PARAMETER} characters at most: passed over");
        notes.warn(code, element.at, text);
        return None;
    }
    Some((name, value))
}

/// Complains of every child of `element` that is not in `allowed`, and of text.
pub(crate) fn only(element: &Element, allowed: &[&str], notes: &mut Notes<'_>) {
    for content in &element.content {
        match content {
            Content::Text { text, at } => notes.stray_text(text, *at, &element.name),
            Content::Element(inner) if allowed.contains(&inner.name.as_str()) => {}
            Content::Element(inner) => {
                let name: String = inner.name.chars().take(40).collect();
                let hint = nearest(&name, allowed).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                let text = format!("<{name}> may not stand inside <{}>: passed over{hint}", element.name);
                notes.warn(12200, inner.at, text);
            }
        }
    }
}
