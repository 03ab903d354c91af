//! Contents of information elements, octets to values and back. It decides nothing; identifiers, lengths and order
//! are [`super::codec`]'s.
//!
//! Source: Q.931 §4.5; Q.951.3/§4.5.10 (calling number), Q.952 (redirecting number).

use tipring_card::{Cause, Law};

use crate::words::{Bearer, Calling, Digits, Npi, Number, Presentation, Redirecting, Screening, Text, Ton, is_digit};

/// Contents of one element. The longest that is written is a display text.
pub type Contents = heapless::Vec<u8, 96>;

/// An element of a message: not there, there and sound, or there and senseless.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ie<T> {
    /// Not there.
    #[default]
    Absent,
    /// There, contents make no sense.
    Bad,
    /// There.
    Is(T),
}

impl<T> Ie<T> {
    /// The value, when it is there and sound.
    pub fn value(&self) -> Option<&T> {
        match self {
            Ie::Is(value) => Some(value),
            Ie::Absent | Ie::Bad => None,
        }
    }

    /// From what a reader made of the contents.
    pub fn read(value: Option<T>) -> Self {
        value.map_or(Ie::Bad, Ie::Is)
    }

    /// From what may be there.
    pub fn of(value: Option<T>) -> Self {
        value.map_or(Ie::Absent, Ie::Is)
    }
}

/// Where a cause or a progress arises. User 0, private network 1, public network serving the local user 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Location(pub u8);

/// Which channel a channel identification names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// No channel.
    None,
    /// Any channel.
    Any,
    /// These timeslots, bit n for timeslot n; never empty.
    Slots(u32),
}

/// How timeslots are written. An acknowledgement answers in the form of the question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Channel numbers.
    #[default]
    Numbers,
    /// A slot map of 1544 kbit/s, three octets.
    Map1544,
    /// A slot map of 2048 kbit/s, four octets.
    Map2048,
}

/// Channel identification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Which.
    pub selection: Selection,
    /// No other will do.
    pub exclusive: bool,
    /// How timeslots are written.
    pub form: Form,
}

impl Channel {
    /// One timeslot.
    pub const fn slot(timeslot: u8, exclusive: bool) -> Self {
        Channel::of(Selection::Slots(1 << (timeslot % 32)), exclusive)
    }

    /// A selection, timeslots by their numbers.
    pub const fn of(selection: Selection, exclusive: bool) -> Self {
        Channel { selection, exclusive, form: Form::Numbers }
    }

    /// The lowest timeslot named.
    pub fn first(self) -> Option<u8> {
        match self.selection {
            Selection::Slots(bits) if bits != 0 => u8::try_from(bits.trailing_zeros()).ok(),
            _ => None,
        }
    }
}

/// Progress descriptions, bit n for description n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress(pub u32);

impl Progress {
    /// 1: the call is not end-to-end ISDN, tones may be in band.
    pub const NOT_END_TO_END: u8 = 1;
    /// 3: the origin is not on an ISDN.
    pub const ORIGIN_NOT_ISDN: u8 = 3;
    /// 8: tones or announcements are in band now.
    pub const IN_BAND: u8 = 8;

    /// With one description.
    pub const fn one(description: u8) -> Self {
        Progress(1 << (description % 32))
    }

    /// Whether a description is in it.
    pub const fn has(self, description: u8) -> bool {
        description < 32 && self.0 & (1 << description) != 0
    }

    /// Whether receive audio should be heard.
    pub const fn is_inband(self) -> bool {
        self.has(Self::IN_BAND) || self.has(Self::NOT_END_TO_END)
    }
}

/// What a RESTART covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartClass {
    /// The channels named by the channel identification.
    Channels,
    /// One interface.
    Interface,
    /// All interfaces of this D channel.
    All,
}

// --- readers: `None` is senseless contents

/// Bearer capability.
pub fn read_bearer(octets: &[u8]) -> Option<Bearer> {
    let (&first, &rate) = (octets.first()?, octets.get(1)?);
    if first & 0x80 == 0 {
        return None;
    }
    let capability = first & 0x1F;
    let ccitt = first & 0x60 == 0;
    let circuit64 = rate & 0x7F == 0x10;
    if !ccitt || !circuit64 {
        return Some(Bearer::Other(capability));
    }
    // User information layer 1 protocol: absent in some variants, then the law of the span is meant (A by default).
    let law = match octets.get(2).map(|octet| octet & 0x7F) {
        Some(0x22) => Law::Mu,
        _ => Law::A,
    };
    Some(match capability {
        0x00 => Bearer::Speech(law),
        0x10 => Bearer::Audio(law),
        0x08 => Bearer::Unrestricted,
        other => Bearer::Other(other),
    })
}

/// Cause: value and location.
pub fn read_cause(octets: &[u8]) -> Option<(Cause, Location)> {
    let &first = octets.first()?;
    let value = if first & 0x80 != 0 { octets.get(1)? } else { octets.get(2)? };
    Some((Cause(value & 0x7F), Location(first & 0x0F)))
}

/// Call state: the standard's number.
pub fn read_call_state(octets: &[u8]) -> Option<u8> {
    octets.first().map(|octet| octet & 0x3F)
}

/// Channel identification of a primary rate interface.
pub fn read_channel(octets: &[u8]) -> Option<Channel> {
    let (&first, mut rest) = octets.split_first()?;
    let exclusive = first & 0x08 != 0;
    if first & 0x20 == 0 {
        return None; // a basic rate interface
    }
    if first & 0x04 != 0 {
        return None; // the D channel itself
    }
    if first & 0x40 != 0 {
        // Interface identifier: octets up to the one with the extension bit. One interface a D channel here.
        let end = rest.iter().position(|octet| octet & 0x80 != 0)?;
        rest = rest.get(end + 1..)?;
    }
    Some(match first & 0x03 {
        0 => Channel::of(Selection::None, exclusive),
        1 => {
            let (bits, form) = read_slots(rest)?;
            Channel { selection: Selection::Slots(bits), exclusive, form }
        }
        3 => Channel::of(Selection::Any, exclusive),
        _ => return None,
    })
}

fn read_slots(octets: &[u8]) -> Option<(u32, Form)> {
    let (&kind, slots) = octets.split_first()?;
    if kind & 0x60 != 0 || kind & 0x0F != 0x03 {
        return None; // not CCITT coding, not B channels
    }
    let (bits, form) = match (kind & 0x10 != 0, slots) {
        (true, &[a, b, c]) => (u32::from_be_bytes([0, a, b, c]) << 1, Form::Map1544), // bit 0 is timeslot 1
        (true, &[a, b, c, d]) => (u32::from_be_bytes([a, b, c, d]), Form::Map2048),   // bit 0 is timeslot 0
        (true, _) => return None,
        (false, slots) => {
            let mut bits = 0;
            for octet in slots {
                match octet & 0x7F {
                    slot @ 1..=31 => bits |= 1 << slot,
                    _ => return None,
                }
            }
            (bits, Form::Numbers)
        }
    };
    let bits = bits & !1;
    (bits != 0).then_some((bits, form))
}

/// One progress indicator.
pub fn read_progress(octets: &[u8]) -> Option<Progress> {
    let (_, &description) = (octets.first()?, octets.get(1)?);
    let description = description & 0x7F;
    (1..32).contains(&description).then(|| Progress::one(description))
}

/// Display text. An octet with the high bit in front is a character set of some networks; Latin-1 is read.
pub fn read_display(octets: &[u8]) -> Text {
    let octets = match octets {
        [0x80..=0xBF, rest @ ..] => rest,
        all => all,
    };
    let mut text = Text::new();
    for &octet in octets {
        let letter = match octet {
            0x20..=0x7E | 0xA0..=0xFF => char::from(octet),
            _ => continue,
        };
        if text.push(letter).is_err() {
            break;
        }
    }
    text
}

/// Digits alone, e.g. keypad.
pub fn read_digits(octets: &[u8]) -> Option<Digits> {
    let mut digits = Digits::new();
    for &octet in octets {
        if !is_digit(octet) {
            return None;
        }
        digits.push(char::from(octet)).ok()?;
    }
    Some(digits)
}

/// Called number.
pub fn read_called(octets: &[u8]) -> Option<Number> {
    let (&plan, mut digits) = octets.split_first()?;
    if plan & 0x80 == 0 {
        digits = digits.get(1..)?; // an octet 3a that does not belong here: some networks send it
    }
    number(plan, digits)
}

/// Calling number.
pub fn read_calling(octets: &[u8]) -> Option<Calling> {
    let (&plan, rest) = octets.split_first()?;
    if plan & 0x80 != 0 {
        return Some(Calling { number: number(plan, rest)?, ..Calling::default() });
    }
    let (&shown, rest) = rest.split_first()?;
    let (presentation, screening) = read_shown(shown);
    Some(Calling { number: number(plan, rest)?, presentation, screening })
}

/// Redirecting number.
pub fn read_redirecting(octets: &[u8]) -> Option<Redirecting> {
    let (&plan, mut rest) = octets.split_first()?;
    let mut read = Redirecting::default();
    let mut more = plan & 0x80 == 0;
    if more {
        let (&shown, tail) = rest.split_first()?;
        read.presentation = read_shown(shown).0;
        more = shown & 0x80 == 0;
        rest = tail;
    }
    if more {
        let (&reason, tail) = rest.split_first()?;
        read.reason = reason & 0x0F;
        rest = tail;
    }
    read.number = number(plan, rest)?;
    Some(read)
}

/// Restart indicator.
pub fn read_restart(octets: &[u8]) -> Option<RestartClass> {
    match octets.first()? & 0x07 {
        0 => Some(RestartClass::Channels),
        6 => Some(RestartClass::Interface),
        7 => Some(RestartClass::All),
        _ => None,
    }
}

fn number(plan: u8, digits: &[u8]) -> Option<Number> {
    let ton = match (plan >> 4) & 7 {
        0 => Ton::Unknown,
        1 => Ton::International,
        2 => Ton::National,
        3 => Ton::NetworkSpecific,
        4 => Ton::Subscriber,
        6 => Ton::Abbreviated,
        other => Ton::Reserved(other),
    };
    let npi = match plan & 0x0F {
        0 => Npi::Unknown,
        1 => Npi::E164,
        8 => Npi::National,
        9 => Npi::Private,
        other => Npi::Other(other),
    };
    Some(Number { digits: read_digits(digits)?, ton, npi })
}

fn read_shown(octet: u8) -> (Presentation, Screening) {
    let presentation = match (octet >> 5) & 3 {
        0 => Presentation::Allowed,
        1 => Presentation::Restricted,
        _ => Presentation::Unavailable,
    };
    let screening = match octet & 3 {
        0 => Screening::UserNotScreened,
        1 => Screening::UserPassed,
        2 => Screening::UserFailed,
        _ => Screening::Network,
    };
    (presentation, screening)
}

// --- writers

/// Bearer capability.
pub fn write_bearer(bearer: Bearer) -> Contents {
    let octets: &[u8] = match bearer {
        Bearer::Speech(Law::A) => &[0x80, 0x90, 0xA3],
        Bearer::Speech(Law::Mu) => &[0x80, 0x90, 0xA2],
        Bearer::Audio(Law::A) => &[0x90, 0x90, 0xA3],
        Bearer::Audio(Law::Mu) => &[0x90, 0x90, 0xA2],
        Bearer::Unrestricted => &[0x88, 0x90],
        Bearer::Other(capability) => &[0x80 | (capability & 0x1F), 0x90],
    };
    contents(octets)
}

/// Cause.
pub fn write_cause(cause: Cause, location: Location) -> Contents {
    contents(&[0x80 | (location.0 & 0x0F), 0x80 | (cause.0 & 0x7F)])
}

/// Call state.
pub fn write_call_state(state: u8) -> Contents {
    contents(&[state & 0x3F])
}

/// Channel identification.
pub fn write_channel(channel: Channel) -> Contents {
    let exclusive = if channel.exclusive { 0x08 } else { 0 };
    let mut out = Contents::new();
    match channel.selection {
        Selection::None => put(&mut out, 0xA0 | exclusive),
        Selection::Any => put(&mut out, 0xA3 | exclusive),
        Selection::Slots(bits) => {
            put(&mut out, 0xA1 | exclusive);
            match channel.form {
                Form::Numbers => write_numbers(&mut out, bits),
                Form::Map1544 => {
                    let [_, a, b, c] = (bits >> 1).to_be_bytes();
                    append(&mut out, &[0x93, a, b, c]);
                }
                Form::Map2048 => {
                    put(&mut out, 0x93);
                    append(&mut out, &bits.to_be_bytes());
                }
            }
        }
    }
    out
}

fn write_numbers(out: &mut Contents, bits: u32) {
    put(out, 0x83);
    let last = 31u32.saturating_sub(bits.leading_zeros());
    for slot in (1..32u32).filter(|slot| bits & (1 << slot) != 0) {
        let end = if slot == last { 0x80 } else { 0 };
        put(out, u8::try_from(slot).unwrap_or(0) | end);
    }
}

/// One progress indicator.
pub fn write_progress(description: u8, location: Location) -> Contents {
    contents(&[0x80 | (location.0 & 0x0F), 0x80 | (description & 0x7F)])
}

/// Display text in Latin-1; at most 80 octets; letters outside become `?`.
pub fn write_display(text: &str) -> Contents {
    let mut out = Contents::new();
    for letter in text.chars().take(80) {
        let shown = matches!(letter, ' '..='~' | '\u{A0}'..='\u{FF}');
        let octet = u8::try_from(letter).unwrap_or(b'?');
        put(&mut out, if shown { octet } else { b'?' });
    }
    out
}

/// Digits alone.
pub fn write_digits(digits: &str) -> Contents {
    contents(digits.as_bytes())
}

/// Called number.
pub fn write_called(called: &Number) -> Contents {
    let mut out = contents(&[0x80 | plan_octet(called)]);
    append(&mut out, called.digits.as_bytes());
    out
}

/// Calling number, always with octet 3a.
pub fn write_calling(calling: &Calling) -> Contents {
    let shown = 0x80 | shown_octet(calling.presentation, calling.screening);
    let mut out = contents(&[plan_octet(&calling.number), shown]);
    append(&mut out, calling.number.digits.as_bytes());
    out
}

/// Redirecting number with presentation and reason.
pub fn write_redirecting(redirecting: &Redirecting) -> Contents {
    let shown = shown_octet(redirecting.presentation, Screening::UserNotScreened);
    let reason = 0x80 | (redirecting.reason & 0x0F);
    let mut out = contents(&[plan_octet(&redirecting.number), shown, reason]);
    append(&mut out, redirecting.number.digits.as_bytes());
    out
}

/// Restart indicator.
pub fn write_restart(class: RestartClass) -> Contents {
    contents(&[match class {
        RestartClass::Channels => 0x80,
        RestartClass::Interface => 0x86,
        RestartClass::All => 0x87,
    }])
}

fn plan_octet(number: &Number) -> u8 {
    let ton = match number.ton {
        Ton::Unknown => 0,
        Ton::International => 1,
        Ton::National => 2,
        Ton::NetworkSpecific => 3,
        Ton::Subscriber => 4,
        Ton::Abbreviated => 6,
        Ton::Reserved(other) => other & 7,
    };
    let npi = match number.npi {
        Npi::Unknown => 0,
        Npi::E164 => 1,
        Npi::National => 8,
        Npi::Private => 9,
        Npi::Other(other) => other & 0x0F,
    };
    ton << 4 | npi
}

fn shown_octet(presentation: Presentation, screening: Screening) -> u8 {
    let presentation = match presentation {
        Presentation::Allowed => 0x00,
        Presentation::Restricted => 0x20,
        Presentation::Unavailable => 0x40,
    };
    let screening = match screening {
        Screening::UserNotScreened => 0,
        Screening::UserPassed => 1,
        Screening::UserFailed => 2,
        Screening::Network => 3,
    };
    presentation | screening
}

fn contents(octets: &[u8]) -> Contents {
    let mut out = Contents::new();
    append(&mut out, octets);
    out
}

/// Appends what fits; every writer above stays below the room by its own bounds.
fn append(out: &mut Contents, octets: &[u8]) {
    for &octet in octets {
        put(out, octet);
    }
}

fn put(out: &mut Contents, octet: u8) {
    let _ = out.push(octet);
}
