//! `tipring lines` on trees of the kernel's files, and `tipring board`, through the real command: what they say, and how
//! they end.

use serde_json::Value;

use super::trees::grow;
use super::{Folder, text, tipring};

const THREE: &str = include_str!("../../board/tests/trees/three-findings.txt");
const REFERENCE: &str = include_str!("../../board/tests/trees/reference.txt");
const PROFILE: &str = include_str!("../../board/profiles/reference-4-1.toml");

/// Exit code, standard output, standard error.
fn asked(folder: &Folder, words: &[&str]) -> (Option<i32>, String, String) {
    let output = tipring(&folder.0).args(words).output().expect("it runs");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// What `tipring lines --json` says of a tree.
fn lines(name: &str, description: &str, more: &[&str]) -> (Option<i32>, Value) {
    let (folder, grown) = (Folder::new(name), grow(description));
    folder.a_box("");
    let sysfs = grown.root.join("sys").display().to_string();
    let words = [&["lines", "--json", "--config", "box.toml", "--sysfs", &sysfs], more].concat();
    let (code, said, wrong) = asked(&folder, &words);
    assert_eq!(wrong, "");
    (code, serde_json::from_str(&said).expect("JSON"))
}

#[test]
fn inst2_lines_lists_a_good_card_one_without_driver_and_one_unassigned_each_with_its_next_step() {
    let (code, all) = lines("board-three", THREE, &[]);
    assert_eq!((code, &all["board"]), (Some(69), &"generic".into()));
    let cards = all["cards"].as_array().expect("cards");
    let seen: Vec<_> =
        cards.iter().map(|card| (card["name"].as_str(), card["place"].as_str(), card["state"].as_str())).collect();
    assert_eq!(
        seen,
        [
            (Some("pci:0000:02:02.0"), Some("pci:0000:02:02.0"), Some("nearly works")),
            (Some("1TE235F0002"), Some("pci:0000:02:03.0"), Some("nearly works")),
            (Some("1TE235F0001"), Some("pci:0000:02:01.0"), Some("good")),
        ]
    );
    assert!(cards.iter().all(|card| card["next"].as_str().is_some_and(|next| !next.is_empty())), "{cards:#?}");
    assert_eq!(all["findings"].as_array().map(Vec::len), Some(3));
}

#[test]
fn inst2_lines_ends_with_0_only_if_all_is_good() {
    let good = THREE.split("\npci 0000:02:02.0").next().expect("the good card");
    let (code, all) = lines("board-good", good, &[]);
    assert_eq!((code, &all["cards"][0]["state"]), (Some(0), &"good".into()), "{all:#}");
    assert_eq!(lines("board-alarm", &format!("{good}\nfile usr/sbin/asterisk = x"), &[]).0, Some(69));
    assert_eq!(lines("board-none", "", &[]).0, Some(69));
    let (folder, grown) = (Folder::new("board-text"), grow(good));
    folder.a_box("");
    let sysfs = grown.root.join("sys").display().to_string();
    let (code, said, _) = asked(&folder, &["lines", "--config", "box.toml", "--sysfs", &sysfs]);
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "good          1TE235F0001 at pci:0000:02:01.0: Digium TE235; ready\n")
    );
}

#[test]
fn inst2_a_simulated_card_is_ready_whatever_is_in_the_machine() {
    let folder = Folder::new("board-sim");
    folder.a_box("[[card]]\nkind = \"sim\"\n");
    let (code, said, wrong) = asked(&folder, &["lines", "--config", "box.toml"]);
    assert_eq!((code, wrong.as_str()), (Some(0), ""), "{said}");
    assert!(said.lines().all(|line| line.starts_with("sim ")), "{said}");
}

#[test]
fn inst3_the_order_in_which_cards_come_up_changes_no_name() {
    let spans = |first: &str, second: &str| format!("{REFERENCE}span 1 of={first}\nspan 2 of={second}\n");
    let (one, other) = ("pci:0000:02:01.0 kind=ANALOG_MIXED sig=FXSKS", "pci:0000:02:02.0");
    let (code, before) = lines("board-one", &spans(one, other), &[]);
    let (swapped_code, after) = lines("board-other", &spans(other, one), &[]);
    assert_eq!((code, swapped_code), (Some(0), Some(0)), "{before:#}");
    let lasting = |all: &Value| -> Vec<Value> {
        let spans =
            all["cards"].as_array().expect("cards").iter().flat_map(|card| card["spans"].as_array().expect("spans"));
        spans.map(|span| serde_json::json!([span["name"], span["ports"], span["kind"]])).collect()
    };
    assert_eq!(lasting(&before), lasting(&after));
    assert_ne!(before["cards"][0]["spans"][0]["number"], after["cards"][0]["spans"][0]["number"]);
    assert_eq!((&before["board"], &before["cards"][1]["slot"]), (&"reference-4-1".into(), &"B".into()));
}

#[test]
fn inst7_board_lists_shows_and_judges_profiles() {
    let folder = Folder::new("board-profiles");
    let (code, all, _) = asked(&folder, &["board", "list", "--json", "--boards", "mine"]);
    let all: Value = serde_json::from_str(&all).expect("JSON");
    let rows = all["boards"].as_array().expect("rows");
    assert_eq!((code, rows.len() >= 3), (Some(0), true));
    assert_eq!(rows.last().map(|row| &row["id"]), Some(&"generic".into()));
    assert_eq!(rows.iter().filter(|row| row["this"] == true).count(), 1);
    // One of one's own, recognised by its name.
    let own = PROFILE.replace("id = \"reference-4-1\"", "id = \"ours\"").replace("reference-4-1*", "OURS-1");
    folder.write("mine/ours.toml", &own);
    let grown = grow("dmi sys_vendor tipring\ndmi board_name ours-1");
    let sysfs = grown.root.join("sys").display().to_string();
    let place = ["--boards", "mine", "--sysfs", &sysfs];
    let (_, shown, _) = asked(&folder, &[&["board", "show", "--json"], &place[..]].concat());
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!((&shown["board"]["id"], &shown["own"], &shown["this"]), (&"ours".into(), &true.into(), &true.into()));
    assert_eq!(shown["board"]["ports"][4]["kind"], "e1");
    let (_, listed, _) = asked(&folder, &[&["board", "list"], &place[..]].concat());
    assert!(
        listed.lines().any(|line| line.starts_with("ours ") && line.ends_with("; your own; this machine")),
        "{listed}"
    );
    let (code, page, _) = asked(&folder, &["board", "show", "reference-4-1", "--boards", "mine"]);
    assert!(code == Some(0) && page.contains("| line 4 | analogue line (FXO) | A | 1 | 4 |"), "{page}");
    let (code, _, wrong) = asked(&folder, &["board", "show", "genric", "--boards", "mine"]);
    assert_eq!(code, Some(2));
    assert!(wrong.starts_with("tipring: \"genric\" is not known; did you mean \"generic\"?"), "{wrong}");
}

#[test]
fn inst7_board_check_ends_with_0_or_with_78_and_the_place_of_every_fault() {
    let folder = Folder::new("board-check");
    folder.write("own.toml", PROFILE);
    let good = "own.toml: good: reference-4-1, 2 slot(s), 5 port(s)\n".to_string();
    assert_eq!(asked(&folder, &["board", "check", "own.toml"]), (Some(0), good, String::new()));
    let at = |word: &str| PROFILE.lines().position(|line| line == word).map_or(0, |line| line + 1);
    let (watchdog, kind) = (at("ms = 10000"), at("kind = \"e1\""));
    let broken = PROFILE.replace("ms = 10000", "ms = 5").replace("kind = \"e1\"", "kind = \"e2\"");
    folder.write("own.toml", &broken);
    let (code, said, wrong) = asked(&folder, &["board", "check", "own.toml"]);
    let told = format!(
        "own.toml:{kind}:8: port.kind: \"e2\" is not known; did you mean \"e1\"?\n\
         own.toml:{watchdog}:6: watchdog.ms is out of bounds; write a whole number from 1000 to 600000\n"
    );
    assert_eq!((code, said, wrong), (Some(78), String::new(), told));
    assert_eq!(asked(&folder, &["board", "check", "nowhere.toml"]).0, Some(78));
    // A broken one beside the configuration is told by `lines` too.
    folder.a_box("");
    folder.write("boards/own.toml", &broken);
    let (code, _, wrong) = asked(&folder, &["lines", "--config", "box.toml"]);
    assert!(code == Some(78) && wrong.contains("own.toml:"), "{wrong}");
}
