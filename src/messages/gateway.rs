//! The gateway that is configured, whatever it is.

use std::sync::Arc;

use tipring_egress::Client;
use tokio::sync::mpsc;

use crate::http::{Http, HttpSettings};
use crate::modem::{Modem, ModemSettings};
use crate::smpp::{Smpp, SmppSettings};
use crate::{Adapter, Outgoing, Refused, Told};

/// Which gateway.
#[derive(Clone, Debug)]
pub enum Settings {
    /// A web service.
    Http(HttpSettings),
    /// A message centre.
    Smpp(SmppSettings),
    /// A GSM modem.
    Modem(ModemSettings),
}

/// A gateway. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<dyn Adapter>);

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gateway")
    }
}

impl Gateway {
    /// Starts it on the current runtime; what it tells by itself goes to `tell`.
    pub fn start(settings: Settings, client: Client, tell: mpsc::Sender<Told>) -> Gateway {
        Gateway(match settings {
            Settings::Http(settings) => Arc::new(Http::new(client, settings)),
            Settings::Smpp(settings) => Arc::new(Smpp::start(settings, client, tell)),
            Settings::Modem(settings) => Arc::new(Modem::start(settings, tell)),
        })
    }

    /// Hands a message on.
    pub async fn send(&self, message: Outgoing) -> Result<(), Refused> {
        self.0.send(message).await
    }
}
