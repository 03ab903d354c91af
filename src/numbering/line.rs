//! Numbers as they are sent on a line towards the network. Sources: ITU-T E.164, Q.931 4.5.8. Never in local form:
//! whether a place wants the area code left out cannot be known, and with it the call always arrives.

use alloc::format;
use alloc::string::{String, ToString};

use crate::country;
use crate::plan::{Plan, is_digits};
use crate::ton::TypeOfNumber;

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

impl LineDigits {
    fn unknown(digits: impl Into<String>) -> Self {
        LineDigits { digits: digits.into(), ton: TypeOfNumber::Unknown }
    }
}

impl Plan {
    /// How `number` (as [`Plan::normal`] gives it) is sent on a line. Emergency numbers, short codes and digits of which
    /// nothing is known are sent as they are, in every form. Without an international prefix a foreign number keeps its
    /// plus in the form [`Form::Dialled`]: a line that cannot send it refuses it, instead of reaching somebody else.
    pub fn on_line(&self, number: &str, form: Form) -> LineDigits {
        let Some(digits) = number.strip_prefix('+').filter(|digits| is_digits(digits)) else {
            return LineDigits::unknown(number);
        };
        let Some(tidy) = self.tidy(digits) else {
            return LineDigits::unknown(number);
        };
        let Some(digits) = tidy.strip_prefix('+') else {
            return LineDigits::unknown(tidy);
        };
        match (form, self.own(digits)) {
            (Form::Plus, _) => LineDigits::unknown(tidy),
            (Form::Digits, _) => LineDigits::unknown(digits),
            (Form::Typed, Some(national)) => LineDigits { digits: national.to_string(), ton: TypeOfNumber::National },
            (Form::Typed, None) => LineDigits { digits: digits.to_string(), ton: TypeOfNumber::International },
            (Form::Dialled, Some(national)) => LineDigits::unknown(self.national_dialled(national)),
            (Form::Dialled, None) if self.international_prefix.is_empty() => LineDigits::unknown(tidy),
            (Form::Dialled, None) => LineDigits::unknown(format!("{}{digits}", self.international_prefix)),
        }
    }

    fn national_dialled(&self, national: &str) -> String {
        let trunkless = self.row().is_some_and(|row| country::fits(row.trunkless, national).is_some());
        if trunkless { national.to_string() } else { format!("{}{national}", self.trunk_prefix) }
    }
}
