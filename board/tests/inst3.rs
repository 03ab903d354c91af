//! Names that last: by what a card is and where it is, never by the order in which drivers came up.

use tipring_board::{Behind, Book, Inventory, Known, Wiring};

use crate::support::{grow, only, told};

const REFERENCE: &str = include_str!("trees/reference.txt");
const ALIKE: &str = include_str!("trees/two-alike.txt");

/// Name of each span with what it carries, whatever number it has today.
fn names(inventory: &Inventory) -> Vec<(String, String, Vec<String>)> {
    let spans = inventory.cards.iter().flat_map(|card| card.spans.iter().map(move |span| (card, span)));
    spans.map(|(card, span)| (span.name.clone(), format!("{}: {}", card.what, span.kind), span.ports.clone())).collect()
}

#[test]
fn inst3_two_cards_whose_drivers_come_up_in_the_other_order_have_the_same_names() {
    let first = grow(&format!(
        "{REFERENCE}span 1 of=pci:0000:02:01.0 kind=ANALOG_MIXED base=1 channels=4 sig=FXSKS\nspan 2 of=pci:0000:02:02.0 base=5"
    ));
    let swapped = grow(&format!(
        "{REFERENCE}span 1 of=pci:0000:02:02.0 base=1\nspan 2 of=pci:0000:02:01.0 kind=ANALOG_MIXED base=32 channels=4 sig=FXSKS"
    ));
    let (one, other) = (first.inventory(), swapped.inventory());
    assert!(one.is_good() && other.is_good(), "{}{}", one.text(), other.text());
    assert_eq!(names(&one), names(&other));
    let lines = ["line 1", "line 2", "line 3", "line 4"].map(str::to_string).to_vec();
    assert_eq!(names(&one)[0], ("pci:0000:02:01.0/1".to_string(), "Digium TDM410P: ANALOG_MIXED".to_string(), lines));
    assert_eq!(one.span(1).map(|(_, span)| span.name.as_str()), Some("pci:0000:02:01.0/1"));
    assert_eq!(
        other.span(1).map(|(_, span)| span.name.as_str()),
        Some("pci:0000:02:02.0/1"),
        "the numbers are not the same"
    );
    assert_eq!(one.cards[0].slot.as_deref(), Some("A"));
    let text = "good          pci:0000:02:01.0 in slot A, ports line 1, line 2, line 3, line 4: Digium TDM410P; ready\n\
                good          pci:0000:02:02.0 in slot B, port E1: Digium TE120P; ready\n";
    assert_eq!(one.text(), text);
}

#[test]
fn inst3_lamp_and_relay_follow_the_card_behind_their_socket_and_not_its_number() {
    let of = |spans: &str| {
        let grown = grow(&format!("{REFERENCE}{spans}"));
        let book = Book::default();
        let profile = book.recognise(&grown.tree().machine);
        Wiring::of(profile, &grown.inventory())
    };
    let told = |wiring: &Wiring| {
        let behind = |behind: &Behind| (behind.card[1].clone(), behind.number, behind.position);
        let sockets = wiring.sockets.iter();
        sockets
            .map(|one| (one.label.clone(), one.led, one.relays.clone(), one.behind.as_ref().map(behind)))
            .collect::<Vec<_>>()
    };
    let first = of(
        "span 1 of=pci:0000:02:01.0 kind=ANALOG_MIXED base=1 channels=4 sig=FXSKS\nspan 2 of=pci:0000:02:02.0 base=5",
    );
    let line = |n: u8, number| {
        let behind = ("pci:0000:02:01.0".to_string(), Some(number), Some(u16::from(n)));
        (format!("line {n}"), Some(n - 1), vec![n - 1], Some(behind))
    };
    let e1 =
        |number| ("E1".to_string(), Some(4), Vec::new(), Some(("pci:0000:02:02.0".to_string(), Some(number), None)));
    assert_eq!(told(&first), [line(1, 1), line(2, 1), line(3, 1), line(4, 1), e1(2)]);
    assert_eq!((first.box_leds.as_slice(), first.has_leds()), ([5].as_slice(), true));
    let swapped = of(
        "span 1 of=pci:0000:02:02.0 base=1\nspan 2 of=pci:0000:02:01.0 kind=ANALOG_MIXED base=32 channels=4 sig=FXSKS",
    );
    assert_eq!(told(&swapped), [line(1, 2), line(2, 2), line(3, 2), line(4, 2), e1(1)]);
    // A smaller card, and nothing in the other slot.
    let small = of("span 1 of=pci:0000:02:01.0 kind=ANALOG_MIXED base=1 channels=2 sig=FXSKS");
    let is_there: Vec<bool> = small.sockets.iter().map(|socket| socket.behind.is_some()).collect();
    assert_eq!(is_there, [true, true, false, false, true], "the E1 card is there, and its span has no number yet");
    assert_eq!(small.sockets[4].behind.as_ref().and_then(|behind| behind.number), None);
}

#[test]
fn inst3_two_cards_alike_are_told_apart_by_their_places() {
    let both = "span 1 of=pci:0000:04:00.0 kind=ANALOG_MIXED sig=FXSKS\nspan 2 of=pci:0000:03:00.0 kind=ANALOG_MIXED sig=FXSKS";
    let inventory = grow(&format!("{ALIKE}{both}")).inventory();
    let names: Vec<_> = inventory.cards.iter().map(|card| (card.name.as_str(), card.spans[0].number)).collect();
    assert_eq!(names, [("pci:0000:03:00.0", Some(2)), ("pci:0000:04:00.0", Some(1))]);
}

#[test]
fn inst3_a_hardware_id_keeps_its_name_in_another_slot_and_the_move_is_told() {
    let card = |place: &str| {
        format!(
            "pci {place} d161:800e driver=wcte43x\ndevice pci:{place} on={place} id=1TE235F0001 spans=1:E1\nspan 1 of=pci:{place}"
        )
    };
    let (before, after) = (grow(&card("0000:02:01.0")), grow(&card("0000:05:00.0")));
    let known = [Known { name: "1TE235F0001".into(), place: "pci:0000:02:01.0".into() }];
    let book = Book::default();
    let of = |grown: &crate::support::Grown| {
        let tree = grown.tree();
        Inventory::of(&tree, book.recognise(&tree.machine), &known)
    };
    assert_eq!(told(&of(&before)), [("good", "1TE235F0001", "ready")]);
    let moved = of(&after);
    assert_eq!(names(&of(&before))[0].0, names(&moved)[0].0);
    let finding = only(&moved, "moved");
    assert_eq!((finding.about.as_str(), finding.place.as_str()), ("1TE235F0001", "pci:0000:05:00.0"));
    assert_eq!(finding.what, "it was at pci:0000:02:01.0 before");
}

#[test]
fn inst3_a_hardware_id_that_two_cards_have_names_neither() {
    let twice = ALIKE.replace("maker=", "id=SAME maker=");
    let both = "span 1 of=pci:0000:03:00.0 kind=ANALOG_MIXED sig=FXSKS\nspan 2 of=pci:0000:04:00.0 kind=ANALOG_MIXED sig=FXSKS";
    let inventory = grow(&format!("{twice}{both}")).inventory();
    assert_eq!(
        told(&inventory),
        [("nearly works", "pci:0000:03:00.0", "same-id"), ("nearly works", "pci:0000:04:00.0", "same-id")]
    );
}

#[test]
fn inst3_what_cannot_be_written_into_a_configuration_is_no_name() {
    for id in ["(null)", "a\"b", "`rm`", "two words", "\u{7f}", "ÄÖ"] {
        let grown = grow(ALIKE);
        grown.file("sys/devices/pci0000:00/0000:03:00.0/pci:0000:03:00.0/hardware_id", id);
        let names: Vec<String> = grown.inventory().cards.into_iter().map(|card| card.name).collect();
        assert_eq!(names, ["pci:0000:03:00.0", "pci:0000:04:00.0"], "{id}");
    }
    // Another card's place is no name for this one.
    let grown = grow(ALIKE);
    grown.file("sys/devices/pci0000:00/0000:03:00.0/pci:0000:03:00.0/hardware_id", "pci:0000:04:00.0");
    let names: Vec<String> = grown.inventory().cards.into_iter().map(|card| card.name).collect();
    assert_eq!(names, ["pci:0000:03:00.0", "pci:0000:04:00.0"]);
}

#[test]
fn inst3_an_astribank_is_at_its_usb_place_and_called_by_its_own_number() {
    let inventory = grow(
        "usb 1-1.4 e4e4:1162 driver=xpp_usb\ndevice astribanks:xbus-00 on=1-1.4 id=usb:X1054321 kind=Astribank2 spans=1:FXS,2:FXO\n\
         span 1 of=astribanks:xbus-00 kind=FXS sig=FXOKS\nspan 2 of=astribanks:xbus-00 local=2 kind=FXO sig=FXSKS",
    )
    .inventory();
    assert!(inventory.is_good(), "{}", inventory.text());
    let card = &inventory.cards[0];
    assert_eq!(
        (card.name.as_str(), card.place.as_str(), card.driver.as_deref()),
        ("usb:X1054321", "usb:1-1.4", Some("xpp_usb"))
    );
    assert_eq!(card.spans[1].name, "usb:X1054321/2");
}

#[test]
fn inst3_the_emulated_machine_has_its_spans_by_the_names_of_their_wires() {
    // As qemu with DAHDI's dynamic_loc shows itself: no PCI device behind a span, `lineconfig` empty.
    let inventory = grow(
        "dmi sys_vendor QEMU\ndmi product_name Standard PC (Q35 + ICH9, 2009)\npci 0000:00:02.0 1af4:1003 class=078000 driver=virtio-pci\n\
         device dynamic:loc:0 id=DYN/loc/0:0 kind=DYN/loc/0:0 spans=1:DYNAMIC\ndevice dynamic:loc:1 id=DYN/loc/0:1 spans=1:DYNAMIC\n\
         span 1 of=dynamic:loc:0 kind=DYNAMIC line= sig=Clear,HDLCFCS\nspan 2 of=dynamic:loc:1 kind=DYNAMIC line= base=32",
    )
    .inventory();
    assert_eq!((inventory.profile.as_str(), inventory.is_good()), ("emulated", true), "{}", inventory.text());
    let card = &inventory.cards[0];
    assert_eq!((card.name.as_str(), card.place.as_str()), ("DYN/loc/0:0", "dynamic:loc:0"));
    assert_eq!(
        (card.slot.as_deref(), card.spans[0].ports.as_slice()),
        (Some("wire 1"), ["near 1".to_string()].as_slice())
    );
}
