//! Every promised row has a test that bears its name, and the paper of the rows is made from both.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use crate::rows::{CHAPTERS, NOT_YET, ROWS};

/// Where sources lie; folders of a build are not among them.
const ROOMS: [&str; 4] = ["src", "drivers", "board", "tests"];

/// Rows with the names of their tests.
type Found = BTreeMap<String, BTreeSet<String>>;

/// `a7` of `fn a7_…` in test functions; `fn a7_e2_…` is for both.
fn rows_in(text: &str, found: &mut Found) {
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ") {
            let name = rest.split('(').next().unwrap_or_default();
            if is_test && name.contains('_') {
                for row in name.split('_').take_while(|word| is_row(word)) {
                    found.entry(row.to_uppercase()).or_default().insert(name.to_string());
                }
            }
            is_test = false;
        }
    }
}

fn is_row(word: &str) -> bool {
    let (letters, number) = halves(word);
    !letters.is_empty()
        && letters.chars().all(|c| c.is_ascii_lowercase())
        && !number.is_empty()
        && number.chars().all(|c| c.is_ascii_digit())
}

/// The letters of a row's name, and its number.
fn halves(row: &str) -> (&str, &str) {
    row.split_at(row.find(|c: char| c.is_ascii_digit()).unwrap_or(row.len()))
}

fn walk(folder: &Path, found: &mut Found) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            rows_in(&std::fs::read_to_string(&path).unwrap_or_default(), found);
        }
    }
}

fn found() -> Found {
    let mut found = Found::new();
    for room in ROOMS {
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(room), &mut found);
    }
    found
}

/// Rows that have no test and should, and rows that have one and are said to have none.
fn wrong(found: &Found, not_yet: &[(&str, &str)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (row, _, _) in ROWS {
        match (found.contains_key(*row), not_yet.iter().any(|(name, _)| name == row)) {
            (false, false) => wrong.push(format!("no test is named after {row}")),
            (true, true) => wrong.push(format!("{row} has a test: take it out of NOT_YET")),
            _ => {}
        }
    }
    wrong
}

#[test]
fn every_promised_row_has_a_test_of_its_name() {
    let wrong = wrong(&found(), NOT_YET);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_row_without_a_test_and_a_row_with_too_much_are_seen() {
    let mut few = found();
    few.remove("A1");
    assert_eq!(wrong(&few, NOT_YET), ["no test is named after A1"]);
    let mut more = NOT_YET.to_vec();
    more.push(("A2", "not so"));
    assert_eq!(wrong(&found(), &more), ["A2 has a test: take it out of NOT_YET"]);
}

#[test]
fn rows_stand_once_in_order_and_those_without_a_test_say_why() {
    let key = |row: &'static str| {
        let (letters, number) = halves(row);
        (letters, number.parse::<u32>().expect("a number"))
    };
    for pair in ROWS.windows(2) {
        assert!(key(pair[0].0) < key(pair[1].0), "{} {}", pair[0].0, pair[1].0);
    }
    for (row, why) in NOT_YET {
        assert!(ROWS.iter().any(|(name, _, _)| name == row) && !why.is_empty(), "{row}");
    }
}

#[test]
fn a_name_counts_only_if_it_is_a_tests() {
    let mut found = Found::new();
    rows_in(
        "#[test]\nfn a7_requests() {}\nfn a8_help() {}\n#[test]\n#[ignore]\nfn b10_x() {}\n#[test]\nfn c() {}",
        &mut found,
    );
    assert_eq!(found.keys().collect::<Vec<_>>(), ["A7", "B10"]);
    assert!(found["A7"].contains("a7_requests"));
    let mut two = Found::new();
    rows_in("#[test]\nfn a12_e21_files_are_enough() {}\n#[test]\nfn d3() {}", &mut two);
    assert_eq!(two.keys().collect::<Vec<_>>(), ["A12", "E21"]);
    let mut asynchronous = Found::new();
    rows_in("    #[tokio::test(flavor = \"multi_thread\")]\n    async fn d18_streams() {}", &mut asynchronous);
    assert!(asynchronous.contains_key("D18"));
}

/// The paper of the rows.
fn paper(found: &Found) -> String {
    let mut text = String::from(
        "# What tipring promises\n\nMade from `tests/scenario/rows.rs` and the names of the tests; a test fails when it is \
         old. Levels: `must` the core, `should-C` planned as if it were, `should` expected, `should-` wanted where it is \
         cheap, `may` our own addition.\n",
    );
    for (letters, title) in CHAPTERS {
        let _ = write!(text, "\n## {letters}. {title}\n\n| row | level | what | tests |\n| --- | --- | --- | --- |\n");
        for (row, level, what) in ROWS.iter().filter(|(row, _, _)| halves(row).0 == *letters) {
            let tests = match (found.get(*row), NOT_YET.iter().find(|(name, _)| name == row)) {
                (Some(names), _) => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
                (None, why) => format!("**not yet**: {}", why.map_or("", |(_, why)| why)),
            };
            let _ = writeln!(text, "| {row} | {} | {what} | {tests} |", level.name());
        }
    }
    text
}

#[test]
fn the_paper_of_the_rows_is_what_the_tests_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/features.md");
    let made = paper(&found());
    if std::env::var_os("TIPRING_WRITE").is_some() {
        std::fs::write(&path, &made).expect("the paper can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "docs/reference/features.md is old: TIPRING_WRITE=1 cargo test -p tipring --test scenario the_paper_of_the_rows"
    );
}

/// A code path that `scripts/break-rows` breaks.
#[derive(serde::Deserialize)]
struct Break {
    row: String,
    test: String,
    file: String,
    find: String,
    put: String,
}

#[test]
fn every_break_fits_its_file_and_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("tests/breaks.toml")).unwrap();
    let table: BTreeMap<String, Vec<Break>> = toml::from_str(&text).unwrap();
    let (breaks, found) = (&table["break"], found());
    assert!(breaks.len() >= 20);
    for one in breaks {
        let text = std::fs::read_to_string(root.join(&one.file)).unwrap();
        assert_eq!(text.matches(&one.find).count(), 1, "{}: {}", one.file, one.find);
        assert!(one.find != one.put && found[&one.row].contains(&one.test), "{} {}", one.row, one.test);
    }
}
