//! Messages in: the number that was written to has an application, whose document may answer, or lead to the next one
//! (row A28). Calls and messages are asked for alike; the verbs of calls are passed over here.

use tipring_instructions::Verb;
use tipring_resources::{Message, MessageDirection, MessageStatus, Method, Number, Record, SidKind};

use super::{Written, segments};
use crate::address;
use crate::beside::MessageIn;
use crate::effects::{HttpAnswer, Purpose, TraceKind, WriteId};
use crate::errand::{Errand, Whose, exchange};
use crate::fault::Fault;
use crate::fetch::{Ask, Page, method_of, read, told};
use crate::incoming::clean;
use crate::leg::Leg;
use crate::limits::{LATE_WRITE_LIMIT, MAX_FALLBACKS, MAX_MESSAGE_DOCUMENTS, MAX_REPLIES};
use crate::params::{Params, param};
use crate::requests::No;
use crate::templates;
use crate::world::World;
use std::sync::Arc;

/// A message that came in, and whose number it was written to.
pub(crate) struct Received {
    message: Message,
    number: Arc<Number>,
    write: WriteId,
}

/// Characters kept of a message that comes in: ten short ones, put together.
const MAX_IN: usize = 1_600;

impl World {
    /// A message comes in.
    pub(crate) fn message_in(&mut self, incoming: MessageIn) {
        let (from, to) = (clean(&incoming.from), clean(&incoming.to));
        let (from, to) = (self.config.plan.normal(&from).unwrap_or(from), self.config.plan.normal(&to).unwrap_or(to));
        let Some(number) = self.directory.find(&[&to, &clean(&incoming.to)]) else {
            self.counters.refused_unknown += 1;
            return self.trace(None, TraceKind::Line, format!("a message to {to}: refused, nobody has the number"));
        };
        let active = self.directory.account(number.account).map(|account| account.status);
        if active != Some(tipring_resources::AccountStatus::Active) || self.is_crowded() {
            self.counters.refused_full += 1;
            return self.trace(None, TraceKind::Line, format!("a message to {to}: refused"));
        }
        let body: String = incoming.body.chars().take(MAX_IN).collect();
        let (sid, now) = (self.sid(SidKind::Message), self.stamp());
        let message = Message {
            sid,
            account: number.account,
            call: None,
            direction: MessageDirection::Inbound,
            from,
            to: number.phone_number.clone(),
            segments: segments(&body),
            body,
            status: MessageStatus::Received,
            error_code: None,
            error_message: None,
            created: now,
            updated: now,
            sent: None,
        };
        self.trace(None, TraceKind::Line, format!("message {sid} from {} to {}", message.from, message.to));
        let write = self.write(Record::Message(message.clone()));
        let errand = Errand::Received(Box::new(Received { message, number, write }));
        if let Some(task) = self.begin(sid, errand) {
            self.routes.await_write(write, task);
        }
    }
}

/// The errand: document after document.
pub(crate) async fn answer(leg: &Leg, received: Received) {
    let until = leg.now() + LATE_WRITE_LIMIT;
    if let Err(why) = leg.committed(received.write, LATE_WRITE_LIMIT).await
        && leg.now() < until
    {
        // Whoever brought it was told no, and brings it again: it is asked about then, once.
        let sid = received.message.sid;
        return leg.world().trace(
            None,
            TraceKind::Line,
            format!("message {sid} is not kept, so nobody is asked: {why}"),
        );
    }
    let number = &received.number;
    if number.sms_url.trim().is_empty() {
        return leg.world().trace(None, TraceKind::Line, "the number has no application for messages");
    }
    let mut ask =
        Ask { url: number.sms_url.trim().to_owned(), method: number.sms_method, extra: Vec::new(), inline: false };
    for _ in 0..MAX_MESSAGE_DOCUMENTS {
        let Some(page) = received.obtain(leg, &ask).await else { return };
        match received.carry_out(leg, &page) {
            Some(next) => ask = next,
            None => return,
        }
    }
    received.fault(leg, Fault::error(11215, &ask.url, format!("{MAX_MESSAGE_DOCUMENTS} documents for one message")));
}

impl Received {
    fn whose(&self) -> Whose {
        Whose { account: self.message.account, session: self.message.sid }
    }

    fn fault(&self, leg: &Leg, fault: Fault) {
        leg.world().fault(self.message.account, self.message.sid, fault);
    }

    /// What every request says of the message.
    fn params(&self, leg: &Leg, extra: &Params) -> Params {
        let message = &self.message;
        let mut params = vec![
            param("MessageSid", message.sid),
            param("SmsSid", message.sid),
            param("AccountSid", message.account),
            param("From", &message.from),
            param("To", &message.to),
            param("Body", &message.body),
            param("NumMedia", 0),
            param("NumSegments", message.segments),
            param("SmsStatus", message.status.as_str()),
            param("ApiVersion", leg.world().config.api_version.clone()),
        ];
        params.extend(extra.iter().cloned());
        params
    }

    /// A document, or that of a fallback; `None`: there is none, or it is empty.
    async fn obtain(&self, leg: &Leg, ask: &Ask) -> Option<Page> {
        let fault = match self.fetch(leg, ask).await {
            Ok(page) => return page,
            Err(fault) => fault,
        };
        self.fault(leg, fault.clone());
        let fallbacks = self.number.sms_fallback_url.split_whitespace().take(MAX_FALLBACKS);
        for url in fallbacks {
            let extra = vec![param("ErrorCode", fault.code.0), param("ErrorUrl", &fault.url)];
            let ask = Ask { url: url.to_owned(), method: self.number.sms_fallback_method, extra, inline: false };
            match self.fetch(leg, &ask).await {
                Ok(page) => return page,
                Err(fault) => self.fault(leg, fault),
            }
        }
        None
    }

    async fn fetch(&self, leg: &Leg, ask: &Ask) -> Result<Option<Page>, Fault> {
        let params = self.params(leg, &ask.extra);
        let filled = templates::fill(&ask.url, &params);
        if let Some(fault) = templates::missing(&ask.url, &filled.missing) {
            self.fault(leg, fault);
        }
        let ask = Ask { url: filled.url, extra: params, ..ask.clone() };
        if !address::is_absolute_http(&ask.url) {
            return Err(Fault::error(11100, &ask.url, "not an absolute http or https URL"));
        }
        let token = leg.world().token();
        let answer = exchange(leg, self.whose(), &ask, Purpose::Document, token).await;
        leg.world().trace(None, TraceKind::Http, told(&answer));
        let (url, content_type, body, exchange) = match answer {
            HttpAnswer::Failed { code, text, exchange } => {
                return Err(Fault::error(code.0, &ask.url, text).with(ask.method, &exchange));
            }
            HttpAnswer::Document { url, content_type, body, exchange } => (url, content_type, body, exchange),
        };
        // Who says nothing does not reply.
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let here = match exchange.redirects {
            0 => ask.url.clone(),
            _ => address::keep_credentials(&ask.url, &url),
        };
        let shown = address::shown(&here);
        let document = self.read(&body, content_type.as_deref(), &here).map_err(|f| f.with(ask.method, &exchange))?;
        for note in &document.notes {
            self.fault(leg, Fault::of_document(note, &shown).with(ask.method, &exchange));
        }
        Ok(Some(Page { url: here, document, rescued: false }))
    }

    /// A text is a reply; else the document as calls read it.
    fn read(
        &self,
        body: &[u8],
        content_type: Option<&str>,
        url: &str,
    ) -> Result<tipring_instructions::Document, Fault> {
        let document = read(body, content_type, url)?;
        let plain = content_type.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/plain"));
        let mut document = document;
        if plain {
            for placed in &mut document.verbs {
                if let Verb::Say(say) = &placed.verb {
                    let body = say.text.clone();
                    placed.verb = Verb::Message(tipring_instructions::Sms { body, ..Default::default() });
                }
            }
        }
        Ok(document)
    }

    /// The verbs that messages know; `Some`: what is asked next.
    fn carry_out(&self, leg: &Leg, page: &Page) -> Option<Ask> {
        let mut replies = 0;
        for placed in &page.document.verbs {
            match &placed.verb {
                Verb::Message(sms) | Verb::Sms(sms) if replies < MAX_REPLIES => {
                    replies += 1;
                    if let Some(next) = self.reply(leg, page, sms) {
                        return Some(next);
                    }
                }
                Verb::Message(_) | Verb::Sms(_) => {
                    let text = format!("{MAX_REPLIES} replies to one message are sent, the rest is left out");
                    self.fault(leg, Fault::warning(14109, &page.url, text));
                    return None;
                }
                Verb::Redirect(redirect) => return Some(page.ask(Some(&redirect.url), redirect.method, Vec::new())),
                // The document has told of it already.
                Verb::Unsupported { .. } => {}
                verb => {
                    let text = format!(
                        "{}: <{}> is for calls, passed over in a message's document",
                        placed.place,
                        verb.name()
                    );
                    self.fault(leg, Fault::warning(12200, &page.url, text));
                }
            }
        }
        None
    }

    fn reply(&self, leg: &Leg, page: &Page, sms: &tipring_instructions::Sms) -> Option<Ask> {
        let written = Written {
            account: self.message.account,
            call: None,
            direction: MessageDirection::OutboundReply,
            from: sms.from.clone().unwrap_or_else(|| self.message.to.clone()),
            to: sms.to.clone().unwrap_or_else(|| self.message.from.clone()),
            body: sms.body.clone(),
            callback: sms.status_callback.as_deref().map(|url| page.resolve(url)).unwrap_or_default(),
            page: page.url.clone(),
        };
        let begun = leg.world().begin_message(written, None, None);
        let told = match begun {
            Ok(sid) => vec![param("SmsSid", sid), param("SmsStatus", MessageStatus::Queued.as_str())],
            Err(No { code, text, .. }) => {
                self.fault(leg, Fault::warning(code, &page.url, text));
                vec![param("SmsStatus", MessageStatus::Failed.as_str())]
            }
        };
        let action = sms.action.as_deref().filter(|action| !action.is_empty())?;
        let url = page.resolve(action);
        let method: Method = method_of(sms.method);
        Some(Ask { url, method, extra: renamed(told), inline: false })
    }
}

/// What is told of a reply must not stand twice beside what is told of the message that it answers.
fn renamed(told: Params) -> Params {
    told.into_iter().map(|(name, value)| (name.replacen("Sms", "Reply", 1), value)).collect()
}
