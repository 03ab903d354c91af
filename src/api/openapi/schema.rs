//! From the catalogue's words to schemas: of a parameter, of a field, of a resource.

use serde_json::{Map, Value, json};

use super::common;
use crate::catalogue::{Kind, Row, Standing, catalogue};
use crate::path;

/// A resource, by the path of it or of its list.
pub(super) struct Shape {
    /// Of its schema.
    name: String,
    /// What a list calls its members.
    member: &'static str,
    fields: Vec<&'static Row>,
}

impl Shape {
    pub(super) fn of(template: &'static str) -> Shape {
        let (one, member) = names(template);
        // SIP's lists are empty, and their members have no name of their own.
        let name = if one == "Resource" { last_word(template).to_string() } else { schema_name(template, one) };
        Shape { name, member, fields: fields(template) }
    }

    /// The name of the resource's schema, which is made if it is not there yet.
    pub(super) fn one(&self, schemas: &mut Map<String, Value>) -> String {
        if !schemas.contains_key(&self.name) {
            let made = common::unlisted(&self.name).unwrap_or_else(|| self.object());
            schemas.insert(self.name.clone(), made);
        }
        self.name.clone()
    }

    /// The same for a page of it.
    pub(super) fn list(&self, schemas: &mut Map<String, Value>) -> String {
        let name = format!("{}List", self.name);
        let list = match self.member {
            "countries" => common::countries(),
            _ if self.fields.is_empty() => common::envelope(self.member, &json!({ "type": "object" })),
            _ => {
                let one = self.one(schemas);
                common::envelope(self.member, &json!({ "$ref": format!("#/components/schemas/{one}") }))
            }
        };
        schemas.insert(name.clone(), list);
        name
    }

    /// A room that calls were brought together in, and who is there.
    pub(super) fn with_participants(&self, schemas: &mut Map<String, Value>) -> String {
        let mut gathered = self.object();
        let participants =
            json!({ "type": "array", "items": { "$ref": "#/components/schemas/ConferenceParticipant" } });
        gathered["properties"]["participants"] = participants;
        if let Some(required) = gathered["required"].as_array_mut() {
            required.push("participants".into());
        }
        let name = format!("Gathered{}", self.name);
        schemas.insert(name.clone(), gathered);
        name
    }

    /// Everything that is always shown is required; a key's secret and a notification's request are not.
    fn object(&self) -> Value {
        let properties: Map<String, Value> = self.fields.iter().map(|row| (row.name.to_string(), field(row))).collect();
        let always = |row: &&&Row| !row.path.ends_with("Keys.json") && !ONLY_ALONE.contains(&row.name);
        let required: Vec<&str> = self.fields.iter().filter(always).map(|row| row.name).collect();
        json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
    }
}

/// What one notification shows and a list of them does not.
const ONLY_ALONE: [&str; 3] = ["request_variables", "response_headers", "response_body"];

/// The fields of what is at a path, or in the list there. A resource that stands at several paths has them at one.
fn fields(template: &'static str) -> Vec<&'static Row> {
    let stem = template.trim_end_matches(".json");
    let stem = if stem.ends_with('}') { stem.rsplit_once('/').map_or(stem, |(before, _)| before) } else { stem };
    let shown = |row: &&Row| row.kind == Kind::Field && row.standing != Standing::Absent;
    let here = |row: &&Row| {
        let below = row.path.strip_prefix(stem);
        below.is_some_and(|below| below == ".json" || (below.starts_with("/{") && !below[1..].contains('/')))
    };
    let mut found: Vec<_> = catalogue().filter(shown).filter(here).collect();
    if found.is_empty() {
        let same = names(template).0;
        let first = catalogue().filter(shown).find(|row| names(row.path).0 == same);
        found = catalogue().filter(shown).filter(|row| first.is_some_and(|first| first.path == row.path)).collect();
    }
    found
}

fn names(template: &str) -> (&'static str, &'static str) {
    path::parse(&filled(template)).place.names()
}

/// The last word of a path that stands in no braces.
fn last_word(template: &str) -> &str {
    let mut words = template.trim_end_matches(".json").split('/').rev();
    words.find(|word| !word.starts_with('{')).unwrap_or_default()
}

/// `CallRecording` below a call, `Recording` below the account.
fn schema_name(template: &str, one: &str) -> String {
    let mut words = template.trim_end_matches(".json").split('/').skip(4).filter(|word| !word.starts_with('{'));
    let (outer, inner) = (words.next().unwrap_or_default().trim_end_matches('s'), words.next());
    let stands_below =
        inner.is_some() && !one.starts_with(outer) && ["Call", "Conference", "Recording"].contains(&outer);
    if stands_below { format!("{outer}{one}") } else { one.to_string() }
}

/// The two letters of a SID by the word before it in a path.
const PREFIXES: [(&str, &str); 16] = [
    ("Accounts", "AC"),
    ("Calls", "CA"),
    ("Recordings", "RE"),
    ("Transcriptions", "TR"),
    ("Notifications", "NO"),
    ("Conferences", "CF"),
    ("Queues", "QU"),
    ("IncomingPhoneNumbers", "PN"),
    ("OutgoingCallerIds", "PN"),
    ("Applications", "AP"),
    ("Keys", "SK"),
    ("SigningKeys", "SK"),
    ("Messages", "SM"),
    ("Domains", "SD"),
    ("CredentialLists", "CL"),
    ("IpAccessControlLists", "AL"),
];

/// A path with SIDs of the right kinds in it.
pub(super) fn filled(template: &str) -> String {
    let mut before = "";
    let segments = template.split('/').map(|segment| {
        let prefix = PREFIXES.iter().find(|(word, _)| *word == before).map(|(_, prefix)| *prefix);
        before = segment;
        match (segment.strip_prefix('{').and_then(|rest| rest.split_once('}')), prefix) {
            (Some((_, end)), Some(prefix)) => format!("{prefix}{:0>32}{end}", ""),
            (Some((_, end)), None) => format!("ZZ{end}"),
            (None, _) => segment.to_string(),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// What stands in braces in a path.
pub(super) fn in_path(template: &'static str) -> Vec<Value> {
    let words: Vec<&str> = template.trim_end_matches(".json").split('/').collect();
    let pairs = words.windows(2).filter_map(|pair| {
        let name = pair[1].strip_prefix('{')?.strip_suffix('}')?;
        let prefix = PREFIXES.iter().find(|(word, _)| *word == pair[0]).map(|(_, prefix)| *prefix);
        // A room may go by its name, what runs beside a call by its own.
        let schema = match prefix
            .filter(|_| pair[0] != "Conferences" && !template.contains("/Calls/{CallSid}/Transcriptions/{"))
        {
            Some(prefix) => sid(prefix),
            None => json!({ "type": "string", "minLength": 1 }),
        };
        Some(json!({ "name": name, "in": "path", "required": true, "schema": schema }))
    });
    pairs.collect()
}

pub(super) fn in_query(row: &'static Row) -> Value {
    let mut parameter = json!({ "name": row.name, "in": "query", "required": row.required, "schema": of_words(row) });
    describe(&mut parameter, row);
    parameter
}

/// A form.
pub(super) fn body(rows: &[&'static Row]) -> Value {
    let property = |row: &&'static Row| {
        let mut schema = of_words(row);
        describe(&mut schema, row);
        (row.name.to_string(), schema)
    };
    let properties: Map<String, Value> = rows.iter().map(property).collect();
    let required: Vec<&str> = rows.iter().filter(|row| row.required).map(|row| row.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    json!({ "required": !required.is_empty(), "content": { "application/x-www-form-urlencoded": { "schema": schema } } })
}

/// Where it is not the same as the peers', why; where the words are no type, the words.
fn describe(schema: &mut Value, row: &Row) {
    let text = if is_prose(row) { format!("{}; {}", row.words, row.why) } else { row.why.to_string() };
    if !text.is_empty() {
        schema["description"] = text.into();
    }
}

/// Our own parameters have a sentence in place of a type.
fn is_prose(row: &Row) -> bool {
    row.kind == Kind::Parameter && row.why.starts_with("our own")
}

fn field(row: &'static Row) -> Value {
    let mut schema = match row.words {
        "" => json!({}),
        words => match words.strip_suffix('?') {
            Some(words) => or_null(typed(words)),
            None => typed(words),
        },
    };
    if !row.why.is_empty() {
        schema["description"] = row.why.into();
    }
    schema
}

fn of_words(row: &Row) -> Value {
    if is_prose(row) { json!({ "type": "string" }) } else { typed(row.words) }
}

fn typed(words: &str) -> Value {
    match words {
        "string" | "datetime" | "date" | "url" => json!({ "type": "string" }),
        "int" => json!({ "type": "integer" }),
        "bool" => json!({ "type": "boolean" }),
        "number" => json!({ "type": "number" }),
        "object" => json!({ "type": "object" }),
        "any" => json!({}),
        "day" => json!({ "type": "string", "format": "date" }),
        _ if words.starts_with("list of ") => json!({ "type": "array", "items": { "type": "string" } }),
        _ if words.len() == 2 && words.bytes().all(|byte| byte.is_ascii_uppercase()) => sid(words),
        _ => json!({ "type": "string", "enum": words.split(' ').collect::<Vec<_>>() }),
    }
}

fn sid(prefix: &str) -> Value {
    json!({ "type": "string", "pattern": format!("^{prefix}[0-9a-fA-F]{{32}}$") })
}

fn or_null(mut schema: Value) -> Value {
    if let Some(kind) = schema.get("type").cloned() {
        schema["type"] = json!([kind, "null"]);
    }
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
    schema
}
