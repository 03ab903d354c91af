//! Messages on their way out and in: the gateway that is configured, and what it tells as events.

use tipring_egress::Client;
use tipring_messages::{Form, Gateway, HttpSettings, ModemSettings, Outgoing, Settings, SmppSettings, Told};
use tipring_resources::{Code, Message, MessageDirection, MessageStatus, Record, Sid};
use tipring_router::{Event, MessageIn};
use tokio::sync::{mpsc, oneshot};

use super::serve::StartError;
use crate::config::{Config, MessageAdapter, MessageForm};

/// What a gateway tells by itself, and is not yet taken.
pub const TOLD: usize = 256;
/// A message centre is asked for a sign of life after so much silence.
const ENQUIRE: std::time::Duration = std::time::Duration::from_secs(30);

/// A gateway that has not taken a message by then is not waited for: just before the router says that it has failed, so
/// that it is not sent after that.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(29);

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
                header: header(&secret).map_err(refused)?,
            }),
            MessageAdapter::Smpp => Settings::Smpp(SmppSettings {
                address: wanted.address.clone(),
                tls: wanted.tls,
                system_id: wanted.user.clone(),
                password: secret,
                system_type: wanted.system_type.clone(),
                enquire: ENQUIRE,
            }),
            MessageAdapter::Modem if !is_pin(&secret) => {
                return Err(refused("messages.secret_file: a PIN is wanted there, 4 to 8 digits".into()));
            }
            MessageAdapter::Modem => {
                Settings::Modem(ModemSettings { port: wanted.port.clone(), baud: wanted.baud, pin: secret })
            }
        };
        let (tell, told) = mpsc::channel(TOLD);
        let gateway = Some(Gateway::start(settings, client, tell));
        Ok(Messages { gateway, told: Some(told), number: wanted.number.clone() })
    }
}

/// The header that the service's file names; the text itself is never told.
fn header(secret: &str) -> Result<Option<(String, String)>, String> {
    if secret.is_empty() {
        return Ok(None);
    }
    let wanted = "messages.secret_file: one header is wanted there, its name, a colon and its value, such as \
                  `Authorization: Bearer …`; a user and a password belong into messages.url";
    let (name, value) = secret.split_once(':').ok_or(wanted)?;
    let (name, value) = (name.trim(), value.trim());
    let is_name = !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it));
    let sound = is_name && !value.is_empty() && !value.chars().any(char::is_control);
    if sound { Ok(Some((name.into(), value.into()))) } else { Err(wanted.into()) }
}

/// A card without a PIN has none in the file.
fn is_pin(secret: &str) -> bool {
    secret.is_empty() || (4..=8).contains(&secret.len()) && secret.bytes().all(|it| it.is_ascii_digit())
}

/// Hands a message on; what became of it.
pub async fn send(gateway: Option<Gateway>, message: Message) -> Event {
    let sid = message.sid;
    let Some(gateway) = gateway else {
        return none(sid);
    };
    let outgoing = Outgoing { name: sid.to_string(), from: message.from, to: message.to, body: message.body };
    let failed =
        |code, text| Event::MessageSent { sid, status: MessageStatus::Failed, fault: Some((Code(code), text)) };
    match tokio::time::timeout(LIMIT, gateway.send(outgoing)).await {
        Ok(Ok(())) => Event::MessageSent { sid, status: MessageStatus::Sent, fault: None },
        Ok(Err(refused)) => failed(refused.code(), refused.to_string()),
        Err(_) => failed(30008, format!("the gateway has not taken it within {} s", LIMIT.as_secs())),
    }
}

/// What a gateway tells, as the conductor hears it.
pub enum Heard {
    /// More of a message that was sent.
    Event(Box<Event>),
    /// A message that came in, and who waits until it is committed.
    Message(MessageIn, oneshot::Sender<()>),
}

fn sent(sid: Sid, status: MessageStatus, fault: Option<(Code, String)>) -> Heard {
    Heard::Event(Box::new(Event::MessageSent { sid, status, fault }))
}

/// What a gateway tells. `number`: of what comes in without one.
pub fn heard(told: Told, number: &str) -> Option<Heard> {
    match told {
        Told::In { from, to, body, taken } => {
            let to = if to.is_empty() { number.to_owned() } else { to };
            Some(Heard::Message(MessageIn { from, to, body }, taken))
        }
        Told::Delivered { name } => {
            let sid = name.parse().ok()?;
            Some(sent(sid, MessageStatus::Delivered, None))
        }
        Told::Undelivered { name, text } => {
            let (sid, fault) = (name.parse().ok()?, Some((Code(30008), text)));
            Some(sent(sid, MessageStatus::Undelivered, fault))
        }
    }
}

/// Who waits for the write of a message that is being taken: it comes while the router hears of it, or never.
#[derive(Default)]
pub struct Taking(Option<oneshot::Sender<()>>);

impl Taking {
    /// The router hears of a message now.
    pub fn begin(&mut self, taken: oneshot::Sender<()>) {
        self.0 = Some(taken);
    }

    /// A write of the router: whom its commit is told.
    pub fn write(&mut self, record: &Record) -> Option<oneshot::Sender<()>> {
        match record {
            Record::Message(message) if message.direction == MessageDirection::Inbound => self.0.take(),
            _ => None,
        }
    }

    /// The router has heard of it. Who waits still is not taken: nobody has the number, or too much waits.
    pub fn end(&mut self) {
        self.0 = None;
    }
}

/// What becomes of a message where no gateway is configured.
pub fn none(sid: Sid) -> Event {
    let text = "no message gateway is configured: set messages.adapter to http, smpp or modem".to_owned();
    Event::MessageSent { sid, status: MessageStatus::Failed, fault: Some((Code(14108), text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_and_a_value_and_anything_else_is_refused_without_being_shown() {
        assert_eq!(header(""), Ok(None));
        assert_eq!(header("X-Key: a:b"), Ok(Some(("X-Key".into(), "a:b".into()))));
        for secret in ["hunter2", ": hunter2", "X-Key:", "hunter2 and more: x", "X-Key: hunter2\nX-Other: y"] {
            let why = header(secret).expect_err(secret);
            assert!(why.starts_with("messages.secret_file: ") && !why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn the_unit_lets_the_box_open_the_ports_of_modems() {
        let unit = include_str!("../../systemd/tipring.service");
        let has = |wanted: &str| unit.lines().any(|line| line == wanted);
        for class in ["char-ttyUSB", "char-188", "char-ttyACM", "char-166", "char-ttyS"] {
            assert!(has(&format!("DeviceAllow={class} rw")), "{class}");
        }
        let groups = unit.lines().find_map(|line| line.strip_prefix("SupplementaryGroups=")).unwrap_or_default();
        assert!(groups.split(' ').any(|group| group == "dialout"), "{groups}");
    }

    #[test]
    fn a_pin_is_digits_or_nothing() {
        assert!(["", "1234", "12345678"].into_iter().all(is_pin));
        assert!(!["123", "123456789", "12\"4", "four"].into_iter().any(is_pin));
    }

    /// A message's record.
    fn record(direction: MessageDirection) -> Record {
        let sid = |kind| Sid::new(kind, 1);
        Record::Message(Message {
            sid: sid(tipring_resources::SidKind::Message),
            account: sid(tipring_resources::SidKind::Account),
            call: None,
            direction,
            from: "1".into(),
            to: "2".into(),
            segments: 1,
            body: "x".into(),
            status: MessageStatus::Received,
            error_code: None,
            error_message: None,
            created: tipring_resources::Stamp(0),
            updated: tipring_resources::Stamp(0),
            sent: None,
        })
    }

    #[test]
    fn who_brought_a_message_hears_of_its_own_commit_or_that_there_is_none() {
        let mut taking = Taking::default();
        let (taken, mut answer) = oneshot::channel();
        taking.begin(taken);
        assert!(taking.write(&record(MessageDirection::OutboundReply)).is_none());
        let waits = taking.write(&record(MessageDirection::Inbound));
        assert!(taking.write(&record(MessageDirection::Inbound)).is_none(), "once");
        taking.end();
        assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Empty), "it is written, and not committed");
        drop(waits);
        let (taken, mut answer) = oneshot::channel();
        taking.begin(taken);
        taking.end();
        assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed), "the router did not take it");
    }

    #[test]
    fn a_message_that_comes_in_has_the_boxs_number_where_it_names_none() {
        for (to, wanted) in [("", "100"), ("200", "200")] {
            let (taken, _) = oneshot::channel();
            let told = Told::In { from: "1".into(), to: to.into(), body: "x".into(), taken };
            let Some(Heard::Message(message, _)) = heard(told, "100") else { panic!("no message") };
            assert_eq!(message.to, wanted);
        }
    }
}
