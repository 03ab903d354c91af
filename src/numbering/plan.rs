//! The plan of the place where the box stands, and what arrives on its lines. Sources: ITU-T E.164; Q.931 4.5.8 and
//! 4.5.10 for the type of number.

use alloc::format;
use alloc::string::{String, ToString};

use crate::MAX_E164;
use crate::country::{self, Country};
use crate::ton::TypeOfNumber;

/// Digits of a short code or extension: no subscriber's number is that short in the plans of the table.
pub(crate) const MAX_SHORT: usize = 4;
/// Digits of the longest short code of the table; a number with this many or fewer digits is never E.164.
const MAX_CODE: usize = 6;
/// Digits that a line sends of a number for direct dial-in, where the plan does not say how many.
const MAX_DDI: usize = 6;
/// Digits of the shortest number that is dialled with an international prefix, country code included.
const MIN_FOREIGN: usize = 7;

/// The dialling plan of the place where the box stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Country code without plus, e.g. `44`; empty: nothing is ever completed.
    pub country: String,
    /// Area code without trunk prefix, e.g. `20`; in Italy with its `0`.
    pub area: String,
    /// Trunk prefix, e.g. `0`.
    pub trunk_prefix: String,
    /// International prefix, e.g. `00`.
    pub international_prefix: String,
    /// Whose rules hold where a country code has several countries: ISO 3166, e.g. `ca`. Empty: the first of the table.
    pub iso: String,
    /// The stem of the numbers for direct dial-in, E.164 without plus, e.g. `44207946`: the line sends what follows it.
    pub ddi_prefix: String,
    /// How many digits the line sends after the stem; 0: up to six, as long as they are no short code.
    pub ddi_digits: u8,
    /// Whole numbers that call help where the box stands, parted by blanks; they count beside those of the country.
    pub emergency: String,
}

/// What digits without a type of number mean.
pub(crate) enum Reading {
    /// E.164 with plus, or digits that are dialled as they are although they came as E.164.
    Certain(String),
    /// As they came.
    Raw,
    /// More digits than a number can have.
    TooLong,
}

impl Plan {
    /// The plan of a country, by its ISO 3166 code in either case (`gb`) or its country code (`44`). The area, and the
    /// digits for direct dial-in, are the place's own. `None`: not in the table; [`Plan::presets`] are.
    pub fn preset(country: &str) -> Option<Plan> {
        let row = country::by_iso(country).or_else(|| country::by_code(country))?;
        Some(Plan {
            country: row.code.to_string(),
            trunk_prefix: row.trunk.to_string(),
            international_prefix: row.international.to_string(),
            iso: row.iso.to_string(),
            ..Plan::default()
        })
    }

    /// ISO codes of the countries of the table.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        country::COUNTRIES.iter().map(|row| row.iso)
    }

    /// A calling number as it arrives: E.164 with plus where the plan is certain of it; else the digits as they came. The
    /// type of number decides before prefixes do.
    pub fn e164(&self, digits: &str, ton: TypeOfNumber) -> String {
        self.inbound(digits, ton).unwrap_or_else(|| digits.to_string())
    }

    /// A called number as it arrives: as [`Plan::e164`], and what the line leaves out of a number for direct dial-in is
    /// put before it.
    pub fn called(&self, digits: &str, ton: TypeOfNumber) -> String {
        self.direct(digits, ton).unwrap_or_else(|| self.e164(digits, ton))
    }

    fn inbound(&self, digits: &str, ton: TypeOfNumber) -> Option<String> {
        if !is_digits(digits) || digits.len() > crate::normal::MAX_DIGITS || self.is_emergency(digits) {
            return None;
        }
        let code = self.code();
        match ton {
            TypeOfNumber::International => self.typed_international(digits),
            TypeOfNumber::Network | TypeOfNumber::Abbreviated => None,
            _ if code.is_empty() || self.is_code(digits) => None,
            TypeOfNumber::National => self.tidy(&format!("{code}{digits}")),
            TypeOfNumber::Subscriber if is_digits(&self.area) => self.tidy(&format!("{code}{}{digits}", self.area)),
            TypeOfNumber::Subscriber => self.bare(digits),
            TypeOfNumber::Unknown => match self.by_prefix(digits) {
                Reading::Certain(number) => Some(number),
                Reading::Raw | Reading::TooLong => None,
            },
        }
    }

    /// Exchanges are met that say "international" and send the prefix all the same.
    fn typed_international(&self, digits: &str) -> Option<String> {
        if self.is_code(digits) {
            return None;
        }
        let rest = if digits.starts_with('0') { strip(digits, &self.international_prefix)? } else { digits };
        self.tidy(rest)
    }

    /// A number for direct dial-in whose head the line leaves out.
    fn direct(&self, digits: &str, ton: TypeOfNumber) -> Option<String> {
        let stem = self.ddi_prefix.strip_prefix('+').unwrap_or(&self.ddi_prefix);
        let usable = is_digits(digits) && is_digits(stem) && !stem.starts_with('0');
        if !usable || ton == TypeOfNumber::International || self.is_emergency(digits) {
            return None;
        }
        let sent = usize::from(self.ddi_digits);
        let few = if sent > 0 { digits.len() == sent } else { digits.len() <= MAX_DDI && !self.is_code(digits) };
        if few {
            return (stem.len() + digits.len() <= MAX_E164).then(|| format!("+{stem}{digits}"));
        }
        // More of the stem came than was to be expected: without country code, or without area code too.
        let national = stem.strip_prefix(self.code()).filter(|_| !self.code().is_empty())?;
        let whole = |head: &str, tail: &str| {
            let fits = !tail.is_empty() && digits.len() > tail.len() && digits.starts_with(tail);
            (fits && head.len() + digits.len() <= MAX_E164).then(|| format!("+{head}{digits}"))
        };
        let local = strip(national, &self.area).and_then(|tail| whole(&format!("{}{}", self.code(), self.area), tail));
        whole(self.code(), national).or(local)
    }

    /// What digits without a type mean, by their prefixes.
    pub(crate) fn by_prefix(&self, digits: &str) -> Reading {
        if self.is_emergency(digits) || self.is_code(digits) || digits.len() <= MAX_SHORT {
            return Reading::Raw;
        }
        if let Some(rest) = strip(digits, &self.international_prefix) {
            return match rest.len() {
                _ if rest.starts_with('0') => Reading::Raw,
                ..MIN_FOREIGN => Reading::Raw,
                MIN_FOREIGN..=MAX_E164 => self.tidy(rest).map_or(Reading::Raw, Reading::Certain),
                _ => Reading::TooLong,
            };
        }
        let ordinary = |rest: &&str| self.is_national(rest) && !self.is_code(rest) && !self.is_emergency(rest);
        let national = strip(digits, self.trunk()).filter(|_| !self.code().is_empty()).filter(ordinary);
        match national {
            Some(rest) => Reading::Certain(format!("+{}{rest}", self.code())),
            None => self.bare(digits).map_or(Reading::Raw, Reading::Certain),
        }
    }

    /// A national number that is one although no prefix stands before it.
    fn bare(&self, digits: &str) -> Option<String> {
        let row = self.row()?;
        let certain = country::fits(row.bare, digits).is_some() && self.is_national(digits);
        certain.then(|| format!("+{}{digits}", row.code))
    }

    /// E.164 with plus of a country code and what follows. A trunk prefix that stands behind the own country code is
    /// taken out; an own short code with the country code before it is what is dialled here. `None`: no such number.
    pub(crate) fn tidy(&self, digits: &str) -> Option<String> {
        if !is_digits(digits) || digits.len() > MAX_E164 + 1 || digits.len() < 3 || digits.starts_with('0') {
            return None;
        }
        if let Some(national) = self.own(digits) {
            if self.is_emergency(national) || self.is_code(national) {
                return Some(national.to_string());
            }
            if let Some(rest) = strip(national, self.trunk())
                && !self.is_national(national)
                && self.is_national(rest)
            {
                return Some(format!("+{}{rest}", self.code()));
            }
        }
        (digits.len() <= MAX_E164).then(|| format!("+{digits}"))
    }

    /// The national number, if the country code is the own one. Takes digits without plus.
    pub(crate) fn own<'a>(&self, digits: &'a str) -> Option<&'a str> {
        strip(digits, self.code())
    }

    /// The own country code; empty where none is configured that could be one.
    pub(crate) fn code(&self) -> &str {
        if is_digits(&self.country) && !self.country.starts_with('0') { &self.country } else { "" }
    }

    /// The rules of the own country.
    pub(crate) fn row(&self) -> Option<&'static Country> {
        let by_iso = country::by_iso(&self.iso).filter(|row| row.code == self.code());
        by_iso.or_else(|| country::by_code(self.code()))
    }

    /// The trunk prefix as it is read. Where it is the country code itself (North America) it is read even if it is not
    /// dialled: eleven digits beginning with 1 can be nothing else.
    fn trunk(&self) -> &str {
        let same = |row: &&Country| self.trunk_prefix.is_empty() && row.trunk == row.code;
        self.row().filter(same).map_or(self.trunk_prefix.as_str(), |row| row.trunk)
    }

    /// The numbers that call help: those of the country and those of the place.
    pub fn emergency_numbers(&self) -> impl Iterator<Item = &str> {
        // Where nothing is known, whatever calls help from any mobile telephone: 3GPP TS 22.101 10.1.1.
        let of_country = self.row().map_or("112 911", |row| row.emergency);
        of_country.split_ascii_whitespace().chain(self.emergency.split_ascii_whitespace())
    }

    /// Whether help is called.
    pub(crate) fn is_emergency(&self, digits: &str) -> bool {
        self.emergency_numbers().any(|number| number == digits)
    }

    /// Whether it is a short code of the table, paid or not.
    pub(crate) fn is_code(&self, digits: &str) -> bool {
        let fits = |row: &Country| country::fits(row.short, digits).or(country::fits(row.paid_short, digits)).is_some();
        digits.len() <= MAX_CODE && self.row().is_some_and(fits)
    }

    /// Whether this can be a national number here, so that what stood before it was a trunk prefix.
    pub(crate) fn is_national(&self, digits: &str) -> bool {
        let (least, most) = self.row().map_or((MAX_SHORT, MAX_E164), |row| row.length);
        let fits = (least..=most).contains(&digits.len()) && self.code().len() + digits.len() <= MAX_E164;
        fits && if self.code() == "1" {
            is_north_american(digits)
        } else {
            self.trunk_prefix != "0" || !digits.starts_with('0')
        }
    }
}

/// Area and exchange begin with 2 to 9, neither is N11.
pub(crate) fn is_north_american(digits: &str) -> bool {
    let part = |at: usize| match digits.as_bytes().get(at..at + 3) {
        Some(part) => (b'2'..=b'9').contains(&part[0]) && &part[1..] != b"11",
        None => false,
    };
    digits.len() == 10 && part(0) && part(3)
}

/// Whether these are digits and nothing else, and not none.
pub(crate) fn is_digits(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The rest after a prefix that is not empty, if there is a rest.
pub(crate) fn strip<'a>(digits: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() {
        return None;
    }
    digits.strip_prefix(prefix).filter(|rest| !rest.is_empty())
}
