//! Octets of whole Q.931 messages to values and back: header, walk over the elements, codesets, order. It decides
//! nothing; a message with faults comes back with the faults noted in it.
//!
//! Elements of other codesets are passed over, locking and non-locking shifts are followed. Elements out of order are
//! taken (§5.8.5.1 allows it), repeated ones are passed over but for progress.
//! Source: Q.931 §4.2–§4.5.

use super::ie::{self, Ie, Progress};
use super::message::{Kind, Message, Reference};
use crate::q921::Info;

/// The protocol discriminator of call control.
pub const DISCRIMINATOR: u8 = 0x08;

mod id {
    pub const BEARER: u8 = 0x04;
    pub const CAUSE: u8 = 0x08;
    pub const CALL_STATE: u8 = 0x14;
    pub const CHANNEL: u8 = 0x18;
    pub const PROGRESS: u8 = 0x1E;
    pub const DISPLAY: u8 = 0x28;
    pub const KEYPAD: u8 = 0x2C;
    pub const CALLING: u8 = 0x6C;
    pub const CALLED: u8 = 0x70;
    pub const REDIRECTING: u8 = 0x74;
    pub const RESTART: u8 = 0x79;
    pub const SENDING_COMPLETE: u8 = 0xA1;
    /// Below 0x10 and known, though without a use here: segmented message, change status, connected address.
    pub const KNOWN_LOW: [u8; 3] = [0x00, 0x01, 0x0C];
}

/// Why octets are no message; all of them are passed over (§5.8.1–§5.8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageError {
    /// Too short for a header.
    Short,
    /// Another protocol.
    Discriminator(u8),
    /// A call reference longer than two octets or with spare bits set.
    Reference,
}

/// Reads a message.
pub fn decode(octets: &[u8]) -> Result<Message, MessageError> {
    let mut message = Message::default();
    decode_into(&mut message, octets)?;
    Ok(message)
}

/// Reads a message into an empty one where it stands.
pub(super) fn decode_into(message: &mut Message, octets: &[u8]) -> Result<(), MessageError> {
    let [discriminator, length, rest @ ..] = octets else {
        return Err(MessageError::Short);
    };
    if *discriminator != DISCRIMINATOR {
        return Err(MessageError::Discriminator(*discriminator));
    }
    let (reference, rest) = match (*length, rest) {
        (0, rest) => (Reference { dummy: true, ..Reference::default() }, rest),
        (1, [a, rest @ ..]) => (reference(u16::from(a & 0x7F), *a), rest),
        (2, [a, b, rest @ ..]) => (reference(u16::from_be_bytes([a & 0x7F, *b]), *a), rest),
        (1 | 2, _) => return Err(MessageError::Short),
        _ => return Err(MessageError::Reference),
    };
    let [kind, elements @ ..] = rest else {
        return Err(MessageError::Short);
    };
    (message.reference, message.kind) = (reference, Kind::from_octet(*kind));
    read_elements(message, elements);
    Ok(())
}

const fn reference(value: u16, first: u8) -> Reference {
    Reference { value, to_origin: first & 0x80 != 0, dummy: false }
}

fn read_elements(message: &mut Message, mut octets: &[u8]) {
    let mut codeset = 0;
    let mut once = None;
    while let [first, rest @ ..] = octets {
        let first = *first;
        let active = once.take().unwrap_or(codeset);
        if first & 0x80 != 0 {
            octets = rest;
            match first & 0xF0 {
                0x90 if first & 0x08 != 0 => once = Some(first & 7),
                // A locking shift goes up only (§4.5.3).
                0x90 if first & 7 > codeset => codeset = first & 7,
                _ if first == id::SENDING_COMPLETE && active == 0 => message.sending_complete = true,
                _ => message.passed_over = message.passed_over.saturating_add(1),
            }
            continue;
        }
        let contents = rest.split_first().and_then(|(length, tail)| tail.split_at_checked(usize::from(*length)));
        let Some((contents, tail)) = contents else {
            // Cut off: what it would have been is there and senseless.
            note_bad(message, first, active);
            return;
        };
        if active == 0 {
            read_element(message, first, contents);
        } else {
            message.passed_over = message.passed_over.saturating_add(1);
        }
        octets = tail;
    }
}

fn note_bad(message: &mut Message, identifier: u8, codeset: u8) {
    message.bad_elements = message.bad_elements.saturating_add(1);
    if codeset == 0 {
        read_element(message, identifier, &[]);
    }
}

fn read_element(message: &mut Message, identifier: u8, octets: &[u8]) {
    let bad = match identifier {
        id::BEARER => take(&mut message.bearer, ie::read_bearer(octets)),
        id::CAUSE => take(&mut message.cause, ie::read_cause(octets)),
        id::CALL_STATE => take(&mut message.call_state, ie::read_call_state(octets)),
        id::CHANNEL => take(&mut message.channel, ie::read_channel(octets)),
        id::KEYPAD => take(&mut message.keypad, ie::read_digits(octets)),
        id::CALLING => take(&mut message.calling, ie::read_calling(octets)),
        id::CALLED => take(&mut message.called, ie::read_called(octets)),
        id::REDIRECTING => take(&mut message.redirecting, ie::read_redirecting(octets)),
        id::RESTART => take(&mut message.restart, ie::read_restart(octets)),
        id::PROGRESS => match ie::read_progress(octets) {
            Some(Progress(bits)) => {
                message.progress.0 |= bits;
                Taken::Sound
            }
            None => Taken::Bad,
        },
        id::DISPLAY => {
            message.display.get_or_insert_with(|| ie::read_display(octets));
            Taken::Sound
        }
        other => {
            if other & 0xF0 == 0 && !id::KNOWN_LOW.contains(&other) {
                message.must_understand.get_or_insert(other);
            }
            Taken::PassedOver
        }
    };
    match bad {
        Taken::Sound => {}
        Taken::Bad => message.bad_elements = message.bad_elements.saturating_add(1),
        Taken::PassedOver => message.passed_over = message.passed_over.saturating_add(1),
    }
}

enum Taken {
    Sound,
    Bad,
    PassedOver,
}

/// The first of its kind counts (§5.8.5.2).
fn take<T>(place: &mut Ie<T>, read: Option<T>) -> Taken {
    if !matches!(place, Ie::Absent) {
        return Taken::PassedOver;
    }
    let taken = if read.is_some() { Taken::Sound } else { Taken::Bad };
    *place = Ie::read(read);
    taken
}

/// Writes a message, elements in ascending order; `None` when it does not fit into one frame.
pub fn encode(message: &Message) -> Option<Info> {
    let mut out = Info::new();
    encode_into(&mut out, message)?;
    Some(out)
}

/// The same into an empty buffer where it stands.
pub(super) fn encode_into(out: &mut Info, message: &Message) -> Option<()> {
    let [high, low] = message.reference.value.to_be_bytes();
    let flag = if message.reference.to_origin { 0x80 } else { 0 };
    let header = [DISCRIMINATOR, 2, high & 0x7F | flag, low, message.kind.octet()];
    out.extend_from_slice(&header).ok()?;
    if let Ie::Is(bearer) = &message.bearer {
        element(out, id::BEARER, &ie::write_bearer(*bearer))?;
    }
    if let Ie::Is((cause, location)) = &message.cause {
        element(out, id::CAUSE, &ie::write_cause(*cause, *location))?;
    }
    if let Ie::Is(state) = &message.call_state {
        element(out, id::CALL_STATE, &ie::write_call_state(*state))?;
    }
    if let Ie::Is(channel) = &message.channel {
        element(out, id::CHANNEL, &ie::write_channel(*channel))?;
    }
    // Bit 0 names nothing.
    let mut descriptions = message.progress.0 & !1;
    while descriptions != 0 {
        let description = descriptions.trailing_zeros() as u8;
        descriptions &= descriptions - 1;
        element(out, id::PROGRESS, &ie::write_progress(description, message.location))?;
    }
    if let Some(text) = &message.display {
        element(out, id::DISPLAY, &ie::write_display(text))?;
    }
    if let Ie::Is(digits) = &message.keypad {
        element(out, id::KEYPAD, &ie::write_digits(digits))?;
    }
    if let Ie::Is(calling) = &message.calling {
        element(out, id::CALLING, &ie::write_calling(calling))?;
    }
    if let Ie::Is(called) = &message.called {
        element(out, id::CALLED, &ie::write_called(called))?;
    }
    if let Ie::Is(redirecting) = &message.redirecting {
        element(out, id::REDIRECTING, &ie::write_redirecting(redirecting))?;
    }
    if let Ie::Is(class) = &message.restart {
        element(out, id::RESTART, &ie::write_restart(*class))?;
    }
    if message.sending_complete {
        out.push(id::SENDING_COMPLETE).ok()?;
    }
    Some(())
}

fn element(out: &mut Info, identifier: u8, contents: &[u8]) -> Option<()> {
    let length = u8::try_from(contents.len()).ok()?;
    out.extend_from_slice(&[identifier, length]).ok()?;
    out.extend_from_slice(contents).ok()
}
