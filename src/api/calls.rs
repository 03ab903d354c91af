//! Calls: list, read, change, end, delete. Making one is `create`'s.

use axum::http::StatusCode;
use tipring_resources::{Call, CallStatus, Code, Sid, SidKind};
use tipring_router::{CallChange, Reply, Request};
use tipring_store::{Anchor, CallFilter};

use crate::fault::Fault;
use crate::serve::{ASK_TIMEOUT, Answer, Asking};
use crate::warnings::Warnings;
use crate::{dates, live, paging, show, wishes};

pub(crate) async fn list(asking: &Asking) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    let filter = CallFilter {
        to: form.text("To").map(String::from),
        from: form.text("From").map(String::from),
        status: form.text("Status").map(status).transpose()?,
        parent: form.sid("ParentCallSid", SidKind::Call)?,
        start: dates::range(form, "StartTime")?,
        end: dates::range(form, "EndTime")?,
    };
    let listing = asking.state.store.calls(asking.account.sid, &filter, asked.page).await?;
    let anchor = |call: &Call| Anchor { created: call.created, sid: call.sid };
    Ok(paging::envelope(&asking.path.link, form, asked, "calls", &listing, anchor, show::call))
}

pub(crate) async fn one(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    Ok(Answer::Json(StatusCode::OK, show::call(&find(asking, sid).await?)))
}

/// A call of the asker. One that was born this moment may have no row yet: then the writes under way are waited for.
pub(crate) async fn find(asking: &Asking, sid: Sid) -> Result<Call, Fault> {
    let store = &asking.state.store;
    if let Some(call) = store.call(asking.account.sid, sid).await? {
        return Ok(call);
    }
    store.settled().await?;
    store.call(asking.account.sid, sid).await?.ok_or_else(Fault::not_found)
}

/// Changes a living call: `Status` ends it and goes before all else; another document, callback or limit changes what it
/// does. The router knows the living; of the dead, the store.
pub(crate) async fn update(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let mut warnings = Warnings::default();
    let request = match asking.form.text("Status") {
        Some("completed") => Request::EndCall { account: asking.account.sid, call: sid, only_unanswered: false },
        Some("canceled") => Request::EndCall { account: asking.account.sid, call: sid, only_unanswered: true },
        Some(_) => return Err(Fault::parameter("Status", "completed or canceled")),
        None => match (live::announce(&asking.form)?, change(asking, sid, &mut warnings)?) {
            (Some(_), Some(_)) => {
                return Err(Fault::bad(
                    20002,
                    "AnnounceUrl stands alone: the call goes on as it is, and others hear it",
                ));
            }
            // Our own: everybody in the call hears it, and goes on.
            (Some(announce), None) => Request::Notice { account: asking.account.sid, call: sid, announce },
            (None, Some(change)) => Request::ChangeCall(Box::new(change)),
            (None, None) => return one(asking, sid).await,
        },
    };
    match ask(asking, request).await? {
        Reply::Call(call) => {
            asking.state.store.settled().await?;
            warnings.keep(asking, sid).await;
            Ok(Answer::Json(StatusCode::OK, show::call(&call)))
        }
        Reply::Refused { code, text, again_s } => Err(refused(code, text, again_s)),
        _ => Err(not_live(asking, sid).await?),
    }
}

/// What a request changes; `None`: nothing.
fn change(asking: &Asking, call: Sid, warnings: &mut Warnings) -> Result<Option<CallChange>, Fault> {
    let form = &asking.form;
    if form.text("ApplicationSid").is_some() {
        return Err(Fault::bad(21218, "a living call cannot be given an application: give Url or Twiml"));
    }
    let change = CallChange {
        account: asking.account.sid,
        call,
        instructions: wishes::instructions(form, warnings)?,
        fallback: wishes::fallback(form)?,
        callback: wishes::callback(form, warnings)?,
        time_limit_s: wishes::time_limit_s(form)?,
    };
    warnings.add_unknown(form, CHANGES);
    let wanted = change.instructions.is_some()
        || change.fallback.is_some()
        || change.callback.is_some()
        || change.time_limit_s.is_some();
    Ok(wanted.then_some(change))
}

/// Asks the router, and waits no longer than a client would.
pub(crate) async fn ask(asking: &Asking, request: Request) -> Result<Reply, Fault> {
    let reply = tokio::time::timeout(ASK_TIMEOUT, asking.state.live.ask(request)).await;
    reply.map_err(|_| {
        Fault::unavailable("the router did not answer in time: look whether it was done, else try again later")
    })
}

/// The router's no as an answer.
pub(crate) fn refused(code: Code, text: String, again_s: Option<u64>) -> Fault {
    let status = match code.0 {
        20005 | 20403 => StatusCode::FORBIDDEN,
        20404 => StatusCode::NOT_FOUND,
        20429 => StatusCode::TOO_MANY_REQUESTS,
        20500 => StatusCode::INTERNAL_SERVER_ERROR,
        20503 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    Fault { status, again_s, ..Fault::bad(code.0, text) }
}

/// Why a call cannot be changed: it has ended, another box has it, or it never was.
async fn not_live(asking: &Asking, sid: Sid) -> Result<Fault, Fault> {
    asking.state.store.settled().await?;
    let call = find(asking, sid).await?;
    if call.status.is_final() {
        return Ok(ended(&call));
    }
    Ok(Fault::unavailable("the box that holds the call is away: try again later"))
}

/// The call has ended already.
pub(crate) fn ended(call: &Call) -> Fault {
    Fault::bad(21220, format!("the call is {}: it has ended already", call.status.as_str()))
}

/// Deletes the record of an ended call.
pub(crate) async fn delete(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    if asking.state.store.delete_call(asking.account.sid, sid).await? {
        return Ok(Answer::NoContent);
    }
    let call = find(asking, sid).await?;
    Err(Fault::bad(20009, format!("the call is {}: end it before deleting it", call.status.as_str())))
}

fn status(text: &str) -> Result<CallStatus, Fault> {
    CallStatus::from_wire(text).ok_or_else(|| Fault::parameter("Status", "a status such as completed or in-progress"))
}

/// Parameters of a change.
const CHANGES: &[&str] = &[
    "Url",
    "Method",
    "Twiml",
    "FallbackUrl",
    "FallbackMethod",
    "StatusCallback",
    "StatusCallbackMethod",
    "StatusCallbackEvent",
    "TimeLimit",
    "AnnounceUrl",
    "AnnounceMethod",
];
