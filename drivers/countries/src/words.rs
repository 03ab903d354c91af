//! The words of a country's entry that are none of tones: each an enum with its spelling.

use serde::{Serialize, Serializer};

/// An enum whose variants are words.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$of])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// As it is written.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            /// What is so written.
            pub fn of(word: &str) -> Option<$name> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }
    };
}

words! {
    /// A form of caller id on an analogue line.
    CallerId {
        /// Bell 202, between the first and the second ring.
        BellAfterRing = "bell-after-ring",
        /// V.23, between the first and the second ring.
        V23AfterRing = "v23-after-ring",
        /// V.23 before the first ring, behind a reversal or a short pulse of ringing.
        V23BeforeRing = "v23-before-ring",
        /// V.23 in a short session off hook, then the first ring.
        V23Japan = "v23-japan",
        /// Keys before the first ring.
        DtmfBeforeRing = "dtmf-before-ring",
        /// Keys between the first and the second ring.
        DtmfAfterRing = "dtmf-after-ring",
        /// Asked for by a tone of 500 Hz after the answer.
        Aon = "aon",
    }
}

words! {
    /// A sign by which the end of a call may be known.
    HangUp {
        /// The line's feed drops.
        Battery = "battery",
        /// Its polarity turns back.
        Reversal = "reversal",
        /// Busy or congestion.
        Tone = "tone",
        /// A fresh dial tone.
        DialTone = "dial-tone",
        /// Nothing for long; never alone.
        Silence = "silence",
    }
}

words! {
    /// Companding of digital trunks.
    Law {
        /// A-law.
        A = "a",
        /// µ-law.
        Mu = "mu",
    }
}

words! {
    /// Framing of digital trunks.
    Framing {
        /// 2048 kbit/s, 30 channels.
        E1 = "e1",
        /// 1544 kbit/s, 23 or 24 channels.
        T1 = "t1",
    }
}

/// The modes of the line's electrics that DAHDI's drivers know. Source: DAHDI's table of FXO modes.
#[rustfmt::skip]
pub const FXO_MODES: &[&str] = &[
    "FCC", "TBR21", "ARGENTINA", "AUSTRALIA", "AUSTRIA", "BAHRAIN", "BELGIUM", "BRAZIL", "BULGARIA", "CANADA", "CHILE",
    "CHINA", "COLOMBIA", "CROATIA", "CYPRUS", "CZECH", "DENMARK", "ECUADOR", "EGYPT", "ELSALVADOR", "FINLAND", "FRANCE",
    "GERMANY", "GREECE", "GUAM", "HONGKONG", "HUNGARY", "ICELAND", "INDIA", "INDONESIA", "IRELAND", "ISRAEL", "ITALY",
    "JAPAN", "JORDAN", "KAZAKHSTAN", "KUWAIT", "LATVIA", "LEBANON", "LUXEMBOURG", "MACAO", "MALAYSIA", "MALTA", "MEXICO",
    "MOROCCO", "NETHERLANDS", "NEWZEALAND", "NIGERIA", "NORWAY", "OMAN", "PAKISTAN", "PERU", "PHILIPPINES", "POLAND",
    "PORTUGAL", "ROMANIA", "RUSSIA", "SAUDIARABIA", "SINGAPORE", "SLOVAKIA", "SLOVENIA", "SOUTHAFRICA", "SOUTHKOREA",
    "SPAIN", "SWEDEN", "SWITZERLAND", "SYRIA", "TAIWAN", "THAILAND", "UAE", "UK", "USA", "YEMEN",
];
