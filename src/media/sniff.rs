//! What is it? Judged by looking into the data first and at the MIME type second.
//!
//! Sources: the formats' own magic numbers (RIFF/WAVE, Ogg RFC 3533, FLAC, ISO 11172-3 frame headers, AU, AIFF);
//! WAVE format tags from RFC 2361.

use std::sync::Arc;

use tipring_card::Law;

use crate::decoders::{Decoder, Decoders};
use crate::fault::MediaFault;
use crate::formats::{self, Format};
use crate::preset::{Coding, coding_named};
use crate::wave::Wave;
use crate::wire::shown;

/// What the data turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Samples without compression that we read ourselves; the data begins after `skip` octets and has at most `octets`.
    Plain { format: Plain, rate_hz: u32, channels: u16, skip: usize, octets: Option<u64> },
    /// A container that a library reads, after `skip` octets of tags.
    Coded { container: Container, skip: u64 },
    /// What a program reads.
    Foreign { decoder: Arc<Decoder>, what: String, mime: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plain {
    G711(Law),
    U8,
    S8,
    S16Le,
    S24Le,
    S32Le,
    F32Le,
    F64Le,
    S16Be,
    S24Be,
    S32Be,
    F32Be,
    F64Be,
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
    pub fn mime(&self) -> &str {
        match self {
            Self::Foreign { mime, .. } => mime,
            Self::Plain { format, .. } if format.is_wave() => "audio/wav",
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

impl Container {
    pub const ALL: [Self; 5] = [Self::Wave, Self::Aiff, Self::Ogg, Self::Flac, Self::Mpeg];

    /// What a child is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wave => "wave",
            Self::Aiff => "aiff",
            Self::Ogg => "ogg",
            Self::Flac => "flac",
            Self::Mpeg => "mpeg",
        }
    }
}

impl Plain {
    pub fn width(self) -> usize {
        match self {
            Self::G711(_) | Self::U8 | Self::S8 => 1,
            Self::S16Le | Self::S16Be => 2,
            Self::S24Le | Self::S24Be => 3,
            Self::S32Le | Self::F32Le | Self::S32Be | Self::F32Be => 4,
            Self::F64Le | Self::F64Be => 8,
        }
    }

    /// Least significant octet first, as in WAVE alone.
    fn is_wave(self) -> bool {
        matches!(self, Self::U8 | Self::S16Le | Self::S24Le | Self::S32Le | Self::F32Le | Self::F64Le)
    }
}

/// Judges the first octets of a medium (up to [`PEEK`] of them) and its declared type.
pub(crate) fn sniff(data: &[u8], declared: &str, decoders: &Decoders) -> Result<Kind, MediaFault> {
    let mime = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if data.is_empty() {
        return Err(MediaFault::unsupported("the medium is empty"));
    }
    if let Some(decoder) = decoders.by_magic(data) {
        return Ok(configured(decoder, &mime));
    }
    if let Some(kind) = by_magic(data, &mime, decoders)? {
        return Ok(kind);
    }
    if let Some(decoder) = decoders.by_type(&mime) {
        return Ok(configured(decoder, &mime));
    }
    if let Some(kind) = by_name(&mime, declared)? {
        return Ok(kind);
    }
    if is_playlist(data) {
        return Err(refused(
            &mime,
            "a playlist",
            "let the URL answer the audio file itself, or the stream's own address",
        ));
    }
    if looks_like_text(data) {
        return Err(refused(&mime, "a text or web page", "let the URL answer the audio file itself"));
    }
    if let Some(format) = formats::recognised(data, &mime) {
        return foreign(format, &mime, decoders);
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

fn configured(decoder: Arc<Decoder>, mime: &str) -> Kind {
    let what = format!("a medium for {:?}", decoder.name);
    let mime = if mime.is_empty() { "application/octet-stream" } else { mime };
    Kind::Foreign { decoder, what, mime: mime.to_owned() }
}

/// What ffmpeg reads, if it is there.
fn foreign(format: Format, mime: &str, decoders: &Decoders) -> Result<Kind, MediaFault> {
    let help = "install the package ffmpeg, or offer WAV, MP3, Ogg Vorbis or FLAC";
    let decoder = decoders.transcoder(&format).ok_or_else(|| refused(mime, format.what, help))?;
    Ok(Kind::Foreign { decoder, what: format.what.to_owned(), mime: format.mime.to_owned() })
}

/// The kind of what a decoder gives: WAVE or AU of a plain form. `None`: it cannot be seen yet, or is something else.
pub(crate) fn plain_kind(data: &[u8]) -> Option<Kind> {
    let kind = match data {
        [b'R', b'I', b'F', b'F', ..] => match Wave::read(data).ok()? {
            Wave::Plain(kind) => Some(kind),
            Wave::Coded | Wave::Foreign => None,
        },
        [b'.', b's', b'n', b'd', ..] => au(data, "", &Decoders::default()).ok(),
        _ => None,
    };
    kind.filter(|it| matches!(it, Kind::Plain { .. }))
}

fn refused(mime: &str, what: &str, help: &str) -> MediaFault {
    let mime = if mime.is_empty() { "no type" } else { mime };
    MediaFault::unsupported(format!("not playable: it is {what} (declared as {}); {help}", shown(mime)))
}

fn by_magic(data: &[u8], mime: &str, decoders: &Decoders) -> Result<Option<Kind>, MediaFault> {
    let coded = |container| Ok(Some(Kind::Coded { container, skip: 0 }));
    match data {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..]
        | [b'R', b'F', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..]
        | [b'B', b'W', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..] => {
            Wave::read(data)?.kind(|format| foreign(format, mime, decoders)).map(Some)
        }
        [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', b'F' | b'C', ..] => {
            if aifc_is_known(data) {
                coded(Container::Aiff)
            } else {
                foreign(formats::AIFC, mime, decoders).map(Some)
            }
        }
        [b'O', b'g', b'g', b'S', ..] => {
            if ogg_is_known(data) {
                coded(Container::Ogg)
            } else {
                foreign(formats::OGG, mime, decoders).map(Some)
            }
        }
        [b'f', b'L', b'a', b'C', ..] => coded(Container::Flac),
        [b'.', b's', b'n', b'd', ..] => au(data, mime, decoders).map(Some),
        [b'I', b'D', b'3', _, _, flags, a, b, c, d, ..] if (a | b | c | d) & 0x80 == 0 => {
            let size = [a, b, c, d].iter().fold(0_u64, |sum, &&it| (sum << 7) | u64::from(it));
            let footer = if flags & 0x10 != 0 { 10 } else { 0 };
            after_tag(data, 10 + size + footer, mime, decoders)
        }
        _ if is_unusual_layer_2(data) => foreign(formats::LAYER_2, mime, decoders).map(Some),
        _ if mpeg_frame(data).is_some() => coded(Container::Mpeg),
        _ => Ok(None),
    }
}

/// A tag stands before MPEG audio; some put one before FLAC too.
fn after_tag(data: &[u8], skip: u64, mime: &str, decoders: &Decoders) -> Result<Option<Kind>, MediaFault> {
    if skip > MAX_TAG {
        return Err(MediaFault::unsupported(format!("the ID3 tag has {skip} octets; at most {MAX_TAG} are skipped")));
    }
    let next = usize::try_from(skip).ok().and_then(|skip| data.get(skip..)).unwrap_or_default();
    if formats::is_adts(next) {
        return foreign(formats::AAC, mime, decoders).map(Some);
    }
    if is_unusual_layer_2(next) {
        return foreign(formats::LAYER_2, mime, decoders).map(Some);
    }
    let container = if next.starts_with(b"fLaC") { Container::Flac } else { Container::Mpeg };
    Ok(Some(Kind::Coded { container, skip }))
}

/// Raw samples have no magic number: their MIME type is all there is.
fn by_name(mime: &str, declared: &str) -> Result<Option<Kind>, MediaFault> {
    let slin = mime.strip_prefix("audio/x-sln").or_else(|| mime.strip_prefix("audio/sln"));
    let slin = slin.map(|it| (Plain::S16Le, slin_rate(it)));
    let named = coding_named(mime).map(|it| match it {
        Coding::G711(law) => (Plain::G711(law), 8_000),
        Coding::L16 => (Plain::S16Be, 8_000),
    });
    let Some((format, usual_hz)) = slin.or(named) else { return Ok(None) };
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
    let rate_hz = parameter("rate", usual_hz)?;
    let channels = u16::try_from(parameter("channels", 1)?).unwrap_or(u16::MAX);
    Ok(Some(Kind::Plain { format, rate_hz, channels, skip: 0, octets: None }))
}

/// Signed linear samples of a telephone system, its thousands of hertz in the name: `sln16`.
fn slin_rate(name: &str) -> u32 {
    match name.parse::<u32>() {
        Ok(44) => 44_100,
        Ok(thousands @ 1..=192) => thousands * 1_000,
        _ => 8_000,
    }
}

/// Vorbis and FLAC say their names in the first page.
fn ogg_is_known(data: &[u8]) -> bool {
    let page = &data[..data.len().min(OGG_PAGE)];
    let has = |name: &[u8]| page.windows(name.len()).any(|it| it == name);
    !has(b"OpusHead") && !has(b"Speex   ") && !has(b"theora")
}

/// Whether a library reads what an AIFC says of its coding; AIFF has none.
fn aifc_is_known(data: &[u8]) -> bool {
    let Some(at) = data.windows(4).position(|it| it == b"COMM") else { return true };
    let coding = data.get(at + 26..at + 30).filter(|_| data.get(8..12) == Some(b"AIFC"));
    coding.is_none_or(|it| AIFC_CODINGS.iter().any(|known| known.eq_ignore_ascii_case(it)))
}

fn au(data: &[u8], mime: &str, decoders: &Decoders) -> Result<Kind, MediaFault> {
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
        7 => Plain::F64Be,
        27 => Plain::G711(Law::A),
        _ => return foreign(formats::AU, mime, decoders),
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

/// Layer II with a bit rate that ISO 11172-3 table 3-B.2 has not for its number of channels. Encoders make it (a mono file
/// of ffmpeg's has 384 kbit/s), and the library takes its frames for noise, those of MPEG-2 too, where the table does not hold.
fn is_unusual_layer_2(data: &[u8]) -> bool {
    let (Some(_), [0xFF, b, c, d, ..]) = (mpeg_frame(data), data) else { return false };
    let table = if (b >> 3) & 3 == 3 { &KBPS_1_II } else { &KBPS_2_II };
    let kbps = table[usize::from(c >> 4)];
    let unusual: &[u16] = if d >> 6 == 3 { &[224, 256, 320, 384] } else { &[32, 48, 56, 80] };
    (b >> 1) & 3 == 2 && unusual.contains(&kbps)
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
        [b'M', b'T', b'h', b'd', ..] => "MIDI",
        [b'P', b'K', 3, 4, ..] => "a ZIP archive",
        [0x1F, 0x8B, ..] => "gzip data",
        [b'%', b'P', b'D', b'F', ..] => "a PDF",
        [0x89, b'P', b'N', b'G', ..] | [0xFF, 0xD8, 0xFF, ..] | [b'G', b'I', b'F', b'8', ..] => "an image",
        _ => return None,
    })
}

/// Lists of addresses, of which none is followed: whoever names a sound names the sound itself.
fn is_playlist(data: &[u8]) -> bool {
    let text = data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(data);
    let begins = |with: &[u8]| text.get(..with.len()).is_some_and(|it| it.eq_ignore_ascii_case(with));
    let marks: [&[u8]; 7] = [b"#EXTM3U", b"[playlist]", b"ffconcat", b"<asx", b"<smil", b"[Reference]", b"<?wpl"];
    marks.iter().any(|it| begins(it))
}

/// Octets looked at: the chunks before a WAVE's data, or two MPEG frames.
pub(crate) const PEEK: usize = 4096;
/// Covers in tags are megabytes; more is no tag.
pub(crate) const MAX_TAG: u64 = 16 << 20;
/// An AU header has a remark of some words.
const MAX_AU_HEADER: usize = PEEK;
/// An Ogg stream's first page has the name of its coding.
const OGG_PAGE: usize = 512;
/// What AIFC files say of codings that a library reads.
const AIFC_CODINGS: [&[u8; 4]; 7] = [b"NONE", b"sowt", b"twos", b"fl32", b"fl64", b"alaw", b"ulaw"];
const KBPS_1_I: [u16; 15] = [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448];
const KBPS_1_II: [u16; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
const KBPS_1_III: [u16; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const KBPS_2_I: [u16; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
const KBPS_2_II: [u16; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

#[cfg(test)]
mod tests {
    use super::*;

    fn sniff(data: &[u8], declared: &str) -> Result<Kind, MediaFault> {
        super::sniff(data, declared, &Decoders::default())
    }

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
