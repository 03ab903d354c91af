//! What all resources have in common, and the few shapes that the catalogue has no rows for.

use serde_json::{Map, Value, json};

/// The one error shape, and answers that are no resource.
pub(super) fn schemas() -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let mut schemas = Map::new();
    schemas.insert(
        "Error".into(),
        json!({
            "type": "object",
            "required": ["code", "message", "more_info", "status"],
            "properties": {
                "code": { "type": "integer" },
                "message": text,
                "more_info": { "type": "string", "format": "uri-reference" },
                "status": { "type": "integer" },
            },
        }),
    );
    schemas.insert(
        "ValidationRequest".into(),
        object(&["account_sid", "call_sid", "friendly_name", "phone_number", "validation_code"]),
    );
    schemas
}

/// The shape of an answer that the catalogue has no fields of: texts alone.
pub(super) fn unlisted(name: &str) -> Option<Value> {
    match name {
        "RecordingLink" => Some(object(&["account_sid", "recording_sid", "date_expires", "url"])),
        _ => None,
    }
}

fn object(names: &[&str]) -> Value {
    let properties: Map<String, Value> =
        names.iter().map(|name| ((*name).to_string(), json!({ "type": "string" }))).collect();
    json!({ "type": "object", "required": names, "properties": properties, "additionalProperties": false })
}

/// The envelope of a page.
pub(super) fn envelope(member: &str, item: &Value) -> Value {
    let number = json!({ "type": "integer", "minimum": 0 });
    let link = json!({ "type": "string", "format": "uri-reference" });
    let maybe = json!({ "type": ["string", "null"], "format": "uri-reference" });
    json!({
        "type": "object",
        "required": ["page", "page_size", "start", "end", "uri", "first_page_uri", "next_page_uri",
                     "previous_page_uri", member],
        "properties": {
            "page": number, "page_size": number, "start": number, "end": number,
            "uri": link, "first_page_uri": link, "next_page_uri": maybe, "previous_page_uri": maybe,
            member: { "type": "array", "items": item },
        },
        "additionalProperties": false,
    })
}

/// The one list that is no page: the countries that the box has numbers of.
pub(super) fn countries() -> Value {
    json!({
        "type": "object",
        "required": ["countries", "uri"],
        "properties": {
            "countries": { "type": "array", "items": { "type": "object" } },
            "uri": { "type": "string", "format": "uri-reference" },
        },
        "additionalProperties": false,
    })
}

/// What every list can be asked for.
pub(super) fn paging() -> [Value; 3] {
    let one = |name: &str, schema: Value| json!({ "name": name, "in": "query", "schema": schema });
    [
        one(
            "PageSize",
            json!({ "type": "integer", "minimum": 1, "maximum": tipring_store::PAGE_SIZE_MAX, "default": 50 }),
        ),
        one("Page", json!({ "type": "integer", "minimum": 0 })),
        one("PageToken", json!({ "type": "string" })),
    ]
}

/// An answer of this shape.
pub(super) fn shown(reference: &str) -> Value {
    json!({ "description": "As it is now", "content": { "application/json": { "schema": { "$ref": reference } } } })
}

/// Whatever is not done.
pub(super) fn error() -> Value {
    json!({
        "description": "It was not done: `more_info` leads to what the code means and what to do",
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
    })
}

/// What happens, for as long as somebody listens.
pub(super) fn events() -> Value {
    let told =
        "Server-Sent Events without end: each has an id, a type, and as data the type, the account and the resource";
    json!({ "description": told, "content": { "text/event-stream": { "schema": { "type": "string" } } } })
}

pub(super) fn credentials() -> Value {
    json!({
        "type": "http",
        "scheme": "basic",
        "description": "An account's SID and token, or a key's SID and secret",
    })
}
