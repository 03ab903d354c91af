//! Which names this box answers to: its own, and those of the service whose place it takes. Nothing is looked up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Programs that speak with the cloud ask a host under this name.
const SERVICE: &str = "twilio.com";
/// Labels of such a name at most: `api.dublin.ie1.twilio.com` has five.
pub const LABELS_MAX: usize = 6;
/// Octets of a name, by DNS.
const NAME_OCTETS: usize = 253;
/// Addresses of the box that its certificate names.
const ADDRESSES_MAX: usize = 32;
const HOST_NAME: &str = "/proc/sys/kernel/hostname";
const ROUTES: &str = "/proc/net/fib_trie";
const ADDRESSES_V6: &str = "/proc/net/if_inet6";

/// `api.twilio.com`, `monitor.twilio.com`, `api.dublin.ie1.twilio.com`: whose place the box takes. Lower case.
pub fn is_service(host: &str) -> bool {
    let Some(labels) = host.strip_suffix(SERVICE).and_then(|host| host.strip_suffix('.')) else {
        return false;
    };
    labels.split('.').count() + 2 <= LABELS_MAX && labels.split('.').all(is_label)
}

/// What a certificate may name, and thus what `[listen]` may: an address, or a host's name of labels as DNS has them, the
/// first of which may be `*`. Big letters are small ones.
pub fn is_name(name: &str) -> bool {
    let small = name.to_ascii_lowercase();
    let labels = small.strip_prefix("*.").unwrap_or(&small);
    name.parse::<IpAddr>().is_ok() || name.len() <= NAME_OCTETS && labels.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
}

/// The names and addresses of this box.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    dns: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl Names {
    /// `localhost`, the host's name, its addresses, and `more`.
    pub fn of_box(more: &[String]) -> Names {
        let mut names = Names::default();
        for name in ["localhost", "127.0.0.1", "::1"] {
            names.add(name);
        }
        let host = std::fs::read_to_string(HOST_NAME).unwrap_or_default().trim().to_ascii_lowercase();
        if !host.is_empty() {
            names.add(&host);
            if !host.contains('.') {
                names.add(&format!("{host}.local"));
            }
        }
        for name in more {
            names.add(name);
        }
        let mut found: Vec<_> = interfaces().into_iter().filter(|address| !names.addresses.contains(address)).collect();
        found.sort();
        found.dedup();
        found.truncate(ADDRESSES_MAX);
        names.addresses.extend(found);
        names
    }

    /// Only these, for tests and tools.
    pub fn of(names: &[&str]) -> Names {
        let mut all = Names::default();
        names.iter().for_each(|name| all.add(name));
        all
    }

    fn add(&mut self, name: &str) {
        let name = name.to_ascii_lowercase();
        if let Ok(address) = name.parse() {
            if !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        } else if is_name(&name) && !self.dns.contains(&name) {
            self.dns.push(name);
        }
    }

    /// Whether a host that somebody asks for is this box. Lower case; an IPv6 address may stand in brackets.
    pub fn is_own(&self, host: &str) -> bool {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return self.addresses.contains(&address);
        }
        let below = host.split_once('.').map(|(_, rest)| rest);
        self.dns.iter().any(|name| match name.strip_prefix("*.") {
            Some(rest) => below == Some(rest),
            None => name == host,
        })
    }

    /// For a certificate.
    pub(crate) fn all(&self) -> Vec<String> {
        let addresses = self.addresses.iter().map(ToString::to_string);
        self.dns.iter().cloned().chain(addresses).collect()
    }
}

/// Addresses of the host's interfaces, but those that only count on one wire.
pub fn interfaces() -> Vec<IpAddr> {
    let four = std::fs::read_to_string(ROUTES).unwrap_or_default();
    let six = std::fs::read_to_string(ADDRESSES_V6).unwrap_or_default();
    local_v4(&four).into_iter().chain(local_v6(&six)).collect()
}

/// A leaf of the routing trie that says `host LOCAL` below it is an address of this host.
fn local_v4(trie: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    let mut last = None;
    for line in trie.lines().map(str::trim) {
        if let Some(leaf) = line.strip_prefix("|-- ") {
            last = leaf.parse::<Ipv4Addr>().ok();
        } else if line.ends_with("host LOCAL") {
            found.extend(last.map(IpAddr::V4));
        }
    }
    found
}

/// 32 hexadecimal digits, then what does not matter here.
fn local_v6(table: &str) -> Vec<IpAddr> {
    let digits = table.lines().filter_map(|line| line.split_whitespace().next());
    let addresses = digits.filter_map(|digits| u128::from_str_radix(digits, 16).ok()).map(Ipv6Addr::from);
    addresses.filter(|address| !address.is_unicast_link_local()).map(IpAddr::V6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_service_are_told_from_others() {
        for name in ["api.twilio.com", "monitor.twilio.com", "api.ie1.twilio.com", "api.dublin.ie1.twilio.com"] {
            assert!(is_service(name), "{name}");
        }
        for name in [
            "twilio.com",
            ".twilio.com",
            "api.twilio.com.evil.test",
            "apitwilio.com",
            "eviltwilio.com",
            "api..twilio.com",
            "-.twilio.com",
            "*.twilio.com",
            "a.b.c.d.e.twilio.com",
            "API.twilio.com",
            "",
        ] {
            assert!(!is_service(name), "{name}");
        }
    }

    #[test]
    fn what_is_a_name_stands_in_the_certificate_and_nothing_else_does() {
        let long = format!("{}.lan", ["a".repeat(62).as_str(); 4].join("."));
        let longest = &long[long.len() - NAME_OCTETS..];
        let wild = format!("*.{longest}");
        let fits = ["phone", "Phone.Office.lan", "*.box.lan", "9.lan", "a-b", "192.0.2.7", "2001:db8::7", longest];
        let odd =
            ["", ".", "a.", ".a", "-a", "a-", "a_b", "a b", "*", "a.*", "*.*.lan", "é.lan", "a:5060", &long, &wild];
        for (names, wanted) in [(&fits[..], true), (&odd[..], false)] {
            for name in names {
                assert_eq!(is_name(name), wanted, "{name}");
                let all = Names::of(&[name]).all();
                assert_eq!(all.contains(&name.to_ascii_lowercase()), wanted, "{name}: {all:?}");
                let params = rcgen::CertificateParams::new(all);
                assert!(params.is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn a_box_knows_itself() {
        let names = Names::of_box(&["Phone.Office.lan".into(), "*.box.lan".into(), "192.0.2.7".into()]);
        for host in ["localhost", "127.0.0.1", "[::1]", "phone.office.lan", "a.box.lan", "192.0.2.7"] {
            assert!(names.is_own(host), "{host} {names:?}");
        }
        for host in ["box.lan", "a.b.box.lan", "api.twilio.com", "192.0.2.8", "example.com", ""] {
            assert!(!names.is_own(host), "{host}");
        }
    }

    #[test]
    fn the_hosts_addresses_are_read_from_the_kernels_tables() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 192.0.2.7\n        \
                    /32 host LOCAL\n     |-- 192.0.2.255\n        /32 link BROADCAST\n";
        assert_eq!(local_v4(trie), ["192.0.2.7".parse::<IpAddr>().expect("an address")]);
        let table = "20010db8000000000000000000000007 02 40 00 80 eth0\nfe800000000000000000000000000001 02 40 20 80 eth0\n\
                     nonsense\n";
        assert_eq!(local_v6(table), ["2001:db8::7".parse::<IpAddr>().expect("an address")]);
    }
}
