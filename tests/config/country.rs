//! `tipring country` through the real command: what a list, an entry and a check of one's own file say, and how they end.

use serde_json::Value;

use super::{Folder, text, tipring};

const ELSEWHERE: &str = r#"[zz]
name = "Elsewhere"
dial = ["510"]
ringback = ["510 700/2100"]
busy = ["510 330/170"]
ring_ms = [700, 2100]
caller_id = ["v23-after-ring"]
fxo_mode = "TBR21"
law = "a"
hang_up = ["tone"]
emergency = ["4711"]
framing = "e1"
"#;

/// Exit code, standard output, standard error.
fn country(folder: &Folder, words: &[&str]) -> (Option<i32>, String, String) {
    let output = tipring(&folder.0).arg("country").args(words).output().expect("it runs");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn json(folder: &Folder, words: &[&str]) -> Value {
    let (code, said, wrong) = country(folder, words);
    assert_eq!((code, wrong.as_str()), (Some(0), ""), "{words:?}");
    serde_json::from_str(&said).expect("JSON")
}

#[test]
fn inst4_list_has_every_country_with_its_stand_in() {
    let folder = Folder::new("countries-list");
    folder.a_box("");
    let all = json(&folder, &["list", "--json", "--config", "box.toml"]);
    let rows = all["countries"].as_array().expect("rows");
    assert!(rows.len() >= 75, "{}", rows.len());
    for row in rows {
        assert!(row["busy"].as_str().is_some_and(|busy| busy.contains('/')), "{row}");
        assert!(row["law"] == "a" || row["law"] == "mu", "{row}");
        assert!(row["caller_id"].as_array().is_some_and(|forms| !forms.is_empty()), "{row}");
    }
    let of = |code: &str| rows.iter().find(|row| row["code"] == code).expect("there");
    assert_eq!((&of("ca")["stand_in"], &of("de")["stand_in"]), (&Value::from("us"), &Value::Null));
    let (_, table, _) = country(&folder, &["list", "--config", "box.toml"]);
    assert_eq!(table.lines().count(), rows.len() + 1);
    let canada = table.lines().find(|line| line.starts_with("ca ")).expect("a line");
    assert!(canada.contains("480+620 500/500") && canada.ends_with("; tones of us"), "{canada}");
}

#[test]
fn inst4_show_has_everything_and_says_what_is_not_there() {
    let folder = Folder::new("countries-show");
    folder.a_box("");
    let gb = json(&folder, &["show", "UK", "--json", "--config", "box.toml"]);
    assert_eq!(gb["code"], "gb");
    assert_eq!(gb["tones"]["ringback"][0], "400+450 400/200/400/2000");
    assert_eq!(gb["plan"]["country_code"], "44");
    assert_eq!(gb["emergency"][0], "999");
    let no = json(&folder, &["show", "no", "--json", "--config", "box.toml"]);
    assert_eq!(no["plan"], Value::Null);
    assert!(no["emergency"].as_array().is_some_and(|all| all.contains(&"113".into()) && all.contains(&"911".into())));
    let (code, told, _) = country(&folder, &["show", "is", "--config", "box.toml"]);
    assert_eq!(code, Some(0));
    assert!(told.contains("those of no: none are known of this country itself"), "{told}");
    assert!(told.contains("none: write it into [plan]"), "{told}");
    let (code, _, wrong) = country(&folder, &["show", "Norwya", "--config", "box.toml"]);
    assert_eq!(code, Some(2));
    assert!(wrong.starts_with("tipring: \"Norwya\" is not known; did you mean \"no\"?"), "{wrong}");
    let (_, _, wrong) = country(&folder, &["show", "xx", "--config", "box.toml"]);
    assert!(wrong.starts_with("tipring: \"xx\" is not known; `tipring country list`"), "{wrong}");
}

#[test]
fn inst4_check_ends_with_0_or_with_78_and_the_place_of_every_fault() {
    let folder = Folder::new("countries-check");
    folder.write("own.toml", ELSEWHERE);
    assert_eq!(country(&folder, &["check", "own.toml"]), (Some(0), "own.toml: good: 1 country\n".into(), "".into()));
    let broken = ELSEWHERE.replace("name", "nmae").replace("510 330/170", "510 330/17");
    folder.write("own.toml", broken);
    let told = "own.toml:2:1: [zz] has no key `nmae`; did you mean `name`?\n\
                own.toml:5:18: [zz] busy: 17 ms is out of bounds; write a whole number from 100 to 5000\n";
    assert_eq!(country(&folder, &["check", "own.toml"]), (Some(78), "".into(), told.into()));
    assert_eq!(country(&folder, &["check", "nowhere.toml"]).0, Some(78));
    let built_in = concat!(env!("CARGO_MANIFEST_DIR"), "/drivers/countries/countries.toml");
    assert_eq!(country(&folder, &["check", built_in]).0, Some(0), "whoever extends it can judge it");
}

#[test]
fn inst4_a_file_of_ones_own_counts_in_check_list_and_show() {
    let folder = Folder::new("countries-own");
    folder.write("own.toml", ELSEWHERE);
    let own = folder.0.join("own.toml").display().to_string();
    folder.write("box.toml", format!("[box]\ncountry = \"zz\"\ncountries = \"{own}\"\n"));
    let checked = tipring(&folder.0).args(["check", "--config", "box.toml"]).output().expect("it runs");
    assert_eq!((checked.status.code(), text(&checked.stderr).as_str()), (Some(0), ""));
    let zz = json(&folder, &["show", "zz", "--json", "--config", "box.toml"]);
    assert_eq!((&zz["own"], &zz["tones"]["busy"][0]), (&Value::Bool(true), &Value::from("510 330/170")));
    folder.write("own.toml", ELSEWHERE.replace("\"a\"", "\"b\""));
    let checked = tipring(&folder.0).args(["check", "--config", "box.toml"]).output().expect("it runs");
    assert_eq!(checked.status.code(), Some(78));
    assert_eq!(text(&checked.stderr), format!("{own}:9:8: [zz] law: \"b\" is not known; did you mean \"a\"?\n"));
    // Without the file its country is not known, with its place in the configuration.
    folder.write("box.toml", "[box]\ncountry = \"zz\"\n");
    let checked = tipring(&folder.0).args(["check", "--config", "box.toml"]).output().expect("it runs");
    let told = text(&checked.stderr);
    assert!(told.starts_with("box.toml:2:11: box.country: \"zz\" is not known; "), "{told}");
}
