//! Where the octets of a medium lie: chunks in its file, what follows in memory. While the file takes chunks no more than one
//! of them is in memory. Afterwards they stay there until the last reader has passed them, and the writer waits for
//! readers when there are too many.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{CHUNK, length_on_disk};
use crate::seal::{BodyKey, TAG_OCTETS};

pub(super) struct Ground {
    file: Option<File>,
    key: Option<BodyKey>,
    tail: Mutex<Tail>,
    moved: Condvar,
}

/// Where the piece at a place is.
pub(super) enum Piece {
    There(Bytes),
    OnDisk,
    /// It was let go after all who heard it then had passed it.
    Gone,
}

struct Tail {
    /// Octets in the file.
    filed: u64,
    /// Where memory begins: at the file's end, until chunks are let go.
    start: u64,
    /// Whole chunks after that; none while the file takes them.
    chunks: VecDeque<Bytes>,
    /// What follows them.
    open: Vec<u8>,
    /// The file takes no more.
    left_disk: bool,
    readers: HashMap<u64, u64>,
    tickets: u64,
}

impl Ground {
    pub fn new(file: Option<File>, key: Option<BodyKey>) -> Self {
        Self::with(file, key, 0)
    }

    /// A file that is complete.
    pub fn whole(file: File, key: Option<BodyKey>, octets: u64) -> Self {
        Self::with(Some(file), key, octets)
    }

    fn with(file: Option<File>, key: Option<BodyKey>, filed: u64) -> Self {
        let tail = Tail {
            filed,
            start: filed,
            chunks: VecDeque::new(),
            open: Vec::new(),
            left_disk: false,
            readers: HashMap::from([(FIRST, 0)]),
            tickets: FIRST,
        };
        Self { file, key, tail: Mutex::new(tail), moved: Condvar::new() }
    }

    /// Takes octets up to the end of a chunk: how many, and whether it is full. Past the disk it waits for readers.
    pub fn push(&self, octets: &[u8]) -> io::Result<(usize, bool)> {
        let mut tail = self.tail();
        if tail.left_disk {
            tail = self.wait_for_readers(tail)?;
        }
        let taken = octets.len().min(CHUNK as usize - tail.open.len());
        tail.open.extend_from_slice(&octets[..taken]);
        let full = tail.open.len() == CHUNK as usize;
        if full && tail.left_disk {
            let chunk = std::mem::take(&mut tail.open);
            tail.chunks.push_back(chunk.into());
        }
        Ok((taken, full))
    }

    fn wait_for_readers<'a>(&'a self, mut tail: MutexGuard<'a, Tail>) -> io::Result<MutexGuard<'a, Tail>> {
        loop {
            let slowest = tail.readers.values().min().copied();
            while let Some(place) = slowest
                && tail.chunks.front().is_some_and(|it| tail.start + it.len() as u64 <= place)
            {
                let gone = tail.chunks.pop_front().map_or(0, |it| it.len() as u64);
                tail.start += gone;
            }
            if (tail.chunks.len() as u64) * CHUNK < PAST_THE_DISK_OCTETS {
                return Ok(tail);
            }
            if slowest.is_none() {
                return Err(io::Error::new(
                    io::ErrorKind::StorageFull,
                    "nobody hears it, and there is no room to keep it",
                ));
            }
            tail = self.moved.wait(tail).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Writes what is in memory behind the file's end. Called again after a failure it writes the same again.
    pub fn write_chunk(&self) -> io::Result<()> {
        let (at, mut chunk) = {
            let tail = self.tail();
            (tail.filed, tail.open.clone())
        };
        if chunk.is_empty() {
            return Ok(());
        }
        let octets = chunk.len() as u64;
        if let Some(key) = &self.key
            && !key.close(at / CHUNK, &mut chunk)
        {
            return Err(io::Error::other("a chunk could not be sealed"));
        }
        let file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        file.write_all_at(&chunk, length_on_disk(at, self.key.is_some()))?;
        let mut tail = self.tail();
        tail.filed += octets;
        tail.start = tail.filed;
        tail.open.clear();
        Ok(())
    }

    /// The file takes no more: what follows stays in memory.
    pub fn leave_disk(&self) {
        let mut tail = self.tail();
        tail.left_disk = true;
        if tail.open.len() == CHUNK as usize {
            let chunk = std::mem::take(&mut tail.open);
            tail.chunks.push_back(chunk.into());
        }
    }

    pub fn is_on_disk(&self) -> bool {
        !self.tail().left_disk
    }

    /// Octets in the file.
    pub fn written(&self) -> u64 {
        self.tail().filed
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_all)
    }

    /// The piece at a place, if it is in memory.
    pub fn in_memory(&self, at: u64) -> Piece {
        let tail = self.tail();
        if at < tail.filed {
            return Piece::OnDisk;
        }
        let Some(mut before) = at.checked_sub(tail.start) else { return Piece::Gone };
        for chunk in &tail.chunks {
            if before < chunk.len() as u64 {
                return Piece::There(chunk.slice(before as usize..));
            }
            before -= chunk.len() as u64;
        }
        match tail.open.get(before as usize..) {
            Some(rest) if !rest.is_empty() => Piece::There(Bytes::copy_from_slice(rest)),
            _ => Piece::Gone,
        }
    }

    /// Reads from the file, from a place in it to the end of its chunk. Blocks.
    pub fn on_disk(&self, at: u64) -> io::Result<Bytes> {
        let number = at / CHUNK;
        let begin = number * CHUNK;
        // In the file are whole chunks, and at last what is left.
        let plain = self.written().saturating_sub(begin).min(CHUNK);
        if begin + plain <= at {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let Some(key) = &self.key else {
            let mut piece = vec![0; (begin + plain - at) as usize];
            file.read_exact_at(&mut piece, at)?;
            return Ok(piece.into());
        };
        let mut piece = vec![0; (plain + TAG_OCTETS) as usize];
        file.read_exact_at(&mut piece, length_on_disk(begin, true))?;
        if !key.open(number, &mut piece) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a sealed piece was changed"));
        }
        Ok(Bytes::from(piece).slice((at - begin) as usize..))
    }

    pub fn enter(&self) -> u64 {
        let mut tail = self.tail();
        tail.tickets += 1;
        let ticket = tail.tickets;
        tail.readers.insert(ticket, 0);
        ticket
    }

    pub fn passed(&self, ticket: u64, at: u64) {
        let mut tail = self.tail();
        tail.readers.insert(ticket, at);
        if tail.left_disk {
            self.moved.notify_all();
        }
    }

    pub fn leave(&self, ticket: u64) {
        self.tail().readers.remove(&ticket);
        self.moved.notify_all();
    }

    pub fn readers(&self) -> usize {
        self.tail().readers.len()
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever asked for it, from before there is anything to read.
pub(super) const FIRST: u64 = 0;
/// Octets of one medium in memory that no file has room for: two minutes of telephone audio. With all workers busy and no room
/// that is 72 MiB.
const PAST_THE_DISK_OCTETS: u64 = 1 << 20;
