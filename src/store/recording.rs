//! A recording on its way into its file: G.711 octets become 16-bit samples, two channels are interleaved. The channels of
//! one recording come from two taps of one clock, block by block and in no certain order: what one has ahead of the other
//! waits for it, but not long. Not here: the folder, the repair after a crash (`blobs`).

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use tipring_card::Law;
use tipring_dsp::{alaw_decode, ulaw_decode};

use crate::StoreError;
use crate::blobs::{length_ms, seal, sync_dir, width};
use crate::wav::{HEADER, RATE, header};

/// Frames kept back before they are written: 250 ms. The header follows at once.
pub const FLUSH_SAMPLES: usize = 2000;
/// A recording is cut here: 24 hours, far above the longest that a document may ask for (4 hours).
pub const RECORDING_MAX_SAMPLES: u64 = 24 * 3600 * RATE;
/// Samples that one channel may be ahead of the other: 20 ms, twice what the order of two taps in one tick can make. Above
/// it the other is silent: its tap has not begun yet, has ended, or lost a block.
pub const AHEAD_MAX: usize = 160;

/// Frames of the shortest recording: 100 ms. Less is nobody's word; its file is removed, here and by the repair alike.
pub(crate) const SHORTEST_FRAMES: u64 = RATE / 10;

/// A frame of 10 ms whose mean square is below this in every channel is silence: about -50 dBm0.
const SILENCE_MEAN_SQUARE: u64 = 70 * 70;
/// Frames looked at together when silence is looked for.
const LOOK: u64 = 80;
/// Silence left at both ends by trimming, so that no word loses its first or last sound: 50 ms.
const TRIM_MARGIN: u64 = 400;
/// Octets copied at once when the beginning is cut off.
const COPY: usize = 64 * 1024;

/// A recording being made. Dropped without [`finish`](Self::finish), its file stays for the next repair.
#[derive(Debug)]
pub struct RecordingWriter {
    file: File,
    part: PathBuf,
    whole: PathBuf,
    left: Lane,
    right: Option<Lane>,
    /// Frames in the file.
    written: u64,
    /// Octets of whole frames that wait.
    pending: Vec<u8>,
}

/// One channel.
#[derive(Debug)]
struct Lane {
    law: Law,
    /// Samples that wait for the other channel.
    ahead: VecDeque<i16>,
}

impl Lane {
    fn new(law: Law) -> Self {
        Lane { law, ahead: VecDeque::with_capacity(2 * AHEAD_MAX) }
    }

    fn decode(&self, octet: u8) -> i16 {
        match self.law {
            Law::A => alaw_decode(octet),
            Law::Mu => ulaw_decode(octet),
        }
    }
}

impl RecordingWriter {
    pub(crate) fn create(part: PathBuf, whole: PathBuf, left: Law, right: Option<Law>) -> Result<Self, StoreError> {
        let fault = |error: std::io::Error| StoreError::file(&part, &error);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&part).map_err(fault)?;
        let (left, right) = (Lane::new(left), right.map(Lane::new));
        let mut writer = RecordingWriter { file, part, whole, left, right, written: 0, pending: Vec::new() };
        let done = writer.file.write_all_at(&header(0, writer.channels()), 0);
        done.map_err(|error| StoreError::file(&writer.part, &error))?;
        writer.pending.reserve_exact(FLUSH_SAMPLES * writer.width());
        Ok(writer)
    }

    /// 1 or 2.
    pub fn channels(&self) -> u16 {
        if self.right.is_some() { 2 } else { 1 }
    }

    /// Adds G.711 octets to the only channel, or to the left one of two. After an error the sound before it is still
    /// there and [`finish`](Self::finish) may keep it.
    pub fn write(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        for octet in octets {
            let sample = self.left.decode(*octet);
            if self.right.is_some() {
                self.left.ahead.push_back(sample);
                self.pair(AHEAD_MAX)?;
            } else {
                self.frame(&[sample])?;
            }
        }
        Ok(())
    }

    /// Adds G.711 octets to the right one of two channels; of one channel there is no right, and they are dropped.
    pub fn write_right(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        for octet in octets {
            let Some(right) = &mut self.right else { return Ok(()) };
            let sample = right.decode(*octet);
            right.ahead.push_back(sample);
            self.pair(AHEAD_MAX)?;
        }
        Ok(())
    }

    /// Adds the same moment of both channels.
    pub fn write2(&mut self, left: &[u8], right: &[u8]) -> Result<(), StoreError> {
        let both = left.len().max(right.len());
        for at in (0..both).step_by(AHEAD_MAX / 2) {
            let part = |octets: &[u8]| octets.iter().skip(at).take(AHEAD_MAX / 2).copied().collect::<Vec<u8>>();
            self.write(&part(left))?;
            self.write_right(&part(right))?;
        }
        Ok(())
    }

    /// Frames so far: samples of each channel.
    pub fn samples(&self) -> u64 {
        self.written + (self.pending.len() / self.width()) as u64
    }

    /// Makes frames of what both channels have, and of what one has more than `most` ahead of the other.
    fn pair(&mut self, most: usize) -> Result<(), StoreError> {
        loop {
            let Some(right) = &mut self.right else { return Ok(()) };
            let (here, there) = (self.left.ahead.len(), right.ahead.len());
            if here.min(there) == 0 && here.max(there) <= most {
                return Ok(());
            }
            let left = self.left.ahead.pop_front().unwrap_or(0);
            let right = right.ahead.pop_front().unwrap_or(0);
            self.frame(&[left, right])?;
        }
    }

    /// Adds one frame.
    fn frame(&mut self, samples: &[i16]) -> Result<(), StoreError> {
        if self.samples() >= RECORDING_MAX_SAMPLES {
            return Err(StoreError::TooLong(RECORDING_MAX_SAMPLES / RATE));
        }
        for sample in samples {
            self.pending.extend(sample.to_le_bytes());
        }
        if self.pending.len() >= FLUSH_SAMPLES * self.width() { self.flush() } else { Ok(()) }
    }

    /// Closes the recording: leaves out `drop_tail_ms` at the very end, cuts silence at both ends if `trim` (of two
    /// channels what both are silent in), and returns its length when it is safe on the disk under its final name. Less
    /// than 100 ms left: the file is removed and 0 returned. What a full disk took at the end is left out of the length.
    pub fn finish(mut self, trim: bool, drop_tail_ms: u32) -> Result<u32, StoreError> {
        let paired = self.pair(0);
        let flushed = self.flush().and(paired);
        let tail = u64::from(drop_tail_ms) * RATE / 1000;
        let (mut first, mut last) = (0, self.written.saturating_sub(tail));
        if trim {
            (first, last) = self.without_silence(last).map_err(|error| StoreError::file(&self.part, &error))?;
        }
        if last - first < SHORTEST_FRAMES {
            flushed?;
            self.discard()?;
            return Ok(0);
        }
        if first > 0 {
            self.cut_front(first, last).map_err(|error| StoreError::file(&self.part, &error))?;
        }
        let channels = self.channels();
        seal(&self.file, last - first, channels).map_err(|error| StoreError::file(&self.part, &error))?;
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
        let done = self.file.write_all_at(&self.pending, self.place(self.written));
        let frames = (self.pending.len() / self.width()) as u64;
        self.pending.clear();
        done.map_err(fault)?;
        self.written += frames;
        self.file.write_all_at(&header(self.written, self.channels()), 0).map_err(fault)
    }

    /// Octets of a frame.
    fn width(&self) -> usize {
        usize::from(self.channels()) * 2
    }

    /// Where a frame stands in the file.
    fn place(&self, frame: u64) -> u64 {
        HEADER + frame * width(self.channels())
    }

    /// The first and last of what is not silent among the first `frames`.
    fn without_silence(&self, frames: u64) -> std::io::Result<(u64, u64)> {
        let looks = frames.div_ceil(LOOK);
        let mut first = 0;
        while first < looks && !self.is_loud(first, frames)? {
            first += 1;
        }
        let mut last = looks;
        while last > first && !self.is_loud(last - 1, frames)? {
            last -= 1;
        }
        if first == last {
            return Ok((0, 0));
        }
        Ok(((first * LOOK).saturating_sub(TRIM_MARGIN), (last * LOOK + TRIM_MARGIN).min(frames)))
    }

    /// Whether any channel is loud in 10 ms.
    fn is_loud(&self, look: u64, frames: u64) -> std::io::Result<bool> {
        let mut octets = [0; LOOK as usize * 4];
        let count = (frames - look * LOOK).min(LOOK);
        let octets = &mut octets[..count as usize * self.width()];
        self.file.read_exact_at(octets, self.place(look * LOOK))?;
        let square = |pair: &[u8]| u64::from(i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs()).pow(2);
        let energy = |channel: usize| -> u64 {
            octets.chunks_exact(2).skip(channel).step_by(self.width() / 2).map(square).sum()
        };
        Ok((0..self.width() / 2).any(|channel| energy(channel) > SILENCE_MEAN_SQUARE * count))
    }

    /// Moves frames `first..last` to the front. Copying downwards in place is safe: it never overtakes its source.
    fn cut_front(&self, first: u64, last: u64) -> std::io::Result<()> {
        let mut buffer = vec![0; COPY];
        let (mut source, end) = (self.place(first), self.place(last));
        let down = source - HEADER;
        while source < end {
            let count = usize::try_from(end - source).unwrap_or(COPY).min(COPY);
            self.file.read_exact_at(&mut buffer[..count], source)?;
            self.file.write_all_at(&buffer[..count], source - down)?;
            source += count as u64;
        }
        Ok(())
    }
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
            left: Lane::new(Law::A),
            right: None,
            written: 0,
            pending: Vec::new(),
        };
        let error = writer.write(&[0xd5; 4000]).unwrap_err();
        assert!(error.to_string().contains("No space left"), "{error}");
        assert!(writer.write(&[0xd5; 10]).is_ok(), "a moment later there may be space again");
    }
}
