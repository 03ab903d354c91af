//! From octets to linear mono samples, piece by piece, from a source that cannot seek.
//!
//! Uncompressed forms are read here, the others by symphonia, in a child where there is one for it, and by programs. It
//! runs on a thread that may block. Whatever a file claims, one piece is bounded.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, ReadOnlySource};
use symphonia::default::formats::{AiffReader, FlacReader, MpaReader, OggReader, WavReader};
use tipring_card::Law;
use tipring_dsp::{alaw_decode, ulaw_decode};

use crate::counters::Tally;
use crate::decoders::Decoders;
use crate::fault::MediaFault;
use crate::foreign;
use crate::sniff::{Container, Kind, Plain};

/// A source of linear mono samples, full scale at ±1.
pub(crate) trait Samples {
    fn rate_hz(&self) -> u32;
    /// Appends the next piece to `out`; `false` at the end.
    fn next(&mut self, out: &mut Vec<f32>) -> Result<bool, MediaFault>;
}

/// What a decoder may need.
pub(crate) struct Tools<'a> {
    pub decoders: &'a Decoders,
    /// A file that it may make.
    pub scratch: &'a Path,
    pub tally: &'a Arc<Tally>,
}

/// Opens a decoder for what [`crate::sniff`] found. `data` stands at its first octet.
pub(crate) fn open<R: Read + Send + Sync + 'static>(
    mut data: R,
    kind: &Kind,
    tools: &Tools<'_>,
) -> Result<Box<dyn Samples>, MediaFault> {
    match kind {
        Kind::Plain { format, rate_hz, channels, skip, octets } => {
            skip_octets(&mut data, *skip as u64)?;
            plain(data, *format, *rate_hz, (*channels).into(), *octets)
        }
        Kind::Coded { container, skip } => {
            skip_octets(&mut data, *skip)?;
            match tools.decoders.own(container.name()) {
                Some(own) => foreign::open(data, &own, "the sound file", tools),
                None => Ok(Box::new(CodedSamples::open(data, *container)?)),
            }
        }
        Kind::Foreign { decoder, what, .. } => foreign::open(data, decoder, what, tools),
    }
}

/// Reads samples that need no decoder.
pub(crate) fn plain(
    data: impl Read + 'static,
    format: Plain,
    rate_hz: u32,
    channels: usize,
    octets: Option<u64>,
) -> Result<Box<dyn Samples>, MediaFault> {
    checked_rate(rate_hz)?;
    checked_channels(channels)?;
    let data: Box<dyn Read> = match octets {
        Some(octets) => Box::new(data.take(octets)),
        None => Box::new(data),
    };
    Ok(Box::new(PlainSamples { data, format, rate_hz, channels }))
}

/// The whole life of a child that decodes one container: the original from `data`, a WAVE of floats to `out`. What a
/// stranger made is read here, with the rights of a child.
pub fn decode_alone(
    container: &str,
    data: impl Read + Send + Sync + 'static,
    out: &mut dyn Write,
) -> Result<(), String> {
    let container = Container::ALL.into_iter().find(|it| it.name() == container).ok_or("no such container")?;
    let mut samples = CodedSamples::open(data, container).map_err(|fault| fault.text)?;
    let gone = |error: io::Error| error.to_string();
    let rate_hz = samples.rate_hz();
    let mut octets = b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0\x03\0\x01\0".to_vec();
    octets.extend_from_slice(&rate_hz.to_le_bytes());
    octets.extend_from_slice(&(rate_hz * 4).to_le_bytes());
    octets.extend_from_slice(b"\x04\0\x20\0data\xFF\xFF\xFF\xFF");
    let mut piece = Vec::new();
    loop {
        piece.clear();
        let more = samples.next(&mut piece).map_err(|fault| fault.text)?;
        octets.extend(piece.iter().flat_map(|it| it.to_le_bytes()));
        out.write_all(&octets).map_err(gone)?;
        octets.clear();
        if !more {
            return out.flush().map_err(gone);
        }
    }
}

struct PlainSamples {
    data: Box<dyn Read>,
    format: Plain,
    rate_hz: u32,
    channels: usize,
}

impl Samples for PlainSamples {
    fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    fn next(&mut self, out: &mut Vec<f32>) -> Result<bool, MediaFault> {
        let width = self.format.width();
        let frame = width * self.channels;
        let mut octets = vec![0; frame * PLAIN_FRAMES];
        let read = read_frames(&mut self.data, &mut octets, frame)?;
        for frame in octets[..read].chunks_exact(frame) {
            let sum: f32 = frame.chunks_exact(width).map(|it| linear(self.format, it)).sum();
            out.push(sum / self.channels as f32);
        }
        Ok(read > 0)
    }
}

/// Reads whole frames, at least one unless the data ends. A cut-off last frame is dropped.
fn read_frames(data: &mut dyn Read, octets: &mut [u8], frame: usize) -> Result<usize, MediaFault> {
    let mut filled = 0;
    while filled < octets.len() {
        match data.read(&mut octets[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(broken(&error)),
        }
        if filled >= frame && filled % frame == 0 {
            break;
        }
    }
    Ok(filled - filled % frame)
}

fn linear(format: Plain, it: &[u8]) -> f32 {
    let pcm = |sample: i16| f32::from(sample) / 32_768.0;
    match (format, it) {
        (Plain::G711(Law::A), &[a]) => pcm(alaw_decode(a)),
        (Plain::G711(Law::Mu), &[a]) => pcm(ulaw_decode(a)),
        (Plain::U8, &[a]) => (f32::from(a) - 128.0) / 128.0,
        (Plain::S16Le, &[a, b]) => pcm(i16::from_le_bytes([a, b])),
        (Plain::S24Le, &[a, b, c]) => i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0,
        (Plain::S32Le, &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
        (Plain::F32Le, &[a, b, c, d]) => sane(f32::from_le_bytes([a, b, c, d])),
        (Plain::F64Le, &[a, b, c, d, e, f, g, h]) => sane(f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32),
        (Plain::F64Be, &[a, b, c, d, e, f, g, h]) => sane(f64::from_be_bytes([a, b, c, d, e, f, g, h]) as f32),
        (Plain::S8, &[a]) => f32::from(a as i8) / 128.0,
        (Plain::S16Be, &[a, b]) => pcm(i16::from_be_bytes([a, b])),
        (Plain::S24Be, &[a, b, c]) => i32::from_be_bytes([a, b, c, 0]) as f32 / 2_147_483_648.0,
        (Plain::S32Be, &[a, b, c, d]) => i32::from_be_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
        (Plain::F32Be, &[a, b, c, d]) => sane(f32::from_be_bytes([a, b, c, d])),
        _ => 0.0,
    }
}

struct CodedSamples {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    rate_hz: u32,
    planes: Vec<f32>,
    faults: u32,
    begun: bool,
}

impl CodedSamples {
    fn open<R: Read + Send + Sync + 'static>(data: R, container: Container) -> Result<Self, MediaFault> {
        let stream = MediaSourceStream::new(Box::new(ReadOnlySource::new(data)), Default::default());
        let options = FormatOptions::default();
        let format: Box<dyn FormatReader> = match container {
            Container::Wave => Box::new(WavReader::try_new(stream, options).map_err(unreadable)?),
            Container::Aiff => Box::new(AiffReader::try_new(stream, options).map_err(unreadable)?),
            Container::Ogg => Box::new(OggReader::try_new(stream, options).map_err(unreadable)?),
            Container::Flac => Box::new(FlacReader::try_new(stream, options).map_err(unreadable)?),
            Container::Mpeg => Box::new(MpaReader::try_new(stream, options).map_err(unreadable)?),
        };
        let none = || MediaFault::unsupported("the file has no sound track that can be decoded");
        let track = format.first_track_known_codec(TrackType::Audio).ok_or_else(none)?;
        let id = track.id;
        let parameters = track.codec_params.as_ref().and_then(|it| it.audio()).ok_or_else(none)?;
        let rate_hz = parameters.sample_rate.ok_or_else(|| MediaFault::unsupported("the file names no sample rate"))?;
        checked_rate(rate_hz)?;
        if let Some(channels) = &parameters.channels {
            checked_channels(channels.count())?;
        }
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(unreadable)?;
        Ok(Self { format, decoder, track: id, rate_hz, planes: Vec::new(), faults: 0, begun: false })
    }

    fn take(&mut self, out: &mut Vec<f32>) -> Result<bool, MediaFault> {
        let packet = match self.format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(false),
            // A file that ends within a frame has been played as far as it goes; a broken connection is told apart
            // by whoever feeds us.
            Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            // A chained stream: the next title may have another form. What came so far stands.
            Err(Error::ResetRequired) => return Ok(false),
            Err(error) => return Err(unreadable(error)),
        };
        if packet.track_id != self.track {
            return Ok(true);
        }
        match self.decoder.decode(&packet) {
            Ok(audio) => {
                if audio.spec().rate() != self.rate_hz {
                    return Err(MediaFault::unsupported("the sample rate changes within the file"));
                }
                mix_down(&audio, &mut self.planes, out)?;
                self.begun |= !out.is_empty();
                self.faults = 0;
                Ok(true)
            }
            Err(Error::DecodeError(what)) => {
                self.faults += 1;
                let limit = if self.begun { MAX_FAULTS } else { MAX_FAULTS_FIRST };
                if self.faults > limit {
                    return Err(MediaFault::unsupported(format!("the sound cannot be decoded: {what}")));
                }
                Ok(true)
            }
            Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
            Err(error) => Err(unreadable(error)),
        }
    }
}

impl Samples for CodedSamples {
    fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    fn next(&mut self, out: &mut Vec<f32>) -> Result<bool, MediaFault> {
        self.take(out)
    }
}

fn mix_down(audio: &GenericAudioBufferRef<'_>, mixed: &mut Vec<f32>, out: &mut Vec<f32>) -> Result<(), MediaFault> {
    let channels = audio.num_planes();
    checked_channels(channels)?;
    if audio.frames() > MAX_PACKET_FRAMES {
        return Err(MediaFault::unsupported("one packet of the file holds more than 20 s of sound"));
    }
    mixed.resize(audio.samples_interleaved(), 0.0);
    audio.copy_to_slice_interleaved::<f32, _>(mixed.as_mut_slice());
    let scale = 1.0 / channels as f32;
    out.extend(mixed.chunks_exact(channels).map(|frame| sane(frame.iter().sum::<f32>() * scale)));
    Ok(())
}

/// Float files may hold anything; the telephone does not.
fn sane(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-4.0, 4.0) } else { 0.0 }
}

fn skip_octets(data: &mut dyn Read, octets: u64) -> Result<(), MediaFault> {
    io::copy(&mut data.take(octets), &mut io::sink()).map(|_| ()).map_err(|error| broken(&error))
}

fn checked_rate(rate_hz: u32) -> Result<(), MediaFault> {
    if RATES_HZ.contains(&rate_hz) {
        return Ok(());
    }
    Err(MediaFault::unsupported(format!("a sample rate of {rate_hz} Hz; 4000 to 192000 Hz can be converted")))
}

fn checked_channels(channels: usize) -> Result<(), MediaFault> {
    if (1..=MAX_CHANNELS).contains(&channels) {
        return Ok(());
    }
    Err(MediaFault::unsupported(format!("{channels} channels; 1 to {MAX_CHANNELS} can be mixed")))
}

fn unreadable(error: Error) -> MediaFault {
    match error {
        Error::IoError(error) => broken(&error),
        error => MediaFault::unsupported(format!("the sound file cannot be read: {error}")),
    }
}

fn broken(error: &io::Error) -> MediaFault {
    MediaFault::unsupported(format!("the sound file ends too early or cannot be read: {error}"))
}

/// Frames read at once from plain samples: half a second of telephone audio, less when less has arrived.
const PLAIN_FRAMES: usize = 4096;
/// Below nothing is understood, above nobody records.
const RATES_HZ: std::ops::RangeInclusive<u32> = 4_000..=192_000;
/// 7.1 sound has eight.
const MAX_CHANNELS: usize = 8;
/// FLAC's largest block is 65,535; WAVE packets are 1,152. Twenty seconds at 192 kHz are beyond any.
const MAX_PACKET_FRAMES: usize = 20 * 192_000;
/// Damaged frames in a row before a file that has sounded is given up: about 2 s of MP3.
const MAX_FAULTS: u32 = 80;
/// Damaged frames before the first good one: more means that it is no such file.
const MAX_FAULTS_FIRST: u32 = 8;
