//! Participants: who is in a living room. What changes them is the router's.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::{Conference, Participant, Sid, SidKind};
use tipring_store::{Anchor, Column, Where};

use crate::dates::rfc2822;
use crate::fault::Fault;
use crate::serve::{Answer, Asking};
use crate::{conferences, paging, show};

fn shown(one: &Participant) -> Value {
    let room = format!("{}/Conferences/{}", show::account_path(one.account), one.conference);
    json!({
        "account_sid": one.account,
        "call_sid": one.call,
        "conference_sid": one.conference,
        "label": Some(&one.label).filter(|label| !label.is_empty()),
        "muted": one.muted,
        "hold": one.hold,
        "coaching": one.coaching,
        "call_sid_to_coach": one.coached,
        "start_conference_on_enter": one.start_on_enter,
        "end_conference_on_exit": one.end_on_exit,
        "status": one.status.as_str(),
        "queue_time": one.queue_ms.to_string(),
        "date_created": rfc2822(one.created),
        "date_updated": rfc2822(one.updated),
        "uri": format!("{room}/Participants/{}.json", one.call),
    })
}

pub(crate) async fn list(asking: &Asking, room: &str) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    let conference = conferences::find(asking, room).await?;
    let which = within(&conference)
        .flag(Column::Muted, form.boolean("Muted")?)
        .flag(Column::Hold, form.boolean("Hold")?)
        .flag(Column::Coaching, form.boolean("Coaching")?);
    let listing = asking.state.store.list(which, asked.page).await?;
    let anchor = |one: &Participant| Anchor { created: one.created, sid: one.call };
    Ok(paging::envelope(&asking.path.link, form, asked, "participants", &listing, anchor, shown))
}

pub(crate) async fn one(asking: &Asking, room: &str, key: &str) -> Result<Answer, Fault> {
    Ok(Answer::Json(StatusCode::OK, shown(&find(asking, room, key).await?)))
}

fn within(conference: &Conference) -> Where {
    Where::of(conference.account).equal(Column::Conference, conference.sid)
}

/// Somebody in a room: by the call, or by the label.
pub(crate) async fn find(asking: &Asking, room: &str, key: &str) -> Result<Participant, Fault> {
    let conference = conferences::find(asking, room).await?;
    let which = match key.parse::<Sid>() {
        Ok(sid) if sid.kind == SidKind::Call => within(&conference).equal(Column::Call, sid),
        _ if key.is_empty() => return Err(Fault::not_found()),
        _ => within(&conference).equal(Column::Label, key),
    };
    asking.state.store.find(which).await?.ok_or_else(Fault::not_found)
}

/// Calls somebody into a room, which need not be there yet: the router's.
pub(crate) async fn create(_asking: &Asking, _room: &str) -> Result<Answer, Fault> {
    Err(Fault::unavailable("calling somebody into a conference is not available yet"))
}

/// Mutes, holds, announces: the router's.
pub(crate) async fn update(asking: &Asking, room: &str, key: &str) -> Result<Answer, Fault> {
    let _participant = find(asking, room, key).await?;
    Err(Fault::unavailable("changing a participant is not available yet"))
}

/// Sends somebody out of the room: the router's.
pub(crate) async fn delete(asking: &Asking, room: &str, key: &str) -> Result<Answer, Fault> {
    let _participant = find(asking, room, key).await?;
    Err(Fault::unavailable("removing a participant is not available yet"))
}
