//! What is written in the books is taken, and the other faces of the command: JSON, hash, the last good one.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::{Folder, run, text, tipring};

/// The blocks of a document that are TOML.
fn examples(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).expect("a document");
    let blocks = text.split("```toml\n").skip(1);
    blocks.filter_map(|block| block.split("```").next().map(str::to_string)).collect()
}

#[test]
fn the_examples_of_the_documents_are_taken_without_a_warning() {
    for document in ["docs/configuration.md", "README.md"] {
        let examples = examples(document);
        assert!(!examples.is_empty(), "{document} has no example");
        for example in examples {
            let folder = Folder::new("example");
            folder.write("box.toml", &example);
            let output = run(&folder.0, &["check", "--strict"]);
            assert_eq!(output.status.code(), Some(0), "{document}: {}\n{example}", text(&output.stderr));
        }
    }
}

#[test]
fn json_has_places_and_values() {
    let folder = Folder::new("json");
    folder.write("box.toml", "[box]\nnmae = 1\n[listen]\napi = \"127.0.0.1:1\"\n");
    let output = tipring(&folder.0)
        .args(["check", "--json", "--config", "box.toml"])
        .env("TIPRING_BOX_DRAIN_S", "x")
        .output()
        .expect("it runs");
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((said["good"].as_bool(), output.status.code()), (Some(false), Some(78)));
    let place = serde_json::json!({"source": "file", "file": "box.toml", "line": 2, "column": 1});
    assert_eq!(said["complaints"][0]["place"], place);
    assert_eq!(said["complaints"][1]["place"]["variable"], "TIPRING_BOX_DRAIN_S");
    folder.write("box.toml", "[listen]\napi = \"127.0.0.1:1\"\n");
    let said: serde_json::Value =
        serde_json::from_slice(&run(&folder.0, &["config", "show", "--json"]).stdout).expect("JSON");
    let api = said["keys"].as_array().expect("keys").iter().find(|key| key["key"] == "listen.api").expect("the key");
    assert_eq!((api["value"].as_str(), api["origin"]["line"].as_u64()), (Some("127.0.0.1:1"), Some(2)));
    let said: serde_json::Value = serde_json::from_slice(&run(&folder.0, &["check", "--json"]).stdout).expect("JSON");
    assert_eq!((said["good"].as_bool(), said["numbers"].as_u64()), (Some(true), Some(0)));
}

#[test]
fn a_hash_is_the_same_wherever_the_values_come_from() {
    let hash = |folder: &Folder| text(&run(&folder.0, &["config", "hash"]).stdout);
    let (one, other) = (Folder::new("hash-one"), Folder::new("hash-other"));
    one.write("box.toml", "[box]\nname = \"a\"\ndrain_s = 5\n");
    other.write("box.toml", "");
    let before = hash(&other);
    other.write("conf.d/a.toml", "box.name = \"a\"\n");
    other.write("env", "TIPRING_BOX_DRAIN_S=5\n");
    assert_eq!(hash(&one), hash(&other));
    assert_ne!(before, hash(&other));
    assert_eq!(before.trim().len(), 64);
}

#[test]
fn a_broken_name_in_the_environment_is_told_and_others_are_left_alone() {
    let folder = Folder::new("octets");
    folder.write("box.toml", "");
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9");
    let check =
        |name: &str| tipring(&folder.0).args(["check", "--config", "box.toml"]).env(name, odd).output().expect("runs");
    let output = check("TIPRING_BOX_NAME");
    assert_eq!(text(&output.stderr), "TIPRING_BOX_NAME: its value is not UTF-8\n");
    assert_eq!(output.status.code(), Some(78));
    assert_eq!(check("SOMEBODYS_NAME").status.code(), Some(0));
}

#[test]
fn check_is_reached_by_its_other_names_too() {
    let folder = Folder::new("names");
    folder.write("box.toml", "[box]\nnmae = 1\n");
    for words in [&["--check-config"][..], &["serve", "--check-config"]] {
        let output = run(&folder.0, words);
        assert_eq!(output.status.code(), Some(78), "{words:?}");
        assert!(text(&output.stderr).starts_with("box.toml:2:1: unknown key"), "{}", text(&output.stderr));
    }
    folder.write("box.toml", "");
    assert_eq!(run(&folder.0, &["serve", "--check-config"]).status.code(), Some(0));
}
