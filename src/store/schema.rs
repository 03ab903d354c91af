//! The tables, as a list of steps: each step is applied once, in its own transaction. One text for both engines: ids and
//! enumerations are text, times are BIGINT microseconds, counts are BIGINT. A step is never changed once it was shipped.

use sqlx::{AnyConnection, Connection, Row};

use crate::StoreError;
use crate::store::Engine;

/// Applies the steps that the database lacks.
pub(crate) async fn migrate(connection: &mut AnyConnection, engine: Engine) -> Result<(), StoreError> {
    let mut tx = connection.begin_with(engine.begin()).await?;
    if engine == Engine::Postgres {
        // Two boxes that start together: the second waits, and then finds the schema made.
        sqlx::query("SELECT pg_advisory_xact_lock(7447735)").execute(&mut *tx).await?;
    }
    sqlx::query("CREATE TABLE IF NOT EXISTS schema_steps (step BIGINT PRIMARY KEY)").execute(&mut *tx).await?;
    let row = sqlx::query("SELECT COALESCE(MAX(step), 0) FROM schema_steps").fetch_one(&mut *tx).await?;
    let found: i64 = row.try_get(0)?;
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for (step, statements) in (1i64..).zip(STEPS).skip_while(|(step, _)| *step <= found) {
        for statement in *statements {
            sqlx::query(*statement).execute(&mut *tx).await?;
        }
        sqlx::query("INSERT INTO schema_steps (step) VALUES ($1)").bind(step).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

const STEPS: &[&[&str]] = &[
    FIRST,
    &["CREATE INDEX calls_by_status ON calls (account, status, created, sid)"],
    OUTGOING,
    RESOURCES,
    BOXES,
    SHARING,
    EVIDENCE,
];

/// Which recordings lie in the store that boxes share too, and of which deleted ones nothing is left on their box.
const SHARING: &[&str] = &[
    "ALTER TABLE recordings ADD COLUMN shared TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE recordings ADD COLUMN cleared BIGINT NOT NULL DEFAULT 0",
    "CREATE INDEX recordings_by_sharing ON recordings (status, shared, box, created)",
    "CREATE INDEX recordings_to_clear ON recordings (status, cleared, box)",
];

/// What told an analogue line that the far end of a call had gone.
const EVIDENCE: &[&str] = &["ALTER TABLE calls ADD COLUMN hangup_evidence TEXT"];

/// Where each box is asked by the others.
const BOXES: &[&str] = &["ALTER TABLE box_leases ADD COLUMN address TEXT NOT NULL DEFAULT ''"];

/// What outgoing calls add to a call. The calls of before never waited for a line.
const OUTGOING: &[&str] = &[
    "ALTER TABLE calls ADD COLUMN supervision TEXT",
    "ALTER TABLE calls ADD COLUMN queued_ms BIGINT NOT NULL DEFAULT 0",
];

/// The resources beside calls: rooms, queues, keys, texts. What is added to older tables has the value that was true before.
const RESOURCES: &[&str] = &[
    "ALTER TABLE accounts ADD COLUMN parent TEXT",
    "ALTER TABLE accounts ADD COLUMN contact TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE accounts ADD COLUMN voice TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE accounts ADD COLUMN public_media BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE numbers ADD COLUMN voice_application TEXT",
    "ALTER TABLE numbers ADD COLUMN sms_url TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE numbers ADD COLUMN sms_method TEXT NOT NULL DEFAULT 'POST'",
    "ALTER TABLE numbers ADD COLUMN sms_fallback_url TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE numbers ADD COLUMN sms_fallback_method TEXT NOT NULL DEFAULT 'POST'",
    "ALTER TABLE numbers ADD COLUMN sms_application TEXT",
    "ALTER TABLE calls ADD COLUMN answered_by TEXT",
    "ALTER TABLE calls ADD COLUMN line_group TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE recordings ADD COLUMN conference TEXT",
    "ALTER TABLE recordings ADD COLUMN track TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX recordings_of_conference ON recordings (conference)",
    "CREATE INDEX accounts_of ON accounts (parent, created, sid)",
    "CREATE TABLE conferences (
        sid TEXT PRIMARY KEY, account TEXT NOT NULL, friendly_name TEXT NOT NULL, status TEXT NOT NULL,
        region TEXT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL, started BIGINT, ended BIGINT,
        reason_ended TEXT, ended_by TEXT, box TEXT NOT NULL)",
    "CREATE INDEX conferences_of ON conferences (account, created, sid)",
    "CREATE INDEX conferences_named ON conferences (account, friendly_name)",
    "CREATE INDEX conferences_alive ON conferences (box, status)",
    "CREATE TABLE participants (
        conference TEXT NOT NULL, call TEXT NOT NULL, account TEXT NOT NULL, label TEXT NOT NULL,
        muted BIGINT NOT NULL, hold BIGINT NOT NULL, coaching BIGINT NOT NULL, coached TEXT,
        start_on_enter BIGINT NOT NULL, end_on_exit BIGINT NOT NULL, status TEXT NOT NULL, created BIGINT NOT NULL,
        updated BIGINT NOT NULL, queue_ms BIGINT NOT NULL, box TEXT NOT NULL, PRIMARY KEY (conference, call))",
    "CREATE INDEX participants_alive ON participants (box)",
    "CREATE TABLE queues (
        sid TEXT PRIMARY KEY, account TEXT NOT NULL, friendly_name TEXT NOT NULL, max_size BIGINT NOT NULL,
        created BIGINT NOT NULL, updated BIGINT NOT NULL)",
    "CREATE INDEX queues_of ON queues (account, created, sid)",
    "CREATE TABLE members (
        queue TEXT NOT NULL, call TEXT NOT NULL, account TEXT NOT NULL, enqueued BIGINT NOT NULL, box TEXT NOT NULL,
        PRIMARY KEY (queue, call))",
    "CREATE INDEX members_in_order ON members (queue, enqueued, call)",
    "CREATE INDEX members_alive ON members (box)",
    "CREATE TABLE applications (
        sid TEXT PRIMARY KEY, account TEXT NOT NULL, friendly_name TEXT NOT NULL, voice_url TEXT NOT NULL,
        voice_method TEXT NOT NULL, voice_fallback_url TEXT NOT NULL, voice_fallback_method TEXT NOT NULL,
        status_callback TEXT NOT NULL, status_callback_method TEXT NOT NULL, sms_url TEXT NOT NULL,
        sms_method TEXT NOT NULL, sms_fallback_url TEXT NOT NULL, sms_fallback_method TEXT NOT NULL,
        sms_status_callback TEXT NOT NULL, message_status_callback TEXT NOT NULL, created BIGINT NOT NULL,
        updated BIGINT NOT NULL)",
    "CREATE INDEX applications_of ON applications (account, created, sid)",
    "CREATE TABLE caller_ids (
        sid TEXT PRIMARY KEY, account TEXT NOT NULL, phone_number TEXT NOT NULL, friendly_name TEXT NOT NULL,
        created BIGINT NOT NULL, updated BIGINT NOT NULL)",
    "CREATE INDEX caller_ids_of ON caller_ids (account, created, sid)",
    "CREATE UNIQUE INDEX caller_ids_once ON caller_ids (account, phone_number)",
    "CREATE TABLE api_keys (
        sid TEXT PRIMARY KEY, account TEXT NOT NULL, friendly_name TEXT NOT NULL, secret_hash TEXT NOT NULL,
        scope TEXT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL)",
    "CREATE INDEX api_keys_of ON api_keys (account, created, sid)",
    "CREATE TABLE transcriptions (
        sid TEXT PRIMARY KEY, account TEXT NOT NULL, recording TEXT NOT NULL, call TEXT NOT NULL, status TEXT NOT NULL,
        body TEXT NOT NULL, duration_ms BIGINT, language TEXT NOT NULL, created BIGINT NOT NULL,
        updated BIGINT NOT NULL, box TEXT NOT NULL)",
    "CREATE INDEX transcriptions_of ON transcriptions (account, created, sid)",
    "CREATE INDEX transcriptions_of_recording ON transcriptions (recording)",
    "CREATE TABLE messages (
        sid TEXT PRIMARY KEY, account TEXT NOT NULL, call TEXT, direction TEXT NOT NULL, from_number TEXT NOT NULL,
        to_number TEXT NOT NULL, body TEXT NOT NULL, status TEXT NOT NULL, error_code BIGINT, error_message TEXT,
        segments BIGINT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL, sent BIGINT, box TEXT NOT NULL)",
    "CREATE INDEX messages_of ON messages (account, created, sid)",
    "CREATE TABLE call_events (
        sid TEXT PRIMARY KEY, account TEXT NOT NULL, call TEXT NOT NULL, created BIGINT NOT NULL, method TEXT NOT NULL,
        url TEXT NOT NULL, request_variables TEXT NOT NULL, status BIGINT, response_headers TEXT NOT NULL,
        response_body TEXT NOT NULL, duration_ms BIGINT NOT NULL, error_code BIGINT)",
    "CREATE INDEX call_events_of ON call_events (call, created, sid)",
    "CREATE INDEX call_events_by_age ON call_events (created)",
    "CREATE TABLE audit (
        sid TEXT PRIMARY KEY, account TEXT NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL, resource TEXT,
        source TEXT NOT NULL, created BIGINT NOT NULL)",
    "CREATE INDEX audit_of ON audit (account, created, sid)",
];

const FIRST: &[&str] = &[
    "CREATE TABLE accounts (
        sid TEXT PRIMARY KEY, friendly_name TEXT NOT NULL, status TEXT NOT NULL, token TEXT NOT NULL,
        created BIGINT NOT NULL, updated BIGINT NOT NULL)",
    "CREATE TABLE numbers (
        sid TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts (sid), phone_number TEXT NOT NULL UNIQUE,
        friendly_name TEXT NOT NULL, voice_url TEXT NOT NULL, voice_method TEXT NOT NULL,
        voice_fallback_url TEXT NOT NULL, voice_fallback_method TEXT NOT NULL, status_callback TEXT NOT NULL,
        status_callback_method TEXT NOT NULL, strict_documents BIGINT NOT NULL, origin_file TEXT, origin_line BIGINT,
        created BIGINT NOT NULL, updated BIGINT NOT NULL)",
    "CREATE INDEX numbers_of ON numbers (account, created, sid)",
    "CREATE TABLE calls (
        sid TEXT PRIMARY KEY, account TEXT NOT NULL, box TEXT NOT NULL, parent TEXT, number TEXT,
        to_number TEXT NOT NULL, from_number TEXT NOT NULL, to_raw TEXT NOT NULL, from_raw TEXT NOT NULL,
        caller_name TEXT, forwarded_from TEXT, direction TEXT NOT NULL, status TEXT NOT NULL,
        created BIGINT NOT NULL, updated BIGINT NOT NULL, started BIGINT, answered BIGINT, ended BIGINT,
        cause BIGINT, line TEXT NOT NULL)",
    "CREATE INDEX calls_of ON calls (account, created, sid)",
    "CREATE INDEX calls_alive ON calls (box, status)",
    "CREATE INDEX calls_to ON calls (account, to_number, created)",
    "CREATE INDEX calls_from ON calls (account, from_number, created)",
    "CREATE TABLE recordings (
        sid TEXT PRIMARY KEY, account TEXT NOT NULL, box TEXT NOT NULL, call TEXT NOT NULL, status TEXT NOT NULL,
        channels BIGINT NOT NULL, source TEXT NOT NULL, duration_ms BIGINT, error_code BIGINT,
        started BIGINT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL)",
    "CREATE INDEX recordings_of ON recordings (account, created, sid)",
    "CREATE INDEX recordings_of_call ON recordings (call)",
    "CREATE INDEX recordings_alive ON recordings (box, status)",
    "CREATE TABLE notifications (
        sid TEXT PRIMARY KEY, account TEXT NOT NULL, call TEXT, level TEXT NOT NULL, code BIGINT NOT NULL,
        message TEXT NOT NULL, created BIGINT NOT NULL, request_url TEXT NOT NULL, request_method TEXT,
        request_variables TEXT NOT NULL, response_headers TEXT NOT NULL, response_body TEXT NOT NULL)",
    "CREATE INDEX notifications_of ON notifications (account, created, sid)",
    "CREATE INDEX notifications_of_call ON notifications (call)",
    "CREATE TABLE box_leases (box TEXT PRIMARY KEY, renewed BIGINT NOT NULL, closed BIGINT)",
];
