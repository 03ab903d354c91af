//! `No-Vary-Search`: what of a URL's query an answer does not hang on. Pure. A header that cannot be read means nothing: then
//! every octet of the query counts.
//!
//! Sources: draft-ietf-httpbis-no-vary-search (the meaning), RFC 9651 (dictionaries of a header).

use url::Url;
use url::form_urlencoded::{Serializer, parse};

use crate::wire::decode;

/// What of a query does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Variance {
    /// The order of parameters with different names.
    key_order: bool,
    names: Names,
}

/// Parameters, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Names {
    /// These do not count.
    Without(Vec<String>),
    /// Only these count.
    Only(Vec<String>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Without(Vec::new())
    }
}

impl Variance {
    /// Reads a header; `None`: everything counts.
    pub fn read(header: &str) -> Option<Self> {
        let (mut key_order, mut params, mut except) = (false, Value::Flag(false), None);
        for (key, value) in dictionary(header)? {
            match (key.as_str(), value) {
                ("key-order", Value::Flag(it)) => key_order = it,
                ("params", it @ (Value::Flag(_) | Value::Names(_))) => params = it,
                ("except", Value::Names(it)) => except = Some(it),
                ("key-order" | "params" | "except", _) => return None,
                _ => {}
            }
        }
        let names = match (params, except) {
            (Value::Flag(true), except) => Names::Only(except.unwrap_or_default()),
            // Exceptions from nothing.
            (_, Some(_)) => return None,
            (Value::Names(names), None) => Names::Without(names),
            (_, None) => Names::default(),
        };
        let read = Self { key_order, names };
        (read != Self::default()).then_some(read)
    }

    /// One name for all URLs that are the same to it.
    pub fn name(&self, url: &Url) -> String {
        let mut name = url.clone();
        let counts = |it: &str| match &self.names {
            Names::Without(names) => !names.iter().any(|name| name == it),
            Names::Only(names) => names.iter().any(|name| name == it),
        };
        let query = url.query().unwrap_or_default().as_bytes();
        let mut pairs: Vec<_> = parse(query).filter(|it| counts(&it.0)).collect();
        if self.key_order {
            // Stable: values of one name stay in their order.
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
        }
        let text = Serializer::new(String::new()).extend_pairs(pairs).finish();
        name.set_query((!text.is_empty()).then_some(text.as_str()));
        name.into()
    }
}

enum Value {
    Flag(bool),
    Names(Vec<String>),
    /// A number, a token, a string: nothing that is wanted here.
    Other,
}

/// The members of a dictionary; of a key that stands twice the last one counts. `None`: it is none.
fn dictionary(text: &str) -> Option<Vec<(String, Value)>> {
    let mut members: Vec<(String, Value)> = Vec::new();
    let mut rest = text.trim_matches(' ');
    while !rest.is_empty() {
        if members.len() >= MAX_MEMBERS {
            return None;
        }
        let key;
        (key, rest) = read_key(rest)?;
        let value;
        (value, rest) = match rest.strip_prefix('=') {
            Some(rest) => read_value(rest)?,
            None => (Value::Flag(true), rest),
        };
        rest = skip_parameters(rest)?;
        members.retain(|it| it.0 != key);
        members.push((key, value));
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            break;
        }
        rest = rest.strip_prefix(',')?.trim_start_matches([' ', '\t']);
        // A comma has something behind it.
        if rest.is_empty() {
            return None;
        }
    }
    Some(members)
}

fn read_key(text: &str) -> Option<(String, &str)> {
    let fits = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "_-.*".contains(it);
    let (key, rest) = text.split_at(text.find(|it| !fits(it)).unwrap_or(text.len()));
    key.starts_with(|it: char| it.is_ascii_lowercase() || it == '*').then(|| (key.to_owned(), rest))
}

fn read_value(text: &str) -> Option<(Value, &str)> {
    let Some(mut rest) = text.strip_prefix('(') else { return read_item(text) };
    let (mut names, mut all) = (Vec::new(), true);
    loop {
        rest = rest.trim_start_matches(' ');
        if let Some(rest) = rest.strip_prefix(')') {
            return Some((if all { Value::Names(names) } else { Value::Other }, rest));
        }
        if rest.starts_with('"') {
            let name;
            (name, rest) = read_string(rest)?;
            // As they would stand in a query.
            names.push(decode(&name.replace('+', " ")).unwrap_or(name));
        } else {
            (_, rest) = read_item(rest)?;
            all = false;
        }
        rest = skip_parameters(rest)?;
        if names.len() > MAX_NAMES || !rest.starts_with([' ', ')']) {
            return None;
        }
    }
}

/// An item that is no list.
fn read_item(text: &str) -> Option<(Value, &str)> {
    if let Some(rest) = text.strip_prefix("?1") {
        return Some((Value::Flag(true), rest));
    }
    if let Some(rest) = text.strip_prefix("?0") {
        return Some((Value::Flag(false), rest));
    }
    if text.starts_with('"') {
        return read_string(text).map(|it| (Value::Other, it.1));
    }
    // Numbers, tokens, octets and dates: they end where an item may end.
    let end = text.find([',', ';', ' ', '\t', ')', '(', '"']).unwrap_or(text.len());
    (end > 0).then(|| (Value::Other, &text[end..]))
}

fn read_string(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, it)) = chars.next() {
        match it {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => out.push(chars.next().map(|it| it.1).filter(|it| ['"', '\\'].contains(it))?),
            ' '..='~' => out.push(it),
            _ => return None,
        }
    }
    None
}

/// Parameters of an item say nothing here.
fn skip_parameters(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(after) = rest.strip_prefix(';') {
        (_, rest) = read_key(after.trim_start_matches(' '))?;
        if let Some(after) = rest.strip_prefix('=') {
            (_, rest) = read_item(after)?;
        }
    }
    Some(rest)
}

/// Members of one header: three are known.
const MAX_MEMBERS: usize = 16;
/// Names of one list: a request of a call has about twenty.
const MAX_NAMES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn name(header: &str, query: &str) -> String {
        let url = Url::parse(&format!("http://app/x?{query}")).unwrap();
        let name = Variance::read(header).map_or_else(|| url.to_string(), |it| it.name(&url));
        name.trim_start_matches("http://app/x").trim_start_matches('?').to_owned()
    }

    #[test]
    fn d13_parameters_that_do_not_count_are_left_out() {
        for (header, left) in [
            ("params", ""),
            ("params=?1", ""),
            ("params=(\"From\" \"a\")", "To=2&b=3"),
            ("params, except=(\"To\")", "To=2"),
            ("except=(\"To\" \"b\"), params;x=1", "To=2&b=3"),
            ("key-order", "From=1&To=2&a=4&b=3"),
            ("key-order, params=(\"b\")", "From=1&To=2&a=4"),
            ("params=(\"b\"), params=(\"a\"), other=5, more=(1 2)", "To=2&From=1&b=3"),
        ] {
            assert_eq!(name(header, "To=2&From=1&b=3&a=4"), left, "{header}");
        }
        assert_eq!(name("key-order", "b=2&a=1&b=1"), "a=1&b=2&b=1", "values of one name stay in order");
        assert_eq!(name("params=(\"a%20b\")", "a+b=1&c=2"), "c=2");
        assert_eq!(name("params=(\"a+b\")", "a%20b=1&c=2"), "c=2");
    }

    #[test]
    fn d13_a_header_that_cannot_be_read_means_nothing() {
        for header in [
            "",
            "params=?0",
            "key-order=?0",
            "params=()",
            "params=(a b)",
            "params=\"From\"",
            "params=5",
            "key-order=(\"a\")",
            "except=(\"a\")",
            "params=(\"a\"), except=(\"b\")",
            "params, except",
            "params,",
            "params params",
            "params=(\"From\"",
            "params=(\"From\"\"To\")",
            "params=(\"Fröm\")",
            "Params",
            "params=(\"a\\x\")",
            ", params",
        ] {
            assert_eq!(name(header, "To=2&From=1"), "To=2&From=1", "{header:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_read_without_harm(header in "\\PC{0,60}", spiced in "(params|except|key-order|=|\\(|\\)|\"a\"|\\?1|,| |;|\\\\|é){0,20}") {
            let url = Url::parse("http://app/x?a=1&b=2").unwrap();
            for header in [header, spiced] {
                if let Some(it) = Variance::read(&header) {
                    let name = Url::parse(&it.name(&url)).unwrap();
                    proptest::prop_assert_eq!(it.name(&name), it.name(&url), "its own name is its name");
                }
            }
        }
    }
}
