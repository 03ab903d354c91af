//! One direction of a sound device: opened at what the hardware can, read or written in pieces of 10 ms as mono samples of
//! 8 kHz. What goes wrong is one of three troubles; mending is done here, counting by whoever calls. No lock and no
//! allocation once it is open.
//!
//! What ALSA does to its user: a stream that ran over or dry refuses everything with EPIPE until it is prepared; one that
//! slept with the machine answers ESTRPIPE until it is resumed, or prepared where it cannot; one that was unplugged answers
//! ENODEV for ever. `avail` asks the hardware how far it is; what is kept of its last interrupt is older.

use alsa::pcm::{Access, Format, Frames, HwParams, IO, PCM};
use alsa::{Direction, ValueOr};
use tipring_card::BLOCK;
use tipring_dsp::{RATE, Resampler};

/// Rates, the best first: what needs no conversion, then what needs the cheapest.
const RATES: [u32; 6] = [8_000, 48_000, 16_000, 32_000, 24_000, 44_100];
/// Channels of the hardware, the fewest first.
const CHANNELS: [u32; 5] = [1, 2, 4, 6, 8];
/// Frames of 10 ms at the highest rate, of the most channels.
const MOST_SAMPLES: usize = 480 * 8;
/// Samples of one channel that one conversion may give: a little more than 10 ms.
const MOST_FRAMES: usize = 960;
/// The hardware's buffer in periods, if it has its way.
const BUFFER_PERIODS: Frames = 16;
/// What is written goes so many periods ahead of the loudspeaker, at least and at most.
pub(crate) const AHEAD: (u8, u8) = (2, 14);
/// Periods that one turn works off: the whole buffer.
const CATCH_UP: usize = 16;
/// A device that wakes up is asked so often, and so long each time.
const WAKE_TRIES: u32 = 100;
const WAKE_MS: i32 = 10;

/// Why a stream does not flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It ran over, or dry.
    Xrun,
    /// The machine slept.
    Suspended,
    /// It is gone, or broken, for this reason of the system.
    Gone(i32),
}

impl From<alsa::Error> for Trouble {
    fn from(error: alsa::Error) -> Self {
        match errno_of(error) {
            libc::EPIPE => Trouble::Xrun,
            libc::ESTRPIPE => Trouble::Suspended,
            errno => Trouble::Gone(errno),
        }
    }
}

fn errno_of(error: alsa::Error) -> i32 {
    error.errno().abs()
}

/// An opened direction.
pub(crate) struct Stream {
    pub pcm: PCM,
    rate: u32,
    channels: usize,
    /// Frames of 10 ms.
    period: Frames,
    buffer: Frames,
    ahead: Frames,
}

impl Stream {
    /// Opens one direction of what ALSA calls so, to be so many periods ahead of a loudspeaker; the system's reason where that fails.
    pub fn open(name: &str, way: Direction, ahead: u8) -> Result<Stream, i32> {
        let pcm = PCM::new(name, way, true).map_err(errno_of)?;
        let (rate, channels, buffer) = negotiate(&pcm).map_err(errno_of)?;
        let period = Frames::from(rate / 100);
        let ahead = Frames::from(ahead.clamp(AHEAD.0, AHEAD.1)).min(buffer / period.max(1));
        if ahead < 2 {
            return Err(libc::ENOTSUP);
        }
        let stream = Stream { pcm, rate, channels: channels as usize, period, buffer, ahead };
        stream.wake_up_at(way).map_err(errno_of)?;
        Ok(stream)
    }

    fn wake_up_at(&self, way: Direction) -> alsa::Result<()> {
        let software = self.pcm.sw_params_current()?;
        // A loudspeaker is of interest when a period is wanted, not when there is room for one.
        let room = self.buffer - (self.ahead - 1) * self.period;
        software.set_avail_min(if way == Direction::Playback { room } else { self.period })?;
        software.set_start_threshold(self.buffer * 2)?;
        self.pcm.sw_params(&software)
    }

    /// Mends what can be mended.
    pub fn mend(&self, trouble: Trouble) -> Result<(), Trouble> {
        match trouble {
            Trouble::Gone(_) => return Err(trouble),
            Trouble::Xrun => {}
            Trouble::Suspended => {
                for _ in 0..WAKE_TRIES {
                    match self.pcm.resume().map_err(errno_of) {
                        Err(libc::EAGAIN) => drop(alsa::poll::poll(&mut [], WAKE_MS)),
                        _ => break,
                    }
                }
            }
        }
        // A device that was resumed is prepared too: what it had is too old to be heard.
        let _ = self.pcm.drop();
        self.pcm.prepare().map_err(|error| match Trouble::from(error) {
            Trouble::Gone(errno) => Trouble::Gone(errno),
            Trouble::Xrun | Trouble::Suspended => Trouble::Gone(libc::EIO),
        })
    }

    fn us(&self, frames: Frames) -> i64 {
        frames * 1_000_000 / i64::from(self.rate.max(1))
    }
}

/// Rate, channels and buffer of the hardware.
fn negotiate(pcm: &PCM) -> alsa::Result<(u32, u32, Frames)> {
    let hardware = HwParams::any(pcm)?;
    hardware.set_access(Access::RWInterleaved)?;
    hardware.set_format(Format::s16())?;
    let none = |what| alsa::Error::new(what, libc::ENOTSUP);
    let rate = RATES.into_iter().find(|rate| hardware.test_rate(*rate).is_ok()).ok_or(none("rate"))?;
    hardware.set_rate(rate, ValueOr::Nearest)?;
    let channels = CHANNELS.into_iter().find(|n| hardware.test_channels(*n).is_ok()).ok_or(none("channels"))?;
    hardware.set_channels(channels)?;
    let period = Frames::from(rate / 100);
    hardware.set_period_size_near(period, ValueOr::Nearest)?;
    hardware.set_buffer_size_near(period * BUFFER_PERIODS)?;
    pcm.hw_params(&hardware)?;
    Ok((rate, channels, hardware.get_buffer_size()?))
}

/// A microphone that runs.
pub(crate) struct Microphone<'a> {
    pub stream: &'a Stream,
    io: IO<'a, i16>,
    converter: Resampler,
    frames: [i16; MOST_SAMPLES],
    mono: [i16; MOST_FRAMES],
    block: [i16; BLOCK],
    filled: usize,
}

impl<'a> Microphone<'a> {
    pub fn start(stream: &'a Stream) -> Result<Microphone<'a>, Trouble> {
        let io = stream.pcm.io_i16()?;
        stream.pcm.start()?;
        Ok(Microphone {
            stream,
            io,
            converter: Resampler::new(stream.rate, RATE),
            frames: [0; MOST_SAMPLES],
            mono: [0; MOST_FRAMES],
            block: [0; BLOCK],
            filled: 0,
        })
    }

    /// Fetches all whole periods, each told with the time since when it was whole. How many blocks that was.
    pub fn turn(&mut self, mut block: impl FnMut(&mut [i16; BLOCK], i64)) -> Result<usize, Trouble> {
        let mut blocks = 0;
        for _ in 0..CATCH_UP {
            let there = self.stream.pcm.avail()?;
            if there < self.stream.period {
                break;
            }
            let wanted = self.stream.period as usize * self.stream.channels;
            let got = match self.io.readi(&mut self.frames[..wanted]) {
                Ok(got) => got,
                Err(error) if errno_of(error) == libc::EAGAIN => break,
                Err(error) => return Err(error.into()),
            };
            let since_us = self.stream.us(there - got as Frames);
            mix_down(&self.frames[..got * self.stream.channels], self.stream.channels, &mut self.mono);
            self.converter.push(&self.mono[..got]);
            loop {
                self.filled += self.converter.pull(&mut self.block[self.filled..]);
                if self.filled < BLOCK {
                    break;
                }
                self.filled = 0;
                blocks += 1;
                block(&mut self.block, since_us);
            }
        }
        Ok(blocks)
    }

    /// Goes on behind a trouble.
    pub fn mend(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        self.stream.mend(trouble)?;
        self.stream.pcm.start().map_err(|error| Trouble::Gone(errno_of(error)))
    }
}

/// A loudspeaker that runs.
pub(crate) struct Loudspeaker<'a> {
    pub stream: &'a Stream,
    io: IO<'a, i16>,
    converter: Resampler,
    frames: [i16; MOST_SAMPLES],
    mono: [i16; MOST_FRAMES],
    is_started: bool,
}

impl<'a> Loudspeaker<'a> {
    pub fn start(stream: &'a Stream) -> Result<Loudspeaker<'a>, Trouble> {
        Ok(Loudspeaker {
            stream,
            io: stream.pcm.io_i16()?,
            converter: Resampler::new(RATE, stream.rate),
            frames: [0; MOST_SAMPLES],
            mono: [0; MOST_FRAMES],
            is_started: false,
        })
    }

    /// Asks for as many blocks as are wanted, each told with the time since when, and writes them. How many that was.
    pub fn turn(&mut self, mut block: impl FnMut(&mut [i16; BLOCK], i64)) -> Result<usize, Trouble> {
        let stream = self.stream;
        let mut blocks = 0;
        for _ in 0..CATCH_UP {
            let queued = stream.buffer - stream.pcm.avail()?;
            if queued + stream.period > stream.ahead * stream.period {
                break;
            }
            let mut samples = [0; BLOCK];
            // While it is filled for the first time nothing is late.
            let late = if self.is_started { (stream.ahead - 1) * stream.period - queued } else { 0 };
            block(&mut samples, stream.us(late.max(0)));
            blocks += 1;
            self.converter.push(&samples);
            let count = self.converter.pull(&mut self.mono);
            let channels = stream.channels;
            for (frame, sample) in self.frames.chunks_exact_mut(channels).zip(&self.mono[..count]) {
                frame.fill(*sample);
            }
            match self.io.writei(&self.frames[..count * channels]) {
                Ok(_) => {}
                Err(error) if errno_of(error) == libc::EAGAIN => break,
                Err(error) => return Err(error.into()),
            }
        }
        if !self.is_started && blocks > 0 {
            stream.pcm.start()?;
            self.is_started = true;
        }
        Ok(blocks)
    }

    /// Goes on behind a trouble: with the next turn, from the beginning.
    pub fn mend(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        self.is_started = false;
        self.stream.mend(trouble)
    }
}

/// All channels of a frame as one sample.
fn mix_down(frames: &[i16], channels: usize, mono: &mut [i16]) {
    let channels = channels.max(1);
    for (sample, frame) in mono.iter_mut().zip(frames.chunks_exact(channels)) {
        let sum: i32 = frame.iter().map(|sample| i32::from(*sample)).sum();
        *sample = (sum / channels as i32) as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_channels_are_heard() {
        let mut mono = [0; 3];
        mix_down(&[100, 300, -100, -300, i16::MAX, i16::MAX], 2, &mut mono);
        assert_eq!(mono, [200, -200, i16::MAX]);
        mix_down(&[7, 8], 1, &mut mono);
        assert_eq!(mono, [7, 8, i16::MAX]);
    }

    #[test]
    fn the_systems_reasons_are_troubles() {
        let trouble = |errno: i32| Trouble::from(alsa::Error::new("read", -errno));
        assert_eq!(trouble(libc::EPIPE), Trouble::Xrun);
        assert_eq!(trouble(libc::ESTRPIPE), Trouble::Suspended);
        assert_eq!(trouble(libc::ENODEV), Trouble::Gone(libc::ENODEV));
    }

    #[test]
    fn a_device_that_is_not_there_says_why() {
        let reason = Stream::open("hw:31,7", Direction::Capture, 3).err();
        assert!(reason.is_some_and(|errno| errno > 0), "{reason:?}");
    }
}
