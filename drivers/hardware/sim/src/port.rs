//! One end of one channel: who holds it, how it is set up, its queues and events. The wire moves what is in it; the
//! card's user reaches it through [`crate::SimChannel`].

use std::{collections::VecDeque, sync::Arc};

use nix::sys::eventfd::{EfdFlags, EventFd};
use tipring_card::{BLOCK, CardError, ChannelInfo, Event, Law, Setup, Signalling};

use crate::{
    audio::{HearQueue, SendQueue},
    dial::Dialler,
    frames::{FrameReceiver, FrameSender},
};

/// Events that a channel keeps: DAHDI's queue has 64 places of which 63 are used. What comes after is lost.
pub const EVENTS_KEPT: usize = 63;

/// What an opened channel carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Not set up: nothing to read, nothing to write.
    Unset,
    Audio,
    Frames,
}

/// One end of one channel.
#[derive(Debug)]
pub(crate) struct Port {
    pub info: ChannelInfo,
    /// Which opening holds it; a stale handle has another number.
    pub holder: Option<u64>,
    pub mode: Mode,
    pub law: Law,
    pub send: SendQueue,
    pub hear: HearQueue,
    pub frames_out: FrameSender,
    pub frames_in: FrameReceiver,
    pub dialler: Option<Dialler>,
    pub loses_first_frame: bool,
    /// Octets that were not read in time.
    pub overrun_octets: u64,
    /// Octets of silence that stood in for what was not written in time, since the first write.
    pub underrun_octets: u64,
    pub has_written: bool,
    events: VecDeque<Event>,
    wake: Option<Arc<EventFd>>,
    is_awake: bool,
}

impl Port {
    pub fn new(info: ChannelInfo) -> Self {
        let law = info.law;
        Port {
            info,
            holder: None,
            mode: Mode::Unset,
            law,
            send: SendQueue::new(),
            hear: HearQueue::new(),
            frames_out: FrameSender::default(),
            frames_in: FrameReceiver::default(),
            dialler: None,
            loses_first_frame: false,
            overrun_octets: 0,
            underrun_octets: 0,
            has_written: false,
            events: VecDeque::new(),
            wake: None,
            is_awake: false,
        }
    }

    /// Takes the channel for a new holder, at its defaults.
    pub fn open(&mut self, holder: u64, with_fd: bool) -> Result<(), CardError> {
        if self.holder.is_some() {
            return Err(CardError::Busy);
        }
        self.reset();
        self.wake = match with_fd {
            true => {
                let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
                let wake = EventFd::from_value_and_flags(0, flags).map_err(|errno| CardError::Os(errno as i32))?;
                Some(Arc::new(wake))
            }
            false => None,
        };
        self.holder = Some(holder);
        Ok(())
    }

    /// Gives it back; true when a frame was cut in the middle.
    pub fn close(&mut self) -> bool {
        let cut = self.reset();
        self.holder = None;
        self.wake = None;
        cut
    }

    fn reset(&mut self) -> bool {
        let cut = self.frames_out.clear();
        self.mode = Mode::Unset;
        self.law = self.info.law;
        self.clear_audio();
        self.frames_in.clear();
        self.dialler = None;
        self.events.clear();
        self.is_awake = false;
        self.overrun_octets = 0;
        self.underrun_octets = 0;
        cut
    }

    pub fn clear_audio(&mut self) {
        self.send.clear();
        self.hear.clear();
        self.has_written = false;
    }

    /// What a user polls, when there is a clock to wait for.
    pub fn wake(&self) -> Option<Arc<EventFd>> {
        self.wake.clone()
    }

    pub fn setup(&mut self, setup: Setup) -> Result<(), CardError> {
        match (setup, self.info.signalling) {
            (Setup::Frames, Signalling::Hdlc) => self.mode = Mode::Frames,
            (Setup::Audio(law), Signalling::Bearer | Signalling::FxsKs | Signalling::FxoKs) => {
                self.mode = Mode::Audio;
                self.law = law;
            }
            _ => return Err(CardError::Invalid),
        }
        self.clear_audio();
        self.frames_in.clear();
        self.frames_out.clear();
        self.refresh_fd();
        Ok(())
    }

    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, CardError> {
        if !self.events.is_empty() {
            return Err(CardError::EventPending);
        }
        if into.is_empty() {
            return Err(CardError::Invalid);
        }
        let got = match self.mode {
            Mode::Unset => None,
            Mode::Audio => self.hear.pop(into),
            Mode::Frames => self.frames_in.pop(into),
        };
        self.refresh_fd();
        got.ok_or(CardError::Again)
    }

    pub fn write(&mut self, from: &[u8]) -> Result<usize, CardError> {
        if !self.events.is_empty() {
            return Err(CardError::EventPending);
        }
        if from.is_empty() {
            return Err(CardError::Invalid);
        }
        self.dialler = None; // a write ends any tone, whether or not there is room
        let taken = match self.mode {
            Mode::Unset => return Err(CardError::Invalid),
            Mode::Audio => self.send.push(from),
            Mode::Frames => self.frames_out.push(from),
        };
        self.has_written |= taken.is_some();
        taken.ok_or(CardError::Again)
    }

    pub fn flush(&mut self) {
        self.clear_audio();
        self.frames_in.clear();
        self.frames_out.clear();
        self.events.clear();
        self.refresh_fd();
    }

    /// Tells the holder something; without a holder, or with a full queue, it is lost.
    pub fn tell(&mut self, event: Event) {
        if self.holder.is_some() && self.events.len() < EVENTS_KEPT {
            self.events.push_back(event);
            self.refresh_fd();
        }
    }

    pub fn event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        self.refresh_fd();
        event
    }

    /// The next octets for the line, silence where nothing was written.
    pub fn sent(&mut self, into: &mut [u8]) {
        if let Some(dialler) = &mut self.dialler {
            if dialler.fill(into, self.law) {
                return;
            }
            self.dialler = None;
            self.tell(Event::DialComplete);
            return;
        }
        let sent = self.send.pull(into);
        if sent < into.len() {
            into[sent..].fill(self.law.silence());
            if self.has_written {
                self.underrun_octets += (into.len() - sent) as u64;
            }
        }
    }

    /// Octets of line time until something here is ready; none: nothing moves.
    pub fn octets_to_next(&self) -> Option<usize> {
        match self.mode {
            Mode::Audio => Some(BLOCK),
            Mode::Frames => self.frames_out.octets_to_next(),
            Mode::Unset => None,
        }
    }

    /// Octets from the line.
    pub fn heard(&mut self, octets: &[u8]) {
        if self.mode == Mode::Audio {
            self.overrun_octets += self.hear.push(octets) as u64;
            if !self.is_awake && self.wake.is_some() {
                self.refresh_fd();
            }
        }
    }

    /// A frame from the line; false when there was no room.
    pub fn heard_frame(&mut self, frame: Vec<u8>) -> bool {
        if self.mode != Mode::Frames {
            return true;
        }
        let kept = self.frames_in.push(frame);
        self.refresh_fd();
        kept
    }

    /// The card is gone: whoever waits must wake up and see.
    pub fn wake_for_good(&mut self) {
        if let Some(wake) = &self.wake {
            let _ = wake.write(1);
        }
    }

    /// Makes the descriptor readable exactly when there is something to read or an event.
    fn refresh_fd(&mut self) {
        let Some(wake) = &self.wake else { return };
        let wanted = !self.events.is_empty() || self.hear.has_block() || self.frames_in.has_frame();
        if wanted && !self.is_awake {
            let _ = wake.write(1);
        } else if !wanted && self.is_awake {
            let _ = wake.read();
        }
        self.is_awake = wanted;
    }
}
