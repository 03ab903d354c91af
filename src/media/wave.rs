//! WAVE headers as they come from strangers and from programs, without a length, or with a wrong one: where the samples
//! begin and what they are. The samples themselves are read elsewhere.
//!
//! Sources: RFC 2361 for the tags, EBU Tech 3306 for RF64 (`ds64`), `WAVEFORMATEXTENSIBLE` for tag 0xFFFE.

use tipring_card::Law;

use crate::fault::MediaFault;
use crate::formats;
use crate::sniff::{Container, Kind, MAX_TAG, Plain};

/// What a WAVE file turned out to be; `None`: its head does not say, a decoder has to look.
pub(crate) enum Wave {
    Plain(Kind),
    /// A coding that a library reads.
    Coded,
    /// Another coding.
    Foreign,
}

impl Wave {
    /// Reads a head, as much of it as there is.
    pub fn read(data: &[u8]) -> Result<Self, MediaFault> {
        let mut at = 12;
        let (mut form, mut long) = (None, None);
        while let Some(head) = data.get(at..at + 8) {
            let length = u32_le(head, 4).unwrap_or(0);
            let start = at + 8;
            match &head[..4] {
                b"fmt " => match Form::read(data.get(start..).unwrap_or_default(), length as usize) {
                    Some(it) => form = Some(it),
                    None => return Ok(Self::Coded),
                },
                b"ds64" => long = data.get(start + 8..start + 16).map(u64_le),
                b"data" => {
                    let Some(form) = form else { return Ok(Self::Coded) };
                    let octets = match (length, long) {
                        (u32::MAX, Some(long)) if long > 0 => Some(long),
                        _ => (length < STREAMED_LENGTH && length > 0).then_some(u64::from(length)),
                    };
                    return form.judged(start, octets);
                }
                // A decoder would make room for it before it finds that the file is shorter.
                _ if u64::from(length) > MAX_TAG => {
                    let text = format!("a WAVE chunk claims {length} octets; at most {MAX_TAG} are read");
                    return Err(MediaFault::unsupported(text));
                }
                _ => {}
            }
            let padded = length as usize + (length as usize & 1);
            let Some(next) = start.checked_add(padded) else { break };
            at = next;
        }
        Ok(match form.map(|it| it.tag) {
            None | Some(PCM | FLOAT | A_LAW | MU_LAW | MS_ADPCM | IMA_ADPCM) => Self::Coded,
            Some(_) => Self::Foreign,
        })
    }
}

struct Form {
    tag: u16,
    channels: u16,
    rate_hz: u32,
    frame: u16,
    bits: u16,
}

impl Form {
    fn read(chunk: &[u8], length: usize) -> Option<Self> {
        let chunk = &chunk[..chunk.len().min(length)];
        let tag = u16_le(chunk, 0)?;
        let tag = if tag == EXTENSIBLE { u16_le(chunk, 24)? } else { tag };
        Some(Self {
            tag,
            channels: u16_le(chunk, 2)?,
            rate_hz: u32_le(chunk, 4)?,
            frame: u16_le(chunk, 12)?,
            bits: u16_le(chunk, 14)?,
        })
    }

    fn judged(&self, skip: usize, octets: Option<u64>) -> Result<Wave, MediaFault> {
        let width = self.frame / self.channels.max(1);
        let format = match (self.tag, width) {
            (A_LAW, _) => Plain::G711(Law::A),
            (MU_LAW, _) => Plain::G711(Law::Mu),
            (PCM, 1) => Plain::U8,
            (PCM, 2) => Plain::S16Le,
            (PCM, 3) => Plain::S24Le,
            (PCM, 4) => Plain::S32Le,
            (FLOAT, 4) => Plain::F32Le,
            (FLOAT, 8) => Plain::F64Le,
            (MS_ADPCM | IMA_ADPCM, _) => return Ok(Wave::Coded),
            (PCM | FLOAT, _) => {
                let text = format!(
                    "a WAVE file of {} bits, {} channels and {} octets a frame cannot be read",
                    self.bits, self.channels, self.frame
                );
                return Err(MediaFault::unsupported(text));
            }
            _ => return Ok(Wave::Foreign),
        };
        Ok(Wave::Plain(Kind::Plain { format, rate_hz: self.rate_hz, channels: self.channels, skip, octets }))
    }
}

impl Wave {
    /// As a kind, given who reads what no library of ours does.
    pub fn kind(self, foreign: impl FnOnce(formats::Format) -> Result<Kind, MediaFault>) -> Result<Kind, MediaFault> {
        match self {
            Self::Plain(kind) => Ok(kind),
            Self::Coded => Ok(Kind::Coded { container: Container::Wave, skip: 0 }),
            Self::Foreign => foreign(formats::WAVE),
        }
    }
}

fn u16_le(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..at + 2).map(|it| u16::from_le_bytes([it[0], it[1]]))
}

fn u32_le(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at + 4).map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]))
}

fn u64_le(data: &[u8]) -> u64 {
    data.iter().rev().fold(0, |sum, it| sum << 8 | u64::from(*it))
}

const PCM: u16 = 1;
const MS_ADPCM: u16 = 2;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const IMA_ADPCM: u16 = 0x11;
const EXTENSIBLE: u16 = 0xFFFE;
/// Writers that stream don't know the length and claim one near the field's end, or none.
const STREAMED_LENGTH: u32 = 0x7FFF_0000;
