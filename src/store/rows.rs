//! Records to rows and back. A row is read with the same care as a wire: what this version cannot read is an error that
//! names table and column.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Row};
use tipring_resources::{
    Account, AccountStatus, Call, CallStatus, Code, Direction, Level, Method, Notification, Number, NumberOrigin,
    Recording, RecordingStatus, Sid, Stamp,
};

use crate::StoreError;

/// A statement with its values.
pub(crate) type Statement = Query<'static, Any, AnyArguments>;

pub(crate) const ACCOUNT_COLUMNS: &str = "sid, friendly_name, status, token, created, updated, \
    parent, contact, voice, public_media";
pub(crate) const NUMBER_COLUMNS: &str = "sid, account, phone_number, friendly_name, voice_url, voice_method, \
    voice_fallback_url, voice_fallback_method, status_callback, status_callback_method, strict_documents, \
    origin_file, origin_line, created, updated, voice_application, sms_url, sms_method, sms_fallback_url, \
    sms_fallback_method, sms_application";
pub(crate) const CALL_COLUMNS: &str = "sid, account, parent, number, to_number, from_number, to_raw, from_raw, \
    caller_name, forwarded_from, direction, status, created, updated, started, answered, ended, cause, line, \
    supervision, queued_ms, answered_by, line_group, hangup_evidence";
pub(crate) const RECORDING_COLUMNS: &str = "sid, account, call, status, channels, source, duration_ms, error_code, \
    started, created, updated, conference, track";
pub(crate) const NOTIFICATION_COLUMNS: &str = "sid, account, call, level, code, message, created, request_url, \
    request_method, request_variables, response_headers, response_body";

pub(crate) fn put_account(account: &Account) -> Statement {
    upsert("accounts", ACCOUNT_COLUMNS, &["sid"], "")
        .bind(account.sid.to_string())
        .bind(plain(&account.friendly_name))
        .bind(account_status(account.status))
        .bind(plain(&account.token))
        .bind(account.created.0)
        .bind(account.updated.0)
        .bind(account.parent.map(|sid| sid.to_string()))
        .bind(plain(&account.contact))
        .bind(serde_json::to_string(&account.voice).unwrap_or_else(|_| "{}".into()))
        .bind(i64::from(account.public_media))
}

/// `INSERT`, or `UPDATE` of all but the keys and `created` where such a row is there (and `only_if` holds).
/// All parts are words of this crate.
pub(crate) fn upsert(
    table: &'static str,
    columns: &'static str,
    keys: &[&'static str],
    only_if: &'static str,
) -> Statement {
    let names: Vec<&str> = columns.split(',').map(str::trim).collect();
    let places: Vec<String> = (1..=names.len()).map(|at| format!("${at}")).collect();
    let kept = |name: &&&str| !keys.contains(*name) && **name != "created";
    let sets: Vec<String> = names.iter().filter(kept).map(|name| format!("{name} = excluded.{name}")).collect();
    let (places, sets, keys) = (places.join(", "), sets.join(", "), keys.join(", "));
    let guard = if only_if.is_empty() { String::new() } else { format!(" WHERE {only_if}") };
    let sql =
        format!("INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT ({keys}) DO UPDATE SET {sets}{guard}");
    sqlx::query(sqlx::AssertSqlSafe(sql))
}

pub(crate) fn put_number(number: &Number) -> Statement {
    let (file, line) = match &number.origin {
        NumberOrigin::Api => (None, None),
        NumberOrigin::File { file, line } => (Some(plain(file)), Some(i64::from(*line))),
    };
    upsert("numbers", NUMBER_COLUMNS, &["sid"], "")
        .bind(number.sid.to_string())
        .bind(number.account.to_string())
        .bind(plain(&number.phone_number))
        .bind(plain(&number.friendly_name))
        .bind(plain(&number.voice_url))
        .bind(number.voice_method.as_str())
        .bind(plain(&number.voice_fallback_url))
        .bind(number.voice_fallback_method.as_str())
        .bind(plain(&number.status_callback))
        .bind(number.status_callback_method.as_str())
        .bind(i64::from(number.strict_documents))
        .bind(file)
        .bind(line)
        .bind(number.created.0)
        .bind(number.updated.0)
        .bind(number.voice_application.map(|sid| sid.to_string()))
        .bind(plain(&number.sms_url))
        .bind(number.sms_method.as_str())
        .bind(plain(&number.sms_fallback_url))
        .bind(number.sms_fallback_method.as_str())
        .bind(number.sms_application.map(|sid| sid.to_string()))
}

/// A call that has ended stays ended: a late write of an earlier state does not bring it back.
pub(crate) fn put_call(call: &Call, box_name: &str) -> Statement {
    bind_call(
        sqlx::query(
            "INSERT INTO calls (sid, account, parent, number, to_number, from_number, to_raw, from_raw, caller_name,
             forwarded_from, direction, status, created, updated, started, answered, ended, cause, line, box,
             supervision, queued_ms, answered_by, line_group, hangup_evidence)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
             $21, $22, $23, $24, $25)
             ON CONFLICT (sid) DO UPDATE SET parent = excluded.parent, number = excluded.number,
             to_number = excluded.to_number, from_number = excluded.from_number, to_raw = excluded.to_raw,
             from_raw = excluded.from_raw, caller_name = excluded.caller_name,
             forwarded_from = excluded.forwarded_from, status = excluded.status, updated = excluded.updated,
             started = excluded.started, answered = excluded.answered, ended = excluded.ended,
             cause = excluded.cause, line = excluded.line,
             supervision = excluded.supervision, queued_ms = excluded.queued_ms,
             answered_by = excluded.answered_by, line_group = excluded.line_group,
             hangup_evidence = excluded.hangup_evidence
             WHERE calls.ended IS NULL OR excluded.ended IS NOT NULL",
        ),
        call,
        box_name,
    )
}

/// A call out of the journal: only if the table has none, or if it ended and the table does not know.
pub(crate) fn keep_journaled_call(call: &Call, box_name: &str) -> Statement {
    bind_call(
        sqlx::query(
            "INSERT INTO calls (sid, account, parent, number, to_number, from_number, to_raw, from_raw, caller_name,
             forwarded_from, direction, status, created, updated, started, answered, ended, cause, line, box,
             supervision, queued_ms, answered_by, line_group, hangup_evidence)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
             $21, $22, $23, $24, $25)
             ON CONFLICT (sid) DO UPDATE SET to_number = excluded.to_number, from_number = excluded.from_number,
             caller_name = excluded.caller_name, status = excluded.status, updated = excluded.updated,
             started = excluded.started, answered = excluded.answered, ended = excluded.ended,
             cause = excluded.cause, line = excluded.line,
             supervision = excluded.supervision, queued_ms = excluded.queued_ms,
             answered_by = excluded.answered_by, line_group = excluded.line_group,
             hangup_evidence = excluded.hangup_evidence
             WHERE calls.ended IS NULL AND excluded.ended IS NOT NULL",
        ),
        call,
        box_name,
    )
}

fn bind_call(statement: Statement, call: &Call, box_name: &str) -> Statement {
    statement
        .bind(call.sid.to_string())
        .bind(call.account.to_string())
        .bind(call.parent.map(|sid| sid.to_string()))
        .bind(call.number.map(|sid| sid.to_string()))
        .bind(plain(&call.to))
        .bind(plain(&call.from))
        .bind(plain(&call.to_raw))
        .bind(plain(&call.from_raw))
        .bind(call.caller_name.as_deref().map(plain))
        .bind(call.forwarded_from.as_deref().map(plain))
        .bind(call.direction.as_str())
        .bind(call.status.as_str())
        .bind(call.created.0)
        .bind(call.updated.0)
        .bind(call.started.map(|stamp| stamp.0))
        .bind(call.answered.map(|stamp| stamp.0))
        .bind(call.ended.map(|stamp| stamp.0))
        .bind(call.cause.map(i64::from))
        .bind(plain(&call.line))
        .bind(plain(box_name))
        .bind(call.supervision.as_deref().map(plain))
        .bind(i64::from(call.queued_ms))
        .bind(call.answered_by.as_deref().map(plain))
        .bind(plain(&call.group))
        .bind(call.hangup_evidence.as_deref().map(plain))
}

/// A deleted recording stays deleted, however late a write of its end comes.
pub(crate) fn put_recording(recording: &Recording, box_name: &str) -> Statement {
    sqlx::query(
        "INSERT INTO recordings (sid, account, call, status, channels, source, duration_ms, error_code, started,
         created, updated, box, conference, track)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (sid) DO UPDATE SET status = excluded.status, channels = excluded.channels,
         source = excluded.source, duration_ms = excluded.duration_ms, error_code = excluded.error_code,
         started = excluded.started, updated = excluded.updated, track = excluded.track
         WHERE recordings.status <> 'deleted'",
    )
    .bind(recording.sid.to_string())
    .bind(recording.account.to_string())
    .bind(recording.call.to_string())
    .bind(recording.status.as_str())
    .bind(i64::from(recording.channels))
    .bind(plain(&recording.source))
    .bind(recording.duration_ms.map(i64::from))
    .bind(recording.error_code.map(i64::from))
    .bind(recording.started.0)
    .bind(recording.created.0)
    .bind(recording.updated.0)
    .bind(plain(box_name))
    .bind(recording.conference.map(|sid| sid.to_string()))
    .bind(plain(&recording.track))
}

pub(crate) fn put_notification(notification: &Notification) -> Statement {
    sqlx::query(
        "INSERT INTO notifications (sid, account, call, level, code, message, created, request_url, request_method,
         request_variables, response_headers, response_body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (sid) DO NOTHING",
    )
    .bind(notification.sid.to_string())
    .bind(notification.account.to_string())
    .bind(notification.call.map(|sid| sid.to_string()))
    .bind(level(notification.level))
    .bind(i64::from(notification.code.0))
    .bind(plain(&notification.text))
    .bind(notification.at.0)
    .bind(plain(&notification.request_url))
    .bind(notification.request_method.map(Method::as_str))
    .bind(plain(&notification.request_variables))
    .bind(plain(&notification.response_headers))
    .bind(plain(&notification.response_body))
}

pub(crate) fn account(row: &AnyRow) -> Result<Account, StoreError> {
    let cells = Cells { table: "accounts", row };
    let (status, voice): (String, String) = (cells.value("status")?, cells.value("voice")?);
    Ok(Account {
        sid: cells.sid("sid")?,
        friendly_name: cells.value("friendly_name")?,
        status: ACCOUNT_STATUSES
            .into_iter()
            .find(|known| account_status(*known) == status)
            .ok_or_else(|| cells.strange("status", &status))?,
        token: cells.value("token")?,
        created: cells.stamp("created")?,
        updated: cells.stamp("updated")?,
        parent: cells.sid_or_none("parent")?,
        contact: cells.value("contact")?,
        voice: serde_json::from_str(&voice).map_err(|_| cells.strange("voice", &voice))?,
        public_media: cells.flag("public_media")?,
    })
}

pub(crate) fn number(row: &AnyRow) -> Result<Number, StoreError> {
    let cells = Cells { table: "numbers", row };
    let origin = match cells.value::<Option<String>>("origin_file")? {
        None => NumberOrigin::Api,
        Some(file) => NumberOrigin::File { file, line: cells.small("origin_line")?.unwrap_or(0) },
    };
    Ok(Number {
        sid: cells.sid("sid")?,
        account: cells.sid("account")?,
        phone_number: cells.value("phone_number")?,
        friendly_name: cells.value("friendly_name")?,
        voice_url: cells.value("voice_url")?,
        voice_method: cells.method("voice_method")?,
        voice_fallback_url: cells.value("voice_fallback_url")?,
        voice_fallback_method: cells.method("voice_fallback_method")?,
        status_callback: cells.value("status_callback")?,
        status_callback_method: cells.method("status_callback_method")?,
        strict_documents: cells.flag("strict_documents")?,
        origin,
        created: cells.stamp("created")?,
        updated: cells.stamp("updated")?,
        voice_application: cells.sid_or_none("voice_application")?,
        sms_url: cells.value("sms_url")?,
        sms_method: cells.method("sms_method")?,
        sms_fallback_url: cells.value("sms_fallback_url")?,
        sms_fallback_method: cells.method("sms_fallback_method")?,
        sms_application: cells.sid_or_none("sms_application")?,
    })
}

pub(crate) fn call(row: &AnyRow) -> Result<Call, StoreError> {
    let cells = Cells { table: "calls", row };
    let (status, direction): (String, String) = (cells.value("status")?, cells.value("direction")?);
    Ok(Call {
        sid: cells.sid("sid")?,
        account: cells.sid("account")?,
        parent: cells.sid_or_none("parent")?,
        number: cells.sid_or_none("number")?,
        to: cells.value("to_number")?,
        from: cells.value("from_number")?,
        to_raw: cells.value("to_raw")?,
        from_raw: cells.value("from_raw")?,
        caller_name: cells.value("caller_name")?,
        forwarded_from: cells.value("forwarded_from")?,
        direction: DIRECTIONS
            .into_iter()
            .find(|known| known.as_str() == direction)
            .ok_or_else(|| cells.strange("direction", &direction))?,
        status: CallStatus::from_wire(&status).ok_or_else(|| cells.strange("status", &status))?,
        created: cells.stamp("created")?,
        updated: cells.stamp("updated")?,
        started: cells.value::<Option<i64>>("started")?.map(Stamp),
        answered: cells.value::<Option<i64>>("answered")?.map(Stamp),
        ended: cells.value::<Option<i64>>("ended")?.map(Stamp),
        cause: cells.small("cause")?,
        line: cells.value("line")?,
        supervision: cells.value("supervision")?,
        queued_ms: cells.small("queued_ms")?.unwrap_or(0),
        answered_by: cells.value("answered_by")?,
        group: cells.value("line_group")?,
        hangup_evidence: cells.value("hangup_evidence")?,
    })
}

pub(crate) fn recording(row: &AnyRow) -> Result<Recording, StoreError> {
    let cells = Cells { table: "recordings", row };
    let status: String = cells.value("status")?;
    Ok(Recording {
        sid: cells.sid("sid")?,
        account: cells.sid("account")?,
        call: cells.sid("call")?,
        status: RecordingStatus::from_wire(&status).ok_or_else(|| cells.strange("status", &status))?,
        channels: cells.small("channels")?.unwrap_or(1),
        source: cells.value("source")?,
        duration_ms: cells.small("duration_ms")?,
        error_code: cells.small("error_code")?,
        started: cells.stamp("started")?,
        created: cells.stamp("created")?,
        updated: cells.stamp("updated")?,
        conference: cells.sid_or_none("conference")?,
        track: cells.value("track")?,
    })
}

pub(crate) fn notification(row: &AnyRow) -> Result<Notification, StoreError> {
    let cells = Cells { table: "notifications", row };
    let (written, method): (String, Option<String>) = (cells.value("level")?, cells.value("request_method")?);
    Ok(Notification {
        sid: cells.sid("sid")?,
        account: cells.sid("account")?,
        call: cells.sid_or_none("call")?,
        level: [Level::Error, Level::Warning]
            .into_iter()
            .find(|known| level(*known) == written)
            .ok_or_else(|| cells.strange("level", &written))?,
        code: Code(cells.small("code")?.unwrap_or(0)),
        text: cells.value("message")?,
        at: cells.stamp("created")?,
        request_url: cells.value("request_url")?,
        request_method: method.map(|text| cells.method_of("request_method", &text)).transpose()?,
        request_variables: cells.value("request_variables")?,
        response_headers: cells.value("response_headers")?,
        response_body: cells.value("response_body")?,
    })
}

/// A row, read by column name.
pub(crate) struct Cells<'r> {
    pub(crate) table: &'static str,
    pub(crate) row: &'r AnyRow,
}

impl Cells<'_> {
    pub(crate) fn value<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        for<'q> T: sqlx::Decode<'q, Any> + sqlx::Type<Any>,
    {
        self.row
            .try_get(column)
            .map_err(|error| StoreError::BadRow { table: self.table, text: format!("{column}: {error}") })
    }

    pub(crate) fn strange(&self, column: &str, value: &str) -> StoreError {
        StoreError::BadRow { table: self.table, text: format!("{column} is {value:?}") }
    }

    pub(crate) fn sid_or_none(&self, column: &'static str) -> Result<Option<Sid>, StoreError> {
        let text: Option<String> = self.value(column)?;
        text.map(|text| text.parse().map_err(|_| self.strange(column, &text))).transpose()
    }

    pub(crate) fn sid(&self, column: &'static str) -> Result<Sid, StoreError> {
        self.sid_or_none(column)?.ok_or_else(|| self.strange(column, "null"))
    }

    /// A yes or no: 1 or 0.
    pub(crate) fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.value::<i64>(column)? != 0)
    }

    pub(crate) fn stamp_or_none(&self, column: &'static str) -> Result<Option<Stamp>, StoreError> {
        Ok(self.value::<Option<i64>>(column)?.map(Stamp))
    }

    pub(crate) fn stamp(&self, column: &'static str) -> Result<Stamp, StoreError> {
        self.value(column).map(Stamp)
    }

    pub(crate) fn small<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let value: Option<i64> = self.value(column)?;
        value.map(|value| T::try_from(value).map_err(|_| self.strange(column, &value.to_string()))).transpose()
    }

    pub(crate) fn method(&self, column: &'static str) -> Result<Method, StoreError> {
        let text: String = self.value(column)?;
        self.method_of(column, &text)
    }

    pub(crate) fn method_of(&self, column: &'static str, text: &str) -> Result<Method, StoreError> {
        [Method::Get, Method::Post]
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| self.strange(column, text))
    }
}

/// PostgreSQL refuses NUL in a text; a caller's name may hold one.
pub(crate) fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

const ACCOUNT_STATUSES: [AccountStatus; 3] = [AccountStatus::Active, AccountStatus::Suspended, AccountStatus::Closed];
const DIRECTIONS: [Direction; 3] = [Direction::Inbound, Direction::OutboundApi, Direction::OutboundDial];

pub(crate) fn account_status(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Active => "active",
        AccountStatus::Suspended => "suspended",
        AccountStatus::Closed => "closed",
    }
}

pub(crate) fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
    }
}
