//! Messages out: checked, kept, handed to the gateway, and told what became of them (rows A28, B19). Whoever carries
//! effects out knows whether there is a gateway; without one the message fails, and the call goes on.

mod incoming;

use tipring_resources::{Code, Message, MessageDirection, MessageStatus, Method, Record, Sid, SidKind};

pub(crate) use incoming::{Received, answer};

use crate::effects::{Effect, RequestId, TraceKind, WriteId};
use crate::errand::{Errand, Whose, callback};
use crate::fault::Fault;
use crate::leg::Leg;
use crate::limits::{LATE_WRITE_LIMIT, MAX_SENT, MESSAGE_LIMIT, WRITE_LIMIT};
use crate::outgoing::TOO_MUCH;
use crate::params::param;
use crate::requests::{NewMessage, No, Reply};
use crate::spending;
use crate::world::{Input, TaskId, World};

/// What is to be sent, unchecked.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) account: Sid,
    pub(crate) call: Option<Sid>,
    pub(crate) direction: MessageDirection,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) body: String,
    /// Absolute; empty: nobody.
    pub(crate) callback: String,
    /// The document that wished it, for people.
    pub(crate) page: String,
}

/// A message on its way to the gateway.
pub(crate) struct Outbound {
    message: Message,
    callback: String,
    page: String,
    write: WriteId,
    reply: Option<RequestId>,
    /// Whose verb waits for what becomes of it.
    waits: Option<TaskId>,
}

/// A message that the gateway has, and of which it may still tell something.
#[derive(Clone, Debug)]
pub(crate) struct SentMessage {
    message: Message,
    callback: String,
    page: String,
}

/// How many short messages a text is: 7 bits a character as long as it is ASCII, else 16; parts of several are shorter.
fn segments(body: &str) -> u32 {
    let (length, alone, part) =
        if body.is_ascii() { (body.len(), 160, 153) } else { (body.encode_utf16().count(), 70, 67) };
    let segments = if length <= alone { 1 } else { length.div_ceil(part) };
    u32::try_from(segments).unwrap_or(u32::MAX)
}

impl World {
    /// Keeps a message and sends it. `Err`: why it may not be sent.
    pub(crate) fn begin_message(
        &mut self,
        written: Written,
        reply: Option<RequestId>,
        waits: Option<TaskId>,
    ) -> Result<Sid, No> {
        let of_api = written.direction == MessageDirection::OutboundApi;
        let code = |api: u32, verb: u32| if of_api { api } else { verb };
        let plan = &self.config.plan;
        let shown = |number: &str| number.chars().filter(|c| !c.is_control()).take(64).collect::<String>();
        let to = plan.normal(&written.to).filter(|to| !to.is_empty()).ok_or_else(|| {
            (code(21211, 14101), format!("\"{}\" is not a telephone number; write it as E.164", shown(&written.to)))
        })?;
        // The line's own digits are as good as a number in E.164.
        let own = self.directory.find(&[&written.from]).filter(|own| own.account == written.account);
        let from = plan.normal(&written.from).filter(|from| own.is_some() || self.may_show(written.account, from));
        let from = from.or(own.map(|own| own.phone_number.clone())).ok_or_else(|| {
            let from = shown(&written.from);
            (code(21210, 14102), format!("{from} is not a number of the account, nor in outbound.caller_ids"))
        })?;
        if to == from {
            return Err((14110, format!("{to} would send itself a message; give two numbers")).into());
        }
        if self.is_crowded() {
            return Err((20503, TOO_MUCH.to_owned()).into());
        }
        // Who answers a message has been asked to.
        if written.direction != MessageDirection::OutboundReply {
            self.may_send(written.account).map_err(|refusal| spending::no(&refusal, code(20429, 14107)))?;
        }
        let (sid, now) = (self.sid(SidKind::Message), self.stamp());
        let message = Message {
            sid,
            account: written.account,
            call: written.call,
            direction: written.direction,
            from,
            to,
            segments: segments(&written.body),
            body: written.body,
            status: MessageStatus::Queued,
            error_code: None,
            error_message: None,
            created: now,
            updated: now,
            sent: None,
        };
        let write = self.write(Record::Message(message.clone()));
        self.trace(written.call, TraceKind::Verb, format!("message {sid} to {}", message.to));
        let (callback, page) = (written.callback, written.page);
        let outbound = Outbound { message, callback, page, write, reply, waits };
        let session = written.call.unwrap_or(sid);
        if let Some(task) = self.begin(session, Errand::Message(Box::new(outbound))) {
            self.routes.await_write(write, task);
        }
        Ok(sid)
    }

    /// The API sends a message.
    pub(crate) fn message_by_request(&mut self, id: RequestId, new: NewMessage) {
        let active = self.directory.account(new.account).map(|account| account.status);
        let begun = match active {
            Some(tipring_resources::AccountStatus::Active) => {
                let written = Written {
                    account: new.account,
                    call: None,
                    direction: MessageDirection::OutboundApi,
                    from: new.from,
                    to: new.to,
                    body: new.body,
                    callback: new.callback,
                    page: String::new(),
                };
                self.begin_message(written, Some(id), None)
            }
            _ => Err((20005, String::new()).into()),
        };
        if let Err(no) = begun {
            self.refuse_for(id, no);
        }
    }

    /// The gateway tells something of a message that it has taken before.
    pub(crate) fn message_report(&mut self, sid: Sid, status: MessageStatus, fault: Option<(Code, String)>) {
        let Some(at) = self.sent.iter().position(|sent| sent.message.sid == sid) else {
            self.counters.stale_events += 1;
            return;
        };
        let Some(sent) = self.sent.remove(at) else { return };
        let sent = self.becomes(sent, status, fault);
        let write = self.write(Record::Message(sent.message.clone()));
        self.tell_of_message(&sent, write);
        self.keep_sent(sent);
    }

    /// What a message is now; a failure is noted.
    fn becomes(&mut self, sent: SentMessage, status: MessageStatus, fault: Option<(Code, String)>) -> SentMessage {
        let now = self.stamp();
        let mut message = sent.message;
        (message.status, message.updated) = (status, now);
        if matches!(status, MessageStatus::Sent | MessageStatus::Delivered) && message.sent.is_none() {
            message.sent = Some(now);
        }
        if let Some((code, text)) = fault {
            message.error_code = Some(code.0);
            message.error_message = Some(text.clone());
            let session = message.call.unwrap_or(message.sid);
            let text = format!("message {} to {}: {text}", message.sid, message.to);
            self.fault(message.account, session, Fault::warning(code.0, &sent.page, text));
        }
        SentMessage { message, ..sent }
    }

    /// Remembers a message of which the gateway may still tell something.
    fn keep_sent(&mut self, sent: SentMessage) {
        if sent.message.status.is_live() || sent.message.status == MessageStatus::Sent {
            if self.sent.len() >= MAX_SENT {
                self.sent.pop_front();
            }
            self.sent.push_back(sent);
        }
    }

    /// Tells a message's callback what became of it, once that is committed.
    fn tell_of_message(&mut self, sent: &SentMessage, write: WriteId) {
        if sent.callback.is_empty() {
            return;
        }
        let message = sent.message.clone();
        let errand = Errand::MessageStatus { message: Box::new(message), url: sent.callback.clone(), write };
        if let Some(task) = self.begin(sent.message.call.unwrap_or(sent.message.sid), errand) {
            self.routes.await_write(write, task);
        }
    }
}

/// The errand of a message: commit, gateway, and what came of it.
pub(crate) async fn send(leg: &Leg, outbound: Outbound) {
    let Outbound { message, callback, page, write, reply, waits } = outbound;
    let kept = leg.committed(write, WRITE_LIMIT).await;
    if let Some(id) = reply {
        let reply = match &kept {
            Ok(()) => Reply::Message(Box::new(message.clone())),
            Err(why) => Reply::refused(20503, why),
        };
        leg.world().emit(Effect::Reply { id, reply });
    }
    let (sid, session) = (message.sid, message.call);
    let (status, fault) = match kept {
        Ok(()) => gateway(leg, &message).await,
        Err(why) => (MessageStatus::Failed, Some((Code(12400), format!("it could not be kept: {why}")))),
    };
    let mut world = leg.world();
    let sent = SentMessage { message, callback, page };
    let failure = fault.clone().map(|(code, _)| (code, crate::address::shown(&sent.page)));
    let sent = world.becomes(sent, status, fault.clone());
    let write = world.write(Record::Message(sent.message.clone()));
    world.tell_of_message(&sent, write);
    world.keep_sent(sent);
    if let Some((code, url)) = failure
        && let Some(task) = session.and_then(|call| world.routes.calls.get(&call).copied())
    {
        world.keep_failure(task, code, url);
    }
    if let Some(task) = waits {
        world.deliver(task, Input::MessageSent { sid, status, fault });
    }
}

/// Hands a message to the gateway; its word is waited for. A gateway that says nothing in time has the message all the
/// same: it is being sent until a later word of it.
async fn gateway(leg: &Leg, message: &Message) -> (MessageStatus, Option<(Code, String)>) {
    {
        let mut world = leg.world();
        world.routes.messages.insert(message.sid, leg.task);
        world.emit(Effect::SendMessage(Box::new(message.clone())));
    }
    let until = leg.now() + MESSAGE_LIMIT;
    let said = loop {
        match leg.next_after_all(until).await {
            Input::MessageSent { sid, status, fault } if sid == message.sid => break (status, fault),
            Input::Timeout => {
                let text = format!("message {}: the gateway has not answered yet, it may still", message.sid);
                leg.world().trace(message.call, TraceKind::Verb, text);
                break (MessageStatus::Sending, None);
            }
            _ => {}
        }
    };
    leg.world().routes.messages.remove(&message.sid);
    said
}

/// The errand of a message's callback.
pub(crate) async fn tell(leg: &Leg, message: &Message, url: &str, write: WriteId) {
    if leg.committed(write, LATE_WRITE_LIMIT).await.is_err() {
        leg.world().counters.callbacks_failed += 1;
        return;
    }
    let mut params = vec![
        param("MessageSid", message.sid),
        param("SmsSid", message.sid),
        param("MessageStatus", message.status.as_str()),
        param("SmsStatus", message.status.as_str()),
        param("AccountSid", message.account),
        param("From", &message.from),
        param("To", &message.to),
        param("ApiVersion", leg.world().config.api_version.clone()),
    ];
    params.extend(message.error_code.map(|code| param("ErrorCode", code)));
    let whose = Whose { account: message.account, session: message.call.unwrap_or(message.sid) };
    callback(leg, whose, url, Method::Post, params).await;
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A number that has nothing yet.
    pub(crate) fn number(account: Sid) -> tipring_resources::Number {
        tipring_resources::Number {
            sid: Sid::new(SidKind::Number, 1),
            account,
            phone_number: String::new(),
            friendly_name: String::new(),
            voice_url: String::new(),
            voice_method: Method::Post,
            voice_fallback_url: String::new(),
            voice_fallback_method: Method::Post,
            status_callback: String::new(),
            status_callback_method: Method::Post,
            strict_documents: false,
            origin: tipring_resources::NumberOrigin::Api,
            created: tipring_resources::Stamp(0),
            updated: tipring_resources::Stamp(0),
            voice_application: None,
            sms_url: String::new(),
            sms_method: Method::Post,
            sms_fallback_url: String::new(),
            sms_fallback_method: Method::Post,
            sms_application: None,
        }
    }

    #[test]
    fn a_long_text_is_several_short_messages() {
        for (body, count) in [
            ("x".repeat(160), 1),
            ("x".repeat(161), 2),
            ("x".repeat(307), 3),
            ("ü".repeat(70), 1),
            ("ü".repeat(71), 2),
            (String::new(), 1),
        ] {
            assert_eq!(segments(&body), count, "{}", body.len());
        }
    }
}
