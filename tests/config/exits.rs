//! The exit codes that a supervisor acts on, each provoked: 0, 2, 69, 77, 78; and a box whose files were broken since
//! it last ran.

use std::io::Write as _;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};

use super::{Folder, run, text, tipring};

/// `tipring serve` or `tipring media` that has said where it listens.
pub struct Serving(Child, String);

impl Serving {
    pub fn start(folder: &Folder, what: &str) -> Serving {
        Serving::start_with(folder, what, "box.drain_s=0")
    }

    /// One that plants faults when it is asked to.
    pub fn start_debugged(folder: &Folder, what: &str) -> Serving {
        let mut command = tipring(&folder.0);
        command.env("TIPRING_DEBUG", "1");
        Serving::start_as(command, what, "box.drain_s=0")
    }

    fn start_with(folder: &Folder, what: &str, set: &str) -> Serving {
        Serving::start_as(tipring(&folder.0), what, set)
    }

    fn start_as(mut command: std::process::Command, what: &str, set: &str) -> Serving {
        let drain = ["--set", "box.drain_s=0", "--set", set];
        command.args([what, "--config", "box.toml"]).args(drain).env_remove("TIPRING_LOG");
        let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.expect("it starts");
        let mut said = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut said).expect("a line");
        Serving(child, said)
    }

    /// Its first line.
    pub fn said(&self) -> &str {
        &self.1
    }

    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().expect("kill runs").success());
    }

    /// SIGHUP.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// SIGTERM, and what it said on standard error.
    pub fn end(self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let output = self.0.wait_with_output().expect("it ends");
        (output.status.code(), text(&output.stderr))
    }
}

#[test]
fn usage_is_2() {
    let folder = Folder::new("usage");
    for words in [&["chekc"][..], &["check", "--colour"], &["check", "--set", "box.name"], &["--strict"], &[]] {
        let output = tipring(&folder.0).args(words).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn a_taken_port_is_69() {
    let folder = Folder::new("port");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    folder.a_box("");
    let output = tipring(&folder.0)
        .args(["serve", "--config", "box.toml"])
        .env("TIPRING_LISTEN_API", taken.local_addr().expect("an address").to_string())
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(69), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("cannot listen"), "{}", text(&output.stderr));
    // Who never ran has no last good configuration.
    assert!(!folder.0.join("state/config/last-good.toml").exists());
}

#[test]
fn a_directory_that_cannot_be_made_is_77() {
    let folder = Folder::new("directory");
    folder.a_box("");
    folder.write("file", "");
    let flag = format!("box.state_dir={}/file/state", folder.0.display());
    let output = run(&folder.0, &["serve", "--set", &flag]);
    assert_eq!(output.status.code(), Some(77), "{}", text(&output.stderr));
}

#[test]
fn a_file_that_may_not_be_read_is_77() {
    let folder = Folder::new("unreadable");
    folder.write("box.toml", "");
    let mode = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(folder.0.join("box.toml"), mode).expect("a mode");
    if std::fs::File::open(folder.0.join("box.toml")).is_ok() {
        drop(writeln!(std::io::stderr(), "SKIPPED: whoever runs this test may read every file"));
        return;
    }
    let output = run(&folder.0, &["check"]);
    assert_eq!(output.status.code(), Some(77));
    assert!(text(&output.stderr).starts_with("box.toml: cannot be read: Permission denied"));
}

/// A dead part degrades: lines are answered without a page of figures.
#[test]
fn a_taken_port_for_metrics_is_told_and_stops_nothing() {
    let folder = Folder::new("metrics");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    folder.a_box("");
    let set = format!("listen.metrics={}", taken.local_addr().expect("an address"));
    let serving = Serving::start_with(&folder, "serve", &set);
    assert!(serving.1.contains("the API listens on"), "{}", serving.1);
    let (exit, said) = serving.end();
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("set listen.metrics") && said.contains("without its port for metrics"), "{said}");
}

#[test]
fn a_broken_file_without_a_last_good_one_is_78() {
    let folder = Folder::new("none");
    folder.a_box("nmae = 1\n");
    let output = run(&folder.0, &["serve"]);
    assert_eq!(output.status.code(), Some(78), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("box.toml:8:1: unknown key `nmae` in [listen]"));
}

#[test]
fn a_box_starts_with_its_last_good_configuration_and_says_so() {
    let folder = Folder::new("last-good");
    folder.a_box("");
    let (exit, _) = Serving::start(&folder, "serve").end();
    assert_eq!(exit, Some(0));
    let kept = folder.0.join("state/config/last-good.toml");
    let mode = std::fs::metadata(&kept).expect("it is kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text_of = std::fs::read_to_string(&kept).expect("text");
    folder.a_box("nmae = 1\n[[card]]\nkind = \"smi\"\n");
    let serving = Serving::start(&folder, "serve");
    assert!(serving.1.contains("the API listens on"), "{}", serving.1);
    let (exit, said) = serving.end();
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("box.toml:8:1: unknown key `nmae`"), "{said}");
    assert!(said.contains("did you mean \"sim\"?"), "{said}");
    assert!(said.contains("runs with the last good one"), "{said}");
    assert_eq!(std::fs::read_to_string(&kept).expect("text"), text_of, "it stays what it was");
    // Whoever asks is told the truth: the files are broken.
    assert_eq!(run(&folder.0, &["check"]).status.code(), Some(78));
}

#[test]
fn a_media_layer_that_runs_apart_starts_with_its_own_last_good_one() {
    let folder = Folder::new("media");
    folder.a_box("");
    assert_eq!(Serving::start(&folder, "media").end().0, Some(0));
    folder.a_box("nmae = 1\n");
    let serving = Serving::start(&folder, "media");
    assert!(serving.1.contains("the media layer listens on"), "{}", serving.1);
    let (exit, said) = serving.end();
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("unknown key `nmae`") && said.contains("last good"), "{said}");
    // Where the service looks there is none: that is another user's folder.
    assert_eq!(run(&folder.0, &["serve"]).status.code(), Some(78));
}

#[test]
fn the_log_is_as_the_configuration_says() {
    let folder = Folder::new("log");
    folder.a_box("[log]\nformat = \"json\"\n");
    let (_, said) = Serving::start(&folder, "serve").end();
    assert!(!said.is_empty(), "the start is told");
    for line in said.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
    folder.a_box("[log]\nlevel = \"off\"\n");
    let (_, said) = Serving::start(&folder, "serve").end();
    assert_eq!(said, "");
}
