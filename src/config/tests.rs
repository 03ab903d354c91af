//! Texts that are taken and texts that are refused.

use super::keys::Kind;
use super::*;

fn refused(text: &str) -> String {
    Config::parse(Path::new("t.toml"), text).expect_err("must be refused").to_string()
}

#[test]
fn a_whole_file_is_read() {
    let text = r#"
version = 1
[box]
name = "front"
state_dir = "/srv/tipring"
[listen]
api = "127.0.0.1:9000"
[plan]
country_code = "44"
[[card]]
kind = "dahdi"
spans = [1, 2]
role = "network"
[[number]]
number = "100"
url = "http://app.lan/menu"
fallback = ["http://b.lan/menu"]
"#;
    let config = Config::parse(Path::new("t.toml"), text).expect("good");
    assert_eq!(config.card[0].spans, [1, 2]);
    assert_eq!(config.card[0].role, Role::Network);
    assert_eq!(config.number[0].number, "100");
    assert_eq!(config.number[0].origin.line().map(|(_, line)| line), Some(14));
}

#[test]
fn the_country_is_the_plan_as_far_as_the_file_does_not_say_otherwise() {
    let mut config = Config::default();
    assert_eq!(config.dialling_plan(), tipring_numbering::Plan::default());
    config.this.country = "gb".into();
    config.plan.area_code = "20".into();
    let london = config.dialling_plan();
    assert_eq!((london.country.as_str(), london.area.as_str(), london.trunk_prefix.as_str()), ("44", "20", "0"));
    config.plan.country_code = "49".into();
    // Help is where the box stands.
    let help = "999 112 18000".into();
    let other =
        tipring_numbering::Plan { country: "49".into(), area: "20".into(), emergency: help, ..Default::default() };
    assert_eq!(config.dialling_plan(), other);
}

#[test]
fn each_fault_is_named_with_its_place() {
    for (text, told) in [
        ("[box]\nnmae = 1\n", "t.toml:2:1: unknown key `nmae` in [box]; did you mean `name`?"),
        ("[listen]\napi = \"0.0.0.0:80\"\n", "t.toml:2:7: listen.api: plain HTTP"),
        ("version = 2\n", "t.toml:1:11: version: 2 is outside its range: 1"),
        ("[[number]]\nnumber = \"1\"\nurl = \"menu\"\n", "t.toml:3:7: number 1: url: \"menu\" is not an absolute"),
        ("[[card]]\nkind = \"isdn\"\n", "t.toml:2:8: card.kind: \"isdn\" is none of \"dahdi\", \"sim\""),
        ("[box\n", "t.toml:1:5: not TOML: "),
        ("[outbound]\nopen = [\"short\", \"everywhere\"]\n", "t.toml:2:18: outbound.open: \"everywhere\" is none of"),
        ("[box]\ncountry = \"xx\"\n", "t.toml:2:11: box.country: \"xx\" is not known; "),
        ("[box]\ncountry = \"germany\"\n", "t.toml:2:11: box.country: \"germany\" is not known; did you mean \"de\"?"),
        ("[box]\ncountries = \"own.toml\"\n", "t.toml:2:13: box.countries: an absolute path is wanted"),
        ("[plan]\ncountry_code = \"fourty\"\n", "t.toml:2:16: plan.country_code: "),
        ("[[card]]\nkind = \"sim\"\nprefill = 8\n", "t.toml:3:11: card.prefill: 8 is outside its range: 1 to 7"),
        ("[[group]]\nname = \"a b\"\nlines = [\"sim 1\"]\n", "t.toml:2:8: group.name: 1 to 40 letters"),
        ("[[group]]\nname = \"out\"\n", "t.toml:1:1: [[group]]: `lines = [\"dahdi 1\", \"dahdi 3/2\"]` is missing"),
        ("[[group]]\nname = \"out\"\nlines = []\n", "t.toml:3:9: group out: lines: name at least one"),
        (
            "[listen]\nmetrics = \"127.0.0.1:8080\"\n",
            "t.toml:2:11: listen.api and listen.metrics: both want 127.0.0.1:8080",
        ),
        ("[log]\nlevel = \"inof\"\n", "t.toml:2:9: log.level: \"inof\" is none of"),
        ("[media]\nface = \"media.sock\"\n", "t.toml:2:8: media.face: an absolute path"),
        (
            "[destinations]\nlisted = [\"app.lan:443\", \"app.lan\"]\n",
            "t.toml:2:26: destinations.listed: \"app.lan\" is not",
        ),
        ("[media]\nface = \"http://speech.lan:7443\"\n", "t.toml:2:8: media.face: plain HTTP stays on this host"),
        ("[media]\nface = \"https://u:p@speech.lan:7443\"\n", "t.toml:2:8: media.face: https://HOST:PORT is wanted"),
        ("[media]\nface = \"ftp://speech.lan:7443\"\n", "t.toml:2:8: media.face: https://HOST:PORT is wanted"),
        ("[media]\nlisten = \"7443\"\n", "t.toml:2:10: media.listen: an address and a port"),
        (
            "[media]\nlisten = \"0.0.0.0:7443\"\nface = \"https://speech.lan:7443\"\n",
            "t.toml:2:10: media.listen: media.face names a media layer elsewhere",
        ),
        ("[media]\nlisten = \"0.0.0.0:7443\"\nkey_file = \"key\"\n", "t.toml:3:12: media.key_file: an absolute path"),
        ("[media]\nseal_key_file = \"key\"\n", "t.toml:2:17: media.seal_key_file: an absolute path"),
        ("[media]\nstore = \"http://x/y\"\n", "t.toml:2:9: media.store: s3://BUCKET/PREFIX or file:///FOLDER"),
        (
            "[media]\nstore = \"s3://b/p\"\nstore_key_file = \"/k\"\n",
            "t.toml:2:9: media.store: a store of others holds ciphertext only",
        ),
        (
            "[media]\nstore = \"s3://b/p\"\nseal_key_file = \"/s\"\nstore_key_file = \"k\"\n",
            "t.toml:4:18: media.store_key_file: an absolute path",
        ),
        (
            "[media]\nstore_endpoint = \"http://minio.lan:9000\"\n",
            "t.toml:2:18: media.store_endpoint: https:// is wanted",
        ),
        ("[media]\nask_first = [\"box2.lan\"]\n", "t.toml:2:13: media.ask_first: https://HOST:PORT is wanted"),
        ("[[recognizer]]\nname = \"a\"\n", "t.toml:1:1: recognizer a: `command` or `url`: one of them is wanted"),
        ("[[recognizer]]\nname = \"a\"\nurl = \"x\"\n", "t.toml:3:7: recognizer a: url: an absolute http"),
        ("[[speech]]\nname = \"a\"\n", "t.toml:1:1: speech a: url: `command` or `url`: one of them is wanted"),
        ("[[speech]]\nname = \"a\"\nurl = \"x\"\n", "t.toml:3:7: speech a: url: an absolute http"),
        ("[[speech]]\nname = \"a\"\ncommand = [\"x\"]\n", "t.toml:1:1: speech a: voices: a program needs one"),
        (
            "[[speech]]\nname = \"a\"\nurl = \"http://h\"\nvoices = [\"en child x\"]\n",
            "t.toml:4:10: speech a: voices: a language, woman or man",
        ),
        ("[[decoder]]\nname = \"a\"\ncommand = [\"x\"]\n", "t.toml:1:1: decoder a: types: `types` or `magic`"),
        (
            "[[decoder]]\nname = \"a\"\ncommand = [\"x\"]\nmagic = [\"0xz\"]\n",
            "t.toml:4:9: decoder a: magic: text, or an offset",
        ),
        (
            "[[decoder]]\nname = \"a\"\ncommand = [\"x\"]\nmagic = [\"a\"]\nreads = [\"b\"]\n",
            "t.toml:5:9: decoder a: reads: absolute paths",
        ),
        ("[[preset]]\nname = \"a\"\ncoding = \"l16\"\nrate_hz = 9000\n", "t.toml:4:11: preset a: rate_hz: 8000, 16000"),
        ("[media]\npreset = \"wide\"\n", "t.toml:2:10: media.preset: \"wide\" is no [[preset]]"),
        (
            "[[recognizer]]\nname = \"a\"\ncommand = [\"x\"]\nrate_hz = 8001\n",
            "t.toml:4:11: recognizer a: rate_hz: 8000 or 16000",
        ),
        (
            "[[recognizer]]\nname = \"a\"\ncommand = [\"x\"]\nlanguages = [\"en\", \"d e\"]\n",
            "t.toml:4:20: recognizer a: languages: tags are wanted",
        ),
        ("[box]\nstore = \"mysql://db\"\n", "t.toml:2:9: box.store: a URL is wanted"),
        ("[messages]\nadapter = \"modem\"\n", "t.toml:2:11: messages.port: the modem's serial port"),
        (
            "[messages]\nadapter = \"modem\"\nport = \"/dev/ttyUSB2\"\n",
            "t.toml:2:11: messages.number: the modem's own number is wanted",
        ),
    ] {
        let refusal = refused(text);
        assert!(refusal.starts_with(told) && !refusal.contains('\n'), "{text}{refusal}");
    }
    let twice = "[[number]]\nnumber = \"1\"\nurl = \"http://a\"\n[[number]]\nnumber = \"1\"\nurl = \"http://a\"\n";
    assert_eq!(refused(twice), "t.toml:5:10: number 1 stands twice; first at t.toml:2:10");
    for line in ["dahdi", "dahdi1", "dahdi 1/", "dahdi /1", "dahdi 0x1", "dahdi 1 2", "card 1", ""] {
        let told = refused(&format!("[[group]]\nname = \"out\"\nlines = [\"dahdi 3/2\", \"sim 1\", \"{line}\"]\n"));
        assert!(told.starts_with(&format!("t.toml:3:32: group out: lines: \"{line}\": a span such as")), "{told}");
    }
}

/// A file of the user's own countries, gone afterwards.
struct Own(std::path::PathBuf);

impl Own {
    fn new(name: &str, text: &str) -> Own {
        let file = std::env::temp_dir().join(format!("tipring-countries-{name}-{}.toml", std::process::id()));
        std::fs::write(&file, text).expect("written");
        Own(file)
    }

    fn config(&self, country: &str) -> Result<Config, Refusal> {
        let text = format!("[box]\ncountry = \"{country}\"\ncountries = \"{}\"\n", self.0.display());
        Config::parse(Path::new("t.toml"), &text)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const ELSEWHERE: &str = r#"[zz]
name = "Elsewhere"
dial = ["510"]
ringback = ["510 700/2100"]
busy = ["510 330/170"]
information = ["950>1400>1800 330"]
ring_ms = [700, 2100]
caller_id = ["v23-after-ring"]
fxo_mode = "TBR21"
law = "a"
hang_up = ["tone"]
emergency = ["4711"]
framing = "e1"
"#;

#[test]
fn inst4_every_country_of_the_file_may_be_the_boxs_country() {
    let mut zones = std::collections::BTreeSet::new();
    for country in tipring_countries::built_in() {
        for code in country.codes().map(str::to_uppercase).chain([country.code.clone()]) {
            let config = Config::parse(Path::new("t.toml"), &format!("[box]\ncountry = \"{code}\"\n"));
            let config = config.unwrap_or_else(|refusal| panic!("{refusal}"));
            zones.insert(config.zone());
            assert_eq!(config.country(), Some(country));
            let plan = config.dialling_plan();
            for number in &country.emergency {
                assert_eq!(plan.class(number), tipring_numbering::Class::Emergency, "{code} {number}");
            }
        }
    }
    assert!(zones.len() >= 46, "{}", zones.len());
}

#[test]
fn inst4_a_fault_in_the_users_countries_is_a_fault_of_the_configuration_with_its_place() {
    let own = Own::new("broken", &ELSEWHERE.replace("510 330/170", "510 330/17"));
    let refusal = own.config("zz").expect_err("refused");
    let place =
        format!("{}:5:18: [zz] busy: 17 ms is out of bounds; write a whole number from 100 to 5000", own.0.display());
    assert_eq!((refusal.lines(), refusal.exit()), (vec![place], 78), "one complaint: of box.country nothing is known");
    assert!(
        refusal.marked().contains("    5 | busy = [\"510 330/17\"]\n      |                  ^\n"),
        "{}",
        refusal.marked()
    );
    std::fs::remove_file(&own.0).expect("removed");
    let refusal = own.config("gb").expect_err("refused");
    assert!(refusal.to_string().ends_with("cannot be read: No such file or directory (os error 2)"), "{refusal}");
    assert_eq!(refusal.exit(), 78);
}

#[test]
fn inst4_the_same_entry_is_the_same_zone_however_often_it_is_read_and_a_changed_one_is_told() {
    let own = Own::new("reload", ELSEWHERE);
    let first = own.config("zz").expect("good");
    let again = own.config("zz").expect("good");
    assert!(std::ptr::eq(first.zone().tones(), again.zone().tones()), "nothing is kept twice");
    assert_eq!(Config::changes(&first, &again), []);
    std::fs::write(&own.0, ELSEWHERE.replace("510 330/170", "520 330/170")).expect("written");
    let other = own.config("zz").expect("good");
    assert_ne!(first.zone(), other.zone());
    let changes = Config::changes(&first, &other);
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].key.as_str(), changes[0].policy), ("box.countries", keys::Reload::LineIdle));
    // A built-in country with other tones.
    std::fs::write(&own.0, ELSEWHERE.replace("[zz]", "[gb]")).expect("written");
    let gb = own.config("UK").expect_err("the code of an entry that was replaced is gone");
    assert!(gb.to_string().contains("box.country: \"UK\" is not known"), "{gb}");
    assert_eq!(own.config("GB").expect("good").zone().tones().busy[0].hz, [510, 0]);
}

#[test]
fn the_table_of_keys_and_the_types_say_the_same() {
    let built_in = Config::default().values();
    for key in keys::KEYS {
        let example = toml::from_str::<toml::Table>(&format!("x = {}", key.example)).expect(key.example);
        assert!(example.contains_key("x"), "{}", key.path());
        let list = keys::section(key.section).is_some_and(|section| section.list);
        if !list && !key.section.is_empty() {
            let value = built_in.iter().find(|value| value.path == key.path()).expect("a value");
            assert_eq!(value.value.to_string(), key.default, "{}", key.path());
        }
    }
    // And in lists, by an entry that has only what it must.
    let text = "[[group]]\nname = \"a\"\nlines = [\"sim 1\"]\n[[card]]\nkind = \"sim\"\n\
        [[number]]\nnumber = \"1\"\nurl = \"http://a\"\n\
        [[recognizer]]\nname = \"a\"\nurl = \"http://a\"\n\
        [[speech]]\nname = \"a\"\nurl = \"http://a\"\n\
        [[preset]]\nname = \"a\"\ncoding = \"l16\"\n\
        [[decoder]]\nname = \"a\"\ncommand = [\"x\"]\nmagic = [\"x\"]\n";
    let config = Config::parse(Path::new("t.toml"), text).expect("good");
    // Each must have one of two keys.
    let chosen = |path: &str| {
        (path.starts_with("recognizer[") || path.starts_with("speech[")) && path.ends_with(".url")
            || path.starts_with("decoder[") && path.ends_with(".magic")
    };
    for value in config.values().iter().filter(|it| it.path.contains('[') && !it.key.must && !chosen(&it.path)) {
        assert_eq!(value.value.to_string(), value.key.default, "{}", value.path);
    }
    // Nothing is in the types that the table does not know.
    let all = serde_json::to_value(&config).expect("json");
    for (section, table) in all.as_object().expect("a table") {
        let table = table.get(0).unwrap_or(table);
        for name in table.as_object().into_iter().flat_map(|table| table.keys()) {
            assert!(keys::find(section, name).is_some(), "{section}.{name}");
        }
    }
}

/// The reference's rows: key, default, type, reload.
fn reference() -> Vec<[String; 4]> {
    let text = include_str!("../../docs/configuration.md");
    let rows = text.lines().filter(|line| line.starts_with("| `") && line.split('|').count() == 7);
    let cells = rows.map(|line| line.split('|').map(|cell| cell.trim().to_string()).collect::<Vec<_>>());
    cells
        .map(|cells| [cells[1].trim_matches('`').into(), cells[2].clone(), cells[3].clone(), cells[4].clone()])
        .collect()
}

#[test]
fn the_reference_has_every_key_with_its_default_and_range() {
    let rows = reference();
    let named: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    let known: Vec<String> = keys::KEYS.iter().map(keys::Key::path).collect();
    assert_eq!(named, known);
    for (key, [path, default, kind, reload]) in keys::KEYS.iter().zip(&rows) {
        let wanted = match (key.must, key.default) {
            (true, _) => "must be there".to_string(),
            (false, "") => "none".into(),
            (false, default) => format!("`{default}`"),
        };
        assert_eq!(*default, wanted, "{path}");
        let words = |words: &[&str]| words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ");
        let wanted = match key.kind {
            Kind::Text => "text".to_string(),
            Kind::Truth => "`true`, `false`".into(),
            Kind::Whole(least, most) => keys::range(least, most),
            Kind::Word(known) => words(known),
            Kind::Texts => "list of texts".into(),
            Kind::Wholes(least, most) => format!("list of {}", keys::range(least, most)),
            Kind::Words(known) => format!("list of {}", words(known)),
        };
        assert_eq!(*kind, wanted, "{path}");
        assert_eq!(*reload, key.reload.to_string(), "{path}");
    }
}

#[test]
fn a_mark_stands_under_the_column() {
    let text = "[box]\n\tnäme\t= \"\u{7}\"\n";
    let refusal = Config::parse(Path::new("t.toml"), text).expect_err("refused");
    assert!(refusal.marked().contains("2 | \tnäme\t= \"\u{fffd}\"\n      | \t    \t   ^\n"), "{}", refusal.marked());
    let refusal = Config::parse(Path::new("t.toml"), "[box]\n\tnmae = 1\n").expect_err("refused");
    let told = "t.toml:2:2: unknown key `nmae` in [box]; did you mean `name`?\n    2 | \tnmae = 1\n      | \t^\n";
    assert_eq!(refusal.marked(), told);
}

#[test]
fn at_most_twenty_complaints_are_told() {
    let text: String = (0..30).map(|n| format!("[[number]]\nnumber = \"{n}\"\nurl = \"x\"\n")).collect();
    let refusal = Config::parse(Path::new("t.toml"), &text).expect_err("refused");
    assert_eq!((refusal.complaints.len(), refusal.more), (20, 10));
    assert!(refusal.to_string().ends_with("and 10 more"));
}

#[test]
fn what_the_how_to_of_engines_shows_is_good() {
    let text = include_str!("../../docs/how-to/use-your-own-speech-engine.md");
    let shown: Vec<&str> = text.split("```toml\n").skip(1).filter_map(|it| it.split("```").next()).collect();
    assert!(shown.len() >= 5);
    for one in shown {
        Config::parse(Path::new("t.toml"), one).unwrap_or_else(|refused| panic!("{refused}: {one}"));
    }
}

#[test]
fn inst4_what_the_how_to_of_countries_shows_is_good() {
    let text = include_str!("../../docs/how-to/choose-country-and-lines.md");
    let block = |name: &str| {
        let shown = text.split(&format!("```{name}\n")).nth(1).and_then(|it| it.split("```").next());
        shown.unwrap_or_else(|| panic!("there is no block {name}")).to_string()
    };
    let own = Own::new("how-to", &block("toml entry"));
    let named = block("toml named").replace("/etc/tipring/countries.toml", &own.0.display().to_string());
    let config = Config::parse(Path::new("t.toml"), &named).unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(config.country().map(|country| country.name.as_str()), Some("Elsewhere"));
    let line = Config::parse(Path::new("t.toml"), &block("toml line")).unwrap_or_else(|refusal| panic!("{refusal}"));
    assert_eq!(line.lines_that_differ()[1].hang_up_tone.as_deref(), Some("425 300/300"), "its span's");
    // And every word that it names is one.
    for form in tipring_countries::CallerId::ALL {
        assert!(text.contains(&format!("`{}`", form.word())), "{form:?}");
    }
    for sign in tipring_countries::HangUp::ALL {
        assert!(text.contains(&format!("`{}`", sign.word())), "{sign:?}");
    }
}
