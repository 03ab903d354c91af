//! The folder of recordings: `RE….part` while one is being made, `RE….wav` when it is whole. Sixteen-bit PCM at 8 kHz,
//! one channel or two. A file that a crash cut off can be opened and is at most a second short. Not here: how sound gets
//! into a file (`recording`), who may hear it, what its record says.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tipring_card::Law;
use tipring_resources::Sid;

use crate::recording::SHORTEST_FRAMES;
use crate::wav::{HEADER, RATE, channels_in, header};
use crate::{RecordingWriter, StoreError};

/// The folder of recordings.
#[derive(Clone, Debug)]
pub struct Blobs {
    dir: PathBuf,
}

/// A whole recording, open for reading.
#[derive(Debug)]
pub struct Blob {
    /// At its beginning.
    pub file: File,
    /// Octets.
    pub length: u64,
    /// 1 or 2, as its header says.
    pub channels: u16,
}

impl Blob {
    /// A recording's file, read from its beginning.
    pub fn of(file: File) -> std::io::Result<Blob> {
        let length = file.metadata()?.len();
        let channels = channels_of(&file)?;
        Ok(Blob { file, length, channels })
    }
}

impl Blobs {
    /// The recordings in this folder, which is made if it is not there.
    pub fn new(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let dir = dir.into();
        std::fs::create_dir_all(&dir).map_err(|error| StoreError::file(&dir, &error))?;
        Ok(Blobs { dir })
    }

    /// Begins a recording of one channel.
    pub fn create(&self, sid: Sid, law: Law) -> Result<RecordingWriter, StoreError> {
        RecordingWriter::create(self.path(sid, "part"), self.path(sid, "wav"), law, None)
    }

    /// Begins a recording of two channels, each with the law of its own line.
    pub fn create2(&self, sid: Sid, left: Law, right: Law) -> Result<RecordingWriter, StoreError> {
        RecordingWriter::create(self.path(sid, "part"), self.path(sid, "wav"), left, Some(right))
    }

    /// A whole recording's file; `None`: there is none (yet).
    pub fn open(&self, sid: Sid) -> Result<Option<Blob>, StoreError> {
        let path = self.path(sid, "wav");
        let fault = |error: std::io::Error| StoreError::file(&path, &error);
        match File::open(&path) {
            Ok(file) => Blob::of(file).map(Some).map_err(fault),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    /// Octets of all recordings, whole and under way; of the first `most` files. Reads the folder: not for a hot path.
    pub fn octets(&self, most: usize) -> Result<u64, StoreError> {
        let entries = std::fs::read_dir(&self.dir).map_err(|error| StoreError::file(&self.dir, &error))?;
        // A file that is gone by now has no size any more.
        Ok(entries.take(most).flatten().filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum())
    }

    /// Deletes a recording's file. False: there was none.
    pub fn delete(&self, sid: Sid) -> Result<bool, StoreError> {
        let mut found = false;
        for suffix in ["wav", "part"] {
            let path = self.path(sid, suffix);
            match std::fs::remove_file(&path) {
                Ok(()) => found = true,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::file(path, &error)),
            }
        }
        Ok(found)
    }

    /// Makes a recording that a crash cut off whole: true header, final name. Its length; `None`: less than 100 ms was written.
    pub(crate) fn repair(&self, sid: Sid) -> Result<Option<u32>, StoreError> {
        let (part, whole) = (self.path(sid, "part"), self.path(sid, "wav"));
        let source = if part.exists() { &part } else { &whole };
        let fault = |error: std::io::Error| StoreError::file(source, &error);
        let file = match OpenOptions::new().read(true).write(true).open(source) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fault(error)),
        };
        let (frames, channels) = frames_of(&file).map_err(fault)?;
        if frames < SHORTEST_FRAMES {
            self.delete(sid)?;
            return Ok(None);
        }
        seal(&file, frames, channels).map_err(fault)?;
        if source == &part {
            std::fs::rename(&part, &whole).map_err(fault)?;
            sync_dir(&self.dir)?;
        }
        Ok(Some(length_ms(frames)))
    }

    /// Moves `.part` files that are left after the repair into `lost`: no record knows them, but somebody spoke there.
    pub(crate) fn put_lost_aside(&self) -> Result<u64, StoreError> {
        let fault = |error: std::io::Error| StoreError::file(&self.dir, &error);
        let mut moved = 0;
        for entry in std::fs::read_dir(&self.dir).map_err(fault)? {
            let path = entry.map_err(fault)?.path();
            if path.extension().is_none_or(|suffix| suffix != "part") {
                continue;
            }
            let lost = self.dir.join("lost");
            std::fs::create_dir_all(&lost).map_err(fault)?;
            let file = OpenOptions::new().read(true).write(true).open(&path).map_err(fault)?;
            let (frames, channels) = frames_of(&file).map_err(fault)?;
            if frames == 0 {
                std::fs::remove_file(&path).map_err(fault)?;
                continue;
            }
            seal(&file, frames, channels).map_err(fault)?;
            let name = path.with_extension("wav");
            std::fs::rename(&path, lost.join(name.file_name().unwrap_or_default())).map_err(fault)?;
            moved += 1;
        }
        Ok(moved)
    }

    fn path(&self, sid: Sid, suffix: &str) -> PathBuf {
        self.dir.join(format!("{sid}.{suffix}"))
    }
}

/// Whole frames in a file, and its channels. A frame is one sample of each channel; half of one is left out.
fn frames_of(file: &File) -> std::io::Result<(u64, u16)> {
    let channels = channels_of(file)?;
    Ok((file.metadata()?.len().saturating_sub(HEADER) / width(channels), channels))
}

/// Channels as the header says; 1 where there is no header.
fn channels_of(file: &File) -> std::io::Result<u16> {
    let mut found = [0; HEADER as usize];
    match file.read_exact_at(&mut found, 0) {
        Ok(()) => Ok(channels_in(&found)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(1),
        Err(error) => Err(error),
    }
}

/// Octets of a frame.
pub(crate) fn width(channels: u16) -> u64 {
    u64::from(channels) * 2
}

/// Sets length and header right and waits for the platter.
pub(crate) fn seal(file: &File, frames: u64, channels: u16) -> std::io::Result<()> {
    file.set_len(HEADER + frames * width(channels))?;
    file.write_all_at(&header(frames, channels), 0)?;
    file.sync_all()
}

pub(crate) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| StoreError::file(dir, &error))
}

pub(crate) fn length_ms(frames: u64) -> u32 {
    u32::try_from(frames * 1000 / RATE).unwrap_or(u32::MAX)
}
