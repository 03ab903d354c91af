//! One table a direction, in eight countries; round trips; and what nobody should send.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::*;

fn plan(iso: &str, area: &str) -> Plan {
    Plan { area: area.into(), ..Plan::preset(iso).expect("in the table") }
}

/// By country, with an area.
fn place(iso: &str) -> Plan {
    let area = match iso {
        "us" => "202",
        "gb" => "20",
        "de" => "30",
        "it" => "06",
        "nl" => "20",
        "in" => "22",
        "au" => "2",
        _ => "",
    };
    plan(iso, area)
}

const UNKNOWN: TypeOfNumber = TypeOfNumber::Unknown;
const INTERNATIONAL: TypeOfNumber = TypeOfNumber::International;
const NATIONAL: TypeOfNumber = TypeOfNumber::National;
const NETWORK: TypeOfNumber = TypeOfNumber::Network;
const SUBSCRIBER: TypeOfNumber = TypeOfNumber::Subscriber;
const ABBREVIATED: TypeOfNumber = TypeOfNumber::Abbreviated;

/// Country, digits on the line, type of number, what they mean.
const IN: &[(&str, &str, TypeOfNumber, &str)] = &[
    ("gb", "442079460000", INTERNATIONAL, "+442079460000"),
    ("gb", "00442079460000", INTERNATIONAL, "+442079460000"),
    ("gb", "2079460000", NATIONAL, "+442079460000"),
    ("gb", "02079460000", NATIONAL, "+442079460000"),
    ("gb", "79460000", SUBSCRIBER, "+442079460000"),
    ("gb", "02079460000", UNKNOWN, "+442079460000"),
    ("gb", "0012025550100", UNKNOWN, "+12025550100"),
    ("gb", "2079460000", UNKNOWN, "2079460000"),
    ("gb", "100", UNKNOWN, "100"),
    ("gb", "0", UNKNOWN, "0"),
    ("gb", "999", NATIONAL, "999"),
    ("gb", "112", INTERNATIONAL, "112"),
    ("gb", "116123", NATIONAL, "116123"),
    ("gb", "2079460000", NETWORK, "2079460000"),
    ("gb", "2079460000", ABBREVIATED, "2079460000"),
    ("gb", "12*3", INTERNATIONAL, "12*3"),
    ("gb", "0001", INTERNATIONAL, "0001"),
    ("gb", "", UNKNOWN, ""),
    ("us", "2025550100", UNKNOWN, "+12025550100"),
    ("us", "12025550100", UNKNOWN, "+12025550100"),
    ("us", "2025550100", NATIONAL, "+12025550100"),
    ("us", "12025550100", NATIONAL, "+12025550100"),
    ("us", "5550100", SUBSCRIBER, "+12025550100"),
    ("us", "5550100", UNKNOWN, "5550100"),
    ("us", "1025550100", UNKNOWN, "1025550100"),
    ("us", "911", NATIONAL, "911"),
    ("us", "442079460000", INTERNATIONAL, "+442079460000"),
    ("de", "03012345", UNKNOWN, "+493012345"),
    ("de", "12345", SUBSCRIBER, "+493012345"),
    ("de", "12345", UNKNOWN, "12345"),
    ("de", "110", SUBSCRIBER, "110"),
    ("fr", "0142681234", UNKNOWN, "+33142681234"),
    ("fr", "142681234", NATIONAL, "+33142681234"),
    ("fr", "142681234", UNKNOWN, "142681234"),
    ("fr", "014268123", UNKNOWN, "014268123"),
    ("es", "911234567", UNKNOWN, "+34911234567"),
    ("es", "911234567", SUBSCRIBER, "+34911234567"),
    ("es", "091", UNKNOWN, "091"),
    ("it", "0612345678", UNKNOWN, "+390612345678"),
    ("it", "0612345678", NATIONAL, "+390612345678"),
    ("it", "12345678", SUBSCRIBER, "+390612345678"),
    ("it", "3331234567", UNKNOWN, "+393331234567"),
    ("it", "113", NATIONAL, "113"),
    ("nl", "0201234567", UNKNOWN, "+31201234567"),
    ("in", "09812345678", UNKNOWN, "+919812345678"),
    ("in", "9812345678", UNKNOWN, "+919812345678"),
    ("in", "02212345678", UNKNOWN, "+912212345678"),
    ("au", "0298765432", UNKNOWN, "+61298765432"),
    ("au", "0011442079460000", UNKNOWN, "+442079460000"),
    ("au", "000", UNKNOWN, "000"),
    ("au", "98765432", UNKNOWN, "98765432"),
];

#[test]
fn what_arrives_becomes_e164_only_where_that_is_certain() {
    for (iso, digits, ton, wanted) in IN {
        assert_eq!(place(iso).e164(digits, *ton), *wanted, "{iso} {digits} {ton:?}");
    }
}

/// Country, as written, what is meant.
const NORMAL: &[(&str, &str, Option<&str>)] = &[
    ("gb", "+44 20 7946 0000", Some("+442079460000")),
    ("gb", "+44 (0)20-7946.0000", Some("+442079460000")),
    ("gb", "+44 020 7946 0000", Some("+442079460000")),
    ("gb", " (020) 7946 0000 ", Some("+442079460000")),
    ("gb", "00 44 20 7946 0000", Some("+442079460000")),
    ("gb", "00 49 30/12345", Some("+493012345")),
    ("gb", "+1 (202) 555\u{2011}0100", Some("+12025550100")),
    ("gb", "\u{202a}+44\u{a0}20 7946 0000\u{202c}", Some("+442079460000")),
    ("gb", "7946 0000", Some("79460000")),
    ("gb", "+44 999", Some("999")),
    ("gb", "+44 116 123", Some("116123")),
    ("gb", "*21#", Some("*21#")),
    ("gb", "+*21#", None),
    ("gb", "0800 FLOWERS", None),
    ("gb", "+", None),
    ("gb", "", None),
    ("gb", "+0123456789", None),
    ("gb", "20+44", None),
    ("gb", "++44207946", None),
    ("gb", "+1234567890123456", None),
    ("gb", "001234567890123456", None),
    ("gb", "٠٢٠٧٩٤٦٠٠٠٠", None),
    ("gb", "０２０７９４６００００", None),
    ("gb", "020\n79460000", None),
    ("gb", "020\u{0}79460000", None),
    ("us", "(202) 555-0100", Some("+12025550100")),
    ("us", "1-202-555-0100", Some("+12025550100")),
    ("us", "1.202.555.0100", Some("+12025550100")),
    ("us", "011 44 20 7946 0000", Some("+442079460000")),
    ("us", "555-0100", Some("5550100")),
    ("us", "911", Some("911")),
    ("us", "+1 911", Some("911")),
    ("de", "030 / 123 45", Some("+493012345")),
    ("de", "112", Some("112")),
    ("de", "+49 116116", Some("116116")),
    ("de", "116 116", Some("116116")),
    ("fr", "01 42 68 12 34", Some("+33142681234")),
    ("fr", "+33 (0)1 42 68 12 34", Some("+33142681234")),
    ("fr", "15", Some("15")),
    ("fr", "3949", Some("3949")),
    ("fr", "118 712", Some("118712")),
    ("es", "91 123 45 67", Some("+34911234567")),
    ("es", "091", Some("091")),
    ("it", "06 1234 5678", Some("+390612345678")),
    ("it", "+39 06 1234 5678", Some("+390612345678")),
    ("de", "+39 (0)6 1234 5678", Some("+390612345678")),
    ("it", "0044 20 7946 0000", Some("+442079460000")),
    ("nl", "06-12345678", Some("+31612345678")),
    ("nl", "14 020", Some("14020")),
    ("in", "98123 45678", Some("+919812345678")),
    ("in", "1800 123 4567", Some("+9118001234567")),
    ("au", "(02) 9876 5432", Some("+61298765432")),
    ("au", "1800 123 456", Some("+611800123456")),
    ("au", "13 12 34", Some("+61131234")),
    ("au", "000", Some("000")),
    ("au", "0014 44 20 7946 0000", Some("0014442079460000")),
];

#[test]
fn what_people_write_is_understood_or_kept_or_refused() {
    for (iso, written, wanted) in NORMAL {
        assert_eq!(place(iso).normal(written).as_deref(), *wanted, "{iso} {written:?}");
    }
}

#[test]
fn what_normal_gives_it_gives_again() {
    for (iso, written, _) in NORMAL {
        if let Some(once) = place(iso).normal(written) {
            assert_eq!(place(iso).normal(&once), Some(once.clone()), "{iso} {written:?}");
        }
    }
}

/// Country, number, as dialled, as typed.
const OUT: &[(&str, &str, &str, (&str, TypeOfNumber))] = &[
    ("gb", "+442079460000", "02079460000", ("2079460000", NATIONAL)),
    ("gb", "+12025550100", "0012025550100", ("12025550100", INTERNATIONAL)),
    ("gb", "+88213123456", "0088213123456", ("88213123456", INTERNATIONAL)),
    ("us", "+12025550100", "12025550100", ("2025550100", NATIONAL)),
    ("us", "+12425550100", "12425550100", ("2425550100", NATIONAL)),
    ("us", "+442079460000", "011442079460000", ("442079460000", INTERNATIONAL)),
    ("ca", "+14165550100", "14165550100", ("4165550100", NATIONAL)),
    ("de", "+493012345", "03012345", ("3012345", NATIONAL)),
    ("de", "+390612345678", "00390612345678", ("390612345678", INTERNATIONAL)),
    ("fr", "+33142681234", "0142681234", ("142681234", NATIONAL)),
    ("es", "+34911234567", "911234567", ("911234567", NATIONAL)),
    ("it", "+390612345678", "0612345678", ("0612345678", NATIONAL)),
    ("it", "+393331234567", "3331234567", ("3331234567", NATIONAL)),
    ("it", "+39800123456", "800123456", ("800123456", NATIONAL)),
    ("nl", "+31612345678", "0612345678", ("612345678", NATIONAL)),
    ("ie", "+35318001234", "018001234", ("18001234", NATIONAL)),
    ("ie", "+3531800123456", "1800123456", ("1800123456", NATIONAL)),
    ("pt", "+351912345678", "912345678", ("912345678", NATIONAL)),
    ("in", "+919812345678", "09812345678", ("9812345678", NATIONAL)),
    ("in", "+9118001234567", "18001234567", ("18001234567", NATIONAL)),
    ("au", "+61298765432", "0298765432", ("298765432", NATIONAL)),
    ("au", "+61131234", "131234", ("131234", NATIONAL)),
    ("au", "+442079460000", "0011442079460000", ("442079460000", INTERNATIONAL)),
];

#[test]
fn what_is_sent_is_what_a_person_there_would_dial() {
    for (iso, number, dialled, (typed, ton)) in OUT {
        let plan = place(iso);
        let sent = |form| plan.on_line(number, form);
        assert_eq!(sent(Form::Dialled), LineDigits { digits: (*dialled).into(), ton: UNKNOWN }, "{iso} {number}");
        assert_eq!(sent(Form::Typed), LineDigits { digits: (*typed).into(), ton: *ton }, "{iso} {number}");
        assert_eq!(sent(Form::Digits), LineDigits { digits: number[1..].into(), ton: UNKNOWN }, "{iso} {number}");
        assert_eq!(sent(Form::Plus), LineDigits { digits: (*number).into(), ton: UNKNOWN }, "{iso} {number}");
    }
}

#[test]
fn every_ordinary_number_comes_back_from_the_line_as_it_went() {
    for (iso, number, ..) in OUT {
        for shown in Plan::presets() {
            let plan = place(shown);
            let dialled = plan.on_line(number, Form::Dialled);
            assert_eq!(
                plan.normal(&dialled.digits).as_deref(),
                Some(*number),
                "{iso} {number} in {shown}: {dialled:?}"
            );
            let typed = plan.on_line(number, Form::Typed);
            assert_eq!(plan.e164(&typed.digits, typed.ton), *number, "{iso} {number} in {shown}: {typed:?}");
        }
    }
}

#[test]
fn emergency_and_short_codes_are_changed_in_no_direction() {
    let codes = [
        ("us", "911 988 411 211"),
        ("gb", "999 112 18000 101 111 123 116123 118118 1471"),
        ("de", "112 110 115 116117 11833"),
        ("fr", "15 17 18 112 114 3949 1014 118712 116000"),
        ("es", "112 091 062 061 016 11818"),
        ("it", "112 113 115 118 1515 1530 1522 116117"),
        ("nl", "112 14020 1888 116123"),
        ("in", "112 100 101 102 108 139"),
        ("au", "000 106 112 1234"),
        ("nz", "111 018 105"),
    ];
    for (iso, codes) in codes {
        let plan = Plan { ddi_prefix: format!("{}2079", place(iso).country), ..place(iso) };
        for code in codes.split(' ') {
            assert_eq!(plan.normal(code).as_deref(), Some(code), "{iso}");
            for form in [Form::Dialled, Form::Typed, Form::Digits, Form::Plus] {
                assert_eq!(
                    plan.on_line(code, form),
                    LineDigits { digits: code.into(), ton: UNKNOWN },
                    "{iso} {form:?}"
                );
            }
            assert_eq!(plan.e164(code, UNKNOWN), code, "{iso}");
            let emergency = plan.class(code) == Class::Emergency;
            let tons = [UNKNOWN, INTERNATIONAL, NATIONAL, NETWORK, SUBSCRIBER, ABBREVIATED];
            for ton in tons.into_iter().filter(|_| emergency) {
                assert_eq!((plan.e164(code, ton), plan.called(code, ton)), (code.into(), code.into()), "{iso} {ton:?}");
            }
        }
    }
}

/// The file of countries and the table of plans are two sources of the same fact: neither may have a number alone.
#[test]
fn inst4_both_tables_name_the_same_emergency_numbers() {
    let book = tipring_countries::Book::default();
    let sorted = |numbers: Vec<&str>| {
        let mut numbers: Vec<String> = numbers.into_iter().map(Into::into).collect();
        numbers.sort();
        numbers
    };
    for iso in Plan::presets() {
        let country = book.find(iso).unwrap_or_else(|| panic!("{iso} is not in the file of countries"));
        let of_plan = sorted(Plan::preset(iso).expect("a plan").emergency_numbers().collect());
        let of_file = sorted(country.emergency.iter().map(String::as_str).collect());
        assert_eq!(of_plan, of_file, "{iso}");
    }
}

#[test]
fn inst4_every_countrys_emergency_numbers_are_help_with_a_plan_and_without() {
    let book = tipring_countries::Book::default();
    let mut without = 0;
    for country in book.all() {
        let preset = Plan::preset(&country.code);
        without += usize::from(preset.is_none());
        let plan = Plan { emergency: country.emergency.join(" "), ..preset.unwrap_or_default() };
        for number in country.emergency.iter().map(String::as_str).chain(["112"]) {
            assert_eq!(plan.class(number), Class::Emergency, "{} {number}", country.code);
            // It is dialled as it is, whatever the line wants, and comes in as it is.
            for form in [Form::Dialled, Form::Typed, Form::Digits, Form::Plus] {
                let as_it_is = LineDigits { digits: number.into(), ton: UNKNOWN };
                assert_eq!(plan.on_line(number, form), as_it_is, "{} {number} {form:?}", country.code);
            }
            assert_eq!(plan.e164(number, NATIONAL), number, "{}", country.code);
        }
        assert_eq!(plan.fault(), None, "{}", country.code);
    }
    assert!(without >= 46, "{without} countries without a plan");
    // Before the file of countries nobody knew these: fire and police of Norway.
    let norway = Plan { emergency: "112 110 113".into(), ..Plan::default() };
    assert_eq!((norway.class("113"), Plan::default().class("113")), (Class::Emergency, Class::Short));
}

/// Country, numbers, class.
const CLASS: &[(&str, &str, Class)] = &[
    ("gb", "999 112 18000 +44999 +44112", Class::Emergency),
    ("gb", "101 111 123 1471 116123 100 2001 *21#", Class::Short),
    ("gb", "+448001111 08081570000", Class::TollFree),
    ("gb", "+442079460000 01632960000 01614960000 03001234567", Class::National),
    ("gb", "07700900000 +447624123456", Class::Mobile),
    ("gb", "+12025550100 0033142681234 +353811234567 +49800123456", Class::International),
    ("gb", "09098790000 08451234567 07012345678 118118 +881612345678 +870773123456 +979123456789", Class::Premium),
    ("gb", "+19005550100 +33899123456 +611900123456 00491371234567 +97912345", Class::Premium),
    ("gb", "79460000 05512345678 07612345678 letters +44 +498001 *67*09098790000 +449", Class::Unknown),
    ("us", "911", Class::Emergency),
    ("us", "411 988 611", Class::Short),
    ("us", "8005550100 +18335550100 18445550100", Class::TollFree),
    ("us", "2025550100 +17875550100", Class::National),
    ("us", "+14165550100 +18765550100 12425550100 +442079460000 011442079460000", Class::International),
    ("us", "9005550100 2029765555 +882131234567 +449098790000 +44909879000012", Class::Premium),
    ("us", "5005550100 7005550100 1112223333 +120255501 +1202555010000", Class::Unknown),
    ("ca", "+14165550100 6045550100", Class::National),
    ("ca", "+12025550100 +18765550100", Class::International),
    ("de", "112 110", Class::Emergency),
    ("de", "115 116117", Class::Short),
    ("de", "08001234567", Class::TollFree),
    ("de", "03012345 +4932221234567 0221123456", Class::National),
    ("de", "015112345678 016012345678 +491761234567", Class::Mobile),
    ("de", "09001234567 01805123456 01371234567 11833 +88161234567", Class::Premium),
    ("de", "01641234567 07001234567 01911234567", Class::Unknown),
    ("fr", "15 17 18 112 114", Class::Emergency),
    ("fr", "1014 3000 3117 116000", Class::Short),
    ("fr", "0800123456 0805123456", Class::TollFree),
    ("fr", "0142681234 0970123456 0806123456", Class::National),
    ("fr", "0612345678 0712345678", Class::Mobile),
    ("fr", "0899123456 0820123456 3949 3240 3615 118712", Class::Premium),
    ("fr", "0262123456 0690123456 0700123456", Class::Unknown),
    ("es", "112 091 062 061", Class::Emergency),
    ("es", "016 010 1004 116111", Class::Short),
    ("es", "900123456 800123456", Class::TollFree),
    ("es", "911234567 810123456", Class::National),
    ("es", "612345678 711234567", Class::Mobile),
    ("es", "806123456 902123456 11818", Class::Premium),
    ("es", "700123456 512345678", Class::Unknown),
    ("it", "112 113 115 118 1530", Class::Emergency),
    ("it", "800123456 803116", Class::TollFree),
    ("it", "0612345678 +390212345", Class::National),
    ("it", "3331234567", Class::Mobile),
    ("it", "899123456 892424 1991234567 840123456 1254", Class::Premium),
    ("nl", "112", Class::Emergency),
    ("nl", "14020 116123", Class::Short),
    ("nl", "08001234 08001234567", Class::TollFree),
    ("nl", "0201234567 0881234567 0101234567", Class::National),
    ("nl", "0612345678", Class::Mobile),
    ("nl", "09001234 09061234567 1888", Class::Premium),
    ("nl", "0662123456 0871234567", Class::Unknown),
    ("ie", "018001234 0214312345", Class::National),
    ("ie", "1800123456", Class::TollFree),
    ("ie", "1520123456 11850", Class::Premium),
    ("be", "042123456 025551212 092123456", Class::National),
    ("be", "0470123456", Class::Mobile),
    ("ch", "0791234567", Class::Mobile),
    ("ch", "144 117 1414", Class::Emergency),
    ("at", "0662123456 01123456", Class::National),
    ("at", "06641234567", Class::Mobile),
    ("in", "112 100 108", Class::Emergency),
    ("in", "18001234567", Class::TollFree),
    ("in", "02212345678 01124681234", Class::National),
    ("in", "9812345678 09812345678", Class::Mobile),
    ("au", "000 106", Class::Emergency),
    ("au", "1800123456 1802345", Class::TollFree),
    ("au", "0298765432 131234 1300123456", Class::National),
    ("au", "0412345678", Class::Mobile),
    ("au", "1900123456 1234 12456 +870773123456", Class::Premium),
    ("au", "0011442079460000 +12025550100", Class::International),
    ("nz", "111", Class::Emergency),
    ("nz", "0211234567 0273456789", Class::Mobile),
    ("nz", "0508123456 0800123456", Class::TollFree),
    ("nz", "018 0900123456", Class::Premium),
];

#[test]
fn every_number_has_the_class_that_its_country_gives_it() {
    for (iso, numbers, wanted) in CLASS {
        for number in numbers.split(' ') {
            assert_eq!(place(iso).class(number), *wanted, "{iso} {number}");
        }
    }
}

#[test]
fn digits_behind_a_paid_number_do_not_make_it_cheaper() {
    for (iso, numbers, _) in CLASS.iter().filter(|(_, _, class)| *class == Class::Premium) {
        for number in numbers.split(' ') {
            for tail in ["0", "1", "00", "99", "123", "123456789"] {
                let class = place(iso).class(&format!("{number}{tail}"));
                assert!(matches!(class, Class::Premium | Class::Unknown), "{iso} {number} {tail}: {class:?}");
            }
        }
    }
}

#[test]
fn the_class_does_not_depend_on_how_a_number_is_written() {
    for (iso, numbers, wanted) in CLASS.iter().filter(|(_, _, class)| *class != Class::Unknown) {
        let plan = place(iso);
        for number in numbers.split(' ').filter_map(|number| plan.normal(number)).filter(|number| sound(number)) {
            let abroad = format!("{}{}", plan.international_prefix, &number[1..]);
            let dialled = plan.on_line(&number, Form::Dialled).digits;
            for written in [&number, &abroad, &dialled, &format!(" {} ", number.replace('1', "1-"))] {
                assert_eq!(plan.class(written), *wanted, "{iso} {written}");
            }
        }
    }
}

#[test]
fn a_line_for_direct_dial_in_gets_the_head_of_its_numbers_back() {
    let stem = Plan { ddi_prefix: "44207946".into(), ..place("gb") };
    for (digits, ton, wanted) in [
        ("0100", UNKNOWN, "+442079460100"),
        ("2200", SUBSCRIBER, "+442079462200"),
        ("200", UNKNOWN, "+44207946200"),
        ("79460100", UNKNOWN, "+442079460100"),
        ("2079460100", UNKNOWN, "+442079460100"),
        ("02079460100", UNKNOWN, "+442079460100"),
        ("442079460100", INTERNATIONAL, "+442079460100"),
        ("1234", UNKNOWN, "1234"),
        ("999", UNKNOWN, "999"),
        ("", UNKNOWN, ""),
        ("01*0", UNKNOWN, "01*0"),
    ] {
        assert_eq!(stem.called(digits, ton), wanted, "{digits} {ton:?}");
    }
    let exact = Plan { ddi_digits: 4, ..stem.clone() };
    assert_eq!(
        exact.called("1234", UNKNOWN),
        "+442079461234",
        "the plan says four digits, so that it is no short code"
    );
    assert_eq!(exact.called("200", UNKNOWN), "200");
    assert_eq!(exact.e164("1234", UNKNOWN), "1234", "a caller is not one of our numbers");
    let long = Plan { ddi_prefix: "+441234567890123".into(), ..place("gb") };
    assert_eq!(long.called("2000", UNKNOWN), "2000", "sixteen digits are no number");
    assert_eq!(Plan { ddi_prefix: "0x".into(), ..place("gb") }.called("2000", UNKNOWN), "2000");
}

#[test]
fn an_empty_plan_completes_nothing_and_still_knows_help() {
    let plan = Plan::default();
    assert_eq!(plan.e164("2025550100", NATIONAL), "2025550100");
    assert_eq!(plan.e164("12025550100", INTERNATIONAL), "+12025550100");
    assert_eq!(plan.normal("020 7946 0000").as_deref(), Some("02079460000"));
    assert_eq!(
        (plan.class("112"), plan.class("911"), plan.class("100")),
        (Class::Emergency, Class::Emergency, Class::Short)
    );
    assert_eq!((plan.class("02079460000"), plan.class("+442079460000")), (Class::Unknown, Class::International));
    assert_eq!(plan.on_line("+442079460000", Form::Dialled).digits, "+442079460000", "no prefix is guessed");
}

#[test]
fn a_plan_of_a_country_outside_of_the_table_works_by_its_prefixes() {
    let plan = Plan {
        country: "358".into(),
        area: "9".into(),
        trunk_prefix: "0".into(),
        international_prefix: "00".into(),
        ..Plan::default()
    };
    assert_eq!(plan.normal("09 1234 5678").as_deref(), Some("+358912345678"));
    assert_eq!(plan.e164("12345678", SUBSCRIBER), "+358912345678");
    assert_eq!(plan.on_line("+358912345678", Form::Dialled).digits, "0912345678");
    assert_eq!(plan.on_line("+46812345678", Form::Dialled).digits, "0046812345678");
    assert_eq!((plan.class("+358912345678"), plan.class("112")), (Class::Unknown, Class::Emergency));
}

#[test]
fn a_plan_that_is_nonsense_does_no_harm() {
    let odd = ["", "0", "00", "x", "+44", "é", "123456789012345678901234567890"];
    for (at, country) in odd.iter().enumerate() {
        let plan = Plan {
            country: (*country).into(),
            area: odd[(at + 1) % odd.len()].into(),
            trunk_prefix: odd[(at + 2) % odd.len()].into(),
            international_prefix: odd[(at + 3) % odd.len()].into(),
            iso: odd[(at + 4) % odd.len()].into(),
            ddi_prefix: odd[(at + 5) % odd.len()].into(),
            ddi_digits: 255,
            emergency: odd[(at + 6) % odd.len()].into(),
        };
        for (_, text, ton, _) in IN {
            let all = [plan.e164(text, *ton), plan.called(text, *ton)];
            assert!(all.iter().all(|out| out == text || sound(out)), "{plan:?} {text} {all:?}");
        }
    }
}

/// E.164 with plus.
fn sound(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or_default();
    (1..=MAX_E164).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
}

/// xorshift64*: the same everywhere.
struct Wander(u64);

impl Wander {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap_or(0) % bound
    }
}

#[test]
fn no_text_makes_a_plan_panic_or_give_what_is_no_number() {
    let alphabet: Vec<char> = "0123456789001144+*#-. ()/AxW,;\0\n٣９é\u{202a}\u{1f4de}".chars().collect();
    let plans: Vec<Plan> = Plan::presets().map(place).collect();
    let mut wander = Wander(0x7157_0000_1234_5678);
    let mut understood = 0;
    for round in 0..60_000 {
        let plan = &plans[round % plans.len()];
        // Half of the texts are digits alone, so that prefixes are met.
        let kinds = if round % 2 == 0 { 16 } else { alphabet.len() };
        let text: String = (0..wander.below(22)).map(|_| alphabet[wander.below(kinds)]).collect();
        let ton = TypeOfNumber::from_bits(u8::try_from(wander.below(8)).unwrap_or(0));
        for out in [plan.e164(&text, ton), plan.called(&text, ton)] {
            assert!(out == text || sound(&out) || text.ends_with(&out), "{text:?} {ton:?} became {out:?}");
        }
        let class = plan.class(&text);
        let Some(number) = plan.normal(&text) else {
            assert_eq!(class, Class::Unknown, "{text:?}");
            continue;
        };
        understood += 1;
        let raw = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'#'));
        assert!(sound(&number) || raw, "{text:?} became {number:?}");
        assert_eq!(plan.normal(&number).as_deref(), Some(number.as_str()), "{text:?}");
        assert_eq!(plan.class(&number), class, "{text:?}");
        for form in [Form::Dialled, Form::Typed, Form::Digits, Form::Plus] {
            let sent = plan.on_line(&number, form);
            assert!(!raw || (sent.digits == number && sent.ton == UNKNOWN), "{number} {form:?}");
            if form == Form::Dialled && class != Class::Unknown {
                assert_eq!(
                    plan.normal(&sent.digits).as_deref(),
                    Some(number.as_str()),
                    "{} {number} {sent:?}",
                    plan.iso
                );
            }
        }
    }
    assert!(understood > 20_000, "the generator makes too few numbers: {understood}");
}

#[test]
fn what_is_far_too_long_is_refused_at_once() {
    let plan = place("gb");
    for text in
        ["1".repeat(10_000), "+".repeat(10_000), " ".repeat(10_000) + "1" + &" 2".repeat(10_000), "(".repeat(10_000)]
    {
        assert_eq!((plan.normal(&text), plan.class(&text)), (None, Class::Unknown));
        assert_eq!(plan.e164(&text, NATIONAL), text);
        assert_eq!(plan.called(&text, UNKNOWN), text);
        assert_eq!(plan.on_line(&text, Form::Dialled).digits, text);
    }
}

#[test]
fn a_preset_is_found_by_either_code() {
    assert_eq!(Plan::preset("GB"), Plan::preset("44"));
    assert_eq!(Plan::preset("uk"), Plan::preset("gb"));
    assert_eq!(Plan::preset("1").map(|plan| plan.iso), Some("us".into()));
    assert_eq!(Plan::preset("ca").map(|plan| plan.country), Some("1".into()));
    assert!(Plan::preset("zz").is_none() && Plan::preset("").is_none() && Plan::preset("+44").is_none());
    assert!(Plan::presets().count() >= 16);
}

#[test]
fn dialled_digits_are_whole_when_nothing_can_follow() {
    use crate::Dialled::{Beginning, Perhaps, Whole};
    let us = Plan { area: "202".into(), ..Plan::preset("us").unwrap() };
    let gb = Plan { area: "20".into(), ..Plan::preset("gb").unwrap() };
    for (plan, digits, what) in [
        (&us, "911", Whole),
        (&us, "91", Beginning),
        (&us, "5550100", Beginning),
        (&us, "2025550", Beginning),
        (&us, "2025550142", Perhaps),
        (&us, "1202555014", Beginning),
        (&us, "12025550142", Whole),
        (&us, "0114420794601", Perhaps),
        (&us, "011442079460123", Whole),
        (&gb, "999", Whole),
        (&gb, "112", Whole),
        (&gb, "0207946012", Perhaps),
        (&gb, "02079460123", Whole),
        (&gb, "0012025550142", Whole),
        (&gb, "*21", Beginning),
        (&gb, "", Beginning),
    ] {
        assert_eq!(plan.dialled(digits), what, "{} {digits}", plan.iso);
    }
}
