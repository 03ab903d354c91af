//! What was passed over in a request that was carried out: notifications of the call, where its developer looks for them.

use tipring_resources::{Code, Level, Method, Notification, Record, Sid, SidKind};
use url::Url;

use crate::form::{Form, encode};
use crate::serve::Asking;

/// Warnings of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Warnings(Vec<(Code, String)>);

impl Warnings {
    /// Adds one, up to [`WARNINGS_MAX`].
    pub(crate) fn add(&mut self, code: u32, text: String) {
        if self.0.len() < WARNINGS_MAX {
            self.0.push((Code(code), text.chars().take(TEXT_MAX).collect()));
        }
    }

    /// Adds one in the code's own words.
    pub(crate) fn add_plain(&mut self, code: u32) {
        self.add(code, format!("{}: {}", Code(code).meaning(), Code(code).remedy()));
    }

    /// Adds one for all parameters of `form` that this box knows nothing of.
    pub(crate) fn add_unknown(&mut self, form: &Form, known: &[&str]) {
        let mut names: Vec<&str> = form.without(known).map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        if !names.is_empty() {
            self.add(20001, format!("passed over: {}", names.join(", ").escape_debug()));
        }
    }

    /// Puts them into the store. A store that takes none must not undo a call that was made.
    pub(crate) async fn keep(self, asking: &Asking, call: Sid) {
        let live = &asking.state.live;
        let mut waiting = Vec::new();
        for (code, text) in self.0 {
            let notification = Notification {
                sid: live.new_sid(SidKind::Notification),
                account: asking.account.sid,
                call: Some(call),
                level: Level::Warning,
                code,
                text,
                at: live.now(),
                request_url: format!("{}{}", asking.base, asking.path.link),
                request_method: Some(Method::Post),
                request_variables: shown(&asking.form),
                response_headers: String::new(),
                response_body: String::new(),
            };
            waiting.push(asking.state.store.put(Record::Notification(notification)));
        }
        for write in waiting {
            if let Err(error) = write.await {
                tracing::warn!(%error, %call, "a warning could not be kept");
            }
        }
    }
}

/// The parameters as they came, without what is secret.
fn shown(form: &Form) -> String {
    let open = |name: &str, value: &str| match Url::parse(value) {
        _ if SECRET.contains(&name) => HIDDEN.to_string(),
        Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
            let cleared = url.set_username("").and_then(|()| url.set_password(None));
            cleared.map_or(HIDDEN.to_string(), |()| url.to_string())
        }
        _ => value.to_string(),
    };
    let pairs = form.without(&[]).map(|(name, value)| format!("{}={}", encode(name), encode(&open(name, value))));
    pairs.collect::<Vec<_>>().join("&")
}

/// Parameters whose values nobody else may read: keys may be a PIN.
const SECRET: &[&str] = &["SendDigits", "SipAuthUsername", "SipAuthPassword", "CallToken"];
const HIDDEN: &str = "***";
/// Warnings of one request at most: one for every parameter that can be partly wrong, and some.
const WARNINGS_MAX: usize = 16;
/// Characters of a warning at most.
const TEXT_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_not_repeated() {
        let mut form = Form::default();
        form.read(b"SendDigits=1234&Url=http://me:pw@app/v?x=1&To=%2B1").unwrap();
        assert_eq!(shown(&form), "SendDigits=%2A%2A%2A&Url=http%3A%2F%2Fapp%2Fv%3Fx%3D1&To=%2B1");
    }

    #[test]
    fn warnings_have_a_bound() {
        let (mut warnings, mut form) = (Warnings::default(), Form::default());
        form.read("x%0A=1&".repeat(400).as_bytes()).unwrap();
        warnings.add_unknown(&form, &[]);
        assert_eq!(warnings.0, [(Code(20001), "passed over: x\\n".to_string())]);
        (0..100).for_each(|_| warnings.add(1, "x".repeat(5000)));
        assert_eq!((warnings.0.len(), warnings.0[1].1.len()), (WARNINGS_MAX, TEXT_MAX));
    }
}
