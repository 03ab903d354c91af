//! Conferences: lists and single ones, living and past. What changes a living room is the router's.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::{Conference, ConferenceStatus, Sid, SidKind};
use tipring_store::{Anchor, Column, Where};

use crate::dates::{range, rfc2822};
use crate::fault::Fault;
use crate::serve::{Answer, Asking};
use crate::{paging, show};

fn shown(conference: &Conference) -> Value {
    let path = format!("{}/Conferences/{}", show::account_path(conference.account), conference.sid);
    let over = conference.status == ConferenceStatus::Completed;
    json!({
        "sid": conference.sid,
        "account_sid": conference.account,
        "friendly_name": conference.friendly_name,
        "status": conference.status.as_str(),
        "region": Some(&conference.region).filter(|region| !region.is_empty()),
        "reason_conference_ended": conference.reason_ended.as_ref().filter(|_| over),
        "call_sid_ending_conference": conference.ended_by.filter(|_| over),
        "date_created": rfc2822(conference.created),
        "date_updated": rfc2822(conference.updated),
        "api_version": show::VERSION,
        "uri": format!("{path}.json"),
        "subresource_uris": {
            "participants": format!("{path}/Participants.json"),
            "recordings": format!("{path}/Recordings.json"),
        },
    })
}

pub(crate) async fn list(asking: &Asking) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    let status = match form.text("Status") {
        None => None,
        Some(word) => Some(
            ConferenceStatus::from_wire(word)
                .ok_or_else(|| Fault::parameter("Status", "init, in-progress or completed"))?,
        ),
    };
    let which = Where::of(asking.account.sid)
        .maybe(Column::FriendlyName, form.text("FriendlyName"))
        .maybe(Column::Status, status.map(ConferenceStatus::as_str))
        .within(Column::Created, range(form, "DateCreated")?)
        .within(Column::Updated, range(form, "DateUpdated")?);
    let listing = asking.state.store.list(which, asked.page).await?;
    let anchor = |one: &Conference| Anchor { created: one.created, sid: one.sid };
    Ok(paging::envelope(&asking.path.link, form, asked, "conferences", &listing, anchor, shown))
}

pub(crate) async fn one(asking: &Asking, room: &str) -> Result<Answer, Fault> {
    Ok(Answer::Json(StatusCode::OK, shown(&find(asking, room).await?)))
}

/// A room by its SID, or a living one by its name.
pub(crate) async fn find(asking: &Asking, room: &str) -> Result<Conference, Fault> {
    let store = &asking.state.store;
    let own = Where::of(asking.account.sid);
    let found = match room.parse::<Sid>() {
        Ok(sid) if sid.kind == SidKind::Conference => store.find(own.equal(Column::Sid, sid)).await?,
        _ => store.find(own.equal(Column::FriendlyName, room).but_not(Column::Status, "completed")).await?,
    };
    found.ok_or_else(Fault::not_found)
}

/// `Status=completed` and `AnnounceUrl` of a living room: the router's.
pub(crate) async fn update(asking: &Asking, room: &str) -> Result<Answer, Fault> {
    let _conference = find(asking, room).await?;
    Err(Fault::unavailable("changing a living conference is not available yet"))
}
