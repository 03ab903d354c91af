//! The catalogue tells the truth: what it calls read is read and changes something, what it calls absent is said.

use std::collections::HashSet;

use super::*;
use crate::catalogue::{Row, Standing, catalogue};

/// Attributes without which an element is nothing, or without which another one has no effect.
fn companions(element: &str, attribute: &str) -> &'static str {
    match (element, attribute) {
        ("Say>lang", "") => "xml:lang='en'",
        ("Say>phoneme", "" | "alphabet") => "ph='a'",
        ("Say>say-as", "" | "format" | "detail") => "interpret-as='date'",
        ("Say>sub", "") => "alias='y'",
        ("Connect>Stream" | "Start>Stream", attribute) if attribute != "url" => "url='/s'",
        (_, "value") => "name='n'",
        (element, "") if element.ends_with(">Parameter") => "name='n'",
        ("Dial>Number" | "Dial>Sip", attribute)
            if attribute.starts_with("machineDetection") && attribute.len() > 16 =>
        {
            "machineDetection='Enable'"
        }
        _ => "",
    }
}

/// What an element holds.
fn content(element: &str, attribute: &str) -> &'static str {
    match element {
        "Response" => "",
        "Say" => "a",
        "Play" if attribute != "digits" => "a.wav",
        "Dial" => "\n<Number>1</Number>",
        "Dial>Number" => "1",
        "Dial>Sip" | "Dial>Sip>Uri" | "Refer>Sip" => "sip:a@b",
        "Refer" => "\n<Sip>sip:a@b</Sip>",
        "Connect" | "Start" => "\n<Stream url='/s'/>",
        "Stop" => "\n<Stream/>",
        "Start>Transcription" | "Start>Siprec" | "Start>Recording" | "Start>Stream" | "Connect>Stream" => "",
        "Pause" | "Gather" | "Record" | "Reject" | "Hangup" | "Leave" | "Echo" | "Say>break" | "Play" => "",
        element if element.starts_with("Stop>") || element.contains(">Parameter") || element.ends_with(">Config") => "",
        _ => "x",
    }
}

/// What an element needs beside the child that is looked at: attributes and text.
fn beside(element: &str, child: &str) -> (&'static str, &'static str) {
    match (element, child) {
        ("Dial>Client", "Parameter") => ("", "c"),
        ("Connect>Stream" | "Start>Stream", _) => ("url='/s'", ""),
        ("Say", _) => ("", "a "),
        ("Enqueue", _) => ("", "q"),
        ("Message", "Media") => ("", "<Body>b</Body>"),
        _ => ("", ""),
    }
}

/// A document that has the element with these attributes.
fn document(row: &Row, attributes: &str) -> String {
    let names: Vec<&str> = row.element.split('>').collect();
    let last = names[names.len() - 1];
    let mut text = format!("<{last} {attributes}>{}</{last}>", content(row.element, row.attribute));
    for depth in (1..names.len()).rev() {
        let (outer, path) = (names[depth - 1], names[..depth].join(">"));
        let (attributes, words) = beside(&path, names[depth]);
        text = format!("<{outer} {attributes}>{words}{text}</{outer}>");
    }
    if row.element == "Response" { text } else { format!("<Response>{text}</Response>") }
}

/// A sound value that is not the default.
fn sample(row: &Row) -> &'static str {
    match (row.element, row.attribute) {
        ("Response", "version") => "2010-04-01",
        ("Say>break", "strength") => "strong",
        ("Say>break", "time") => "500ms",
        ("Say>emphasis", "level") => "reduced",
        ("Say>phoneme", "alphabet") => "x-sampa",
        ("Say>prosody", "volume") => "+6dB",
        ("Say>prosody", "rate") => "80%",
        ("Say>prosody", "duration") => "1.5s",
        ("Say>prosody", _) => "-2st",
        (_, "method" | "referMethod" | "waitMethod" | "waitUrlMethod" | "partialResultCallbackMethod") => "GET",
        (_, "statusCallbackMethod" | "recordingStatusCallbackMethod" | "amdStatusCallbackMethod") => "GET",
        (_, "digits" | "sendDigits") => "1w#",
        ("Gather", "input") => "dtmf speech",
        ("Gather", "finishOnKey") | ("Record", "finishOnKey") => "*",
        (_, "recordingStatusCallbackEvent") => "in-progress absent",
        ("Dial>Conference", "statusCallbackEvent") => "start leave",
        (_, "statusCallbackEvent") => "initiated answered",
        (_, "action" | "waitUrl" | "url") => "/a",
        ("Start>Recording", "track") => "outbound",
        ("Connect>Stream", "track") => "inbound_track",
        ("Start>Stream", "track") => "both_tracks",
        (_, "track") => "outbound_track",
        (_, "recordingTrack") => "inbound",
        (_, "channels") => "mono",
        ("Dial", "trim") => "trim-silence",
        (_, "trim") => "do-not-trim",
        ("Dial", "record") => "record-from-ringing-dual",
        (_, "record") => "record-from-start",
        (_, "ringTone") => "us-old",
        (_, "beep") => "onExit",
        (_, "coach") => "CA0123456789abcdef0123456789ABCDEF",
        (_, "jitterBufferSize") => "off",
        (_, "reason") => "busy",
        (_, "type") => "subscriber",
        (_, "presentation") => "restricted",
        (_, "machineDetection") => "DetectMessageEnd",
        (_, "machineDetectionSpeechThreshold" | "machineDetectionSilenceTimeout") => "3000",
        (_, "machineDetectionSpeechEndThreshold") => "900",
        (_, "startConferenceOnEnter" | "playBeep" | "bargeIn") => "false",
        (_, "profanityFilter" | "enableAutomaticPunctuation") => "false",
        (_, "endConferenceOnExit" | "muted" | "transcribe" | "partialResults" | "enhanced" | "debug") => "true",
        (_, "actionOnEmptyResult" | "hangupOnStar" | "answerOnBridge" | "sequential") => "true",
        (_, "hints") => "yes, no",
        (_, "xml:lang") => "de",
        (_, "languageCode" | "language" | "transcribeLanguage") => "de-DE",
        _ => "7",
    }
}

/// Attributes that change nothing but are checked: what a wrong value is answered with.
const CHECKED: [(&str, &str, u32); 2] = [("Response", "version", 12101), ("Connect>Stream", "track", 31941)];

/// Codes of all complaints, a fatal one too.
fn codes(text: &str) -> Vec<u32> {
    match parse(text.as_bytes(), None) {
        Ok(document) => document.notes.iter().map(|note| note.code).collect(),
        Err(diagnostic) => vec![diagnostic.code],
    }
}

#[test]
fn b1_every_attribute_that_the_catalogue_calls_read_is_read_and_changes_something() {
    for row in catalogue().filter(|row| !row.attribute.is_empty() && row.standing != Standing::Absent) {
        let before = companions(row.element, row.attribute);
        let without = sound(&document(row, before));
        let text = document(row, &format!("{before} {}='{}'", row.attribute, sample(row)));
        let with = sound(&text);
        assert!(with.notes.is_empty(), "{text}: {:?}", with.notes);
        if let Some((.., code)) = CHECKED.iter().find(|known| (known.0, known.1) == (row.element, row.attribute)) {
            assert_eq!(with.verbs, without.verbs, "{text}");
            assert_eq!(codes(&document(row, &format!("{before} {}='wrong'", row.attribute))), [*code]);
        } else {
            assert_eq!(with.verbs == without.verbs, row.without_effect(), "{text}: {:?}", with.verbs);
        }
    }
}

#[test]
fn b1_every_element_that_the_catalogue_calls_read_is_read() {
    let rows = catalogue().filter(|row| row.attribute.is_empty() && row.standing != Standing::Absent);
    for row in rows.filter(|row| row.element != "Response") {
        let text = document(row, companions(row.element, ""));
        let found = sound(&text);
        assert!(found.notes.is_empty() && found.verbs.len() == 1, "{text}: {found:?}");
        let name = row.element.split('>').next().unwrap_or_default();
        assert_eq!(found.verbs[0].verb.name(), name, "{text}");
        assert!(!matches!(found.verbs[0].verb, Verb::Unsupported { .. }), "{text}");
        let last = row.element.rsplit('>').next().unwrap_or_default();
        let misspelt = text.replace(&format!("<{last} "), "<Wrong ").replace(&format!("</{last}>"), "</Wrong>");
        assert_ne!(codes(&misspelt), [0_u32; 0], "{misspelt}");
    }
}

#[test]
fn b1_what_the_catalogue_calls_absent_is_said_with_its_reason() {
    for row in catalogue().filter(|row| row.standing == Standing::Absent) {
        let attribute = if row.attribute.is_empty() { String::new() } else { format!("{}='7'", row.attribute) };
        let text = document(row, &attribute);
        let found = sound(&text);
        assert_eq!(found.notes.len(), 1, "{text}: {:?}", found.notes);
        let note = &found.notes[0];
        assert!(matches!(note.code, 12200 | 13211) && note.text.contains(row.why), "{text}: {note}");
    }
}

#[test]
fn b1_the_catalogue_is_whole_and_has_twelve_core_verbs() {
    let mut seen = HashSet::new();
    for row in catalogue() {
        assert!(seen.insert((row.element, row.attribute)), "{row:?} stands twice");
        assert!(seen.contains(&(row.element, "")), "{row:?} stands before its element");
        assert_eq!(row.why.is_empty(), row.standing == Standing::Same, "{row:?}");
        let outer = row.element.rsplit_once('>').map(|(outer, _)| outer);
        assert!(outer.is_none_or(|outer| seen.contains(&(outer, ""))), "{row:?} stands before its outer element");
    }
    let verbs = catalogue().filter(|row| row.attribute.is_empty() && !row.element.contains('>'));
    let (core, more): (Vec<&Row>, Vec<&Row>) =
        verbs.filter(|row| row.element != "Response").partition(|row| row.core());
    assert_eq!((core.len(), more.len()), (12, 8), "{core:?} {more:?}");
    assert!(core.iter().all(|row| row.standing != Standing::Absent));
}

/// A name that no row has is unknown, wherever it stands, and the nearest one is offered.
#[test]
fn b24_an_attribute_of_another_case_is_unknown_and_the_right_one_is_offered() {
    for row in catalogue().filter(|row| !row.attribute.is_empty() && !row.attribute.contains(':')) {
        let wrong = row.attribute.to_uppercase();
        let text = document(row, &format!("{} {wrong}='7'", companions(row.element, "")));
        let Ok(found) = parse(text.as_bytes(), None) else { panic!("{text}") };
        let wanted = format!("did you mean {}?", row.attribute);
        assert!(found.notes.iter().any(|note| note.code == 12200 && note.text.contains(&wanted)), "{text}: {found:?}");
    }
}
