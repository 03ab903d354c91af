//! What was asked of applications during a call, and what they answered: a record for each exchange, bounded a call.

use tipring_resources::{AccountStatus, CallEvent, Record, SidKind};

use crate::effects::HttpAnswer;
use crate::errand::Whose;
use crate::limits::{MAX_CALL_EVENTS, MAX_EVENT_BODY};
use crate::world::World;

impl World {
    /// Keeps an exchange of a call that lives. Those of messages are not kept: they have no call; nor those of a call
    /// that is forgotten, or of an account that is closed.
    pub(crate) fn log_exchange(&mut self, whose: Whose, answer: &HttpAnswer) {
        let account = self.directory.account(whose.account).map(|account| account.status);
        let open = account.is_some_and(|status| status != AccountStatus::Closed);
        if whose.session.kind != SidKind::Call || !self.is_alive(whose.session) || !open {
            return;
        }
        let logged = self.logged.entry(whose.session).or_default();
        if *logged >= MAX_CALL_EVENTS {
            return;
        }
        *logged += 1;
        let (exchange, error_code) = match answer {
            HttpAnswer::Document { exchange, .. } => (exchange, None),
            HttpAnswer::Failed { exchange, code, .. } => (exchange, Some(code.0)),
        };
        let event = CallEvent {
            call: whose.session,
            account: whose.account,
            at: self.stamp(),
            method: exchange.method,
            url: crate::address::shown(&exchange.url),
            request_variables: exchange.request_variables.clone(),
            status: exchange.status,
            response_headers: exchange.response_headers.clone(),
            response_body: exchange.response_body.chars().take(MAX_EVENT_BODY).collect(),
            duration_ms: exchange.duration_ms,
            error_code,
        };
        self.write(Record::CallEvent(event));
    }
}
