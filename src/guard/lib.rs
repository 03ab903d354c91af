//! Two guards. [`spending`]: may the box make this call, after all that it has made already? The rest of this file is about
//! allowed destinations: may this box speak HTTP with that address?
//!
//! Pure: it resolves nothing and connects to nothing. The caller asks twice, once about the URL and once about each
//! address that the host's name resolved to, and then connects to exactly the address that was checked; a name that
//! changes its address between check and connection (DNS rebinding) gains nothing.
//!
//! On-prem the usual rule is turned round: application servers live on private addresses and on the box itself, so
//! these are allowed. Refused are addresses where no application server can live and a forged URL does harm:
//! link-local and cloud metadata, multicast, unspecified, reserved, and the box's own inner listeners.
//! Sources: RFC 6890 (special addresses), RFC 3927, RFC 4291, RFC 6052 and RFC 3056 (IPv4 inside IPv6).

mod class;
mod place;
pub mod spending;

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

pub use class::Class;
pub use place::{BadPlace, Place};

/// Which destinations pass when no list speaks of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Everything but the refused classes and places.
    #[default]
    Open,
    /// Only listed places.
    Strict,
}

/// The rules of [`Destinations`], as configuration gives them.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// What passes without being listed.
    pub mode: Mode,
    /// Places that pass in strict mode. A listed *address* also opens a refused class or place; a listed *name* does
    /// not, since its owner could point it anywhere.
    pub listed: Vec<Place>,
    /// Inner faces of the box's own listeners. An unspecified address (`0.0.0.0:8443`) means that port on every
    /// address of the box: loopback and [`own_addresses`](Self::own_addresses).
    pub refuse: Vec<Place>,
    /// The box's own addresses, for the unspecified entries of [`refuse`](Self::refuse).
    pub own_addresses: Vec<IpAddr>,
}

/// Decides about destinations of requests that leave the box.
#[derive(Debug, Clone, Default)]
pub struct Destinations {
    rules: Rules,
}

impl Destinations {
    /// Destinations under these rules.
    pub fn new(rules: Rules) -> Self {
        Self { rules }
    }

    /// The on-prem default: private and loopback addresses pass, the refused classes don't.
    pub fn open() -> Self {
        Self::default()
    }

    /// Judges a URL before anything is resolved. A literal address is judged in full.
    pub fn check(&self, url: &Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme { scheme: url.scheme().to_owned() });
        }
        let port = url.port_or_known_default().unwrap_or(0);
        match url.host() {
            None => Err(Refusal::NoHost),
            Some(Host::Ipv4(ip)) => self.check_addr(SocketAddr::new(ip.into(), port), &ip.to_string()),
            Some(Host::Ipv6(ip)) => self.check_addr(SocketAddr::new(ip.into(), port), &ip.to_string()),
            Some(Host::Domain(name)) => self.check_name(&Place::named(name, port)),
        }
    }

    /// Judges one address that `host` resolved to. Connect to this very address afterwards, not to the name.
    pub fn check_addr(&self, addr: SocketAddr, host: &str) -> Result<(), Refusal> {
        let addr = SocketAddr::new(class::unwrapped(addr.ip()), addr.port());
        let place = Place::addressed(addr.ip(), addr.port());
        if self.rules.listed.contains(&place) {
            return Ok(());
        }
        if addr.port() == 0 {
            return Err(Refusal::Port { place });
        }
        let class = Class::of(addr.ip());
        if class != Class::Ordinary {
            return Err(Refusal::Class { place, class });
        }
        if self.is_own_listener(addr) {
            return Err(Refusal::OwnListener { place });
        }
        let named = Place::named(host, addr.port());
        if self.rules.mode == Mode::Strict && !self.rules.listed.contains(&named) {
            return Err(Refusal::NotListed { place: named });
        }
        Ok(())
    }

    fn check_name(&self, place: &Place) -> Result<(), Refusal> {
        if self.rules.listed.contains(place) {
            return Ok(());
        }
        if place.port == 0 {
            return Err(Refusal::Port { place: place.clone() });
        }
        if self.rules.refuse.contains(place) {
            return Err(Refusal::OwnListener { place: place.clone() });
        }
        // A name whose address is listed passes in strict mode too, but only its address can tell.
        let some_address_listed = self.rules.listed.iter().any(|it| it.ip().is_some() && it.port == place.port);
        if self.rules.mode == Mode::Strict && !some_address_listed {
            return Err(Refusal::NotListed { place: place.clone() });
        }
        Ok(())
    }

    fn is_own_listener(&self, addr: SocketAddr) -> bool {
        let ours =
            |ip: IpAddr| ip.is_loopback() || self.rules.own_addresses.iter().any(|own| class::unwrapped(*own) == ip);
        self.rules.refuse.iter().filter(|it| it.port == addr.port()).any(|it| match it.ip() {
            Some(ip) if ip.is_unspecified() => ours(addr.ip()),
            // 127/8 and ::1 all reach the box itself: one loopback entry stands for all of them.
            Some(ip) => ip == addr.ip() || (ip.is_loopback() && addr.ip().is_loopback()),
            None => false,
        })
    }
}

/// Why a destination was refused. Its text names the place and what would help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither http nor https.
    #[error("scheme {scheme:?} is not spoken here; use http or https")]
    Scheme {
        /// The scheme as written.
        scheme: String,
    },
    /// No host in the URL.
    #[error("the URL names no host")]
    NoHost,
    /// Port 0 cannot be connected to.
    #[error("{place}: port 0 is no destination")]
    Port {
        /// Where the request would have gone.
        place: Place,
    },
    /// An address of a class that is refused.
    #[error("{place} is a {class} address, which no application server uses; list it by address and port if it does")]
    Class {
        /// Where the request would have gone.
        place: Place,
        /// What kind of address it is.
        class: Class,
    },
    /// A listener of this box.
    #[error("{place} is an inner listener of this box; list it by address and port if requests may go there")]
    OwnListener {
        /// Where the request would have gone.
        place: Place,
    },
    /// Strict mode and not listed.
    #[error("{place} is not in the list of allowed destinations; an administrator can add it")]
    NotListed {
        /// Where the request would have gone.
        place: Place,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn places(list: &[&str]) -> Vec<Place> {
        list.iter().map(|it| it.parse().expect("a place")).collect()
    }

    #[track_caller]
    fn refused(destinations: &Destinations, text: &str) -> Refusal {
        destinations.check(&url(text)).expect_err(text)
    }

    #[test]
    fn private_and_loopback_application_servers_are_the_normal_case() {
        let open = Destinations::open();
        for it in [
            "http://127.0.0.1:8080/",
            "http://10.1.2.3/",
            "http://192.168.1.5/",
            "http://172.16.0.1/",
            "http://[::1]:3000/",
            "http://[fd12::1]/",
            "https://app.example/",
            "http://app/",
            "https://8.8.8.8/",
            "http://100.64.1.1/",
        ] {
            assert_eq!(open.check(&url(it)), Ok(()), "{it}");
        }
    }

    #[test]
    fn metadata_and_other_special_addresses_are_refused_in_every_spelling() {
        let open = Destinations::open();
        for it in [
            "http://169.254.169.254/latest/meta-data/",
            "http://0xa9fea9fe/",
            "http://2852039166/",
            "http://0251.0376.0251.0376/",
            "http://169.254.43518/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:a9fe:a9fe::1]/",
            "http://[::169.254.169.254]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://100.100.100.200/",
            "http://168.63.129.16/",
            "http://224.0.0.1/",
            "http://[ff02::1]/",
            "http://0.0.0.0:8080/",
            "http://0/",
            "http://[::]/",
            "http://255.255.255.255/",
            "http://240.0.0.1/",
        ] {
            assert!(matches!(refused(&open, it), Refusal::Class { .. }), "{it}");
        }
    }

    #[test]
    fn only_http_and_https_are_spoken() {
        let open = Destinations::open();
        for it in
            ["ftp://app.example/", "file:///etc/passwd", "gopher://app:70/", "ws://app/", "data:text/xml,<Response/>"]
        {
            assert!(matches!(refused(&open, it), Refusal::Scheme { .. }), "{it}");
        }
        assert!(matches!(refused(&open, "http://app:0/"), Refusal::Port { .. }));
    }

    #[test]
    fn a_name_that_resolves_to_metadata_is_refused_by_its_address() {
        let open = Destinations::open();
        assert_eq!(open.check(&url("http://rebind.example/")), Ok(()));
        let metadata: SocketAddr = "169.254.169.254:80".parse().expect("an address");
        assert!(matches!(open.check_addr(metadata, "rebind.example"), Err(Refusal::Class { .. })));
        let listed_name = Destinations::new(Rules { listed: places(&["rebind.example:80"]), ..Rules::default() });
        assert!(
            listed_name.check_addr(metadata, "rebind.example").is_err(),
            "a listed name must not open its address's class"
        );
        let listed_address = Destinations::new(Rules { listed: places(&["169.254.169.254:80"]), ..Rules::default() });
        assert_eq!(listed_address.check_addr(metadata, "rebind.example"), Ok(()));
        assert_eq!(listed_address.check(&url("http://169.254.169.254/")), Ok(()));
        assert!(listed_address.check(&url("http://169.254.169.254:81/")).is_err(), "another port is another place");
    }

    #[test]
    fn own_inner_listeners_are_refused_by_name_address_and_alias() {
        let rules = Rules {
            refuse: places(&["127.0.0.1:5432", "0.0.0.0:8443", "box.local:9000"]),
            own_addresses: vec!["192.168.1.2".parse().expect("an address")],
            ..Rules::default()
        };
        let guarded = Destinations::new(rules);
        for it in [
            "http://127.0.0.1:5432/",
            "http://127.9.9.9:5432/",
            "http://[::1]:5432/",
            "http://[::ffff:127.0.0.1]:5432/",
            "http://192.168.1.2:8443/",
            "http://127.0.0.1:8443/",
            "http://BOX.local:9000/",
            "http://box.local.:9000/",
        ] {
            assert!(matches!(refused(&guarded, it), Refusal::OwnListener { .. }), "{it}");
        }
        for it in
            ["http://127.0.0.1:5433/", "http://192.168.1.3:8443/", "http://192.168.1.2:5432/", "http://box.local:9001/"]
        {
            assert_eq!(guarded.check(&url(it)), Ok(()), "{it}");
        }
        let addr: SocketAddr = "127.0.0.1:5432".parse().expect("an address");
        assert!(guarded.check_addr(addr, "harmless.example").is_err());
    }

    #[test]
    fn a_listed_listener_passes() {
        let rules =
            Rules { refuse: places(&["127.0.0.1:8443"]), listed: places(&["127.0.0.1:8443"]), ..Rules::default() };
        assert_eq!(Destinations::new(rules).check(&url("https://127.0.0.1:8443/")), Ok(()));
    }

    #[test]
    fn strict_mode_takes_the_list_only() {
        let rules =
            Rules { mode: Mode::Strict, listed: places(&["app.example:443", "10.0.0.9:8080"]), ..Rules::default() };
        let strict = Destinations::new(rules);
        let private: SocketAddr = "10.0.0.9:443".parse().expect("an address");
        assert_eq!(strict.check(&url("https://app.example/voice")), Ok(()));
        assert_eq!(strict.check_addr(private, "app.example"), Ok(()));
        assert_eq!(strict.check(&url("http://10.0.0.9:8080/")), Ok(()));
        for it in ["http://app.example/", "https://other.example/", "http://10.0.0.8:8080/", "http://10.0.0.9/"] {
            assert!(matches!(refused(&strict, it), Refusal::NotListed { .. }), "{it}");
        }
        // An unlisted name on a listed address's port must still prove its address.
        assert_eq!(strict.check(&url("http://alias.example:8080/")), Ok(()));
        let listed: SocketAddr = "10.0.0.9:8080".parse().expect("an address");
        let other: SocketAddr = "10.0.0.7:8080".parse().expect("an address");
        assert_eq!(strict.check_addr(listed, "alias.example"), Ok(()));
        assert!(strict.check_addr(other, "alias.example").is_err());
    }

    #[test]
    fn a_refusal_says_where_and_what_helps() {
        let text = refused(&Destinations::open(), "http://user:secret@169.254.169.254/x?y=z").to_string();
        assert!(text.contains("169.254.169.254:80") && text.contains("list it"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}
