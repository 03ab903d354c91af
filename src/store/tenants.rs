//! Rows of what belongs to an account: applications, caller ids, keys, the audit trail.

use sqlx::any::AnyRow;
use tipring_resources::{Application, AuditEvent, CallerId, Key, Scope};

use crate::kept::kept;
use crate::rows::{Cells, Statement, plain, upsert};
use crate::{Kept, StoreError};

const APPLICATION_COLUMNS: &str = "sid, account, friendly_name, voice_url, voice_method, voice_fallback_url, \
    voice_fallback_method, status_callback, status_callback_method, sms_url, sms_method, sms_fallback_url, \
    sms_fallback_method, sms_status_callback, message_status_callback, created, updated";
const CALLER_ID_COLUMNS: &str = "sid, account, phone_number, friendly_name, created, updated";
const KEY_COLUMNS: &str = "sid, account, friendly_name, secret_hash, scope, created, updated";
const AUDIT_COLUMNS: &str = "sid, account, actor, kind, resource, source, created";

pub(crate) fn put_application(application: &Application) -> Statement {
    upsert("applications", APPLICATION_COLUMNS, &["sid"], "")
        .bind(application.sid.to_string())
        .bind(application.account.to_string())
        .bind(plain(&application.friendly_name))
        .bind(plain(&application.voice_url))
        .bind(application.voice_method.as_str())
        .bind(plain(&application.voice_fallback_url))
        .bind(application.voice_fallback_method.as_str())
        .bind(plain(&application.status_callback))
        .bind(application.status_callback_method.as_str())
        .bind(plain(&application.sms_url))
        .bind(application.sms_method.as_str())
        .bind(plain(&application.sms_fallback_url))
        .bind(application.sms_fallback_method.as_str())
        .bind(plain(&application.sms_status_callback))
        .bind(plain(&application.message_status_callback))
        .bind(application.created.0)
        .bind(application.updated.0)
}

pub(crate) fn put_caller_id(caller_id: &CallerId) -> Statement {
    upsert("caller_ids", CALLER_ID_COLUMNS, &["sid"], "")
        .bind(caller_id.sid.to_string())
        .bind(caller_id.account.to_string())
        .bind(plain(&caller_id.phone_number))
        .bind(plain(&caller_id.friendly_name))
        .bind(caller_id.created.0)
        .bind(caller_id.updated.0)
}

pub(crate) fn put_key(key: &Key) -> Statement {
    upsert("api_keys", KEY_COLUMNS, &["sid"], "")
        .bind(key.sid.to_string())
        .bind(key.account.to_string())
        .bind(plain(&key.friendly_name))
        .bind(plain(&key.secret_hash))
        .bind(key.scope.as_str())
        .bind(key.created.0)
        .bind(key.updated.0)
}

pub(crate) fn put_audit(event: &AuditEvent) -> Statement {
    upsert("audit", AUDIT_COLUMNS, &["sid"], "")
        .bind(event.sid.to_string())
        .bind(event.account.to_string())
        .bind(event.actor.to_string())
        .bind(plain(&event.kind))
        .bind(event.resource.map(|sid| sid.to_string()))
        .bind(plain(&event.source))
        .bind(event.at.0)
}

fn application(row: &AnyRow) -> Result<Application, StoreError> {
    let cells = Cells { table: "applications", row };
    Ok(Application {
        sid: cells.sid("sid")?,
        account: cells.sid("account")?,
        friendly_name: cells.value("friendly_name")?,
        voice_url: cells.value("voice_url")?,
        voice_method: cells.method("voice_method")?,
        voice_fallback_url: cells.value("voice_fallback_url")?,
        voice_fallback_method: cells.method("voice_fallback_method")?,
        status_callback: cells.value("status_callback")?,
        status_callback_method: cells.method("status_callback_method")?,
        sms_url: cells.value("sms_url")?,
        sms_method: cells.method("sms_method")?,
        sms_fallback_url: cells.value("sms_fallback_url")?,
        sms_fallback_method: cells.method("sms_fallback_method")?,
        sms_status_callback: cells.value("sms_status_callback")?,
        message_status_callback: cells.value("message_status_callback")?,
        created: cells.stamp("created")?,
        updated: cells.stamp("updated")?,
    })
}

fn caller_id(row: &AnyRow) -> Result<CallerId, StoreError> {
    let cells = Cells { table: "caller_ids", row };
    Ok(CallerId {
        sid: cells.sid("sid")?,
        account: cells.sid("account")?,
        phone_number: cells.value("phone_number")?,
        friendly_name: cells.value("friendly_name")?,
        created: cells.stamp("created")?,
        updated: cells.stamp("updated")?,
    })
}

fn key(row: &AnyRow) -> Result<Key, StoreError> {
    let cells = Cells { table: "api_keys", row };
    let scope: String = cells.value("scope")?;
    Ok(Key {
        sid: cells.sid("sid")?,
        account: cells.sid("account")?,
        friendly_name: cells.value("friendly_name")?,
        secret_hash: cells.value("secret_hash")?,
        scope: Scope::from_wire(&scope).ok_or_else(|| cells.strange("scope", &scope))?,
        created: cells.stamp("created")?,
        updated: cells.stamp("updated")?,
    })
}

fn audit(row: &AnyRow) -> Result<AuditEvent, StoreError> {
    let cells = Cells { table: "audit", row };
    Ok(AuditEvent {
        sid: cells.sid("sid")?,
        account: cells.sid("account")?,
        actor: cells.sid("actor")?,
        kind: cells.value("kind")?,
        resource: cells.sid_or_none("resource")?,
        source: cells.value("source")?,
        at: cells.stamp("created")?,
    })
}

kept! {
    Application: "applications", APPLICATION_COLUMNS, application;
    CallerId: "caller_ids", CALLER_ID_COLUMNS, caller_id;
    Key: "api_keys", KEY_COLUMNS, key;
    AuditEvent: "audit", AUDIT_COLUMNS, audit;
}
