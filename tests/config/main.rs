//! Configurations that are refused and configurations that are taken, through the real command: each case is a folder
//! with `box.toml`, perhaps `conf.d/`, `env` (variables, one a line) and `flags` (arguments, one a line). A case in
//! `broken/` has in `stderr` what the command says; one in `good/` has in `shows` lines of `config show --origin`, and
//! in `stderr` the warnings of `check`, if there are any. `TIPRING_BLESS=1` writes `stderr` anew.
//!
//! Not here: what a line or a port says at start, and reload.

mod boards;
mod controller;
mod country;
mod desk;
mod exits;
mod hostile;
mod media;
mod taken;
mod trace;
#[allow(dead_code, reason = "the trees of `board`'s own tests")]
#[path = "../../board/tests/support/mod.rs"]
mod trees;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The command, without the variables of whoever runs the tests.
fn tipring(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tipring"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"TIPRING_")) {
        command.env_remove(name);
    }
    command.env("TIPRING_LOG", "error").env_remove("CREDENTIALS_DIRECTORY").current_dir(folder);
    command
}

/// A folder that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("tipring-config-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn write(&self, name: &str, octets: impl AsRef<[u8]>) {
        let file = self.0.join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, octets).expect("written");
    }

    /// Puts a text where `STATE` stands into `box.toml`: a box of its own in this folder, on a port of its own.
    fn a_box(&self, more: &str) {
        let here = self.0.display();
        self.write(
            "box.toml",
            format!(
                "[box]\nstate_dir = \"{here}/state\"\ncache_dir = \"{here}/cache\"\nruntime_dir = \"{here}/run\"\n\
             [listen]\napi = \"127.0.0.1:0\"\nmetrics = \"\"\n{more}"
            ),
        );
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The cases of a kind, by name.
fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(kind);
    let mut cases: Vec<_> =
        std::fs::read_dir(folder).expect("cases").map(|case| case.expect("a case").path()).collect();
    cases.sort();
    cases
}

fn lines(file: &Path) -> Vec<String> {
    std::fs::read_to_string(file).unwrap_or_default().lines().map(str::to_string).collect()
}

/// Runs a subcommand on a case.
fn run(case: &Path, words: &[&str]) -> Output {
    let mut command = tipring(case);
    command.args(words).args(["--config", "box.toml"]).args(lines(&case.join("flags")));
    for line in lines(&case.join("env")) {
        let (name, value) = line.split_once('=').expect("NAME=VALUE");
        command.env(name, value);
    }
    command.output().expect("tipring runs")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("UTF-8")
}

/// Compares what was said with the case's `stderr`; says whether it is the same.
fn as_written(case: &Path, said: &str) -> bool {
    let file = case.join("stderr");
    if std::env::var_os("TIPRING_BLESS").is_some() {
        let _ = std::fs::remove_file(&file);
        if !said.is_empty() {
            std::fs::write(&file, said).expect("written");
        }
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    if said != written {
        eprintln!("{}\n--- written ---\n{written}--- said ---\n{said}", case.display());
    }
    said == written
}

#[test]
fn inst7_broken_configurations_are_refused_with_place_and_remedy() {
    let cases = cases("broken");
    assert!(cases.len() >= 20, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let output = run(case, &["check"]);
        let said = text(&output.stderr);
        let good = as_written(case, &said) && !said.is_empty() && output.stdout.is_empty();
        if !good || output.status.code() != Some(78) {
            wrong.push(format!("{}: exit {:?}", case.display(), output.status.code()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn inst7_good_configurations_are_taken_and_every_value_names_its_origin() {
    let cases = cases("good");
    assert!(cases.len() >= 20, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let output = run(case, &["check"]);
        if output.status.code() != Some(0) || !text(&output.stdout).starts_with("box.toml: good: ") {
            wrong.push(format!("{}: exit {:?}, {}", case.display(), output.status.code(), text(&output.stderr)));
        }
        if !as_written(case, &text(&output.stderr)) {
            wrong.push(format!("{}: warnings", case.display()));
        }
        let output = run(case, &["config", "show", "--origin"]);
        // The columns between value and origin are for the eye.
        let shown = text(&output.stdout);
        let shown: Vec<_> = shown.lines().filter_map(|line| line.rsplit_once(" # ")).collect();
        for line in lines(&case.join("shows")) {
            let (value, origin) = line.rsplit_once("  # ").expect("value  # origin");
            if !shown.iter().any(|(known, from)| known.trim_end() == value && *from == origin) {
                wrong.push(format!("{}: {line:?} is not in {shown:#?}", case.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn inst7_checking_takes_less_than_a_fifth_of_a_second() {
    const NUMBERS: usize = 300;
    let folder = Folder::new("time");
    let number = |n: usize| format!("[[number]]\nnumber = \"{n}\"\nurl = \"https://app.lan/{n}\"\n");
    folder.write("box.toml", (0..NUMBERS).map(number).collect::<String>());
    // The quickest of five: what else the machine does is not the command's.
    let took = (0..5).map(|_| {
        let begun = std::time::Instant::now();
        let output = run(&folder.0, &["check"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        begun.elapsed()
    });
    let took = took.min().expect("five");
    assert!(took.as_millis() < 200, "{took:?} for {NUMBERS} numbers");
}
