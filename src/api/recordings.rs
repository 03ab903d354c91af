//! Recordings of an account, a call or a conference: list, read, delete. Their sound is `media`'s, their making the router's.

use axum::http::StatusCode;
use tipring_resources::{Recording, RecordingStatus, Sid, SidKind};
use tipring_store::{Anchor, RecordingFilter};

use crate::fault::Fault;
use crate::path::Of;
use crate::serve::{Answer, Asking};
use crate::{calls, conferences, dates, paging, show};

pub(crate) async fn list(asking: &Asking, of: Of) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    let (call, conference) = match of {
        Of::Account => (form.sid("CallSid", SidKind::Call)?, form.sid("ConferenceSid", SidKind::Conference)?),
        Of::Call(call) => (Some(calls::find(asking, call).await?.sid), None),
        Of::Conference(room) => (None, Some(conferences::find(asking, &room.to_string()).await?.sid)),
    };
    let filter = RecordingFilter {
        call,
        conference,
        created: dates::range(form, "DateCreated")?,
        with_deleted: form.boolean("IncludeSoftDeleted")?.unwrap_or(false),
    };
    let listing = asking.state.store.recordings(asking.account.sid, &filter, asked.page).await?;
    let anchor = |recording: &Recording| Anchor { created: recording.created, sid: recording.sid };
    let show = |recording: &Recording| show::recording(recording, of, &asking.base);
    Ok(paging::envelope(&asking.path.link, form, asked, "recordings", &listing, anchor, show))
}

pub(crate) async fn one(asking: &Asking, of: Of, sid: Sid) -> Result<Answer, Fault> {
    let with_deleted = asking.form.boolean("IncludeSoftDeleted")?.unwrap_or(false);
    let recording = find(asking, of, sid, with_deleted).await?;
    Ok(Answer::Json(StatusCode::OK, show::recording(&recording, of, &asking.base)))
}

/// A recording of the account, and of what the path says it is of.
pub(crate) async fn find(asking: &Asking, of: Of, sid: Sid, with_deleted: bool) -> Result<Recording, Fault> {
    let found = asking.state.store.recording(asking.account.sid, sid).await?;
    found
        .filter(|recording| match of {
            Of::Account => true,
            Of::Call(call) => recording.call == call,
            Of::Conference(room) => recording.conference == Some(room),
        })
        .filter(|recording| with_deleted || recording.status != RecordingStatus::Deleted)
        .ok_or_else(Fault::not_found)
}

/// Deletes the sound; the record stays, as deleted.
pub(crate) async fn delete(asking: &Asking, of: Of, sid: Sid) -> Result<Answer, Fault> {
    let recording = find(asking, of, sid, false).await?;
    if recording.status.is_live() {
        return Err(Fault::conflict(20409, "the recording is being made: end it before deleting it"));
    }
    let now = asking.state.live.now();
    match asking.state.store.delete_recording(asking.account.sid, sid, now).await? {
        true => Ok(Answer::NoContent),
        false => Err(Fault::not_found()),
    }
}

/// Begins a recording of a living call: the router's.
pub(crate) async fn begin(asking: &Asking, call: Sid) -> Result<Answer, Fault> {
    let call = calls::find(asking, call).await?;
    if call.status.is_final() {
        return Err(calls::ended(&call));
    }
    Err(Fault::unavailable("beginning a recording is not available yet"))
}

/// `Status` of a living recording, or of the one that is under way: pauses, goes on, ends. The router's.
pub(crate) async fn control(asking: &Asking, of: Of, sid: Option<Sid>) -> Result<Answer, Fault> {
    match (sid, of) {
        (Some(sid), of) => drop(find(asking, of, sid, false).await?),
        (None, Of::Call(call)) => drop(calls::find(asking, call).await?),
        (None, Of::Conference(room)) => drop(conferences::find(asking, &room.to_string()).await?),
        (None, Of::Account) => return Err(Fault::not_found()),
    }
    Err(Fault::unavailable("changing a living recording is not available yet"))
}
