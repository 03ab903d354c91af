//! Files that no editor wrote: garbage, other encodings, things that are not files.

use super::{Folder, run, text};

/// What `check` says of these octets, and its exit code.
fn judged(name: &str, octets: impl AsRef<[u8]>) -> (String, Option<i32>) {
    let folder = Folder::new(name);
    folder.write("box.toml", octets);
    let output = run(&folder.0, &["check"]);
    (text(&output.stderr), output.status.code())
}

#[track_caller]
fn refused(name: &str, octets: impl AsRef<[u8]>, told: &str) {
    let (said, exit) = judged(name, octets);
    assert!(said.starts_with(told), "{said}");
    assert!(said.lines().count() <= 21 && said.len() < 20_000, "{} octets are said", said.len());
    assert_eq!(exit, Some(78));
}

#[test]
fn octets_that_are_no_text_are_refused_at_their_place() {
    refused("nul", b"[box]\nname = \"a\0b\"\n", "box.toml:2:10: the character U+0000 has no place in a text");
    refused("escape", b"[box]\nname = \"\x1b[31m\"\n", "box.toml:2:9: the character U+001B has no place in a text");
    refused("windows", b"[box]\n# caf\xe9\n", "box.toml:2:6: octet 0xE9 is not UTF-8; save the file as UTF-8");
    refused("utf16", b"\xff\xfe[\0b\0o\0x\0]\0", "box.toml:1:1: octet 0xFF is not UTF-8");
    refused("cut", "[box]\nname = \"ü".as_bytes().split_last().expect("octets").1, "box.toml:2:9: octet 0xC3 is not");
}

#[test]
fn a_mebibyte_of_garbage_is_refused_in_few_words() {
    // The same octets at every run.
    let mut state = 1_u32;
    let mut octet = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let octets: Vec<u8> = (0..1024 * 1024).map(|_| octet()).collect();
    refused("garbage", &octets, "box.toml:1:");
    let words: Vec<u8> = octets.iter().map(|octet| b' ' + octet % 95).collect();
    refused("words", &words, "box.toml:1:");
    let lines: Vec<u8> = words.iter().enumerate().map(|(at, c)| if at % 7 == 0 { b'\n' } else { *c }).collect();
    refused("lines", &lines, "box.toml:");
    refused("brackets", "[".repeat(1024 * 1024), "box.toml:1:");
    refused("long", format!("{} = 1\n", "k".repeat(1024 * 1024)), "box.toml:1:1: unknown key `kkkk");
    refused("too-long", "#".repeat(5 * 1024 * 1024), "box.toml: longer than 4 MiB");
}

#[test]
fn deep_nesting_is_refused_and_nothing_overflows() {
    let deep = |open: &str, close: &str| format!("[box]\nname = {}{}\n", open.repeat(100_000), close.repeat(100_000));
    refused("lists", deep("[", "]"), "box.toml:2:");
    refused("tables", deep("{a=", "}"), "box.toml:2:");
    refused("dots", format!("{}a = 1\n", "a.".repeat(100_000)), "box.toml:1:");
}

#[test]
fn line_ends_and_marks_of_other_systems_are_taken() {
    assert_eq!(judged("crlf", "[box]\r\nname = \"a\"\r\n").1, Some(0));
    assert_eq!(judged("bom", "\u{feff}[box]\nname = \"a\"\n").1, Some(0));
    assert_eq!(judged("no-end", "[box]\nname = \"a\"").1, Some(0));
    refused("crlf-place", "[box]\r\n\r\nnmae = \"a\"\r\n", "box.toml:3:1: unknown key `nmae`");
    refused("bom-place", "\u{feff}nmae = 1\n", "box.toml:1:1: unknown key `nmae`");
}

#[test]
fn what_is_not_a_plain_file_is_refused_unopened() {
    let folder = Folder::new("things");
    let judged = |what: &str| {
        let output = run(&folder.0, &["check"]);
        assert_eq!(output.status.code(), Some(78), "{what}");
        text(&output.stderr)
    };
    assert!(judged("nothing").starts_with("box.toml: cannot be read: No such file"), "{}", judged("nothing"));
    std::fs::create_dir(folder.0.join("box.toml")).expect("a directory");
    assert_eq!(judged("directory"), "box.toml: cannot be read: this is a directory\n");
    std::fs::remove_dir(folder.0.join("box.toml")).expect("removed");
    // Opened, it would be waited for until somebody writes.
    let made = std::process::Command::new("mkfifo").arg(folder.0.join("box.toml")).status().expect("mkfifo runs");
    assert!(made.success());
    assert_eq!(judged("pipe"), "box.toml: cannot be read: this is not a plain file\n");
    std::fs::remove_file(folder.0.join("box.toml")).expect("removed");
    std::os::unix::fs::symlink("box.toml", folder.0.join("box.toml")).expect("a link");
    assert!(judged("loop").starts_with("box.toml: cannot be read: "));
    std::fs::remove_file(folder.0.join("box.toml")).expect("removed");
    // And in conf.d: a link is followed, a directory is refused.
    folder.write("box.toml", "");
    folder.write("elsewhere", "[box]\nnmae = 1\n");
    std::fs::create_dir_all(folder.0.join("conf.d/b.toml")).expect("a directory");
    std::os::unix::fs::symlink("../elsewhere", folder.0.join("conf.d/a.toml")).expect("a link");
    let said = judged("conf.d");
    let told: Vec<&str> = said.lines().collect();
    assert_eq!(told.len(), 2, "{said}");
    assert!(told[0].starts_with("conf.d/a.toml:2:1: unknown key `nmae`"), "{said}");
    assert_eq!(told[1], "conf.d/b.toml: cannot be read: this is a directory");
}

#[test]
fn more_files_than_a_folder_may_have_are_refused() {
    let folder = Folder::new("many");
    folder.write("box.toml", "");
    (0..100).for_each(|n| folder.write(&format!("conf.d/{n}.toml"), ""));
    assert_eq!(run(&folder.0, &["check"]).status.code(), Some(0));
    folder.write("conf.d/100.toml", "");
    let output = run(&folder.0, &["check"]);
    assert_eq!(text(&output.stderr), "conf.d: more than 100 files; put some together\n");
    assert_eq!(output.status.code(), Some(78));
}
