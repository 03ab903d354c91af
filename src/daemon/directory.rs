//! What the box knows of tenants at its start and after a reload: the first account, the numbers of the store, those of
//! the file put over them.

use tipring_resources::{Account, AccountStatus, Method, Number, NumberOrigin, Sid, SidKind};
use tipring_store::Store;

use super::serve::{StartError, failed, now, random};
use crate::config::{Config, Documents};

/// The account that everything belongs to until others are made; made at the first start.
pub(super) async fn first_account(store: &Store) -> Result<Account, StartError> {
    let accounts = store.accounts().await.map_err(|error| failed("accounts")(&error))?;
    if let Some(account) = accounts.into_iter().next() {
        return Ok(account);
    }
    let account = Account {
        sid: Sid::new(SidKind::Account, u128::from_le_bytes(random()?)),
        friendly_name: "First account".into(),
        status: AccountStatus::Active,
        token: format!("{:032x}", u128::from_le_bytes(random()?)),
        created: now(),
        updated: now(),
        parent: None,
        contact: String::new(),
        voice: tipring_resources::VoiceSettings::default(),
        public_media: false,
    };
    store.put_account(account.clone()).await.map_err(|error| failed("the first account")(&error))?;
    Ok(account)
}

/// What has changed of the numbers, beside those that the store has now.
pub(super) struct Numbers {
    /// Those that no file has any more.
    pub gone: Vec<Sid>,
}

/// Brings the store's numbers and the file's together.
pub(super) async fn numbers(store: &Store, config: &Config, account: Sid) -> Result<Numbers, StartError> {
    let of_store = |error: &dyn std::fmt::Display| failed("numbers")(error);
    let mut known = store.all_numbers().await.map_err(|error| of_store(&error))?;
    let listed = |number: &Number| config.number.iter().any(|entry| entry.number == number.phone_number);
    let unlisted: Vec<Number> =
        known.extract_if(.., |number| is_own(store, &number.origin) && !listed(number)).collect();
    for number in &unlisted {
        store.delete_number(number.account, number.sid).await.map_err(|error| of_store(&error))?;
    }
    for entry in &config.number {
        let digits = &entry.number;
        let before = known.iter().position(|number| number.phone_number == *digits).map(|at| known.remove(at));
        let stamp = now();
        let number = Number {
            sid: match &before {
                Some(before) => before.sid,
                None => Sid::new(SidKind::Number, u128::from_le_bytes(random()?)),
            },
            account: before.as_ref().map_or(account, |before| before.account),
            phone_number: digits.clone(),
            friendly_name: digits.clone(),
            voice_url: entry.url.clone(),
            voice_method: method(entry.method),
            voice_fallback_url: entry.fallback.join(" "),
            voice_fallback_method: Method::Post,
            status_callback: entry.status_callback.clone(),
            status_callback_method: Method::Post,
            strict_documents: entry.documents == Documents::Strict,
            origin: of_file(store, &entry.origin),
            created: before.map_or(stamp, |before| before.created),
            updated: stamp,
            voice_application: None,
            sms_url: String::new(),
            sms_method: tipring_resources::Method::Post,
            sms_fallback_url: String::new(),
            sms_fallback_method: tipring_resources::Method::Post,
            sms_application: None,
        };
        store.put_number(number.clone()).await.map_err(|error| of_store(&error))?;
    }
    Ok(Numbers { gone: unlisted.iter().map(|number| number.sid).collect() })
}

/// Where the configuration says a number. In a store that boxes share, on which box.
fn of_file(store: &Store, origin: &crate::config::Origin) -> NumberOrigin {
    let (file, line) = origin.line().map_or_else(Default::default, |(file, line)| (file.display().to_string(), line));
    NumberOrigin::File { file: own_prefix(store) + &file, line: u32::try_from(line).unwrap_or(0) }
}

/// Whether a number is fixed by a file of this box: what other boxes' files say is theirs.
fn is_own(store: &Store, origin: &NumberOrigin) -> bool {
    matches!(origin, NumberOrigin::File { file, .. } if file.starts_with(&own_prefix(store)))
}

fn own_prefix(store: &Store) -> String {
    if store.is_shared() { format!("{}:", store.box_name()) } else { String::new() }
}

/// GET or POST as records have it.
pub fn method(method: crate::config::Method) -> Method {
    match method {
        crate::config::Method::Get => Method::Get,
        crate::config::Method::Post => Method::Post,
    }
}
