//! `[board]`: the board controller of the appliance, if it has one. What boards there are is not judged here.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[board]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Board {
    /// What the appliance is, one of the box's profiles; empty: what it is recognised as.
    pub profile: String,
    /// The board controller's serial port; empty: that of a profile that is named, else there is none.
    pub port: PathBuf,
    /// The lines are given away when the audio path has stood still for so long.
    pub watchdog_ms: u16,
    /// When the relays are tested.
    pub self_test: SelfTest,
}

impl Default for Board {
    fn default() -> Self {
        Board { profile: String::new(), port: PathBuf::new(), watchdog_ms: 10_000, self_test: SelfTest::Monthly }
    }
}

impl Board {
    /// Why its port is none, if so.
    pub(super) fn complaint(&self) -> Option<&'static str> {
        let wrong = !self.port.as_os_str().is_empty() && !self.port.is_absolute();
        wrong.then_some("board.port: an absolute path is wanted, such as \"/dev/serial/by-id/usb-board\"")
    }
}

/// When the relays are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SelfTest {
    /// Once a month, when nobody is on the phone.
    Monthly,
    /// Only when somebody asks.
    Never,
}
