//! Messages on their way out and in.

use tipring_resources::{Code, MessageStatus, Sid};
use tipring_router::Event;

/// What becomes of a message where no gateway is configured.
pub fn none(sid: Sid) -> Event {
    let text = "no message gateway is configured: set messages.adapter to http, smpp or modem".to_owned();
    Event::MessageSent { sid, status: MessageStatus::Failed, fault: Some((Code(21606), text)) }
}
