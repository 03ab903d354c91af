//! What kind of number is called: what it may cost. Sources: the table in `country.rs`; ITU-T's list of assigned country
//! codes (Operational Bulletin, annex to E.164) for services without a country; NANPA's list of areas.

use crate::country::{self, Country};
use crate::plan::{MAX_SHORT, Plan, is_digits, is_north_american};

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

/// Digits of the shortest foreign number, country code included.
const MIN_FOREIGN: usize = 7;
/// Digits of the longest service code with `*` or `#`: behind a longer one a whole number may hide.
const MAX_SERVICE: usize = 4;

/// Country codes of services: satellites (870, 881), networks without a country (882, 883), personal numbers (878),
/// shared cost (808) and paid services (979).
const PAID_CODES: &str = "808 870 878 881 882 883 979";
/// Free of charge from wherever it works.
const FREE_CODES: &str = "800";

/// Areas of Canada.
const CANADA: &str = "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 403 416 418 428 431 437 438 450 468 \
                      474 506 514 519 548 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 825 \
                      867 873 879 902 905 942";
/// Areas of island states with the country code 1; calls to them are billed as foreign ones.
const ISLANDS: &str = "242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 809 829 849 868 869 876";
/// The paid exchange of every North American area.
const EXCHANGE_PAID: &str = "976";

impl Plan {
    /// What kind of number it is. Takes what [`Plan::normal`] gives, or what it takes. The own country's rules decide;
    /// of foreign numbers, paid services are known where the table has the country.
    pub fn class(&self, number: &str) -> Class {
        let Some(number) = self.normal(number) else {
            return Class::Unknown;
        };
        match number.strip_prefix('+') {
            Some(digits) => self.class_of_e164(digits),
            None => self.class_as_dialled(&number),
        }
    }

    fn class_as_dialled(&self, digits: &str) -> Class {
        if self.is_emergency(digits) {
            return Class::Emergency;
        }
        if !is_digits(digits) {
            let service = digits.bytes().filter(u8::is_ascii_digit).count() <= MAX_SERVICE;
            return if service { Class::Short } else { Class::Unknown };
        }
        let Some(row) = self.row() else {
            return if digits.len() <= MAX_SHORT { Class::Short } else { Class::Unknown };
        };
        // An exchange that has read a whole code passes over what follows: digits behind it do not make it cheaper.
        let read = |end: usize| digits.get(..end).and_then(|head| country::fits(row.paid_short, head));
        let paid = (1..=digits.len()).filter_map(read).max();
        match (paid, country::fits(row.short, digits)) {
            (Some(paid), short) if short.is_none_or(|short| paid >= short) => Class::Premium,
            (_, Some(_)) => Class::Short,
            _ if digits.len() <= MAX_SHORT => Class::Short,
            _ => Class::Unknown,
        }
    }

    fn class_of_e164(&self, digits: &str) -> Class {
        if digits.len() < MIN_FOREIGN {
            return Class::Unknown;
        }
        match (self.own(digits), self.row()) {
            (Some(national), Some(row)) => at_home(row, national),
            (Some(_), None) => Class::Unknown,
            (None, _) => abroad(digits),
        }
    }
}

/// The class of a number of the own country.
fn at_home(row: &Country, national: &str) -> Class {
    if row.code == "1" {
        if !is_north_american(national) {
            return Class::Unknown;
        }
        let area = national.get(..3).unwrap_or_default();
        let canadian = country::among(CANADA, area);
        if country::among(ISLANDS, area) {
            return Class::International;
        }
        let here = of_row(row, national);
        return if here == Class::National && canadian != (row.iso == "ca") { Class::International } else { here };
    }
    of_row(row, national)
}

/// The class of a number of another country.
fn abroad(digits: &str) -> Class {
    let begins = |codes: &str| codes.split_ascii_whitespace().any(|code| digits.starts_with(code));
    if begins(PAID_CODES) {
        return Class::Premium;
    }
    if begins(FREE_CODES) {
        return Class::TollFree;
    }
    match country::of_number(digits) {
        // Digits behind a whole number are dialled in vain, but do not make it cheaper.
        Some((row, national)) if of_row(row, clip(national, row.length.1)) == Class::Premium => Class::Premium,
        _ => Class::International,
    }
}

fn clip(digits: &str, most: usize) -> &str {
    digits.get(..most).unwrap_or(digits)
}

/// By the rules of a row: the longest beginning that fits decides, of two equal ones the dearer.
fn of_row(row: &Country, national: &str) -> Class {
    if !(row.length.0..=row.length.1).contains(&national.len()) {
        return Class::Unknown;
    }
    if row.code == "1" && national.get(3..6) == Some(EXCHANGE_PAID) && country::fits(row.toll_free, national).is_none()
    {
        return Class::Premium;
    }
    let rules = [
        (row.national, Class::National),
        (row.mobile, Class::Mobile),
        (row.toll_free, Class::TollFree),
        (row.unsure, Class::Unknown),
        (row.premium, Class::Premium),
    ];
    let fits = rules.iter().filter_map(|(shapes, class)| Some((country::fits(shapes, national)?, *class)));
    fits.max_by_key(|(digits, _)| *digits).map_or(Class::Unknown, |(_, class)| class)
}
