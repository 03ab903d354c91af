//! Applications: sets of URLs that numbers and calls refer to. A change of one holds for the next call of its numbers.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::{Application, Method, Sid, SidKind};
use tipring_store::{Anchor, Column, Where};

use crate::dates::rfc2822;
use crate::fault::Fault;
use crate::form::Form;
use crate::serve::{Answer, Asking};
use crate::{directory, paging, show};

fn shown(application: &Application) -> Value {
    json!({
        "sid": application.sid,
        "account_sid": application.account,
        "friendly_name": application.friendly_name,
        "voice_url": show::url_or_null(&application.voice_url),
        "voice_method": application.voice_method.as_str(),
        "voice_fallback_url": show::url_or_null(&application.voice_fallback_url),
        "voice_fallback_method": application.voice_fallback_method.as_str(),
        "voice_caller_id_lookup": false,
        "status_callback": show::url_or_null(&application.status_callback),
        "status_callback_method": application.status_callback_method.as_str(),
        "sms_url": show::url_or_null(&application.sms_url),
        "sms_method": application.sms_method.as_str(),
        "sms_fallback_url": show::url_or_null(&application.sms_fallback_url),
        "sms_fallback_method": application.sms_fallback_method.as_str(),
        "sms_status_callback": show::url_or_null(&application.sms_status_callback),
        "message_status_callback": show::url_or_null(&application.message_status_callback),
        "public_application_connect_enabled": false,
        "date_created": rfc2822(application.created),
        "date_updated": rfc2822(application.updated),
        "api_version": show::VERSION,
        "uri": format!("{}/Applications/{}.json", show::account_path(application.account), application.sid),
    })
}

pub(crate) async fn list(asking: &Asking) -> Result<Answer, Fault> {
    let asked = paging::asked(&asking.form)?;
    let which = Where::of(asking.account.sid).maybe(Column::FriendlyName, asking.form.text("FriendlyName"));
    let listing = asking.state.store.list(which, asked.page).await?;
    let anchor = |one: &Application| Anchor { created: one.created, sid: one.sid };
    Ok(paging::envelope(&asking.path.link, &asking.form, asked, "applications", &listing, anchor, shown))
}

pub(crate) async fn one(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let found = find(asking, sid).await?.ok_or_else(Fault::not_found)?;
    Ok(Answer::Json(StatusCode::OK, shown(&found)))
}

/// An application of the account.
pub(crate) async fn find(asking: &Asking, sid: Sid) -> Result<Option<Application>, Fault> {
    Ok(asking.state.store.one(asking.account.sid, sid).await?)
}

pub(crate) async fn create(asking: &Asking) -> Result<Answer, Fault> {
    let now = asking.state.live.now();
    let mut application = Application {
        sid: asking.state.live.new_sid(SidKind::Application),
        account: asking.account.sid,
        friendly_name: String::new(),
        voice_url: String::new(),
        voice_method: Method::Post,
        voice_fallback_url: String::new(),
        voice_fallback_method: Method::Post,
        status_callback: String::new(),
        status_callback_method: Method::Post,
        sms_url: String::new(),
        sms_method: Method::Post,
        sms_fallback_url: String::new(),
        sms_fallback_method: Method::Post,
        sms_status_callback: String::new(),
        message_status_callback: String::new(),
        created: now,
        updated: now,
    };
    change(&mut application, &asking.form)?;
    asking.state.store.put_application(application.clone()).await?;
    Ok(Answer::Json(StatusCode::CREATED, shown(&application)))
}

pub(crate) async fn update(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let mut application = find(asking, sid).await?.ok_or_else(Fault::not_found)?;
    change(&mut application, &asking.form)?;
    application.updated = asking.state.live.now();
    asking.state.store.put_application(application.clone()).await?;
    directory::tell_application(&asking.state, &application).await?;
    Ok(Answer::Json(StatusCode::OK, shown(&application)))
}

/// Deletes it; its numbers fall back to their own URLs.
pub(crate) async fn delete(asking: &Asking, sid: Sid) -> Result<Answer, Fault> {
    let application = find(asking, sid).await?.ok_or_else(Fault::not_found)?;
    if !asking.state.store.delete::<Application>(asking.account.sid, sid).await? {
        return Err(Fault::not_found());
    }
    directory::tell_application(&asking.state, &application).await?;
    Ok(Answer::NoContent)
}

/// Sets what the form gives. An empty value clears a field; what is not given stays.
fn change(application: &mut Application, form: &Form) -> Result<(), Fault> {
    form.set(&mut application.friendly_name, Form::name, "FriendlyName")?;
    form.set(&mut application.voice_url, Form::url, "VoiceUrl")?;
    form.set(&mut application.voice_method, Form::method, "VoiceMethod")?;
    form.set(&mut application.voice_fallback_url, Form::urls, "VoiceFallbackUrl")?;
    form.set(&mut application.voice_fallback_method, Form::method, "VoiceFallbackMethod")?;
    form.set(&mut application.status_callback, Form::url, "StatusCallback")?;
    form.set(&mut application.status_callback_method, Form::method, "StatusCallbackMethod")?;
    form.set(&mut application.sms_url, Form::url, "SmsUrl")?;
    form.set(&mut application.sms_method, Form::method, "SmsMethod")?;
    form.set(&mut application.sms_fallback_url, Form::url, "SmsFallbackUrl")?;
    form.set(&mut application.sms_fallback_method, Form::method, "SmsFallbackMethod")?;
    form.set(&mut application.sms_status_callback, Form::url, "SmsStatusCallback")?;
    form.set(&mut application.message_status_callback, Form::url, "MessageStatusCallback")?;
    if application.voice_url.is_empty() && !application.voice_fallback_url.is_empty() {
        return Err(Fault::plain(21405));
    }
    Ok(())
}
