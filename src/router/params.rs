//! What every request says of its call: enough that the application needs no memory (rows A5, A7). The names are
//! twiml's; `LineName` (card and channel), `CallerRestricted` and
//! `AnswerSupervision` (what told us of an outgoing call's answer), `AnswerCertainty` (how sure that is, in percent) and
//! `HangupEvidence` (what told an analogue line that the far end had gone) are ours.

use tipring_card::Supervision;
use tipring_resources::{Call, Direction};

use crate::config::Config;

/// Name and value, in the order in which they are sent.
pub(crate) type Params = Vec<(String, String)>;

/// Caller of a call whose caller does not want to be known.
pub(crate) const ANONYMOUS: &str = "anonymous";

/// The parameters of every request, then `extra`.
pub(crate) fn of_call(call: &Call, config: &Config, extra: &[(String, String)]) -> Params {
    let mut params: Params = Vec::with_capacity(16 + extra.len());
    let mut put = |name: &str, value: &str| params.push((name.to_owned(), value.to_owned()));
    put("CallSid", &call.sid.to_string());
    put("AccountSid", &call.account.to_string());
    put("From", &call.from);
    put("To", &call.to);
    put("Caller", &call.from);
    put("Called", &call.to);
    put("CallStatus", call.status.as_str());
    put("ApiVersion", &config.api_version);
    put("Direction", call.direction.as_str());
    if let Some(forwarded) = &call.forwarded_from {
        put("ForwardedFrom", forwarded);
    }
    if let Some(name) = &call.caller_name {
        put("CallerName", name);
    }
    if let Some(parent) = call.parent {
        put("ParentCallSid", &parent.to_string());
    }
    if call.direction == Direction::Inbound && call.from == ANONYMOUS {
        put("CallerRestricted", "true");
    }
    if let Some(supervision) = &call.supervision {
        put("AnswerSupervision", supervision);
        if let Some(percent) = certainty_percent(supervision) {
            put("AnswerCertainty", &percent.to_string());
        }
    }
    if let Some(sign) = &call.hangup_evidence {
        put("HangupEvidence", sign);
    }
    put("LineName", &call.line);
    params.extend_from_slice(extra);
    params
}

/// How sure an answer is, in percent, by the word that says what told of it; `None`: no such word.
pub fn certainty_percent(supervision: &str) -> Option<u8> {
    Supervision::ALL.into_iter().find(|by| by.as_str() == supervision).map(Supervision::certainty_percent)
}

/// One parameter.
pub(crate) fn param(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}
