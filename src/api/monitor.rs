//! The monitor's two lists, on the same address: alerts (notifications in another shape) and the audit trail.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::{AuditEvent, Level, Notification, Sid, SidKind};
use tipring_store::{Anchor, Column, NotificationFilter, TimeRange, Where};

use crate::dates::{iso8601, range_between};
use crate::fault::{Fault, more_info};
use crate::serve::{Answer, Asking};
use crate::{paging, show};

/// Notifications as alerts; `LogLevel`, `StartDate`, `EndDate`.
pub(crate) async fn alerts(asking: &Asking) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    let level = match form.text("LogLevel") {
        None => None,
        Some("error") => Some(Level::Error),
        Some("warning") => Some(Level::Warning),
        // There are none of these.
        Some("notice" | "debug") => return none(asking, "alerts"),
        Some(_) => return Err(Fault::parameter("LogLevel", "error, warning, notice or debug")),
    };
    let filter = NotificationFilter { call: None, level, at: range_between(form, "StartDate", "EndDate")? };
    let listing = asking.state.store.notifications(asking.account.sid, &filter, asked.page).await?;
    let anchor = |one: &Notification| Anchor { created: one.at, sid: one.sid };
    let show = |one: &Notification| shown_alert(asking, one, false);
    Ok(paging::meta(asking, asked, "alerts", &listing, anchor, show))
}

fn none(asking: &Asking, member: &str) -> Result<Answer, Fault> {
    let asked = paging::asked(&asking.form)?;
    let listing = tipring_store::Listing { items: Vec::<Notification>::new(), older: false, newer: false };
    let anchor = |one: &Notification| Anchor { created: one.at, sid: one.sid };
    Ok(paging::meta(asking, asked, member, &listing, anchor, |_| Value::Null))
}

pub(crate) async fn alert(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let found = asking.state.store.notification(asking.account.sid, sid).await?;
    let found = found.ok_or_else(Fault::not_found)?;
    Ok(Answer::Json(StatusCode::OK, shown_alert(asking, &found, true)))
}

fn shown_alert(asking: &Asking, one: &Notification, whole: bool) -> Value {
    let at = iso8601(one.at);
    let mut body = json!({
        "sid": one.sid,
        "account_sid": one.account,
        "alert_text": one.text,
        "api_version": show::VERSION,
        "date_created": at,
        "date_generated": at,
        "date_updated": at,
        "error_code": one.code.0.to_string(),
        "log_level": match one.level { Level::Error => "error", Level::Warning => "warning" },
        "more_info": more_info(&asking.base, one.code),
        "request_method": one.request_method.map(|method| method.as_str()),
        "request_url": one.request_url,
        "resource_sid": one.call,
        "service_sid": null,
        "url": format!("{}/v1/Alerts/{}", asking.base, one.sid),
    });
    if whole {
        body["request_headers"] = Value::Null;
        body["request_variables"] = json!(one.request_variables);
        body["response_headers"] = json!(one.response_headers);
        body["response_body"] = json!(one.response_body);
    }
    body
}

/// The audit trail; `EventType`, `StartDate`, `EndDate`.
pub(crate) async fn events(asking: &Asking) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    let at: TimeRange = range_between(form, "StartDate", "EndDate")?;
    let which = Where::of(asking.account.sid)
        .maybe(Column::Kind, form.text("EventType"))
        .maybe(Column::Actor, form.text("ActorSid"))
        .maybe(Column::Resource, form.text("ResourceSid"))
        .within(Column::Created, at);
    let listing = asking.state.store.list(which, asked.page).await?;
    let anchor = |one: &AuditEvent| Anchor { created: one.at, sid: one.sid };
    let show = |one: &AuditEvent| shown_event(asking, one);
    Ok(paging::meta(asking, asked, "events", &listing, anchor, show))
}

pub(crate) async fn event(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let found: Option<AuditEvent> = asking.state.store.one(asking.account.sid, sid).await?;
    Ok(Answer::Json(StatusCode::OK, shown_event(asking, &found.ok_or_else(Fault::not_found)?)))
}

fn shown_event(asking: &Asking, one: &AuditEvent) -> Value {
    let of_key = one.actor.kind == SidKind::Key;
    json!({
        "sid": one.sid,
        "account_sid": one.account,
        "actor_sid": one.actor,
        "actor_type": if of_key { "key" } else { "account" },
        "description": null,
        "event_data": null,
        "event_date": iso8601(one.at),
        "event_type": one.kind,
        "resource_sid": one.resource,
        "resource_type": one.kind.split('.').next(),
        "source": "api",
        "source_ip_address": Some(&one.source).filter(|source| !source.is_empty()),
        "links": {},
        "url": format!("{}/v1/Events/{}", asking.base, one.sid),
    })
}
