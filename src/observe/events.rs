//! The events that operators search for, each with an id that never changes: `journalctl MESSAGE_ID=…` finds them, and
//! `journalctl -x` explains them from `systemd/tipring.catalog`. They are listed in `docs/reference/log-events.md` too;
//! a test keeps the three together.
//!
//! To tell of one: `tracing::warn!(message_id = events::DISK_LOW.id, …)`.

/// An event with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The name of its constant.
    pub constant: &'static str,
    /// In a few words.
    pub name: &'static str,
    /// `MESSAGE_ID=` in the journal.
    pub id: &'static str,
}

macro_rules! events {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $id:literal;)*) => {
        $($(#[$doc])* pub const $constant: Known = Known { constant: stringify!($constant), name: $name, id: $id };)*

        /// All of them.
        pub const ALL: &[Known] = &[$($constant),*];
    };
}

events! {
    /// tipring has started.
    STARTED = "service started", "56b9f000e1f749368b38745ccc8e89a9";
    /// tipring has stopped.
    STOPPED = "service stopped", "f802d90fd2a44ceab27d652ed26040c0";
    /// No new calls: tipring is being stopped.
    DRAIN_BEGINS = "drain begins", "5746c1688ba64d7f9b3874552d2b6461";
    /// The time for calls is up.
    DRAIN_ENDS = "drain ends", "345d20bc4bdb4c288c6966835bf5fd0e";
    /// The configuration is bad: the last good one is used.
    CONFIG_LAST_GOOD = "last good configuration used", "d4dbacd48dd54853b91e76524d5552d4";
    /// The configuration was read again and taken.
    RELOADED = "configuration reloaded", "d37908462c4f40438f1cc2afacbb7683";
    /// The configuration was read again and refused.
    RELOAD_FAILED = "configuration not reloaded", "84f8503b48e5412480cebffe88469179";
    /// The card is gone.
    CARD_LOST = "card lost", "c41e0189321a47969824ce5c0e4e3400";
    /// A span is in alarm.
    SPAN_ALARM = "span alarm", "423601943dfe49e4a624aedc289f88f0";
    /// A span has left its alarm.
    SPAN_CLEAR = "span alarm clear", "6025db5c4c0a4769a53f7d1ec2c4bfee";
    /// A D channel is down.
    D_CHANNEL_DOWN = "D channel down", "ac91972223f04fa6a8ea01ddc15901a6";
    /// A D channel is up.
    D_CHANNEL_UP = "D channel up", "75d476c7c9ef4b3ebf29320220831291";
    /// The media thread does not run.
    MEDIA_STALLED = "media thread stalled", "435c5a47bf684c0bb5cc10225024b63c";
    /// An application failed a call.
    CALL_FAULT = "application failed", "6d8b886bb84f457f8ef0e57d2d51ddb0";
    /// A fallback is asked for a call.
    FALLBACK_USED = "fallback used", "3b9b359be0ab46698a5b4b44652e1084";
    /// The minutes for calls out are nearly spent.
    MINUTES_LOW = "minutes nearly spent", "4ba71ab7ac0504a56cc6be1805fdf179";
    /// The minutes for calls out are spent.
    MINUTES_SPENT = "minutes spent", "0b8e90e9f6466d5fdae85d0928398f9f";
    /// Calls to dear numbers are stopped.
    CALLS_STOPPED = "calls out stopped", "c4e08e67b822b63b4e6980ee651011cb";
    /// The disk is nearly full.
    DISK_LOW = "disk low", "55aa2a0668d04276b32d9411a190c228";
    /// The disk has room again.
    DISK_OK = "disk no longer low", "a752ea37ae90448a81cd8f3f0dbca753";
    /// The database does not answer.
    STORE_AWAY = "store away", "5cef0cfabf4542d28bf7befe6e99cc28";
    /// The database answers again.
    STORE_BACK = "store back", "952c601629bb4075ba9801c46e087d86";
    /// The box's lease could not be renewed.
    LEASE_LOST = "lease not renewed", "fb4c49d4951d496e8ed7c170d804e4b9";
    /// Another box is silent: its calls are closed as failed.
    BOX_SILENT = "other box silent", "b91a8113b9f640bda476ed011533eb63";
    /// The journal of born calls cannot be written.
    JOURNAL_FAILED = "journal not written", "ea6ee7e94b5e418eae09c58e26252c90";
    /// The board controller does not answer.
    BOARD_LOST = "board controller lost", "7c1e5a0f3b9d4e6d8a2f60b4c95d1e73";
    /// The board controller answers, and all that it has is as it should be.
    BOARD_BACK = "board controller in order", "e0b7d3a94f1c4b52936d8c07fa25b81e";
    /// The board controller's watchdog has given the lines away.
    RELAYS_RELEASED = "relays released", "1f84c62e9a5d4037b6e1d7305c8fa2b9";
    /// The board has a fault, or is about to have one.
    BOARD_FAULT = "board fault", "a36d0e8fb1724c95be47f29c160d83f5";
    /// Messages were left out, as there were too many alike.
    LINES_FOLDED = "messages folded", "ef74b686442640a0a474c499c2dda244";
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use std::io::Write as _;

    const CATALOG: &str = "systemd/tipring.catalog";

    #[test]
    fn every_event_is_in_the_catalog_and_in_the_reference_and_no_other_is() {
        let catalog = std::fs::read_to_string(CATALOG).expect("the catalog");
        let reference = std::fs::read_to_string("docs/reference/log-events.md").expect("the reference");
        for event in ALL {
            assert_eq!(event.id.len(), 32, "{}", event.name);
            assert!(event.id.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c)), "{}", event.name);
            assert_eq!(catalog.matches(&format!("-- {}\nSubject: ", event.id)).count(), 1, "{}", event.name);
            let row = format!("| {} | ", event.name);
            let row = reference.lines().find(|line| line.starts_with(&row)).unwrap_or_default();
            assert!(row.contains(&format!("| `{}` |", event.id)), "{}: {row}", event.name);
        }
        assert_eq!(catalog.lines().filter(|line| line.starts_with("-- ")).count(), ALL.len());
        assert_eq!(reference.lines().filter(|line| line.starts_with("| ")).count(), ALL.len() + 2);
    }

    #[test]
    fn every_event_is_told_somewhere() {
        let mut sources = String::new();
        let mut folders = vec![Path::new("src").to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|suffix| suffix == "rs") {
                    sources += &std::fs::read_to_string(path).expect("text");
                }
            }
        }
        for event in ALL {
            assert!(sources.contains(&format!("events::{}", event.constant)), "{} is told nowhere", event.name);
        }
    }

    /// The catalog is compiled by systemd's own tool, which is no part of the build: its absence is said aloud.
    #[test]
    fn journalctl_takes_the_catalog() {
        let root = std::env::temp_dir().join(format!("tipring-catalog-{}", std::process::id()));
        let folder = root.join("usr/lib/systemd/catalog");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::copy(CATALOG, folder.join("tipring.catalog")).expect("it is copied");
        std::fs::create_dir_all(root.join("var/lib/systemd/catalog")).expect("a folder");
        let run = |action: &str| Command::new("journalctl").arg(action).arg("--root").arg(&root).output();
        let Ok(made) = run("--update-catalog") else {
            drop(writeln!(std::io::stderr(), "SKIPPED: journalctl is not installed"));
            return;
        };
        assert!(made.status.success() && made.stderr.is_empty(), "{}", String::from_utf8_lossy(&made.stderr));
        let listed = run("--list-catalog").expect("it runs");
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        for event in ALL {
            assert!(listed.contains(event.id), "{} is not in:\n{listed}", event.name);
        }
        std::fs::remove_dir_all(root).expect("it was ours");
    }
}
