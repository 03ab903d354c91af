//! Sms and Message: a short message goes out while the call goes on. Only an action waits for what became of it.

use tipring_instructions::Sms;
use tipring_resources::{Direction, MessageDirection, MessageStatus};

use crate::fault::Fault;
use crate::fetch::Page;
use crate::leg::{Leg, Stop};
use crate::limits::{MESSAGE_LIMIT, WRITE_LIMIT};
use crate::messages::Written;
use crate::params::{ANONYMOUS, param};
use crate::requests::No;
use crate::verbs::Flow;
use crate::world::Input;

pub(super) async fn run(leg: &Leg, page: &Page, sms: &Sms) -> Result<Flow, Stop> {
    let call = leg.call()?.0;
    // The other party of the call, and our own number.
    let (other, own) = match call.direction {
        Direction::Inbound => (&call.from, &call.to),
        Direction::OutboundApi | Direction::OutboundDial => (&call.to, &call.from),
    };
    let other = if other == ANONYMOUS { "" } else { other };
    if !sms.media.is_empty() {
        let text = "<Message><Media>: pictures and sounds are not sent by this box; the text is";
        leg.fault(Fault::warning(14103, &page.url, text));
    }
    let action = sms.action.as_deref().filter(|action| !action.is_empty());
    let written = Written {
        account: call.account,
        call: Some(call.sid),
        direction: MessageDirection::OutboundCall,
        from: sms.from.clone().unwrap_or_else(|| own.clone()),
        to: sms.to.clone().unwrap_or_else(|| other.to_owned()),
        body: sms.body.clone(),
        callback: sms.status_callback.as_deref().map(|url| page.resolve(url)).unwrap_or_default(),
        page: page.url.clone(),
    };
    let begun = leg.world().begin_message(written, None, Some(leg.task));
    let told = match begun {
        Err(No { code, text, .. }) => {
            leg.failed(Fault::warning(code, &page.url, text));
            vec![param("SmsStatus", MessageStatus::Failed.as_str())]
        }
        Ok(sid) if action.is_some() => {
            let status = leg.message_status(sid).await?;
            vec![param("SmsSid", sid), param("MessageSid", sid), param("SmsStatus", word(status))]
        }
        Ok(_) => Vec::new(),
    };
    Ok(page.ask_action(action, sms.method, told).map_or(Flow::Next, Flow::Ask))
}

/// `sent` or `failed`, as twiml has it; what is still being sent has not failed.
const fn word(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Failed | MessageStatus::Undelivered | MessageStatus::Canceled => "failed",
        _ => "sent",
    }
}

impl Leg {
    /// What became of a message; its own task tells it.
    async fn message_status(&self, message: tipring_resources::Sid) -> Result<MessageStatus, Stop> {
        let until = self.now() + WRITE_LIMIT + MESSAGE_LIMIT;
        loop {
            match self.next(until).await? {
                Input::MessageSent { sid, status, .. } if sid == message => return Ok(status),
                Input::Timeout => return Ok(MessageStatus::Sending),
                Input::Key(_) => self.world().counters.keys_unheard += 1,
                _ => {}
            }
        }
    }
}
