//! Who waits in a queue: in their order, the longest waiting first. Taking one out is the router's.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::{Sid, SidKind, Stamp};
use tipring_router::{Reply, Request};
use tipring_store::{Anchor, Column, Waiting, Where};

use crate::dates::rfc2822;
use crate::fault::Fault;
use crate::serve::{Answer, Asking};
use crate::{live, paging, queues, show};

pub(crate) fn shown(waiting: &Waiting, now: Stamp) -> Value {
    let member = &waiting.member;
    let queue = format!("{}/Queues/{}", show::account_path(member.account), member.queue);
    json!({
        "call_sid": member.call,
        "queue_sid": member.queue,
        "date_enqueued": rfc2822(member.enqueued),
        "position": waiting.position,
        "wait_time": now.0.saturating_sub(member.enqueued.0).max(0) / 1_000_000,
        "uri": format!("{queue}/Members/{}.json", member.call),
    })
}

pub(crate) async fn list(asking: &Asking, queue: Sid) -> Result<Answer, Fault> {
    let asked = paging::asked(&asking.form)?;
    queues::find(asking, queue).await?;
    let listing = asking.state.store.list(within(asking, queue), asked.page).await?;
    let anchor = |one: &Waiting| Anchor { created: one.member.enqueued, sid: one.member.call };
    let now = asking.state.live.now();
    let show = |one: &Waiting| shown(one, now);
    Ok(paging::envelope(&asking.path.link, &asking.form, asked, "queue_members", &listing, anchor, show))
}

pub(crate) async fn one(asking: &Asking, queue: Sid, key: &str) -> Result<Answer, Fault> {
    Ok(Answer::Json(StatusCode::OK, shown(&find(asking, queue, key).await?, asking.state.live.now())))
}

fn within(asking: &Asking, queue: Sid) -> Where {
    Where::of(asking.account.sid).equal(Column::Queue, queue)
}

/// Somebody who waits: by the call, or `Front` for who waits the longest.
pub(crate) async fn find(asking: &Asking, queue: Sid, key: &str) -> Result<Waiting, Fault> {
    let which = match key.parse::<Sid>() {
        Ok(sid) if sid.kind == SidKind::Call => within(asking, queue).equal(Column::Call, sid),
        _ if key == "Front" => within(asking, queue),
        _ => return Err(Fault::not_found()),
    };
    asking.state.store.find(which).await?.ok_or_else(Fault::not_found)
}

/// Takes somebody out and goes on with another document: the router's.
pub(crate) async fn update(asking: &Asking, queue: Sid, key: &str) -> Result<Answer, Fault> {
    queues::find(asking, queue).await?;
    let call = match key.parse::<Sid>() {
        Ok(sid) if sid.kind == SidKind::Call => Some(sid),
        _ if key == "Front" => None,
        _ => return Err(Fault::not_found()),
    };
    let instructions = live::instructions(&asking.form)?;
    let request = Request::MoveMember { account: asking.account.sid, queue: queue.to_string(), call, instructions };
    match live::done(asking, request).await? {
        Reply::Member(member, position) => {
            let waiting = Waiting { member: *member, position };
            Ok(Answer::Json(StatusCode::OK, shown(&waiting, asking.state.live.now())))
        }
        reply => Err(live::odd(&reply)),
    }
}
