//! One opened DAHDI channel. Never blocks. The kernel forgets all about it at the close, so [`setup`] says everything.
//!
//! [`setup`]: DahdiChannel::setup
//!
//! What the kernel does here: read and write fail with errno 500 while an event waits; write ends a tone or a dial
//! string; a short read loses the rest of the buffer; an event queue of 63 loses what comes after; HOOK answers
//! EINPROGRESS for what it will report by an event.
//!
//! A descriptor may be used by several threads: [`DahdiControl`] moves the hook while another thread reads and writes.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::{Arc, Weak};

use tipring_card::{BLOCK, CardError, Channel, ChannelInfo, Control, Event, Hook, Law, Progress, Setup, Signalling};

use crate::raw::{self, Request};
use crate::{decode, fault};

/// Buffers of a voice channel: two are primed, the rest is room for a late thread (60 ms).
const AUDIO_BUFFERS: u32 = 8;
/// Buffers of a D channel: a full window of frames, several times over.
const FRAME_BUFFERS: u32 = 32;
/// Octets of a frame with its FCS, as a buffer: Q.921's N201 is 260, with address and control some more.
const FRAME_OCTETS: u32 = 1024;
/// The kernel's dial buffer is 256 octets with the zero at its end.
const DIAL_OCTETS: usize = 255;

/// An opened channel.
#[derive(Debug)]
pub struct DahdiChannel {
    /// The channel's own, and the only lasting one: the node closes with it. See [`DahdiControl`].
    node: Arc<File>,
    info: ChannelInfo,
    echo_taps: u32,
}

impl DahdiChannel {
    /// A node that is bound to the channel `info`.
    pub(crate) fn new(node: File, info: ChannelInfo, echo_taps: u32) -> Self {
        DahdiChannel { node: Arc::new(node), info, echo_taps }
    }

    /// Voice in blocks of another size than [`BLOCK`], for measurements. Discards what is queued.
    pub fn setup_audio(&mut self, law: Law, samples: u32, buffers: u32) -> Result<(), CardError> {
        if self.info.signalling == Signalling::Hdlc {
            return Err(CardError::Invalid);
        }
        self.buffers(buffers, samples)?;
        if self.info.signalling == Signalling::Bearer {
            // A clear channel carries voice only after this; the others do so always, and refuse it.
            self.ask(&raw::AUDIOMODE, &mut 1)?;
        }
        self.ask(&raw::SETLAW, &mut decode::law_number(law))?;
        if self.echo_taps > 0 {
            self.ask(&raw::ECHOCANCEL, &mut (self.echo_taps as i32))?;
        }
        Ok(())
    }

    /// What the kernel tells about the channel at the moment.
    pub(crate) fn params(&self) -> Result<raw::Params, CardError> {
        params_of(&self.node)
    }

    fn buffers(&self, count: u32, size: u32) -> Result<(), CardError> {
        let mut info = raw::BufferInfo {
            tx_policy: raw::POLICY_IMMEDIATE,
            rx_policy: raw::POLICY_IMMEDIATE,
            count,
            size,
            ..raw::BufferInfo::zero()
        };
        self.ask(&raw::SET_BUFINFO, &mut info)
    }

    fn ask<T: raw::Plain>(&self, request: &Request<T>, argument: &mut T) -> Result<(), CardError> {
        raw::ioctl(self.node.as_fd(), request, argument).map_err(fault::card_error)
    }
}

impl Channel for DahdiChannel {
    fn info(&self) -> &ChannelInfo {
        &self.info
    }

    fn setup(&mut self, setup: Setup) -> Result<(), CardError> {
        match setup {
            Setup::Audio(law) => self.setup_audio(law, BLOCK as u32, AUDIO_BUFFERS),
            Setup::Frames if self.info.signalling == Signalling::Hdlc => self.buffers(FRAME_BUFFERS, FRAME_OCTETS),
            Setup::Frames => Err(CardError::Invalid),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, CardError> {
        (&*self.node).read(into).map_err(|error| fault::io_error(&error))
    }

    fn write(&mut self, from: &[u8]) -> Result<usize, CardError> {
        if self.info.signalling == Signalling::Hdlc && from.len() > FRAME_OCTETS as usize {
            // The kernel would cut it and send the rest as a frame of its own.
            return Err(CardError::Invalid);
        }
        (&*self.node).write(from).map_err(|error| fault::io_error(&error))
    }

    fn flush(&mut self) -> Result<(), CardError> {
        self.ask(&raw::FLUSH, &mut { raw::FLUSH_ALL })
    }

    fn event(&mut self) -> Result<Option<Event>, CardError> {
        let mut code = 0;
        self.ask(&raw::GETEVENT, &mut code)?;
        Ok(decode::event(code))
    }

    fn hook(&mut self, hook: Hook) -> Result<Progress, CardError> {
        move_hook(&self.node, hook)
    }

    fn dial(&mut self, digits: &str) -> Result<(), CardError> {
        send_digits(&self.node, digits)
    }

    fn dialing(&mut self) -> Result<bool, CardError> {
        still_dialing(&self.node)
    }

    fn control(&self) -> Result<Box<dyn Control>, CardError> {
        match self.info.signalling {
            Signalling::FxsKs | Signalling::FxoKs => Ok(Box::new(DahdiControl {
                node: Arc::downgrade(&self.node),
                is_port: self.info.signalling == Signalling::FxoKs,
            })),
            _ => Err(CardError::Invalid),
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.node.as_fd())
    }
}

/// Hook and card-made digits of a channel that another thread reads and writes. It holds the node for the length of one
/// call only: a channel that is dropped in that moment closes a few microseconds later, and after that all is `Invalid`.
#[derive(Clone, Debug)]
pub struct DahdiControl {
    node: Weak<File>,
    /// A port for a telephone. Of one towards an exchange the kernel's word for the far end is about its battery.
    is_port: bool,
}

impl DahdiControl {
    fn node(&self) -> Result<Arc<File>, CardError> {
        self.node.upgrade().ok_or(CardError::Invalid)
    }
}

impl Control for DahdiControl {
    fn hook(&mut self, hook: Hook) -> Result<Progress, CardError> {
        move_hook(&*self.node()?, hook)
    }

    fn dial(&mut self, digits: &str) -> Result<(), CardError> {
        send_digits(&*self.node()?, digits)
    }

    fn dialing(&mut self) -> Result<bool, CardError> {
        still_dialing(&*self.node()?)
    }

    fn lifted(&mut self) -> Result<bool, CardError> {
        if !self.is_port {
            return Err(CardError::Invalid);
        }
        Ok(params_of(&*self.node()?)?.rxisoffhook != 0)
    }
}

fn params_of(node: &File) -> Result<raw::Params, CardError> {
    let mut params = raw::Params::zero();
    raw::ioctl(node.as_fd(), &raw::GET_PARAMS, &mut params).map_err(fault::card_error)?;
    Ok(params)
}

fn move_hook(node: &File, hook: Hook) -> Result<Progress, CardError> {
    match raw::ioctl(node.as_fd(), &raw::HOOK, &mut decode::hook_number(hook)) {
        Ok(()) => Ok(Progress::Done),
        Err(libc::EINPROGRESS) => Ok(Progress::Pending),
        // Here it does not mean another opener, but a line in the wrong state for this.
        Err(libc::EBUSY) => Err(CardError::Invalid),
        Err(errno) => Err(fault::card_error(errno)),
    }
}

fn send_digits(node: &File, digits: &str) -> Result<(), CardError> {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'*' | b'#');
    if digits.is_empty() || digits.len() > DIAL_OCTETS || !digits.bytes().all(allowed) {
        return Err(CardError::Invalid);
    }
    let mut operation = raw::DialOperation::zero();
    operation.operation = raw::DIAL_REPLACE;
    operation.digits[..digits.len()].copy_from_slice(digits.as_bytes());
    raw::ioctl(node.as_fd(), &raw::DIAL, &mut operation).map_err(fault::card_error)
}

fn still_dialing(node: &File) -> Result<bool, CardError> {
    let mut dialing = 0;
    raw::ioctl(node.as_fd(), &raw::DIALING, &mut dialing).map_err(fault::card_error)?;
    Ok(dialing != 0)
}

#[cfg(test)]
mod tests {
    use tipring_card::{ChannelId, SpanId};

    use super::*;

    /// A file in the place of the node: requests fail, but its opening and closing are real.
    fn channel(signalling: Signalling) -> DahdiChannel {
        let node = File::open("/dev/null").expect("always there");
        let info = ChannelInfo { id: ChannelId(63), span: SpanId(3), timeslot: 1, signalling, law: Law::Mu };
        DahdiChannel::new(node, info, 0)
    }

    #[test]
    fn a_control_asks_the_node_while_the_channel_is_open_and_does_not_keep_it_open() {
        let channel = channel(Signalling::FxsKs);
        let node = Arc::downgrade(&channel.node);
        let mut control = channel.control().expect("it has a hook");
        assert_eq!(node.strong_count(), 1, "a control that waits holds nothing");
        let mut other = std::thread::spawn(move || {
            assert_eq!(control.dial("T1 2"), Err(CardError::Invalid), "never sent");
            assert_eq!(control.dialing(), Err(CardError::Invalid), "asked: not a DAHDI node");
            control
        })
        .join()
        .expect("no panic");
        drop(channel);
        assert_eq!(node.strong_count(), 0, "the node is closed");
        assert_eq!(other.hook(Hook::OnHook), Err(CardError::Invalid));
    }

    #[test]
    fn a_channel_without_a_hook_has_no_control() {
        for signalling in [Signalling::Bearer, Signalling::Hdlc, Signalling::Cas] {
            assert!(channel(signalling).control().is_err());
        }
    }
}
