//! One conversion, on a thread that may block: pieces of an original in, pieces of telephone audio out.
//!
//! The original comes through a bounded queue; what is made goes at once where readers find it. A decoder's panic is
//! caught here and is a fault like any other.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tipring_card::Law;
use tipring_dsp::{a_to_mu, mu_to_a};
use tokio::sync::{mpsc, oneshot};

use crate::counters::{Tally, count};
use crate::decode::{self, Tools};
use crate::decoders::Decoders;
use crate::fault::{FETCH, MediaFault, TOO_LARGE};
use crate::loudness::Ahead;
use crate::preset::{Coding, Preset};
use crate::shape::Shaper;
use crate::sniff::{Kind, PEEK, Plain, sniff};
use crate::spool::SpoolWriter;
use crate::wire::Form;

/// A piece of an original. A queue that ends without `End` was cut.
#[derive(Debug)]
pub(crate) enum Piece {
    Data(Bytes),
    /// What kind the following is: an engine behind HTTP says so when it answers.
    Type(String),
    End,
    Broken(MediaFault),
}

/// Where converted audio goes.
pub(crate) enum Sink {
    /// To a growing entry, for any number of readers. `endless`: nobody knows its length, so it stops with its readers.
    Spool { writer: SpoolWriter, endless: bool },
    /// To one reader, past the disk.
    Direct(mpsc::Sender<Result<Bytes, MediaFault>>),
}

/// What is known once the first sound is there.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub content_type: String,
    pub original_type: String,
}

/// How an original comes, and so how far ahead its loudness can be known.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Comes {
    /// A short one is waited for so long, until it is whole.
    Within(Duration),
    /// By an engine, faster than it is heard.
    AsSpoken,
    /// As slowly as it is heard, perhaps.
    Slowly,
}

/// One conversion to be run.
pub(crate) struct Job {
    pub pieces: mpsc::Receiver<Piece>,
    pub declared: String,
    pub form: Form,
    pub max_octets: u64,
    pub begun: Option<oneshot::Sender<Result<Begun, MediaFault>>>,
    pub tally: Arc<Tally>,
    pub decoders: Arc<Decoders>,
    /// A file that a decoder may need.
    pub scratch: PathBuf,
    pub level_db: f32,
    pub comes: Comes,
    pub runtime: tokio::runtime::Handle,
}

impl Job {
    /// Runs to the end. The sink is given back; what became of it is the result.
    pub fn run(mut self, mut sink: Sink) -> (Sink, Result<(), MediaFault>) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.convert(&mut sink)));
        let result = outcome.unwrap_or_else(|_| {
            count(&self.tally.decoder_panics);
            Err(MediaFault::unsupported("the decoder gave up on this file"))
        });
        if let (Err(fault), Some(begun)) = (&result, self.begun.take()) {
            let _ = begun.send(Err(fault.clone()));
        }
        (sink, result)
    }

    fn convert(&mut self, sink: &mut Sink) -> Result<(), MediaFault> {
        let cut = Arc::new(Mutex::new(None));
        let (_, empty) = mpsc::channel(1);
        let pieces = std::mem::replace(&mut self.pieces, empty);
        let mut source =
            PieceReader { pieces, ready: VecDeque::new(), declared: None, over: false, cut: Arc::clone(&cut) };
        let result = match self.form {
            Form::AsIs => self.unchanged(source, None, self.declared.clone(), sink),
            Form::Audio(preset, _) => {
                let head = source.peek(PEEK_FIRST);
                source.fault()?;
                if let Some(declared) = source.declared.take() {
                    self.declared = declared;
                }
                let mut kind = sniff(&head, &self.declared, &self.decoders);
                // The chunks before a WAVE's samples may be long, and a strange start is worth a second look.
                if head.len() < PEEK && needs_more(&kind) {
                    let head = source.peek(PEEK);
                    source.fault()?;
                    kind = sniff(&head, &self.declared, &self.decoders);
                }
                self.audio(source, kind?, preset, sink)
            }
        };
        // Decoders may take a broken connection for the end: the feed knows better.
        let cut = cut.lock().unwrap_or_else(PoisonError::into_inner).take();
        cut.map_or(result, Err)
    }

    fn audio(&mut self, mut source: PieceReader, kind: Kind, to: Preset, sink: &mut Sink) -> Result<(), MediaFault> {
        let original = kind.mime().to_owned();
        if let (Kind::Plain { format: Plain::G711(law), rate_hz, channels: 1, skip, octets }, Coding::G711(wanted)) =
            (&kind, to.coding)
            && *rate_hz == to.rate_hz
        {
            let swap = match (*law, wanted) {
                (Law::A, Law::Mu) => Some(a_to_mu as fn(u8) -> u8),
                (Law::Mu, Law::A) => Some(mu_to_a as fn(u8) -> u8),
                _ => None,
            };
            io::copy(&mut (&mut source).take(*skip as u64), &mut io::sink())
                .map_err(|error| MediaFault::unsupported(error.to_string()))?;
            return match octets {
                Some(octets) => self.unchanged(source.take(*octets), swap, original, sink),
                None => self.unchanged(source, swap, original, sink),
            };
        }
        let ahead = match self.comes {
            Comes::Within(limit) if self.runtime.block_on(source.is_soon_whole(limit)) => Ahead::Far,
            Comes::AsSpoken => Ahead::Second,
            Comes::Within(_) | Comes::Slowly => Ahead::Near,
        };
        let mut samples = decode::open(
            source,
            &kind,
            &Tools { decoders: &self.decoders, scratch: &self.scratch, tally: &self.tally },
        )?;
        let mut shaper = Shaper::new(samples.rate_hz(), to, self.level_db, ahead)?;
        let (mut linear, mut octets) = (Vec::new(), Vec::new());
        let mut counted = false;
        let mut written = 0;
        loop {
            linear.clear();
            octets.clear();
            let more = samples.next(&mut linear)?;
            shaper.push(&linear, &mut octets)?;
            if !more {
                shaper.finish(&mut octets)?;
            }
            if !octets.is_empty() {
                if !counted {
                    count(&self.tally.conversions);
                    counted = true;
                    self.begin(&original);
                }
                written += octets.len() as u64;
                self.checked(written)?;
                write(sink, &octets)?;
            }
            if !more {
                break;
            }
        }
        if !counted {
            return Err(MediaFault::unsupported("the file holds no sound"));
        }
        Ok(())
    }

    /// Passes octets as they are, or law-swapped one by one.
    fn unchanged(
        &mut self,
        mut source: impl Read,
        swap: Option<fn(u8) -> u8>,
        original: String,
        sink: &mut Sink,
    ) -> Result<(), MediaFault> {
        count(if swap.is_some() { &self.tally.conversions } else { &self.tally.passed });
        let mut octets = vec![0; COPIED_AT_ONCE];
        let mut written = 0;
        loop {
            let read = source.read(&mut octets).map_err(|error| MediaFault::new(FETCH, error.to_string()))?;
            self.begin(&original);
            if read == 0 {
                return Ok(());
            }
            if let Some(swap) = swap {
                octets[..read].iter_mut().for_each(|it| *it = swap(*it));
            }
            written += read as u64;
            self.checked(written)?;
            write(sink, &octets[..read])?;
        }
    }

    fn begin(&mut self, original: &str) {
        if let Some(begun) = self.begun.take() {
            let content_type = match self.form {
                Form::AsIs => self.declared.clone(),
                Form::Audio(_, true) => "audio/basic".to_owned(),
                Form::Audio(preset, false) => preset.to_string(),
            };
            let _ = begun.send(Ok(Begun { content_type, original_type: original.to_owned() }));
        }
    }

    fn checked(&self, written: u64) -> Result<(), MediaFault> {
        if written > self.max_octets {
            let text = format!("the medium is longer than the {} octets allowed", self.max_octets);
            return Err(MediaFault::new(TOO_LARGE, text));
        }
        Ok(())
    }
}

/// A WAVE whose samples have not come into sight, or something not recognised.
fn needs_more(kind: &Result<Kind, MediaFault>) -> bool {
    match kind {
        Ok(Kind::Coded { container, .. }) => *container == crate::sniff::Container::Wave,
        Ok(Kind::Plain { .. } | Kind::Foreign { .. }) => false,
        Err(_) => true,
    }
}

fn write(sink: &mut Sink, octets: &[u8]) -> Result<(), MediaFault> {
    let left = || MediaFault::new(FETCH, "nobody listens any more");
    match sink {
        Sink::Spool { writer, endless } => {
            if *endless && writer.readers() == 0 && writer.octets() > UNHEARD_OCTETS {
                return Err(left());
            }
            writer.write(octets).map_err(|error| MediaFault::local("writing the cache", &error))
        }
        Sink::Direct(reader) => reader.blocking_send(Ok(Bytes::copy_from_slice(octets))).map_err(|_| left()),
    }
}

/// Reads pieces as one stream.
struct PieceReader {
    pieces: mpsc::Receiver<Piece>,
    ready: VecDeque<Bytes>,
    declared: Option<String>,
    over: bool,
    cut: Arc<Mutex<Option<MediaFault>>>,
}

impl PieceReader {
    /// Waits for the next piece; `false` if there is none.
    fn fetch(&mut self) -> bool {
        while !self.over {
            let piece = self.pieces.blocking_recv();
            if self.note(piece) {
                return true;
            }
        }
        false
    }

    /// Takes what came; true if it is data.
    fn note(&mut self, piece: Option<Piece>) -> bool {
        let fault = match piece {
            Some(Piece::Data(piece)) if piece.is_empty() => return false,
            Some(Piece::Type(declared)) => {
                self.declared = Some(declared);
                return false;
            }
            Some(Piece::Data(piece)) => {
                self.ready.push_back(piece);
                return true;
            }
            Some(Piece::End) => None,
            Some(Piece::Broken(fault)) => Some(fault),
            None => Some(MediaFault::new(FETCH, "the media layer was stopped")),
        };
        self.over = true;
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner) = fault;
        false
    }

    /// Waits a short while for all of it: whether it is there. What is long is not waited for.
    async fn is_soon_whole(&mut self, limit: Duration) -> bool {
        let gather = async {
            while !self.over && self.ready.iter().map(Bytes::len).sum::<usize>() < MUCH {
                let piece = self.pieces.recv().await;
                self.note(piece);
            }
        };
        // In time or not: what has come is kept.
        let _ = tokio::time::timeout(limit, gather).await;
        self.over && self.fault().is_ok()
    }

    /// The first octets, which stay in place; fewer if there are not so many.
    fn peek(&mut self, wanted: usize) -> Vec<u8> {
        while self.ready.iter().map(Bytes::len).sum::<usize>() < wanted && self.fetch() {}
        self.ready.iter().flat_map(|it| it.iter().copied()).take(wanted).collect()
    }

    fn fault(&self) -> Result<(), MediaFault> {
        match &*self.cut.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(fault) => Err(fault.clone()),
            None => Ok(()),
        }
    }
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.ready.is_empty() && !self.fetch() {
            return self.fault().map(|()| 0).map_err(|fault| io::Error::new(io::ErrorKind::ConnectionAborted, fault));
        }
        let Some(first) = self.ready.front_mut() else { return Ok(0) };
        let taken = first.len().min(buffer.len());
        first.copy_to_slice(&mut buffer[..taken]);
        if first.is_empty() {
            self.ready.pop_front();
        }
        Ok(taken)
    }
}

/// Looked at before anything else: enough for every magic number and one short MPEG frame.
const PEEK_FIRST: usize = 512;
/// Octets of an original that is not waited for: half a minute of MP3, three seconds of a compact disc.
const MUCH: usize = 512 * 1024;
/// Octets passed at once.
const COPIED_AT_ONCE: usize = 16 * 1024;
/// An endless medium without readers is given up after this much.
const UNHEARD_OCTETS: u64 = 256 * 1024;
