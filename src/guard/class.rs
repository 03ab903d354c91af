//! Kinds of addresses, and the IPv4 address that hides inside an IPv6 one.
//! Sources: RFC 6890, RFC 4291 §2.5, RFC 6052 (64:ff9b::/96), RFC 3056 (2002::/16).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for, as far as the guard cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Global, private or loopback: an application server may live there.
    Ordinary,
    /// Valid on one link only; the metadata services of clouds live here.
    LinkLocal,
    /// A cloud's metadata service outside link-local.
    Metadata,
    /// One to many.
    Multicast,
    /// "This host", 0.0.0.0/8 or `::`. Linux connects such an address to loopback.
    Unspecified,
    /// 240/4 with broadcast, and site-local IPv6.
    Reserved,
}

impl Class {
    /// The class of an address; IPv4 inside IPv6 counts as IPv4.
    pub fn of(ip: IpAddr) -> Self {
        match unwrapped(ip) {
            IpAddr::V4(ip) => Self::of_v4(ip),
            IpAddr::V6(ip) => Self::of_v6(ip),
        }
    }

    fn of_v4(ip: Ipv4Addr) -> Self {
        match ip.octets() {
            [0, ..] => Self::Unspecified,
            [169, 254, ..] => Self::LinkLocal,
            _ if METADATA_V4.contains(&ip) => Self::Metadata,
            [224..=239, ..] => Self::Multicast,
            [240..=255, ..] => Self::Reserved,
            _ => Self::Ordinary,
        }
    }

    fn of_v6(ip: Ipv6Addr) -> Self {
        match ip.segments() {
            _ if ip.is_unspecified() => Self::Unspecified,
            _ if METADATA_V6.contains(&ip) => Self::Metadata,
            [first, ..] if first & 0xffc0 == 0xfe80 => Self::LinkLocal,
            [first, ..] if first & 0xffc0 == 0xfec0 => Self::Reserved,
            [first, ..] if first & 0xff00 == 0xff00 => Self::Multicast,
            _ => Self::Ordinary,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ordinary => "ordinary",
            Self::LinkLocal => "link-local",
            Self::Metadata => "cloud metadata",
            Self::Multicast => "multicast",
            Self::Unspecified => "\"this host\"",
            Self::Reserved => "reserved",
        })
    }
}

/// The IPv4 address inside a mapped, compatible, NAT64 or 6to4 address; any other address as it is.
pub(crate) fn unwrapped(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let v4 = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => v4(g, h),
        // `::` and `::1` are addresses of their own, the rest of ::/96 is the old compatible form.
        [0, 0, 0, 0, 0, 0] if g != 0 || h > 1 => v4(g, h),
        [0x2002, high, low, ..] => v4(high, low),
        _ => ip,
    }
}

/// Metadata services outside 169.254/16: Alibaba's and Azure's.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];
/// Amazon's metadata service on IPv6.
const METADATA_V6: [Ipv6Addr; 1] = [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn unwraps(from: &str, to: &str) {
        let parse = |it: &str| it.parse::<IpAddr>().expect("an address");
        assert_eq!(unwrapped(parse(from)), parse(to));
    }

    #[test]
    fn finds_the_inner_ipv4_address() {
        unwraps("::ffff:10.1.2.3", "10.1.2.3");
        unwraps("::10.1.2.3", "10.1.2.3");
        unwraps("64:ff9b::10.1.2.3", "10.1.2.3");
        unwraps("2002:0a01:0203::1", "10.1.2.3");
        unwraps("::1", "::1");
        unwraps("::", "::");
        unwraps("fd12::1", "fd12::1");
        unwraps("10.1.2.3", "10.1.2.3");
    }

    #[test]
    fn borders_of_link_local() {
        let class = |it: &str| Class::of(it.parse().expect("an address"));
        assert_eq!(class("169.253.255.255"), Class::Ordinary);
        assert_eq!(class("169.255.0.0"), Class::Ordinary);
        assert_eq!(class("fe7f::1"), Class::Ordinary);
        assert_eq!(class("febf::1"), Class::LinkLocal);
        assert_eq!(class("fec0::1"), Class::Reserved);
        assert_eq!(class("223.255.255.255"), Class::Ordinary);
    }
}
