//! Resources as JSON. Every field of the peers' shape is there; what this box does not know, or what is not true yet, is
//! null. Many numbers are strings: that is the shape.

use serde_json::{Value, json};
use tipring_resources::{Account, AccountStatus, Call, CallStatus, Level, Notification, Number, Recording, Sid, Stamp};

use crate::dates::rfc2822;
use crate::fault::more_info;
use crate::path::Of;

/// The version in every path.
pub(crate) const VERSION: &str = "2010-04-01";

/// The path of an account without suffix.
pub(crate) fn account_path(account: Sid) -> String {
    format!("/{VERSION}/Accounts/{account}")
}

/// An account, for its owner.
pub(crate) fn account(account: &Account) -> Value {
    let path = account_path(account.sid);
    let below = |name: &str| Value::String(format!("{path}/{name}.json"));
    json!({
        "sid": account.sid,
        "owner_account_sid": account.parent.unwrap_or(account.sid),
        "friendly_name": account.friendly_name,
        "status": account_status(account.status),
        "type": "Full",
        "auth_token": account.token,
        "date_created": rfc2822(account.created),
        "date_updated": rfc2822(account.updated),
        "uri": format!("{path}.json"),
        "subresource_uris": {
            "applications": below("Applications"),
            "available_phone_numbers": below("AvailablePhoneNumbers"),
            "balance": below("Balance"),
            "calls": below("Calls"),
            "conferences": below("Conferences"),
            "incoming_phone_numbers": below("IncomingPhoneNumbers"),
            "keys": below("Keys"),
            "messages": below("Messages"),
            "notifications": below("Notifications"),
            "outgoing_caller_ids": below("OutgoingCallerIds"),
            "queues": below("Queues"),
            "recordings": below("Recordings"),
            "signing_keys": below("SigningKeys"),
            "sip": below("SIP"),
            "transcriptions": below("Transcriptions"),
            "usage": below("Usage"),
        },
    })
}

/// As on the wire.
pub(crate) fn account_status(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Active => "active",
        AccountStatus::Suspended => "suspended",
        AccountStatus::Closed => "closed",
    }
}

/// How sure the answer of a call is.
fn certainty_percent(call: &Call) -> Option<u8> {
    call.supervision.as_deref().and_then(tipring_router::certainty_percent)
}

/// A call. Its start is shown once it began, its end and length once it is over. Beside the peers' fields it has ours:
/// `line`, `trunk` (the group of lines), `answer_supervision` (what told us of the answer), `answer_certainty` (how sure
/// that is, in percent), `hangup_cause` (Q.850), `hangup_evidence` (what told an analogue line that the far end had gone).
pub(crate) fn call(call: &Call) -> Value {
    let path = format!("{}/Calls/{}", account_path(call.account), call.sid);
    let over = call.status.is_final();
    let started = call.started.filter(|_| call.status != CallStatus::Queued);
    json!({
        "sid": call.sid,
        "account_sid": call.account,
        "parent_call_sid": call.parent,
        "phone_number_sid": call.number,
        "to": call.to,
        "to_formatted": call.to,
        "from": call.from,
        "from_formatted": call.from,
        "caller_name": call.caller_name,
        "forwarded_from": call.forwarded_from,
        "direction": call.direction.as_str(),
        "status": call.status.as_str(),
        "date_created": rfc2822(call.created),
        "date_updated": rfc2822(call.updated),
        "start_time": started.and_then(rfc2822),
        "end_time": call.ended.filter(|_| over).and_then(rfc2822),
        "duration": call.duration_s().filter(|_| over).map(|seconds| seconds.to_string()),
        "price": null,
        "price_unit": null,
        "answered_by": call.answered_by,
        "group_sid": null,
        "trunk_sid": null,
        "queue_time": call.queued_ms.to_string(),
        "trunk": Some(&call.group).filter(|group| !group.is_empty()),
        "line": Some(&call.line).filter(|line| !line.is_empty()),
        "answer_supervision": call.supervision,
        "answer_certainty": certainty_percent(call),
        "hangup_evidence": call.hangup_evidence,
        "hangup_cause": call.cause.filter(|_| over),
        "api_version": VERSION,
        "uri": format!("{path}.json"),
        "subresource_uris": {
            "events": format!("{path}/Events.json"),
            "notifications": format!("{path}/Notifications.json"),
            "recordings": format!("{path}/Recordings.json"),
            "siprec": format!("{path}/Siprec.json"),
            "streams": format!("{path}/Streams.json"),
            "transcriptions": format!("{path}/Transcriptions.json"),
        },
    })
}

/// A recording; as a resource of its call or conference it has no sound's address, but its track.
pub(crate) fn recording(recording: &Recording, of: Of, base: &str) -> Value {
    let account = account_path(recording.account);
    let path = match of {
        Of::Call(call) => format!("{account}/Calls/{call}/Recordings/{}", recording.sid),
        Of::Conference(room) => format!("{account}/Conferences/{room}/Recordings/{}", recording.sid),
        Of::Account => format!("{account}/Recordings/{}", recording.sid),
    };
    let mut body = json!({
        "sid": recording.sid,
        "account_sid": recording.account,
        "call_sid": recording.call,
        "conference_sid": recording.conference,
        "status": recording.status.as_str(),
        "channels": recording.channels,
        "source": recording.source,
        "duration": recording.duration_s().map(|seconds| seconds.to_string()),
        "error_code": recording.error_code,
        "date_created": rfc2822(recording.created),
        "date_updated": rfc2822(recording.updated),
        "start_time": rfc2822(recording.started),
        "price": null,
        "price_unit": null,
        "encryption_details": null,
        "api_version": VERSION,
        "uri": format!("{path}.json"),
    });
    match of {
        Of::Call(_) => {
            body["track"] = json!(Some(recording.track.as_str()).filter(|track| !track.is_empty()).unwrap_or("both"));
        }
        Of::Conference(_) => {}
        Of::Account => {
            body["media_url"] = json!(format!("{base}{path}"));
            body["subresource_uris"] = json!({ "transcriptions": format!("{path}/Transcriptions.json") });
        }
    }
    body
}

/// A URL that was given; null otherwise, for an empty text is no URL and validators of the public description refuse it.
pub(crate) fn url_or_null(url: &str) -> Option<&str> {
    Some(url).filter(|url| !url.is_empty())
}

/// A number.
pub(crate) fn number(number: &Number) -> Value {
    json!({
        "sid": number.sid,
        "account_sid": number.account,
        "phone_number": number.phone_number,
        "friendly_name": number.friendly_name,
        "voice_url": url_or_null(&number.voice_url),
        "voice_method": number.voice_method.as_str(),
        "voice_fallback_url": url_or_null(&number.voice_fallback_url),
        "voice_fallback_method": number.voice_fallback_method.as_str(),
        "voice_application_sid": number.voice_application,
        "voice_caller_id_lookup": false,
        "voice_receive_mode": "voice",
        "status_callback": url_or_null(&number.status_callback),
        "status_callback_method": number.status_callback_method.as_str(),
        "sms_url": url_or_null(&number.sms_url),
        "sms_method": number.sms_method.as_str(),
        "sms_fallback_url": url_or_null(&number.sms_fallback_url),
        "sms_fallback_method": number.sms_fallback_method.as_str(),
        "sms_application_sid": number.sms_application,
        "capabilities": { "voice": true, "sms": false, "mms": false, "fax": false },
        "address_sid": null,
        "address_requirements": "none",
        "identity_sid": null,
        "bundle_sid": null,
        "trunk_sid": null,
        "emergency_status": "Inactive",
        "emergency_address_sid": null,
        "emergency_address_status": "unregistered",
        "beta": false,
        "origin": "hosted",
        "status": "in-use",
        "type": "local",
        "date_created": rfc2822(number.created),
        "date_updated": rfc2822(number.updated),
        "api_version": VERSION,
        "uri": format!("{}/IncomingPhoneNumbers/{}.json", account_path(number.account), number.sid),
    })
}

/// A notification; `whole`: with what was asked and answered, as a single one is shown.
pub(crate) fn notification(notification: &Notification, of_call: bool, whole: bool, base: &str) -> Value {
    let account = account_path(notification.account);
    let path = match notification.call.filter(|_| of_call) {
        Some(call) => format!("{account}/Calls/{call}/Notifications/{}", notification.sid),
        None => format!("{account}/Notifications/{}", notification.sid),
    };
    let at = |stamp: Stamp| rfc2822(stamp);
    let mut body = json!({
        "sid": notification.sid,
        "account_sid": notification.account,
        "call_sid": notification.call,
        "log": match notification.level { Level::Error => "0", Level::Warning => "1" },
        "error_code": notification.code.0.to_string(),
        "message_text": notification.text,
        "message_date": at(notification.at),
        "date_created": at(notification.at),
        "date_updated": at(notification.at),
        "more_info": more_info(base, notification.code),
        "request_method": notification.request_method.map(|method| method.as_str()),
        "request_url": notification.request_url,
        "api_version": VERSION,
        "uri": format!("{path}.json"),
    });
    if whole {
        body["request_variables"] = json!(notification.request_variables);
        body["response_headers"] = json!(notification.response_headers);
        body["response_body"] = json!(notification.response_body);
    }
    body
}
