//! The entrances of the API: plain on loopback, TLS for the network, and the port for programs that keep their address of
//! the cloud. What the doors are is `tipring-door`'s; here they get their addresses and what is behind them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use tipring_door::{Certificates, Doors, Fault, LAN_CONNECTIONS, Owned, Proxy, Wanted};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::serve::{StartError, failed, inherited, listen};
use super::supervisor::Handed;
use crate::config::Config;
use crate::observe::Observer;

/// Where the box's authority is kept, in its state directory.
pub const TLS_DIR: &str = "tls";
/// Somebody is told so long before the authority ends: everything that trusts it has to be changed.
const CA_WARNING: Duration = Duration::from_secs(180 * 86_400);

/// Listeners that stand and are not served yet.
pub struct Bound {
    /// Without it only the plain API is served.
    lock: Option<Lock>,
    api: TcpListener,
    tls: Option<TcpListener>,
    proxy: Option<TcpListener>,
    plain: bool,
}

/// What TLS is spoken with.
struct Lock {
    certificates: Arc<Certificates>,
    server: Arc<rustls::ServerConfig>,
}

/// Entrances that are served, until they are closed.
pub struct Entrances {
    /// What the box shows of itself; nothing where its authority could not be opened.
    pub certificates: Option<Arc<Certificates>>,
    /// Where the API is over TLS.
    pub tls: Option<SocketAddr>,
    /// Where the port for `api.twilio.com` is.
    pub proxy: Option<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
}

/// Binds what the configuration says, and opens the box's authority, which is made at the first start.
pub async fn bind(config: &Config, handed: Handed) -> Result<Bound, StartError> {
    let lock = lock(config).map_err(|error| tracing::error!("{error}; the box takes calls without TLS")).ok();
    let wish = &config.listen;
    let api = match handed.api {
        Some(socket) => inherited(socket)?,
        None => listen("listen.api", &wish.api).await?,
    };
    let tls = optional(handed.tls, "listen.tls", &wish.tls).await?;
    let proxy = optional(handed.proxy, "listen.proxy", &wish.proxy).await?;
    Ok(Bound { lock, api, tls, proxy, plain: wish.plain })
}

/// Opens the authority, and signs what is shown.
fn lock(config: &Config) -> Result<Lock, Fault> {
    let wanted = wanted(config).unwrap_or_else(|error| {
        // Calls are taken all the same, and the box's own certificate is as good a lock.
        tracing::error!("{error}; the box shows a certificate of its own");
        Wanted { names: config.listen.names.clone(), owned: None }
    });
    let now = SystemTime::now();
    let folder = config.this.state_dir.join(TLS_DIR);
    let certificates = Certificates::open(&folder, wanted, now)?;
    let end = certificates.authority().not_after();
    if end.is_some_and(|end| end < now + CA_WARNING) {
        let folder = folder.display();
        tracing::warn!(
            "the box's CA ends within {} days: move {folder} away for a new one",
            CA_WARNING.as_secs() / 86_400
        );
    }
    let server = certificates.server()?;
    Ok(Lock { certificates, server })
}

/// What the configuration says of certificates, with the owner's read.
pub fn wanted(config: &Config) -> Result<Wanted, Fault> {
    let listen = &config.listen;
    let owned = match listen.tls_certificate.as_os_str().is_empty() {
        true => None,
        false => Some(Owned::read(&listen.tls_certificate, &listen.tls_key)?),
    };
    Ok(Wanted { names: listen.names.clone(), owned })
}

async fn optional(
    handed: Option<std::net::TcpListener>,
    key: &str,
    address: &str,
) -> Result<Option<TcpListener>, StartError> {
    match handed {
        Some(socket) => inherited(socket).map(Some),
        None if address.is_empty() => Ok(None),
        None => listen(key, address).await.map(Some),
    }
}

impl Bound {
    /// Where the plain API is.
    pub fn api(&self) -> Result<SocketAddr, StartError> {
        self.api.local_addr().map_err(|error| failed("the API's address")(&error))
    }

    /// Serves all of them; without a lock only the plain API.
    pub fn serve(self, app: Router, observer: &Observer) -> Entrances {
        let mut tasks = Vec::new();
        let mut serve = |name: &'static str, served: Served| {
            let observer = observer.clone();
            tasks.push(tokio::spawn(async move {
                served.await;
                tracing::error!("the listener {name} is not served any more");
                observer.closed(name);
            }));
        };
        let Some(Lock { certificates, server }) = self.lock else {
            for (name, _) in [("tls", self.tls), ("proxy", self.proxy)].iter().filter(|(_, it)| it.is_some()) {
                tracing::error!("the listener {name} is not served: the box has no certificate");
                observer.closed(name);
            }
            serve("api", Box::pin(tipring_door::plain(Doors::new(self.api), app)));
            return Entrances { certificates: None, tls: None, proxy: None, tasks };
        };
        let app = app.merge(tipring_door::ca_page(certificates.authority().pem()));
        let at = |listener: &TcpListener| listener.local_addr().ok();
        let (tls, proxy) = (self.tls.as_ref().and_then(at), self.proxy.as_ref().and_then(at));
        let ports = at(&self.api).into_iter().chain(tls).map(|address| address.port()).collect();
        let places = Arc::new(Semaphore::new(LAN_CONNECTIONS));
        serve("api", Box::pin(tipring_door::plain(Doors::new(self.api), app.clone())));
        if let Some(listener) = self.tls {
            let doors = Doors::sharing(listener, Arc::clone(&places));
            serve("tls", Box::pin(tipring_door::tls(doors, Arc::clone(&server), app.clone())));
        }
        if let Some(listener) = self.proxy {
            let plain = self.plain || proxy.is_some_and(|address| address.ip().is_loopback());
            let port = Proxy { server, certificates: Arc::clone(&certificates), app, ports, plain };
            serve("proxy", Box::pin(port.serve(Doors::sharing(listener, places))));
        }
        tasks.push(tokio::spawn(Arc::clone(&certificates).keep(SystemTime::now)));
        Entrances { certificates: Some(certificates), tls, proxy, tasks }
    }
}

type Served = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Entrances {
    /// Shows what another configuration says, from the next handshake on; where nothing is shown, nothing changes.
    pub fn take(&self, wanted: Wanted) -> Result<(), Fault> {
        self.certificates.as_ref().map_or(Ok(()), |certificates| certificates.take(wanted, SystemTime::now()))
    }

    /// The page with the box's authority.
    pub fn ca_page(&self) -> Router {
        let authority = self.certificates.as_ref().map(|certificates| certificates.authority());
        authority.map_or_else(Router::new, |authority| tipring_door::ca_page(authority.pem()))
    }

    /// Takes no new connection.
    pub fn close(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

#[cfg(test)]
#[path = "entrance_tests.rs"]
mod tests;
