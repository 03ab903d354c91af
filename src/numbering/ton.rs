//! Type of number: what an exchange says about the digits beside it. Source: ITU-T Q.931 4.5.8, octet 3.

/// Type of number, Q.931 4.5.8 octet 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TypeOfNumber {
    /// Not said.
    #[default]
    Unknown,
    /// With country code, without prefix.
    International,
    /// With area code, without prefix.
    National,
    /// Of the network itself.
    Network,
    /// Without area code.
    Subscriber,
    /// Abbreviated.
    Abbreviated,
}

impl TypeOfNumber {
    /// From the three bits on the wire.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 7 {
            1 => Self::International,
            2 => Self::National,
            3 => Self::Network,
            4 => Self::Subscriber,
            6 => Self::Abbreviated,
            _ => Self::Unknown,
        }
    }
}
