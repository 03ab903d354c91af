//! Text messages: list, read, empty, delete. Sending one is the router's.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::{Message, Record, Sid};
use tipring_router::{NewMessage, Reply, Request};
use tipring_store::{Anchor, Column, Listing, Where};

use crate::dates::{range, rfc2822};
use crate::fault::Fault;
use crate::serve::{Answer, Asking};
use crate::{live, paging, show};

pub(crate) fn shown(message: &Message) -> Value {
    let path = format!("{}/Messages/{}", show::account_path(message.account), message.sid);
    json!({
        "sid": message.sid,
        "account_sid": message.account,
        "messaging_service_sid": null,
        "direction": message.direction.as_str(),
        "from": message.from,
        "to": message.to,
        "body": message.body,
        "status": message.status.as_str(),
        "error_code": message.error_code,
        "error_message": message.error_message,
        "num_segments": message.segments.to_string(),
        "num_media": "0",
        "price": null,
        "price_unit": null,
        "date_created": rfc2822(message.created),
        "date_updated": rfc2822(message.updated),
        "date_sent": message.sent.and_then(rfc2822),
        "api_version": show::VERSION,
        "uri": format!("{path}.json"),
        "subresource_uris": { "media": format!("{path}/Media.json") },
    })
}

pub(crate) async fn list(asking: &Asking) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    let which = Where::of(asking.account.sid)
        .maybe(Column::To, form.text("To"))
        .maybe(Column::From, form.text("From"))
        .within(Column::Sent, range(form, "DateSent")?);
    let listing = asking.state.store.list(which, asked.page).await?;
    let anchor = |one: &Message| Anchor { created: one.created, sid: one.sid };
    Ok(paging::envelope(&asking.path.link, form, asked, "messages", &listing, anchor, shown))
}

pub(crate) async fn one(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    Ok(Answer::Json(StatusCode::OK, shown(&find(asking, sid).await?)))
}

async fn find(asking: &Asking, sid: Sid) -> Result<Message, Fault> {
    asking.state.store.one(asking.account.sid, sid).await?.ok_or_else(Fault::not_found)
}

/// What came with a message: nothing, on this box.
pub(crate) async fn media(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let asked = paging::asked(&asking.form)?;
    find(asking, sid).await?;
    let none = Listing { items: Vec::<Message>::new(), older: false, newer: false };
    let anchor = |one: &Message| Anchor { created: one.created, sid: one.sid };
    Ok(paging::envelope(&asking.path.link, &asking.form, asked, "media_list", &none, anchor, shown))
}

/// Sends a message: the router's.
pub(crate) async fn create(asking: &Asking) -> Result<Answer, Fault> {
    let form = &asking.form;
    let text = |name: &str, code: u32| form.text(name).map(str::to_owned).ok_or_else(|| Fault::plain(code));
    let (to, from, body) = (text("To", 21604)?, text("From", 21603)?, text("Body", 21602)?);
    if body.chars().count() > BODY_MAX {
        return Err(Fault::plain(21617));
    }
    let callback = form.url("StatusCallback")?.unwrap_or_default();
    let new = NewMessage { account: asking.account.sid, to, from, body, callback };
    match live::done(asking, Request::SendMessage(Box::new(new))).await? {
        Reply::Message(message) => Ok(Answer::Json(StatusCode::CREATED, shown(&message))),
        reply => Err(live::odd(&reply)),
    }
}

/// Characters of a message at most.
const BODY_MAX: usize = 1_600;

/// An empty `Body` takes the text away. None waits for a time at which it is sent, so none can be taken back.
pub(crate) async fn update(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let mut message = find(asking, sid).await?;
    match (asking.form.text("Status"), asking.form.given("Body")) {
        (Some("canceled"), _) => Err(Fault::bad(20009, "the message has gone to its gateway: it cannot be taken back")),
        (Some(_), _) => Err(Fault::parameter("Status", "canceled")),
        (None, Some("")) => {
            if message.status.is_live() {
                return Err(Fault::bad(20009, "the message is on its way: wait for its end"));
            }
            message.body.clear();
            message.updated = asking.state.live.now();
            asking.state.store.put(Record::Message(message.clone())).await?;
            Ok(Answer::Json(StatusCode::OK, shown(&message)))
        }
        (None, Some(_)) => Err(Fault::parameter("Body", "nothing: it can only be taken away")),
        (None, None) => Ok(Answer::Json(StatusCode::OK, shown(&message))),
    }
}

pub(crate) async fn delete(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let message = find(asking, sid).await?;
    if message.status.is_live() {
        return Err(Fault::bad(20009, "the message is on its way: wait for its end"));
    }
    match asking.state.store.delete::<Message>(asking.account.sid, sid).await? {
        true => Ok(Answer::NoContent),
        false => Err(Fault::not_found()),
    }
}
