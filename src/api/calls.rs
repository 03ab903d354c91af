//! Calls: list, read, end, delete. Making one is checked as it will be, and then refused: it comes with outgoing lines.

use axum::http::StatusCode;
use tipring_resources::{Call, CallStatus, Sid, SidKind};
use tipring_router::{Reply, Request};
use tipring_store::{Anchor, CallFilter, NumberFilter, Page};

use crate::fault::Fault;
use crate::form::Form;
use crate::serve::{ASK_TIMEOUT, Answer, Asking};
use crate::{dates, paging, show};

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

/// Ends a call. The router knows the living; of the dead, the store.
pub(crate) async fn update(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let form = &asking.form;
    let only_unanswered = match form.text("Status") {
        Some("completed") => false,
        Some("canceled") => true,
        Some(_) => return Err(Fault::parameter("Status", "completed or canceled")),
        None => return untouched(asking, sid).await,
    };
    let request = Request::EndCall { account: asking.account.sid, call: sid, only_unanswered };
    let reply = tokio::time::timeout(ASK_TIMEOUT, asking.state.live.ask(request)).await;
    match reply.map_err(|_| Fault::unavailable("the router did not answer in time: try again later"))? {
        Reply::Call(call) => {
            asking.state.store.settled().await?;
            Ok(Answer::Json(StatusCode::OK, show::call(&call)))
        }
        Reply::Refused { code, text } if code.0 == 20503 => Err(Fault::unavailable(text)),
        Reply::Refused { code, text } => Err(Fault::bad(code.0, text)),
        Reply::NotLive => Err(not_live(asking, sid).await?),
    }
}

/// An update that asks for nothing that this box can do to a living call.
async fn untouched(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let call = find(asking, sid).await?;
    let changes = ["Url", "Twiml", "TimeLimit", "StatusCallback", "FallbackUrl"];
    if !changes.iter().any(|name| asking.form.text(name).is_some()) {
        return Ok(Answer::Json(StatusCode::OK, show::call(&call)));
    }
    if call.status.is_final() {
        return Err(ended(&call));
    }
    Err(Fault::unavailable("redirecting a living call is not available yet; Status=completed ends it"))
}

/// Why a call cannot be ended: it has ended, another box has it, or it never was.
async fn not_live(asking: &Asking, sid: Sid) -> Result<Fault, Fault> {
    asking.state.store.settled().await?;
    let call = find(asking, sid).await?;
    if call.status.is_final() {
        return Ok(ended(&call));
    }
    Ok(Fault::unavailable("the box that holds the call is away: try again later"))
}

fn ended(call: &Call) -> Fault {
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

/// Makes a call, as far as it can be made today: the parameters are judged.
pub(crate) async fn create(asking: &Asking) -> Result<Answer, Fault> {
    let form = &asking.form;
    form.text("To").ok_or_else(|| Fault::plain(21201))?;
    let from = form.text("From").ok_or_else(|| Fault::plain(21213))?;
    instructions(form)?;
    form.method("Method")?;
    form.url("StatusCallback")?;
    let filter = NumberFilter { phone_number: Some(from.to_string()), friendly_name: None };
    let page = Page { size: OWN_NUMBERS, ..Page::default() };
    let numbers = asking.state.store.numbers(asking.account.sid, &filter, page).await?;
    if !numbers.items.iter().any(|number| number.phone_number == from) {
        return Err(Fault::plain(21210));
    }
    Err(Fault::unavailable("outgoing calls are not available yet"))
}

fn instructions(form: &Form) -> Result<(), Fault> {
    let url = form.url("Url").map_err(|fault| Fault::bad(21205, fault.message))?;
    let given = url.is_some_and(|url| !url.is_empty());
    if !given && form.text("Twiml").is_none() && form.text("ApplicationSid").is_none() {
        return Err(Fault::plain(21205));
    }
    if form.text("Twiml").is_some_and(|document| document.chars().count() > TWIML_MAX) {
        return Err(Fault::parameter("Twiml", "a document of at most 4000 characters"));
    }
    Ok(())
}

fn status(text: &str) -> Result<CallStatus, Fault> {
    CallStatus::from_wire(text).ok_or_else(|| Fault::parameter("Status", "a status such as completed or in-progress"))
}

/// Characters of an inline document at most.
const TWIML_MAX: usize = 4000;
/// Numbers that hold the caller's digits, looked through for an equal one.
const OWN_NUMBERS: u32 = 1000;
