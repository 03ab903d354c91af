//! Resource identifiers: two capitals and 32 lower-case hex digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a SID names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SidKind {
    /// `AC`
    Account,
    /// `CA`
    Call,
    /// `RE`
    Recording,
    /// `PN`
    Number,
    /// `NO`
    Notification,
    /// `CF`
    Conference,
    /// `QU`
    Queue,
    /// `AP`
    Application,
    /// `TR`
    Transcription,
    /// `GT`
    Realtime,
    /// `MZ`
    Stream,
    /// `SR`
    Siprec,
    /// `SK`
    Key,
    /// `SM`
    Message,
    /// `MM`
    MediaMessage,
    /// `CL`
    CredentialList,
    /// `CR`
    Credential,
    /// `SD`
    Domain,
    /// `AL`
    AddressList,
    /// `IP`
    Address,
    /// `AE`
    Event,
    /// `TK`
    Trunk,
    /// `GP`
    Group,
}

impl SidKind {
    const ALL: [(SidKind, &'static str); 23] = [
        (SidKind::Account, "AC"),
        (SidKind::Call, "CA"),
        (SidKind::Recording, "RE"),
        (SidKind::Number, "PN"),
        (SidKind::Notification, "NO"),
        (SidKind::Conference, "CF"),
        (SidKind::Queue, "QU"),
        (SidKind::Application, "AP"),
        (SidKind::Transcription, "TR"),
        (SidKind::Realtime, "GT"),
        (SidKind::Stream, "MZ"),
        (SidKind::Siprec, "SR"),
        (SidKind::Key, "SK"),
        (SidKind::Message, "SM"),
        (SidKind::MediaMessage, "MM"),
        (SidKind::CredentialList, "CL"),
        (SidKind::Credential, "CR"),
        (SidKind::Domain, "SD"),
        (SidKind::AddressList, "AL"),
        (SidKind::Address, "IP"),
        (SidKind::Event, "AE"),
        (SidKind::Trunk, "TK"),
        (SidKind::Group, "GP"),
    ];

    /// Its two capitals.
    pub fn prefix(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("??", |(_, prefix)| prefix)
    }
}

/// A resource identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid {
    /// What it names.
    pub kind: SidKind,
    /// 128 bits from the one seeded generator.
    pub id: u128,
}

impl Sid {
    /// A SID of these bits.
    pub const fn new(kind: SidKind, id: u128) -> Self {
        Sid { kind, id }
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:032x}", self.kind.prefix(), self.id)
    }
}

/// Why a text is no SID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASid;

impl fmt::Display for NotASid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a SID: two capitals and 32 lower-case hex digits are expected")
    }
}

impl std::error::Error for NotASid {}

impl FromStr for Sid {
    type Err = NotASid;

    fn from_str(text: &str) -> Result<Self, NotASid> {
        let (prefix, hex) = text.split_at_checked(2).ok_or(NotASid)?;
        let (kind, _) = *SidKind::ALL.iter().find(|(_, p)| *p == prefix).ok_or(NotASid)?;
        let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if hex.len() != 32 || !hex.bytes().all(lower) {
            return Err(NotASid);
        }
        u128::from_str_radix(hex, 16).map(|id| Sid { kind, id }).map_err(|_| NotASid)
    }
}

impl Serialize for Sid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_reads_back_as_it_was_written() {
        let sid = Sid::new(SidKind::Call, 0x0123_4567);
        assert_eq!(sid.to_string(), "CA00000000000000000000000001234567");
        assert_eq!(sid.to_string().parse(), Ok(sid));
    }

    #[test]
    fn what_is_no_sid_is_refused() {
        for text in ["", "CA", "XX00000000000000000000000001234567", "CA0000000000000000000000000123456G", "Cé1"] {
            assert_eq!(text.parse::<Sid>(), Err(NotASid), "{text}");
        }
        assert!("CA0000000000000000000000000123456F".parse::<Sid>().is_err(), "capitals are not hex here");
    }
}
