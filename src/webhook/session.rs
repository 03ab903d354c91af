//! What a call's browser remembers: cookies, and which servers it is logged in to. Dropped when the call ends.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tipring_egress::Credentials;
use tipring_resources::Sid;
use url::{Origin, Url};

use crate::cookies::Jar;

/// All calls' browsers.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    sessions: HashMap<Sid, Session>,
    uses: u64,
}

#[derive(Debug, Default)]
struct Session {
    jar: Jar,
    logins: Vec<(Origin, Credentials)>,
    last_use: u64,
}

impl Sessions {
    /// The `Cookie` header for a request.
    pub(crate) fn cookies(&self, sid: Sid, url: &Url, now: i64) -> Option<String> {
        self.lock().sessions.get(&sid)?.jar.header(url, now)
    }

    /// Takes the `Set-Cookie` headers of an answer.
    pub(crate) fn store<'a>(&self, sid: Sid, url: &Url, headers: impl Iterator<Item = &'a str>, now: i64) {
        let mut headers = headers.take(MAX_SET_COOKIES).peekable();
        if headers.peek().is_some() {
            let mut inner = self.lock();
            let jar = &mut inner.session(sid).jar;
            headers.for_each(|it| jar.store(url, it, now));
        }
    }

    /// Remembers that these credentials were taken by the URL's server.
    pub(crate) fn log_in(&self, sid: Sid, url: &Url, who: &Credentials) {
        let mut inner = self.lock();
        let logins = &mut inner.session(sid).logins;
        let origin = url.origin();
        logins.retain(|(it, _)| *it != origin);
        if logins.len() >= MAX_LOGINS {
            logins.remove(0);
        }
        logins.push((origin, who.clone()));
    }

    /// Credentials of an earlier request of this call to the same scheme, host and port.
    pub(crate) fn login(&self, sid: Sid, url: &Url) -> Option<Credentials> {
        let origin = url.origin();
        let inner = self.lock();
        let logins = &inner.sessions.get(&sid)?.logins;
        logins.iter().find(|(it, _)| *it == origin).map(|(_, who)| who.clone())
    }

    /// The call is over.
    pub(crate) fn forget(&self, sid: Sid) {
        self.lock().sessions.remove(&sid);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn session(&mut self, sid: Sid) -> &mut Session {
        if !self.sessions.contains_key(&sid) && self.sessions.len() >= MAX_SESSIONS {
            let oldest = self.sessions.iter().min_by_key(|(_, it)| it.last_use).map(|(sid, _)| *sid);
            oldest.map(|it| self.sessions.remove(&it));
        }
        self.uses += 1;
        let session = self.sessions.entry(sid).or_default();
        session.last_use = self.uses;
        session
    }
}

/// Calls remembered at one time: many times the channels of a box, in case ends of calls get lost.
const MAX_SESSIONS: usize = 4_096;
/// `Set-Cookie` headers read of one answer.
const MAX_SET_COOKIES: usize = 64;
/// Servers that one call is logged in to.
const MAX_LOGINS: usize = 8;

#[cfg(test)]
mod tests {
    use tipring_resources::SidKind;

    use super::*;

    fn call(id: u128) -> Sid {
        Sid::new(SidKind::Call, id)
    }

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn a17_calls_do_not_see_each_other() {
        let sessions = Sessions::default();
        let app = url("http://app/");
        sessions.store(call(1), &app, ["a=1"].into_iter(), 0);
        assert_eq!(sessions.cookies(call(1), &app, 0).as_deref(), Some("a=1"));
        assert_eq!(sessions.cookies(call(2), &app, 0), None);
        sessions.forget(call(1));
        assert_eq!(sessions.cookies(call(1), &app, 0), None);
    }

    #[test]
    fn forgotten_ends_of_calls_fill_no_memory() {
        let sessions = Sessions::default();
        let app = url("http://app/");
        for id in 0..MAX_SESSIONS as u128 + 10 {
            sessions.store(call(id), &app, ["a=1"].into_iter(), 0);
            sessions.store(call(0), &app, ["b=1"].into_iter(), 0);
        }
        assert_eq!(sessions.lock().sessions.len(), MAX_SESSIONS);
        assert!(sessions.cookies(call(0), &app, 0).is_some(), "the call in use stays");
        assert_eq!(sessions.cookies(call(1), &app, 0), None, "the oldest leaves");
    }

    #[test]
    fn e8_a_login_holds_for_one_server_of_one_call() {
        let sessions = Sessions::default();
        let with = url("https://u:p@app/x");
        let who = Credentials::of(&with).expect("credentials");
        sessions.log_in(call(1), &with, &who);
        assert_eq!(sessions.login(call(1), &url("https://app/other")), Some(who));
        for other in ["http://app/x", "https://app:8443/x", "https://other/x"] {
            assert_eq!(sessions.login(call(1), &url(other)), None, "{other}");
        }
        assert_eq!(sessions.login(call(2), &with), None);
        for port in 1..100 {
            let other = url(&format!("http://app:{port}/"));
            sessions.log_in(call(1), &other, &Credentials::of(&with).expect("credentials"));
        }
        assert_eq!(sessions.lock().sessions[&call(1)].logins.len(), MAX_LOGINS);
    }
}
