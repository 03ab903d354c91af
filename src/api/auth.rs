//! Who asks: HTTP Basic with the account's SID and token, or a key's SID and secret. The comparison takes the same time for
//! every wrong password, and an unknown account is compared too, so that nobody learns which accounts there are.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;
use tipring_resources::{Account, AccountStatus, Key, Scope, Sid, SidKind};
use tipring_store::{Column, Store, Where};

use crate::fault::Fault;
use crate::path::Place;
use crate::secret;
use crate::serve::Verb;

/// Whose credentials came.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) account: Account,
    /// The key, if it was one: else the account's token.
    pub(crate) key: Option<Sid>,
    pub(crate) scope: Scope,
}

/// Whose credentials came; a fault if they are missing, wrong, or their account is not active.
pub(crate) async fn asker(store: &Store, headers: &HeaderMap) -> Result<Asker, Fault> {
    let (sid, password) = credentials(headers).ok_or_else(Fault::unauthorized)?;
    let asker = match sid.kind {
        SidKind::Key => by_key(store, sid, &password).await?,
        _ => by_token(store, sid, &password).await?,
    };
    match asker.account.status {
        AccountStatus::Active => Ok(asker),
        AccountStatus::Suspended => Err(Fault::suspended()),
        AccountStatus::Closed => Err(Fault::unauthorized()),
    }
}

async fn by_token(store: &Store, sid: Sid, token: &str) -> Result<Asker, Fault> {
    let found = store.account(sid).await?;
    let expected = found.as_ref().map_or(NOBODY, |account| account.token.as_str());
    let same: bool = expected.as_bytes().ct_eq(token.as_bytes()).into();
    match found {
        Some(account) if same && !account.token.is_empty() => Ok(Asker { account, key: None, scope: Scope::Admin }),
        _ => Err(Fault::unauthorized()),
    }
}

async fn by_key(store: &Store, sid: Sid, password: &str) -> Result<Asker, Fault> {
    let found: Option<Key> = store.find(Where::default().equal(Column::Sid, sid)).await?;
    let expected = found.as_ref().map_or(NO_KEY, |key| key.secret_hash.as_str());
    let same: bool = expected.as_bytes().ct_eq(secret::hashed(password).as_bytes()).into();
    match found {
        Some(key) if same => {
            let account = store.account(key.account).await?.ok_or_else(Fault::unauthorized)?;
            Ok(Asker { account, key: Some(key.sid), scope: key.scope })
        }
        _ => Err(Fault::unauthorized()),
    }
}

/// The account that the path names, if the asker may go there: its own, or one that it has made.
pub(crate) async fn target(store: &Store, asker: &Asker, named: Option<Sid>) -> Result<Account, Fault> {
    match named {
        None => Ok(asker.account.clone()),
        Some(named) if named == asker.account.sid => Ok(asker.account.clone()),
        Some(named) => {
            let found = store.account(named).await?;
            found.filter(|account| account.parent == Some(asker.account.sid)).ok_or_else(Fault::not_found)
        }
    }
}

/// Whether a key's scope, and the state of the account, allow it.
pub(crate) fn allowed(asker: &Asker, account: &Account, place: &Place, verb: Verb) -> Result<(), Fault> {
    if verb == Verb::Read {
        return Ok(());
    }
    if asker.scope == Scope::Read {
        return Err(Fault::forbidden("this key may only look: use one of scope control or admin"));
    }
    let of_owner = matches!(place, Place::Accounts | Place::Account | Place::Keys(_) | Place::Key(..));
    if of_owner && asker.scope != Scope::Admin {
        return Err(Fault::forbidden("this key may not change keys or accounts: use one of scope admin"));
    }
    if account.status != AccountStatus::Active && !matches!(place, Place::Account) {
        return Err(Fault::suspended());
    }
    Ok(())
}

fn credentials(headers: &HeaderMap) -> Option<(Sid, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, coded) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || coded.len() > CREDENTIALS_MAX {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    let known = |sid: &Sid| matches!(sid.kind, SidKind::Account | SidKind::Key);
    let sid: Sid = user.parse().ok().filter(known)?;
    Some((sid, password.to_string()))
}

/// Octets of encoded credentials at most.
const CREDENTIALS_MAX: usize = 512;
/// Compared with when there is no such account; as long as a token.
const NOBODY: &str = "00000000000000000000000000000000";
/// The same where there is no such key; as long as the hash of a secret.
const NO_KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
