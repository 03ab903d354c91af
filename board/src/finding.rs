//! What is said of a card, a span, a slot or the box: how it stands, what is the matter, and what to do next.

use serde::Serialize;

use crate::words::words;

words! {
    /// How something stands, the worst first.
    State {
        /// It is not there.
        Absent = "absent",
        /// It is there and does not do its work.
        Nearly = "nearly works",
        /// Nothing is to be done.
        Good = "good",
    }
}

words! {
    /// What is the matter: the same word in every version, for programs.
    Trouble {
        /// Nothing.
        Ready = "ready",
        /// No telephone card is in the box.
        NoCard = "no-card",
        /// DAHDI is not in the kernel.
        NoDahdi = "no-dahdi",
        /// A slot is empty that has something in it on this box.
        EmptySlot = "empty-slot",
        /// The card's module is not loaded.
        NotLoaded = "not-loaded",
        /// The card's module is not built for this kernel.
        NotBuilt = "not-built",
        /// The module is loaded and leaves the card alone.
        NotTaken = "not-taken",
        /// Another driver has the card.
        OtherDriver = "other-driver",
        /// The driver has the card and DAHDI has no device of it.
        NoDevice = "no-device",
        /// A card that waits for its firmware.
        NoFirmware = "no-firmware",
        /// It may be a telephone card, and is not known.
        UnknownCard = "unknown-card",
        /// A span without number and channels.
        Unassigned = "unassigned",
        /// A span without signalling.
        Unconfigured = "unconfigured",
        /// A span in alarm.
        Alarm = "alarm",
        /// It is of another kind than its slot or port.
        WrongKind = "wrong-kind",
        /// A socket of the box behind which the card has nothing.
        DeadPort = "dead-port",
        /// A card that was elsewhere.
        Moved = "moved",
        /// Two cards say the same number of themselves.
        SameId = "same-id",
        /// The device nodes are not for the service.
        NoRight = "no-right",
        /// Another program may have the cards.
        Asterisk = "asterisk",
        /// There is more than was looked at.
        LeftOut = "left-out",
    }
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How it stands; the worst come first.
    pub state: State,
    /// The name of what is spoken of.
    pub about: String,
    /// Where it is; may be empty.
    pub place: String,
    /// What is the matter.
    pub trouble: Trouble,
    /// The same in words.
    pub what: String,
    /// What to do next, in a sentence.
    pub next: String,
}
