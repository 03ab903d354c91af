//! Incoming numbers: create, read, update, delete; a change is committed, then told to the router, then answered, so that
//! it holds for the next call. A number that was set in a file is read-only here.

use axum::http::StatusCode;
use tipring_resources::{Method, Number, NumberOrigin, Sid, SidKind};
use tipring_router::DirectoryChange;
use tipring_store::{Anchor, NumberFilter};

use crate::fault::Fault;
use crate::form::Form;
use crate::serve::{Answer, Asking};
use crate::{paging, show};

pub(crate) async fn list(asking: &Asking) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    let filter = NumberFilter {
        phone_number: form.text("PhoneNumber").map(String::from),
        friendly_name: form.text("FriendlyName").map(String::from),
    };
    let listing = asking.state.store.numbers(asking.account.sid, &filter, asked.page).await?;
    let anchor = |number: &Number| Anchor { created: number.created, sid: number.sid };
    Ok(paging::envelope(&asking.path.link, form, asked, "incoming_phone_numbers", &listing, anchor, show::number))
}

pub(crate) async fn one(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    Ok(Answer::Json(StatusCode::OK, show::number(&find(asking, sid).await?)))
}

pub(crate) async fn create(asking: &Asking) -> Result<Answer, Fault> {
    let form = &asking.form;
    let given = form.text("PhoneNumber").ok_or_else(|| Fault::bad(21421, "PhoneNumber is missing"))?;
    let phone_number = address(given).ok_or_else(|| Fault::plain(21421))?;
    let now = asking.state.live.now();
    let mut number = Number {
        sid: asking.state.live.new_sid(SidKind::Number),
        account: asking.account.sid,
        friendly_name: phone_number.clone(),
        phone_number,
        voice_url: String::new(),
        voice_method: Method::Post,
        voice_fallback_url: String::new(),
        voice_fallback_method: Method::Post,
        status_callback: String::new(),
        status_callback_method: Method::Post,
        strict_documents: false,
        origin: NumberOrigin::Api,
        created: now,
        updated: now,
        voice_application: None,
        sms_url: String::new(),
        sms_method: tipring_resources::Method::Post,
        sms_fallback_url: String::new(),
        sms_fallback_method: tipring_resources::Method::Post,
        sms_application: None,
    };
    change(&mut number, form)?;
    keep(asking, number, StatusCode::CREATED).await
}

pub(crate) async fn update(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let mut number = find(asking, sid).await?;
    changeable(&number)?;
    if asking.form.sid("AccountSid", SidKind::Account)?.is_some_and(|other| other != number.account) {
        return Err(Fault::forbidden("a number cannot be moved to that account"));
    }
    change(&mut number, &asking.form)?;
    number.updated = asking.state.live.now();
    keep(asking, number, StatusCode::OK).await
}

pub(crate) async fn delete(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    changeable(&find(asking, sid).await?)?;
    if !asking.state.store.delete_number(asking.account.sid, sid).await? {
        return Err(Fault::not_found());
    }
    asking.state.live.directory_changed(DirectoryChange::NumberGone(sid)).await;
    Ok(Answer::NoContent)
}

async fn keep(asking: &Asking, number: Number, status: StatusCode) -> Result<Answer, Fault> {
    asking.state.store.put_number(number.clone()).await?;
    asking.state.live.directory_changed(DirectoryChange::Number(number.clone())).await;
    Ok(Answer::Json(status, show::number(&number)))
}

async fn find(asking: &Asking, sid: Sid) -> Result<Number, Fault> {
    let found = asking.state.store.number(sid).await?;
    found.filter(|number| number.account == asking.account.sid).ok_or_else(Fault::not_found)
}

fn changeable(number: &Number) -> Result<(), Fault> {
    match &number.origin {
        NumberOrigin::Api => Ok(()),
        NumberOrigin::File { file, line } => Err(Fault::forbidden(format!(
            "{} is set in {file}:{line} and read-only here: change it there",
            number.phone_number
        ))),
    }
}

/// Sets what the form gives. An empty value clears a field; what is not given stays.
fn change(number: &mut Number, form: &Form) -> Result<(), Fault> {
    if form.text("VoiceApplicationSid").is_some() {
        return Err(Fault::unavailable("applications are not available yet: set VoiceUrl"));
    }
    set(&mut number.friendly_name, form.name("FriendlyName")?);
    set(&mut number.voice_url, form.url("VoiceUrl")?);
    set(&mut number.voice_method, form.method("VoiceMethod")?);
    set(&mut number.voice_fallback_url, form.urls("VoiceFallbackUrl")?);
    set(&mut number.voice_fallback_method, form.method("VoiceFallbackMethod")?);
    set(&mut number.status_callback, form.url("StatusCallback")?);
    set(&mut number.status_callback_method, form.method("StatusCallbackMethod")?);
    if number.voice_url.is_empty() && !number.voice_fallback_url.is_empty() {
        return Err(Fault::plain(21405));
    }
    Ok(())
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// An inbound address: E.164 with plus (written with blanks, dashes, dots or brackets if need be), digits as a line gives
/// them, or the name of an analogue port such as `fxo/1`.
fn address(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('+') {
        let digits: String = rest.chars().filter(|sign| !" -.()".contains(*sign)).collect();
        let sound = (2..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        return sound.then(|| format!("+{digits}"));
    }
    let dialled = |byte: u8| byte.is_ascii_digit() || b"*#".contains(&byte);
    if (1..=20).contains(&text.len()) && text.bytes().all(dialled) {
        return Some(text.to_string());
    }
    let port = |byte: u8| byte.is_ascii_alphanumeric() || b"/._- ".contains(&byte);
    let named = text.len() <= PORT_MAX && text.starts_with(|first: char| first.is_ascii_alphabetic());
    (named && text.contains('/') && text.bytes().all(port)).then(|| text.to_string())
}

/// Characters of a port's name at most.
const PORT_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_number_digits_or_a_port() {
        for (text, wanted) in [
            ("+12025550100", Some("+12025550100")),
            (" +1 (202) 555-0100", Some("+12025550100")),
            ("100", Some("100")),
            ("*98#", Some("*98#")),
            ("fxo/1", Some("fxo/1")),
            ("", None),
            ("+", None),
            ("+0123", None),
            ("+1234567890123456", None),
            ("anonymous", None),
            ("100; DROP", None),
            ("+1202555O100", None),
        ] {
            assert_eq!(address(text).as_deref(), wanted, "{text}");
        }
    }
}
