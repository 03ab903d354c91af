//! What is it? Judged by looking into the data first and at the MIME type second.
//!
//! Sources: the formats' own magic numbers (RIFF/WAVE, Ogg RFC 3533, FLAC, ISO 11172-3 frame headers, AU, AIFF);
//! WAVE format tags from RFC 2361.

use tipring_card::Law;

use crate::fault::MediaFault;
use crate::preset::{Coding, coding_named};
use crate::wire::shown;

/// What the data turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Samples without compression that we read ourselves; the data begins after `skip` octets and has at most `octets`.
    Plain { format: Plain, rate_hz: u32, channels: u16, skip: usize, octets: Option<u64> },
    /// A container that a decoder reads, after `skip` octets of tags.
    Coded { container: Container, skip: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plain {
    G711(Law),
    S8,
    S16Be,
    S24Be,
    S32Be,
    F32Be,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Wave,
    Aiff,
    Ogg,
    Flac,
    Mpeg,
}

impl Kind {
    /// The true MIME type.
    pub fn mime(&self) -> &'static str {
        match self {
            Self::Plain { format: Plain::G711(Law::A), .. } => "audio/x-alaw",
            Self::Plain { format: Plain::S16Be, skip: 0, .. } => "audio/l16",
            Self::Plain { .. } => "audio/basic",
            Self::Coded { container, .. } => match container {
                Container::Wave => "audio/wav",
                Container::Aiff => "audio/aiff",
                Container::Ogg => "audio/ogg",
                Container::Flac => "audio/flac",
                Container::Mpeg => "audio/mpeg",
            },
        }
    }
}

impl Plain {
    pub fn width(self) -> usize {
        match self {
            Self::G711(_) | Self::S8 => 1,
            Self::S16Be => 2,
            Self::S24Be => 3,
            Self::S32Be | Self::F32Be => 4,
        }
    }
}

/// Judges the first octets of a medium (up to [`PEEK`] of them) and its declared type.
pub(crate) fn sniff(data: &[u8], declared: &str) -> Result<Kind, MediaFault> {
    let mime = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if data.is_empty() {
        return Err(MediaFault::unsupported("the medium is empty"));
    }
    if let Some(kind) = by_magic(data)? {
        return Ok(kind);
    }
    if let Some(kind) = by_name(&mime, declared)? {
        return Ok(kind);
    }
    if looks_like_text(data) {
        return Err(refused(&mime, "a text or web page", "let the URL answer the audio file itself"));
    }
    if let Some(what) = known_but_unplayable(data) {
        return Err(refused(&mime, what, "offer WAV, MP3, Ogg Vorbis or FLAC"));
    }
    // Junk before the first frame is common in streams; the decoder's search is bounded.
    if matches!(mime.as_str(), "audio/mpeg" | "audio/mp3" | "audio/x-mp3" | "audio/mpeg3" | "audio/x-mpeg") {
        return Ok(Kind::Coded { container: Container::Mpeg, skip: 0 });
    }
    Err(refused(&mime, "of a kind that is not recognised", "offer WAV, MP3, Ogg Vorbis or FLAC"))
}

fn refused(mime: &str, what: &str, help: &str) -> MediaFault {
    let mime = if mime.is_empty() { "no type" } else { mime };
    MediaFault::unsupported(format!("not playable: it is {what} (declared as {}); {help}", shown(mime)))
}

fn by_magic(data: &[u8]) -> Result<Option<Kind>, MediaFault> {
    let coded = |container| Ok(Some(Kind::Coded { container, skip: 0 }));
    match data {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => wave(data).map(Some),
        [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', b'F' | b'C', ..] => coded(Container::Aiff),
        [b'O', b'g', b'g', b'S', ..] => coded(Container::Ogg),
        [b'f', b'L', b'a', b'C', ..] => coded(Container::Flac),
        [b'.', b's', b'n', b'd', ..] => au(data).map(Some),
        [b'I', b'D', b'3', _, _, flags, a, b, c, d, ..] if (a | b | c | d) & 0x80 == 0 => {
            let size = [a, b, c, d].iter().fold(0_u64, |sum, &&it| (sum << 7) | u64::from(it));
            let footer = if flags & 0x10 != 0 { 10 } else { 0 };
            after_tag(data, 10 + size + footer)
        }
        _ if mpeg_frame(data).is_some() => coded(Container::Mpeg),
        _ => Ok(None),
    }
}

/// A tag stands before MPEG audio; some put one before FLAC too.
fn after_tag(data: &[u8], skip: u64) -> Result<Option<Kind>, MediaFault> {
    if skip > MAX_TAG {
        return Err(MediaFault::unsupported(format!("the ID3 tag has {skip} octets; at most {MAX_TAG} are skipped")));
    }
    let next = usize::try_from(skip).ok().and_then(|skip| data.get(skip..)).unwrap_or_default();
    let container = if next.starts_with(b"fLaC") { Container::Flac } else { Container::Mpeg };
    Ok(Some(Kind::Coded { container, skip }))
}

/// Raw samples have no magic number: their MIME type is all there is.
fn by_name(mime: &str, declared: &str) -> Result<Option<Kind>, MediaFault> {
    let Some(coding) = coding_named(mime) else { return Ok(None) };
    let parameter = |name: &str, default: u32| {
        let find = |it: &str| {
            let (key, value) = it.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().parse::<u32>())
        };
        match declared.split(';').skip(1).find_map(find) {
            Some(Ok(value)) => Ok(value),
            Some(Err(_)) => Err(MediaFault::unsupported(format!("{}: {name} is not a number", shown(declared)))),
            None => Ok(default),
        }
    };
    let rate_hz = parameter("rate", 8_000)?;
    let channels = u16::try_from(parameter("channels", 1)?).unwrap_or(u16::MAX);
    let format = match coding {
        Coding::G711(law) => Plain::G711(law),
        Coding::L16 => Plain::S16Be,
    };
    Ok(Some(Kind::Plain { format, rate_hz, channels, skip: 0, octets: None }))
}

/// A WAVE file; with G.711 inside, its samples are found without a decoder, so that they can pass unchanged.
fn wave(data: &[u8]) -> Result<Kind, MediaFault> {
    let coded = Kind::Coded { container: Container::Wave, skip: 0 };
    let mut at = 12;
    let mut format = None;
    while let Some(head) = data.get(at..at + 8) {
        let length = u32_le(head, 4).unwrap_or(0);
        let start = at + 8;
        match &head[..4] {
            b"fmt " => {
                let Some(chunk) = data.get(start..start + 16) else { return Ok(coded) };
                let law = match u16_le(chunk, 0) {
                    Some(6) => Law::A,
                    Some(7) => Law::Mu,
                    _ => return Ok(coded),
                };
                format = Some((law, u32_le(chunk, 4).unwrap_or(0), u16_le(chunk, 2).unwrap_or(0)));
            }
            b"data" => {
                let Some((law, rate_hz, channels)) = format else { return Ok(coded) };
                let octets = (length < STREAMED_LENGTH).then_some(u64::from(length));
                return Ok(Kind::Plain { format: Plain::G711(law), rate_hz, channels, skip: start, octets });
            }
            // A decoder would make room for it before it finds that the file is shorter.
            _ if u64::from(length) > MAX_TAG => {
                let text = format!("a WAVE chunk claims {length} octets; at most {MAX_TAG} are read");
                return Err(MediaFault::unsupported(text));
            }
            _ => {}
        }
        let padded = length as usize + (length as usize & 1);
        let Some(next) = start.checked_add(padded) else { return Ok(coded) };
        at = next;
    }
    Ok(coded)
}

fn au(data: &[u8]) -> Result<Kind, MediaFault> {
    let word = |at: usize| data.get(at..at + 4).map(|it| u32::from_be_bytes([it[0], it[1], it[2], it[3]]));
    let (Some(skip), Some(length), Some(encoding), Some(rate_hz), Some(channels)) =
        (word(4), word(8), word(12), word(16), word(20))
    else {
        return Err(MediaFault::unsupported("the AU header is cut short"));
    };
    let format = match encoding {
        1 => Plain::G711(Law::Mu),
        2 => Plain::S8,
        3 => Plain::S16Be,
        4 => Plain::S24Be,
        5 => Plain::S32Be,
        6 => Plain::F32Be,
        27 => Plain::G711(Law::A),
        other => {
            return Err(MediaFault::unsupported(format!("AU encoding {other} cannot be played; use µ-law or PCM")));
        }
    };
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    if !(24..=MAX_AU_HEADER).contains(&skip) {
        return Err(MediaFault::unsupported(format!(
            "the AU header claims {skip} octets; 24 to {MAX_AU_HEADER} are read"
        )));
    }
    let channels = u16::try_from(channels).unwrap_or(u16::MAX);
    let octets = (length != u32::MAX).then_some(u64::from(length));
    Ok(Kind::Plain { format, rate_hz, channels, skip, octets })
}

/// The length of the MPEG audio frame that begins here, if one does, and another after it (or the data ends).
fn mpeg_frame(data: &[u8]) -> Option<usize> {
    let length = mpeg_frame_length(data)?;
    match data.get(length..) {
        Some(next) if next.len() >= 4 => mpeg_frame_length(next).map(|_| length),
        _ => Some(length),
    }
}

fn mpeg_frame_length(data: &[u8]) -> Option<usize> {
    let [0xFF, b, c, _, ..] = data else { return None };
    if b & 0xE0 != 0xE0 {
        return None;
    }
    let version = (b >> 3) & 3; // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
    let layer = (b >> 1) & 3; // 3: I, 2: II, 1: III; 0 is AAC's
    let (bitrate, rate) = (usize::from(c >> 4), usize::from((c >> 2) & 3));
    if version == 1 || layer == 0 || !(1..15).contains(&bitrate) || rate == 3 {
        return None;
    }
    let table = match (version == 3, layer) {
        (true, 3) => &KBPS_1_I,
        (true, 2) => &KBPS_1_II,
        (true, _) => &KBPS_1_III,
        (false, 3) => &KBPS_2_I,
        (false, _) => &KBPS_2_II,
    };
    let kbps = usize::from(table[bitrate]);
    let divisor = match version {
        3 => 1,
        2 => 2,
        _ => 4,
    };
    let rate_hz = [44_100, 48_000, 32_000][rate] / divisor;
    let padding = usize::from((c >> 1) & 1);
    Some(match layer {
        3 => (12_000 * kbps / rate_hz + padding) * 4,
        1 if version != 3 => 72_000 * kbps / rate_hz + padding,
        _ => 144_000 * kbps / rate_hz + padding,
    })
}

/// Text has no control characters but white space, and much of it in the first kilobyte.
fn looks_like_text(data: &[u8]) -> bool {
    let head = &data[..data.len().min(512)];
    let control = |it: &u8| *it < 0x20 && !b"\t\n\r\x0C".contains(it) || *it == 0x7F;
    !head.iter().any(control)
        && (std::str::from_utf8(head).is_ok() || head.iter().filter(|it| it.is_ascii()).count() * 10 > head.len() * 9)
}

fn known_but_unplayable(data: &[u8]) -> Option<&'static str> {
    Some(match data {
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "MP4 or M4A",
        [0x30, 0x26, 0xB2, 0x75, ..] => "Windows Media",
        [0x1A, 0x45, 0xDF, 0xA3, ..] => "Matroska or WebM",
        [b'.', b'R', b'M', b'F', ..] | [b'.', b'r', b'a', 0xFD, ..] => "RealAudio",
        [b'#', b'!', b'A', b'M', b'R', ..] => "AMR",
        [0xFF, b, ..] if b & 0xF6 == 0xF0 => "AAC",
        [b'M', b'T', b'h', b'd', ..] => "MIDI",
        [b'P', b'K', 3, 4, ..] => "a ZIP archive",
        [0x1F, 0x8B, ..] => "gzip data",
        [b'%', b'P', b'D', b'F', ..] => "a PDF",
        [0x89, b'P', b'N', b'G', ..] | [0xFF, 0xD8, 0xFF, ..] | [b'G', b'I', b'F', b'8', ..] => "an image",
        _ => return None,
    })
}

fn u16_le(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..at + 2).map(|it| u16::from_le_bytes([it[0], it[1]]))
}

fn u32_le(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at + 4).map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]))
}

/// Octets looked at: the chunks before a WAVE's data, or two MPEG frames.
pub(crate) const PEEK: usize = 4096;
/// Covers in tags are megabytes; more is no tag.
const MAX_TAG: u64 = 16 << 20;
/// An AU header has a remark of some words.
const MAX_AU_HEADER: usize = PEEK;
/// Writers that stream don't know the length and claim one near the field's end.
const STREAMED_LENGTH: u32 = 0x7FFF_0000;
const KBPS_1_I: [u16; 15] = [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448];
const KBPS_1_II: [u16; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
const KBPS_1_III: [u16; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const KBPS_2_I: [u16; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
const KBPS_2_II: [u16; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_refused_whatever_it_claims() {
        for page in ["<!DOCTYPE html><html>", "{\"error\": \"gone\"}", "not found"] {
            let fault = sniff(page.as_bytes(), "audio/mpeg").unwrap_err();
            assert_eq!(fault.code, crate::fault::CONTENT_TYPE, "{page}");
        }
    }

    #[test]
    fn the_data_counts_more_than_the_name() {
        let flac = sniff(b"fLaC\0\0\0\x22", "application/octet-stream").unwrap();
        assert_eq!(flac, Kind::Coded { container: Container::Flac, skip: 0 });
        assert!(sniff(&[0, 0, 0, 0x20, b'f', b't', b'y', b'p'], "audio/mp4").unwrap_err().text.contains("MP4"));
        assert!(sniff(&[1, 2, 3, 4], "application/octet-stream").is_err());
    }

    #[test]
    fn raw_g711_is_known_by_its_name_alone() {
        let it = sniff(&[0xD5; 100], "audio/x-alaw;rate=8000").unwrap();
        assert!(matches!(it, Kind::Plain { format: Plain::G711(Law::A), rate_hz: 8_000, channels: 1, skip: 0, .. }));
        assert!(sniff(&[0xD5; 100], "audio/x-alaw;rate=x").is_err());
    }

    #[test]
    fn a_wave_that_claims_gigabytes_of_remarks_is_refused() {
        let file = b"RIFF\0\0\0\0WAVELIST\xFF\xFF\xFF\x7Fabcd";
        assert!(sniff(file, "audio/wav").unwrap_err().text.contains("claims"));
    }

    #[test]
    fn no_octets_make_it_panic() {
        let mut state = 1_u32;
        let magics: [&[u8]; 6] =
            [b"RIFF\0\0\0\0WAVEfmt ", b"ID3\x04\0\0", b".snd", b"\xFF\xFB\x90", b"FORM\0\0\0\0AIFF", b""];
        for round in 0..20_000_usize {
            let mut data = magics[round % magics.len()].to_vec();
            for _ in 0..round % 70 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                data.push((state >> 24) as u8);
            }
            let _ = sniff(&data, "audio/basic");
        }
    }
}
