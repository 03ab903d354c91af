//! A medium that grows: one writes, any number read from the first octet on while it grows. It lies in a temporary
//! file, so that a slow reader costs no memory; the file becomes the cache entry once it is whole.
//!
//! It goes to the file chunk by chunk, in plain or sealed; what is not a chunk yet is in memory. A file that takes no more is
//! left as it is, and the rest stays in memory as long as somebody has to hear it: such a medium is never an entry.

mod ground;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::watch;

use self::ground::{FIRST, Ground, Piece};
use crate::fault::{FETCH, MediaFault};
use crate::seal::{BodyKey, TAG_OCTETS};

/// Asked for room for so many octets more: whether there is some.
pub(crate) type Room = Arc<dyn Fn(Want) -> bool + Send + Sync>;
/// Told that a stored body is not as it was written.
pub(crate) type Spoiled = Arc<dyn Fn(&std::io::Error) + Send + Sync>;

/// What a writer wants of its file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// So many octets beside what must stay free.
    More(u64),
    /// The file system itself has refused so many.
    Refused(u64),
}

/// The shared half: where readers come from.
pub(crate) struct Spool {
    /// The first octets of a stored entry, read when it was opened: most prompts are no longer.
    head: Bytes,
    ground: Arc<Ground>,
    progress: watch::Receiver<Progress>,
    spoiled: Option<Spoiled>,
    /// The first reader has come.
    begun: AtomicBool,
}

#[derive(Debug, Clone)]
struct Progress {
    octets: u64,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Growing,
    Whole,
    Broken(MediaFault),
}

/// The writing half. Dropped without an end, the medium is broken.
pub(crate) struct SpoolWriter {
    ground: Arc<Ground>,
    path: PathBuf,
    salt: Option<String>,
    progress: watch::Sender<Progress>,
    room: Option<Room>,
    /// Octets for which there is room, as far as was asked.
    granted: u64,
    unkept: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Spool {
    /// A new, empty one at `path`; with a key its file is sealed.
    pub fn create(path: &Path, key: Option<(BodyKey, String)>) -> std::io::Result<(SpoolWriter, Self)> {
        let file = File::options().create_new(true).read(true).write(true).open(path)?;
        let (key, salt) = key.unzip();
        Ok(Self::begun(path, Ground::new(Some(file), key), salt))
    }

    /// A new, empty one that no file has room for: it is heard, and not kept.
    pub fn past_the_disk() -> (SpoolWriter, Self) {
        let ground = Ground::new(None, None);
        ground.leave_disk();
        Self::begun(Path::new(""), ground, None)
    }

    fn begun(path: &Path, ground: Ground, salt: Option<String>) -> (SpoolWriter, Self) {
        let (sender, progress) = watch::channel(Progress { octets: 0, state: State::Growing });
        let ground = Arc::new(ground);
        let writer = SpoolWriter {
            ground: Arc::clone(&ground),
            path: path.to_owned(),
            salt,
            progress: sender,
            room: None,
            granted: 0,
            unkept: None,
        };
        (writer, Self { head: Bytes::new(), ground, progress, spoiled: None, begun: AtomicBool::new(false) })
    }

    /// One that is whole: a stored entry. Blocks until its first piece is read.
    pub fn open(path: &Path, octets: u64, key: Option<BodyKey>) -> std::io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() != length_on_disk(octets, key.is_some()) {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "it has another length"));
        }
        let (_, progress) = watch::channel(Progress { octets, state: State::Whole });
        let ground = Arc::new(Ground::whole(file, key, octets));
        // What is short is looked at in full before anybody hears of it.
        let at_once = if octets <= CHECKED_OCTETS { octets } else { CHUNK };
        let mut head = Vec::with_capacity(at_once as usize);
        while (head.len() as u64) < at_once {
            head.extend_from_slice(&ground.on_disk(head.len() as u64)?);
        }
        Ok(Self { head: head.into(), ground, progress, spoiled: None, begun: AtomicBool::new(false) })
    }

    /// Reads the rest of it. Blocks.
    pub fn read_through(&self, octets: u64) -> std::io::Result<()> {
        let mut at = self.head.len() as u64;
        while at < octets {
            let read = self.ground.on_disk(at)?.len() as u64;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            at += read;
        }
        Ok(())
    }

    /// Whom to tell when a piece is found damaged later.
    pub fn tells(mut self, spoiled: Spoiled) -> Self {
        self.spoiled = Some(spoiled);
        self
    }

    /// A reader from the first octet on.
    pub fn reader(&self) -> SpoolReader {
        let ticket = if self.begun.swap(true, Ordering::Relaxed) { self.ground.enter() } else { FIRST };
        SpoolReader {
            head: self.head.clone(),
            ground: Arc::clone(&self.ground),
            progress: self.progress.clone(),
            spoiled: self.spoiled.clone(),
            ticket,
            at: 0,
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if !self.begun.load(Ordering::Relaxed) {
            self.ground.leave(FIRST);
        }
    }
}

impl SpoolWriter {
    /// Whom to ask for room, and whom to tell once it is certain that this will be no entry.
    pub fn asks(&mut self, room: Room, unkept: tokio::sync::oneshot::Sender<()>) {
        self.room = Some(room);
        if self.ground.is_on_disk() {
            self.unkept = Some(unkept);
        } else {
            let _ = unkept.send(());
        }
    }

    pub fn write(&mut self, octets: &[u8]) -> std::io::Result<()> {
        let mut rest = octets;
        while !rest.is_empty() {
            let (taken, full) = self.ground.push(rest)?;
            rest = &rest[taken..];
            self.progress.send_modify(|it| it.octets += taken as u64);
            if full {
                self.settle();
            }
        }
        Ok(())
    }

    /// Brings what is in memory onto the disk, all of it: the medium is complete.
    pub fn finish(&mut self) {
        if self.ground.is_on_disk() {
            self.settle();
        }
    }

    /// Writes the chunk that is in memory, or finds out that the disk takes no more.
    fn settle(&mut self) {
        if !self.ground.is_on_disk() {
            return;
        }
        let written = self.ground.written() + CHUNK + TAG_OCTETS;
        if written > self.granted {
            let granted = self.room.as_ref().is_none_or(|room| room(Want::More(GRANT)));
            if !granted {
                return self.leave("less than media.reserve_mib would be free");
            }
            self.granted = written + GRANT;
        }
        let Err(first) = self.ground.write_chunk() else { return };
        let again = self.room.as_ref().is_some_and(|room| room(Want::Refused(GRANT)));
        if let Err(error) = if again { self.ground.write_chunk() } else { Err(first) } {
            self.leave(&error.to_string());
        }
    }

    fn leave(&mut self, why: &str) {
        tracing::debug!(why, path = %self.path.display(), "a medium goes past the disk");
        self.ground.leave_disk();
        if let Some(unkept) = self.unkept.take() {
            let _ = unkept.send(());
        }
    }

    /// Whether all of it is on the disk, or may be: it can become an entry.
    pub fn is_kept(&self) -> bool {
        self.ground.is_on_disk()
    }

    pub fn octets(&self) -> u64 {
        self.progress.borrow().octets
    }

    pub fn readers(&self) -> usize {
        self.ground.readers()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Of the key that its file is sealed with.
    pub fn salt(&self) -> Option<&str> {
        self.salt.as_deref()
    }

    /// Onto the disk, for good.
    pub fn sync(&self) -> std::io::Result<()> {
        self.ground.sync()
    }

    pub fn whole(&self) {
        self.progress.send_modify(|it| it.state = State::Whole);
    }

    /// Ends it for all readers and removes the file.
    pub fn broken(&self, fault: MediaFault) {
        self.progress.send_modify(|it| it.state = State::Broken(fault));
        self.discard();
    }

    /// Removes the temporary file; readers that have it open read on.
    pub fn discard(&self) {
        if self.path.as_os_str().is_empty() {
            return;
        }
        if let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %self.path.display(), "temporary file stays until the next start");
        }
    }
}

/// One reader.
pub(crate) struct SpoolReader {
    head: Bytes,
    ground: Arc<Ground>,
    progress: watch::Receiver<Progress>,
    spoiled: Option<Spoiled>,
    ticket: u64,
    at: u64,
}

impl SpoolReader {
    /// Its file takes no more: it will be no entry.
    pub fn is_past_the_disk(&self) -> bool {
        !self.ground.is_on_disk()
    }

    /// Waits until the medium has ended.
    pub async fn whole(&mut self) -> Result<(), MediaFault> {
        let ended = self.progress.wait_for(|it| !matches!(it.state, State::Growing)).await;
        match ended.map(|it| it.state.clone()) {
            Ok(State::Broken(fault)) => Err(fault),
            Ok(_) => Ok(()),
            // A sender that is gone has left its last word.
            Err(_) => match self.progress.borrow().state.clone() {
                State::Whole => Ok(()),
                State::Broken(fault) => Err(fault),
                State::Growing => Err(MediaFault::new(crate::fault::FETCH, "the media layer was stopped")),
            },
        }
    }

    /// The next piece; `None` at the end of a whole medium.
    pub async fn next(&mut self) -> Option<Result<Bytes, MediaFault>> {
        if !self.head.is_empty() {
            let head = std::mem::take(&mut self.head);
            self.passed(head.len());
            return Some(Ok(head));
        }
        loop {
            // A sender that is gone has left its last word.
            let gone = self.progress.has_changed().is_err();
            let now = self.progress.borrow_and_update().clone();
            if now.octets > self.at {
                break;
            }
            match now.state {
                State::Whole => return None,
                State::Broken(fault) => return Some(Err(fault)),
                State::Growing if gone => return Some(Err(stopped())),
                State::Growing => {
                    let _ = self.progress.changed().await;
                }
            }
        }
        let read = match self.ground.in_memory(self.at) {
            Piece::There(piece) => Ok(piece),
            Piece::Gone => return Some(Err(MediaFault::new(FETCH, NOT_KEPT))),
            Piece::OnDisk => {
                let (ground, at) = (Arc::clone(&self.ground), self.at);
                match tokio::task::spawn_blocking(move || ground.on_disk(at)).await {
                    Ok(read) => read,
                    Err(_) => return Some(Err(stopped())),
                }
            }
        };
        match read {
            Ok(piece) => {
                self.passed(piece.len());
                Some(Ok(piece))
            }
            Err(error) => {
                if let Some(spoiled) = &self.spoiled {
                    spoiled(&error);
                }
                Some(Err(MediaFault::local("reading the cache", &error)))
            }
        }
    }

    fn passed(&mut self, octets: usize) {
        self.at += octets as u64;
        self.ground.passed(self.ticket, self.at);
    }
}

impl Drop for SpoolReader {
    fn drop(&mut self) {
        self.ground.leave(self.ticket);
    }
}

/// How long the file of so many octets is.
pub(crate) fn length_on_disk(octets: u64, sealed: bool) -> u64 {
    if sealed { octets.saturating_add(octets.div_ceil(CHUNK).saturating_mul(TAG_OCTETS)) } else { octets }
}

fn stopped() -> MediaFault {
    MediaFault::new(FETCH, "the media layer was stopped")
}

/// Octets written and read at once: a second of telephone audio. Of a sealed file each chunk is sealed by itself.
pub(crate) const CHUNK: u64 = 8 * 1024;
/// Room is asked for so many octets at a time.
const GRANT: u64 = 128 * 1024;
/// An entry that is no longer, 16 s of telephone audio, is looked at in full when it is opened, and heard from memory.
const CHECKED_OCTETS: u64 = 128 * 1024;
const NOT_KEPT: &str = "the cache's disk has no room, and this medium's beginning was not kept";
