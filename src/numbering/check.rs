//! What is wrong with a plan that somebody wrote: for whoever reads it from a file. A wrong plan does no harm, but it
//! completes nothing. Source: ITU-T E.164 6.2 (country codes have 1 to 3 digits, numbers 15 at most).

use alloc::format;
use alloc::string::String;

use crate::plan::{Plan, is_digits};
use crate::{MAX_E164, country};

/// Digits of a prefix; the longest that is known has five.
const MAX_PREFIX: usize = 5;

/// What is wrong with a plan, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFault {
    /// The field of [`Plan`].
    pub field: &'static str,
    /// What is wrong and what to do.
    pub text: String,
}

impl Plan {
    /// The first thing that is wrong with the plan; `None`: nothing is. Empty fields are right.
    pub fn fault(&self) -> Option<PlanFault> {
        let fault = |field, text: String| Some(PlanFault { field, text });
        if !self.country.is_empty() && (self.code().is_empty() || self.country.len() > 3) {
            let text =
                format!("{:?} is no country code; write its 1 to 3 digits without plus, such as 44", self.country);
            return fault("country", text);
        }
        if !self.iso.is_empty() && country::by_iso(&self.iso).is_none_or(|row| row.code != self.code()) {
            let known = Plan::presets().collect::<alloc::vec::Vec<_>>().join(" ");
            let text = format!("{:?} is no country with the code {:?}; known are {known}", self.iso, self.country);
            return fault("iso", text);
        }
        let prefixes = [("trunk_prefix", &self.trunk_prefix), ("international_prefix", &self.international_prefix)];
        for (field, prefix) in prefixes {
            if !prefix.is_empty() && (!is_digits(prefix) || prefix.len() > MAX_PREFIX) {
                return fault(field, format!("{prefix:?} is no prefix; write 1 to {MAX_PREFIX} digits, such as 0"));
            }
        }
        if !self.area.is_empty() && (!is_digits(&self.area) || self.code().len() + self.area.len() >= MAX_E164) {
            return fault("area", format!("{:?} is no area code; write its digits, such as 20", self.area));
        }
        if self.trunk_prefix == "0" && self.area.starts_with('0') {
            return fault("area", format!("{:?} begins with the trunk prefix; leave it out", self.area));
        }
        self.ddi_fault()
    }

    fn ddi_fault(&self) -> Option<PlanFault> {
        let fault = |field, text: String| Some(PlanFault { field, text });
        if self.ddi_prefix.is_empty() {
            let text = "it has no effect without ddi_prefix; write the stem of the numbers there".into();
            return if self.ddi_digits > 0 { fault("ddi_digits", text) } else { None };
        }
        let stem = self.ddi_prefix.strip_prefix('+').unwrap_or(&self.ddi_prefix);
        if !is_digits(stem) || stem.starts_with('0') || !stem.starts_with(self.code()) {
            let text = format!(
                "{:?} is no stem of numbers here; write it with country code {} and without prefixes",
                self.ddi_prefix,
                self.code()
            );
            return fault("ddi_prefix", text);
        }
        let whole = stem.len() + usize::from(self.ddi_digits.max(1));
        if whole > MAX_E164 {
            let text = format!("with the stem a number has {whole} digits; E.164 allows {MAX_E164}");
            return fault(if self.ddi_digits > 0 { "ddi_digits" } else { "ddi_prefix" }, text);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_field_is_named_with_its_remedy_and_right_ones_are_not() {
        assert_eq!(Plan::default().fault(), None);
        for iso in Plan::presets() {
            assert_eq!(Plan::preset(iso).and_then(|plan| plan.fault()), None, "{iso}");
        }
        let gb =
            || Plan { area: "20".into(), ddi_prefix: "+44207946".into(), ddi_digits: 4, ..Plan::preset("gb").unwrap() };
        assert_eq!(gb().fault(), None);
        let rome = Plan { area: "06".into(), ..Plan::preset("it").unwrap() };
        assert_eq!(rome.fault(), None, "in Italy the 0 belongs to the area");
        let wrong = [
            ("country", Plan { country: "+44".into(), ..gb() }),
            ("country", Plan { country: "0".into(), ..gb() }),
            ("country", Plan { country: "1234".into(), ..gb() }),
            ("iso", Plan { iso: "zz".into(), ..gb() }),
            ("iso", Plan { iso: "de".into(), ..gb() }),
            ("trunk_prefix", Plan { trunk_prefix: "0-".into(), ..gb() }),
            ("international_prefix", Plan { international_prefix: "123456".into(), ..gb() }),
            ("area", Plan { area: "020".into(), ..gb() }),
            ("area", Plan { area: "twenty".into(), ..gb() }),
            ("area", Plan { area: "12345678901234".into(), ..gb() }),
            ("ddi_prefix", Plan { ddi_prefix: "0207946".into(), ..gb() }),
            ("ddi_prefix", Plan { ddi_prefix: "49207946".into(), ..gb() }),
            ("ddi_prefix", Plan { ddi_prefix: "+".into(), ..gb() }),
            ("ddi_digits", Plan { ddi_digits: 8, ..gb() }),
            ("ddi_digits", Plan { ddi_prefix: String::new(), ..gb() }),
        ];
        for (field, plan) in wrong {
            let fault = plan.fault();
            assert!(
                fault.as_ref().is_some_and(|fault| fault.field == field && fault.text.len() > 20),
                "{field} {fault:?}"
            );
        }
    }
}
