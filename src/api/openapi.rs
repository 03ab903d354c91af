//! The API describes itself: an OpenAPI 3.1 document, made from the [`catalogue`](crate::catalogue). It decides nothing:
//! what the catalogue does not say is the same for all resources (envelope, error, credentials) and stands in `common.rs`.

mod common;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::catalogue::{Kind, Row, Standing, catalogue};
use crate::{path, serve};
use schema::Shape;

/// The document as it is served and committed.
pub fn openapi() -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut schemas = common::schemas();
    for row in catalogue().filter(|row| row.kind == Kind::Operation) {
        let item = paths.entry(row.path).or_default();
        item.entry("parameters").or_insert_with(|| Value::Array(schema::in_path(row.path)));
        item.insert(row.method.to_lowercase(), operation(row, &mut schemas));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "tipring",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Calls, recordings, rooms, queues and numbers of this box. What is the same as the peers' and \
                            what is not: docs/reference/compatibility.md.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "This box" }],
        "security": [{ "basicAuth": [] }],
        "tags": tags().into_iter().map(|tag| json!({ "name": tag })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": { "Error": common::error() },
            "securitySchemes": { "basicAuth": common::credentials() },
        },
    })
}

/// `/openapi.json`. It is made once: the catalogue does not change while the box runs.
pub(crate) async fn document() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| format!("{:#}\n", openapi()));
    serve::text(StatusCode::OK, text.clone(), "application/json")
}

/// The resources, each with its operations together.
pub(crate) fn tags() -> BTreeSet<&'static str> {
    catalogue().filter(|row| row.kind == Kind::Operation).map(|row| tag(row.path)).collect()
}

/// The resource that a path belongs to: the first word below the account.
pub(crate) fn tag(path: &'static str) -> &'static str {
    let below = path.strip_prefix(BELOW_ACCOUNT).unwrap_or("Accounts");
    below.split(['/', '.']).next().unwrap_or(below)
}

/// The parameters of an operation that are read, those that must be given first.
pub(crate) fn parameters(of: &Row) -> Vec<&'static Row> {
    let own = |row: &&Row| {
        row.kind == Kind::Parameter
            && (row.path, row.method) == (of.path, of.method)
            && row.standing != Standing::Absent
    };
    let mut rows: Vec<_> = catalogue().filter(own).collect();
    rows.sort_by_key(|row| !row.required);
    rows
}

/// Whether the last word of a path names a collection.
pub(crate) fn is_list(row: &Row) -> bool {
    !row.path.ends_with("}.json") && !row.path.ends_with("/Balance.json") && !is_stream(row)
}

/// Whether the answer has no end.
fn is_stream(row: &Row) -> bool {
    row.path.ends_with("/EventStream")
}

fn operation(row: &'static Row, schemas: &mut Map<String, Value>) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), operation_id(row).into());
    operation.insert("tags".into(), json!([tag(row.path)]));
    operation.insert("summary".into(), summary(row).into());
    if !row.why.is_empty() {
        operation.insert("description".into(), row.why.into());
    }
    let rows = parameters(row);
    match row.method {
        "GET" => {
            let mut query: Vec<Value> = rows.into_iter().map(schema::in_query).collect();
            if is_list(row) && !row.path.ends_with("/AvailablePhoneNumbers.json") && row.standing != Standing::Absent {
                query.extend(common::paging());
            }
            operation.insert("parameters".into(), query.into());
        }
        "POST" => drop(operation.insert("requestBody".into(), schema::body(&rows))),
        _ => {}
    }
    operation.insert("responses".into(), Value::Object(responses(row, schemas)));
    Value::Object(operation)
}

fn responses(row: &'static Row, schemas: &mut Map<String, Value>) -> Map<String, Value> {
    let mut responses = Map::new();
    responses.insert("default".into(), json!({ "$ref": "#/components/responses/Error" }));
    if row.standing == Standing::Absent {
        return responses;
    }
    if row.method == "DELETE" {
        responses.insert("204".into(), json!({ "description": "It is gone" }));
        return responses;
    }
    if is_stream(row) {
        responses.insert("200".into(), common::events());
        responses.insert("101".into(), json!({ "description": "A WebSocket, where the request asks for one" }));
        return responses;
    }
    let shape = Shape::of(row.path);
    let shown = |name: &str| common::shown(&format!("#/components/schemas/{name}"));
    if row.method == "GET" && is_list(row) {
        responses.insert("200".into(), shown(&shape.list(schemas)));
        return responses;
    }
    let one = shape.one(schemas);
    if row.method == "GET" || !is_list(row) {
        responses.insert("200".into(), shown(&one));
        return responses;
    }
    match row.path.rsplit('/').next().unwrap_or_default() {
        "Streams.json" | "Transcriptions.json" => drop(responses.insert("200".into(), shown(&one))),
        "OutgoingCallerIds.json" => {
            responses.insert("200".into(), shown("ValidationRequest"));
            responses.insert("201".into(), shown(&one));
        }
        "Conferences.json" => drop(responses.insert("201".into(), shown(&shape.with_participants(schemas)))),
        _ => drop(responses.insert("201".into(), shown(&one))),
    }
    responses
}

/// The verb, as it is named in an id.
fn verb(row: &Row) -> &'static str {
    match (row.method, is_list(row)) {
        ("GET", true) => "list",
        ("GET", false) => "fetch",
        ("POST", true) => "create",
        ("POST", false) => "update",
        _ => "delete",
    }
}

/// The verb and the path's own words: no two operations have the same.
fn operation_id(row: &Row) -> String {
    let below = row.path.strip_prefix(BELOW_ACCOUNT).unwrap_or("Accounts");
    let words = below.trim_end_matches(".json").split('/').filter(|word| !word.starts_with('{'));
    format!("{}{}", verb(row), words.collect::<String>())
}

fn summary(row: &Row) -> String {
    let (one, many) = path::parse(&schema::filled(row.path)).place.names();
    match (row.standing, verb(row)) {
        (Standing::Absent, _) => "Not on this box: always refused".into(),
        _ if is_stream(row) => "What happens, as it happens".into(),
        (_, "list") => format!("The {}, in pages", many.replace('_', " ")),
        (_, "fetch") => format!("One {one}"),
        (_, "create") => format!("Makes one {one}"),
        (_, "update") => format!("Changes one {one}"),
        _ => format!("Takes one {one} away"),
    }
}

/// How most paths begin.
const BELOW_ACCOUNT: &str = "/2010-04-01/Accounts/{AccountSid}/";
