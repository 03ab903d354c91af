//! The shapes of our resources against the public description of the API (OpenAPI), where that file is at hand: every
//! property there and none besides but our own, of the right type, null only where null is allowed. And its parameters.

use serde_json::Value;
use tipring_resources::CallStatus;

use crate::furnished::furnished;
use crate::support::*;

/// The description, or a loud word that it is missing.
fn description() -> Option<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance/twilio_api_v2010.json");
    match std::fs::read(path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(error) => {
            let required = std::env::var("TIPRING_REQUIRE").unwrap_or_default();
            assert!(!required.split(',').any(|part| part == "conformance"), "{path}: {error}");
            eprintln!("SKIP: shapes are not compared with the public description: {path}: {error}");
            None
        }
    }
}

/// What our calls, accounts and keys say beside the peers' fields.
const OURS: &[(&str, &[&str])] = &[
    (
        "api.v2010.account.call",
        &["answer_certainty", "answer_supervision", "hangup_cause", "hangup_evidence", "line", "trunk"],
    ),
    ("api.v2010.account", &["settings"]),
    ("api.v2010.account.key", &["scope"]),
    ("api.v2010.account.signing_key", &["scope"]),
];

/// What is wrong with `value` by the schema; empty: nothing.
fn faults(description: &Value, name: &str, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let properties = description["components"]["schemas"][name]["properties"].as_object().unwrap();
    let shown = value.as_object().unwrap();
    faults.extend(properties.keys().filter(|key| !shown.contains_key(*key)).map(|key| format!("{key} is missing")));
    for (key, value) in shown {
        match properties.get(key) {
            None if OURS.iter().any(|(of, ours)| *of == name && ours.contains(&key.as_str())) => {}
            None => faults.push(format!("{key} is too much")),
            Some(schema) => faults.extend(fault(description, schema, value).map(|text| format!("{key}: {text}"))),
        }
    }
    faults
}

fn fault(description: &Value, schema: &Value, value: &Value) -> Option<String> {
    let referred = schema["$ref"].as_str().and_then(|link| link.rsplit('/').next());
    let schema = referred.map_or(schema, |name| &description["components"]["schemas"][name]);
    if value.is_null() {
        return (schema["nullable"] != true).then(|| "null is not allowed".to_string());
    }
    let fits = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        _ => true,
    };
    if !fits {
        return Some(format!("{value} is no {}", schema["type"]));
    }
    if schema["format"] == "uri" && !value.as_str().is_some_and(|text| text.contains("://")) {
        return Some(format!("{value} is no URI"));
    }
    if let Some(pattern) = schema["pattern"].as_str().and_then(|text| text.strip_suffix("[0-9a-fA-F]{32}$")) {
        let text = value.as_str().unwrap_or_default();
        let prefixes = pattern.strip_prefix('^').unwrap_or_default().trim_matches(['(', ')']);
        let sound = prefixes.split('|').any(|prefix| text.starts_with(prefix)) && text.len() == 34;
        return (!sound).then(|| format!("{text} is not {pattern}…"));
    }
    let allowed = schema["enum"].as_array()?;
    (!allowed.contains(value)).then(|| format!("{value} is none of {allowed:?}"))
}

#[tokio::test]
async fn every_resource_has_the_public_shape() {
    let Some(description) = description() else { return };
    let desk = furnished().await;
    let call = "/Calls/CA00000000000000000000000000000001";
    for (schema, path) in [
        ("api.v2010.account", ".json".to_string()),
        ("api.v2010.account.call", format!("{call}.json")),
        ("api.v2010.account.call", "/Calls/CA00000000000000000000000000000002.json".into()),
        ("api.v2010.account.recording", "/Recordings/RE00000000000000000000000000000001.json".into()),
        ("api.v2010.account.call.call_recording", format!("{call}/Recordings/RE00000000000000000000000000000001.json")),
        (
            "api.v2010.account.incoming_phone_number",
            "/IncomingPhoneNumbers/PN00000000000000000000000000000001.json".into(),
        ),
        ("api.v2010.account.notification-instance", "/Notifications/NO00000000000000000000000000000001.json".into()),
        (
            "api.v2010.account.call.call_notification-instance",
            format!("{call}/Notifications/NO00000000000000000000000000000001.json"),
        ),
        // Of one that is over: before, the description would have a reason for an end that has not come.
        ("api.v2010.account.conference", "/Conferences/CF00000000000000000000000000000002.json".into()),
        (
            "api.v2010.account.conference.participant",
            "/Conferences/Room%20A/Participants/CA00000000000000000000000000000001.json".into(),
        ),
        (
            "api.v2010.account.conference.conference_recording",
            "/Conferences/CF00000000000000000000000000000001/Recordings/RE00000000000000000000000000000001.json".into(),
        ),
        ("api.v2010.account.queue", "/Queues/QU00000000000000000000000000000001.json".into()),
        ("api.v2010.account.queue.member", "/Queues/QU00000000000000000000000000000001/Members/Front.json".into()),
        ("api.v2010.account.application", "/Applications/AP00000000000000000000000000000001.json".into()),
        ("api.v2010.account.outgoing_caller_id", "/OutgoingCallerIds/PN00000000000000000000000000000002.json".into()),
        ("api.v2010.account.key", "/Keys/SK00000000000000000000000000000001.json".into()),
        ("api.v2010.account.signing_key", "/SigningKeys/SK00000000000000000000000000000001.json".into()),
        ("api.v2010.account.transcription", "/Transcriptions/TR00000000000000000000000000000001.json".into()),
        (
            "api.v2010.account.recording.recording_transcription",
            "/Recordings/RE00000000000000000000000000000001/Transcriptions/TR00000000000000000000000000000001.json"
                .into(),
        ),
        ("api.v2010.account.message", "/Messages/SM00000000000000000000000000000001.json".into()),
        ("api.v2010.account.balance", "/Balance.json".into()),
    ] {
        let got = desk.get(&path).await.json();
        assert_eq!(faults(&description, schema, &got), Vec::<String>::new(), "{path}");
    }
    for (schema, member, path) in [
        ("api.v2010.account.notification", "notifications", "/Notifications.json".to_string()),
        ("api.v2010.account.call.call_notification", "notifications", format!("{call}/Notifications.json")),
        ("api.v2010.account.call.call_event", "events", format!("{call}/Events.json")),
        ("api.v2010.account.usage.usage_record", "usage_records", "/Usage/Records.json".into()),
        (
            "api.v2010.account.available_phone_number_country.available_phone_number_local",
            "available_phone_numbers",
            "/AvailablePhoneNumbers/ZZ/Local.json".into(),
        ),
    ] {
        let got = desk.get(&path).await.json();
        assert_eq!(faults(&description, schema, &got[member][0]), Vec::<String>::new(), "{path}");
    }
}

#[tokio::test]
async fn every_public_parameter_of_a_call_is_read_or_said_to_be_passed_over() {
    let Some(description) = description() else { return };
    let desk = Desk::new().await;
    let value = |name: &str| match name {
        "Record" | "AsyncAmd" => "true",
        "Method" | "FallbackMethod" | "StatusCallbackMethod" => "GET",
        "RecordingStatusCallbackMethod" | "AsyncAmdStatusCallbackMethod" => "POST",
        "StatusCallbackEvent" | "RecordingStatusCallbackEvent" => "completed",
        "RecordingChannels" => "dual",
        "RecordingTrack" => "both",
        "Trim" => "trim-silence",
        "Twiml" => "<Response/>",
        "MachineDetection" => "Enable",
        "MachineDetectionSpeechThreshold" | "MachineDetectionSpeechEndThreshold" | "MachineDetectionSilenceTimeout" => {
            "2000"
        }
        name if name.contains("Url") || name.ends_with("Callback") => "http://app/",
        _ => "30",
    };
    for (path, place, status) in [
        ("/2010-04-01/Accounts/{AccountSid}/Calls.json", "/Calls.json".to_string(), 201),
        (
            "/2010-04-01/Accounts/{AccountSid}/Calls/{Sid}.json",
            format!("/Calls/{}.json", call(1, CallStatus::InProgress).sid),
            200,
        ),
    ] {
        desk.live.goes_on(call(1, CallStatus::InProgress));
        let body = &description["paths"][path]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"];
        let properties = body["schema"]["properties"].as_object().unwrap();
        let names = properties.keys().filter(|name| !["ApplicationSid", "Status"].contains(&name.as_str()));
        let form: Vec<String> = names.map(|name| format!("{name}={}", value(name))).collect();
        assert!(form.len() >= 8, "{path}");
        let got = desk.post(&place, &form.join("&")).await;
        assert_eq!(got.status.as_u16(), status, "{path}: {got:?}");
        assert_eq!(faults(&description, "api.v2010.account.call", &got.json()), Vec::<String>::new());
    }
    let list = desk.get("/Notifications.json").await.json();
    let mut texts: Vec<&str> =
        list["notifications"].as_array().unwrap().iter().map(|one| one["message_text"].as_str().unwrap()).collect();
    texts.sort_unstable();
    let passed = "passed over: CallReason, CallToken, ClientNotificationUrl, SipAuthPassword, SipAuthUsername";
    let both = "Url and Twiml are both given: leave one out: Url was used";
    assert_eq!(texts, [both, both, passed]);
}

#[tokio::test]
async fn the_comparison_can_fail() {
    let Some(description) = description() else { return };
    let desk = furnished().await;
    let mut call = desk.get("/Calls/CA00000000000000000000000000000001.json").await.json();
    call["duration"] = Value::from(4);
    call["status"] = Value::from("over");
    call["sid"] = Value::from("RE1");
    call["surplus"] = Value::Null;
    call.as_object_mut().unwrap().remove("uri");
    assert_eq!(faults(&description, "api.v2010.account.call", &call).len(), 5);
}
