//! A card that sends silence whatever it is given: the planted fault of [`Fault::Mute`](super::Fault), to see the checks of
//! the demonstration fail.

use tipring_card::{
    Card, CardError, Channel, ChannelId, ChannelInfo, ClockDomain, Control, Event, Hook, Pace, Progress, Setup,
    Signalling, SpanId, SpanInfo, SpanStatus,
};

/// Takes everything, sends silence.
pub(super) struct Muted(pub(super) Box<dyn Card>);

impl Card for Muted {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn clock(&self) -> ClockDomain {
        self.0.clock()
    }
    fn spans(&self) -> &[SpanInfo] {
        self.0.spans()
    }
    fn channels(&self) -> &[ChannelInfo] {
        self.0.channels()
    }
    fn span_status(&mut self, span: SpanId) -> Result<SpanStatus, CardError> {
        self.0.span_status(span)
    }
    fn open(&mut self, channel: ChannelId) -> Result<Box<dyn Channel>, CardError> {
        let channel = self.0.open(channel)?;
        Ok(match channel.info().signalling {
            Signalling::Bearer => Box::new(MutedChannel(channel)),
            _ => channel,
        })
    }
    fn pace(&mut self) -> Result<Box<dyn Pace>, CardError> {
        self.0.pace()
    }
}

struct MutedChannel(Box<dyn Channel>);

impl Channel for MutedChannel {
    fn info(&self) -> &ChannelInfo {
        self.0.info()
    }
    fn setup(&mut self, setup: Setup) -> Result<(), CardError> {
        self.0.setup(setup)
    }
    fn read(&mut self, into: &mut [u8]) -> Result<usize, CardError> {
        self.0.read(into)
    }
    fn write(&mut self, from: &[u8]) -> Result<usize, CardError> {
        let silence = self.0.info().law.silence();
        self.0.write(&vec![silence; from.len()])
    }
    fn flush(&mut self) -> Result<(), CardError> {
        self.0.flush()
    }
    fn event(&mut self) -> Result<Option<Event>, CardError> {
        self.0.event()
    }
    fn hook(&mut self, hook: Hook) -> Result<Progress, CardError> {
        self.0.hook(hook)
    }
    fn dial(&mut self, digits: &str) -> Result<(), CardError> {
        self.0.dial(digits)
    }
    fn control(&self) -> Result<Box<dyn Control>, CardError> {
        self.0.control()
    }
    fn dialing(&mut self) -> Result<bool, CardError> {
        self.0.dialing()
    }
    fn fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.0.fd()
    }
}
