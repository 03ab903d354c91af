//! Accounts, as their owner sees them, and the lists that are empty until their resources come.

use axum::http::StatusCode;
use serde_json::Value;
use tipring_resources::{Account, Stamp};
use tipring_router::DirectoryChange;
use tipring_store::{Anchor, Listing};

use crate::fault::Fault;
use crate::paging;
use crate::serve::{Answer, Asking};
use crate::show;

/// The account that asks, if the filters let it through.
pub(crate) fn list(asking: &Asking) -> Result<Answer, Fault> {
    let asked = paging::asked(&asking.form)?;
    let name = asking.form.text("FriendlyName").is_none_or(|name| name == asking.account.friendly_name);
    let status = asking.form.text("Status").is_none_or(|text| text == show::account_status(asking.account.status));
    let items = if name && status { vec![asking.account.clone()] } else { Vec::new() };
    let listing = Listing { items, older: false, newer: false };
    let anchor = |account: &Account| Anchor { created: account.created, sid: account.sid };
    Ok(paging::envelope(&asking.path.link, &asking.form, asked, "accounts", &listing, anchor, show::account))
}

/// The account that asks.
pub(crate) fn one(asking: &Asking) -> Answer {
    Answer::Json(StatusCode::OK, show::account(&asking.account))
}

/// Changes the name. An account does not change its own status.
pub(crate) async fn update(asking: &Asking) -> Result<Answer, Fault> {
    let mut account = asking.account.clone();
    if asking.form.text("Status").is_some_and(|text| text != show::account_status(account.status)) {
        return Err(Fault::forbidden("an account cannot change its own status"));
    }
    if let Some(name) = asking.form.name("FriendlyName")? {
        account.friendly_name = name;
        account.updated = asking.state.live.now();
        asking.state.store.put_account(account.clone()).await?;
        asking.state.live.directory_changed(DirectoryChange::Account(account.clone())).await;
    }
    Ok(Answer::Json(StatusCode::OK, show::account(&account)))
}

/// A list of something that this box does not have yet.
pub(crate) fn empty(asking: &Asking, member: &str) -> Result<Answer, Fault> {
    let asked = paging::asked(&asking.form)?;
    let listing = Listing { items: Vec::<Account>::new(), older: false, newer: false };
    let anchor = |account: &Account| Anchor { created: Stamp(0), sid: account.sid };
    Ok(paging::envelope(&asking.path.link, &asking.form, asked, member, &listing, anchor, |_| Value::Null))
}
