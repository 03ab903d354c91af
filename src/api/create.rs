//! Making a call: parameters become the router's [`NewCall`]. Only their form is judged here; who may be called, under
//! which number, and on which line, the router knows.

use axum::http::StatusCode;
use tipring_resources::{Application, Method, SidKind};
use tipring_router::{CallCallback, CallEvents, Instructions, NewCall, Reply, Request};

use crate::calls::{ask, refused};
use crate::fault::Fault;
use crate::form::Form;
use crate::serve::{Answer, Asking};
use crate::warnings::Warnings;
use crate::{applications, live, show, wishes};

/// Makes a call. The answer is 201 as soon as the router has it: it is queued, or already on its way.
pub(crate) async fn create(asking: &Asking) -> Result<Answer, Fault> {
    let mut warnings = Warnings::default();
    let application = application(asking).await?;
    let call = wanted(asking, application.as_ref(), &mut warnings)?;
    match ask(asking, Request::CreateCall(Box::new(call))).await? {
        Reply::Call(call) => {
            // The call is on its way whatever the store does: who is told 503 must know not to make it twice.
            asking.state.store.settled().await.map_err(|error| {
                tracing::error!(%error, call = %call.sid, "a call that was made has no record yet");
                Fault::unavailable(format!("{} is on its way, but its record is not kept yet: look for it", call.sid))
            })?;
            warnings.keep(asking, call.sid).await;
            Ok(Answer::Json(StatusCode::CREATED, show::call(&call)))
        }
        Reply::Refused { code, text, again_s } => Err(refused(code, text, again_s)),
        _ => Err(Fault::unavailable("the router takes no calls at the moment: try again later")),
    }
}

/// The application whose settings stand in place of the request's own.
async fn application(asking: &Asking) -> Result<Option<Application>, Fault> {
    if asking.form.text("ApplicationSid").is_none() {
        return Ok(None);
    }
    let named = asking.form.sid("ApplicationSid", SidKind::Application).ok().flatten();
    let sid = named.ok_or_else(|| Fault::plain(21218))?;
    let found = applications::find(asking, sid).await?.filter(|one| !one.voice_url.is_empty());
    found.map(Some).ok_or_else(|| Fault::plain(21218))
}

fn wanted(asking: &Asking, application: Option<&Application>, warnings: &mut Warnings) -> Result<NewCall, Fault> {
    let form = &asking.form;
    let (to, group) = to(form)?;
    let from = from(form)?;
    let (instructions, (fallback_url, fallback_method), callback) = match application {
        Some(application) => of_application(application),
        None => (
            wishes::instructions(form, warnings)?.ok_or_else(|| Fault::plain(21205))?,
            wishes::fallback(form)?.unwrap_or_default(),
            wishes::callback(form, warnings)?,
        ),
    };
    let time_limit_s = wishes::time_limit_s(form)?.unwrap_or(TIME_LIMIT_S);
    let record = wishes::record(form, warnings)?;
    let machine = live::machine(form)?;
    if machine.as_ref().is_some_and(|machine| machine.beside && machine.callback.is_empty()) {
        warnings.add_plain(21262);
    }
    warnings.add_unknown(form, KNOWN);
    Ok(NewCall {
        account: asking.account.sid,
        to,
        from,
        group,
        instructions,
        fallback_url,
        fallback_method,
        callback,
        timeout_s: wishes::timeout_s(form)?,
        time_limit_s,
        send_digits: wishes::send_digits(form)?,
        record,
        machine,
    })
}

/// A call into a room: whom, under which number, and how it is made; what it does then is the room's.
pub(crate) fn into_room(asking: &Asking, warnings: &mut Warnings) -> Result<NewCall, Fault> {
    let form = &asking.form;
    let (to, group) = to(form)?;
    Ok(NewCall {
        account: asking.account.sid,
        to,
        from: from(form)?,
        group,
        instructions: Instructions::Document(String::new()),
        fallback_url: String::new(),
        fallback_method: Method::Post,
        callback: wishes::callback(form, warnings)?,
        timeout_s: wishes::timeout_s(form)?,
        time_limit_s: wishes::time_limit_s(form)?.unwrap_or(TIME_LIMIT_S),
        send_digits: String::new(),
        record: wishes::record(form, warnings)?,
        machine: live::machine(form)?,
    })
}

/// What an application says of a call: all its URLs, and none of the request's.
fn of_application(application: &Application) -> (Instructions, (String, Method), Option<CallCallback>) {
    let callback = Some(&application.status_callback).filter(|url| !url.is_empty()).map(|url| CallCallback {
        url: url.clone(),
        method: application.status_callback_method,
        events: CallEvents::default(),
    });
    let instructions = Instructions::Url { url: application.voice_url.clone(), method: application.voice_method };
    (instructions, (application.voice_fallback_url.clone(), application.voice_fallback_method), callback)
}

/// Whom, and over which group of lines: `To=+12025550100`, `To=dahdi/<group>/<digits>`, or a group in `Trunk` or `Byoc`.
fn to(form: &Form) -> Result<(String, String), Fault> {
    let text = form.text("To").map(str::trim).filter(|text| !text.is_empty()).ok_or_else(|| Fault::plain(21201))?;
    let mut groups: Vec<&str> = ["Trunk", "Byoc"].into_iter().filter_map(|name| form.text(name)).collect();
    let digits = match text.strip_prefix("dahdi/") {
        Some(rest) => {
            let (group, digits) = rest
                .split_once('/')
                .ok_or_else(|| Fault::bad(21211, "To is invalid: dahdi/<group>/<digits> is expected"))?;
            groups.push(group);
            digits
        }
        None => text,
    };
    let scheme = digits.split_once(':').map(|(scheme, _)| scheme);
    if let Some(scheme) = scheme {
        let scheme: String = scheme.chars().take(16).collect();
        let text = format!("To is invalid: this box calls telephone numbers, {scheme:?} addresses are not available");
        return Err(Fault::bad(21211, text));
    }
    let group = groups.first().copied().unwrap_or_default();
    if groups.iter().any(|other| *other != group) {
        return Err(Fault::bad(20002, "To, Trunk and Byoc name different groups of lines: name one"));
    }
    let named = |key: char| key.is_alphanumeric() || "-_. ".contains(key);
    if group.chars().count() > GROUP_MAX || !group.chars().all(named) || (group.is_empty() && !groups.is_empty()) {
        return Err(Fault::bad(20002, "the group of lines is invalid: its name in the configuration is expected"));
    }
    let dialled = without_spacing(digits);
    let bare = dialled.strip_prefix('+').unwrap_or(&dialled);
    let sound = |key: char| key.is_ascii_digit() || "*#".contains(key);
    if bare.is_empty() || bare.len() > DIGITS_MAX || !bare.chars().all(sound) {
        return Err(Fault::plain(21211));
    }
    Ok((dialled, group.to_string()))
}

/// The number to show: `CallerId` if it is given, else `From`, which must be there in any case.
fn from(form: &Form) -> Result<String, Fault> {
    let from = form.text("From").ok_or_else(|| Fault::plain(21213))?;
    let (name, shown) = form.text("CallerId").map_or(("From", from), |shown| ("CallerId", shown));
    let shown = shown.trim();
    if shown.contains(':')
        || shown.is_empty()
        || shown.chars().count() > FROM_MAX
        || shown.chars().any(char::is_control)
    {
        return Err(Fault::bad(21212, format!("{name} is invalid: a telephone number is expected")));
    }
    Ok(without_spacing(shown))
}

/// A number as people write it, without what makes it readable; what is no number stays as it is.
fn without_spacing(text: &str) -> String {
    let spacing = |key: char| " -.()/\u{a0}".contains(key);
    let number = text.chars().all(|key| key.is_ascii_digit() || "+*#".contains(key) || spacing(key));
    if number { text.chars().filter(|key| !spacing(*key)).collect() } else { text.to_string() }
}

/// Parameters that are read.
const KNOWN: &[&str] = &[
    "To",
    "From",
    "CallerId",
    "Trunk",
    "Byoc",
    "ApplicationSid",
    "Url",
    "Method",
    "Twiml",
    "FallbackUrl",
    "FallbackMethod",
    "StatusCallback",
    "StatusCallbackMethod",
    "StatusCallbackEvent",
    "Timeout",
    "TimeLimit",
    "SendDigits",
    "Record",
    "RecordingChannels",
    "RecordingTrack",
    "Trim",
    "RecordingStatusCallback",
    "RecordingStatusCallbackMethod",
    "RecordingStatusCallbackEvent",
    "MachineDetection",
    "MachineDetectionTimeout",
    "MachineDetectionSpeechThreshold",
    "MachineDetectionSpeechEndThreshold",
    "MachineDetectionSilenceTimeout",
    "AsyncAmd",
    "AsyncAmdStatusCallback",
    "AsyncAmdStatusCallbackMethod",
];
/// How long a call lasts if nothing is said.
const TIME_LIMIT_S: u32 = 4 * 3600;
/// Digits of a called number at most: E.164 has 15, with prefixes and an extension some more.
const DIGITS_MAX: usize = 32;
/// Characters of a number to show, or of an analogue line's name, at most.
const FROM_MAX: usize = 64;
/// Characters of a group's name at most.
const GROUP_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::encode;

    fn read(pairs: &[(&str, &str)]) -> Form {
        let mut form = Form::default();
        for (name, value) in pairs {
            form.read(format!("{name}={}", encode(value)).as_bytes()).unwrap();
        }
        form
    }

    #[test]
    fn to_is_a_number_with_or_without_its_group() {
        for (text, digits, group) in [
            ("+12025550100", "+12025550100", ""),
            (" +1 (202) 555-0100 ", "+12025550100", ""),
            ("112", "112", ""),
            ("*21*5#", "*21*5#", ""),
            ("dahdi/trunk a/0301234567", "0301234567", "trunk a"),
        ] {
            assert_eq!(to(&read(&[("To", text)])), Ok((digits.to_string(), group.to_string())), "{text}");
        }
        let both = to(&read(&[("To", "dahdi/a/100"), ("Trunk", "a"), ("Byoc", "a")]));
        assert_eq!(both, Ok(("100".to_string(), "a".to_string())));
        assert_eq!(to(&read(&[("To", "100"), ("Trunk", "b")])).unwrap().1, "b");
        for (text, code) in [
            ("", 21201),
            ("  ", 21201),
            ("+", 21211),
            ("++1", 21211),
            ("1+1", 21211),
            ("bob", 21211),
            ("sip:bob@example.com", 21211),
            ("client:bob", 21211),
            ("dahdi/100", 21211),
            ("dahdi/a/", 21211),
            ("dahdi//100", 20002),
            ("dahdi/a\n/100", 20002),
            ("123456789012345678901234567890123", 21211),
        ] {
            assert_eq!(to(&read(&[("To", text)])).unwrap_err().code.0, code, "{text}");
        }
        assert_eq!(to(&read(&[("To", "dahdi/a/100"), ("Trunk", "b")])).unwrap_err().code.0, 20002);
    }

    #[test]
    fn from_is_a_number_or_a_lines_name_and_caller_id_goes_before_it() {
        assert_eq!(from(&read(&[("From", "+1 202-555-0100")])).unwrap(), "+12025550100");
        assert_eq!(from(&read(&[("From", "front desk-1")])).unwrap(), "front desk-1");
        assert_eq!(from(&read(&[("From", "+1"), ("CallerId", "+2")])).unwrap(), "+2");
        assert_eq!(from(&read(&[("CallerId", "+2")])).unwrap_err().code.0, 21213);
        for bad in ["sip:a@b", "a\nb", &"1".repeat(65)] {
            assert_eq!(from(&read(&[("From", bad)])).unwrap_err().code.0, 21212, "{bad:?}");
        }
    }
}
