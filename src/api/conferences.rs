//! Conferences: lists and single ones, living and past. What changes a living room is the router's.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::{Conference, ConferenceStatus, Sid, SidKind};
use tipring_router::{Reply, Request};
use tipring_store::{Anchor, Column, Where};

use crate::dates::{range, rfc2822};
use crate::fault::Fault;
use crate::serve::{Answer, Asking};
use crate::warnings::Warnings;
use crate::{live, paging, participants, show};

pub(crate) fn shown(conference: &Conference) -> Value {
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
    let conference = find(asking, room).await?;
    let end = match asking.form.text("Status") {
        None => false,
        Some("completed") => true,
        Some(_) => return Err(Fault::parameter("Status", "completed")),
    };
    let announce = live::announce(&asking.form)?;
    if !end && announce.is_none() {
        return Ok(Answer::Json(StatusCode::OK, shown(&conference)));
    }
    if conference.status == ConferenceStatus::Completed {
        return Err(Fault::bad(16022, "the conference is over: nothing of it can be changed"));
    }
    let (account, conference) = (asking.account.sid, conference.sid.to_string());
    match live::done(asking, Request::ChangeConference { account, conference, end, announce }).await? {
        Reply::Conference(one) => Ok(Answer::Json(StatusCode::OK, shown(&one))),
        reply => Err(live::odd(&reply)),
    }
}

/// Our own: brings live calls together in a room of that name, which is made if there is none (row C5).
pub(crate) async fn gather(asking: &Asking) -> Result<Answer, Fault> {
    let name = asking.form.text("FriendlyName").ok_or_else(|| Fault::bad(20001, "FriendlyName is missing"))?;
    let calls = live::sids(&asking.form)?;
    if calls.is_empty() {
        return Err(Fault::bad(20001, "CallSid is missing: name the live calls that are to hear each other"));
    }
    match live::gather(asking, name, calls, live::seat(&asking.form, &mut Warnings::default())?).await? {
        Reply::Participants(room, all) => {
            let mut body = shown(&room);
            body["participants"] = all.iter().map(participants::shown).collect();
            Ok(Answer::Json(StatusCode::CREATED, body))
        }
        reply => Err(live::odd(&reply)),
    }
}
