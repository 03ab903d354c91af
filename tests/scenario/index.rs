//! Every promised row has a test that bears its name.

use std::collections::BTreeSet;
use std::path::Path;

/// The rows of the first call that goes the whole way, and those of calls with two legs.
const ROWS: &str = "A15 A16 A23 A24 A25 A31 B11 B12 B13 B14 B22 C8 C9 C14 C15 C20 \
                    A1 A2 A3 A5 A6 A7 A8 A9 A10 A11 A17 A18 A19 A20 A21 A22 \
                    B2 B3 B4 B5 B6 B8 B9 B16 B17 B18 B23 B24 \
                    C1 C2 C3 C4 C13 C16 C22 C26 C28 C32 C34 \
                    D1 D2 D3 D4 D5 D6 D8 D9 D18 D19 \
                    E1 E2 E6 E8 E9";
/// Where sources lie; folders of a build are not among them.
const ROOMS: [&str; 3] = ["src", "drivers", "tests"];

/// `a7` of `fn a7_…` in test functions.
fn rows_in(text: &str, found: &mut BTreeSet<String>) {
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ") {
            let row = rest.split('_').next().unwrap_or_default();
            let is_row = row.len() > 1
                && row.starts_with(|c: char| c.is_ascii_lowercase())
                && row[1..].chars().all(|c| c.is_ascii_digit());
            if is_test && is_row && rest.contains('_') {
                found.insert(row.to_uppercase());
            }
            is_test = false;
        }
    }
}

fn walk(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            rows_in(&std::fs::read_to_string(&path).unwrap_or_default(), found);
        }
    }
}

#[test]
fn every_promised_row_has_a_test_of_its_name() {
    let mut found = BTreeSet::new();
    for room in ROOMS {
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(room), &mut found);
    }
    let missing: Vec<_> = ROWS.split_whitespace().filter(|row| !found.contains(*row)).collect();
    assert!(missing.is_empty(), "no test is named after {}", missing.join(", "));
}

#[test]
fn a_name_counts_only_if_it_is_a_tests() {
    let mut found = BTreeSet::new();
    rows_in(
        "#[test]\nfn a7_requests() {}\nfn a8_help() {}\n#[test]\n#[ignore]\nfn b10_x() {}\n#[test]\nfn c() {}",
        &mut found,
    );
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["A7", "B10"]);
    let mut asynchronous = BTreeSet::new();
    rows_in("    #[tokio::test(flavor = \"multi_thread\")]\n    async fn d18_streams() {}", &mut asynchronous);
    assert!(asynchronous.contains("D18"));
}
