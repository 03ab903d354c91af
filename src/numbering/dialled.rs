//! Digits that somebody dials one by one: whether they may be a whole number already. Source: ITU-T E.164 and the plans of
//! the table, as far as they say how long a number is; what is not certain is told by a pause.

use crate::class::Class;
use crate::country;
use crate::plan::{Plan, Reading, is_digits};

/// What the digits so far may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialled {
    /// The beginning of a number, or a number that nobody knows the length of.
    Beginning,
    /// A number; a longer one may begin the same.
    Perhaps,
    /// A whole number: nothing that follows can belong to it.
    Whole,
}

impl Plan {
    /// What digits so far may be. Help is called at once, whatever could still follow.
    pub fn dialled(&self, digits: &str) -> Dialled {
        if self.class(digits) == Class::Emergency {
            return Dialled::Whole;
        }
        if !is_digits(digits) {
            return Dialled::Beginning;
        }
        let Reading::Certain(number) = self.by_prefix(digits) else {
            return Dialled::Beginning;
        };
        let of_number = number.strip_prefix('+').and_then(country::of_number);
        let Some((row, national)) = of_number else {
            return Dialled::Beginning;
        };
        let (least, most) = row.length;
        // Without a prefix a number of the own area may be the beginning of one of another.
        let has_prefix = |prefix: &str| !prefix.is_empty() && digits.starts_with(prefix);
        let begins = has_prefix(&self.trunk_prefix) || has_prefix(&self.international_prefix);
        match national.len() {
            length if length >= most && begins => Dialled::Whole,
            length if length >= least => Dialled::Perhaps,
            _ => Dialled::Beginning,
        }
    }
}
