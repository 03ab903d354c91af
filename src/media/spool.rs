//! A medium that grows: one writes, any number read from the first octet on while it grows. It lies in a temporary
//! file, so that a slow reader costs no memory; the file becomes the cache entry once it is whole.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::watch;

use crate::fault::MediaFault;

/// The shared half: where readers come from.
#[derive(Debug)]
pub(crate) struct Spool {
    /// The first octets of a stored entry, read when it was opened: most prompts are no longer.
    head: Bytes,
    file: Arc<File>,
    progress: watch::Receiver<Progress>,
    readers: Arc<AtomicUsize>,
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
#[derive(Debug)]
pub(crate) struct SpoolWriter {
    file: File,
    path: PathBuf,
    progress: watch::Sender<Progress>,
    readers: Arc<AtomicUsize>,
}

impl Spool {
    /// A new, empty one at `path`.
    pub fn create(path: &Path) -> std::io::Result<(SpoolWriter, Self)> {
        let file = File::options().create_new(true).write(true).open(path)?;
        let for_readers = Arc::new(File::open(path)?);
        let (sender, progress) = watch::channel(Progress { octets: 0, state: State::Growing });
        let readers = Arc::new(AtomicUsize::new(0));
        let writer = SpoolWriter { file, path: path.to_owned(), progress: sender, readers: Arc::clone(&readers) };
        Ok((writer, Self { head: Bytes::new(), file: for_readers, progress, readers }))
    }

    /// One that is whole: a stored entry. Blocks until its first piece is read.
    pub fn open(path: &Path, octets: u64) -> std::io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() != octets {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        let mut head = vec![0; octets.min(PIECE) as usize];
        file.read_exact_at(&mut head, 0)?;
        let (_, progress) = watch::channel(Progress { octets, state: State::Whole });
        Ok(Self { head: head.into(), file: Arc::new(file), progress, readers: Arc::default() })
    }

    /// A reader from the first octet on.
    pub fn reader(&self) -> SpoolReader {
        self.readers.fetch_add(1, Ordering::Relaxed);
        SpoolReader {
            head: self.head.clone(),
            file: Arc::clone(&self.file),
            progress: self.progress.clone(),
            readers: Arc::clone(&self.readers),
            at: 0,
        }
    }
}

impl SpoolWriter {
    pub fn write(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.file.write_all(octets)?;
        self.progress.send_modify(|it| it.octets += octets.len() as u64);
        Ok(())
    }

    pub fn octets(&self) -> u64 {
        self.progress.borrow().octets
    }

    pub fn readers(&self) -> usize {
        self.readers.load(Ordering::Relaxed)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Onto the disk, for good.
    pub fn sync(&self) -> std::io::Result<()> {
        self.file.sync_all()
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
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "temporary file stays until the next start");
        }
    }
}

/// One reader.
#[derive(Debug)]
pub(crate) struct SpoolReader {
    head: Bytes,
    file: Arc<File>,
    progress: watch::Receiver<Progress>,
    readers: Arc<AtomicUsize>,
    at: u64,
}

impl SpoolReader {
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
            self.at = head.len() as u64;
            return Some(Ok(head));
        }
        let octets = loop {
            // A sender that is gone has left its last word.
            let gone = self.progress.has_changed().is_err();
            let now = self.progress.borrow_and_update().clone();
            if now.octets > self.at {
                break now.octets;
            }
            match now.state {
                State::Whole => return None,
                State::Broken(fault) => return Some(Err(fault)),
                State::Growing if gone => {
                    return Some(Err(MediaFault::new(crate::fault::FETCH, "the media layer was stopped")));
                }
                State::Growing => {
                    let _ = self.progress.changed().await;
                }
            }
        };
        let wanted = (octets - self.at).min(PIECE) as usize;
        let (file, at) = (Arc::clone(&self.file), self.at);
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; wanted];
            file.read_exact_at(&mut piece, at).map(|()| piece)
        });
        match read.await {
            Ok(Ok(piece)) => {
                self.at += piece.len() as u64;
                Some(Ok(piece.into()))
            }
            Ok(Err(error)) => Some(Err(MediaFault::local("reading the cache", &error))),
            Err(_) => Some(Err(MediaFault::new(crate::fault::FETCH, "the media layer was stopped"))),
        }
    }
}

impl Drop for SpoolReader {
    fn drop(&mut self) {
        self.readers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Octets read at once: a second of telephone audio.
const PIECE: u64 = 8 * 1024;
