//! Octets of Q.921 frames to values and back. It decides nothing: what a frame means is the layer's.
//!
//! Frames are without flags and without their two FCS octets.
//! Source: Q.921 §2 (frame), §3.3 (address), §3.4 (control), table 5.

use crate::Role;

/// Most octets of an information field: N201.
pub const MAX_INFO: usize = 260;
/// Most octets of a frame: address 2, control 2, information.
pub const MAX_FRAME: usize = MAX_INFO + 4;

/// A whole frame without FCS.
pub type FrameBuf = heapless::Vec<u8, MAX_FRAME>;
/// An information field: one Q.931 message.
pub type Info = heapless::Vec<u8, MAX_INFO>;

/// The address field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// Service access point: 0 call control, 63 management.
    pub sapi: u8,
    /// Terminal endpoint: 0 on a PRI.
    pub tei: u8,
    /// The C/R bit as it stands on the wire.
    pub cr: bool,
}

impl Address {
    /// Our address for a command or a response: commands of the network and responses of the user have the bit set.
    pub const fn ours(role: Role, command: bool) -> Self {
        Address { sapi: 0, tei: 0, cr: command == matches!(role, Role::Network) }
    }

    /// Whether a frame received by `role` with this address is a command.
    pub const fn is_command_for(self, role: Role) -> bool {
        self.cr == matches!(role, Role::User)
    }
}

/// Supervisory functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supervisory {
    /// Receive ready.
    Rr,
    /// Receive not ready.
    Rnr,
    /// Reject: go back to N(R).
    Rej,
}

/// Unnumbered functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unnumbered {
    /// Set asynchronous balanced mode extended.
    Sabme,
    /// Disconnected mode.
    Dm,
    /// Disconnect.
    Disc,
    /// Unnumbered acknowledgement.
    Ua,
    /// Frame reject.
    Frmr,
    /// Unnumbered information.
    Ui,
    /// Exchange identification.
    Xid,
}

/// The rest of a frame. N(S) and N(R) are 0–127.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Numbered information.
    Information {
        /// N(S).
        ns: u8,
        /// N(R).
        nr: u8,
        /// Poll.
        poll: bool,
        /// The message.
        info: &'a [u8],
    },
    /// Supervisory.
    Supervisory {
        /// Which.
        kind: Supervisory,
        /// N(R).
        nr: u8,
        /// Poll or final.
        pf: bool,
    },
    /// Unnumbered.
    Unnumbered {
        /// Which.
        kind: Unnumbered,
        /// Poll or final.
        pf: bool,
    },
}

/// Why octets are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// Fewer octets than address and control: an invalid frame, passed over (§2.9).
    Short,
    /// Address extension bits out of place: invalid too.
    Address,
    /// A control field that is not defined (§3.6.1): error L.
    Control(Address),
    /// A supervisory or unnumbered frame with octets behind it: error N.
    Length(Address),
    /// An information field longer than N201: error O.
    Long(Address),
}

/// Reads a frame.
pub fn decode(octets: &[u8]) -> Result<(Address, Frame<'_>), FrameError> {
    let [first, second, rest @ ..] = octets else {
        return Err(FrameError::Short);
    };
    if first & 1 != 0 || second & 1 != 1 {
        return Err(FrameError::Address);
    }
    let address = Address { sapi: first >> 2, tei: second >> 1, cr: first & 2 != 0 };
    let [control, rest @ ..] = rest else {
        return Err(FrameError::Short);
    };
    let control = *control;
    if control & 3 == 3 {
        return unnumbered(address, control, rest);
    }
    let [next, info @ ..] = rest else {
        return Err(FrameError::Short);
    };
    let (nr, pf) = (next >> 1, next & 1 != 0);
    if control & 1 == 0 {
        if info.len() > MAX_INFO {
            return Err(FrameError::Long(address));
        }
        return Ok((address, Frame::Information { ns: control >> 1, nr, poll: pf, info }));
    }
    let kind = match control {
        0x01 => Supervisory::Rr,
        0x05 => Supervisory::Rnr,
        0x09 => Supervisory::Rej,
        _ => return Err(FrameError::Control(address)),
    };
    if !info.is_empty() {
        return Err(FrameError::Length(address));
    }
    Ok((address, Frame::Supervisory { kind, nr, pf }))
}

fn unnumbered(address: Address, control: u8, rest: &[u8]) -> Result<(Address, Frame<'_>), FrameError> {
    let kind = match control & !0x10 {
        0x6F => Unnumbered::Sabme,
        0x0F => Unnumbered::Dm,
        0x43 => Unnumbered::Disc,
        0x63 => Unnumbered::Ua,
        0x87 => Unnumbered::Frmr,
        0x03 => Unnumbered::Ui,
        0xAF => Unnumbered::Xid,
        _ => return Err(FrameError::Control(address)),
    };
    let carries = matches!(kind, Unnumbered::Frmr | Unnumbered::Ui | Unnumbered::Xid);
    if rest.len() > MAX_INFO {
        return Err(FrameError::Long(address));
    }
    if !carries && !rest.is_empty() {
        return Err(FrameError::Length(address));
    }
    Ok((address, Frame::Unnumbered { kind, pf: control & 0x10 != 0 }))
}

/// Writes a frame.
pub fn encode(address: Address, frame: Frame<'_>) -> FrameBuf {
    let mut out = FrameBuf::new();
    encode_into(&mut out, address, frame);
    out
}

/// Writes a frame into an empty buffer where it stands. An information field beyond N201 is cut: the layer never offers
/// one.
pub(super) fn encode_into(out: &mut FrameBuf, address: Address, frame: Frame<'_>) {
    let cr = if address.cr { 2 } else { 0 };
    let [sapi, tei] = [address.sapi << 2 | cr, address.tei << 1 | 1];
    match frame {
        Frame::Information { ns, nr, poll, info } => {
            put(out, &[sapi, tei, ns << 1, nr << 1 | u8::from(poll)]);
            put(out, &info[..info.len().min(MAX_INFO)]);
        }
        Frame::Supervisory { kind, nr, pf } => {
            let kind = match kind {
                Supervisory::Rr => 0x01,
                Supervisory::Rnr => 0x05,
                Supervisory::Rej => 0x09,
            };
            put(out, &[sapi, tei, kind, nr << 1 | u8::from(pf)]);
        }
        Frame::Unnumbered { kind, pf } => {
            let control = match kind {
                Unnumbered::Sabme => 0x6F,
                Unnumbered::Dm => 0x0F,
                Unnumbered::Disc => 0x43,
                Unnumbered::Ua => 0x63,
                Unnumbered::Frmr => 0x87,
                Unnumbered::Ui => 0x03,
                Unnumbered::Xid => 0xAF,
            };
            put(out, &[sapi, tei, control | if pf { 0x10 } else { 0 }]);
        }
    }
}

/// Appends; the buffer has room for the longest frame.
fn put(out: &mut FrameBuf, octets: &[u8]) {
    let _ = out.extend_from_slice(octets);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_the_standard_octet_by_octet() {
        let sabme = Frame::Unnumbered { kind: Unnumbered::Sabme, pf: true };
        assert_eq!(encode(Address::ours(Role::User, true), sabme).as_slice(), [0x00, 0x01, 0x7F]);
        assert_eq!(encode(Address::ours(Role::Network, true), sabme).as_slice(), [0x02, 0x01, 0x7F]);
        let ua = Frame::Unnumbered { kind: Unnumbered::Ua, pf: true };
        assert_eq!(encode(Address::ours(Role::User, false), ua).as_slice(), [0x02, 0x01, 0x73]);
        assert_eq!(encode(Address::ours(Role::Network, false), ua).as_slice(), [0x00, 0x01, 0x73]);
        let rr = Frame::Supervisory { kind: Supervisory::Rr, nr: 5, pf: false };
        assert_eq!(encode(Address::ours(Role::User, false), rr).as_slice(), [0x02, 0x01, 0x01, 0x0A]);
        let i = Frame::Information { ns: 1, nr: 2, poll: true, info: &[0x08] };
        assert_eq!(encode(Address::ours(Role::User, true), i).as_slice(), [0x00, 0x01, 0x02, 0x05, 0x08]);
    }

    #[test]
    fn every_frame_comes_back() {
        let kinds = [
            Unnumbered::Sabme,
            Unnumbered::Dm,
            Unnumbered::Disc,
            Unnumbered::Ua,
            Unnumbered::Frmr,
            Unnumbered::Ui,
            Unnumbered::Xid,
        ];
        for role in [Role::User, Role::Network] {
            for command in [true, false] {
                let address = Address::ours(role, command);
                for pf in [true, false] {
                    for kind in kinds {
                        let frame = Frame::Unnumbered { kind, pf };
                        assert_eq!(decode(&encode(address, frame)), Ok((address, frame)));
                    }
                    for kind in [Supervisory::Rr, Supervisory::Rnr, Supervisory::Rej] {
                        let frame = Frame::Supervisory { kind, nr: 127, pf };
                        assert_eq!(decode(&encode(address, frame)), Ok((address, frame)));
                    }
                    let frame = Frame::Information { ns: 127, nr: 0, poll: pf, info: &[8, 2, 0, 1, 5] };
                    assert_eq!(decode(&encode(address, frame)), Ok((address, frame)));
                }
            }
        }
    }

    #[test]
    fn what_is_no_frame_is_named() {
        let address = Address { sapi: 0, tei: 0, cr: false };
        assert_eq!(decode(&[]), Err(FrameError::Short));
        assert_eq!(decode(&[0, 1]), Err(FrameError::Short));
        assert_eq!(decode(&[0, 1, 1]), Err(FrameError::Short));
        assert_eq!(decode(&[1, 1, 0x7F]), Err(FrameError::Address));
        assert_eq!(decode(&[0, 0, 0x7F]), Err(FrameError::Address));
        assert_eq!(decode(&[0, 1, 0xFF]), Err(FrameError::Control(address)));
        assert_eq!(decode(&[0, 1, 0x0D, 0]), Err(FrameError::Control(address)));
        assert_eq!(decode(&[0, 1, 0x01, 0, 9]), Err(FrameError::Length(address)));
        assert_eq!(decode(&[0, 1, 0x7F, 9]), Err(FrameError::Length(address)));
        let mut long = [0u8; MAX_FRAME + 1];
        long[1] = 1;
        assert_eq!(decode(&long), Err(FrameError::Long(address)));
        assert!(decode(&long[..MAX_FRAME]).is_ok());
    }
}
