//! Who asks: HTTP Basic with the account's SID and token. The comparison takes the same time for every wrong token, and an
//! unknown account is compared too, so that nobody learns which accounts there are.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;
use tipring_resources::{Account, AccountStatus, Sid, SidKind};
use tipring_store::Store;

use crate::fault::Fault;

/// The account whose credentials came.
pub(crate) async fn account(store: &Store, headers: &HeaderMap) -> Result<Account, Fault> {
    let (sid, token) = credentials(headers).ok_or_else(Fault::unauthorized)?;
    let found = store.account(sid).await?;
    let expected = found.as_ref().map_or(NOBODY, |account| account.token.as_str());
    let same: bool = expected.as_bytes().ct_eq(token.as_bytes()).into();
    match found {
        Some(account) if same && !account.token.is_empty() => match account.status {
            AccountStatus::Active => Ok(account),
            AccountStatus::Suspended => Err(Fault::suspended()),
            AccountStatus::Closed => Err(Fault::unauthorized()),
        },
        _ => Err(Fault::unauthorized()),
    }
}

fn credentials(headers: &HeaderMap) -> Option<(Sid, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, coded) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || coded.len() > CREDENTIALS_MAX {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
    let (user, token) = text.split_once(':')?;
    let sid: Sid = user.parse().ok().filter(|sid: &Sid| sid.kind == SidKind::Account)?;
    Some((sid, token.to_string()))
}

/// Octets of encoded credentials at most.
const CREDENTIALS_MAX: usize = 512;
/// Compared with when there is no such account; as long as a token.
const NOBODY: &str = "00000000000000000000000000000000";
