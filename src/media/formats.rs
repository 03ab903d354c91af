//! Formats that ffmpeg reads for us: what they begin with, and what it calls them. Nothing is decoded here.
//!
//! Sources: the formats' own magic numbers (ISO 14496-12 boxes, ASF, EBML, RealMedia, RFC 4867 for AMR, ISO 13818-1 and -7,
//! ETSI GSM 06.10, RFC 9559 …).

/// A format and how it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    /// The true MIME type.
    pub mime: &'static str,
    /// Its name in words.
    pub what: &'static str,
    /// ffmpeg's name of its reader.
    pub demuxer: &'static str,
    /// Its index stands at its end: the whole of it is needed first.
    pub whole: bool,
}

const fn format(mime: &'static str, what: &'static str, demuxer: &'static str) -> Format {
    Format { mime, what, demuxer, whole: false }
}

/// Judges a medium that no reader of ours is for.
pub(crate) fn recognised(data: &[u8], mime: &str) -> Option<Format> {
    by_magic(data).or_else(|| by_name(data, mime))
}

fn by_magic(data: &[u8]) -> Option<Format> {
    Some(match data {
        [_, _, _, _, b'f', b't', b'y', b'p', ..]
        | [_, _, _, _, b'm', b'o', b'o', b'v', ..]
        | [_, _, _, _, b'm', b'd', b'a', b't', ..]
        | [_, _, _, _, b'w', b'i', b'd', b'e', ..] => Format { whole: !index_first(data), ..MP4 },
        [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, ..] => WMA,
        [0x1A, 0x45, 0xDF, 0xA3, ..] => MATROSKA,
        [b'.', b'R', b'M', b'F', ..] | [b'.', b'r', b'a', 0xFD, ..] => REAL,
        [b'#', b'!', b'A', b'M', b'R', b'\n' | b'-', ..] => AMR,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => AVI,
        [b'O', b'g', b'g', b'S', ..] => OGG,
        [b'F', b'L', b'V', 1, ..] => FLV,
        [b'c', b'a', b'f', b'f', 0, 1, ..] => CAF,
        [b'r', b'i', b'f', b'f', 0x2E, 0x91, 0xCF, 0x11, ..] => W64,
        [0, 0, 1, 0xBA, ..] => PROGRAM_STREAM,
        [0x0B, 0x77, ..] => AC3,
        [b'C', b'r', b'e', b'a', b't', b'i', b'v', b'e', b' ', b'V', b'o', b'i', b'c', b'e', ..] => VOC,
        _ if is_transport_stream(data) => TRANSPORT_STREAM,
        _ if is_adts(data) => AAC,
        _ if is_gsm(data) => GSM,
        _ => return None,
    })
}

/// What has no magic number is believed by its type, if the data does not speak against it.
fn by_name(data: &[u8], mime: &str) -> Option<Format> {
    match mime {
        "audio/gsm" | "audio/x-gsm" | "audio/gsm-efr" if data.first().is_some_and(|it| it >> 4 == 0xD) => Some(GSM),
        "audio/g722" | "audio/x-g722" => Some(G722),
        _ => None,
    }
}

/// Whether the index of an ISO file stands before its data, as far as can be seen.
fn index_first(data: &[u8]) -> bool {
    let mut at = 0_usize;
    while let Some(head) = data.get(at..at + 8) {
        match &head[4..] {
            b"moov" => return true,
            b"mdat" => return false,
            _ => {}
        }
        let size = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        // 1: the size is a longer number; 0: to the end.
        if size < 8 {
            return false;
        }
        let Some(next) = at.checked_add(size) else { return false };
        at = next;
    }
    false
}

/// Packets of 188 octets that begin with 0x47.
fn is_transport_stream(data: &[u8]) -> bool {
    data.len() > 188 * 2 && data.iter().step_by(188).take(8).all(|it| *it == 0x47)
}

/// Two frames of AAC with their own headers, one behind the other.
pub(crate) fn is_adts(data: &[u8]) -> bool {
    let length = |data: &[u8]| match data {
        [0xFF, b, c, d, e, f, ..] if b & 0xF6 == 0xF0 && (c >> 2) & 15 < 13 => {
            Some(usize::from(d & 3) << 11 | usize::from(*e) << 3 | usize::from(f >> 5)).filter(|it| *it > 7)
        }
        _ => None,
    };
    length(data).is_some_and(|first| match data.get(first..) {
        Some(next) if next.len() >= 6 => length(next).is_some(),
        _ => true,
    })
}

/// Frames of 33 octets that begin with the same four bits.
fn is_gsm(data: &[u8]) -> bool {
    data.len() >= 33 * 8 && data.iter().step_by(33).take(16).all(|it| it >> 4 == 0xD)
}

/// WAVE with a coding that no reader of ours knows.
pub(crate) const WAVE: Format = format("audio/wav", "a WAVE file with an unusual coding", "wav");
pub(crate) const AIFC: Format = format("audio/aiff", "AIFC with an unusual coding", "aiff");
pub(crate) const AU: Format = format("audio/basic", "AU with an unusual coding", "au");
pub(crate) const OGG: Format = format("audio/ogg", "Ogg with Opus or Speex", "ogg");
pub(crate) const AAC: Format = format("audio/aac", "AAC", "aac");
pub(crate) const LAYER_2: Format = format("audio/mpeg", "MPEG audio of an unusual bit rate", "mp3");
const MP4: Format = format("audio/mp4", "MP4 or M4A", "mov");
const WMA: Format = format("audio/x-ms-wma", "Windows Media", "asf");
const MATROSKA: Format = format("video/webm", "Matroska or WebM", "matroska");
const REAL: Format = format("audio/vnd.rn-realaudio", "RealAudio", "rm");
const AMR: Format = format("audio/amr", "AMR", "amr");
const AVI: Format = format("video/x-msvideo", "AVI", "avi");
const FLV: Format = format("video/x-flv", "FLV", "flv");
const CAF: Format = format("audio/x-caf", "CAF", "caf");
const W64: Format = format("audio/x-w64", "Wave64", "w64");
const PROGRAM_STREAM: Format = format("video/mpeg", "an MPEG program stream", "mpeg");
const TRANSPORT_STREAM: Format = format("video/mp2t", "an MPEG transport stream", "mpegts");
const AC3: Format = format("audio/ac3", "AC-3", "ac3");
const VOC: Format = format("audio/x-voc", "VOC", "voc");
const GSM: Format = format("audio/gsm", "GSM 06.10", "gsm");
const G722: Format = format("audio/g722", "G.722", "g722");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_in_front_needs_no_file() {
        let file = |second: &[u8; 4]| {
            let mut data = b"\0\0\0\x10ftypM4A \0\0\0\0".to_vec();
            data.extend_from_slice(b"\0\0\0\x08free\0\0\x10\0");
            data.extend_from_slice(second);
            data
        };
        assert!(!recognised(&file(b"moov"), "").unwrap().whole);
        assert!(recognised(&file(b"mdat"), "").unwrap().whole);
        assert!(recognised(b"\0\0\0\0ftyp", "").unwrap().whole);
        assert!(recognised(b"\xFF\xFF\xFF\xFFftypisom", "").unwrap().whole);
    }

    #[test]
    fn speech_codings_are_known_by_their_frames() {
        let gsm: Vec<u8> = (0..330).map(|it| if it % 33 == 0 { 0xD2 } else { (it * 7) as u8 }).collect();
        assert_eq!(recognised(&gsm, "").unwrap().demuxer, "gsm");
        assert_eq!(recognised(&gsm[..40], "audio/x-gsm").unwrap().demuxer, "gsm");
        assert_eq!(recognised(&[0; 400], "audio/x-gsm"), None);
        assert_eq!(recognised(b"#!AMR-WB\n", "").unwrap().demuxer, "amr");
    }
}
