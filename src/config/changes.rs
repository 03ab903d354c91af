//! What differs between two configurations, key by key, for a reload that applies it and tells it.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Config;
use super::keys::{self, Reload};

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `box.drain_s`; `number[+442079460100].url`, `group[out].lines` and `line[dahdi 3/2].country` in lists, by name; `group` alone for their order.
    pub key: String,
    /// As it was, without passwords; `None`: it was not there.
    pub from: Option<String>,
    /// As it is.
    pub to: Option<String>,
    /// When a reload applies it.
    pub policy: Reload,
}

/// By path: the value as it is compared, as it is shown, and when it applies.
type Rows = BTreeMap<String, (Json, String, Reload)>;

pub(super) fn changes(old: &Config, new: &Config) -> Vec<Change> {
    let (before, after) = (rows(old), rows(new));
    let mut changes = Vec::new();
    let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for path in paths {
        let (was, is) = (before.get(path), after.get(path));
        if was.map(|row| &row.0) != is.map(|row| &row.0) {
            let policy = is.or(was).map_or(Reload::Restart, |row| row.2);
            let shown = |row: Option<&(Json, String, Reload)>| row.map(|row| row.1.clone());
            changes.push(Change { key: path.clone(), from: shown(was), to: shown(is), policy });
        }
    }
    if old.this.countries == new.this.countries && old.countries.own() != new.countries.own() {
        let to = Some(format!("{:?}, which says something else now", new.this.countries));
        changes.push(Change { key: "box.countries".into(), from: None, to, policy: Reload::LineIdle });
    }
    let names = |config: &Config| config.group.iter().map(|group| group.name.clone()).collect::<Vec<_>>();
    let (was, is) = (names(old), names(new));
    // The first group is the default one.
    if was != is {
        let (from, to) = (Some(was.join(", ")), Some(is.join(", ")));
        changes.push(Change { key: "group".into(), from, to, policy: Reload::LineIdle });
    }
    changes
}

fn rows(config: &Config) -> Rows {
    // Passwords are compared and not shown.
    let exact = serde_json::to_value(config).unwrap_or_default();
    let mut rows = Rows::new();
    for value in config.values() {
        let key = value.key;
        let list = keys::section(key.section).is_some_and(|section| section.list);
        let at = value.path.split(['[', ']']).nth(1).and_then(|at| at.parse::<usize>().ok()).unwrap_or(0);
        let (holder, path) = match at.checked_sub(1) {
            Some(at) if list => {
                let name = match key.section {
                    "number" => config.number.get(at).map(|entry| entry.number.clone()),
                    "group" => config.group.get(at).map(|entry| entry.name.clone()),
                    "span" => config.span.get(at).map(|entry| entry.number.to_string()),
                    "line" => config.line.get(at).map(|entry| entry.line.clone()),
                    _ => None,
                };
                let name = name.unwrap_or_else(|| (at + 1).to_string());
                (&exact[key.section][at], format!("{}[{name}].{}", key.section, key.name))
            }
            _ if key.section.is_empty() => continue,
            _ => (&exact[key.section], value.path),
        };
        rows.insert(path, (holder[key.name].clone(), value.value.to_string(), key.reload));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Config {
        Config::parse(std::path::Path::new("t.toml"), text).expect("good")
    }

    #[test]
    fn changes_name_key_values_and_when_they_apply() {
        let old = parse("[box]\ndrain_s = 5\n[[number]]\nnumber = \"1\"\nurl = \"http://a\"\n");
        let new = parse(
            "[box]\ndrain_s = 6\nstate_dir = \"/srv\"\n[[number]]\nnumber = \"2\"\nurl = \"http://a\"\n[plan]\narea_code = \"20\"\n",
        );
        let told: Vec<String> = Config::changes(&old, &new)
            .iter()
            .filter(|change| !change.key.starts_with("number[") || change.key.ends_with("].url"))
            .map(|change| format!("{} {:?} {:?} {}", change.key, change.from, change.to, change.policy))
            .collect();
        assert_eq!(
            told,
            [
                r#"box.drain_s Some("5") Some("6") at once"#,
                r#"box.state_dir Some("\"/var/lib/tipring\"") Some("\"/srv\"") restart"#,
                r#"number[1].url Some("\"http://a\"") None at once"#,
                r#"number[2].url None Some("\"http://a\"") at once"#,
                r#"plan.area_code Some("\"\"") Some("\"20\"") line idle"#,
            ]
        );
        assert_eq!(Config::changes(&new, &new), []);
    }

    #[test]
    fn the_order_of_groups_and_a_password_are_changes_too() {
        let group = |name: &str| format!("[[group]]\nname = \"{name}\"\nlines = [\"sim 1\"]\n");
        let (a, b) = (group("a"), group("b"));
        let changes = Config::changes(&parse(&format!("{a}{b}")), &parse(&format!("{b}{a}")));
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].key.as_str(), changes[0].to.as_deref()), ("group", Some("b, a")));
        let store = |word: &str| parse(&format!("[box]\nstore = \"postgres://t:{word}@db/t\"\n"));
        let changes = Config::changes(&store("old"), &store("new"));
        assert_eq!((changes[0].key.as_str(), changes.len()), ("box.store", 1));
        assert!(!format!("{changes:?}").contains("new"));
    }
}
