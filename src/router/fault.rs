//! Something went wrong: what a developer finds in the notifications and people in the timeline.

use tipring_instructions::Diagnostic;
use tipring_resources::{Code, Level, Method, Notification, Record, Sid, SidKind};

use crate::effects::{Exchange, TraceKind};
use crate::limits::MAX_NOTIFICATIONS;
use crate::world::World;

/// Characters of a notification's text.
const MAX_TEXT: usize = 1_000;

#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    pub(crate) level: Level,
    pub(crate) text: String,
    /// What was being asked or played; without credentials.
    pub(crate) url: String,
    pub(crate) method: Option<Method>,
    pub(crate) exchange: Option<Box<Exchange>>,
}

impl Fault {
    pub(crate) fn error(code: u32, url: &str, text: impl Into<String>) -> Self {
        let url = crate::address::shown(url);
        Fault { code: Code(code), level: Level::Error, text: text.into(), url, method: None, exchange: None }
    }

    pub(crate) fn warning(code: u32, url: &str, text: impl Into<String>) -> Self {
        Fault { level: Level::Warning, ..Fault::error(code, url, text) }
    }

    pub(crate) fn of_document(diagnostic: &Diagnostic, url: &str) -> Self {
        let place = format!("line {} column {}: {}", diagnostic.line, diagnostic.column, diagnostic.text);
        let text = match diagnostic.excerpt.as_str() {
            "" => place,
            excerpt => format!("{place} [{excerpt}]"),
        };
        let fault = Fault::error(diagnostic.code, url, text);
        match diagnostic.level {
            tipring_instructions::Level::Error => fault,
            tipring_instructions::Level::Warning => Fault { level: Level::Warning, ..fault },
        }
    }

    pub(crate) fn with(mut self, method: Method, exchange: &Exchange) -> Self {
        self.method = Some(method);
        self.exchange = Some(Box::new(exchange.clone()));
        self
    }
}

impl World {
    /// Writes a notification and a line of the timeline. `call`: or the message that it is about.
    pub(crate) fn fault(&mut self, account: Sid, call: Sid, fault: Fault) {
        // What belongs to no call is kept with the message that it is about.
        self.fault_in(account, call, Some(call).filter(|sid| sid.kind == SidKind::Call), fault);
    }

    /// The same of a call whose own session may be over: `session` counts it.
    pub(crate) fn fault_in(&mut self, account: Sid, session: Sid, call: Option<Sid>, fault: Fault) {
        let what = match fault.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let text: String = fault.text.chars().take(MAX_TEXT).collect();
        self.trace(call, TraceKind::Fault, format!("{what} {} {text}", fault.code.0));
        // What goes on for nobody any more is counted nowhere, and kept nowhere.
        let written = if self.is_alive(session) { self.notified.entry(session).or_default() } else { &mut 0 };
        *written += 1;
        if *written > MAX_NOTIFICATIONS {
            self.counters.notifications_dropped += 1;
            return;
        }
        let exchange = *fault.exchange.unwrap_or_default();
        let notification = Notification {
            sid: self.sid(SidKind::Notification),
            account,
            call,
            level: fault.level,
            code: fault.code,
            text,
            at: self.stamp(),
            request_url: fault.url,
            request_method: fault.method,
            request_variables: exchange.request_variables,
            response_headers: exchange.response_headers,
            response_body: exchange.response_body,
        };
        self.write(Record::Notification(notification));
    }
}
