//! What each country's numbering plan says, as far as it decides how a number is dialled and what it may cost. A table;
//! who reads it stands in the other files. What was not certain is left out or stands in `unsure`: such numbers are
//! [`crate::Class::Unknown`], which nobody may call until the configuration says so.
//!
//! Sources: ITU-T E.164 and the plans as national regulators publish them: NANPA (us, ca), Ofcom's National Telephone
//! Numbering Plan (gb), ComReg (ie), Bundesnetzagentur (de), RTR (at), Arcep (fr), Plan Nacional de Numeración (es),
//! AGCOM (it), ACM (nl), BIPT (be), OFCOM (ch), Anacom (pt), DoT's National Numbering Plan (in), ACMA (au), NAD (nz).

/// Beginnings of numbers, parted by blanks. A number of digits may follow after a slash: `118/6`, `1/3-6`. The longest
/// beginning decides.
pub(crate) type Shapes = &'static str;

/// One country. "National number" is the national (significant) number of E.164: without any prefix.
pub(crate) struct Country {
    /// ISO 3166 code in lower case.
    pub(crate) iso: &'static str,
    /// Country code.
    pub(crate) code: &'static str,
    /// Trunk prefix; empty: none.
    pub(crate) trunk: &'static str,
    /// International prefix.
    pub(crate) international: &'static str,
    /// Digits of a national number, least and most.
    pub(crate) length: (usize, usize),
    /// Whole numbers.
    pub(crate) emergency: &'static str,
    /// Short codes, as dialled. Whatever has four digits or less is one too.
    pub(crate) short: Shapes,
    /// Short codes that cost more than a call, as dialled.
    pub(crate) paid_short: Shapes,
    /// National numbers that are understood without trunk prefix, because they can be nothing else.
    pub(crate) bare: Shapes,
    /// National numbers that are never dialled with the trunk prefix.
    pub(crate) trunkless: Shapes,
    /// National numbers of fixed lines, and of services at their price.
    pub(crate) national: Shapes,
    /// National numbers of mobile telephones.
    pub(crate) mobile: Shapes,
    /// National numbers that cost the caller nothing.
    pub(crate) toll_free: Shapes,
    /// National numbers with a price of their own, shared cost among them.
    pub(crate) premium: Shapes,
    /// National numbers whose price is not certain.
    pub(crate) unsure: Shapes,
}

/// The country of an ISO code in either case. Tables of tones write `uk`, which ISO 3166 reserves for `gb`.
pub(crate) fn by_iso(iso: &str) -> Option<&'static Country> {
    let iso = if iso.eq_ignore_ascii_case("uk") { "gb" } else { iso };
    COUNTRIES.iter().find(|country| country.iso.eq_ignore_ascii_case(iso))
}

/// The first country of a country code.
pub(crate) fn by_code(code: &str) -> Option<&'static Country> {
    COUNTRIES.iter().find(|country| country.code == code)
}

/// The first country whose code the number begins with, and its national number. No country code begins another.
pub(crate) fn of_number(digits: &str) -> Option<(&'static Country, &str)> {
    COUNTRIES.iter().find_map(|country| Some((country, digits.strip_prefix(country.code)?)))
}

/// How many digits of the number the longest beginning that fits has.
pub(crate) fn fits(shapes: &str, digits: &str) -> Option<usize> {
    let matched = |shape: &str| {
        let (prefix, length) = shape.split_once('/').unwrap_or((shape, ""));
        let (least, most) = length.split_once('-').unwrap_or((length, length));
        let least = least.parse().unwrap_or(0);
        let most = most.parse().unwrap_or(crate::MAX_E164);
        (digits.starts_with(prefix) && (least..=most).contains(&digits.len())).then_some(prefix.len())
    };
    shapes.split_ascii_whitespace().filter_map(matched).max()
}

/// Whether the number is one of the list.
pub(crate) fn among(list: &str, digits: &str) -> bool {
    list.split_ascii_whitespace().any(|one| one == digits)
}

/// All fields empty: the rows name what they have.
const NONE: Country = Country {
    iso: "",
    code: "",
    trunk: "",
    international: "00",
    length: (4, 14),
    emergency: "112",
    short: "",
    paid_short: "",
    bare: "",
    trunkless: "",
    national: "",
    mobile: "",
    toll_free: "",
    premium: "",
    unsure: "",
};

/// What the North American countries have in common. 112 reaches help through mobile gateways (3GPP TS 22.101 10.1.1).
/// 900 is paid, and so is the exchange 976 of every area. 456, 5xx, 6xx and 700 are services of single carriers. 976 and
/// the other countries under this country code are told apart in `class.rs`.
const NORTH_AMERICA: Country = Country {
    code: "1",
    trunk: "1",
    international: "011",
    length: (10, 10),
    emergency: "911 112",
    bare: "/10",
    national: "2 3 4 5 6 7 8 9",
    toll_free: "800 833 844 855 866 877 888",
    premium: "900",
    unsure: "456 500 521 522 523 524 525 526 527 528 529 532 533 535 538 542 543 544 545 546 547 549 550 552 553 554 \
             556 558 566 569 577 578 588 589 600 622 633 644 655 677 688 700 710 822 880 881 882 883 884 885 886 887 889",
    ..NONE
};

/// The table. Of countries with one country code, the first stands for the code.
pub(crate) const COUNTRIES: &[Country] = &[
    Country { iso: "us", ..NORTH_AMERICA },
    Country { iso: "ca", ..NORTH_AMERICA },
    // 18000 is the emergency number of text telephones. 084 and 087 have a service charge, 070 is personal numbers with a
    // history of fraud, 118 is directory enquiries at a price of its own. 03 costs as 01 and 02. 055, 056 and 076 (but
    // 07624, Isle of Man) are not certain; Childline (0800 1111) is the shortest.
    Country {
        iso: "gb",
        code: "44",
        trunk: "0",
        length: (7, 10),
        emergency: "999 112 18000",
        short: "1/3-6",
        paid_short: "118/6",
        national: "1/9-10 2/10 3/10",
        mobile: "71/10 72/10 73/10 74/10 75/10 7624/10 77/10 78/10 79/10",
        toll_free: "800 808",
        premium: "70 84 87 9",
        ..NONE
    },
    // 1800 and the paid 15xx are dialled without 0; Dublin is 1 with seven digits.
    Country {
        iso: "ie",
        code: "353",
        trunk: "0",
        length: (7, 10),
        emergency: "112 999",
        short: "1/3-6",
        paid_short: "118/5",
        bare: "1800/10 15/10",
        trunkless: "1800/10 15/10",
        national: "1/8 2 4 5 6 7 818/9 9",
        mobile: "83/9 85/9 86/9 87/9 89/9",
        toll_free: "1800/10",
        premium: "15/10",
        ..NONE
    },
    // 0180 and 0137 have prices of their own, 118 is directory enquiries. 012, 0181 to 0189, 019, 0700 and pagers (0164,
    // 0168, 0169) are not certain. 032 is for numbers without a place.
    Country {
        iso: "de",
        code: "49",
        trunk: "0",
        length: (3, 13),
        emergency: "112 110",
        short: "115/3 116/6",
        paid_short: "118/5-6",
        national: "2 3 4 5 6 7 8 9",
        mobile: "15 160 162 163 17",
        toll_free: "800",
        premium: "137 180 900",
        unsure: "31 700",
        ..NONE
    },
    // 662 is Salzburg amid the mobile numbers. 05 is for companies, 0720 and 0780 for numbers without a place.
    Country {
        iso: "at",
        code: "43",
        trunk: "0",
        length: (4, 13),
        emergency: "112 122 133 144 140",
        short: "1/3-4 116/6",
        paid_short: "118/5-6",
        national: "1 2 3 4 5 6 7 662",
        mobile: "650 660 661 663 664 665 666 667 668 669 67 680 681 688 69",
        toll_free: "800",
        premium: "810 820 821 828 900 901 930 931 939",
        unsure: "65 66 68 710 718 730 740",
        ..NONE
    },
    // 30xx and 31xx are free, other four-figure numbers beginning with 3 are paid; so are 081, 082, 089 and 118 xxx. 0806
    // to 0809 cost as a call. Overseas departments are dialled in national form but have country codes of their own, so
    // that their numbers are not certain.
    Country {
        iso: "fr",
        code: "33",
        trunk: "0",
        length: (9, 9),
        emergency: "112 15 17 18 114 115 119 191 196 197",
        short: "10/4 116/6 30/4 31/4",
        paid_short: "118/6 3/4",
        national: "1 2 3 4 5 806 807 808 809 9",
        mobile: "6 7",
        toll_free: "800 801 802 803 804 805",
        premium: "81 82 89",
        unsure: "262 263 269 590 594 596 639 690 691 692 693 694 696 697 700 976",
        ..NONE
    },
    // A closed plan: nine digits from everywhere. 901 and 902 have a shared cost. 05, 070 and the old 908 and 909 are not
    // certain. Police, fire and rescue have numbers beside 112 that begin with 0.
    Country {
        iso: "es",
        code: "34",
        length: (9, 9),
        emergency: "112 061 062 080 085 088 091 092",
        short: "0/3 116/6 1/4-5",
        paid_short: "118/5",
        bare: "6/9 7/9 8/9 9/9",
        national: "81 82 83 84 85 86 87 88 91 92 93 94 95 96 97 98",
        mobile: "6 71 72 73 74",
        toll_free: "800 900",
        premium: "803 806 807 901 902 905 907",
        ..NONE
    },
    // The 0 of fixed lines belongs to the number and is dialled from abroad too; mobile numbers begin with 3. 84x, 178 and
    // 199 have prices of their own, 12xx is directory enquiries.
    Country {
        iso: "it",
        code: "39",
        length: (6, 11),
        emergency: "112 113 114 115 118 1515 1530",
        short: "1/3-6",
        paid_short: "12/4 4/5",
        bare: "0/6-11 3/9-10 8/6-10 178/8-10 199/8-10",
        national: "0",
        mobile: "3/9-10",
        toll_free: "800 803",
        premium: "84 89 178 199",
        ..NONE
    },
    // 14 and an area code reach a town hall; 18xx is directory enquiries. 085 and 088 cost as a call; 082, 084, 087, 066,
    // 067 and 097 are not certain.
    Country {
        iso: "nl",
        code: "31",
        trunk: "0",
        length: (7, 10),
        emergency: "112",
        short: "1/3-6",
        paid_short: "18/4",
        national: "1/9 2/9 3/9 4/9 5/9 7/9 85/9 88/9",
        mobile: "61/9 62/9 63/9 64/9 65/9 68/9",
        toll_free: "800",
        premium: "900 906 909",
        ..NONE
    },
    // Liège (4) and mobile numbers begin alike and differ in length. 070 is paid, 078 costs as a call.
    Country {
        iso: "be",
        code: "32",
        trunk: "0",
        length: (8, 9),
        emergency: "112 100 101",
        short: "1/3-6",
        paid_short: "1207 1307 1407",
        national: "1 2 3 42/8 43/8 5 6 71 78 8 9",
        mobile: "45/9 46/9 47/9 48/9 49/9",
        toll_free: "800/8",
        premium: "70 90",
        ..NONE
    },
    // A closed plan with trunk prefix. 1414 is air rescue. 084 has a shared cost; 074, 086 and 0878 are not certain.
    Country {
        iso: "ch",
        code: "41",
        trunk: "0",
        length: (9, 9),
        emergency: "112 117 118 144 1414",
        short: "1/3-6",
        paid_short: "18/4",
        national: "2 3 4 5 61 62 71 81 91",
        mobile: "75 76 77 78 79",
        toll_free: "800",
        premium: "84 90",
        ..NONE
    },
    // A closed plan: nine digits from everywhere. 808 has a shared cost, 707, 708 and 76x are paid.
    Country {
        iso: "pt",
        code: "351",
        length: (9, 9),
        emergency: "112",
        short: "1/3-6",
        paid_short: "18/4",
        bare: "2/9 3/9 6/9 7/9 8/9 9/9",
        national: "2 30",
        mobile: "91 92 93 96",
        toll_free: "800",
        premium: "707 708 76 808",
        ..NONE
    },
    // Mobile numbers begin with 6 to 9, and so do some areas (79 Ahmedabad, 80 Bengaluru) of the same length: the number
    // does not tell them apart, most are mobile. Ten digits are certain, for local numbers have eight at most. 1800 is
    // dialled without 0.
    Country {
        iso: "in",
        code: "91",
        trunk: "0",
        length: (10, 13),
        emergency: "112 100 101 102 108",
        short: "1/3-6",
        bare: "6/10 7/10 8/10 9/10 1800/10-13",
        trunkless: "1800/10-13",
        national: "1/10 2/10 3/10 4/10 5/10",
        mobile: "6/10 7/10 8/10 9/10",
        toll_free: "1800/10-13",
        unsure: "1860/10-13 1900/10-13",
        ..NONE
    },
    // Fixed lines have an area of one digit; 13, 1300, 180 and 1800 are dialled without 0, the paid 190x too. 106 is the
    // emergency number of text telephones, 112 works from mobile telephones alone. 1234 and 124xx are paid.
    Country {
        iso: "au",
        code: "61",
        trunk: "0",
        international: "0011",
        length: (6, 10),
        emergency: "000 106 112",
        paid_short: "1234 124/5",
        bare: "13/6 1300/10 180/7 1800/10 190/10",
        trunkless: "13/6 1300/10 180/7 1800/10 190/10",
        national: "2/9 3/9 7/9 8/9 13/6 1300/10",
        mobile: "4/9",
        toll_free: "180/7 1800/10",
        premium: "190/10",
        ..NONE
    },
    // 018 is directory enquiries, at a price. 024 (Antarctica) and 026 are not certain. 112 works from mobile telephones.
    Country {
        iso: "nz",
        code: "64",
        trunk: "0",
        length: (8, 10),
        emergency: "111 112",
        short: "1/3-4",
        paid_short: "018",
        national: "3/8 4/8 6/8 7/8 9/8",
        mobile: "20 21 22 27 28 29",
        toll_free: "800 508",
        premium: "900",
        ..NONE
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_well_formed() {
        for row in COUNTRIES {
            assert!(row.iso.len() == 2 && row.iso.bytes().all(|b| b.is_ascii_lowercase()), "{}", row.iso);
            let digits = [row.code, row.trunk, row.international];
            assert!(digits.iter().all(|text| text.bytes().all(|b| b.is_ascii_digit())), "{}", row.iso);
            assert!((1..=3).contains(&row.code.len()) && row.length.0 <= row.length.1);
            assert!(row.code.len() + row.length.1 <= crate::MAX_E164, "{} is longer than E.164 allows", row.iso);
            assert!(among(row.emergency, "112"), "{}", row.iso);
            let shapes = [
                row.short,
                row.paid_short,
                row.bare,
                row.trunkless,
                row.national,
                row.mobile,
                row.toll_free,
                row.premium,
                row.unsure,
            ];
            for shape in shapes.iter().flat_map(|shapes| shapes.split_ascii_whitespace()) {
                let (prefix, length) = shape.split_once('/').unwrap_or((shape, "9"));
                let (least, most) = length.split_once('-').unwrap_or((length, length));
                assert!(prefix.bytes().all(|b| b.is_ascii_digit()), "{} {shape}", row.iso);
                let (least, most): (usize, usize) = (least.parse().unwrap(), most.parse().unwrap());
                assert!(least <= most && most <= crate::MAX_E164 && least >= prefix.len(), "{} {shape}", row.iso);
            }
        }
        let codes = COUNTRIES.iter().map(|row| row.code);
        for code in codes.clone() {
            assert!(codes.clone().all(|other| other == code || !other.starts_with(code)), "{code} begins another");
        }
    }

    #[test]
    fn the_longest_beginning_decides_and_lengths_are_kept() {
        assert_eq!(fits("1 18 180/7", "1800000"), Some(3));
        assert_eq!(fits("1 18 180/7", "18000000"), Some(2));
        assert_eq!(fits("1/3-6", "12"), None);
        assert_eq!(fits("1/3-6", "123456"), Some(1));
        assert_eq!(fits("1/3-6", "1234567"), None);
        assert_eq!(fits("", "1"), None);
        assert_eq!(fits("/10", "2025550100"), Some(0));
    }
}
