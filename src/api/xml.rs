//! The same resources as XML, for clients that ask for `.xml`: made from the JSON form, name by name, so that the two
//! cannot differ. A list's envelope becomes attributes.

use serde_json::{Map, Value};

/// A resource, or a page of them when `member` is among its fields.
pub(crate) fn document(body: &Value, one: &str, member: &str) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TwilioResponse>");
    match body {
        Value::Object(fields) if fields.get(member).is_some_and(Value::is_array) => {
            page(&mut text, fields, one, member)
        }
        other => element(&mut text, one, other),
    }
    text.push_str("</TwilioResponse>\n");
    text
}

fn page(text: &mut String, fields: &Map<String, Value>, one: &str, member: &str) {
    let name = camel(member);
    text.push_str(&format!("<{name}"));
    for (field, value) in fields.iter().filter(|(field, _)| *field != member) {
        text.push_str(&format!(" {}=\"", field.replace('_', "")));
        content(text, value);
        text.push('"');
    }
    text.push('>');
    for item in fields.get(member).and_then(Value::as_array).into_iter().flatten() {
        element(text, one, item);
    }
    text.push_str(&format!("</{name}>"));
}

/// Depth is that of our own resources. A name may come from an application's own parameters.
fn element(text: &mut String, name: &str, value: &Value) {
    let name = &sound(name);
    if value.is_null() {
        text.push_str(&format!("<{name}/>"));
        return;
    }
    text.push_str(&format!("<{name}>"));
    match value {
        Value::Object(fields) => fields.iter().for_each(|(field, value)| element(text, &camel(field), value)),
        other => content(text, other),
    }
    text.push_str(&format!("</{name}>"));
}

fn content(text: &mut String, value: &Value) {
    match value {
        Value::Null => {}
        Value::String(words) => words.chars().for_each(|sign| match sign {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\t' | '\n' | '\r' => text.push_str(&format!("&#{};", u32::from(sign))),
            other if other < ' ' || matches!(other, '\u{fffe}' | '\u{ffff}') => text.push('\u{fffd}'),
            other => text.push(other),
        }),
        other => text.push_str(&other.to_string()),
    }
}

/// A name that an element may have.
fn sound(name: &str) -> String {
    let fits = |sign: char| sign.is_ascii_alphanumeric() || "_-.".contains(sign);
    let name: String = name.chars().map(|sign| if fits(sign) { sign } else { '_' }).collect();
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if begins { name } else { format!("_{name}") }
}

/// `date_created` → `DateCreated`.
fn camel(name: &str) -> String {
    let word = |word: &str| {
        let mut signs = word.chars();
        signs.next().map(|first| first.to_ascii_uppercase().to_string() + signs.as_str()).unwrap_or_default()
    };
    name.split('_').map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_resource_is_an_element_and_no_text_breaks_it() {
        let body = json!({"caller_name": "<A & \"B\">\u{7}\n", "price": null, "channels": 1, "subresource_uris": {"a_b": "/x"}});
        assert_eq!(
            document(&body, "Call", "calls"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TwilioResponse><Call><CallerName>&lt;A &amp; \
             &quot;B&quot;&gt;\u{fffd}&#10;</CallerName><Channels>1</Channels><Price/><SubresourceUris><AB>/x</AB>\
             </SubresourceUris></Call></TwilioResponse>\n"
        );
    }

    #[test]
    fn a_name_from_outside_breaks_no_element() {
        let body = json!({"parameters": {"a b": "1", "1><x": "2", "": "3", "Ok.1": "4"}});
        let text = document(&body, "Event", "events");
        let names = ["<_/>", "<_1__x>2</_1__x>", "<A b>", "<A_b>1</A_b>", "<Ok.1>4</Ok.1>", "<_>3</_>"];
        let found: Vec<bool> = names.iter().map(|name| text.contains(name)).collect();
        assert_eq!(found, [false, true, false, true, true, true], "{text}");
    }

    #[test]
    fn a_list_has_its_envelope_as_attributes() {
        let body = json!({"page_size": 1, "next_page_uri": null, "calls": [{"sid": "CA1"}, {"sid": "CA2"}]});
        assert!(document(&body, "Call", "calls").contains(
            "<Calls nextpageuri=\"\" pagesize=\"1\"><Call><Sid>CA1</Sid></Call><Call><Sid>CA2</Sid></Call></Calls>"
        ));
    }
}
