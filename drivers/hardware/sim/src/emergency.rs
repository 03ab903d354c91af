//! A number for help, in a form that only a simulation can give. Nothing is dialled here.
//!
//! Rule: a test never dials help on anything but a simulation. Whoever writes a step that dials 110, 112, 911 and their
//! kind takes an [`EmergencyNumber`] for it, not text: then the step cannot be run against a card that is not simulated,
//! because no other card makes one.

/// Longest number for help: three digits nearly everywhere, up to six with an access code.
pub const MAX_EMERGENCY_DIGITS: usize = 8;

/// A number for help on a simulated line; made by [`crate::Wire::emergency_number`] alone.
///
/// ```compile_fail
/// let number = tipring_sim::EmergencyNumber("112".into()); // private: no wire, no number
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmergencyNumber(String);

impl EmergencyNumber {
    /// What is no digit is left out, and what is too long is cut.
    pub(crate) fn on_a_simulation(digits: &str) -> EmergencyNumber {
        let digits = digits.chars().filter(|c| c.is_ascii_digit()).take(MAX_EMERGENCY_DIGITS);
        EmergencyNumber(digits.collect())
    }

    /// Its digits.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for EmergencyNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Wire, WireConfig};

    #[test]
    fn only_a_wire_gives_a_number_for_help() {
        let wire = Wire::new(WireConfig::default());
        assert_eq!(wire.emergency_number("112").digits(), "112");
        assert_eq!(wire.emergency_number("9-1-1 p").to_string(), "911");
        assert_eq!(wire.emergency_number("123456789").digits(), "12345678");
    }
}
