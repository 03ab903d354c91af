//! `Connect`: the call is joined with something that is no telephone, until that ends.

use std::fmt;

use crate::attributes::Attributes;
use crate::catalogue;
use crate::diagnostic::Notes;
use crate::parameter::only;
use crate::stream::{self, Stream};
use crate::verb::Method;
use crate::xml::{Content, Element};

/// Join with what is no telephone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// Asked when it is over; `None`: the next verb.
    pub action: Option<String>,
    /// How.
    pub method: Method,
    /// With what.
    pub noun: ConnectNoun,
}

/// With what a call is joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectNoun {
    /// A server that hears the caller and speaks.
    Stream(Box<Stream>),
    /// A noun that this box does not have: its name.
    Unsupported(String),
}

impl fmt::Display for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.noun {
            ConnectNoun::Stream(stream) => write!(f, "Connect {stream}"),
            ConnectNoun::Unsupported(name) => write!(f, "Connect <{name}> (not available)"),
        }
    }
}

/// `None`: there is nothing to be connected with.
pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Option<Connect> {
    let mut attributes = Attributes::of(element, "Connect");
    let action = attributes.given("action");
    let method = attributes.method("method", 11100, notes);
    attributes.finish(notes);
    let names: Vec<&str> = catalogue::elements("Connect").map(|(name, _)| name).collect();
    only(element, &names, notes);
    let mut nouns = element.content.iter().filter_map(|content| match content {
        Content::Element(inner) if names.contains(&inner.name.as_str()) => Some(inner),
        _ => None,
    });
    let Some(noun) = nouns.next() else {
        notes.warn(12200, element.at, "<Connect> names nothing: passed over; put a <Stream> into it".to_owned());
        return None;
    };
    if let Some(second) = nouns.next() {
        let text = format!("<Connect> has one noun: <{}> and what follows is passed over", second.name);
        notes.warn(12200, second.at, text);
    }
    let noun = match noun.name.as_str() {
        "Stream" => ConnectNoun::Stream(Box::new(stream::connected(noun, notes)?)),
        name => {
            let why = catalogue::element("Connect", name).map_or("", |row| row.why);
            notes.warn(12200, noun.at, format!("<{name}> is not available on this box: {why}"));
            ConnectNoun::Unsupported(name.to_owned())
        }
    };
    Some(Connect { action, method, noun })
}
