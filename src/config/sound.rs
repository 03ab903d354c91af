//! `[[sound]]`: a sound device of the box as a line, and what is wrong with such an entry. It opens no device.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tipring_sound::{Device, SoundConfig, Use};

/// A sound device as a line.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sound {
    /// Its line is `sound <name>`.
    pub name: String,
    /// Which device, by a name that stays.
    pub device: String,
    /// As what it is used.
    #[serde(rename = "use")]
    pub used_as: SoundUse,
    /// Shown as the caller of its calls.
    pub number: String,
    /// Called when it is lifted, or its key is pressed.
    pub hotline: String,
    /// The node of its key.
    pub key: PathBuf,
    /// Which of the keys there; 0: any.
    pub key_code: u16,
    /// A loudspeaker chimes before it answers.
    pub chime: bool,
    /// How loud it rings and chimes, in dBm0.
    pub level_db: i8,
    /// Takes away what its microphone hears of its loudspeaker.
    pub echo_canceller: bool,
    /// Milliseconds of delay, each way, in which the clocks are joined.
    pub delay_ms: u8,
    /// Milliseconds that are written ahead of the loudspeaker.
    pub buffer_ms: u8,
}

impl Default for Sound {
    fn default() -> Self {
        Sound {
            name: String::new(),
            device: String::new(),
            used_as: SoundUse::Handset,
            number: String::new(),
            hotline: String::new(),
            key: PathBuf::new(),
            key_code: 0,
            chime: false,
            level_db: -15,
            echo_canceller: true,
            delay_ms: 31,
            buffer_ms: 30,
        }
    }
}

/// As what a sound device is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SoundUse {
    /// It rings, and somebody lifts it.
    #[default]
    Handset,
    /// It answers by itself; its key calls the hotline.
    Doorphone,
    /// It answers by itself and is heard.
    Paging,
    /// It answers by itself and hears.
    LineIn,
}

impl From<SoundUse> for Use {
    fn from(used_as: SoundUse) -> Use {
        match used_as {
            SoundUse::Handset => Use::Handset,
            SoundUse::Doorphone => Use::Doorphone,
            SoundUse::Paging => Use::Paging,
            SoundUse::LineIn => Use::LineIn,
        }
    }
}

/// The word before the name of such a line, and the name of the span of them all.
pub const SPAN: &str = "sound";

impl Sound {
    /// `sound door`
    pub fn line(&self) -> String {
        format!("{SPAN} {}", self.name)
    }

    /// The device as its driver wants it; its samples in this law. The name was judged.
    pub fn driven(&self, law: tipring_card::Law) -> Option<SoundConfig> {
        Some(SoundConfig {
            name: self.name.clone(),
            device: Device::parse(&self.device).ok()?,
            of: self.used_as.into(),
            chimes: self.chime,
            ring_dbm0: self.level_db.into(),
            chime_dbm0: self.level_db.into(),
            delay_ms: self.delay_ms,
            ahead: self.buffer_ms / 10,
            key: (!self.key.as_os_str().is_empty())
                .then(|| (self.key.clone(), (self.key_code > 0).then_some(self.key_code))),
            cancels_echo: self.echo_canceller,
            law,
        })
    }

    /// What is wrong with it: the key, and why.
    pub(super) fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(plain) {
            faults.push(("name", "1 to 40 letters, digits, - and _ are wanted".to_owned()));
        }
        if let Err(fault) = Device::parse(&self.device) {
            faults.push(("device", fault.to_string()));
        }
        let is_digits = |text: &str, more: &str| text.chars().all(|c| c.is_ascii_digit() || more.contains(c));
        if self.number.len() > 20 || !is_digits(&self.number, "+") {
            faults.push(("number", "1 to 20 digits are wanted".to_owned()));
        }
        if self.hotline.len() > 20 || !is_digits(&self.hotline, "*#") {
            faults.push(("hotline", "1 to 20 digits are wanted, as they would be dialled".to_owned()));
        }
        if !self.key.as_os_str().is_empty() && !self.key.is_absolute() {
            faults.push(("key", "the path of a node is wanted, such as \"/dev/input/by-path/…-event-kbd\"".to_owned()));
        }
        if self.used_as == SoundUse::Doorphone && !self.key.as_os_str().is_empty() && self.hotline.is_empty() {
            faults.push(("hotline", "whom does its key call? A door phone with a key needs a hotline".to_owned()));
        }
        faults
    }

    /// It is named by what another device may be called after the next start.
    pub(super) fn may_move(&self) -> bool {
        Device::parse(&self.device).is_ok_and(|device| device.is_by_number())
    }
}
