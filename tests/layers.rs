//! The arrows of the house: which room may know which. Crates are read from `cargo metadata`, modules of the root crate
//! from their `use` lines. Each check is shown to fail on a planted wrong arrow, and the pure crates are shown to need
//! no standard library.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Room → rooms that it may use. A room that is not here may use nothing, and nobody may forget to put it here.
const ARROWS: &[(&str, &[&str])] = &[
    ("card", &[]),
    ("countries", &[]),
    ("dsp", &["card"]),
    ("isdn", &["card", "dsp"]),
    ("analog", &["card", "dsp"]),
    ("host", &["card"]),
    ("dahdi", &["card"]),
    ("board", &[]),
    ("sound", &["card", "dsp", "host"]),
    ("sim", &["card", "dsp", "isdn", "analog"]),
    ("controller", &[]),
    ("serial", &["controller"]),
    ("switch", &["card", "dsp"]),
    ("numbering", &[]),
    ("resources", &["numbering"]),
    ("instructions", &[]),
    ("router", &["card", "switch", "instructions", "resources", "numbering", "guard"]),
    ("doctor", &["card", "dsp", "analog", "switch"]),
    ("lines", &["card", "dsp", "isdn", "analog", "numbering", "router", "doctor", "switch"]),
    ("guard", &["card"]),
    ("door", &[]),
    ("egress", &["guard"]),
    ("webhook", &["egress", "router", "resources"]),
    ("streams", &["egress", "card", "dsp"]),
    ("messages", &["egress"]),
    ("media", &["egress", "card", "dsp"]),
    ("store", &["card", "dsp", "resources"]),
    ("api", &["resources", "router", "store"]),
    // Beside libpri and spandsp: nobody may use it.
    ("interop", &["analog", "card", "dsp", "isdn", "switch"]),
    (
        "tipring",
        &[
            "card",
            "board",
            "countries",
            "dsp",
            "isdn",
            "analog",
            "dahdi",
            "sound",
            "sim",
            "serial",
            "switch",
            "numbering",
            "resources",
            "router",
            "doctor",
            "lines",
            "guard",
            "door",
            "egress",
            "streams",
            "messages",
            "webhook",
            "media",
            "store",
            "api",
        ],
    ),
];

/// Room → rooms that its build script may use: what is made of them stands in the room as a table.
const BUILD_ARROWS: &[(&str, &[&str])] = &[("dsp", &["countries"])];

/// Modules of the root crate → modules that they may use.
const MODULES: &[(&str, &[&str])] =
    &[("config", &[]), ("observe", &[]), ("daemon", &["config", "observe"]), ("cli", &["config", "daemon", "observe"])];

/// Crates that bring threads, sockets, files or clocks; a pure room has none of them.
const IMPURE: &[&str] = &["tokio", "reqwest", "sqlx", "axum", "hyper", "nix", "libc"];
const PURE: &[&str] = &[
    "card",
    "dsp",
    "isdn",
    "analog",
    "controller",
    "switch",
    "numbering",
    "resources",
    "instructions",
    "router",
    "doctor",
    "guard",
];

type Edges = BTreeMap<String, BTreeSet<String>>;

fn room(package: &str) -> Option<String> {
    match package.strip_prefix("tipring") {
        Some("") => Some("tipring".into()),
        Some(rest) => rest.strip_prefix('-').map(str::to_string),
        None => None,
    }
}

/// Dependencies of every package of the workspace, rooms and foreign crates; not those of tests.
fn dependencies() -> Edges {
    dependencies_of_kind(None)
}

/// Those of build scripts.
fn build_dependencies() -> Edges {
    let mut edges = dependencies_of_kind(Some("build"));
    edges.retain(|_, used| used.iter().any(|package| room(package).is_some()));
    edges
}

fn dependencies_of_kind(kind: Option<&str>) -> Edges {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let mut edges = Edges::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let Some(name) = room(package["name"].as_str().expect("name")) else {
            continue;
        };
        let used = package["dependencies"].as_array().expect("dependencies").iter();
        let used = used.filter(|dependency| dependency["kind"].as_str() == kind);
        let used = used.map(|dependency| dependency["name"].as_str().expect("name").to_string());
        edges.insert(name, used.collect());
    }
    edges
}

fn wrong_arrows(edges: &Edges, allowed: &[(&str, &[&str])]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (from, used) in edges {
        let Some((_, may)) = allowed.iter().find(|(name, _)| name == from) else {
            wrong.push(format!("{from} has no place in the house"));
            continue;
        };
        let rooms = used.iter().filter_map(|package| room(package));
        wrong.extend(rooms.filter(|to| !may.contains(&to.as_str())).map(|to| format!("{from} → {to}")));
    }
    wrong
}

fn impure(edges: &Edges) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in PURE {
        let used = edges.get(*name).into_iter().flatten();
        wrong.extend(used.filter(|c| IMPURE.contains(&c.as_str())).map(|c| format!("{name} is pure, but uses {c}")));
    }
    wrong
}

/// `use crate::…` of every module of the root crate.
fn module_uses(src: &Path) -> Edges {
    let mut edges = Edges::new();
    for (module, _) in MODULES {
        let mut used = BTreeSet::new();
        for file in rust_files(&src.join(module)) {
            let text = std::fs::read_to_string(&file).expect("readable");
            for (at, _) in text.match_indices("crate::") {
                let name: String =
                    text[at + 7..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if name != *module && !name.is_empty() {
                    used.insert(format!("tipring-{name}"));
                }
            }
        }
        edges.insert((*module).to_string(), used);
    }
    edges
}

fn rust_files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a module is a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn rooms_know_only_the_rooms_that_they_may() {
    let edges = dependencies();
    assert!(edges.len() >= 17, "the workspace was not read: {edges:?}");
    assert_eq!(wrong_arrows(&edges, ARROWS), Vec::<String>::new());
    assert_eq!(impure(&edges), Vec::<String>::new());
}

#[test]
fn build_scripts_know_only_the_rooms_that_they_may() {
    let mut edges = build_dependencies();
    assert!(edges["dsp"].contains("tipring-countries"), "the workspace was not read: {edges:?}");
    assert_eq!(wrong_arrows(&edges, BUILD_ARROWS), Vec::<String>::new());
    edges.entry("dsp".into()).or_default().insert("tipring-switch".into());
    assert_eq!(wrong_arrows(&edges, BUILD_ARROWS), ["dsp → switch"]);
    edges.entry("dsp".into()).or_default().remove("tipring-switch");
    edges.entry("card".into()).or_default().insert("tipring-countries".into());
    assert_eq!(wrong_arrows(&edges, BUILD_ARROWS), ["card has no place in the house"]);
}

#[test]
fn a_planted_wrong_arrow_is_found() {
    let mut edges = dependencies();
    edges.entry("switch".into()).or_default().insert("tipring-router".into());
    assert_eq!(wrong_arrows(&edges, ARROWS), ["switch → router"]);
    edges.entry("router".into()).or_default().insert("tokio".into());
    assert_eq!(impure(&edges), ["router is pure, but uses tokio"]);
    edges.insert("attic".into(), BTreeSet::new());
    assert!(wrong_arrows(&edges, ARROWS).contains(&"attic has no place in the house".to_string()));
}

#[test]
fn modules_of_the_root_know_only_the_modules_that_they_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut edges = module_uses(&src);
    assert!(edges["cli"].contains("tipring-daemon"), "the modules were not read: {edges:?}");
    assert_eq!(wrong_arrows(&edges, MODULES), Vec::<String>::new());
    edges.entry("config".into()).or_default().insert("tipring-daemon".into());
    assert_eq!(wrong_arrows(&edges, MODULES), ["config → daemon"]);
}

#[test]
fn pure_crates_need_no_standard_library() {
    let check = |planted: &[&str]| {
        Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--offline", "--manifest-path", "tests/nostd/Cargo.toml"])
            .args(planted)
            .env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/nostd"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo check runs")
    };
    let proof = check(&[]);
    assert!(proof.status.success(), "{}", String::from_utf8_lossy(&proof.stderr));
    let planted = check(&["--features", "planted"]);
    assert!(!planted.status.success(), "a pure crate that links std was not found");
}
