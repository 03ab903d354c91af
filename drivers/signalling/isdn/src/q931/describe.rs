//! A frame of the D channel as one line for people: flight recorder, timeline, trace. It decides nothing and keeps
//! nothing.

use core::fmt::{Result, Write};

use super::codec;
use super::ie::{Ie, Selection};
use super::message::Message;
use crate::q921::codec::{self as link, Frame, Supervisory, Unnumbered};
use crate::words::{Number, Presentation, Ton};

/// Writes what a frame (without FCS) says, e.g.
/// `SETUP cr=1(from caller) channel 7 called 100 calling 2025550100`. `from caller` is a message of the side that
/// made the call, `to caller` one of the other side; `channel 7!` is one that no other can replace. A failing writer ends it early.
pub fn describe(frame: &[u8], out: &mut impl Write) {
    let _ = frame_line(frame, out);
}

fn frame_line(frame: &[u8], out: &mut impl Write) -> Result {
    match link::decode(frame) {
        Err(error) => write!(out, "no frame: {error:?}, {} octets", frame.len()),
        Ok((address, Frame::Unnumbered { kind, pf })) => {
            let name = match kind {
                Unnumbered::Sabme => "SABME",
                Unnumbered::Dm => "DM",
                Unnumbered::Disc => "DISC",
                Unnumbered::Ua => "UA",
                Unnumbered::Frmr => "FRMR",
                Unnumbered::Ui => "UI",
                Unnumbered::Xid => "XID",
            };
            out.write_str(name)?;
            if address.sapi != 0 || address.tei != 0 {
                write!(out, " sapi={} tei={}", address.sapi, address.tei)?;
            }
            if pf { out.write_str(" p/f") } else { Ok(()) }
        }
        Ok((_, Frame::Supervisory { kind, nr, pf })) => {
            let name = match kind {
                Supervisory::Rr => "RR",
                Supervisory::Rnr => "RNR",
                Supervisory::Rej => "REJ",
            };
            write!(out, "{name} nr={nr}{}", if pf { " p/f" } else { "" })
        }
        Ok((_, Frame::Information { info, .. })) => message_octets(info, out),
    }
}

fn message_octets(octets: &[u8], out: &mut impl Write) -> Result {
    match codec::decode(octets) {
        Ok(message) => message_line(&message, out),
        Err(error) => write!(out, "no message: {error:?}, {} octets", octets.len()),
    }
}

fn message_line(message: &Message, out: &mut impl Write) -> Result {
    out.write_str(message.kind.name())?;
    if matches!(message.kind, super::message::Kind::Unknown(_)) {
        write!(out, " {:02x}", message.kind.octet())?;
    }
    let reference = message.reference;
    if reference.dummy {
        out.write_str(" cr=none")?;
    } else if reference.value == 0 {
        out.write_str(" cr=global")?;
    } else {
        let side = if reference.to_origin { "to caller" } else { "from caller" };
        write!(out, " cr={}({side})", reference.value)?;
    }
    channel(message, out)?;
    if let Ie::Is(called) = &message.called {
        number(" called ", called, out)?;
    }
    if let Ie::Is(calling) = &message.calling {
        number(" calling ", &calling.number, out)?;
        if calling.presentation != Presentation::Allowed {
            out.write_str(" (withheld)")?;
        }
    }
    if let Some(name) = &message.display {
        write!(out, " display {:?}", name.as_str())?;
    }
    if let Ie::Is(redirecting) = &message.redirecting {
        number(" redirected from ", &redirecting.number, out)?;
    }
    if let Ie::Is(keypad) = &message.keypad {
        write!(out, " keys {keypad}")?;
    }
    if let Ie::Is((cause, _)) = &message.cause {
        write!(out, " cause {} {}", cause.0, cause.text())?;
    }
    if let Ie::Is(state) = message.call_state {
        write!(out, " state {state}")?;
    }
    if message.progress.is_inband() {
        out.write_str(" in-band")?;
    }
    if message.sending_complete {
        out.write_str(" complete")?;
    }
    if message.bad_elements > 0 || message.must_understand.is_some() {
        out.write_str(" (faulty elements)")?;
    }
    Ok(())
}

fn channel(message: &Message, out: &mut impl Write) -> Result {
    let Ie::Is(channel) = &message.channel else {
        return Ok(());
    };
    match channel.selection {
        Selection::None => out.write_str(" no channel"),
        Selection::Any => out.write_str(" any channel"),
        Selection::Slots(bits) => {
            out.write_str(" channel ")?;
            let mut comma = "";
            for slot in (1..32).filter(|slot| bits & (1u32 << slot) != 0) {
                write!(out, "{comma}{slot}")?;
                comma = ",";
            }
            if channel.exclusive { out.write_str("!") } else { Ok(()) }
        }
    }
}

fn number(label: &str, number: &Number, out: &mut impl Write) -> Result {
    let plus = if number.ton == Ton::International { "+" } else { "" };
    write!(out, "{label}{plus}{}", number.digits)
}
