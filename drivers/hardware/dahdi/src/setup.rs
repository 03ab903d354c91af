//! What a span of the box is to be: which one it is, its framing, coding and clock, and the use of each of its channels.
//! Values and the kernel's numbers for them; no device is asked.
//!
//! Source: `include/dahdi/user.h` (line configuration bits, signalling types).

use tipring_card::{Maintenance, SpanId, SpanKind, Use};

use crate::raw;

/// One span as the configuration wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanSetup {
    /// Our number for it, whatever number the kernel gives it: `dahdi 1`.
    pub id: SpanId,
    /// Which one it is.
    pub place: Place,
    /// E1, T1 or analogue.
    pub kind: SpanKind,
    /// Framing and clock of a digital span; `None`: an analogue card, which has none.
    pub line: Option<Line>,
    /// Timeslots and what each is used as. One that is not named stays as it is.
    pub uses: Vec<(u8, Use)>,
}

/// Which span of the box is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The one that has this number in the kernel.
    Number(u16),
    /// By its card.
    Card {
        /// Its hardware id, or its place: `pci:0000:02:01.0`.
        card: String,
        /// Which span of it, from 1.
        port: u8,
    },
}

/// How a digital span is framed, coded and clocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// How timeslots are found.
    pub framing: Framing,
    /// How bits are pulses.
    pub coding: Coding,
    /// E1: check sums in the framing.
    pub crc4: bool,
    /// Code of the cable's length, or attenuation: 0 to 7.
    pub build_out: u8,
    /// 0: we give the clock. Else the order in which spans are asked for one.
    pub clock: u8,
}

/// How timeslots are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// E1, timeslot 16 is a channel as others are.
    Ccs,
    /// E1, timeslot 16 carries the signalling bits of all others.
    Cas,
    /// T1, extended superframe.
    Esf,
    /// T1, superframe.
    D4,
}

/// How bits are pulses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// E1.
    Hdb3,
    /// T1.
    B8zs,
    /// Either, in old networks.
    Ami,
}

/// Bits that say framing and coding; all others tell something else.
pub(crate) const LINE_BITS: i32 = 0x1FF0;

impl Line {
    /// The kernel's bits for framing and coding.
    pub(crate) fn bits(&self) -> i32 {
        let framing = match self.framing {
            Framing::D4 => 1 << 4,
            Framing::Esf => 1 << 5,
            Framing::Ccs => 1 << 8,
            Framing::Cas => 0,
        };
        let coding = match self.coding {
            Coding::Ami => 1 << 6,
            Coding::B8zs => 1 << 7,
            Coding::Hdb3 => 1 << 9,
        };
        framing | coding | if self.crc4 { 1 << 10 } else { 0 }
    }
}

/// The kernel's signalling type for a use. The names are crossed: a port towards the exchange has *FXS* signalling.
pub(crate) fn signalling_type(to: Use) -> u32 {
    match to {
        Use::Unused => 0,
        Use::Bearer => 0x80,
        Use::DChannel => 0x380,
        Use::FxoLoopStart => 0x2001,
        Use::FxoGroundStart => 0x2002,
        Use::Fxo => 0x2004,
        Use::FxsLoopStart => 0x1008,
        Use::FxsGroundStart => 0x1010,
        Use::Fxs => 0x1020,
    }
}

/// Whether a channel that the kernel has as `found` is what is wanted. A card whose own circuit does a D channel's HDLC
/// has another number for it.
pub(crate) fn is(found: u32, wanted: Use) -> bool {
    found == signalling_type(wanted) || (wanted == Use::DChannel && found == 0x8_0080)
}

/// The kernel's number for a loop or a test.
pub(crate) fn maintenance(what: Maintenance) -> i32 {
    match what {
        Maintenance::Off => 0,
        Maintenance::LocalLoop => 1,
        Maintenance::LineLoop => 2,
        Maintenance::LoopUp => 3,
        Maintenance::LoopDown => 4,
        Maintenance::TestPattern => 12,
        Maintenance::PayloadLoop => 13,
        Maintenance::ResetCounters => 14,
    }
}

/// The law of a span's channels.
pub(crate) fn law(kind: SpanKind) -> i32 {
    match kind {
        SpanKind::E1 => raw::LAW_A,
        SpanKind::T1 | SpanKind::Analog => raw::LAW_MU,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;

    #[test]
    fn framing_and_coding_are_the_kernels_bits() {
        let line = Line { framing: Framing::Ccs, coding: Coding::Hdb3, crc4: true, build_out: 0, clock: 1 };
        assert_eq!(line.bits(), 0x700);
        let t1 = Line { framing: Framing::Esf, coding: Coding::B8zs, crc4: false, ..line };
        assert_eq!(t1.bits(), 0xA0);
        assert_eq!(Line { framing: Framing::D4, coding: Coding::Ami, ..t1 }.bits(), 0x50);
        assert_eq!(Line { framing: Framing::Cas, crc4: false, ..line }.bits(), 0x200);
        assert_eq!(line.bits() & !LINE_BITS, 0);
    }

    #[test]
    fn every_use_signals_as_it_is_told_afterwards() {
        for to in Use::ALL {
            let told = match signalling_type(to) {
                0 => None,
                number => Some(decode::signalling(number)),
            };
            assert_eq!(told, to.signalling(), "{to:?}");
            assert!(is(signalling_type(to), to));
        }
        assert!(is(0x8_0080, Use::DChannel) && !is(0x8_0080, Use::Bearer) && !is(0x2001, Use::Fxo));
    }
}
