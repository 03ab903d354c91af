//! What this box reads of the dialect: every element and attribute, and how it stands to what users of the dialect
//! expect. The parsers take their lists of known names from here, and the compatibility page is made of it: the three
//! cannot drift apart.

mod callee;
mod talk;
mod verbs;

/// How an element or attribute stands to the dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// As users of the dialect know it.
    Same,
    /// Read, with a difference.
    Differs,
    /// Not here: it is passed over with a notification.
    Absent,
}

/// An element, or an attribute of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The element with those that it stands in, e.g. `Dial>Number`.
    pub element: &'static str,
    /// The attribute's name; empty: the row is about the element itself.
    pub attribute: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// The difference, or the reason; empty for [`Standing::Same`].
    pub why: &'static str,
}

/// Verbs that every application needs; every other one is an extension.
const CORE: [&str; 12] =
    ["Say", "Play", "Pause", "Gather", "Record", "Dial", "Redirect", "Reject", "Hangup", "Enqueue", "Leave", "Message"];

impl Row {
    /// Whether its verb is one of the core.
    pub fn core(&self) -> bool {
        CORE.contains(&self.element.split('>').next().unwrap_or_default())
    }

    /// Whether it is read and then has no effect; [`Row::why`] says so.
    pub fn without_effect(&self) -> bool {
        self.standing == Standing::Differs && self.why.starts_with(WITHOUT_EFFECT)
    }
}

/// How the reason of a row begins whose attribute is accepted and changes nothing.
const WITHOUT_EFFECT: &str = "without effect";

/// All rows, an element's together and its own one first.
pub fn catalogue() -> impl Iterator<Item = &'static Row> {
    verbs::ROWS.iter().chain(callee::ROWS).chain(talk::ROWS)
}

/// The row of an attribute; of the element itself, if the attribute is empty.
pub(crate) fn row(element: &str, attribute: &str) -> Option<&'static Row> {
    catalogue().find(|row| row.element == element && row.attribute == attribute)
}

/// The attributes of an element that have an effect or are known to have none.
pub(crate) fn attributes(element: &'static str) -> impl Iterator<Item = &'static Row> {
    catalogue().filter(move |row| row.element == element && !row.attribute.is_empty())
}

/// The element of this name directly inside another one; in a document, if `outer` is empty.
pub(crate) fn element(outer: &str, name: &str) -> Option<&'static Row> {
    catalogue().find(|row| {
        row.attribute.is_empty()
            && match row.element.strip_prefix(outer) {
                Some(inner) if outer.is_empty() => inner == name && name != "Response",
                Some(inner) => inner.strip_prefix('>') == Some(name),
                None => false,
            }
    })
}

/// The elements directly inside another one; of a document, if `outer` is empty. Each with its last name.
pub(crate) fn elements(outer: &'static str) -> impl Iterator<Item = (&'static str, &'static Row)> {
    catalogue().filter(|row| row.attribute.is_empty() && row.element != "Response").filter_map(move |row| {
        match row.element.rsplit_once('>') {
            Some((before, name)) => (before == outer).then_some((name, row)),
            None => outer.is_empty().then_some((row.element, row)),
        }
    })
}

/// As users of the dialect know it.
const fn same(element: &'static str, attribute: &'static str) -> Row {
    Row { element, attribute, standing: Standing::Same, why: "" }
}

/// With a difference.
const fn differs(element: &'static str, attribute: &'static str, why: &'static str) -> Row {
    Row { element, attribute, standing: Standing::Differs, why }
}

/// Not here.
const fn absent(element: &'static str, attribute: &'static str, why: &'static str) -> Row {
    Row { element, attribute, standing: Standing::Absent, why }
}
