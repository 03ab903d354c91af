//! Decoding by a program in a cage: the original goes into its pipe on a thread of its own, plain samples come out of
//! another, and both are watched. It judges no kind.
//!
//! A program that has its input and gives nothing for [`STALL`] is killed; a slow origin is not its fault.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::child::BlockingChild;
use crate::counters::{Tally, count};
use crate::decode::{Samples, Tools, plain};
use crate::decoders::{Decoder, INPUT, Place};
use crate::fault::MediaFault;
use crate::sniff::{Kind, PEEK, plain_kind};
use crate::wire::shown;

/// Starts a decoder for what `data` brings; `what` is its kind in words.
pub(crate) fn open<R: Read + Send + 'static>(
    data: R,
    decoder: &Decoder,
    what: &str,
    tools: &Tools<'_>,
) -> Result<Box<dyn Samples>, MediaFault> {
    let failed = |error: &dyn std::fmt::Display| {
        MediaFault::unsupported(format!("{what} cannot be decoded: {}: {error}", decoder.name))
    };
    let (mut output, mut head) = (start(data, decoder, tools).map_err(|error| failed(&error))?, Vec::new());
    let kind = loop {
        let mut piece = [0; PEEK];
        let read = output.read(&mut piece).map_err(|error| failed(&error))?;
        head.extend_from_slice(&piece[..read]);
        match plain_kind(&head) {
            Some(kind) => break kind,
            None if read == 0 && head.is_empty() => return Err(failed(&"it gives no sound")),
            None if read == 0 || head.len() > MAX_HEAD => return Err(failed(&"it gives neither WAVE nor AU")),
            None => {}
        }
    };
    let Kind::Plain { format, rate_hz, channels, skip, .. } = kind else { return Err(failed(&"it gives no samples")) };
    let rest = io::Cursor::new(head.split_off(skip.min(head.len()))).chain(output);
    // Its header's length is a guess: it did not know when it wrote it.
    plain(rest, format, rate_hz, channels.into(), None)
}

fn start<R: Read + Send + 'static>(mut data: R, decoder: &Decoder, tools: &Tools<'_>) -> io::Result<Output> {
    let full = || io::Error::other("too many decoders run already");
    let place = tools.decoders.places.take().ok_or_else(full)?;
    let mut cage = decoder.cage.clone();
    let mut file = None;
    if decoder.wants_a_file() {
        let scratch = Scratch(tools.scratch.to_owned());
        io::copy(&mut data, &mut File::create(&scratch.0)?)?;
        cage.reads.push(scratch.0.clone());
        file = Some(scratch);
    }
    let input = tools.scratch.to_string_lossy();
    let arguments = decoder.arguments.iter().map(|it| it.replace(INPUT, &input));
    let mut process = BlockingChild::start(&decoder.program, arguments, &cage)?;
    let none = || io::Error::other("it has no pipes");
    let child = &mut process.child;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (stdin, stdout, stderr) = (stdin.ok_or_else(none)?, stdout.ok_or_else(none)?, stderr.ok_or_else(none)?);
    let fed = Arc::new(Fed::default());
    if file.is_none() {
        let fed = Arc::clone(&fed);
        std::thread::Builder::new().name("media-feed".into()).spawn(move || feed(data, stdin, &fed))?;
    }
    let tally = Arc::clone(tools.tally);
    Ok(Output {
        process,
        stdout,
        stderr: Some(stderr),
        complaint: Vec::new(),
        fed,
        tally,
        ended: false,
        _file: file,
        _place: place,
    })
}

/// How far the original has gone into the pipe.
#[derive(Default)]
struct Fed {
    octets: AtomicU64,
    /// The origin is waited for.
    waiting: AtomicBool,
}

/// Feeds until the original ends, or its reader does.
fn feed(mut data: impl Read, mut stdin: ChildStdin, fed: &Fed) {
    let mut piece = vec![0; PIECE];
    loop {
        fed.waiting.store(true, Ordering::Release);
        let read = data.read(&mut piece);
        fed.waiting.store(false, Ordering::Release);
        // A broken origin is told by whoever feeds us; the program has what there is.
        let Ok(read @ 1..) = read else { return };
        if stdin.write_all(&piece[..read]).is_err() {
            return;
        }
        fed.octets.fetch_add(read as u64, Ordering::AcqRel);
    }
}

/// What a program gives. Dropped, the program is killed.
struct Output {
    process: BlockingChild,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    complaint: Vec<u8>,
    fed: Arc<Fed>,
    tally: Arc<Tally>,
    ended: bool,
    _file: Option<Scratch>,
    _place: Place,
}

impl Output {
    /// Waits until there is something to read; what it complains of is kept meanwhile.
    fn wait(&mut self) -> io::Result<()> {
        let (mut since, mut fed) = (Instant::now(), self.fed.octets.load(Ordering::Acquire));
        loop {
            let mut looked_at = vec![PollFd::new(std::os::fd::AsFd::as_fd(&self.stdout), PollFlags::POLLIN)];
            if let Some(stderr) = &self.stderr {
                looked_at.push(PollFd::new(std::os::fd::AsFd::as_fd(stderr), PollFlags::POLLIN));
            }
            poll(&mut looked_at, PollTimeout::from(LOOK_MS)).map_err(io::Error::from)?;
            let ready = |at: usize| looked_at.get(at).and_then(PollFd::any).unwrap_or(false);
            let (sound, complaint) = (ready(0), ready(1));
            if complaint {
                self.listen();
            }
            if sound {
                return Ok(());
            }
            let now = self.fed.octets.load(Ordering::Acquire);
            if self.fed.waiting.load(Ordering::Acquire) || now != fed {
                (since, fed) = (Instant::now(), now);
            }
            if since.elapsed() > STALL {
                return Err(io::Error::other(format!("it gives nothing for {} s", STALL.as_secs())));
            }
        }
    }

    fn listen(&mut self) {
        let Some(stderr) = &mut self.stderr else { return };
        let mut piece = [0; 512];
        match stderr.read(&mut piece) {
            Ok(read @ 1..) => {
                let room = MAX_COMPLAINT.saturating_sub(self.complaint.len());
                self.complaint.extend_from_slice(&piece[..read.min(room)]);
            }
            Ok(0) | Err(_) => self.stderr = None,
        }
    }

    /// Its pipe is closed: how has it ended?
    fn finish(&mut self) -> io::Result<()> {
        self.ended = true;
        while self.stderr.is_some() {
            self.listen();
        }
        let status = self.process.child.wait()?;
        if status.success() {
            return Ok(());
        }
        if status.code().is_none_or(|it| it == PANICKED) {
            count(&self.tally.decoder_panics);
            return Err(io::Error::other(format!("it gave up on this file ({status})")));
        }
        let complaint = String::from_utf8_lossy(&self.complaint);
        let first = complaint.lines().find(|it| !it.trim().is_empty()).map(shown);
        Err(io::Error::other(first.unwrap_or_else(|| format!("it ended with {status}"))))
    }
}

impl Read for Output {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        self.wait()?;
        let read = self.stdout.read(buffer)?;
        if read == 0 {
            self.finish()?;
        }
        Ok(read)
    }
}

/// A file that goes with us.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A decoder that gives nothing for so long, with its input there, is stuck: whole seconds are decoded in hundredths.
const STALL: Duration = Duration::from_secs(10);
/// How often it is looked whether it is stuck.
const LOOK_MS: u16 = 500;
/// Octets fed at once.
const PIECE: usize = 16 * 1024;
/// The chunks before the first sample of what a decoder gives.
const MAX_HEAD: usize = 64 * 1024;
/// What is kept of a decoder's complaints.
const MAX_COMPLAINT: usize = 1024;
/// How a program of ours ends that panicked.
const PANICKED: i32 = 101;
