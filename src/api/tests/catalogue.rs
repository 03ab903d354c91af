//! The running API is what the catalogue says.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use serde_json::Value;
use tipring_api::{RowKind, Standing, catalogue};

use crate::furnished::furnished;
use crate::support::*;

/// A template with the names of things that are there.
pub fn filled(template: &str) -> String {
    let mut before = "";
    let segments = template.split('/').map(|segment| {
        if let ("Lines" | "Spans", "{Name}.json") = (before, segment) {
            let name = if before == "Lines" { "dahdi%201%2F1.json" } else { "dahdi%201.json" };
            return name.to_string();
        }
        let named = match (before, segment.split('.').next().unwrap_or_default()) {
            ("Accounts", "{AccountSid}" | "{Sid}") => "AC1",
            ("Calls", "{CallSid}" | "{Sid}") => "CA1",
            ("Participants", _) => "CA1",
            ("Members", _) => "CA2",
            ("Recordings", "{RecordingSid}" | "{Sid}") => "RE1",
            ("Conferences", "{ConferenceSid}" | "{Sid}") => "CF1",
            ("Queues", "{QueueSid}" | "{Sid}") => "QU1",
            ("IncomingPhoneNumbers", "{Sid}") => "PN1",
            ("OutgoingCallerIds", "{Sid}") => "PN2",
            ("Applications", "{Sid}") => "AP1",
            ("Notifications", "{Sid}") => "NO1",
            ("Keys" | "SigningKeys", "{Sid}") => "SK1",
            ("Transcriptions", "{Sid}") => "TR1",
            ("Messages", "{Sid}") => "SM1",
            ("Streams", "{Sid}") => "MZ1",
            ("Siprec", "{Sid}") => "SR1",
            ("AvailablePhoneNumbers", "{CountryCode}") => "ZZ",
            _ => "",
        };
        before = segment;
        let end = segment.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(_, end)| end);
        match (named, named.split_at_checked(2)) {
            ("", _) => segment.to_string(),
            ("ZZ", _) => format!("ZZ{end}"),
            (_, Some((prefix, id))) => format!("{prefix}{id:0>32}{end}"),
            _ => segment.to_string(),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_operation_of_the_catalogue_is_known() {
    let desk = furnished().await;
    let mut asked = 0;
    for row in catalogue().filter(|row| row.kind == RowKind::Operation) {
        let path = filled(row.path);
        if path.contains("/SIP/") && row.standing == Standing::Absent && path.contains('{') {
            continue;
        }
        assert!(!path.contains('{'), "{path}");
        if path.ends_with("/EventStream") {
            // Its answer has no end: the tests of the feed read it.
            continue;
        }
        let fresh = if row.method == "DELETE" { Some(furnished().await) } else { None };
        let desk = fresh.as_ref().unwrap_or(&desk);
        let got = desk.send(request(row.method, &path).body(Body::empty()).unwrap()).await;
        assert!(!matches!(got.status.as_u16(), 404 | 405 | 500), "{} {path}: {}", row.method, got.status);
        let refused = got.status.is_client_error() || got.status.is_server_error();
        assert!(refused || row.standing != Standing::Absent, "{} {path} is there after all", row.method);
        asked += 1;
    }
    assert!(asked > 80, "{asked}");
}

#[tokio::test]
async fn every_field_of_the_catalogue_is_shown_and_no_other() {
    let desk = furnished().await;
    let mut fields: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let shown =
        |row: &&tipring_api::Row| row.kind == RowKind::Field && row.method == "GET" && row.standing != Standing::Absent;
    for row in catalogue().filter(shown) {
        fields.entry(row.path).or_default().insert(row.name);
    }
    assert!(fields.len() > 18, "{}", fields.len());
    for (path, wanted) in fields {
        let got = desk.send(request("GET", &filled(path)).body(Body::empty()).unwrap()).await.json();
        let one = match got.get("page") {
            Some(_) => got.as_object().unwrap().values().find_map(Value::as_array).unwrap()[0].clone(),
            None => got,
        };
        let names: BTreeSet<&str> = one.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, wanted, "{path}");
    }
}
