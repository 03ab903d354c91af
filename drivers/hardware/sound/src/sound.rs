//! The thread of one sound device, which is its clock domain: opens the device by its lasting name, lets the sound flow
//! both ways, finds it again when it was taken away. While it flows it reads, writes, polls and nothing else: no
//! allocation, no lock, no log. Between two openings it may take its time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use alsa::Direction;
use alsa::poll::{Descriptors, pollfd};
use heapless::Deque;
use heapless::spsc::{Consumer, Producer};
use tipring_card::BLOCK;
use tipring_dsp::{Canceller, Elastic};

use crate::names::Device;
use crate::pcm::{Loudspeaker, Microphone, Stream, Trouble};
use crate::set::{Happens, State};
use crate::shared::{Figure, Shared, Stamped};
use crate::voice::Voice;

/// A device that is not there is looked for this often.
const AGAIN: Duration = Duration::from_secs(2);
/// A wait looks this often whether it shall end.
const SLICE: Duration = Duration::from_millis(100);
/// Longest wait for the device while it flows.
const TURN_MS: i32 = 20;
/// What one wait counts for at most.
const TURN_US: u64 = 2 * TURN_MS as u64 * 1_000;
/// Turns without work behind which the device's word is not waited for any more: its descriptors lie.
const IDLE_TURNS: u32 = 3;
const IDLE_MS: i32 = 2;
/// A direction that has not moved for so long stands.
const STALL_US: u64 = 1_000_000;
/// Blocks that were played and wait for what the microphone hears at the same time.
const PLAYED: usize = 16;

/// One device's thread.
pub(crate) struct Sound {
    pub shared: Arc<Shared>,
    pub device: Device,
    pub sysfs: PathBuf,
    /// Periods written ahead of the loudspeaker.
    pub ahead: u8,
    pub capture: Producer<'static, Stamped>,
    pub flow: Flow,
    pub stop: Arc<AtomicBool>,
}

/// What goes to the loudspeaker, and what is heard of it.
pub(crate) struct Flow {
    pub said: Consumer<'static, Stamped>,
    pub elastic: Elastic,
    pub voice: Voice,
    pub played: Deque<[i16; BLOCK], PLAYED>,
    /// Where the device's microphone hears its loudspeaker.
    pub echo: Option<Box<Canceller>>,
}

/// Why the flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stopped,
    Stalled,
    Gone(i32),
}

impl Sound {
    /// Runs until it is stopped.
    pub fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            let errno = match self.open() {
                Err(errno) => errno,
                Ok((microphone, loudspeaker)) => {
                    let end = self.flow(microphone.as_ref(), loudspeaker.as_ref());
                    let was_there = self.shared.present.swap(false, Ordering::AcqRel);
                    match end {
                        End::Stopped => return,
                        End::Stalled => {
                            self.shared.count(Figure::Stalls);
                            libc::EIO
                        }
                        End::Gone(errno) => {
                            if was_there {
                                self.shared.count(Figure::Losses);
                            }
                            errno
                        }
                    }
                }
            };
            self.shared.errno.store(errno, Ordering::Relaxed);
            // Whoever speaks on it has lost it, and a telephone that is gone is on hook.
            self.shared.set.happens(Happens::PutDown);
            self.shared.set.happens(Happens::Cut);
            self.shared.told.store(false, Ordering::Release);
            self.wait();
        }
    }

    fn wait(&self) {
        let mut waited = Duration::ZERO;
        while waited < AGAIN && !self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(SLICE);
            waited += SLICE;
        }
    }

    fn open(&self) -> Result<(Option<Stream>, Option<Stream>), i32> {
        let name = self.device.resolve(&self.sysfs).ok_or(libc::ENODEV)?;
        let of = self.shared.of;
        let open = |wanted: bool, way| wanted.then(|| Stream::open(&name, way, self.ahead)).transpose();
        Ok((open(of.captures(), Direction::Capture)?, open(of.plays(), Direction::Playback)?))
    }

    fn flow(&mut self, microphone: Option<&Stream>, loudspeaker: Option<&Stream>) -> End {
        let gone = |trouble| match trouble {
            Trouble::Gone(errno) => End::Gone(errno),
            Trouble::Xrun | Trouble::Suspended => End::Gone(libc::EIO),
        };
        let mut fds: Vec<pollfd> = Vec::new();
        for stream in [microphone, loudspeaker].into_iter().flatten() {
            match stream.pcm.get() {
                Ok(of_stream) => fds.extend(of_stream),
                Err(error) => return End::Gone(error.errno().abs()),
            }
        }
        let microphone = microphone.map(Microphone::start).transpose();
        let loudspeaker = loudspeaker.map(Loudspeaker::start).transpose();
        match (microphone, loudspeaker) {
            (Err(trouble), _) | (_, Err(trouble)) => gone(trouble),
            (Ok(mut microphone), Ok(mut loudspeaker)) => {
                self.flow.played.clear();
                self.shared.present.store(true, Ordering::Release);
                self.turns(&mut fds, microphone.as_mut(), loudspeaker.as_mut())
            }
        }
    }

    /// The running loop.
    fn turns(
        &mut self,
        fds: &mut [pollfd],
        mut microphone: Option<&mut Microphone<'_>>,
        mut loudspeaker: Option<&mut Loudspeaker<'_>>,
    ) -> End {
        let mut idle = 0;
        let mut last_us = self.shared.now_us();
        let (mut deaf_us, mut dumb_us) = (0, 0);
        while !self.stop.load(Ordering::Relaxed) {
            let waited =
                if idle < IDLE_TURNS { alsa::poll::poll(fds, TURN_MS) } else { alsa::poll::poll(&mut [], IDLE_MS) };
            let _ = waited;
            let now_us = self.shared.now_us();
            // A machine that was stopped itself says nothing about the device.
            let passed_us = now_us.saturating_sub(last_us).min(TURN_US);
            last_us = now_us;
            idle += 1;
            (deaf_us, dumb_us) = (deaf_us + passed_us, dumb_us + passed_us);
            if let Some(loudspeaker) = loudspeaker.as_deref_mut() {
                match self.speak(loudspeaker) {
                    Ok(0) => {}
                    Ok(_) => (idle, dumb_us) = (0, 0),
                    Err(errno) => return End::Gone(errno),
                }
                if dumb_us > STALL_US {
                    return End::Stalled;
                }
            }
            if let Some(microphone) = microphone.as_deref_mut() {
                match self.hear(microphone) {
                    Ok(0) => {}
                    Ok(_) => (idle, deaf_us) = (0, 0),
                    Err(errno) => return End::Gone(errno),
                }
                if deaf_us > STALL_US {
                    return End::Stalled;
                }
            }
        }
        End::Stopped
    }

    fn speak(&mut self, loudspeaker: &mut Loudspeaker<'_>) -> Result<usize, i32> {
        let (flow, shared) = (&mut self.flow, &self.shared);
        match loudspeaker.turn(|block, since_us| flow.next(shared, block, since_us)) {
            Ok(blocks) => Ok(blocks),
            Err(trouble) => {
                count(shared, trouble, Figure::PlaybackXruns);
                flow.played.clear();
                loudspeaker.mend(trouble).map(|()| 1).map_err(errno_of)
            }
        }
    }

    fn hear(&mut self, microphone: &mut Microphone<'_>) -> Result<usize, i32> {
        let (shared, capture, flow) = (&self.shared, &mut self.capture, &mut self.flow);
        let heard = microphone.turn(|block, since_us| {
            let at_us = shared.now_us().saturating_sub(u64::try_from(since_us).unwrap_or(0));
            flow.heard(shared, block);
            let stamped = Stamped { at_us, samples: *block };
            if shared.is_heard.load(Ordering::Relaxed) && capture.enqueue(stamped).is_err() {
                shared.count(Figure::BlocksLost);
            }
        });
        match heard {
            Ok(blocks) => Ok(blocks),
            Err(trouble) => {
                count(shared, trouble, Figure::CaptureXruns);
                flow.played.clear();
                microphone.mend(trouble).map(|()| 1).map_err(errno_of)
            }
        }
    }
}

impl Flow {
    /// The next block for the loudspeaker.
    fn next(&mut self, shared: &Shared, block: &mut [i16; BLOCK], late_us: i64) {
        let now_us = shared.now_us();
        while let Some(said) = self.said.dequeue() {
            self.elastic.push(said.at_us, &said.samples);
        }
        let at_us = now_us.saturating_sub(u64::try_from(late_us).unwrap_or(0));
        self.elastic.pull(at_us, block);
        shared.slips(false, self.elastic.slips());
        shared.playback_ppm.store(self.elastic.drift_ppm() as i32, Ordering::Relaxed);
        match shared.set.state() {
            State::Ringing => self.voice.ring(block),
            State::Chiming if self.voice.chime(block) => shared.set.happens(Happens::ChimeOver),
            State::Chiming => {}
            State::Rest | State::Pausing | State::Lifted => self.voice.still(),
        }
        if self.echo.is_some() && self.played.push_back(*block).is_err() {
            // The microphone stands, or is far behind: what it hears next is of another moment.
            self.played.clear();
            shared.count(Figure::EchoResets);
        }
    }

    /// What the microphone heard, without what was played at the same time. How long that takes to come back is the same
    /// from one opening or mending to the next, and is learnt.
    fn heard(&mut self, shared: &Shared, block: &mut [i16; BLOCK]) {
        let Some(echo) = &mut self.echo else {
            return;
        };
        echo.cancel(&self.played.pop_front().unwrap_or([0; BLOCK]), block);
        shared.echo_db.store(echo.erle_db() as i32, Ordering::Relaxed);
    }
}

fn count(shared: &Shared, trouble: Trouble, xrun: Figure) {
    match trouble {
        Trouble::Xrun => shared.count(xrun),
        Trouble::Suspended => shared.count(Figure::Suspends),
        Trouble::Gone(_) => {}
    }
}

fn errno_of(trouble: Trouble) -> i32 {
    match trouble {
        Trouble::Gone(errno) => errno,
        Trouble::Xrun => libc::EPIPE,
        Trouble::Suspended => libc::ESTRPIPE,
    }
}
