//! Accounts: one's own and those that it has made; what answers their numbers at first; their state.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::{Account, AccountStatus, Scope, SidKind, VoiceSettings};
use tipring_router::DirectoryChange;
use tipring_store::{Anchor, Column, Page, Where};

use crate::fault::Fault;
use crate::form::Form;
use crate::serve::{Answer, Asking};
use crate::{directory, paging, secret, show};

/// The account that asks and those that it has made.
pub(crate) async fn list(asking: &Asking) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    let status = form.text("Status").map(status).transpose()?;
    let which = Where::default()
        .family(asking.account.sid)
        .maybe(Column::FriendlyName, form.text("FriendlyName"))
        .maybe(Column::Status, status.map(show::account_status));
    let listing = asking.state.store.list(which, asked.page).await?;
    let anchor = |account: &Account| Anchor { created: account.created, sid: account.sid };
    let show = |account: &Account| shown(asking, account);
    Ok(paging::envelope(&asking.path.link, form, asked, "accounts", &listing, anchor, show))
}

/// The account in the path.
pub(crate) fn one(asking: &Asking) -> Answer {
    Answer::Json(StatusCode::OK, shown(asking, &asking.account))
}

/// As it is shown to whoever asks: the token only to those who may sign with it.
fn shown(asking: &Asking, account: &Account) -> Value {
    let mut body = show::account(account);
    if asking.asker.scope != Scope::Admin {
        body["auth_token"] = Value::Null;
    }
    body["settings"] = json!({
        "contact": account.contact,
        "public_media": account.public_media,
        "voice_url": account.voice.url,
        "voice_method": account.voice.method.as_str(),
        "voice_fallback_url": account.voice.fallback_url,
        "voice_fallback_method": account.voice.fallback_method.as_str(),
        "status_callback": account.voice.status_callback,
        "status_callback_method": account.voice.status_callback_method.as_str(),
    });
    body
}

/// Makes a subaccount of the account that asks.
pub(crate) async fn create(asking: &Asking) -> Result<Answer, Fault> {
    let owner = &asking.asker.account;
    if owner.parent.is_some() {
        return Err(Fault::plain(21101));
    }
    let store = &asking.state.store;
    let all = Page { size: ACCOUNTS_MAX + 1, ..Page::default() };
    let family = store.list::<Account>(Where::default().family(owner.sid), all).await?;
    if family.older || family.items.len() >= ACCOUNTS_MAX as usize {
        return Err(Fault::plain(21479));
    }
    let now = asking.state.live.now();
    let mut account = Account {
        sid: asking.state.live.new_sid(SidKind::Account),
        friendly_name: "SubAccount".into(),
        status: AccountStatus::Active,
        token: secret::fresh()?,
        created: now,
        updated: now,
        parent: Some(owner.sid),
        contact: String::new(),
        voice: VoiceSettings::default(),
        public_media: false,
    };
    change(&mut account, &asking.form)?;
    keep(asking, account, StatusCode::CREATED).await
}

/// Changes name, settings, and (the parent alone) the state.
pub(crate) async fn update(asking: &Asking) -> Result<Answer, Fault> {
    let mut account = asking.account.clone();
    if let Some(wanted) = asking.form.text("Status").map(status).transpose()?
        && wanted != account.status
    {
        if account.sid == asking.asker.account.sid {
            return Err(Fault::plain(21477));
        }
        if account.status == AccountStatus::Closed {
            return Err(Fault::plain(21480));
        }
        account.status = wanted;
    }
    change(&mut account, &asking.form)?;
    // A state is told to the router again even if it is no other one.
    if account == asking.account && asking.form.text("Status").is_none() {
        return Ok(one(asking));
    }
    account.updated = asking.state.live.now();
    keep(asking, account, StatusCode::OK).await
}

async fn keep(asking: &Asking, account: Account, code: StatusCode) -> Result<Answer, Fault> {
    let state = &asking.state;
    state.store.put_account(account.clone()).await?;
    state.live.directory_changed(DirectoryChange::Account(account.clone())).await;
    if account.voice != asking.account.voice && code == StatusCode::OK {
        directory::tell_account(state, account.sid).await?;
    }
    Ok(Answer::Json(code, shown(asking, &account)))
}

/// Sets what the form gives: the name, and our own settings.
fn change(account: &mut Account, form: &Form) -> Result<(), Fault> {
    form.set(&mut account.friendly_name, Form::name, "FriendlyName")?;
    form.set(&mut account.contact, Form::name, "Contact")?;
    form.set(&mut account.public_media, Form::boolean, "PublicMedia")?;
    form.set(&mut account.voice.url, Form::url, "VoiceUrl")?;
    form.set(&mut account.voice.method, Form::method, "VoiceMethod")?;
    form.set(&mut account.voice.fallback_url, Form::urls, "VoiceFallbackUrl")?;
    form.set(&mut account.voice.fallback_method, Form::method, "VoiceFallbackMethod")?;
    form.set(&mut account.voice.status_callback, Form::url, "StatusCallback")?;
    form.set(&mut account.voice.status_callback_method, Form::method, "StatusCallbackMethod")
}

fn status(text: &str) -> Result<AccountStatus, Fault> {
    let known = [AccountStatus::Active, AccountStatus::Suspended, AccountStatus::Closed];
    known.into_iter().find(|status| show::account_status(*status) == text).ok_or_else(|| Fault::plain(21478))
}

/// Accounts of one family at most: a box has some hundred lines.
const ACCOUNTS_MAX: u32 = 500;
