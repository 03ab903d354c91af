//! What the router is told of tenants: numbers with their applications put in, accounts, caller ids.

use std::collections::BTreeMap;

use tipring_resources::{Account, Application, CallerId, Number, Sid};
use tipring_router::DirectoryChange;
use tipring_store::{Column, Store, StoreError, Where};

use crate::State;
use crate::fault::Fault;

/// All that the router must know before the first call: accounts, numbers as they answer, caller ids.
pub async fn known_at_start(store: &Store) -> Result<Vec<DirectoryChange>, StoreError> {
    let accounts = store.accounts().await?;
    let applications: BTreeMap<Sid, Application> =
        store.all::<Application>().await?.into_iter().map(|one| (one.sid, one)).collect();
    let numbers = store.all_numbers().await?;
    let mut changes = Vec::with_capacity(accounts.len() + numbers.len());
    for number in numbers {
        let application = |sid: Option<Sid>| sid.and_then(|sid| applications.get(&sid));
        let account = accounts.iter().find(|account| account.sid == number.account);
        let (voice, sms) = (application(number.voice_application), application(number.sms_application));
        changes.push(DirectoryChange::Number(answering(number, account, voice, sms)));
    }
    changes.extend(accounts.into_iter().map(DirectoryChange::Account));
    changes.extend(store.all::<CallerId>().await?.into_iter().map(DirectoryChange::CallerId));
    Ok(changes)
}

/// A number as it answers: an application goes before its own URLs, the account's before none.
fn answering(
    mut number: Number,
    account: Option<&Account>,
    voice: Option<&Application>,
    sms: Option<&Application>,
) -> Number {
    // An application that is no longer there, or another account's, is none.
    let own = |one: &&Application| one.account == number.account;
    let (voice, sms) = (voice.filter(own), sms.filter(own));
    if let Some(voice) = voice {
        number.voice_url.clone_from(&voice.voice_url);
        number.voice_method = voice.voice_method;
        number.voice_fallback_url.clone_from(&voice.voice_fallback_url);
        number.voice_fallback_method = voice.voice_fallback_method;
        number.status_callback.clone_from(&voice.status_callback);
        number.status_callback_method = voice.status_callback_method;
    }
    if let Some(sms) = sms {
        number.sms_url.clone_from(&sms.sms_url);
        number.sms_method = sms.sms_method;
        number.sms_fallback_url.clone_from(&sms.sms_fallback_url);
        number.sms_fallback_method = sms.sms_fallback_method;
    }
    if let Some(account) = account.filter(|_| number.voice_url.is_empty()) {
        let first = &account.voice;
        number.voice_url.clone_from(&first.url);
        number.voice_method = first.method;
        if number.voice_fallback_url.is_empty() {
            number.voice_fallback_url.clone_from(&first.fallback_url);
            number.voice_fallback_method = first.fallback_method;
        }
        if number.status_callback.is_empty() {
            number.status_callback.clone_from(&first.status_callback);
            number.status_callback_method = first.status_callback_method;
        }
    }
    number
}

/// Tells the router a number that is committed, as it answers.
pub(crate) async fn tell(state: &State, number: Number) -> Result<(), Fault> {
    let account = state.store.account(number.account).await?;
    let mut found = [None, None];
    for (place, sid) in found.iter_mut().zip([number.voice_application, number.sms_application]) {
        if let Some(sid) = sid {
            *place = state.store.one::<Application>(number.account, sid).await?;
        }
    }
    let [voice, sms] = &found;
    let number = answering(number, account.as_ref(), voice.as_ref(), sms.as_ref());
    state.live.directory_changed(DirectoryChange::Number(number)).await;
    Ok(())
}

/// Tells all numbers that an application answers.
pub(crate) async fn tell_application(state: &State, application: &Application) -> Result<(), Fault> {
    for column in [Column::VoiceApplication, Column::SmsApplication] {
        tell_all(state, Where::of(application.account).equal(column, application.sid)).await?;
    }
    Ok(())
}

/// Tells all numbers of an account: its first settings have changed.
pub(crate) async fn tell_account(state: &State, account: Sid) -> Result<(), Fault> {
    tell_all(state, Where::of(account)).await
}

async fn tell_all(state: &State, which: Where) -> Result<(), Fault> {
    let mut page = tipring_store::Page { size: tipring_store::PAGE_SIZE_MAX, ..tipring_store::Page::default() };
    loop {
        let listing = state.store.list::<Number>(which.clone(), page).await?;
        let last = listing.items.last().map(|number| (number.created, number.sid));
        for number in listing.items {
            tell(state, number).await?;
        }
        match last {
            Some((created, sid)) if listing.older => {
                page.start = tipring_store::PageStart::OlderThan(tipring_store::Anchor { created, sid });
            }
            _ => return Ok(()),
        }
    }
}
