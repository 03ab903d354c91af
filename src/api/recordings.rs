//! Recordings: list, read, delete. Their sound is `media`'s.

use axum::http::StatusCode;
use tipring_resources::{Recording, RecordingStatus, Sid, SidKind};
use tipring_store::{Anchor, RecordingFilter};

use crate::fault::Fault;
use crate::serve::{Answer, Asking};
use crate::{calls, dates, paging, show};

pub(crate) async fn list(asking: &Asking, call: Option<Sid>) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    if let Some(call) = call {
        calls::find(asking, call).await?;
    }
    let filter = RecordingFilter {
        conference: None,
        call: call.or(form.sid("CallSid", SidKind::Call)?),
        created: dates::range(form, "DateCreated")?,
        with_deleted: form.boolean("IncludeSoftDeleted")?.unwrap_or(false),
    };
    let listing = asking.state.store.recordings(asking.account.sid, &filter, asked.page).await?;
    let anchor = |recording: &Recording| Anchor { created: recording.created, sid: recording.sid };
    let show = |recording: &Recording| show::recording(recording, call.is_some(), &asking.base);
    Ok(paging::envelope(&asking.path.link, form, asked, "recordings", &listing, anchor, show))
}

pub(crate) async fn one(asking: &Asking, call: Option<Sid>, sid: Sid) -> Result<Answer, Fault> {
    let with_deleted = asking.form.boolean("IncludeSoftDeleted")?.unwrap_or(false);
    let recording = find(asking, call, sid, with_deleted).await?;
    Ok(Answer::Json(StatusCode::OK, show::recording(&recording, call.is_some(), &asking.base)))
}

/// A recording of the asker, and of the call in the path if there is one.
pub(crate) async fn find(asking: &Asking, call: Option<Sid>, sid: Sid, with_deleted: bool) -> Result<Recording, Fault> {
    let found = asking.state.store.recording(asking.account.sid, sid).await?;
    found
        .filter(|recording| call.is_none_or(|call| call == recording.call))
        .filter(|recording| with_deleted || recording.status != RecordingStatus::Deleted)
        .ok_or_else(Fault::not_found)
}

/// Deletes the sound; the record stays, as deleted.
pub(crate) async fn delete(asking: &Asking, call: Option<Sid>, sid: Sid) -> Result<Answer, Fault> {
    let recording = find(asking, call, sid, false).await?;
    if recording.status == RecordingStatus::InProgress {
        return Err(Fault::conflict(20409, "the recording is being made: end it before deleting it"));
    }
    let now = asking.state.live.now();
    match asking.state.store.delete_recording(asking.account.sid, sid, now).await? {
        true => Ok(Answer::NoContent),
        false => Err(Fault::not_found()),
    }
}
