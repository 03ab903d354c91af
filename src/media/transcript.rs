//! A whole recording as text: a WAVE file of telephone audio, sent to a recognizer as fast as it takes it.

use std::path::Path;

use bytes::Bytes;
use tipring_card::Law;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::client::MediaClient;
use crate::fault::MediaFault;
use crate::listen::{Heard, ListenRequest};
use crate::preset::{Coding, Preset};

/// What a recording says.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// All of it; empty if nothing was recognised.
    pub text: String,
    /// From 0 to 1, by the lengths of its parts, where the recognizer says.
    pub confidence: Option<f32>,
}

impl MediaClient {
    /// Transcribes a WAVE file: G.711 or 16 bits, at 8 or 16 kHz. Two channels are put together.
    pub async fn transcribe(&self, account: &str, language: &str, file: &Path) -> Result<Transcript, MediaFault> {
        let opened = tokio::fs::File::open(file).await;
        let opened = opened.map_err(|error| MediaFault::recognizer(format!("{}: {error}", file.display())))?;
        let transcript = self.transcribe_from(account, language, opened).await;
        transcript.map_err(|fault| MediaFault::new(fault.code, format!("{}: {}", file.display(), fault.text)))
    }

    /// The same of a WAVE that comes from anywhere.
    pub async fn transcribe_from(
        &self,
        account: &str,
        language: &str,
        mut wave: impl AsyncRead + Unpin,
    ) -> Result<Transcript, MediaFault> {
        let head = Head::read(&mut wave).await?;
        let request = ListenRequest {
            account: account.to_owned(),
            language: language.to_owned(),
            hints: Vec::new(),
            model: String::new(),
            form: Preset { coding: Coding::L16, rate_hz: head.rate_hz },
        };
        let (microphone, mut results) = self.listen(&request).await?;
        let speak = async move {
            let mut buffer = vec![0; PIECE_OCTETS / head.frame() * head.frame()];
            let mut left = head.octets;
            while left > 0 {
                let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let read = whole(&mut wave, &mut buffer[..wanted]).await?;
                if read == 0 || !microphone.send(head.linear(&buffer[..read])).await {
                    break;
                }
                left -= read as u64;
            }
            Ok::<(), MediaFault>(())
        };
        let hear = async {
            let mut parts = Vec::new();
            while let Some(heard) = results.next().await {
                if let Heard::Final { text, confidence } = heard? {
                    parts.push((text, confidence));
                }
            }
            Ok::<_, MediaFault>(parts)
        };
        let (parts, ()) = tokio::try_join!(hear, speak)?;
        Ok(joined(&parts))
    }
}

fn joined(parts: &[(String, Option<f32>)]) -> Transcript {
    let text = parts.iter().map(|it| it.0.as_str()).collect::<Vec<_>>().join(" ");
    let (mut sum, mut length) = (0.0, 0.0);
    for (text, confidence) in parts {
        if let Some(confidence) = confidence {
            sum += confidence * text.len() as f32;
            length += text.len() as f32;
        }
    }
    Transcript { text, confidence: (length > 0.0).then(|| sum / length) }
}

/// What a WAVE says of itself.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Head {
    coding: Coding,
    channels: usize,
    rate_hz: u32,
    /// Octets of samples; more than there are for a file whose length was never written.
    octets: u64,
}

impl Head {
    async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Self, MediaFault> {
        let bad = |what: &str| MediaFault::recognizer(format!("not a WAVE that can be transcribed: {what}"));
        let cut = |_| bad("it is cut off");
        let mut head = [0; 12];
        from.read_exact(&mut head).await.map_err(cut)?;
        if &head[..4] != b"RIFF" || &head[8..] != b"WAVE" {
            return Err(bad("it does not begin as one"));
        }
        let mut form = None;
        for _ in 0..MAX_CHUNKS {
            let mut chunk = [0; 8];
            from.read_exact(&mut chunk).await.map_err(cut)?;
            let [a, b, c, d, size @ ..] = chunk;
            let size = u32::from_le_bytes(size);
            if [a, b, c, d] == *b"data" {
                let (coding, channels, rate_hz) = form.ok_or_else(|| bad("samples come before their form"))?;
                return Ok(Self { coding, channels, rate_hz, octets: size.into() });
            }
            let mut octets = vec![0; usize::try_from(size).unwrap_or(usize::MAX).min(MAX_CHUNK)];
            from.read_exact(&mut octets).await.map_err(cut)?;
            if size as usize > MAX_CHUNK {
                return Err(bad("a chunk before the samples is too long"));
            }
            if size % 2 == 1 {
                from.read_u8().await.map_err(cut)?;
            }
            if [a, b, c, d] == *b"fmt " {
                form = Some(form_of(&octets).ok_or_else(|| bad("its form is none of G.711 and 16 bits"))?);
            }
        }
        Err(bad("it has no samples"))
    }

    /// Octets of one sample of all channels.
    fn frame(self) -> usize {
        self.channels * if self.coding == Coding::L16 { 2 } else { 1 }
    }

    /// One channel, most significant octet first.
    fn linear(self, octets: &[u8]) -> Bytes {
        let width = self.frame() / self.channels;
        let sample = |octets: &[u8]| match (self.coding, octets) {
            (Coding::G711(Law::A), [one, ..]) => i32::from(tipring_dsp::alaw_decode(*one)),
            (Coding::G711(Law::Mu), [one, ..]) => i32::from(tipring_dsp::ulaw_decode(*one)),
            (Coding::L16, [low, high]) => i32::from(i16::from_le_bytes([*low, *high])),
            _ => 0,
        };
        let frames = octets.chunks_exact(self.frame());
        frames
            .flat_map(|frame| {
                let sum: i32 = frame.chunks_exact(width).map(sample).sum();
                (sum.clamp(i16::MIN.into(), i16::MAX.into()) as i16).to_be_bytes()
            })
            .collect()
    }
}

fn form_of(octets: &[u8]) -> Option<(Coding, usize, u32)> {
    let (head, _) = octets.split_first_chunk::<16>()?;
    let word = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    let rate_hz = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let coding = match (word(0), word(14)) {
        (1, 16) => Coding::L16,
        (6, 8) => Coding::G711(Law::A),
        (7, 8) => Coding::G711(Law::Mu),
        _ => return None,
    };
    let channels = usize::from(word(2));
    (1..=2).contains(&channels).then_some((coding, channels, rate_hz))
}

/// Reads until the buffer is full or there is no more.
async fn whole(from: &mut (impl AsyncRead + Unpin), buffer: &mut [u8]) -> Result<usize, MediaFault> {
    let mut filled = 0;
    while filled < buffer.len() {
        let read = from.read(&mut buffer[filled..]).await;
        match read.map_err(|error| MediaFault::recognizer(format!("reading the recording: {error}")))? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// Half a second at 8 kHz and 16 bits.
const PIECE_OCTETS: usize = 8 * 1024;
/// Chunks of a WAVE before its samples, and the longest of them.
const MAX_CHUNKS: usize = 32;
const MAX_CHUNK: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_channels_are_one_and_lost_octets_are_left_out() {
        let head = Head { coding: Coding::L16, channels: 2, rate_hz: 8_000, octets: 0 };
        assert_eq!(&head.linear(&[1, 0, 2, 0, 0xFF, 0x7F, 0xFF, 0x7F, 9])[..], [0, 3, 0x7F, 0xFF]);
        let law = Head { coding: Coding::G711(Law::A), channels: 1, ..head };
        assert_eq!(law.linear(&[0x55, 0xD5]).len(), 4);
    }

    #[test]
    fn confidence_is_weighed_by_length() {
        let parts = [("aaa".to_owned(), Some(1.0)), ("b".to_owned(), Some(0.0)), ("cc".to_owned(), None)];
        assert_eq!(joined(&parts), Transcript { text: "aaa b cc".into(), confidence: Some(0.75) });
        assert_eq!(joined(&[]), Transcript { text: String::new(), confidence: None });
    }

    #[tokio::test]
    async fn what_is_no_wave_is_refused() {
        for octets in [&b""[..], b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEdata\0\0\0\0", b"OggS\0\0\0\0\0\0\0\0\0\0\0\0"]
        {
            let mut from = octets;
            assert!(Head::read(&mut from).await.is_err());
        }
        let mut endless = &b"RIFF\0\0\0\0WAVEjunk\xFF\xFF\xFF\xFF"[..];
        assert!(Head::read(&mut endless).await.is_err());
    }
}
