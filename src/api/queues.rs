//! Queues and how many wait in them. What changes them is the router's.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::{Sid, Stamp};
use tipring_router::{Reply, Request};
use tipring_store::{Anchor, QueueState, Where};

use crate::dates::rfc2822;
use crate::fault::Fault;
use crate::serve::{Answer, Asking};
use crate::{live, paging, show};

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
pub(crate) async fn create(asking: &Asking) -> Result<Answer, Fault> {
    let name = asking.form.name("FriendlyName")?.filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| Fault::bad(20001, "FriendlyName is missing"))?;
    let max_size = max_size(asking)?.unwrap_or(MAX_SIZE);
    let request = Request::CreateQueue { account: asking.account.sid, name, max_size };
    answer(asking, StatusCode::CREATED, live::done(asking, request).await?)
}

/// How many may wait.
fn max_size(asking: &Asking) -> Result<Option<u32>, Fault> {
    let Some(text) = asking.form.text("MaxSize") else { return Ok(None) };
    let size = text.parse().ok().filter(|size| (1..=MOST).contains(size));
    size.map(Some).ok_or_else(|| Fault::parameter("MaxSize", "a whole number from 1 to 5000"))
}

fn answer(asking: &Asking, status: StatusCode, reply: Reply) -> Result<Answer, Fault> {
    let Reply::Queue(queue, members) = reply else { return Err(live::odd(&reply)) };
    let count = i64::try_from(members.len()).unwrap_or(i64::MAX);
    let all: i64 = members.iter().map(|member| member.enqueued.0 / count.max(1)).sum();
    let mean_enqueued = (count > 0).then_some(Stamp(all));
    let state = QueueState { queue: *queue, size: members.len().try_into().unwrap_or_default(), mean_enqueued };
    Ok(Answer::Json(status, shown(&state, asking.state.live.now())))
}

/// So many may wait if nothing is said, and at most.
const MAX_SIZE: u32 = 1_000;
const MOST: u32 = 5_000;

/// Renames or resizes a queue: the router's.
pub(crate) async fn update(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    find(asking, sid).await?;
    let (account, name, max_size) = (asking.account.sid, asking.form.name("FriendlyName")?, max_size(asking)?);
    let request = Request::ChangeQueue { account, queue: sid, name, max_size };
    answer(asking, StatusCode::OK, live::done(asking, request).await?)
}

/// Deletes an empty queue: the router's.
pub(crate) async fn delete(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    find(asking, sid).await?;
    match live::done(asking, Request::DeleteQueue { account: asking.account.sid, queue: sid }).await? {
        Reply::Done => Ok(Answer::NoContent),
        reply => Err(live::odd(&reply)),
    }
}
