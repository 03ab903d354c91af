//! The file of countries, and what judges it: every entry is good, every kind of mistake is told with line, column and
//! remedy. What the tones sound like is measured where they are made, in `dsp`.

use std::collections::BTreeSet;

use tipring_countries::*;

/// A whole entry that is good, one key a line, so that each test breaks one of them.
const GOOD: &str = r#"[xx]
name = "Elsewhere"
dial = ["425"]
ringback = ["425 1000/4000"]
busy = ["425 500/500"]
congestion = ["425 200/200"]
information = ["950>1400>1800 330"]
ring_ms = [1000, 4000]
caller_id = ["v23-after-ring", "dtmf-before-ring"]
fxo_mode = "TBR21"
law = "a"
hang_up = ["tone", "battery"]
emergency = ["112", "000"]
framing = "e1"
"#;

/// The good entry with a line in place of another: its beginning, what stands there instead.
fn with(begins: &str, line: &str) -> String {
    assert!(GOOD.lines().any(|one| one.starts_with(begins)), "{begins}");
    let lines = GOOD.lines().map(|one| if one.starts_with(begins) { line } else { one });
    lines.map(|line| format!("{line}\n")).collect()
}

fn told(text: &str) -> Vec<String> {
    read(text).expect_err("must be refused").iter().map(ToString::to_string).collect()
}

#[test]
fn inst4_every_country_passes_its_check_and_there_are_more_than_46() {
    let countries = read(BUILT_IN).expect("good");
    let own = countries.iter().filter(|country| country.tones.is_some()).count();
    println!("{} countries, {own} with tones of their own, {} with a stand-in", countries.len(), countries.len() - own);
    assert!(own >= 46 && countries.len() >= 75, "{own} of {}", countries.len());
    assert_eq!(built_in(), countries);
    assert_eq!(countries[0].code, "us", "the default");
    let zones = "us us-old gb ie au nz fr de at ch nl be es it pt se no dk fi pl cz hu gr ru tr il za in cn jp kr hk tw sg \
                 my th ph br mx ar cl ae ve sa bg ee lt ca uk";
    let book = Book::default();
    for code in zones.split_whitespace() {
        let country = book.find(&code.to_uppercase()).unwrap_or_else(|| panic!("{code} is missing"));
        assert!(book.tones(country).is_some());
    }
}

#[test]
fn inst4_a_country_without_a_zone_names_its_stand_in() {
    let book = Book::default();
    let without: Vec<_> = book.all().filter(|country| country.tones.is_none()).collect();
    assert!(without.len() >= 29, "{}", without.len());
    for country in without {
        let (stand_in, tones) = book.tones(country).expect("tones");
        assert_ne!(stand_in.code, country.code);
        assert_eq!(Some(&stand_in.code), country.tones_of.as_ref());
        assert!(!tones.busy.is_empty(), "{}", country.code);
    }
    assert_eq!(book.find("ca").and_then(|canada| canada.tones_of.as_deref()), Some("us"));
}

#[test]
fn inst4_every_mode_of_the_lines_electrics_belongs_to_a_country() {
    let used: BTreeSet<&str> = built_in().iter().map(|country| country.fxo_mode.as_str()).collect();
    let unused: Vec<_> = FXO_MODES.iter().filter(|mode| !used.contains(*mode)).collect();
    assert_eq!(unused, Vec::<&&str>::new());
    // An entry says what both tables of the drivers call by one name.
    for (code, mode) in [("gb", "UK"), ("ae", "UAE"), ("za", "SOUTHAFRICA"), ("kr", "SOUTHKOREA"), ("us", "USA")] {
        assert_eq!(Book::default().find(code).map(|country| country.fxo_mode.clone()).as_deref(), Some(mode));
    }
}

#[test]
fn inst4_defaults_for_lines_are_there_for_every_country() {
    for country in built_in() {
        assert!(!country.caller_id.is_empty() && !country.hang_up.is_empty(), "{}", country.code);
        assert!(country.hang_up != [HangUp::Silence] && country.emergency.len() <= 16, "{}", country.code);
        assert!(country.emergency.iter().all(|number| number.len() <= 6), "{}", country.code);
    }
    let gb = Book::default().find("gb").cloned().expect("there");
    assert_eq!(gb.caller_id[0], CallerId::V23BeforeRing);
    let us = Book::default().find("us").cloned().expect("there");
    assert_eq!((us.law, us.framing, us.hang_up[0]), (Law::Mu, Framing::T1, HangUp::Battery));
}

#[test]
fn inst4_each_broken_entry_is_told_with_place_and_remedy() {
    assert!(read(GOOD).is_ok(), "what is broken below is good");
    let cases: &[(&str, &str, &str)] = &[
        ("name", "nmae = \"Elsewhere\"", "2:1: [xx] has no key `nmae`; did you mean `name`?"),
        (
            "name",
            "colour = 1",
            "2:1: [xx] has no key `colour`; its keys are name, also, tones_of, dial, ringback, busy, \
          congestion, congestion_step_db, information, ring_ms, caller_id, fxo_mode, law, hang_up, emergency, framing",
        ),
        ("law", "", "1:2: [xx]: `law` is missing; write `law = \"a\"`"),
        (
            "busy",
            "",
            "1:2: [xx]: `busy` is missing; write `busy = [\"425 500/500\"]`, or `tones_of = \"us\"` in place of \
          all tones",
        ),
        (
            "name",
            "name = 4",
            "2:8: [xx] name: a text in quotes is wanted, and this is a whole number; write `name = \
          \"Norway\"`",
        ),
        ("name", "name = \"\"", "2:8: [xx] name: \"\" is no name; write 1 to 60 characters, such as \"Norway\""),
        (
            "busy",
            "busy = \"425 500/500\"",
            "5:8: [xx] busy: a list of texts is wanted, and this is a text; write `busy = \
          [\"425 500/500\"]`",
        ),
        ("busy", "busy = []", "5:8: [xx] busy: the list is empty; write `busy = [\"425 500/500\"]`"),
        (
            "busy",
            "busy = [\"425 500\"]",
            "5:14: [xx] busy: the rhythm has 1 times: on and off come in pairs; write the \
          last silence too: \"500/500\"",
        ),
        (
            "busy",
            "busy = [\"425 500/500\", \"4O0 500/500\"]",
            "5:25: [xx] busy: \"4O0\" is no number of Hz; write a whole \
          number from 200 to 3400",
        ),
        (
            "busy",
            "busy = [\"120 500/500\"]",
            "5:10: [xx] busy: 120 Hz is out of bounds; write a whole number from 200 to \
          3400",
        ),
        (
            "busy",
            "busy = [\"480+3620 500/500\"]",
            "5:14: [xx] busy: 3620 Hz is out of bounds; write a whole number from \
          200 to 3400",
        ),
        (
            "busy",
            "busy = [\"620+480 500/500\"]",
            "5:10: [xx] busy: \"620+480\" does not begin with the lower frequency; \
          write \"480+620\"",
        ),
        (
            "busy",
            "busy = [\"425 500/50\"]",
            "5:18: [xx] busy: 50 ms is out of bounds; write a whole number from 100 to \
          5000",
        ),
        (
            "busy",
            "busy = [\"425\"]",
            "5:8: [xx] busy: \"425\" has no rhythm; only dial tone is endless: write \"425 \
          500/500\"",
        ),
        (
            "busy",
            "busy = [\"425 500/500\", \"425 500/500\"]",
            "5:24: [xx] busy: \"425 500/500\" stands twice; take one \
          out",
        ),
        (
            "dial",
            "dial = [\"350+400+440\"]",
            "3:14: [xx] dial: \"350+400+440\" has more than two frequencies; take two; \
          three at equal distances are a modulated one: \"425*25\"",
        ),
        (
            "dial",
            "dial = [\"400*500\"]",
            "3:14: [xx] dial: 500 Hz of modulation is out of bounds; write a whole number \
          from 10 to 200",
        ),
        (
            "dial",
            "dial = [\"950>1400>1800 330\"]",
            "3:10: [xx] dial: \"950>1400>1800\" are tones one after the other; \
          rising tones stand in `information` alone; elsewhere write \"425\", \"350+440\" or \"400*33\"",
        ),
        (
            "information",
            "information = [\"950>1400>2800 330\"]",
            "7:26: [xx] information: 2800 Hz as the next of rising \
          tones is out of bounds; write a whole number from 1680 to 1950",
        ),
        (
            "ring_ms",
            "ring_ms = [1000]",
            "8:11: [xx] ring_ms: on and off come in pairs, one to five of them; write \
          `ring_ms = [1000, 4000]`",
        ),
        (
            "ring_ms",
            "ring_ms = [1000, 60000]",
            "8:18: [xx] ring_ms: this is no time of ringing or of silence; write whole \
          numbers from 100 to 5000",
        ),
        (
            "congestion",
            "congestion_step_db = 3",
            "6:22: [xx] congestion_step_db: there is no congestion tone; write \
          `congestion`, or take this out",
        ),
        (
            "congestion",
            "congestion = [\"425 200/200\"]\ncongestion_step_db = 40",
            "7:22: [xx] congestion_step_db: this is \
          no step; write a whole number from -20 to 20",
        ),
        (
            "caller_id",
            "caller_id = [\"v23-after-ring\", \"bell-after-rign\"]",
            "9:33: [xx] caller_id: \"bell-after-rign\" \
          is not known; did you mean \"bell-after-ring\"?",
        ),
        (
            "fxo_mode",
            "fxo_mode = \"GERMNAY\"",
            "10:13: [xx] fxo_mode: \"GERMNAY\" is no mode of DAHDI's drivers; did you \
          mean \"GERMANY\"?",
        ),
        ("law", "law = \"alaw\"", "11:8: [xx] law: \"alaw\" is not known; take one of \"a\", \"mu\""),
        (
            "hang_up",
            "hang_up = [\"batery\"]",
            "12:13: [xx] hang_up: \"batery\" is not known; did you mean \"battery\"?",
        ),
        (
            "hang_up",
            "hang_up = [\"silence\"]",
            "12:11: [xx] hang_up: silence alone ends calls of people who listen; put a \
          sign before it: [\"tone\", \"silence\"]",
        ),
        (
            "emergency",
            "emergency = [\"112\", \"nine\"]",
            "13:22: [xx] emergency: \"nine\" is no number that calls help; \
          write 2 to 6 digits, such as \"112\"",
        ),
        ("emergency", "emergency = []", "13:13: [xx] emergency: the list is empty; write `emergency = [\"112\"]`"),
        (
            "emergency",
            "emergency = [\"+442079460100\"]",
            "13:15: [xx] emergency: \"+442079460100\" is no number that calls \
          help; write 2 to 6 digits, such as \"112\"",
        ),
        ("framing", "framing = \"j1\"", "14:12: [xx] framing: \"j1\" is not known; did you mean \"e1\"?"),
        ("[xx]", "[XX]", "1:2: \"XX\" is not a code; write \"xx\""),
        (
            "[xx]",
            "[a-far-country]",
            "1:2: \"a-far-country\" is not a code; take two letters of ISO 3166 in lower case, or \
          up to eight letters, digits and hyphens",
        ),
        (
            "framing",
            "framing = \"e1\"\nalso = [\"Y\"]",
            "15:10: \"Y\" is not a code; take two letters of ISO 3166 in lower \
          case, or up to eight letters, digits and hyphens",
        ),
        (
            "dial",
            "tones_of = \"xx\"",
            "4:12: [xx] ringback: `tones_of` names another country's tones; take out one of \
          both",
        ),
    ];
    assert!(cases.len() >= 20);
    for (begins, line, expected) in cases {
        let told = told(&with(begins, line));
        assert_eq!(told.first().map(String::as_str), Some(*expected), "{line}");
    }
}

#[test]
fn inst4_what_only_the_whole_file_tells_is_told() {
    let stand_in = |code: &str, of: &str| {
        let words = GOOD.lines().filter(|line| !line.starts_with(['d', 'r', 'b', 'i']) && !line.starts_with("con"));
        let text: String = words.map(|line| format!("{line}\n")).collect();
        text.replace("[xx]", &format!("[{code}]")).replace("name", &format!("tones_of = \"{of}\"\nname"))
    };
    assert_eq!(
        told(&stand_in("yy", "zz")),
        [
            "2:12: [yy] tones_of: there is no country \"zz\"; `tipring country list` shows all; or give the country tones of \
          its own"
        ]
    );
    let chain = [GOOD.to_string(), stand_in("yy", "zz"), stand_in("zz", "xx")].concat();
    assert_eq!(told(&chain), ["16:12: [yy] tones_of: [zz] has no tones of its own; name whose tones it uses: \"xx\""]);
    let itself = stand_in("yy", "yy");
    assert_eq!(told(&itself), ["2:12: [yy] tones_of: [yy] has no tones of its own; give one of both its tones"]);
    assert_eq!(read(&[GOOD, &stand_in("yy", "xx")].concat()).map(|all| all.len()), Ok(2));
    assert_eq!(
        told(&[GOOD, GOOD].concat()),
        ["15:2: [xx] stands twice; the first is in line 1: put both together, or take one out"]
    );
    let alias = with("name", "name = \"Elsewhere\"\nalso = [\"yy\"]") + &GOOD.replace("[xx]", "[yy]");
    assert_eq!(
        told(&alias),
        ["16:2: [yy]: `yy` is a code of [xx] already; a code means one country: take another one"]
    );
    assert_eq!(told(""), ["1:1: there is no country in this file; write an entry: [xx], and its keys below"]);
    assert_eq!(
        told("xx = 4\n"),
        ["1:1: `xx` is a whole number and no country; a country is written [xx], with its keys below"]
    );
    assert_eq!(told(&with("law", "law = \"a\"\nlaw = \"mu\"")), ["12:1: `law` stands twice; take one out"]);
    assert!(told("[xx\n")[0].starts_with("1:4: not TOML: "), "{:?}", told("[xx\n"));
}

#[test]
fn inst4_more_than_the_listener_has_room_for_is_refused_with_numbers() {
    let many = with(
        "busy",
        "busy = [\"410+500 500/500\", \"420+510 500/500\", \"430+520 500/500\", \"440+530 500/500\", \"450+540 500/500\"]",
    );
    assert_eq!(
        told(&many),
        [
            "1:2: [xx]: its tones need 14 frequencies, 6 sounds and 8 rhythms; the listener has room for 10, 6 and 10; take \
          out the rarest forms (three frequencies are those of rising tones; a dial tone with a rhythm counts as two)"
        ]
    );
    let exact = with("busy", "busy = [\"410+500 500/500\", \"420+510 500/500\", \"430+520 500/500\"]");
    assert_eq!(Room::of(read(&exact).expect("room").remove(0).tones.as_ref().expect("tones")).atoms, MAX_ATOMS);
}

#[test]
fn inst4_a_file_of_any_size_is_judged_within_bounds() {
    let large = "#".repeat(MAX_OCTETS + 1);
    assert!(told(&large)[0].starts_with("1:1: 262145 octets are more than the 262144 that are read"));
    let entry = |n: usize| GOOD.replace("[xx]", &format!("[x{n}]"));
    let many: String = (0..=MAX_COUNTRIES).map(entry).collect();
    assert!(many.len() < MAX_OCTETS);
    assert!(told(&many)[0].ends_with("more than 300 countries; keep in the file what differs from the built-in ones"));
    // Garbage in every line, and in one line.
    for garbage in ["=\n", "= ", "\"\n", "[[", "a.", "[a]\n", "{", "a=["] {
        let faults = read(&garbage.repeat(MAX_OCTETS / garbage.len())).expect_err("refused");
        assert!((1..=MAX_FAULTS).contains(&faults.len()), "{garbage:?}: {}", faults.len());
    }
    let wrong: String = (0..200).map(|n| format!("[x{n}]\nlaw = 1\nlwa = 2\n")).collect();
    assert_eq!(told(&wrong).len(), MAX_FAULTS);
}

#[test]
fn inst4_own_entries_add_to_the_built_in_ones_or_replace_them() {
    let own = GOOD.replace("[xx]", "[zz]") + &GOOD.replace("[xx]", "[gb]");
    let book = Book::with(&own).expect("good");
    assert_eq!(book.all().count(), built_in().len() + 1);
    assert_eq!(book.find("GB").map(|country| country.name.as_str()), Some("Elsewhere"));
    assert_eq!(book.find("zz").map(|country| country.name.as_str()), Some("Elsewhere"));
    let refused = |text: &str| Book::with(text).expect_err("refused")[0].to_string();
    assert_eq!(
        refused(&GOOD.replace("[xx]", "[uk]")),
        "1:2: [uk]: `uk` means the built-in [gb]; write [gb] to replace it, or take another code"
    );
    // A stand-in may be a built-in one, by any of its codes.
    let stand_in = |of: &str| {
        format!(
            "[zz]\nname = \"Z\"\ntones_of = \"{of}\"\ncaller_id = [\"aon\"]\nfxo_mode = \"FCC\"\nlaw = \"a\"\n\
             hang_up = [\"tone\"]\nemergency = [\"112\"]\nframing = \"e1\"\n"
        )
    };
    let book = Book::with(&stand_in("uk")).expect("good");
    let zz = book.find("zz").expect("there");
    assert_eq!(book.tones(zz).map(|(of, _)| of.code.as_str()), Some("gb"));
    assert_eq!(
        refused(&stand_in("ca")),
        "3:12: [zz] tones_of: [ca] has no tones of its own; name whose tones it uses: \"us\""
    );
    assert_eq!(refused(&stand_in("bgg")), "3:12: [zz] tones_of: there is no country \"bgg\"; did you mean \"bg\"?");
}

#[test]
fn inst4_a_torn_or_twisted_file_never_harms_the_reader() {
    // Octets are cut out, doubled and changed; each outcome is countries or complaints that name a place in the text.
    let mut seed = 7_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let (mut good, mut refused) = (0, 0);
    for _ in 0..3_000 {
        let mut text: Vec<char> = GOOD.chars().collect();
        for _ in 0..=next(3) {
            let at = next(text.len());
            match next(3) {
                0 => drop(text.drain(at..(at + 1 + next(9)).min(text.len()))),
                1 => text.insert(at, ['"', '[', '/', '>', '9', 'µ', '\n', '=', '\u{0}'][next(9)]),
                _ => text[at] = ['"', ']', '+', '*', '0', 'é', '#', '.', ','][next(9)],
            }
        }
        let text: String = text.into_iter().collect();
        match read(&text) {
            Ok(_) => good += 1,
            Err(faults) => {
                refused += 1;
                for fault in faults {
                    let line = text.split('\n').nth(fault.line - 1).unwrap_or_else(|| panic!("{fault} in {text:?}"));
                    assert!((1..=line.chars().count() + 1).contains(&fault.column), "{fault} in {text:?}");
                    assert!(!fault.what.is_empty() && !fault.remedy.is_empty(), "{fault:?}");
                }
            }
        }
    }
    println!("{good} taken, {refused} refused");
    assert!(good > 20 && refused > 1000, "{good} {refused}");
}
