//! What a service manager is told and what it hands over, by systemd's protocol (sd_notify(3), sd_listen_fds(3)). Where
//! nobody supervises, all of it is silence. It decides nothing.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::config::Listen;

/// A status line longer than this is cut: it is one line of `systemctl status`.
const MAX_STATUS: usize = 300;

/// The other end of `NOTIFY_SOCKET`.
#[derive(Clone, Copy, Debug)]
pub struct Supervisor {
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// As the environment says.
    pub fn of_environment() -> Supervisor {
        Supervisor { watchdog: sd_notify::watchdog_enabled() }
    }

    /// Somebody waits to hear that we are ready.
    pub fn is_there(&self) -> bool {
        std::env::var_os("NOTIFY_SOCKET").is_some()
    }

    /// We are restarted when we said nothing for so long.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Everything stands.
    pub fn ready(&self, status: &str) {
        tell(&[NotifyState::Ready, NotifyState::Status(&line(status))]);
    }

    /// One line for `systemctl status`.
    pub fn status(&self, status: &str) {
        tell(&[NotifyState::Status(&line(status))]);
    }

    /// What is to be alive is alive.
    pub fn alive(&self) {
        if self.watchdog.is_some() {
            tell(&[NotifyState::Watchdog]);
        }
    }

    /// The end begins, and may take so long.
    pub fn stopping(&self, within: Duration) {
        let within = u32::try_from(within.as_micros()).unwrap_or(u32::MAX);
        tell(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(within)]);
    }
}

fn line(status: &str) -> String {
    status.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_STATUS).collect()
}

fn tell(states: &[NotifyState<'_>]) {
    // Without a manager this is nothing; with one that is away there is nobody to tell.
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}

/// Sockets that listened before we were there, by the names of `FileDescriptorName=`.
#[derive(Debug, Default)]
pub struct Inherited {
    /// `api`
    pub api: Option<TcpListener>,
    /// `tls`
    pub tls: Option<TcpListener>,
    /// `proxy`
    pub proxy: Option<TcpListener>,
    /// `metrics`
    pub metrics: Option<TcpListener>,
    /// `media`
    pub media: Option<UnixListener>,
}

impl Inherited {
    /// Takes them, once a process.
    pub fn of_environment() -> Inherited {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut handed = listenfd::ListenFd::from_env();
        let mut inherited = Inherited::default();
        for (at, name) in (0..handed.len()).zip(names.split(':').chain(std::iter::repeat(""))) {
            let taken = match name {
                "api" => handed.take_tcp_listener(at).map(|socket| inherited.api = socket),
                "tls" => handed.take_tcp_listener(at).map(|socket| inherited.tls = socket),
                "proxy" => handed.take_tcp_listener(at).map(|socket| inherited.proxy = socket),
                "metrics" => handed.take_tcp_listener(at).map(|socket| inherited.metrics = socket),
                "media" | "tipring-media.socket" => {
                    handed.take_unix_listener(at).map(|socket| inherited.media = socket)
                }
                _ => Err(std::io::Error::other(
                    "no such listener; its FileDescriptorName is api, tls, proxy, metrics or media",
                )),
            };
            if let Err(error) = taken {
                tracing::warn!(name, %error, "a socket that was handed over is not used");
            }
        }
        inherited
    }

    /// The sockets that listen as the configuration says; otherwise the configuration wins.
    pub fn as_wanted(&self, wanted: &Listen) -> Handed {
        Handed {
            api: held(self.api.as_ref(), "listen.api", &wanted.api, "tipring.socket"),
            tls: held(self.tls.as_ref(), "listen.tls", &wanted.tls, "tipring-tls.socket"),
            proxy: held(self.proxy.as_ref(), "listen.proxy", &wanted.proxy, "the socket unit with the name `proxy`"),
        }
    }
}

/// Sockets that listen already, for a service that is to use them.
#[derive(Debug, Default)]
pub struct Handed {
    /// For `listen.api`.
    pub api: Option<TcpListener>,
    /// For `listen.tls`.
    pub tls: Option<TcpListener>,
    /// For `listen.proxy`.
    pub proxy: Option<TcpListener>,
}

fn held(socket: Option<&TcpListener>, key: &str, wanted: &str, unit: &str) -> Option<TcpListener> {
    let socket = socket?;
    let held = socket.local_addr().ok()?;
    if wanted.parse() == Ok(held) {
        return socket.try_clone().ok();
    }
    tracing::warn!("{key} is {wanted:?}, {unit} holds {held}: give {key} that address, or stop the socket unit");
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_short_line() {
        assert_eq!(line("2 calls\nREADY=1"), "2 calls READY=1");
        assert_eq!(line(&"x".repeat(1_000)).len(), MAX_STATUS);
    }

    #[test]
    fn a_socket_at_another_address_than_the_configured_one_is_not_used() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = socket.local_addr().unwrap().to_string();
        let inherited = Inherited { api: Some(socket.try_clone().unwrap()), tls: Some(socket), ..Inherited::default() };
        let mut listen = Listen { api: at, ..Listen::default() };
        let handed = inherited.as_wanted(&listen);
        assert!(handed.api.is_some() && handed.tls.is_none());
        listen.tls = std::mem::replace(&mut listen.api, "127.0.0.1:1".into());
        let handed = inherited.as_wanted(&listen);
        assert!(handed.api.is_none() && handed.tls.is_some());
    }
}
