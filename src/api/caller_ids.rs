//! Outgoing caller ids: numbers that an account may show. They are proven by a call that the router makes, or added by
//! whoever holds the account.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::{CallerId, Record, Scope, Sid, SidKind};
use tipring_router::{DirectoryChange, Reply, Request, Verification};
use tipring_store::{Anchor, Column, Where};

use crate::calls::{ask, refused};
use crate::dates::rfc2822;
use crate::fault::Fault;
use crate::serve::{Answer, Asking};
use crate::{numbers, paging, secret, show};

pub(crate) fn shown(caller_id: &CallerId) -> Value {
    json!({
        "sid": caller_id.sid,
        "account_sid": caller_id.account,
        "friendly_name": caller_id.friendly_name,
        "phone_number": caller_id.phone_number,
        "date_created": rfc2822(caller_id.created),
        "date_updated": rfc2822(caller_id.updated),
        "uri": format!("{}/OutgoingCallerIds/{}.json", show::account_path(caller_id.account), caller_id.sid),
    })
}

pub(crate) async fn list(asking: &Asking) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    let number = form.text("PhoneNumber").map(|text| numbers::address(text).unwrap_or_else(|| text.to_string()));
    let which = Where::of(asking.account.sid)
        .maybe(Column::PhoneNumber, number)
        .maybe(Column::FriendlyName, form.text("FriendlyName"));
    let listing = asking.state.store.list(which, asked.page).await?;
    let anchor = |one: &CallerId| Anchor { created: one.created, sid: one.sid };
    Ok(paging::envelope(&asking.path.link, form, asked, "outgoing_caller_ids", &listing, anchor, shown))
}

pub(crate) async fn one(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    Ok(Answer::Json(StatusCode::OK, shown(&find(asking, sid).await?)))
}

async fn find(asking: &Asking, sid: Sid) -> Result<CallerId, Fault> {
    asking.state.store.one(asking.account.sid, sid).await?.ok_or_else(Fault::not_found)
}

/// Begins the proof of a number, or (with `Verify=false`, by whoever holds the account) adds it at once.
pub(crate) async fn create(asking: &Asking) -> Result<Answer, Fault> {
    let form = &asking.form;
    let given = form.text("PhoneNumber").ok_or_else(|| Fault::bad(21401, "PhoneNumber is missing"))?;
    let phone_number = numbers::address(given).ok_or_else(|| Fault::plain(21401))?;
    let friendly_name = form.name("FriendlyName")?.unwrap_or_else(|| phone_number.clone());
    let there = Where::of(asking.account.sid).equal(Column::PhoneNumber, &phone_number);
    if asking.state.store.find::<CallerId>(there).await?.is_some() {
        return Err(Fault::plain(21450));
    }
    match form.boolean("Verify")? {
        Some(false) if may_add(asking) => add(asking, phone_number, friendly_name).await,
        Some(false) => Err(Fault::forbidden(
            "only the box's own account, or a key of it with scope admin, may add a number without a call",
        )),
        _ => verify(asking, phone_number, friendly_name).await,
    }
}

/// The box's own account may, for itself and for its subaccounts; these would show each other's numbers.
fn may_add(asking: &Asking) -> bool {
    asking.asker.scope == Scope::Admin && asking.asker.account.parent.is_none()
}

async fn add(asking: &Asking, phone_number: String, friendly_name: String) -> Result<Answer, Fault> {
    let now = asking.state.live.now();
    let sid = asking.state.live.new_sid(SidKind::Number);
    let account = asking.account.sid;
    let caller_id = CallerId { sid, account, phone_number, friendly_name, created: now, updated: now };
    keep(asking, caller_id, StatusCode::CREATED).await
}

async fn keep(asking: &Asking, caller_id: CallerId, status: StatusCode) -> Result<Answer, Fault> {
    asking.state.store.put(Record::CallerId(caller_id.clone())).await?;
    asking.state.live.directory_changed(DirectoryChange::CallerId(caller_id.clone())).await;
    Ok(Answer::Json(status, shown(&caller_id)))
}

/// Asks the router for the call. Whoever answers it keys the code that this answer shows.
async fn verify(asking: &Asking, phone_number: String, friendly_name: String) -> Result<Answer, Fault> {
    let form = &asking.form;
    let delay = form.text("CallDelay").unwrap_or("0").parse::<u32>().ok().filter(|delay| *delay <= CALL_DELAY_MAX_S);
    let extension = form.text("Extension").unwrap_or_default();
    let sound = |key: char| key.is_ascii_digit() || "*#wW".contains(key);
    if extension.len() > EXTENSION_MAX || !extension.chars().all(sound) {
        return Err(Fault::plain(21455));
    }
    let code = secret::code()?;
    let wanted = Verification {
        account: asking.account.sid,
        phone_number: phone_number.clone(),
        friendly_name: friendly_name.clone(),
        call_delay_s: delay.ok_or_else(|| Fault::plain(21456))?,
        extension: extension.to_string(),
        callback: form.url("StatusCallback")?.unwrap_or_default(),
        method: form.method("StatusCallbackMethod")?.unwrap_or_default(),
        code: code.clone(),
    };
    match ask(asking, Request::VerifyCallerId(Box::new(wanted))).await? {
        Reply::Call(call) => Ok(Answer::Json(
            StatusCode::OK,
            json!({
                "account_sid": asking.account.sid,
                "call_sid": call.sid,
                "friendly_name": friendly_name,
                "phone_number": phone_number,
                "validation_code": code,
            }),
        )),
        Reply::Refused { code, text, again_s } => Err(refused(code, text, again_s)),
        _ => Err(Fault::plain(21453)),
    }
}

pub(crate) async fn update(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let mut caller_id = find(asking, sid).await?;
    let Some(name) = asking.form.name("FriendlyName")? else {
        return Ok(Answer::Json(StatusCode::OK, shown(&caller_id)));
    };
    caller_id.friendly_name = name;
    caller_id.updated = asking.state.live.now();
    keep(asking, caller_id, StatusCode::OK).await
}

pub(crate) async fn delete(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    if !asking.state.store.delete::<CallerId>(asking.account.sid, sid).await? {
        return Err(Fault::not_found());
    }
    asking.state.live.directory_changed(DirectoryChange::CallerIdGone(sid)).await;
    Ok(Answer::NoContent)
}

/// The call that proves a number may wait for a minute.
const CALL_DELAY_MAX_S: u32 = 60;
/// Keys of an extension at most: as many as a call may send.
const EXTENSION_MAX: usize = 32;
