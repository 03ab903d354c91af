//! Presets: what form a medium shall have. Named by the MIME type in `Accept`, or by the configured table.
//!
//! Sources: RFC 2046 (`audio/basic`), RFC 4856 (`PCMA`, `PCMU`), RFC 2586 (`L16` is big-endian).

use std::fmt;

use tipring_card::Law;

use crate::fault::MediaFault;
use crate::wire::shown;

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// G.711 in this law.
    G711(Law),
    /// Linear 16 bits, most significant octet first.
    L16,
}

/// One form of audio, always mono.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Preset {
    /// How samples are written.
    pub coding: Coding,
    /// Samples a second.
    pub rate_hz: u32,
}

impl Preset {
    /// What a telephone channel of this law plays.
    pub const fn telephone(law: Law) -> Self {
        Self { coding: Coding::G711(law), rate_hz: TELEPHONE_HZ }
    }

    /// Reads a MIME type such as `audio/x-alaw;rate=8000`. `None` if it is not one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next()?.to_ascii_lowercase();
        let coding = coding_named(&name)?;
        let mut rate_hz = TELEPHONE_HZ;
        for part in parts {
            let Some((key, value)) = part.split_once('=') else { continue };
            match key.trim().to_ascii_lowercase().as_str() {
                "rate" => rate_hz = value.trim().parse().ok()?,
                "channels" if value.trim() != "1" => return None,
                _ => {}
            }
        }
        RATES_HZ.contains(&rate_hz).then_some(Self { coding, rate_hz })
    }

    /// Octets of one second.
    pub fn octets_per_second(self) -> u64 {
        let width = match self.coding {
            Coding::G711(_) => 1,
            Coding::L16 => 2,
        };
        u64::from(self.rate_hz) * width
    }
}

/// The name under which it is asked for, stored and sent.
impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.coding {
            Coding::G711(Law::A) => "x-alaw",
            Coding::G711(Law::Mu) => "x-mulaw",
            Coding::L16 => "l16",
        };
        write!(f, "audio/{name};rate={}", self.rate_hz)
    }
}

/// What `Accept: audio/*` stands for: the table's entry of `;preset=NAME`, or the default.
pub(crate) fn wanted(
    accept: Option<&str>,
    presets: &[(String, Preset)],
    default: Preset,
) -> Result<Preset, MediaFault> {
    let name = accept.unwrap_or_default().split([',', ';']).find_map(|it| it.trim().strip_prefix("preset="));
    let Some(name) = name.map(|it| it.trim_matches('"')) else { return Ok(default) };
    let found = presets.iter().find(|it| it.0.eq_ignore_ascii_case(name)).map(|it| it.1);
    found.ok_or_else(|| {
        let text = format!("Accept: there is no preset {}; [[preset]] in the configuration has them", shown(name));
        MediaFault::unsupported(text)
    })
}

/// The coding that a bare MIME type stands for.
pub(crate) fn coding_named(name: &str) -> Option<Coding> {
    Some(match name {
        "audio/x-alaw" | "audio/alaw" | "audio/pcma" | "audio/x-pcma" => Coding::G711(Law::A),
        "audio/basic" | "audio/x-mulaw" | "audio/mulaw" | "audio/ulaw" | "audio/x-ulaw" | "audio/pcmu"
        | "audio/x-pcmu" => Coding::G711(Law::Mu),
        "audio/l16" | "audio/x-l16" => Coding::L16,
        _ => return None,
    })
}

/// The rate of telephony.
pub const TELEPHONE_HZ: u32 = 8_000;
/// Rates that can be asked for: telephony, wideband, and what sound devices take.
const RATES_HZ: [u32; 6] = [8_000, 16_000, 22_050, 32_000, 44_100, 48_000];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_as_written() {
        for law in [Law::A, Law::Mu] {
            let preset = Preset::telephone(law);
            assert_eq!(Preset::parse(&preset.to_string()), Some(preset));
        }
        assert_eq!(Preset::parse("audio/basic"), Some(Preset::telephone(Law::Mu)));
        assert_eq!(Preset::parse("audio/L16; rate=16000").map(|it| it.rate_hz), Some(16_000));
    }

    #[test]
    fn foreign_types_and_rates_are_refused() {
        for text in ["audio/mpeg", "", "audio/x-alaw;rate=0", "audio/x-alaw;rate=999999999999", "audio/l16;channels=2"]
        {
            assert_eq!(Preset::parse(text), None, "{text}");
        }
    }
}
