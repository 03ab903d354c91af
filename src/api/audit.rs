//! Who changed what by the API: a line of the audit trail for each change that was made.

use tipring_resources::{AuditEvent, Sid, SidKind};

use crate::serve::{Answer, Asking, Verb};

/// Notes a change that was made. Nobody waits for it, and a store that takes none undoes no change.
pub(crate) fn note(asking: &Asking, verb: Verb, answer: &Answer) {
    let what = match (verb, answer) {
        (Verb::Read, _) => return,
        (Verb::Delete, _) => "deleted",
        (Verb::Write, Answer::Json(status, _)) if status.as_u16() == 201 => "created",
        (Verb::Write, _) => "updated",
    };
    let of_answer = match answer {
        Answer::Json(_, body) => body["sid"].as_str().and_then(|text| text.parse::<Sid>().ok()),
        _ => None,
    };
    let of_path = || asking.path.link.rsplit('/').next()?.split('.').next()?.parse::<Sid>().ok();
    let live = &asking.state.live;
    let event = AuditEvent {
        sid: live.new_sid(SidKind::Event),
        account: asking.account.sid,
        actor: asking.asker.key.unwrap_or(asking.asker.account.sid),
        kind: format!("{}.{what}", dashed(asking.path.place.names().0)),
        resource: of_answer.or_else(of_path),
        source: asking.from.map(|from| from.to_string()).unwrap_or_default(),
        at: live.now(),
    };
    drop(asking.state.store.put_audit(event));
}

/// `IncomingPhoneNumber` → `incoming-phone-number`.
fn dashed(name: &str) -> String {
    let mut text = String::new();
    for sign in name.chars() {
        if sign.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(sign.to_ascii_lowercase());
    }
    text
}
