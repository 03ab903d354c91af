//! The words of a profile: each an enum with its spelling.

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

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }
    };
}

pub(crate) use words;

words! {
    /// What a port is.
    Kind {
        /// A digital span of 2048 kbit/s.
        E1 = "e1",
        /// A digital span of 1544 kbit/s.
        T1 = "t1",
        /// An analogue line towards an exchange.
        Fxo = "fxo",
        /// A port for a telephone.
        Fxs = "fxs",
    }
}

impl Kind {
    /// Whether a port of it is a whole span, not one channel of one.
    pub fn is_digital(self) -> bool {
        matches!(self, Kind::E1 | Kind::T1)
    }

    /// In the words of people.
    pub fn people(self) -> &'static str {
        match self {
            Kind::E1 => "E1 span",
            Kind::T1 => "T1 span",
            Kind::Fxo => "analogue line (FXO)",
            Kind::Fxs => "telephone (FXS)",
        }
    }
}

words! {
    /// A colour that a lamp can show.
    Colour {
        /// Red.
        Red = "red",
        /// Green.
        Green = "green",
        /// Amber.
        Amber = "amber",
        /// Blue.
        Blue = "blue",
        /// White.
        White = "white",
    }
}
