//! The texts of recordings: list, read (also as `.txt`), delete. Making one is the router's.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::{Sid, Transcription, TranscriptionStatus};
use tipring_router::{Reply, Request};
use tipring_store::{Anchor, Column, Where};

use crate::dates::rfc2822;
use crate::fault::Fault;
use crate::path::Of;
use crate::serve::{Answer, Asking, text as plain_text};
use crate::{live, paging, recordings, show};

pub(crate) fn shown(one: &Transcription, of_recording: bool) -> Value {
    let account = show::account_path(one.account);
    let path = match of_recording {
        true => format!("{account}/Recordings/{}/Transcriptions/{}", one.recording, one.sid),
        false => format!("{account}/Transcriptions/{}", one.sid),
    };
    let known = one.status == TranscriptionStatus::Completed;
    json!({
        "sid": one.sid,
        "account_sid": one.account,
        "recording_sid": one.recording,
        "status": one.status.as_str(),
        "transcription_text": Some(&one.text).filter(|_| known),
        "type": "fast",
        "duration": one.duration_ms.map(|ms| (ms.saturating_add(500) / 1000).to_string()),
        "price": null,
        "price_unit": null,
        "date_created": rfc2822(one.created),
        "date_updated": rfc2822(one.updated),
        "api_version": show::VERSION,
        "uri": format!("{path}.json"),
    })
}

pub(crate) async fn list(asking: &Asking, of: Option<Sid>) -> Result<Answer, Fault> {
    let asked = paging::asked(&asking.form)?;
    if let Some(recording) = of {
        recordings::find(asking, Of::Account, recording, true).await?;
    }
    let which = Where::of(asking.account.sid).maybe(Column::Recording, of);
    let listing = asking.state.store.list(which, asked.page).await?;
    let anchor = |one: &Transcription| Anchor { created: one.created, sid: one.sid };
    let show = |one: &Transcription| shown(one, of.is_some());
    Ok(paging::envelope(&asking.path.link, &asking.form, asked, "transcriptions", &listing, anchor, show))
}

pub(crate) async fn one(asking: &Asking, of: Option<Sid>, sid: Sid) -> Result<Answer, Fault> {
    Ok(Answer::Json(StatusCode::OK, shown(&find(asking, of, sid).await?, of.is_some())))
}

async fn find(asking: &Asking, of: Option<Sid>, sid: Sid) -> Result<Transcription, Fault> {
    let found: Option<Transcription> = asking.state.store.one(asking.account.sid, sid).await?;
    found.filter(|one| of.is_none_or(|recording| recording == one.recording)).ok_or_else(Fault::not_found)
}

/// The bare text.
pub(crate) async fn text(asking: &Asking, of: Option<Sid>, sid: Sid) -> Result<Answer, Fault> {
    let one = find(asking, of, sid).await?;
    if one.status != TranscriptionStatus::Completed {
        let status = one.status.as_str();
        return Err(Fault::not_found_because(format!("the transcription is {status}: its text is not there")));
    }
    Ok(Answer::Raw(plain_text(StatusCode::OK, one.text, "text/plain; charset=utf-8")))
}

/// Begins one: the router's.
pub(crate) async fn begin(asking: &Asking, recording: Sid) -> Result<Answer, Fault> {
    let recording = recordings::find(asking, Of::Account, recording, false).await?;
    let request = Request::Transcribe {
        recording: Box::new(recording),
        language: asking.form.text("LanguageCode").unwrap_or_default().chars().take(35).collect(),
        callback: asking.form.url("StatusCallback")?.unwrap_or_default(),
        callback_method: asking.form.method("StatusCallbackMethod")?.unwrap_or_default(),
    };
    match live::done(asking, request).await? {
        Reply::Transcription(one) => Ok(Answer::Json(StatusCode::CREATED, shown(&one, true))),
        reply => Err(live::odd(&reply)),
    }
}

pub(crate) async fn delete(asking: &Asking, of: Option<Sid>, sid: Sid) -> Result<Answer, Fault> {
    if find(asking, of, sid).await?.status == TranscriptionStatus::InProgress {
        return Err(Fault {
            status: StatusCode::CONFLICT,
            ..Fault::bad(20409, "the transcription is being made: wait for its end")
        });
    }
    match asking.state.store.delete::<Transcription>(asking.account.sid, sid).await? {
        true => Ok(Answer::NoContent),
        false => Err(Fault::not_found()),
    }
}
