//! What judges a profile: every built-in one is good, every kind of mistake is told with line, column and remedy.

use tipring_board::{Book, MAX_FAULTS, MAX_OCTETS, Machine, Profile};

/// A whole profile that is good, one key a line, so that each test breaks one of them.
const GOOD: &str = r#"id = "desk-2"
name = "Two lines"
manufacturer = "Elsewhere Boxes"

[recognised]
sys_vendor = "Elsewhere"

[[slot]]
name = "A"
place = "pci:0000:02:01.0"
holds = ["fxo", "fxs"]

[[slot]]
name = "B"
place = "usb:1-1.4"
holds = ["e1"]

[[port]]
label = "1"
slot = "A"
kind = "fxo"
position = 1
led = "one"

[[port]]
label = "2"
slot = "A"
kind = "fxs"
position = 2

[[port]]
label = "E"
slot = "B"
kind = "e1"

[[led]]
name = "one"
number = 0
colours = ["green", "red"]

[[relay]]
name = "bypass"
number = 0
bypasses = ["1", "2"]
sense = true
self_test = true

[watchdog]
ms = 10000

[serial]
device = "/dev/ttyS1"
baud = 115200
"#;

/// The good profile with a line, counted from 1, in place of its own.
#[track_caller]
fn with(number: usize, was: &str, line: &str) -> String {
    assert_eq!(GOOD.lines().nth(number - 1), Some(was), "line {number}");
    let lines = GOOD.lines().enumerate().map(|(index, one)| if index + 1 == number { line } else { one });
    lines.map(|line| format!("{line}\n")).collect()
}

#[track_caller]
fn told(text: &str) -> Vec<String> {
    Profile::read(text, "x").expect_err("must be refused").iter().map(ToString::to_string).collect()
}

#[test]
fn inst7_every_built_in_profile_is_good_and_the_last_one_fits_anything() {
    for (id, text) in Book::built_in_texts() {
        match Profile::read(text, id) {
            Ok(profile) => assert_eq!(profile.id, *id),
            Err(faults) => panic!("{faults:#?}"),
        }
    }
    let book = Book::default();
    assert!(book.all().count() >= 3);
    assert_eq!(
        book.all().last().map(|profile| (profile.id.as_str(), profile.recognised.anything)),
        Some(("generic", true))
    );
    assert_eq!(book.recognise(&Machine::default()).id, "generic");
}

#[test]
fn inst7_each_broken_profile_is_told_with_place_and_remedy() {
    assert!(Profile::read(GOOD, "x").is_ok(), "what is broken below is good: {:?}", Profile::read(GOOD, "x"));
    #[rustfmt::skip]
    let cases: &[(usize, &str, &str, &str)] = &[
        // The head.
        (1, "id = \"desk-2\"", "", "x:1:1: `id` is missing; write `id = \"desk-4-1\"`"),
        (1, "id = \"desk-2\"", "id = \"Desk_2\"", "x:1:6: id: \"Desk_2\" is no id; write \"desk-2\""),
        (1, "id = \"desk-2\"", "id = \"2\"", "x:1:6: id: \"2\" is no id; write 2 to 40 letters in lower case, digits and hyphens, such as \"desk-4-1\""),
        (1, "id = \"desk-2\"", "id = 2", "x:1:6: id: a text in quotes is wanted, and this is a whole number; write `id = \"desk-4-1\"`"),
        (2, "name = \"Two lines\"", "nmae = \"Two lines\"", "x:2:1: the file's head has no key `nmae`; did you mean `name`?"),
        (2, "name = \"Two lines\"", "name = \"\"", "x:2:8: name: \"\" is no line of text; write 1 to 60 characters, such as `name = \"Four lines and one E1\"`"),
        (2, "name = \"Two lines\"", "sys_vendor = \"Elsewhere\"", "x:2:1: the file's head has no key `sys_vendor`; it belongs to [recognised]"),
        (3, "manufacturer = \"Elsewhere Boxes\"", "manufacturer = \"a\\nb\"", "x:3:16: manufacturer: \"a\\nb\" is no line of text; write 1 to 60 characters, such as `manufacturer = \"reference design\"`"),
        // How it is recognised.
        (5, "[recognised]", "[recognized]", "x:5:2: there is no section `recognized`; did you mean [recognised]?"),
        (6, "sys_vendor = \"Elsewhere\"", "sys_vender = \"Elsewhere\"", "x:6:1: [recognised] has no key `sys_vender`; did you mean `sys_vendor`?"),
        (6, "sys_vendor = \"Elsewhere\"", "sys_vendor = \"*\"", "x:6:14: recognised.sys_vendor: \"*\" fits everything; write what only this box says, or take it out"),
        (6, "sys_vendor = \"Elsewhere\"", "", "x:5:1: [recognised] says nothing by which the box is known; write what the box says of itself, such as `product_name = \"Desk*\"`; /sys/class/dmi/id has it"),
        (6, "sys_vendor = \"Elsewhere\"", "sys_vendor = \"E\"\nanything = true", "x:6:14: [recognised]: a box that is anything is not known by `sys_vendor`; take one of both out"),
        (6, "sys_vendor = \"Elsewhere\"", "compatible = [\"a,b\", \"*\"]", "x:6:22: recognised.compatible: \"*\" fits everything; write what only this box says, or take it out"),
        // Slots.
        (8, "[[slot]]", "[[slots]]", "x:8:3: there is no section `slots`; did you mean [[slot]]?"),
        (9, "name = \"A\"", "", "x:8:1: [[slot]]: `name` is missing; write `name = \"A\"`"),
        (10, "place = \"pci:0000:02:01.0\"", "place = \"02:01.0\"", "x:10:9: slot.place: there is no bus \"02\"; write \"pci:0000:02:01.0\""),
        (10, "place = \"pci:0000:02:01.0\"", "place = \"pci:02:01.0\"", "x:10:9: slot.place: \"pci:02:01.0\" is no place on that bus; write \"pci:0000:02:01.0\""),
        (10, "place = \"pci:0000:02:01.0\"", "place = \"pci:0000:02:01\"", "x:10:9: slot.place: \"pci:0000:02:01\" is no place on that bus; write it as `ls /sys/bus/pci/devices` does: \"pci:0000:02:01.0\""),
        (10, "place = \"pci:0000:02:01.0\"", "place = \"pic:0000:02:01.0\"", "x:10:9: slot.place: there is no bus \"pic\"; did you mean \"pci:0000:02:01.0\"?"),
        (10, "place = \"pci:0000:02:01.0\"", "place = \"left\"", "x:10:9: slot.place: \"left\" names no bus; write \"pci:0000:02:01.0\" or \"usb:1-1.4\""),
        (11, "holds = [\"fxo\", \"fxs\"]", "holds = [\"fxo\", \"fxs\", \"fxa\"]", "x:11:24: slot.holds: \"fxa\" is not known; did you mean \"fxo\"?"),
        (11, "holds = [\"fxo\", \"fxs\"]", "holds = []", "x:11:9: slot.holds: the list is empty; write `holds = [\"fxo\", \"fxs\"]`"),
        (11, "holds = [\"fxo\", \"fxs\"]", "holds = [\"fxo\", \"fxs\", \"fxo\"]", "x:11:24: slot.holds: \"fxo\" stands twice; take one out"),
        (14, "name = \"B\"", "name = \"A\"", "x:14:8: slot.name: the name of another [[slot]] is \"A\" too; the first is in line 8: write another one"),
        (15, "place = \"usb:1-1.4\"", "place = \"pci:0000:02:01.0\"", "x:15:9: slot.place: the place of another [[slot]] is \"pci:0000:02:01.0\" too; the first is in line 8: write another one"),
        (15, "place = \"usb:1-1.4\"", "place = \"usb:2\"", "x:15:9: slot.place: \"usb:2\" is no place on that bus; write it as `ls /sys/bus/usb/devices` does: \"usb:1-1.4\""),
        // Ports.
        (20, "slot = \"A\"", "slot = \"C\"", "x:20:8: port.slot: there is no [[slot]] \"C\"; take one of \"A\", \"B\""),
        (21, "kind = \"fxo\"", "kind = \"fx0\"", "x:21:8: port.kind: \"fx0\" is not known; did you mean \"fxo\"?"),
        (21, "kind = \"fxo\"", "kind = \"t1\"", "x:22:12: port.position: a t1 is the whole span; take it out"),
        (21, "kind = \"fxo\"", "kind = \"isdn\"", "x:21:8: port.kind: \"isdn\" is not known; take one of \"e1\", \"t1\", \"fxo\", \"fxs\""),
        (22, "position = 1", "", "x:18:1: [[port]]: which channel of the span is this fxo port?; write `position = 1` for the span's first channel"),
        (22, "position = 1", "position = 0", "x:22:12: port.position is out of bounds; write a whole number from 1 to 64"),
        (22, "position = 1", "position = 1.5", "x:22:12: port.position: a whole number is wanted, and this is a number with a fraction; write `position = 1`"),
        (22, "position = 1", "position = 2", "x:25:1: [[port]]: it is wired to what port \"1\" is wired to; write another `span` or `position`"),
        (22, "position = 1", "position = 1\nspan = 65", "x:23:8: port.span is out of bounds; write a whole number from 1 to 64"),
        (23, "led = \"one\"", "led = \"oen\"", "x:23:7: port.led: there is no [[led]] \"oen\"; did you mean \"one\"?"),
        (26, "label = \"2\"", "label = \"1\"", "x:26:9: port.label: the label of another [[port]] is \"1\" too; the first is in line 18: write another one"),
        (34, "kind = \"e1\"", "kind = \"t1\"", "x:34:8: port.kind: slot \"B\" holds \"e1\"; put \"t1\" into its `holds`, or take another slot"),
        (34, "kind = \"e1\"", "kind = \"e1\"\nposition = 1", "x:35:12: port.position: an e1 is the whole span; take it out"),
        (34, "kind = \"e1\"", "kind = \"e1\"\ncolour = \"red\"", "x:35:1: [[port]] has no key `colour`; its keys are label, slot, kind, span, position, led"),
        // Lamps and relays.
        (38, "number = 0", "number = 64", "x:38:10: led.number is out of bounds; write a whole number from 0 to 63"),
        (39, "colours = [\"green\", \"red\"]", "colours = [\"gren\"]", "x:39:12: led.colours: \"gren\" is not known; did you mean \"green\"?"),
        (39, "colours = [\"green\", \"red\"]", "colours = \"green\"", "x:39:11: led.colours: a list of texts is wanted, and this is a text; write `colours = [\"green\", \"red\"]`"),
        (44, "bypasses = [\"1\", \"2\"]", "bypasses = [\"1\", \"3\"]", "x:44:18: relay.bypasses: there is no [[port]] \"3\"; take one of \"1\", \"2\", \"E\""),
        (44, "bypasses = [\"1\", \"2\"]", "bypasses = [\"1\", \"E\"]", "x:44:12: relay.bypasses: a digital port and an analogue one cannot be joined; name ports of one sort, or write a relay for each sort"),
        (45, "sense = true", "", "x:46:13: relay.self_test: without a sense contact nothing tells what the relay did; write `sense = true` if it has one, else take this out"),
        (45, "sense = true", "sense = \"yes\"", "x:45:9: relay.sense: true or false is wanted, and this is a text; write `sense = true`"),
        // Watchdog and serial port.
        (48, "[watchdog]", "[[watchdog]]", "x:48:1: [watchdog] is a section and stands once; write [watchdog], and its keys below"),
        (49, "ms = 10000", "ms = 10", "x:49:6: watchdog.ms is out of bounds; write a whole number from 1000 to 600000"),
        (49, "ms = 10000", "s = 10", "x:49:1: [watchdog] has no key `s`; its keys are ms"),
        (52, "device = \"/dev/ttyS1\"", "device = \"/dev/ttyUSB0\"", "x:52:10: serial.device: /dev/ttyUSB0 is another device when another one is plugged in first; write its path below /dev/serial/by-path: `ls -l /dev/serial/by-path` shows it"),
        (52, "device = \"/dev/ttyS1\"", "device = \"ttyS1\"", "x:52:10: serial.device: \"ttyS1\" is no device; write `device = \"/dev/serial/by-path/pci-0000:00:14.0-usb-0:3:1.0-port0\"`"),
        (53, "baud = 115200", "baud = 115000", "x:53:8: serial.baud: 115000 is no speed of a serial line; take one of 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600"),
        // What is no TOML.
        (2, "name = \"Two lines\"", "name = Two lines", "x:2:8: not TOML: "),
        (2, "name = \"Two lines\"", "id = \"again\"", "x:2:1: `id` stands twice; take one out; what there are several of is written [[slot]], [[port]], [[led]], [[relay]]"),
    ];
    let mut wrong = Vec::new();
    for (line, was, instead, expected) in cases {
        let told = told(&with(*line, was, instead));
        // One mistake is one complaint; that a T1 stands where a line was is wrong in three ways.
        if told.len() != if *instead == "kind = \"t1\"" && *line == 21 { 3 } else { 1 } {
            wrong.push(format!("{instead}\n  told {} times: {}", told.len(), told.join("\n         ")));
        }
        if !told.iter().any(|fault| fault.starts_with(expected)) {
            wrong.push(format!("{instead}\n  wanted {expected}\n  told   {}", told.join("\n         ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() >= 50);
}

#[test]
fn inst7_one_mistake_is_one_complaint_and_all_mistakes_are_told_at_once() {
    assert_eq!(told(&with(23, "led = \"one\"", "led = \"oen\"")).len(), 1);
    assert_eq!(
        told(&with(9, "name = \"A\"", "nmae = \"A\"")).iter().filter(|fault| fault.contains("missing")).count(),
        0
    );
    let three = GOOD
        .replace("id = \"desk-2\"", "id = \"D\"")
        .replace("ms = 10000", "ms = 1")
        .replace("\"one\"\n\n", "\"tow\"\n\n");
    assert_eq!(told(&three).len(), 3, "{:?}", told(&three));
    let many = format!("{GOOD}{}", "\n[[led]]\nnumber = 99\n".repeat(200));
    assert_eq!(told(&many).len(), MAX_FAULTS);
}

#[test]
fn inst7_a_box_that_nothing_recognises_is_told() {
    let without = GOOD.replace("[recognised]\nsys_vendor = \"Elsewhere\"\n", "");
    let expected = "x:1:1: [recognised] is missing; write [recognised] and below it what the box says of itself, such as \
                    `product_name = \"Desk*\"`; /sys/class/dmi/id has it";
    assert_eq!(told(&without), [expected]);
}

#[test]
fn inst7_lamps_without_a_controller_are_told() {
    let without = GOOD.split("[serial]").next().expect("there");
    assert_eq!(
        told(without),
        [
            "x:36:1: [[led]]: there is no board controller that drives it; write [serial] with its `device`, or take this out"
        ]
    );
}

#[test]
fn inst7_a_file_that_is_too_long_or_empty_or_rubbish_is_refused_and_nothing_more() {
    let long = format!("{GOOD}#{}", "x".repeat(MAX_OCTETS));
    assert!(told(&long)[0].starts_with("x:1:1: 66"), "{:?}", told(&long));
    let empty = told("");
    assert_eq!(empty.len(), 4, "{empty:?}");
    assert!(empty[0].starts_with("x:1:1: [recognised] is missing; "), "{empty:?}");
    let rubbish: String = (0..5000u32).filter_map(|n| char::from_u32(n * 37 % 0x3000)).collect();
    assert!(!told(&rubbish).is_empty());
    for cut in (0..GOOD.len()).step_by(7) {
        let _ = Profile::read(&GOOD[..cut], "x");
        let _ = Profile::read(&GOOD[cut..], "x");
    }
    let deep = format!("x = {}1{}", "[".repeat(2000), "]".repeat(2000));
    assert!(!told(&deep).is_empty());
    let many = format!(
        "{GOOD}{}",
        (0..70).map(|n| format!("\n[[led]]\nname = \"l{n}\"\nnumber = 1\ncolours = [\"red\"]\n")).collect::<String>()
    );
    assert!(
        told(&many).iter().any(|fault| fault.contains("more than 64 times [[led]]; no box has so many")),
        "{:?}",
        told(&many)
    );
}

#[test]
fn inst7_whatever_is_changed_in_a_profile_every_complaint_has_its_place_in_the_file() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap_or(0)
    };
    let pieces = [
        "\"",
        "[",
        "]",
        "=",
        "\n",
        "[[port]]\n",
        "é",
        "0x",
        "-1",
        "true",
        "{",
        "}",
        "kind",
        "#",
        "9999999999999999999999",
    ];
    let (mut refused, mut taken) = (0, 0);
    for _ in 0..2000 {
        let mut text: Vec<char> = GOOD.chars().collect();
        for _ in 0..=random(4) {
            let at = random(text.len());
            match random(3) {
                0 => drop(text.splice(at..at, pieces[random(pieces.len())].chars())),
                1 => drop(text.drain(at..(at + 1 + random(12)).min(text.len()))),
                _ => text[at] = char::from(b' ' + u8::try_from(random(95)).unwrap_or(0)),
            }
        }
        let text: String = text.into_iter().collect();
        match Profile::read(&text, "x") {
            Ok(_) => taken += 1,
            Err(faults) => {
                refused += 1;
                assert!(!faults.is_empty() && faults.len() <= MAX_FAULTS);
                for fault in faults {
                    let lines: Vec<&str> = text.split('\n').collect();
                    let line = lines.get(fault.line - 1).unwrap_or_else(|| panic!("{fault} in\n{text}"));
                    assert!(fault.column >= 1 && fault.column <= line.chars().count() + 1, "{fault} in\n{text}");
                    assert!(!fault.what.is_empty() && !fault.remedy.is_empty(), "{fault}");
                }
            }
        }
    }
    assert!(refused > 1000 && taken > 10, "{refused} {taken}");
}

#[test]
fn inst7_the_users_own_profile_comes_before_a_built_in_one_and_may_replace_it() {
    let machine = Machine { dmi: [("sys_vendor".to_string(), "QEMU".to_string())].into(), ..Machine::default() };
    let own = GOOD.replace("sys_vendor = \"Elsewhere\"", "sys_vendor = \"Q*\"");
    let book = Book::with([("own.toml", own.as_str())]).expect("good");
    assert_eq!(Book::default().recognise(&machine).id, "emulated");
    assert_eq!(book.recognise(&machine).id, "desk-2");
    let exact = GOOD.replace("desk-2", "emulated");
    let book = Book::with([("own.toml", exact.as_str())]).expect("good");
    assert_eq!(book.recognise(&machine).id, "generic", "the own one is in its place and fits no longer");
    assert_eq!(book.find("emulated").map(|profile| profile.name.as_str()), Some("Two lines"));
    // Of two that fit the one of which more is said.
    let closer =
        own.replace("desk-2", "desk-3").replace("sys_vendor = \"Q*\"", "sys_vendor = \"Q*\"\nproduct_name = \"P\"");
    let book = Book::with([("a", own.as_str()), ("b", closer.as_str())]).expect("good");
    let p = Machine {
        dmi: [("sys_vendor".into(), "QEMU".into()), ("product_name".into(), "p".into())].into(),
        ..Machine::default()
    };
    assert_eq!((book.recognise(&p).id.as_str(), book.recognise(&machine).id.as_str()), ("desk-3", "desk-2"));
    let twice = Book::with([("a", own.as_str()), ("b", own.as_str())]).expect_err("one id");
    assert_eq!(
        twice[0].to_string(),
        "b:1:1: id: \"desk-2\" is the id of a too; an id means one box: write another one, or take one file out"
    );
    assert!(book.unknown("dsek-3").starts_with("\"dsek-3\" is not known; did you mean \"desk-3\"? "));
}

#[test]
fn inst7_a_folder_of_profiles_is_read_whole_or_refused_whole() {
    let folder = std::env::temp_dir().join(format!("tipring-boards-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    assert_eq!(Book::with_folder(&folder).map(|book| book.own().len()).ok(), Some(0), "a folder that is not there");
    std::fs::create_dir_all(&folder).expect("a folder");
    let write = |name: &str, octets: &[u8]| std::fs::write(folder.join(name), octets).expect("written");
    write("desk.toml", GOOD.as_bytes());
    write("notes.txt", b"not a profile");
    assert_eq!(Book::with_folder(&folder).map(|book| book.own().len()).ok(), Some(1));
    write("other.toml", b"id = \"ab\"\nname = \"\xff\"\n");
    let text = Book::with_folder(&folder).expect_err("no text").to_string();
    assert!(text.ends_with("other.toml:2:9: this is no text; save it as UTF-8"), "{text}");
    write("other.toml", GOOD.replace("desk-2", "D").as_bytes());
    let text = Book::with_folder(&folder).expect_err("broken").to_string();
    assert!(text.contains("other.toml:1:6: id: \"D\" is no id"), "{text}");
    std::fs::remove_file(folder.join("other.toml")).expect("removed");
    std::fs::create_dir(folder.join("folder.toml")).expect("a folder");
    assert!(Book::with_folder(&folder).expect_err("no file").to_string().ends_with("folder.toml: this is no file"));
    let _ = std::fs::remove_dir_all(&folder);
}
