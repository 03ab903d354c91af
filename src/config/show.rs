//! A configuration shown: every key with its value, no password, and one hash over all of it.

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::Config;
use super::keys::{self, KEYS, Key};

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Value {
    /// `box.name`; `number[1].url` in a list, from 1.
    pub path: String,
    /// Its key.
    pub key: &'static Key,
    /// What it holds, without passwords.
    pub value: Json,
}

pub(super) fn values(config: &Config) -> Vec<Value> {
    let all = serde_json::to_value(config).unwrap_or_default();
    let mut values = Vec::new();
    let mut lists: Vec<&str> = Vec::new();
    for key in KEYS {
        let list = keys::section(key.section).is_some_and(|section| section.list);
        if !list {
            let value = if key.section.is_empty() { &all[key.name] } else { &all[key.section][key.name] };
            push(&mut values, key.path(), key, value);
        } else if !lists.contains(&key.section) {
            lists.push(key.section);
            for (at, entry) in all[key.section].as_array().into_iter().flatten().enumerate() {
                for key in keys::of(key.section) {
                    push(&mut values, format!("{}[{}].{}", key.section, at + 1, key.name), key, &entry[key.name]);
                }
            }
        }
    }
    values
}

fn push(values: &mut Vec<Value>, path: String, key: &'static Key, value: &Json) {
    // A key without a default that nobody set.
    if !value.is_null() {
        values.push(Value { path, key, value: masked(value) });
    }
}

fn masked(value: &Json) -> Json {
    match value {
        Json::String(text) => Json::String(without_password(text)),
        Json::Array(items) => Json::Array(items.iter().map(masked).collect()),
        other => other.clone(),
    }
}

/// A URL without its password; any other text as it is.
pub(super) fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.into();
    };
    // A password may itself have an @ or a slash that nobody escaped: the last @ of all counts, unless what follows
    // the colon is a port.
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let mut shown = text.to_string();
    if let Some(at) = path.rfind('@')
        && let Some((user, password)) = path[..at].split_once(':')
        && !user.contains('/')
    {
        let port = password.split_once('/').is_some_and(|(port, _)| port.bytes().all(|b| b.is_ascii_digit()));
        if !port {
            shown = format!("{scheme}://{user}:***{}", &rest[at..]);
        }
    }
    let Some((before, query)) = shown.split_once('?') else {
        return shown;
    };
    let secret = |part: &str| matches!(part.split_once('='), Some(("password" | "sslpassword", _)));
    let masked = |part: &str| match part.split_once('=') {
        Some((name, _)) if secret(part) => format!("{name}=***"),
        _ => part.to_string(),
    };
    if !query.split('&').any(secret) {
        return shown;
    }
    format!("{before}?{}", query.split('&').map(masked).collect::<Vec<_>>().join("&"))
}

pub(super) fn hash(config: &Config) -> String {
    let mut hasher = Sha256::new();
    for Value { path, value, .. } in values(config) {
        // The form's version says nothing of the box.
        if path != "version" {
            hasher.update(format!("{path} = {value}\n"));
        }
    }
    for country in config.countries.own() {
        hasher.update(format!("{country:?}\n"));
    }
    hasher.finalize().iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        for (text, shown) in [
            ("postgres://tipring:geheim@db.lan/t", "postgres://tipring:***@db.lan/t"),
            ("postgres://tipring:ge@h/eim@db.lan/t", "postgres://tipring:***@db.lan/t"),
            (
                "postgres://tipring@db.lan/t?password=geheim&sslmode=require",
                "postgres://tipring@db.lan/t?password=***&sslmode=require",
            ),
            ("postgres://tipring@db.lan/t", "postgres://tipring@db.lan/t"),
            ("https://app.lan/voice?to=a@b:c", "https://app.lan/voice?to=a@b:c"),
            ("http://app.lan:8080/a@b", "http://app.lan:8080/a@b"),
            ("http://app.lan/a:b@c", "http://app.lan/a:b@c"),
            ("https://u:p@app.lan:8443/a?b=c@d", "https://u:***@app.lan:8443/a?b=c@d"),
            ("sqlite:/srv/t.db", "sqlite:/srv/t.db"),
            ("info", "info"),
        ] {
            assert_eq!(without_password(text), shown);
        }
    }

    #[test]
    fn a_hash_is_of_the_values_and_of_nothing_else() {
        let parse = |text: &str| Config::parse(std::path::Path::new("t.toml"), text).expect("good").hash();
        assert_eq!(parse(""), parse("version = 1\n# words\n[box]\ndrain_s = 30\n"));
        assert_ne!(parse(""), parse("[box]\ndrain_s = 31\n"));
        let numbers = |a: &str, b: &str| {
            parse(&[a, b].map(|n| format!("[[number]]\nnumber = \"{n}\"\nurl = \"http://a\"\n")).concat())
        };
        assert_ne!(numbers("1", "2"), numbers("2", "1"), "the order of entries is a part of it");
    }
}
