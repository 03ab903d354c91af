//! Keys of the API: made with a secret that is shown once, and with what they may do. `SigningKeys` is their older name.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::{Key, Scope, Sid, SidKind};
use tipring_store::{Anchor, Where};

use crate::dates::rfc2822;
use crate::fault::Fault;
use crate::serve::{Answer, Asking};
use crate::{paging, secret};

/// A key as it is shown. `scope` is ours: the path names the account, and there is no `uri`.
fn shown(key: &Key) -> Value {
    json!({
        "sid": key.sid,
        "friendly_name": key.friendly_name,
        "date_created": rfc2822(key.created),
        "date_updated": rfc2822(key.updated),
        "scope": key.scope.as_str(),
    })
}

pub(crate) async fn list(asking: &Asking) -> Result<Answer, Fault> {
    let asked = paging::asked(&asking.form)?;
    let listing = asking.state.store.list(Where::of(asking.account.sid), asked.page).await?;
    let anchor = |key: &Key| Anchor { created: key.created, sid: key.sid };
    let member = asking.path.place.names().1;
    Ok(paging::envelope(&asking.path.link, &asking.form, asked, member, &listing, anchor, shown))
}

pub(crate) async fn one(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    Ok(Answer::Json(StatusCode::OK, shown(&find(asking, sid).await?)))
}

async fn find(asking: &Asking, sid: Sid) -> Result<Key, Fault> {
    asking.state.store.one(asking.account.sid, sid).await?.ok_or_else(Fault::not_found)
}

/// Makes a key. Its secret is in this answer and nowhere else.
pub(crate) async fn create(asking: &Asking) -> Result<Answer, Fault> {
    let scope = match asking.form.text("Scope") {
        None => Scope::Control,
        Some(word) => Scope::from_wire(word).ok_or_else(|| Fault::parameter("Scope", "read, control or admin"))?,
    };
    let secret = secret::fresh()?;
    let now = asking.state.live.now();
    let key = Key {
        sid: asking.state.live.new_sid(SidKind::Key),
        account: asking.account.sid,
        friendly_name: asking.form.name("FriendlyName")?.unwrap_or_default(),
        secret_hash: secret::hashed(&secret),
        scope,
        created: now,
        updated: now,
    };
    asking.state.store.put_key(key.clone()).await?;
    let mut body = shown(&key);
    body["secret"] = json!(secret);
    Ok(Answer::Json(StatusCode::CREATED, body))
}

pub(crate) async fn update(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let mut key = find(asking, sid).await?;
    if let Some(name) = asking.form.name("FriendlyName")? {
        key.friendly_name = name;
        key.updated = asking.state.live.now();
        asking.state.store.put_key(key.clone()).await?;
    }
    Ok(Answer::Json(StatusCode::OK, shown(&key)))
}

pub(crate) async fn delete(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    match asking.state.store.delete::<Key>(asking.account.sid, sid).await? {
        true => Ok(Answer::NoContent),
        false => Err(Fault::not_found()),
    }
}
