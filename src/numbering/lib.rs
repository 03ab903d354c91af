//! Digits on a line ↔ E.164. Pure, no_std. Today: the inbound direction for a called and a calling number with its type
//! of number (Q.931 octet 3); what is not certain stays as it came. Not a phone-number library: it knows the box's own
//! plan (country code, prefixes), not the world's.
#![no_std]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};

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

/// The dialling plan of the place where the box stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Country code without plus, e.g. `44`; empty: nothing is ever completed.
    pub country: String,
    /// Area code without trunk prefix, e.g. `20`.
    pub area: String,
    /// Trunk prefix, e.g. `0`.
    pub trunk_prefix: String,
    /// International prefix, e.g. `00`.
    pub international_prefix: String,
}

impl Plan {
    /// E.164 with plus where the plan is certain of it; else the digits as they came.
    pub fn e164(&self, digits: &str, ton: TypeOfNumber) -> String {
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return digits.to_string();
        }
        match ton {
            TypeOfNumber::International => format!("+{digits}"),
            _ if self.country.is_empty() => digits.to_string(),
            TypeOfNumber::National => format!("+{}{}", self.country, digits),
            TypeOfNumber::Subscriber if !self.area.is_empty() => format!("+{}{}{}", self.country, self.area, digits),
            TypeOfNumber::Unknown => self.by_prefix(digits),
            _ => digits.to_string(),
        }
    }

    fn by_prefix(&self, digits: &str) -> String {
        if let Some(rest) = strip(digits, &self.international_prefix) {
            return format!("+{rest}");
        }
        match strip(digits, &self.trunk_prefix) {
            Some(rest) => format!("+{}{}", self.country, rest),
            None => digits.to_string(),
        }
    }
}

/// What kind of number is called: what it may cost, and who may be kept from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Help: never refused.
    Emergency,
    /// A short code or service of the network or of the exchange that we stand behind.
    Short,
    /// Free of charge to the caller.
    TollFree,
    /// Fixed lines and all else of the own country.
    National,
    /// Mobile telephones of the own country.
    Mobile,
    /// Other countries.
    International,
    /// Paid services, in any country, and satellites.
    Premium,
    /// What the plan cannot place.
    Unknown,
}

/// How numbers are written on a line towards the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As a person there would dial: prefixes, type unknown. The only form of an analogue line.
    #[default]
    Dialled,
    /// Type national or international, no prefixes.
    Typed,
    /// Country code and number without plus, type unknown.
    Digits,
    /// Country code and number after a plus sign, type unknown.
    Plus,
}

/// A number as it is sent on a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineDigits {
    /// Its digits.
    pub digits: String,
    /// Its type.
    pub ton: TypeOfNumber,
}

impl Plan {
    /// What kind of number it is. Takes what [`Plan::normal`] gives.
    pub fn class(&self, _number: &str) -> Class {
        Class::Unknown
    }

    /// What a person or program means by `number`: E.164 with plus where that is certain; emergency numbers, short codes
    /// and what is not certain stay. `None`: it cannot be a number at all.
    pub fn normal(&self, number: &str) -> Option<String> {
        Some(number.to_string())
    }

    /// How `number` (E.164 with plus, or digits) is sent on a line.
    pub fn on_line(&self, number: &str, _form: Form) -> LineDigits {
        LineDigits { digits: number.to_string(), ton: TypeOfNumber::Unknown }
    }
}

/// The rest after a prefix that is not empty, if there is a rest.
fn strip<'a>(digits: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() {
        return None;
    }
    digits.strip_prefix(prefix).filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn london() -> Plan {
        Plan { country: "44".into(), area: "20".into(), trunk_prefix: "0".into(), international_prefix: "00".into() }
    }

    #[test]
    fn a_type_of_number_decides_before_prefixes_do() {
        let plan = london();
        assert_eq!(plan.e164("442079460000", TypeOfNumber::International), "+442079460000");
        assert_eq!(plan.e164("2079460000", TypeOfNumber::National), "+442079460000");
        assert_eq!(plan.e164("79460000", TypeOfNumber::Subscriber), "+442079460000");
        assert_eq!(plan.e164("02079460000", TypeOfNumber::Unknown), "+442079460000");
        assert_eq!(plan.e164("0012025550100", TypeOfNumber::Unknown), "+12025550100");
    }

    #[test]
    fn what_is_not_certain_stays_as_it_came() {
        let plan = london();
        assert_eq!(plan.e164("100", TypeOfNumber::Unknown), "100");
        assert_eq!(plan.e164("999", TypeOfNumber::Network), "999");
        assert_eq!(plan.e164("0", TypeOfNumber::Unknown), "0");
        assert_eq!(plan.e164("12*3", TypeOfNumber::International), "12*3");
        assert_eq!(Plan::default().e164("2025550100", TypeOfNumber::National), "2025550100");
    }
}
