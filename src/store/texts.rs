//! Rows of what is written: transcriptions, messages, what applications were asked during calls.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::any::AnyRow;
use tipring_resources::{
    CallEvent, Message, MessageDirection, MessageStatus, Sid, SidKind, Transcription, TranscriptionStatus,
};

use crate::kept::kept;
use crate::rows::{Cells, Statement, plain, upsert};
use crate::{Kept, StoreError};

const TRANSCRIPTION_COLUMNS: &str = "sid, account, recording, call, status, body, duration_ms, language, created, \
    updated, box";
const MESSAGE_COLUMNS: &str = "sid, account, call, direction, from_number, to_number, body, status, error_code, \
    error_message, segments, created, updated, sent, box";
const EVENT_COLUMNS: &str = "sid, account, call, created, method, url, request_variables, status, response_headers, \
    response_body, duration_ms, error_code";

pub(crate) fn put_transcription(one: &Transcription, box_name: &str) -> Statement {
    upsert("transcriptions", TRANSCRIPTION_COLUMNS, &["sid"], "")
        .bind(one.sid.to_string())
        .bind(one.account.to_string())
        .bind(one.recording.to_string())
        .bind(one.call.to_string())
        .bind(one.status.as_str())
        .bind(plain(&one.text))
        .bind(one.duration_ms.map(i64::from))
        .bind(plain(&one.language))
        .bind(one.created.0)
        .bind(one.updated.0)
        .bind(plain(box_name))
}

/// A text that was taken away stays away. A receipt only changes the row that is there: who deleted it meant it.
pub(crate) fn put_message(message: &Message, box_name: &str) -> Statement {
    let receipt = matches!(message.status, MessageStatus::Delivered | MessageStatus::Undelivered);
    match message.direction {
        MessageDirection::Inbound => {}
        _ if receipt => return put_receipt(message),
        _ => {}
    }
    upsert("messages", MESSAGE_COLUMNS, &["sid"], "messages.body <> '' OR excluded.body = ''")
        .bind(message.sid.to_string())
        .bind(message.account.to_string())
        .bind(message.call.map(|sid| sid.to_string()))
        .bind(message.direction.as_str())
        .bind(plain(&message.from))
        .bind(plain(&message.to))
        .bind(plain(&message.body))
        .bind(message.status.as_str())
        .bind(message.error_code.map(i64::from))
        .bind(message.error_message.as_deref().map(plain))
        .bind(i64::from(message.segments))
        .bind(message.created.0)
        .bind(message.updated.0)
        .bind(message.sent.map(|stamp| stamp.0))
        .bind(plain(box_name))
}

fn put_receipt(message: &Message) -> Statement {
    let sql =
        "UPDATE messages SET status = $1, error_code = $2, error_message = $3, updated = $4, sent = $5 WHERE sid = $6";
    sqlx::query(sql)
        .bind(message.status.as_str())
        .bind(message.error_code.map(i64::from))
        .bind(message.error_message.as_deref().map(plain))
        .bind(message.updated.0)
        .bind(message.sent.map(|stamp| stamp.0))
        .bind(message.sid.to_string())
}

pub(crate) fn put_event(event: &CallEvent) -> Statement {
    upsert("call_events", EVENT_COLUMNS, &["sid"], "")
        .bind(event_name(event.at.0).to_string())
        .bind(event.account.to_string())
        .bind(event.call.to_string())
        .bind(event.at.0)
        .bind(event.method.as_str())
        .bind(plain(&event.url))
        .bind(cut(&event.request_variables))
        .bind(event.status.map(i64::from))
        .bind(cut(&event.response_headers))
        .bind(cut(&event.response_body))
        .bind(i64::from(event.duration_ms))
        .bind(event.error_code.map(i64::from))
}

/// A name for a row that has none of its own: in the order of time, and of the writing where times are the same.
fn event_name(at_us: i64) -> Sid {
    static SEED: LazyLock<u32> = LazyLock::new(|| RandomState::new().build_hasher().finish() as u32);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = u128::from(NEXT.fetch_add(1, Ordering::Relaxed) & 0xffff_ffff);
    let time = u128::from(at_us.max(0).unsigned_abs());
    Sid::new(SidKind::Event, time << 64 | next << 32 | u128::from(*SEED))
}

fn cut(text: &str) -> String {
    plain(&text[..text.floor_char_boundary(EVENT_TEXT_MAX)])
}

/// What is kept of a text of an exchange. A notification keeps all; these are many more.
const EVENT_TEXT_MAX: usize = 8 * 1024;

fn transcription(row: &AnyRow) -> Result<Transcription, StoreError> {
    let cells = Cells { table: "transcriptions", row };
    let status: String = cells.value("status")?;
    Ok(Transcription {
        sid: cells.sid("sid")?,
        account: cells.sid("account")?,
        recording: cells.sid("recording")?,
        call: cells.sid("call")?,
        status: TranscriptionStatus::from_wire(&status).ok_or_else(|| cells.strange("status", &status))?,
        text: cells.value("body")?,
        duration_ms: cells.small("duration_ms")?,
        language: cells.value("language")?,
        created: cells.stamp("created")?,
        updated: cells.stamp("updated")?,
    })
}

fn message(row: &AnyRow) -> Result<Message, StoreError> {
    let cells = Cells { table: "messages", row };
    let (status, direction): (String, String) = (cells.value("status")?, cells.value("direction")?);
    Ok(Message {
        sid: cells.sid("sid")?,
        account: cells.sid("account")?,
        call: cells.sid_or_none("call")?,
        direction: MessageDirection::from_wire(&direction).ok_or_else(|| cells.strange("direction", &direction))?,
        from: cells.value("from_number")?,
        to: cells.value("to_number")?,
        body: cells.value("body")?,
        status: MessageStatus::from_wire(&status).ok_or_else(|| cells.strange("status", &status))?,
        error_code: cells.small("error_code")?,
        error_message: cells.value("error_message")?,
        segments: cells.small("segments")?.unwrap_or(1),
        created: cells.stamp("created")?,
        updated: cells.stamp("updated")?,
        sent: cells.stamp_or_none("sent")?,
    })
}

/// An exchange as it was kept, with its row's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEvent {
    /// `AE…`, for pages.
    pub sid: Sid,
    /// What was said.
    pub event: CallEvent,
}

fn event(row: &AnyRow) -> Result<KeptEvent, StoreError> {
    let cells = Cells { table: "call_events", row };
    let event = CallEvent {
        call: cells.sid("call")?,
        account: cells.sid("account")?,
        at: cells.stamp("created")?,
        method: cells.method("method")?,
        url: cells.value("url")?,
        request_variables: cells.value("request_variables")?,
        status: cells.small("status")?,
        response_headers: cells.value("response_headers")?,
        response_body: cells.value("response_body")?,
        duration_ms: cells.small("duration_ms")?.unwrap_or(0),
        error_code: cells.small("error_code")?,
    };
    Ok(KeptEvent { sid: cells.sid("sid")?, event })
}

kept! {
    Transcription: "transcriptions", TRANSCRIPTION_COLUMNS, transcription;
    Message: "messages", MESSAGE_COLUMNS, message;
    KeptEvent: "call_events", EVENT_COLUMNS, event;
}
