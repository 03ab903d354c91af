//! Programs that decode: those of the configuration, ffmpeg for what no library of ours reads, and this program itself, so
//! that what strangers have made is read in a cage. A table of what exists, and what a file's first octets and its type lead
//! to; it runs nothing.
//!
//! A decoder reads the original and writes a WAVE (or AU) of any plain form to its standard output, as it goes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::child::{Cage, found};
use crate::formats::Format;

/// A program for a kind of medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoder {
    /// Its name in logs and faults.
    pub name: String,
    /// MIME types that it is for, where the data says nothing else.
    pub types: Vec<String>,
    /// What the data begins with, which counts more than the type.
    pub magic: Vec<Magic>,
    /// The program: a path, or a name looked for in `PATH`.
    pub program: PathBuf,
    /// Its arguments. With `{input}` in one of them it is given the whole original as a file; else it reads a pipe.
    pub arguments: Vec<String>,
    /// What it may do beyond that.
    pub cage: Cage,
}

/// Octets at a place of a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Magic {
    /// Octets before them.
    pub at: usize,
    /// They.
    pub octets: Vec<u8>,
}

/// All that decode.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decoders {
    configured: Vec<Arc<Decoder>>,
    transcoder: Option<PathBuf>,
    /// This program, as a child that reads one container.
    own: Option<Arc<Decoder>>,
    pub places: Arc<Places>,
}

/// Places for children that decode: each has memory of its own.
#[derive(Debug, Default)]
pub(crate) struct Places {
    taken: Mutex<usize>,
    freed: Condvar,
}

/// A place. Dropped, it is free.
pub(crate) struct Place(Arc<Places>);

impl Places {
    /// Waits for a place, a little; `None`: all stay taken.
    pub fn take(self: &Arc<Self>) -> Option<Place> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_timeout_while(taken, PLACE_TIME, |it| *it >= AT_ONCE);
        let (mut taken, late) = waited.unwrap_or_else(PoisonError::into_inner);
        if late.timed_out() {
            return None;
        }
        *taken += 1;
        Some(Place(Arc::clone(self)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_one();
    }
}

impl Decoder {
    /// Whether it can be started on this machine.
    pub fn installed(&self) -> bool {
        found(&self.program)
    }

    /// It cannot read a pipe.
    pub(crate) fn wants_a_file(&self) -> bool {
        self.arguments.iter().any(|it| it.contains(INPUT))
    }

    fn has_magic(&self, data: &[u8]) -> bool {
        let there =
            |it: &Magic| !it.octets.is_empty() && data.get(it.at..).is_some_and(|it2| it2.starts_with(&it.octets));
        self.magic.iter().any(there)
    }

    fn has_type(&self, mime: &str) -> bool {
        self.types.iter().any(|it| it.eq_ignore_ascii_case(mime))
    }
}

impl Magic {
    /// Reads `4:66747970` (an offset and hexadecimal octets) or `RIFF` as text; `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, rest) = match text.split_once(':') {
            Some((at, rest)) if !at.is_empty() && at.bytes().all(|it| it.is_ascii_digit()) => (at.parse().ok()?, rest),
            _ => (0, text),
        };
        let octets = match rest.strip_prefix("0x") {
            Some(hex) if hex.len() % 2 == 0 && hex.is_ascii() => {
                let pairs = (0..hex.len()).step_by(2).map(|it| u8::from_str_radix(&hex[it..it + 2], 16).ok());
                pairs.collect::<Option<Vec<_>>>()?
            }
            Some(_) => return None,
            None => rest.as_bytes().to_vec(),
        };
        let fits = at <= MAX_MAGIC_AT && (1..=MAX_MAGIC).contains(&octets.len());
        fits.then_some(Self { at, octets })
    }
}

impl Decoders {
    /// Of the configuration, ffmpeg, and this program with the arguments that make it a decoder. What is not installed is
    /// left out and said.
    pub fn new(configured: &[Decoder], transcoder: &Path, own: Option<&(PathBuf, Vec<String>)>) -> Self {
        let (there, absent): (Vec<_>, Vec<_>) = configured.iter().cloned().partition(Decoder::installed);
        for decoder in absent {
            tracing::warn!(decoder = decoder.name, program = %decoder.program.display(), "a decoder is not installed");
        }
        let transcoder = Some(transcoder).filter(|it| found(it)).map(Path::to_owned);
        if transcoder.is_none() {
            tracing::info!("ffmpeg is not installed: WAV, MP3, Ogg Vorbis, FLAC, AIFF and AU are played, nothing else");
        }
        let own = own.map(|(program, arguments)| {
            Arc::new(Decoder {
                name: "the decoder".into(),
                types: Vec::new(),
                magic: Vec::new(),
                program: program.clone(),
                arguments: arguments.clone(),
                cage: cage(),
            })
        });
        Self { configured: there.into_iter().map(Arc::new).collect(), transcoder, own, places: Arc::default() }
    }

    /// A configured decoder by what the data begins with.
    pub fn by_magic(&self, data: &[u8]) -> Option<Arc<Decoder>> {
        self.configured.iter().find(|it| it.has_magic(data)).cloned()
    }

    /// A configured decoder by the declared type.
    pub fn by_type(&self, mime: &str) -> Option<Arc<Decoder>> {
        self.configured.iter().find(|it| it.magic.is_empty() && it.has_type(mime)).cloned()
    }

    /// ffmpeg, for one format and nothing else; `None` if it is not installed.
    pub fn transcoder(&self, format: &Format) -> Option<Arc<Decoder>> {
        let program = self.transcoder.clone()?;
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let (protocol, input) = if format.whole { ("file", "file:{input}") } else { ("pipe", "pipe:0") };
        let mut arguments = words(BEFORE_INPUT);
        // The format is ours to say: nothing in the data chooses a reader that would open other files or ask a network.
        arguments.extend(words(&format!("-protocol_whitelist {protocol} -f {} -i {input}", format.demuxer)));
        arguments.extend(words(AFTER_INPUT));
        Some(Arc::new(Decoder {
            name: "ffmpeg".into(),
            types: Vec::new(),
            magic: Vec::new(),
            program,
            arguments,
            cage: cage(),
        }))
    }

    /// This program as a decoder of this container; `None`: it is decoded where one is.
    pub fn own(&self, container: &str) -> Option<Decoder> {
        let mut decoder = Decoder::clone(self.own.as_ref()?);
        decoder.arguments.push(container.to_owned());
        Some(decoder)
    }
}

fn cage() -> Cage {
    Cage { processor: PROCESSOR, ..Cage::lone() }
}

/// In an argument, the name of the file that has the whole original.
pub(crate) const INPUT: &str = "{input}";
/// No questions, no threads, a short look before it begins.
const BEFORE_INPUT: &str =
    "-hide_banner -nostdin -loglevel error -threads 1 -probesize 500000 -analyzeduration 1500000";
/// The first sound track, mono, 16 bits, each piece at once, nothing else of the file.
const AFTER_INPUT: &str = "-map 0:a:0 -vn -sn -dn -map_metadata -1 -threads 1 -ac 1 -c:a pcm_s16le -f wav -fflags +bitexact \
    -flags:a +bitexact -flush_packets 1 pipe:1";
/// Children that decode at the same time: a gigabyte holds them.
const AT_ONCE: usize = 32;
/// A caller hears every second; what plays for hours, such as a station, frees no place in that time.
const PLACE_TIME: Duration = Duration::from_secs(5);
/// Two hours of sound take half a minute of it on a small processor.
const PROCESSOR: Duration = Duration::from_secs(180);
/// Octets of a magic number, and before it.
const MAX_MAGIC: usize = 64;
const MAX_MAGIC_AT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_magic_number_is_text_or_octets_at_a_place() {
        let magic = |at, octets: &[u8]| Some(Magic { at, octets: octets.to_vec() });
        assert_eq!(Magic::parse("MThd"), magic(0, b"MThd"));
        assert_eq!(Magic::parse("4:ftyp"), magic(4, b"ftyp"));
        assert_eq!(Magic::parse("2:0x00fF"), magic(2, &[0, 0xFF]));
        for wrong in ["", "4:", "0x0", "0xzz", "2000:a", "0x"] {
            assert_eq!(Magic::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn places_are_bounded_and_come_back() {
        let places: Arc<Places> = Arc::default();
        let mut all: Vec<Place> = (0..AT_ONCE).map_while(|_| places.take()).collect();
        assert_eq!(all.len(), AT_ONCE);
        let waits = std::thread::spawn({
            let places = Arc::clone(&places);
            move || places.take().is_some()
        });
        drop(all.pop());
        assert!(waits.join().unwrap());
    }

    #[test]
    fn the_transcoder_reads_one_format_and_nothing_else() {
        let decoders = Decoders { transcoder: Some("ffmpeg".into()), ..Decoders::default() };
        for whole in [false, true] {
            let format = Format { mime: "audio/mp4", what: "MP4", demuxer: "mov", whole };
            let made = decoders.transcoder(&format).unwrap();
            let line = made.arguments.join(" ");
            assert!(line.contains(if whole {
                "-protocol_whitelist file -f mov"
            } else {
                "-protocol_whitelist pipe -f mov"
            }));
            assert_eq!(made.wants_a_file(), whole);
            assert!(!made.cage.network && !made.cage.starts);
        }
        assert!(Decoders::default().transcoder(&crate::formats::recognised(b"#!AMR\n", "").unwrap()).is_none());
    }
}
