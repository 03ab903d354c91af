//! Queues and how many wait in them. What changes them is the router's.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::{Sid, Stamp};
use tipring_store::{Anchor, QueueState, Where};

use crate::dates::rfc2822;
use crate::fault::Fault;
use crate::serve::{Answer, Asking};
use crate::{paging, show};

/// A queue; its times are of those who wait at this moment.
pub(crate) fn shown(state: &QueueState, now: Stamp) -> Value {
    let queue = &state.queue;
    let path = format!("{}/Queues/{}", show::account_path(queue.account), queue.sid);
    let waited_s = state.mean_enqueued.map_or(0, |mean| now.0.saturating_sub(mean.0).max(0) / 1_000_000);
    json!({
        "sid": queue.sid,
        "account_sid": queue.account,
        "friendly_name": queue.friendly_name,
        "current_size": state.size,
        "max_size": queue.max_size,
        "average_wait_time": waited_s,
        "date_created": rfc2822(queue.created),
        "date_updated": rfc2822(queue.updated),
        "uri": format!("{path}.json"),
    })
}

pub(crate) async fn list(asking: &Asking) -> Result<Answer, Fault> {
    let asked = paging::asked(&asking.form)?;
    let listing = asking.state.store.list(Where::of(asking.account.sid), asked.page).await?;
    let anchor = |one: &QueueState| Anchor { created: one.queue.created, sid: one.queue.sid };
    let now = asking.state.live.now();
    let show = |one: &QueueState| shown(one, now);
    Ok(paging::envelope(&asking.path.link, &asking.form, asked, "queues", &listing, anchor, show))
}

pub(crate) async fn one(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    Ok(Answer::Json(StatusCode::OK, shown(&find(asking, sid).await?, asking.state.live.now())))
}

/// A queue of the account.
pub(crate) async fn find(asking: &Asking, sid: Sid) -> Result<QueueState, Fault> {
    asking.state.store.one(asking.account.sid, sid).await?.ok_or_else(Fault::not_found)
}

/// Makes a queue: the router's.
pub(crate) async fn create(_asking: &Asking) -> Result<Answer, Fault> {
    Err(Fault::unavailable("making a queue is not available yet"))
}

/// Renames or resizes a queue: the router's.
pub(crate) async fn update(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let _queue = find(asking, sid).await?;
    Err(Fault::unavailable("changing a queue is not available yet"))
}

/// Deletes an empty queue: the router's.
pub(crate) async fn delete(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let _queue = find(asking, sid).await?;
    Err(Fault::unavailable("deleting a queue is not available yet"))
}
