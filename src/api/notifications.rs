//! Notifications: the developer's debugger. A list shows what went wrong, a single one also what was said on both sides.

use axum::http::StatusCode;
use tipring_resources::{Level, Notification, Sid};
use tipring_store::{Anchor, NotificationFilter};

use crate::fault::Fault;
use crate::serve::{Answer, Asking};
use crate::{calls, dates, paging, show};

pub(crate) async fn list(asking: &Asking, call: Option<Sid>) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    if let Some(call) = call {
        calls::find(asking, call).await?;
    }
    let level = match form.text("Log") {
        None => None,
        Some("0") => Some(Level::Error),
        Some("1") => Some(Level::Warning),
        Some(_) => return Err(Fault::parameter("Log", "0 (errors) or 1 (warnings)")),
    };
    let filter = NotificationFilter { call, level, at: dates::range(form, "MessageDate")? };
    let listing = asking.state.store.notifications(asking.account.sid, &filter, asked.page).await?;
    let anchor = |one: &Notification| Anchor { created: one.at, sid: one.sid };
    let show = |one: &Notification| show::notification(one, call.is_some(), false, &asking.base);
    Ok(paging::envelope(&asking.path.link, form, asked, "notifications", &listing, anchor, show))
}

pub(crate) async fn one(asking: &Asking, call: Option<Sid>, sid: Sid) -> Result<Answer, Fault> {
    let found = asking.state.store.notification(asking.account.sid, sid).await?;
    let found = found.filter(|one| call.is_none() || one.call == call).ok_or_else(Fault::not_found)?;
    Ok(Answer::Json(StatusCode::OK, show::notification(&found, call.is_some(), true, &asking.base)))
}
