//! `docs/reference/compatibility.md` is made from the catalogues of the parser and of the API: what users of the dialect and
//! of its API find here as they know it, what is different, and what is not here.

use std::collections::BTreeMap;
use std::fmt::Write;

use tipring_api::{Row as ApiRow, RowKind, Standing as ApiStanding, catalogue as api};
use tipring_instructions::{Row, Standing, catalogue as dialect};

const PAPER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/compatibility.md");
/// How most paths begin.
const BELOW_ACCOUNT: &str = "/2010-04-01/Accounts/{AccountSid}/";

/// Resources that every client needs.
const CORE_RESOURCES: &[&str] = &[
    "Accounts",
    "Calls",
    "Recordings",
    "Conferences",
    "Queues",
    "IncomingPhoneNumbers",
    "Applications",
    "OutgoingCallerIds",
    "Notifications",
    "Keys",
    "SigningKeys",
];
/// Below those, what only some clients need.
const NOT_CORE: &[&str] = &["/Siprec"];

/// What is not here of the core verbs: it belongs to services of a cloud, or has a better way beside it.
const ABSENT_IN_DOCUMENTS: &[&str] = &[
    "Say>prosody contour",
    "Enqueue workflowSid",
    "Enqueue>Task",
    "Dial ifMachine",
    "Dial>Queue reservationSid",
    "Dial>Queue postWorkActivitySid",
    "Dial>Sim",
    "Dial>WhatsApp",
    "Dial>Application",
];
/// What is not here of the core resources: parameters of a carrier, of SIP, or of telephone clients.
const ABSENT_IN_API: &[(&str, &[&str])] = &[
    ("Calls", &["CallReason", "CallToken", "ClientNotificationUrl", "SipAuthPassword", "SipAuthUsername"]),
    ("Applications", &["ApiVersion", "PublicApplicationConnectEnabled", "VoiceCallerIdLookup"]),
    (
        "IncomingPhoneNumbers",
        &[
            "AddressSid",
            "ApiVersion",
            "Beta",
            "BundleSid",
            "EmergencyAddressSid",
            "EmergencyStatus",
            "IdentitySid",
            "Origin",
            "TrunkSid",
            "VoiceCallerIdLookup",
            "VoiceReceiveMode",
        ],
    ),
];

/// What no row of a catalogue stands for.
const ABSENT_AT_ALL: &[(&str, &str)] = &[(
    "output for message devices: reduced images, MMS",
    "the media layer makes telephone sound and nothing else. Messages leave as short text, over SMPP, a GSM modem or a web \
     service that is handed the text: no way out of this box carries a picture, so there is nothing to fit one to",
)];

/// The word for how a row stands, and the words of the API's are the same.
fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Same => "same",
        Standing::Differs => "differs",
        Standing::Absent => "absent",
    }
}

fn api_word(standing: ApiStanding) -> &'static str {
    match standing {
        ApiStanding::Same => "same",
        ApiStanding::Differs => "differs",
        ApiStanding::Absent => "absent",
    }
}

/// A text in a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "\\<")
}

fn resource(row: &ApiRow) -> &'static str {
    let below = row.path.strip_prefix(BELOW_ACCOUNT).unwrap_or("Accounts");
    below.split(['/', '.']).next().unwrap_or(below)
}

fn paper() -> String {
    let mut text = String::from(
        "# Compatibility\n\nMade from the two tables that the program itself works with, `tipring_instructions::catalogue()` \
         and `tipring_api::catalogue()`; a test fails when it is old. *same*: as users of the dialect and of its API know \
         it. *differs*: read or shown, with the difference said. *absent*: not here; in a document it is passed over with a \
         notification, in a request passed over or refused as said.\n\n",
    );
    counts(&mut text);
    text.push_str("\n## Documents\n\nTwelve verbs are the core; every other one is an extension.\n");
    let mut verbs: Vec<&str> = Vec::new();
    for row in dialect() {
        let verb = row.element.split('>').next().unwrap_or_default();
        if !verbs.contains(&verb) {
            verbs.push(verb);
        }
    }
    verbs.into_iter().for_each(|verb| documents(&mut text, verb));
    text.push_str(
        "\n## The API\n\n`…` is `/2010-04-01/Accounts/{AccountSid}`. A star marks a parameter that must be given.\n",
    );
    let mut resources: BTreeMap<&str, Vec<&ApiRow>> = BTreeMap::new();
    api().for_each(|row| resources.entry(resource(row)).or_default().push(row));
    resources.iter().for_each(|(name, rows)| requests(&mut text, name, rows));
    text.push_str("\n## Not here at all\n\n| what | stands | why |\n| --- | --- | --- |\n");
    for (what, why) in ABSENT_AT_ALL {
        let _ = writeln!(text, "| {what} | absent | {why} |");
    }
    text
}

fn counts(text: &mut String) {
    let documents = |standing| dialect().filter(|row| row.standing == standing).count();
    let requests = |standing| api().filter(|row| row.standing == standing).count();
    let _ = writeln!(text, "| | same | differs | absent |\n| --- | --- | --- | --- |");
    let (same, differs, absent) =
        (documents(Standing::Same), documents(Standing::Differs), documents(Standing::Absent));
    let _ = writeln!(text, "| elements and attributes of documents | {same} | {differs} | {absent} |");
    let (same, differs, absent) =
        (requests(ApiStanding::Same), requests(ApiStanding::Differs), requests(ApiStanding::Absent));
    let _ = writeln!(text, "| operations, parameters and fields of the API | {same} | {differs} | {absent} |");
}

fn documents(text: &mut String, verb: &str) {
    let rows: Vec<&Row> = dialect().filter(|row| row.element.split('>').next() == Some(verb)).collect();
    let kind = match (verb, rows.iter().any(|row| row.core())) {
        ("Response", _) => "the document",
        (_, true) => "core",
        _ => "extension",
    };
    let _ =
        write!(text, "\n### {verb} ({kind})\n\n| element | attribute | stands | why |\n| --- | --- | --- | --- |\n");
    for row in rows {
        let attribute = if row.attribute.is_empty() { String::new() } else { format!("`{}`", row.attribute) };
        let _ = writeln!(text, "| `{}` | {attribute} | {} | {} |", row.element, word(row.standing), cell(row.why));
    }
}

fn requests(text: &mut String, name: &str, rows: &[&ApiRow]) {
    let mark = if CORE_RESOURCES.contains(&name) { "core" } else { "extension" };
    let _ = write!(
        text,
        "\n### {name} ({mark})\n\n| request | kind | name | is | stands | why |\n| --- | --- | --- | --- | --- | --- |\n"
    );
    for row in rows {
        let path = row.path.replace("/2010-04-01/Accounts/{AccountSid}", "…");
        let (kind, star) = match (row.kind, row.required) {
            (RowKind::Operation, _) => ("operation", ""),
            (RowKind::Parameter, true) => ("parameter", "*"),
            (RowKind::Parameter, false) => ("parameter", ""),
            (RowKind::Field, _) => ("field", ""),
        };
        let name = if row.name.is_empty() { String::new() } else { format!("`{}`{star}", row.name) };
        let _ = writeln!(
            text,
            "| `{} {path}` | {kind} | {name} | {} | {} | {} |",
            row.method,
            cell(row.words),
            api_word(row.standing),
            cell(row.why)
        );
    }
}

#[test]
fn the_paper_of_compatibility_is_what_the_catalogues_say() {
    let made = paper();
    if std::env::var_os("TIPRING_WRITE").is_some() {
        std::fs::write(PAPER, &made).expect("the paper can be written");
    }
    let committed = std::fs::read_to_string(PAPER).unwrap_or_default();
    assert!(
        committed == made,
        "docs/reference/compatibility.md is old: TIPRING_WRITE=1 cargo test -p tipring --test papers"
    );
}

#[test]
fn every_row_of_both_catalogues_is_in_the_paper() {
    let made = paper();
    let rows = made.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, dialect().count() + api().count());
    assert!(made.contains("### Gather (core)") && made.contains("### Pay (extension)"), "{made}");
}

#[test]
fn d36_that_pictures_for_message_devices_are_not_made_is_in_the_paper() {
    let made = paper();
    let line = made.lines().find(|line| line.contains("reduced images, MMS")).expect("a line");
    assert!(line.contains("| absent | ") && line.len() > 100, "with the reason: {line}");
}

#[test]
fn of_the_core_verbs_only_what_is_named_is_absent() {
    let absent: Vec<String> = dialect()
        .filter(|row| row.core() && row.standing == Standing::Absent)
        .map(|row| format!("{} {}", row.element, row.attribute).trim().to_string())
        .collect();
    let (mut absent, mut named) = (absent, ABSENT_IN_DOCUMENTS.to_vec());
    absent.sort_unstable();
    named.sort_unstable();
    assert_eq!(absent, named);
}

#[test]
fn of_the_core_resources_only_what_is_named_is_absent() {
    let mut used = std::collections::BTreeSet::new();
    for row in api().filter(|row| row.standing == ApiStanding::Absent) {
        let name = resource(row);
        if !CORE_RESOURCES.contains(&name) || NOT_CORE.iter().any(|part| row.path.contains(part)) {
            continue;
        }
        let named = ABSENT_IN_API.iter().any(|(of, names)| *of == name && names.contains(&row.name));
        assert!(named && row.kind == RowKind::Parameter, "{row:?} is absent, but {name} is of the core");
        used.insert((name, row.name));
    }
    let named: usize = ABSENT_IN_API.iter().map(|(_, names)| names.len()).sum();
    assert_eq!(used.len(), named, "named, but there after all");
}
