//! The description of the API: it is committed, it is complete, and the running API keeps it.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;
use tipring_api::{RowKind, Standing, catalogue, openapi};
use tipring_resources::{ConferenceStatus, SidKind};
use tipring_router::Reply;

use crate::catalogue::filled;
use crate::furnished::{conference, furnished, participant, sid};
use crate::support::*;

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api/openapi.json");

#[test]
fn the_committed_description_is_what_the_catalogue_makes() {
    let made = format!("{:#}\n", openapi());
    if std::env::var_os("TIPRING_WRITE").is_some() {
        std::fs::write(COMMITTED, &made).unwrap();
    }
    let committed: Value = serde_json::from_slice(&std::fs::read(COMMITTED).unwrap()).unwrap();
    assert!(
        committed == openapi(),
        "docs/api/openapi.json is old: TIPRING_WRITE=1 cargo test -p tipring-api --test main openapi"
    );
}

#[test]
fn every_operation_is_described_once_and_every_reference_leads_somewhere() {
    let described = openapi();
    let mut ids = BTreeSet::new();
    let mut operations = 0;
    for row in catalogue().filter(|row| row.kind == RowKind::Operation) {
        let operation = &described["paths"][row.path][row.method.to_lowercase()];
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{} {}", row.method, row.path));
        assert!(ids.insert(id.to_string()), "{id} stands twice");
        operations += 1;
    }
    assert!(operations > 100, "{operations}");
    let mut references = BTreeSet::new();
    collect(&described, &mut references);
    assert!(references.len() > 40, "{}", references.len());
    for reference in references {
        assert!(described.pointer(&reference[1..]).is_some(), "{reference} leads nowhere");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_string));
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(members) => members.iter().for_each(|member| collect(member, references)),
        _ => {}
    }
}

#[tokio::test]
async fn the_description_and_the_page_need_no_credentials() {
    let desk = Desk::new().await;
    let bare = |path: &str| Request::builder().uri(path.to_string()).body(Body::empty()).unwrap();
    let got = desk.send(bare("/openapi.json")).await;
    assert_eq!((got.status, got.json()), (StatusCode::OK, openapi()));
    let got = desk.send(bare("/docs")).await;
    let page = String::from_utf8(got.body.to_vec()).unwrap();
    assert_eq!(got.status, StatusCode::OK);
    for row in catalogue() {
        assert!(page.contains(format!("{} {}", if row.name.is_empty() { row.method } else { "" }, row.path).trim()));
        let is_told = row.kind == RowKind::Parameter && row.standing != Standing::Absent;
        assert!(!is_told || page.contains(&row.name.replace('<', "&lt;").replace('>', "&gt;")), "{row:?}");
    }
    assert!(!page.contains("src=") && !page.contains("<script") && page.contains("B=http://box;"), "{page}");
}

/// What is wrong with an answer by its schema.
fn faults(described: &Value, schema: &Value, value: &Value, at: &str, faults_so_far: &mut Vec<String>) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => described.pointer(&reference[1..]).unwrap(),
        None => schema,
    };
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let fits = |kind: &&str| match *kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        kind => panic!("{kind}"),
    };
    if !kinds.is_empty() && !kinds.iter().any(fits) {
        faults_so_far.push(format!("{at}: {value} is no {kinds:?}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        faults_so_far.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && (text.len() != 34 || !text.starts_with(&pattern[1..3]))
    {
        faults_so_far.push(format!("{at}: {text} is not {pattern}"));
    }
    for one in value.as_array().into_iter().flatten() {
        faults(described, &schema["items"], one, at, faults_so_far);
    }
    let (Some(members), Some(properties)) = (value.as_object(), schema["properties"].as_object()) else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            faults_so_far.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, member) in members {
        match properties.get(name) {
            Some(schema) => faults(described, schema, member, &format!("{at}.{name}"), faults_so_far),
            None => faults_so_far.push(format!("{at}: {name} is not described")),
        }
    }
}

fn checked(described: &Value, path: &str, method: &str, got: &Got, found: &mut Vec<String>) {
    let responses = &described["paths"][path][method.to_lowercase()]["responses"];
    let status = got.status.as_u16().to_string();
    let refused = got.status.is_client_error() || got.status.is_server_error();
    let content = match (responses.get(&status), refused) {
        (Some(response), _) => &response["content"],
        (None, true) => &described["components"]["responses"]["Error"]["content"],
        (None, false) => return found.push(format!("{method} {path}: {status} is not described")),
    };
    if got.status != StatusCode::NO_CONTENT {
        faults(described, &content["application/json"]["schema"], &got.json(), &format!("{method} {path}"), found);
    }
}

#[tokio::test]
async fn every_answer_is_as_described() {
    let (desk, described) = (furnished().await, openapi());
    let mut found = Vec::new();
    for row in catalogue().filter(|row| row.kind == RowKind::Operation && row.method != "DELETE") {
        let path = filled(row.path);
        // What has no end, the tests of the feed read.
        if !path.contains('{') && !path.ends_with("/EventStream") {
            let got = desk.send(request(row.method, &path).body(Body::empty()).unwrap()).await;
            checked(&described, row.path, row.method, &got, &mut found);
        }
    }
    for (path, form) in [
        ("/Applications.json", "FriendlyName=a"),
        ("/Keys.json", "FriendlyName=a"),
        ("/OutgoingCallerIds.json", "PhoneNumber=%2B12025550177&Verify=false"),
        ("/OutgoingCallerIds.json", "PhoneNumber=%2B12025550178"),
        ("/IncomingPhoneNumbers.json", "PhoneNumber=%2B12025550101"),
        ("/Calls.json", "To=%2B12025550111&From=%2B12025550100&Url=http://app/"),
        ("/Recordings/{Sid}/Links.json", "ExpiresIn=60"),
    ] {
        let template = format!("/2010-04-01/Accounts/{{AccountSid}}{path}");
        let got = desk.post(&filled(&template), form).await;
        assert!(got.status.is_success(), "{path}: {got:?}");
        checked(&described, &template, "POST", &got, &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What the router changes is shown as described too: of a room with those who were brought there, for one.
#[tokio::test]
async fn every_answer_of_the_router_is_as_described() {
    let (desk, described) = (furnished().await, openapi());
    let mut found = Vec::new();
    let room = || Box::new(conference(1, "Room A", ConferenceStatus::InProgress));
    let call = sid(SidKind::Call, 1);
    for (path, form, reply) in [
        (
            "/Conferences.json",
            format!("FriendlyName=Room+A&CallSid={call}"),
            Reply::Participants(room(), vec![participant()]),
        ),
        ("/Conferences/{Sid}.json", "Status=completed".into(), Reply::Conference(room())),
        (
            "/Conferences/{ConferenceSid}/Participants.json",
            format!("CallSid={call}"),
            Reply::Participant(Box::new(participant())),
        ),
        (
            "/Conferences/{ConferenceSid}/Participants/{CallSid}.json",
            "Muted=true".into(),
            Reply::Participant(Box::new(participant())),
        ),
    ] {
        let template = format!("/2010-04-01/Accounts/{{AccountSid}}{path}");
        *desk.live.answers.lock().unwrap() = Some(reply);
        let got = desk.post(&filled(&template), &form).await;
        assert!(got.status.is_success(), "{path}: {got:?}");
        checked(&described, &template, "POST", &got, &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn an_answer_can_break_the_description() {
    let described = openapi();
    let mut found = Vec::new();
    let key = serde_json::json!({ "sid": "CA1", "friendly_name": 3, "more": null, "scope": "read" });
    faults(&described, &serde_json::json!({ "$ref": "#/components/schemas/Key" }), &key, "key", &mut found);
    assert_eq!(found.len(), 5, "{found:?}");
}

#[test]
fn a_schema_requires_each_member_once() {
    fn twice(value: &Value, path: &str, found: &mut Vec<String>) {
        if let Some(names) = value["required"].as_array() {
            let once: BTreeSet<String> = names.iter().map(ToString::to_string).collect();
            if once.len() != names.len() {
                found.push(path.to_string());
            }
        }
        let members = value.as_object().into_iter().flatten().map(|(name, below)| (name.clone(), below));
        let items = value.as_array().into_iter().flatten().enumerate().map(|(at, below)| (at.to_string(), below));
        members.chain(items).for_each(|(name, below)| twice(below, &format!("{path}/{name}"), found));
    }
    let mut found = Vec::new();
    twice(&openapi(), "", &mut found);
    assert_eq!(found, Vec::<String>::new());
}
