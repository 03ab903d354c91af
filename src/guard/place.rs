//! A place: host and port, as a rule names it. Not a URL: no scheme, no path.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use crate::class;

/// Host and port. Names are lower case without a final dot, addresses are in their shortest family.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    host: Host,
    /// The TCP port.
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Host {
    Name(String),
    Ip(IpAddr),
}

impl Place {
    /// A place by name. Text that is an address becomes one.
    pub fn named(host: &str, port: u16) -> Self {
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(ip) => Self::addressed(ip, port),
            Err(_) => Self { host: Host::Name(bare.trim_end_matches('.').to_ascii_lowercase()), port },
        }
    }

    /// A place by address.
    pub fn addressed(ip: IpAddr, port: u16) -> Self {
        Self { host: Host::Ip(class::unwrapped(ip)), port }
    }

    pub(crate) fn ip(&self) -> Option<IpAddr> {
        match self.host {
            Host::Ip(ip) => Some(ip),
            Host::Name(_) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) => write!(f, "{name}:{}", self.port),
            Host::Ip(IpAddr::V4(ip)) => write!(f, "{ip}:{}", self.port),
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
        }
    }
}

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        let bad = || BadPlace { text: text.to_owned() };
        let (host, port) = text.trim().rsplit_once(':').ok_or_else(bad)?;
        let port = port.parse().map_err(|_| bad())?;
        if let Some(inner) = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            let ip: Ipv6Addr = inner.parse().map_err(|_| bad())?;
            return Ok(Self::addressed(ip.into(), port));
        }
        // The URL rules of hosts apply to names (and to 0x7f.1), so a listed place compares equal to a URL's host.
        match url::Host::parse(host).map_err(|_| bad())? {
            url::Host::Domain(name) => Ok(Self::named(&name, port)),
            url::Host::Ipv4(ip) => Ok(Self::addressed(ip.into(), port)),
            url::Host::Ipv6(ip) => Ok(Self::addressed(ip.into(), port)),
        }
    }
}

/// Text that is no `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not host:port; write app.example:443, 10.0.0.5:8080 or [fd12::5]:80")]
pub struct BadPlace {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_shows_places() {
        for (text, shown) in [
            ("App.Example.:443", "app.example:443"),
            ("10.0.0.5:8080", "10.0.0.5:8080"),
            ("0x7f.1:80", "127.0.0.1:80"),
            ("[FD12::5]:80", "[fd12::5]:80"),
            ("[::ffff:10.0.0.5]:80", "10.0.0.5:80"),
            ("bücher.example:80", "xn--bcher-kva.example:80"),
        ] {
            assert_eq!(text.parse::<Place>().map(|it| it.to_string()), Ok(shown.to_owned()), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_place() {
        for text in
            ["", "app", "app:", ":80", "app:70000", "app:-1", "http://app:80", "fd12::5:80", "[fd12::5:80", "a b:80"]
        {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
