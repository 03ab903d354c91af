//! A service with a board controller that is not there, on a pseudo-terminal: through the real command, in real time.

use std::time::Duration;

use tipring_serial::controller::leds::{Appliance, Line};
use tipring_serial::fake::{BOARD, Fake, Seen};

use super::exits::Serving;
use super::{Folder, run, text, tipring};

/// A condition is waited for so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Exit code, standard output, standard error.
fn status(folder: &Folder, words: &[&str]) -> (Option<i32>, String, String) {
    let output = tipring(&folder.0).args(["board", "status", "--config", "box.toml"]).args(words).output();
    let output = output.expect("it runs");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn until(fake: &Fake, what: &str, is_so: impl Fn(&Seen) -> bool) {
    assert!(fake.until(PATIENCE, is_so), "{what}: {:?}", fake.seen());
}

fn a_box_with_a_board(name: &str) -> (Folder, Fake) {
    let folder = Folder::new(name);
    let port = folder.0.join("board");
    let fake = Fake::start(&port, BOARD).expect("a terminal");
    folder.a_box(&format!("[[card]]\nkind = \"sim\"\n[board]\nport = \"{}\"\nwatchdog_ms = 2000\n", port.display()));
    (folder, fake)
}

#[test]
fn lines_are_the_boxs_while_the_media_thread_beats_and_are_given_away_when_it_stalls() {
    let (folder, fake) = a_box_with_a_board("board-stall");
    let serving = Serving::start_debugged(&folder, "serve");
    until(&fake, "energised", |seen| seen.relays == 0x0f && !seen.status.testing);
    until(&fake, "lamps", |seen| {
        seen.looks[0] == Appliance::Ready.look() && seen.looks[1..4] == [Line::Idle.look(); 3]
    });
    // Nobody is on the phone, and they were never tested: that is done first of all, and kept.
    let kept = folder.0.join("state/board.json");
    until(&fake, "tested", |seen| kept.exists() && !seen.status.testing && seen.relays == 0x0f);
    let (exit, out, complaint) = status(&folder, &[]);
    assert_eq!((exit, complaint.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("relay 3      energised: the box has the line") && out.contains("passed on"), "{out}");
    assert!(out.contains("temperature  40.5 °C, normal"), "{out}");

    let since = fake.now();
    let stalled = tipring(&folder.0).args(["debug", "stall-media", "--seconds", "9", "--config", "box.toml"]).output();
    assert!(stalled.expect("it runs").status.success());
    until(&fake, "given away", |seen| seen.relays == 0);
    let seen = fake.seen();
    let took_ms = seen.changed_at.since(since).0;
    assert!(took_ms <= 2000 + 1000 + seen.held_up.0, "{took_ms} ms, with the command's own start");
    assert_eq!(seen.looks[0], Appliance::RelayReleased.look());
    let (exit, out, _) = status(&folder, &["--json"]);
    let state: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((exit, state["tripped"].as_bool(), state["relays"][0].as_bool()), (Some(69), Some(true), Some(false)));

    until(&fake, "back by itself", |seen| seen.relays == 0x0f);
    let (exit, said) = serving.end();
    assert_eq!(exit, Some(0));
    assert!(said.contains("the board's watchdog has released the relays"), "{said}");
    assert!(fake.until(Duration::from_secs(1), |seen| seen.relays == 0), "given away at the end");
}

/// A box with five lamps, whose second relay joins a line of a card that is not in it.
const DESK: &str = r#"id = "desk"
name = "Desk"
manufacturer = "us"
about = "For a test."
[recognised]
sys_vendor = "nobody's"
[[slot]]
name = "A"
place = "pci:ffff:00:00.0"
holds = ["fxo"]
[[port]]
label = "line 1"
slot = "A"
kind = "fxo"
position = 1
led = "line 1"
[[led]]
name = "line 1"
number = 0
colours = ["green"]
[[led]]
name = "box"
number = 2
colours = ["green", "red"]
[[relay]]
name = "bypass"
number = 1
bypasses = ["line 1"]
[serial]
device = "PORT"
baud = 115200
"#;

#[test]
fn a_profile_says_where_the_board_is_which_lamp_is_the_boxs_and_whose_a_relay_is() {
    let folder = Folder::new("board-profile");
    // A profile names a device, so the terminal's name lies below /dev.
    let port = std::path::PathBuf::from(format!("/dev/shm/tipring-board-{}", std::process::id()));
    let fake = Fake::start(&port, BOARD).expect("a terminal");
    folder.a_box("[[card]]\nkind = \"sim\"\n[board]\nprofile = \"desk\"\n");
    std::fs::create_dir(folder.0.join("boards")).expect("a folder");
    let profile = DESK.replace("PORT", &port.display().to_string());
    std::fs::write(folder.0.join("boards/desk.toml"), profile).expect("written");
    let serving = Serving::start(&folder, "serve");
    until(&fake, "the box's lamp", |seen| seen.looks[2] == Appliance::Ready.look());
    until(&fake, "no card is behind relay 1", |seen| seen.relays == 0b1101 && !seen.status.testing);
    assert_eq!(fake.seen().looks[..2], [Line::Disabled.look(); 2]);
    let (_, out, complaint) = status(&folder, &[]);
    assert_eq!(complaint, "", "{out}");
    assert!(out.contains("profile      desk"), "{out}");
    assert!(out.contains("relay 1      released: the line is straight through (line 1)"), "{out}");
    assert_eq!(serving.end().0, Some(0));
}

#[test]
fn a_board_that_is_not_there_stops_nothing_and_is_found_when_it_comes() {
    let (folder, fake) = a_box_with_a_board("board-late");
    fake.plug(false);
    until(&fake, "unplugged", |_| !folder.0.join("board").exists());
    let serving = Serving::start(&folder, "serve");
    let (exit, out, _) = status(&folder, &[]);
    assert_eq!(exit, Some(69));
    assert!(out.contains("no port: ") && out.contains("board: "), "{out}");
    fake.plug(true);
    until(&fake, "found", |seen| seen.relays == 0x0f);
    assert_eq!(serving.end().0, Some(0));
}

#[test]
fn a_box_without_a_board_says_so_and_a_port_by_half_a_path_is_refused() {
    let folder = Folder::new("board-none");
    folder.a_box("");
    let serving = Serving::start(&folder, "serve");
    let (exit, _, complaint) = status(&folder, &[]);
    assert_eq!(exit, Some(69));
    assert!(complaint.contains("no board controller: board.port is not set"), "{complaint}");
    assert_eq!(serving.end().0, Some(0));
    let output = run(&folder.0, &["check", "--set", "board.port=ttyUSB0"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stderr).contains("board.port: an absolute path is wanted"), "{}", text(&output.stderr));
}
