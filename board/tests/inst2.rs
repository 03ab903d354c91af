//! Every card, and every card that nearly works, each with its next step.

use crate::support::{grow, only, told};

const THREE: &str = include_str!("trees/three-findings.txt");

#[test]
fn inst2_a_good_card_one_without_driver_and_one_span_unassigned_are_three_findings_with_a_next_step_each() {
    let inventory = grow(THREE).inventory();
    assert_eq!(
        told(&inventory),
        [
            ("nearly works", "1TE235F0002/2", "unassigned"),
            ("nearly works", "pci:0000:02:02.0", "not-loaded"),
            ("good", "1TE235F0001", "ready"),
        ]
    );
    assert!(!inventory.is_good());
    let next: Vec<&str> = inventory.findings.iter().map(|finding| finding.next.as_str()).collect();
    assert!(
        next[0].starts_with("`echo 2:0:0 > '/sys/bus/dahdi_devices/devices/pci:0000:02:03.0/assign_span'`"),
        "{next:?}"
    );
    assert!(next[0].contains("`card = \"1TE235F0002\"` and `port = 2`"), "{next:?}");
    assert!(next[1].starts_with("`modprobe wctdm24xxp`"), "{next:?}");
    assert_eq!(next[2], "ready");
    let cards: Vec<_> = inventory.cards.iter().map(|card| (card.name.as_str(), card.state.word())).collect();
    assert_eq!(
        cards,
        [("pci:0000:02:02.0", "nearly works"), ("1TE235F0002", "nearly works"), ("1TE235F0001", "good")],
        "bad ones first"
    );
    assert_eq!(inventory.cards[0].what, "Digium TDM410P, four analogue ports (PCI d161:8005)");
    assert_eq!(inventory.cards[1].next, next[0], "a card is as bad as its worst span");
    let lines: Vec<String> = inventory.text().lines().map(str::to_string).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2], "good          1TE235F0001 at pci:0000:02:01.0: Digium TE235; ready");
}

#[test]
fn inst2_all_good_is_good() {
    let good: String = THREE.split("\npci 0000:02:02.0").next().expect("the good card").to_string();
    let inventory = grow(&good).inventory();
    assert!(inventory.is_good(), "{}", inventory.text());
    let json = serde_json::to_value(&inventory).expect("JSON");
    let card = &json["cards"][0];
    assert_eq!(
        (&card["name"], &card["state"], &card["next"]),
        (&"1TE235F0001".into(), &"good".into(), &"ready".into())
    );
    assert_eq!((&card["place"], &card["spans"][0]["name"]), (&"pci:0000:02:01.0".into(), &"1TE235F0001/1".into()));
}

/// A tree with one PCI card, changed by what else there is.
fn card_with(more: &str) -> tipring_board::Inventory {
    grow(&format!("kernel 6.1.0-57-amd64\n{more}")).inventory()
}

#[test]
fn inst2_why_a_card_has_no_driver_is_told_by_what_is_built_and_loaded() {
    for (more, trouble, what, next) in [
        (
            "built dahdi wctdm24xxp\npci 0000:02:01.0 d161:8005",
            "not-loaded",
            "no driver has it",
            "`modprobe wctdm24xxp`, and write",
        ),
        (
            "built dahdi wcte12xp\npci 0000:02:01.0 d161:8005",
            "not-built",
            "DAHDI is built for 6.1.0-57-amd64 without wctdm24xxp",
            "take a version of DAHDI",
        ),
        (
            "built ext4\npci 0000:02:01.0 d161:8005",
            "not-built",
            "dahdi-dkms is not built for 6.1.0-57-amd64",
            "`apt install dahdi-dkms linux-headers-6.1.0-57-amd64` builds it",
        ),
        (
            "pci 0000:02:01.0 d161:8005",
            "not-loaded",
            "no driver has it",
            "`modprobe wctdm24xxp`; if there is no such module",
        ),
        (
            "built dahdi wctdm24xxp\nloaded dahdi wctdm24xxp\npci 0000:02:01.0 d161:8005",
            "not-taken",
            "wctdm24xxp is loaded and does not take it",
            "`dmesg | grep wctdm24xxp`",
        ),
        (
            "built dahdi\npci 0000:02:01.0 1923:0100",
            "not-built",
            "its module wanpipe is not built",
            "get wanpipe from the card's maker",
        ),
        (
            "pci 0000:02:01.0 e159:0001 subsystem=b100 driver=netjet",
            "other-driver",
            "the driver netjet has it, and wctdm should",
            "write `blacklist netjet`",
        ),
        (
            "pci 0000:02:01.0 d161:800a driver=wcte13xp",
            "no-device",
            "wcte13xp has it, and DAHDI has no device of it",
            "`dmesg | grep wcte13xp` says why",
        ),
        ("pci 0000:02:01.0 d161:fffe", "unknown-card", "it may be a telephone card", "`lspci -s 0000:02:01.0`"),
        (
            "pci 0000:02:01.0 1234:5678 class=078000",
            "unknown-card",
            "it may be a telephone card",
            "`lspci -s 0000:02:01.0`",
        ),
        ("usb 1-1.4 e4e4:1160", "no-firmware", "it waits for its firmware", "install dahdi-firmware-nonfree"),
        ("usb 1-1.4 e4e4:1162", "not-loaded", "no driver has it", "`modprobe xpp_usb`"),
    ] {
        let inventory = card_with(more);
        let finding = only(&inventory, trouble);
        assert!(finding.what.contains(what), "{more}: {}", finding.what);
        assert!(finding.next.starts_with(next), "{more}: {}", finding.next);
        assert_eq!(only(&inventory, "no-dahdi").state.word(), "absent", "{more}");
        assert!(!inventory.is_good());
    }
}

#[test]
fn inst2_what_is_no_telephone_card_is_none() {
    let inventory = card_with(
        "pci 0000:00:16.0 8086:a13a class=078000\npci 0000:00:03.0 1af4:1003 class=078000 driver=virtio-pci\n\
         pci 0000:00:1f.6 8086:15b8 class=020000 driver=e1000e\npci 0000:01:00.0 1397:08b4\nusb 1-2 046d:c31c driver=usbhid",
    );
    assert_eq!(told(&inventory), [("absent", "box", "no-card"), ("absent", "box", "no-dahdi")]);
    assert!(only(&inventory, "no-card").next.contains("kind = \"sim\""));
}

#[test]
fn inst2_spans_without_signalling_and_in_alarm_say_what_to_do() {
    let of = |span: &str| {
        grow(&format!(
            "pci 0000:02:01.0 d161:0120 driver=wcte12xp\ndevice pci:0000:02:01.0 on=0000:02:01.0 maker=Digium kind=TE120P \
             spans=1:E1\nspan 1 of=pci:0000:02:01.0 {span}"
        ))
        .inventory()
    };
    for (span, trouble, next) in [
        (
            "sig=Unconfigured,Unconfigured",
            "unconfigured",
            "write a [[span]] with `card = \"pci:0000:02:01.0\"` and `port = 1`",
        ),
        ("alarms=0x8", "alarm", "put the cable in"),
        ("alarms=0x108", "alarm", "put the cable in"),
        ("alarms=0x4", "alarm", "the far end does not hear us"),
        ("alarms=0x10", "alarm", "the network sends all ones"),
        ("alarms=0x20", "alarm", "start it"),
        ("alarms=0x2", "alarm", "end the loop"),
        ("alarms=0x1", "alarm", "wait ten seconds"),
    ] {
        let inventory = of(span);
        let finding = only(&inventory, trouble);
        assert!(finding.next.starts_with(next), "{span}: {}", finding.next);
        assert_eq!((inventory.findings.len(), finding.about.as_str()), (1, "pci:0000:02:01.0/1"), "{span}");
        assert_eq!(inventory.cards[0].spans[0].next, finding.next);
    }
    assert!(of("sig=Unconfigured,Clear").is_good(), "one channel of two is enough");
}

#[test]
fn inst2_empty_slots_rights_and_asterisk_are_findings_of_the_box() {
    let reference = include_str!("trees/reference.txt");
    let span = "span 1 of=pci:0000:02:01.0 kind=ANALOG_MIXED channels=4 sig=FXSKS,FXSKS,FXSKS,FXSKS";
    let without_b: String =
        reference.lines().filter(|line| !line.contains("0000:02:02.0")).map(|line| format!("{line}\n")).collect();
    let inventory = grow(&format!(
        "{without_b}{span}\nfile usr/sbin/asterisk = x\nuser 12345 12345\nnode ctl 0660\nnode channel 0666"
    ))
    .inventory();
    assert_eq!(inventory.profile, "reference-4-1");
    let slot = only(&inventory, "empty-slot");
    assert_eq!((slot.state.word(), slot.about.as_str(), slot.place.as_str()), ("absent", "slot B", "pci:0000:02:02.0"));
    assert!(slot.next.contains("put a card of e1 in"), "{}", slot.next);
    assert_eq!(inventory.findings[0].trouble.word(), "empty-slot", "what is absent comes first");
    let rights = only(&inventory, "no-right");
    assert!(rights.what.starts_with("12345 may not open /dev/dahdi/ctl (group "), "{}", rights.what);
    assert!(only(&inventory, "asterisk").next.contains("systemctl mask --now asterisk"));
    // The good card is good nevertheless: it is the box that is not.
    assert_eq!((inventory.cards[0].state.word(), inventory.is_good()), ("good", false));
    let masked = grow(&format!(
        "{without_b}{span}\nfile usr/sbin/asterisk = x\nlink etc/systemd/system/asterisk.service -> /dev/null\nuser 0 0\nnode ctl 0600"
    ))
    .inventory();
    assert_eq!(told(&masked).len(), 2, "{}", masked.text());
}

#[test]
fn inst2_root_asks_for_the_services_account() {
    let accounts = "user 0 0\nfile etc/passwd = tipring:x:990:985::/var/lib/tipring:/usr/sbin/nologin\n\
                    file etc/group = asterisk:x:120:tipring\nnode ctl 0600\nnode channel 0606";
    let tree = grow(accounts).tree();
    let user = tree.user.clone().expect("the service's");
    assert_eq!((user.name.as_str(), user.uid, user.groups.as_slice()), ("tipring", 990, [985, 120].as_slice()));
    assert_eq!(tree.nodes.iter().map(|node| user.may(node)).collect::<Vec<_>>(), [false, true]);
    let node = |mode, gid| tipring_board::Node { mode, gid, uid: 1, ..tipring_board::Node::default() };
    assert!(user.may(&node(0o660, 120)) && !user.may(&node(0o640, 120)) && !user.may(&node(0o660, 121)));
}

#[test]
fn inst2_what_is_in_the_wrong_slot_or_behind_the_wrong_port_is_told() {
    let swapped = "dmi sys_vendor tipring\ndmi board_name reference-4-1\n\
        pci 0000:02:01.0 d161:0120 driver=wcte12xp\npci 0000:02:02.0 d161:8005 driver=wctdm24xxp\n\
        device pci:0000:02:01.0 on=0000:02:01.0 spans=1:E1\ndevice pci:0000:02:02.0 on=0000:02:02.0 spans=1:ANALOG_MIXED\n\
        span 1 of=pci:0000:02:01.0\nspan 2 of=pci:0000:02:02.0 kind=ANALOG_MIXED channels=4 sig=FXSKS";
    let inventory = grow(swapped).inventory();
    assert_eq!(
        told(&inventory),
        [("nearly works", "pci:0000:02:01.0", "wrong-kind"), ("nearly works", "pci:0000:02:02.0", "wrong-kind")]
    );
    let reference = include_str!("trees/reference.txt");
    let spans = "span 1 of=pci:0000:02:01.0 kind=ANALOG_MIXED channels=4 sig=FXSKS,FXSKS,FXOKS,FXSKS\nspan 2 of=pci:0000:02:02.0";
    let inventory = grow(&format!("{reference}{spans}")).inventory();
    let wrong = only(&inventory, "wrong-kind");
    let what = "port line 3 is set up as telephone (FXS), and the box has analogue line (FXO) there";
    assert_eq!((wrong.about.as_str(), wrong.what.as_str()), ("pci:0000:02:01.0/1", what));
}

#[test]
fn inst2_a_card_that_is_smaller_than_its_slot_leaves_ports_dead_and_that_is_told() {
    let reference = include_str!("trees/reference.txt");
    let spans = "span 1 of=pci:0000:02:01.0 kind=ANALOG_MIXED channels=2 sig=FXSKS,FXSKS\nspan 2 of=pci:0000:02:02.0";
    let inventory = grow(&format!("{reference}{spans}")).inventory();
    let dead = only(&inventory, "dead-port");
    assert_eq!(
        (dead.about.as_str(), dead.what.as_str()),
        ("pci:0000:02:01.0", "nothing of it is behind line 3, line 4")
    );
    assert_eq!(inventory.findings.len(), 2, "{}", inventory.text());
}

#[test]
fn inst2_sound_cards_and_serial_ports_are_shown_by_place() {
    let grown = grow(
        "pci 0000:00:1f.3 8086:a170 class=040300 driver=snd_hda_intel\nsound 1 PCH on=0000:00:1f.3\n\
         usb 1-3 0403:6001 driver=ftdi_sio\n\
         link sys/class/tty/ttyUSB0/device -> ../../../devices/pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.0\n\
         file sys/class/tty/ttyS3/type = 0\nfile sys/class/tty/ttyS3/device/x = x\nfile sys/class/tty/tty0/dev = 4:0",
    );
    let inventory = grown.inventory();
    assert_eq!((inventory.sound[0].id.as_str(), inventory.sound[0].place.as_str()), ("PCH", "pci:0000:00:1f.3"));
    let serial: Vec<_> = inventory.serial.iter().map(|port| (port.name.as_str(), port.place.as_str())).collect();
    assert_eq!(serial, [("ttyUSB0", "usb:1-3")]);
}
