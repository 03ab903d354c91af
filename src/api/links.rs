//! Ways to the sound of a recording without credentials: a signed link with an end, and accounts whose recordings are open
//! at their URI, which nobody can guess.

use axum::http::{Method, StatusCode, request};
use serde_json::json;
use tipring_resources::{AccountStatus, Scope, Sid, Stamp};

use crate::auth::Asker;
use crate::dates::rfc2822;
use crate::fault::Fault;
use crate::form::Form;
use crate::path::{Of, Path, Place, Suffix};
use crate::serve::{Answer, Asking, target_of};
use crate::{State, media, recordings, secret, show};

/// Answers with the sound if the request needs no credentials for it. `None`: it does.
pub(crate) async fn open(
    state: &State,
    parts: &request::Parts,
    path: &Path,
    base: &str,
) -> Result<Option<Answer>, Fault> {
    let (Some(owner), Place::Recording(of, recording)) = (path.account, &path.place) else { return Ok(None) };
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    if !reads || !matches!(path.suffix, Suffix::None | Suffix::Wav | Suffix::Mp3) {
        return Ok(None);
    }
    let mut form = Form::default();
    form.read(parts.uri.query().unwrap_or_default().as_bytes())?;
    let Some(account) = state.store.account(owner).await?.filter(|one| one.status == AccountStatus::Active) else {
        return Ok(None);
    };
    let signed = match (form.text("expires"), form.text("signature")) {
        (Some(expires), Some(signature)) => {
            let until_s = expires.parse::<i64>().unwrap_or(0);
            let right = secret::is_seal(&account.token, &sealed(owner, *recording, until_s), signature);
            if !right || until_s <= state.live.now().unix_s() {
                return Err(Fault::unauthorized());
            }
            true
        }
        _ => false,
    };
    if !signed && !account.public_media {
        return Ok(None);
    }
    let asker = Asker { account: account.clone(), key: None, scope: Scope::Read };
    let asking = Asking {
        state: state.clone(),
        account,
        asker,
        path: path.clone(),
        form,
        base: base.to_string(),
        method: parts.method.clone(),
        target: target_of(parts),
        headers: parts.headers.clone(),
        from: None,
    };
    media::sound(&asking, *of, *recording).await.map(Some)
}

/// What a link's signature is over.
fn sealed(account: Sid, recording: Sid, until_s: i64) -> String {
    format!("{account}/{recording}/{until_s}")
}

/// Makes a link to the sound: `ExpiresIn` seconds, an hour if nothing is said.
pub(crate) async fn create(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let recording = recordings::find(asking, Of::Account, sid, false).await?;
    let length_s = match asking.form.text("ExpiresIn") {
        None => 3600,
        Some(text) => text
            .parse::<i64>()
            .ok()
            .filter(|length_s| (1..=EXPIRES_MAX_S).contains(length_s))
            .ok_or_else(|| Fault::parameter("ExpiresIn", "1 to 604800 seconds"))?,
    };
    let until_s = asking.state.live.now().unix_s().saturating_add(length_s);
    let account = &asking.account;
    let signature = secret::seal(&account.token, &sealed(account.sid, sid, until_s));
    let path = format!("{}/Recordings/{}", show::account_path(recording.account), recording.sid);
    Ok(Answer::Json(
        StatusCode::CREATED,
        json!({
            "account_sid": recording.account,
            "recording_sid": recording.sid,
            "date_expires": rfc2822(Stamp(until_s.saturating_mul(1_000_000))),
            "url": format!("{}{path}.wav?expires={until_s}&signature={signature}", asking.base),
        }),
    ))
}

/// A link may hold for a week.
const EXPIRES_MAX_S: i64 = 7 * 24 * 3600;
