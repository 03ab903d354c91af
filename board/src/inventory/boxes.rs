//! What is to be said of the box as a whole: empty slots, DAHDI itself, rights, Asterisk.

use super::Card;
use crate::finding::{Finding, State, Trouble};
use crate::profile::Profile;
use crate::tree::Tree;

/// What findings about the box are about.
const BOX: &str = "box";

pub(super) fn judge(tree: &Tree, profile: &Profile, cards: &[Card], findings: &mut Vec<Finding>) {
    let mut about = |about: &str, place: &str, (state, trouble): (State, Trouble), what: String, next: String| {
        findings.push(Finding { state, about: about.to_string(), place: place.to_string(), trouble, what, next });
    };
    for slot in profile.slots.iter().filter(|slot| slot.wanted) {
        if !cards.iter().any(|card| card.slot.as_ref() == Some(&slot.name)) {
            let held = slot.holds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(" or ");
            let next = format!("with the power off, put a card of {held} in and see that it sits firmly");
            let name = format!("slot {}", slot.name);
            about(&name, slot.place.text(), (State::Absent, Trouble::EmptySlot), "nothing is seen in it".into(), next);
        }
    }
    if cards.is_empty() {
        let next = "put a card in, or take `kind = \"sim\"` in [[card]] to try without one".to_string();
        about(BOX, "", (State::Absent, Trouble::NoCard), "no telephone card is seen".into(), next);
    }
    if !tree.dahdi {
        let next = if cards.is_empty() {
            "once a card is in: `apt install dahdi dahdi-dkms`, then `modprobe dahdi`"
        } else {
            "do what is said of the card; `modprobe dahdi` shows whether it is built at all"
        };
        about(BOX, "", (State::Absent, Trouble::NoDahdi), "DAHDI is not in the kernel".into(), next.into());
    }
    rights(tree, &mut about);
    if tree.asterisk.starts && !cards.is_empty() {
        let next = "give the cards to one of both: `systemctl mask --now asterisk` leaves them to tipring".to_string();
        let what = "Asterisk is installed, and whoever opens a channel first has it".to_string();
        about(BOX, "", (State::Nearly, Trouble::Asterisk), what, next);
    }
    for folder in &tree.left_out {
        let what = format!("{folder} has more entries than are looked at");
        let next = "what is not shown may be there nevertheless: look there yourself".to_string();
        about(BOX, "", (State::Nearly, Trouble::LeftOut), what, next);
    }
}

type About<'a> = dyn FnMut(&str, &str, (State, Trouble), String, String) + 'a;

fn rights(tree: &Tree, about: &mut About<'_>) {
    let Some(user) = &tree.user else { return };
    let closed: Vec<_> = tree.nodes.iter().filter(|node| !user.may(node)).collect();
    let Some(first) = closed.first() else { return };
    let paths = closed.iter().map(|node| node.path.as_str()).collect::<Vec<_>>().join(", ");
    let what = format!("{} may not open {paths} (group {}, mode {:04o})", user.name, first.group, first.mode);
    let next = if first.mode & 0o060 == 0o060 && first.gid != 0 {
        format!("`usermod -aG {} {}`, and start the service anew", first.group, user.name)
    } else {
        "put DAHDI's udev rule of the package back (61-tipring-dahdi.rules), then `udevadm trigger \
         --subsystem-match=dahdi`"
            .to_string()
    };
    about(BOX, "", (State::Nearly, Trouble::NoRight), what, next);
}
