//! Short messages out and in, through whatever the box has for it: a web service, a message centre (SMPP), a GSM modem.
//! One face for all of them, [`Gateway`]; codecs apart from sockets. Who may send what, and records, are the router's.

mod gateway;
mod gsm7;
mod http;
mod modem;
mod parts;
mod pdu;
mod smpp;

use std::pin::Pin;

pub use gateway::{Gateway, Settings};
pub use gsm7::{is_gsm7, septets};
pub use http::{Form, Http, HttpSettings};
pub use modem::{Modem, ModemSettings};
pub use parts::{MAX_PARTS, Part, Place, parts};
pub use pdu::{BadPdu, Deliver, submit};
pub use smpp::{Smpp, SmppSettings};

/// A message that is to go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The box's name for it; what is told later carries it.
    pub name: String,
    /// E.164 with plus, or as the gateway knows it.
    pub from: String,
    /// E.164 with plus.
    pub to: String,
    /// What it says.
    pub body: String,
}

/// What a gateway tells by itself.
#[derive(Debug)]
pub enum Told {
    /// One came in.
    In {
        /// Who sent it.
        from: String,
        /// To which number; empty: the gateway's only one.
        to: String,
        /// What it says.
        body: String,
        /// Is told when the message is safe. Where it is dropped the message is not taken: it comes again.
        taken: tokio::sync::oneshot::Sender<()>,
    },
    /// One that was sent has arrived.
    Delivered {
        /// [`Outgoing::name`].
        name: String,
    },
    /// One that was sent has not, and will not.
    Undelivered {
        /// [`Outgoing::name`].
        name: String,
        /// In words.
        text: String,
    },
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The gateway is not there, or does not answer: another time it may.
    #[error("{0}")]
    Away(String),
    /// It does not want this one.
    #[error("{0}")]
    Unwanted(String),
    /// Too many wait for it.
    #[error("{0} messages wait for the gateway already; send more slowly")]
    Full(usize),
}

impl Refused {
    /// The code for notifications.
    pub fn code(&self) -> u32 {
        match self {
            Refused::Away(_) => 30008,
            Refused::Unwanted(_) => 30007,
            Refused::Full(_) => 30001,
        }
    }
}

/// What becomes of a message; comes when the gateway has it, or does not want it.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), Refused>> + Send + 'a>>;

/// One way to send.
pub trait Adapter: Send + Sync {
    /// Hands a message on.
    fn send(&self, message: Outgoing) -> Sending<'_>;
}
