//! What a program wishes of a call, read out of parameters and judged by its form: instructions, callbacks, recording,
//! times, keys. What can be carried out is the router's matter. What is passed over leaves a warning.

use tipring_resources::{Code, Method};
use tipring_router::{CallCallback, CallEvents, CallRecord, Instructions, RecordingEvents, Track};

use crate::fault::Fault;
use crate::form::Form;
use crate::warnings::Warnings;

/// What the call does: `Url` before `Twiml`. `None`: neither is given.
pub(crate) fn instructions(form: &Form, warnings: &mut Warnings) -> Result<Option<Instructions>, Fault> {
    let method = method(form, "Method")?;
    let url = form.url("Url").map_err(|fault| Fault::bad(21205, fault.message))?.filter(|url| !url.is_empty());
    let document = form.text("Twiml");
    if document.is_some_and(|document| document.chars().count() > TWIML_MAX) {
        return Err(Fault::plain(32018));
    }
    match (url, document) {
        (Some(url), document) => {
            if document.is_some() {
                warnings.add_plain(32019);
            }
            Ok(Some(Instructions::Url { url, method }))
        }
        (None, Some(document)) => Ok(Some(Instructions::Document(document.to_string()))),
        (None, None) => Ok(None),
    }
}

/// Who is asked when the instructions fail; given but empty: nobody.
pub(crate) fn fallback(form: &Form) -> Result<Option<(String, Method)>, Fault> {
    let method = method(form, "FallbackMethod")?;
    let url = form.urls("FallbackUrl").map_err(|fault| Fault::bad(21205, fault.message))?;
    Ok(url.map(|url| (url, method)))
}

/// Who is told of the call's progress.
pub(crate) fn callback(form: &Form, warnings: &mut Warnings) -> Result<Option<CallCallback>, Fault> {
    let method = method(form, "StatusCallbackMethod")?;
    let none = CallEvents { initiated: false, ringing: false, answered: false, completed: false };
    let mut events = none;
    each_event(form, "StatusCallbackEvent", warnings, |word| {
        match word {
            "initiated" => events.initiated = true,
            "ringing" => events.ringing = true,
            "answered" => events.answered = true,
            "completed" => events.completed = true,
            _ => return false,
        }
        true
    });
    if events == none {
        events = CallEvents::default();
    }
    let url = form.url("StatusCallback").map_err(|fault| Fault::bad(21609, fault.message))?;
    Ok(url.filter(|url| !url.is_empty()).map(|url| CallCallback { url, method, events }))
}

/// How the call is recorded, if it is. What is said of a recording that nobody wants is judged all the same.
pub(crate) fn record(form: &Form, warnings: &mut Warnings) -> Result<Option<CallRecord>, Fault> {
    let wanted = form.boolean("Record")?.unwrap_or(false);
    let dual = match form.text("RecordingChannels") {
        None | Some("mono") => false,
        Some("dual") => true,
        Some(_) => return Err(Fault::parameter("RecordingChannels", "mono or dual")),
    };
    let track = match form.text("RecordingTrack") {
        None | Some("both") => Track::Both,
        Some("inbound") => Track::Inbound,
        Some("outbound") => Track::Outbound,
        Some(_) => return Err(Fault::parameter("RecordingTrack", "inbound, outbound or both")),
    };
    let trim = match form.text("Trim") {
        None | Some("trim-silence") => true,
        Some("do-not-trim") => false,
        Some(_) => return Err(Fault::parameter("Trim", "trim-silence or do-not-trim")),
    };
    let callback_method = method(form, "RecordingStatusCallbackMethod")?;
    let none = RecordingEvents { in_progress: false, completed: false, absent: false };
    let mut events = none;
    each_event(form, "RecordingStatusCallbackEvent", warnings, |word| {
        match word {
            "in-progress" => events.in_progress = true,
            "completed" => events.completed = true,
            "absent" => events.absent = true,
            _ => return false,
        }
        true
    });
    if events == none {
        events.completed = true;
    }
    let callback = form.url("RecordingStatusCallback").map_err(|fault| Fault::bad(21609, fault.message))?;
    let callback = callback.unwrap_or_default();
    Ok(wanted.then_some(CallRecord { dual, track, trim, callback, callback_method, events }))
}

/// How long it may ring.
pub(crate) fn timeout_s(form: &Form) -> Result<u32, Fault> {
    whole(form, "Timeout", 1..=TIMEOUT_MAX_S).map_err(|_| Fault::plain(21208)).map(|given| given.unwrap_or(60))
}

/// How long it may last.
pub(crate) fn time_limit_s(form: &Form) -> Result<Option<u32>, Fault> {
    whole(form, "TimeLimit", 1..=TIME_LIMIT_MAX_S)
        .map_err(|()| Fault::parameter("TimeLimit", "a whole number of seconds from 1 to 86400"))
}

/// Keys that are sent after the answer.
pub(crate) fn send_digits(form: &Form) -> Result<String, Fault> {
    let keys = form.text("SendDigits").unwrap_or_default();
    let sound = |key: char| key.is_ascii_digit() || "ABCDabcd*#wW".contains(key);
    if keys.chars().count() > SEND_DIGITS_MAX || !keys.chars().all(sound) {
        return Err(Fault::plain(21206));
    }
    let upper = |key: char| if key == 'w' { key } else { key.to_ascii_uppercase() };
    Ok(keys.chars().map(upper).collect())
}

/// GET or POST, as an application of a call is asked.
fn method(form: &Form, name: &str) -> Result<Method, Fault> {
    let given = form.method(name).map_err(|fault| Fault::bad(21209, fault.message))?;
    Ok(given.unwrap_or_default())
}

fn whole(form: &Form, name: &str, range: std::ops::RangeInclusive<u32>) -> Result<Option<u32>, ()> {
    let parse = |text: &str| text.trim().parse().ok().filter(|number| range.contains(number)).ok_or(());
    form.text(name).map(parse).transpose()
}

/// Shows every event to `take`: a list is repeated keys, or one value with blanks. What it does not take is passed over
/// with a warning.
pub(crate) fn each_event(form: &Form, name: &str, warnings: &mut Warnings, mut take: impl FnMut(&str) -> bool) {
    for word in form.all(name).flat_map(str::split_whitespace) {
        if !take(word) {
            let meaning = Code(21626).remedy();
            warnings.add(21626, format!("{name} {word:?} was passed over: {meaning}"));
        }
    }
}

/// Characters of an inline document at most.
const TWIML_MAX: usize = 4000;
/// Keys that may be sent after the answer.
const SEND_DIGITS_MAX: usize = 32;
/// A call may ring for ten minutes at most.
const TIMEOUT_MAX_S: u32 = 600;
/// A call may last for a day at most: as long as a recording may.
const TIME_LIMIT_MAX_S: u32 = 24 * 3600;
