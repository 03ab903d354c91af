//! Incoming numbers: create, read, update, delete; a change is committed, then told to the router, then answered, so that
//! it holds for the next call. A number that was set in a file is read-only here.

use axum::http::StatusCode;
use tipring_resources::{Method, Number, NumberOrigin, Sid, SidKind};
use tipring_router::DirectoryChange;
use tipring_store::{Anchor, NumberFilter};

use crate::fault::Fault;
use crate::form::Form;
use crate::serve::{Answer, Asking};
use crate::{applications, auth, available, directory, paging, show};

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
    let phone_number = wanted(asking).await?;
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
    change(asking, &mut number, form).await?;
    keep(asking, number, StatusCode::CREATED).await
}

/// The number that is claimed: `PhoneNumber`, or the first free one of an `AreaCode`.
async fn wanted(asking: &Asking) -> Result<String, Fault> {
    let state = &asking.state;
    if let Some(given) = asking.form.text("PhoneNumber") {
        let number = address(given).ok_or_else(|| Fault::plain(21421))?;
        return if available::is_ours(state, &number) { Ok(number) } else { Err(Fault::plain(21422)) };
    }
    let area = asking.form.text("AreaCode").ok_or_else(|| Fault::bad(21421, "PhoneNumber is missing"))?;
    let free = available::unclaimed(state).await?;
    free.into_iter().find(|number| available::in_area(number, area)).ok_or_else(|| Fault::plain(21452))
}

pub(crate) async fn update(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let mut number = find(asking, sid).await?;
    changeable(&number)?;
    change(asking, &mut number, &asking.form).await?;
    if let Some(other) = asking.form.sid("AccountSid", SidKind::Account)?.filter(|other| *other != number.account) {
        // Between accounts of one family: only where the asker may go himself.
        auth::target(&asking.state.store, &asking.asker, Some(other))
            .await
            .map_err(|_| Fault::forbidden("a number cannot be moved to that account"))?;
        (number.account, number.voice_application, number.sms_application) = (other, None, None);
    }
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
    directory::tell(&asking.state, number.clone()).await?;
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
async fn change(asking: &Asking, number: &mut Number, form: &Form) -> Result<(), Fault> {
    application(asking, &mut number.voice_application, "VoiceApplicationSid").await?;
    application(asking, &mut number.sms_application, "SmsApplicationSid").await?;
    form.set(&mut number.friendly_name, Form::name, "FriendlyName")?;
    form.set(&mut number.voice_url, Form::url, "VoiceUrl")?;
    form.set(&mut number.voice_method, Form::method, "VoiceMethod")?;
    form.set(&mut number.voice_fallback_url, Form::urls, "VoiceFallbackUrl")?;
    form.set(&mut number.voice_fallback_method, Form::method, "VoiceFallbackMethod")?;
    form.set(&mut number.status_callback, Form::url, "StatusCallback")?;
    form.set(&mut number.status_callback_method, Form::method, "StatusCallbackMethod")?;
    form.set(&mut number.sms_url, Form::url, "SmsUrl")?;
    form.set(&mut number.sms_method, Form::method, "SmsMethod")?;
    form.set(&mut number.sms_fallback_url, Form::url, "SmsFallbackUrl")?;
    form.set(&mut number.sms_fallback_method, Form::method, "SmsFallbackMethod")?;
    let without_main = |main: &str, fallback: &str| main.is_empty() && !fallback.is_empty();
    if without_main(&number.voice_url, &number.voice_fallback_url)
        || without_main(&number.sms_url, &number.sms_fallback_url)
    {
        return Err(Fault::plain(21405));
    }
    Ok(())
}

/// An application of the account, or none.
async fn application(asking: &Asking, field: &mut Option<Sid>, name: &str) -> Result<(), Fault> {
    if asking.form.given(name) == Some("") {
        *field = None;
    }
    if asking.form.text(name).is_none() {
        return Ok(());
    }
    let sid = asking.form.sid(name, SidKind::Application).ok().flatten().ok_or_else(|| Fault::plain(21218))?;
    applications::find(asking, sid).await?.ok_or_else(|| Fault::plain(21218))?;
    *field = Some(sid);
    Ok(())
}

/// An inbound address: E.164 with plus (written with blanks, dashes, dots or brackets if need be), digits as a line gives
/// them, or the name of an analogue port such as `fxo/1`.
pub(crate) fn address(text: &str) -> Option<String> {
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
