//! The sound of recordings as files: `RE….part` while it is being made, `RE….wav` when it is whole. Sixteen-bit mono PCM
//! at 8 kHz, decoded from the line's G.711. A file that a crash cut off can be opened and is at most a second short.
//! Not here: who may hear it, what its record says.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tipring_card::Law;
use tipring_dsp::{alaw_decode, ulaw_decode};
use tipring_resources::Sid;

use crate::StoreError;
use crate::wav::{HEADER, RATE, header};

/// Samples kept back before they are written: 250 ms. The header follows at once.
pub const FLUSH_SAMPLES: usize = 2000;
/// A recording is cut here: 24 hours, far above the longest that a document may ask for (4 hours).
pub const RECORDING_MAX_SAMPLES: u64 = 24 * 3600 * RATE;

/// A frame of 10 ms whose mean square is below this is silence: about -50 dBm0.
const SILENCE_MEAN_SQUARE: u64 = 70 * 70;
/// Samples of one frame when silence is looked for.
const FRAME: u64 = 80;
/// Silence left at both ends by trimming, so that no word loses its first or last sound: 50 ms.
const TRIM_MARGIN: u64 = 400;
/// Octets copied at once when the beginning is cut off.
const COPY: usize = 64 * 1024;

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
}

impl Blobs {
    /// The recordings in this folder, which is made if it is not there.
    pub fn new(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let dir = dir.into();
        std::fs::create_dir_all(&dir).map_err(|error| StoreError::file(&dir, &error))?;
        Ok(Blobs { dir })
    }

    /// Begins a recording.
    pub fn create(&self, sid: Sid, law: Law) -> Result<RecordingWriter, StoreError> {
        RecordingWriter::create(self.path(sid, "part"), self.path(sid, "wav"), law)
    }

    /// A whole recording's file; `None`: there is none (yet).
    pub fn open(&self, sid: Sid) -> Result<Option<Blob>, StoreError> {
        let path = self.path(sid, "wav");
        let fault = |error: std::io::Error| StoreError::file(&path, &error);
        match File::open(&path) {
            Ok(file) => {
                let length = file.metadata().map_err(fault)?.len();
                Ok(Some(Blob { file, length }))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault(error)),
        }
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

    /// Makes a recording that a crash cut off whole: true header, final name. Its length; `None`: no sound was written.
    pub(crate) fn repair(&self, sid: Sid) -> Result<Option<u32>, StoreError> {
        let (part, whole) = (self.path(sid, "part"), self.path(sid, "wav"));
        let source = if part.exists() { &part } else { &whole };
        let fault = |error: std::io::Error| StoreError::file(source, &error);
        let file = match OpenOptions::new().read(true).write(true).open(source) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fault(error)),
        };
        let samples = file.metadata().map_err(fault)?.len().saturating_sub(HEADER) / 2;
        if samples == 0 {
            self.delete(sid)?;
            return Ok(None);
        }
        seal(&file, samples).map_err(fault)?;
        if source == &part {
            std::fs::rename(&part, &whole).map_err(fault)?;
            sync_dir(&self.dir)?;
        }
        Ok(Some(length_ms(samples)))
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
            let samples = path.metadata().map_err(fault)?.len().saturating_sub(HEADER) / 2;
            if samples == 0 {
                std::fs::remove_file(&path).map_err(fault)?;
                continue;
            }
            let file = OpenOptions::new().read(true).write(true).open(&path).map_err(fault)?;
            seal(&file, samples).map_err(fault)?;
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

/// A recording being made. Dropped without [`finish`](Self::finish), its file stays for the next repair.
#[derive(Debug)]
pub struct RecordingWriter {
    file: File,
    part: PathBuf,
    whole: PathBuf,
    law: Law,
    /// Samples in the file.
    written: u64,
    /// Octets of samples that wait.
    pending: Vec<u8>,
}

impl RecordingWriter {
    fn create(part: PathBuf, whole: PathBuf, law: Law) -> Result<Self, StoreError> {
        let fault = |error: std::io::Error| StoreError::file(&part, &error);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&part).map_err(fault)?;
        file.write_all_at(&header(0), 0).map_err(fault)?;
        let pending = Vec::with_capacity(FLUSH_SAMPLES * 2);
        Ok(RecordingWriter { file, part, whole, law, written: 0, pending })
    }

    /// Adds G.711 octets. After an error the sound before it is still there and [`finish`](Self::finish) may keep it.
    pub fn write(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        for octet in octets {
            if self.written + self.pending.len() as u64 / 2 >= RECORDING_MAX_SAMPLES {
                return Err(StoreError::TooLong(RECORDING_MAX_SAMPLES / RATE));
            }
            let sample = match self.law {
                Law::A => alaw_decode(*octet),
                Law::Mu => ulaw_decode(*octet),
            };
            self.pending.extend(sample.to_le_bytes());
            if self.pending.len() >= FLUSH_SAMPLES * 2 {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Samples so far.
    pub fn samples(&self) -> u64 {
        self.written + self.pending.len() as u64 / 2
    }

    /// Closes the recording: leaves out `drop_tail_ms` at the very end, cuts silence at both ends if `trim`, and returns
    /// its length when it is safe on the disk under its final name. No sound left: the file is removed and 0 returned. What
    /// a full disk took at the end is left out of the length.
    pub fn finish(mut self, trim: bool, drop_tail_ms: u32) -> Result<u32, StoreError> {
        let flushed = self.flush();
        let tail = u64::from(drop_tail_ms) * RATE / 1000;
        let (mut first, mut last) = (0, self.written.saturating_sub(tail));
        if trim {
            (first, last) = self.without_silence(last).map_err(|error| StoreError::file(&self.part, &error))?;
        }
        if first == last {
            flushed?;
            self.discard()?;
            return Ok(0);
        }
        if first > 0 {
            self.cut_front(first, last).map_err(|error| StoreError::file(&self.part, &error))?;
        }
        seal(&self.file, last - first).map_err(|error| StoreError::file(&self.part, &error))?;
        std::fs::rename(&self.part, &self.whole).map_err(|error| StoreError::file(&self.whole, &error))?;
        if let Some(dir) = self.whole.parent() {
            sync_dir(dir)?;
        }
        if let Err(error) = flushed {
            tracing::warn!(%error, "the end of a recording was lost");
        }
        Ok(length_ms(last - first))
    }

    /// Throws the sound away.
    pub fn discard(self) -> Result<(), StoreError> {
        std::fs::remove_file(&self.part).map_err(|error| StoreError::file(&self.part, &error))
    }

    /// Writes what waits, then the lengths in the header: never a header that promises more than there is.
    fn flush(&mut self) -> Result<(), StoreError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let fault = |error: std::io::Error| StoreError::file(&self.part, &error);
        let done = self.file.write_all_at(&self.pending, HEADER + self.written * 2);
        let samples = self.pending.len() as u64 / 2;
        self.pending.clear();
        done.map_err(fault)?;
        self.written += samples;
        self.file.write_all_at(&header(octets_of(self.written)), 0).map_err(fault)
    }

    /// The first and last samples of what is not silent among the first `samples`.
    fn without_silence(&self, samples: u64) -> std::io::Result<(u64, u64)> {
        let frames = samples.div_ceil(FRAME);
        let mut first = 0;
        while first < frames && !self.is_loud(first, samples)? {
            first += 1;
        }
        let mut last = frames;
        while last > first && !self.is_loud(last - 1, samples)? {
            last -= 1;
        }
        if first == last {
            return Ok((0, 0));
        }
        Ok(((first * FRAME).saturating_sub(TRIM_MARGIN), (last * FRAME + TRIM_MARGIN).min(samples)))
    }

    fn is_loud(&self, frame: u64, samples: u64) -> std::io::Result<bool> {
        let mut octets = [0; FRAME as usize * 2];
        let count = (samples - frame * FRAME).min(FRAME);
        let octets = &mut octets[..count as usize * 2];
        self.file.read_exact_at(octets, HEADER + frame * FRAME * 2)?;
        let square = |pair: &[u8]| u64::from(i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs()).pow(2);
        Ok(octets.chunks_exact(2).map(square).sum::<u64>() > SILENCE_MEAN_SQUARE * count)
    }

    /// Moves samples `first..last` to the front. Copying downwards in place is safe: it never overtakes its source.
    fn cut_front(&self, first: u64, last: u64) -> std::io::Result<()> {
        let mut buffer = vec![0; COPY];
        let (mut source, end) = (HEADER + first * 2, HEADER + last * 2);
        while source < end {
            let count = usize::try_from(end - source).unwrap_or(COPY).min(COPY);
            self.file.read_exact_at(&mut buffer[..count], source)?;
            self.file.write_all_at(&buffer[..count], source - first * 2)?;
            source += count as u64;
        }
        Ok(())
    }
}

/// Sets length and header right and waits for the platter.
fn seal(file: &File, samples: u64) -> std::io::Result<()> {
    file.set_len(HEADER + samples * 2)?;
    file.write_all_at(&header(octets_of(samples)), 0)?;
    file.sync_all()
}

fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| StoreError::file(dir, &error))
}

fn octets_of(samples: u64) -> u32 {
    u32::try_from(samples * 2).unwrap_or(u32::MAX)
}

fn length_ms(samples: u64) -> u32 {
    u32::try_from(samples * 1000 / RATE).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_in_words_and_ends_nothing_else() {
        let file = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
        let mut writer = RecordingWriter {
            file,
            part: "/recordings/RE1.part".into(),
            whole: "/recordings/RE1.wav".into(),
            law: Law::A,
            written: 0,
            pending: Vec::new(),
        };
        let error = writer.write(&[0xd5; 4000]).unwrap_err();
        assert!(error.to_string().contains("No space left"), "{error}");
        assert!(writer.write(&[0xd5; 10]).is_ok(), "a moment later there may be space again");
    }
}
