//! Messages on their way out and in: the gateway that is configured, and what it tells as events.

use tipring_egress::Client;
use tipring_messages::{Form, Gateway, HttpSettings, ModemSettings, Outgoing, Settings, SmppSettings, Told};
use tipring_resources::{Code, Message, MessageStatus, Sid};
use tipring_router::{Event, MessageIn};
use tokio::sync::mpsc;

use super::serve::StartError;
use crate::config::{Config, MessageAdapter, MessageForm};

/// What a gateway tells by itself, and is not yet taken.
pub const TOLD: usize = 256;
/// A message centre is asked for a sign of life after so much silence.
const ENQUIRE: std::time::Duration = std::time::Duration::from_secs(30);

/// The gateway, and what it tells; nothing where none is configured.
#[derive(Default)]
pub struct Messages {
    /// Takes messages.
    pub gateway: Option<Gateway>,
    /// What it tells.
    pub told: Option<mpsc::Receiver<Told>>,
    /// The number of what comes in without one.
    pub number: String,
}

impl Messages {
    /// Starts what the configuration names.
    pub fn start(config: &Config, client: Client) -> Result<Messages, StartError> {
        let refused = |text: String| StartError { exit: 78, text };
        let secret = config.message_secret().map_err(|error| refused(error.to_string()))?;
        let wanted = &config.messages;
        let settings = match wanted.adapter {
            MessageAdapter::None => return Ok(Messages::default()),
            MessageAdapter::Http => Settings::Http(HttpSettings {
                url: wanted.url.parse().map_err(|error| refused(format!("messages.url: {error}")))?,
                form: match wanted.form {
                    MessageForm::Form => Form::Form,
                    MessageForm::Json => Form::Json,
                },
                header: secret.split_once(':').map(|(name, value)| (name.trim().into(), value.trim().into())),
            }),
            MessageAdapter::Smpp => Settings::Smpp(SmppSettings {
                address: wanted.address.clone(),
                tls: wanted.tls,
                system_id: wanted.user.clone(),
                password: secret,
                system_type: wanted.system_type.clone(),
                enquire: ENQUIRE,
            }),
            MessageAdapter::Modem => {
                Settings::Modem(ModemSettings { port: wanted.port.clone(), baud: wanted.baud, pin: secret })
            }
        };
        let (tell, told) = mpsc::channel(TOLD);
        let gateway = Some(Gateway::start(settings, client, tell));
        Ok(Messages { gateway, told: Some(told), number: wanted.number.clone() })
    }
}

/// Hands a message on; what became of it.
pub async fn send(gateway: Option<Gateway>, message: Message) -> Event {
    let sid = message.sid;
    let Some(gateway) = gateway else {
        return none(sid);
    };
    let outgoing = Outgoing { name: sid.to_string(), from: message.from, to: message.to, body: message.body };
    match gateway.send(outgoing).await {
        Ok(()) => Event::MessageSent { sid, status: MessageStatus::Sent, fault: None },
        Err(refused) => {
            let fault = Some((Code(refused.code()), refused.to_string()));
            Event::MessageSent { sid, status: MessageStatus::Failed, fault }
        }
    }
}

/// What a gateway tells, as the router hears it. `number`: of what comes in without one.
pub fn event(told: Told, number: &str) -> Option<Event> {
    match told {
        Told::In { from, to, body } => {
            let to = if to.is_empty() { number.to_owned() } else { to };
            Some(Event::MessageIn(Box::new(MessageIn { from, to, body })))
        }
        Told::Delivered { name } => {
            let sid = name.parse().ok()?;
            Some(Event::MessageSent { sid, status: MessageStatus::Delivered, fault: None })
        }
        Told::Undelivered { name, text } => {
            let (sid, fault) = (name.parse().ok()?, Some((Code(30008), text)));
            Some(Event::MessageSent { sid, status: MessageStatus::Undelivered, fault })
        }
    }
}

/// What becomes of a message where no gateway is configured.
pub fn none(sid: Sid) -> Event {
    let text = "no message gateway is configured: set messages.adapter to http, smpp or modem".to_owned();
    Event::MessageSent { sid, status: MessageStatus::Failed, fault: Some((Code(14108), text)) }
}
