//! Paths: what a request names. `/2010-04-01/Accounts/{Sid}/…`, with `.json` or without.

use tipring_resources::{Sid, SidKind};

use crate::form::decode;

/// What a path names below the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Accounts,
    Account,
    Calls,
    Call(Sid),
    CallRecordings(Sid),
    CallNotifications(Sid),
    Recordings,
    /// With the call that the path says it is of.
    Recording(Option<Sid>, Sid),
    Notifications,
    Notification(Option<Sid>, Sid),
    Numbers,
    Number(Sid),
    /// Resources that this box does not have yet: an empty list.
    Empty(&'static str),
    /// Something that is not there.
    Nothing,
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suffix {
    None,
    Json,
    Xml,
    Wav,
    /// Another one, known by name so that the error can say it.
    Other,
}

/// A path, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// The account in it, unless it is the list of accounts.
    pub(crate) account: Option<Sid>,
    pub(crate) place: Place,
    pub(crate) suffix: Suffix,
    /// As links repeat it: decoded, with `.json` or `.xml`.
    pub(crate) link: String,
}

impl Place {
    /// The name of one resource here, and of a list's member.
    pub(crate) fn names(self) -> (&'static str, &'static str) {
        match self {
            Place::Accounts | Place::Account => ("Account", "accounts"),
            Place::Calls | Place::Call(_) => ("Call", "calls"),
            Place::CallRecordings(_) | Place::Recordings | Place::Recording(..) => ("Recording", "recordings"),
            Place::CallNotifications(_) | Place::Notifications | Place::Notification(..) => {
                ("Notification", "notifications")
            }
            Place::Numbers | Place::Number(_) => ("IncomingPhoneNumber", "incoming_phone_numbers"),
            Place::Empty(member) => ("Resource", member),
            Place::Nothing => ("Resource", "resources"),
        }
    }
}

/// Takes a path apart. What cannot be understood is [`Place::Nothing`].
pub(crate) fn parse(raw: &str) -> Path {
    let nothing = || Path { account: None, place: Place::Nothing, suffix: Suffix::None, link: String::new() };
    let raw = raw.strip_prefix("/.twilio.com").unwrap_or(raw);
    let Some(text) = decode(raw.replace('+', "%2B").as_bytes()) else {
        return nothing();
    };
    let Some(below) = text.strip_prefix(BASE) else {
        return nothing();
    };
    let (below, suffix) = split_suffix(below.trim_end_matches('/'));
    let segments: Vec<&str> = below.split('/').skip(1).collect();
    let link = format!("{BASE}{below}.{}", if suffix == Suffix::Xml { "xml" } else { "json" });
    match segments.as_slice() {
        ["Accounts"] => Path { account: None, place: Place::Accounts, suffix, link },
        ["Accounts", account, rest @ ..] => match sid(account, SidKind::Account) {
            Some(account) => Path { account: Some(account), place: place(rest), suffix, link },
            None => nothing(),
        },
        _ => nothing(),
    }
}

/// The part of every path before `Accounts`.
const BASE: &str = "/2010-04-01";

fn place(segments: &[&str]) -> Place {
    let found = match segments {
        [] => Some(Place::Account),
        ["Calls"] => Some(Place::Calls),
        ["Calls", call] => sid(call, SidKind::Call).map(Place::Call),
        ["Calls", call, rest @ ..] => sid(call, SidKind::Call).and_then(|call| below_call(call, rest)),
        ["Recordings"] => Some(Place::Recordings),
        ["Recordings", one] => sid(one, SidKind::Recording).map(|one| Place::Recording(None, one)),
        ["Notifications"] => Some(Place::Notifications),
        ["Notifications", one] => sid(one, SidKind::Notification).map(|one| Place::Notification(None, one)),
        ["IncomingPhoneNumbers"] | ["IncomingPhoneNumbers", "Local" | "Mobile" | "TollFree"] => Some(Place::Numbers),
        ["IncomingPhoneNumbers", one] => sid(one, SidKind::Number).map(Place::Number),
        ["Conferences"] => Some(Place::Empty("conferences")),
        ["Queues"] => Some(Place::Empty("queues")),
        ["Applications"] => Some(Place::Empty("applications")),
        ["OutgoingCallerIds"] => Some(Place::Empty("outgoing_caller_ids")),
        _ => None,
    };
    found.unwrap_or(Place::Nothing)
}

fn below_call(call: Sid, segments: &[&str]) -> Option<Place> {
    match segments {
        ["Recordings"] => Some(Place::CallRecordings(call)),
        ["Recordings", one] => sid(one, SidKind::Recording).map(|one| Place::Recording(Some(call), one)),
        ["Notifications"] => Some(Place::CallNotifications(call)),
        ["Notifications", one] => sid(one, SidKind::Notification).map(|one| Place::Notification(Some(call), one)),
        _ => None,
    }
}

fn split_suffix(path: &str) -> (&str, Suffix) {
    let last = path.rfind('/').map_or(0, |at| at + 1);
    match path[last..].find('.') {
        None => (path, Suffix::None),
        Some(dot) => {
            let suffix = match &path[last + dot..] {
                ".json" => Suffix::Json,
                ".xml" => Suffix::Xml,
                ".wav" => Suffix::Wav,
                _ => Suffix::Other,
            };
            (&path[..last + dot], suffix)
        }
    }
}

fn sid(text: &str, kind: SidKind) -> Option<Sid> {
    text.parse().ok().filter(|sid: &Sid| sid.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AC: &str = "/2010-04-01/Accounts/AC00000000000000000000000000000001";
    const RE: &str = "RE00000000000000000000000000000002";

    #[test]
    fn a_path_names_its_resource_with_and_without_suffix() {
        let call = Sid::new(SidKind::Call, 3);
        let recording = sid(RE, SidKind::Recording).unwrap();
        for (path, place, suffix) in [
            (format!("{AC}.json"), Place::Account, Suffix::Json),
            (format!("{AC}/Calls"), Place::Calls, Suffix::None),
            (format!("{AC}/Calls/{call}%2Ejson"), Place::Call(call), Suffix::Json),
            (format!("{AC}/Calls/{call}/Recordings.json"), Place::CallRecordings(call), Suffix::Json),
            (format!("{AC}/Recordings/{RE}.wav"), Place::Recording(None, recording), Suffix::Wav),
            (format!("{AC}/Recordings/{RE}.xml"), Place::Recording(None, recording), Suffix::Xml),
            (format!("{AC}/Recordings/{RE}.mp3"), Place::Recording(None, recording), Suffix::Other),
            (format!("{AC}/IncomingPhoneNumbers/Local.json"), Place::Numbers, Suffix::Json),
            (format!("/.twilio.com{AC}/Queues.json"), Place::Empty("queues"), Suffix::Json),
            (format!("{AC}/Calls/{RE}.json"), Place::Nothing, Suffix::Json),
            (format!("{AC}/Calls/../Calls.json"), Place::Nothing, Suffix::Json),
        ] {
            let found = parse(&path);
            assert_eq!((found.place, found.suffix), (place, suffix), "{path}");
            assert!(found.account.is_some());
        }
    }

    #[test]
    fn what_cannot_be_understood_is_nothing() {
        for path in
            ["", "/", "/2010-04-01", "/2010-04-01/", "/2010-04-01/Accounts/x.json", "/2010-04-01/%ff", "/2010-04-01x"]
        {
            assert_eq!(parse(path).place, Place::Nothing, "{path}");
        }
        assert_eq!(parse(&format!("{AC}/Calls.json")).link, format!("{AC}/Calls.json"));
    }
}
