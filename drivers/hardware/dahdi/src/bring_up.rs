//! Spans and channels become what our configuration says, without `dahdi_cfg`: framing and clock, the use of each channel,
//! a tone zone, and the start of the span. What is as it should be already is not touched, so a service that starts anew
//! disturbs nobody; and a channel that somebody has open is left as it is, which is said.
//!
//! What the kernel does here: CHANCONFIG on an open channel takes it from its user; HOOK START and RING want a tone zone,
//! although all tones are ours; STARTUP of a span that runs does nothing.

use std::os::fd::AsFd as _;

use tipring_card::{CardError, ChannelId, SpanId, Use};

use crate::card::{DahdiCard, Refusal, open_node};
use crate::setup::{self, LINE_BITS, Line, SpanSetup};
use crate::{fault, raw};

/// The number of our tone zone, which has no tones in it: the last one, far from those of `dahdi_cfg`.
const ZONE: i32 = 127;
/// A ring that nobody chose: 2 s on, 4 s off.
const RING_MS: [i32; 2] = [2_000, 4_000];
/// The alarm of a span that was never started.
const NOT_OPEN: u32 = 32;

impl DahdiCard {
    /// All spans of the configuration that are there; `numbers` are their channels.
    pub(crate) fn bring_up(&mut self, numbers: &[(u16, ChannelId)]) {
        for setup in self.config.setups.clone() {
            let Some(number) = self.known.span(setup.id) else {
                self.refuse(Refusal::Setup(setup.id, "is not there: `tipring lines` shows the cards that are".into()));
                continue;
            };
            if let Err(why) = self.bring_span_up(&setup, number, numbers) {
                self.refuse(Refusal::Setup(setup.id, why));
            }
        }
    }

    fn bring_span_up(&mut self, setup: &SpanSetup, number: u16, numbers: &[(u16, ChannelId)]) -> Result<(), String> {
        if let Some(line) = &setup.line {
            self.configure_line(number, line)?;
        }
        for &(timeslot, to) in &setup.uses {
            let at = self.known.number_at(setup.id, timeslot);
            let Some((_, channel)) = at.filter(|(_, channel)| numbers.iter().any(|known| known.0 == *channel)) else {
                self.refuse(Refusal::Setup(setup.id, format!("has no channel {timeslot}")));
                continue;
            };
            if let Err(error) = self.configure_channel(channel, to, setup) {
                let why = format!("channel {timeslot} cannot be {}: {error}", to.as_str());
                self.refuse(Refusal::Setup(setup.id, why));
            }
        }
        if setup.uses.iter().any(|(_, to)| !matches!(to, Use::Bearer | Use::DChannel | Use::Unused)) {
            self.load_zone().map_err(|error| format!("no tone zone could be loaded: {error}"))?;
        }
        raw::ioctl(self.ctl.as_fd(), &raw::STARTUP, &mut i32::from(number))
            .map_err(|errno| format!("cannot be started: {}", fault::card_error(errno)))
    }

    fn configure_line(&self, number: u16, line: &Line) -> Result<(), String> {
        let info = self.span_info(number).map_err(|errno| fault::card_error(errno).to_string())?;
        let (bits, can) = (line.bits(), info.linecompat & LINE_BITS);
        if bits & can != bits {
            return Err(format!("cannot be framed or coded so: it can do {can:#x}, wanted is {bits:#x}"));
        }
        let is_so = info.lineconfig & LINE_BITS == bits && info.lbo == i32::from(line.build_out);
        if is_so && info.alarms & NOT_OPEN == 0 {
            return Ok(());
        }
        let mut config = raw::LineConfig::zero();
        config.span = i32::from(number);
        (config.lbo, config.lineconfig, config.sync) = (i32::from(line.build_out), bits, i32::from(line.clock));
        raw::ioctl(self.ctl.as_fd(), &raw::SPANCONFIG, &mut config)
            .map_err(|errno| format!("framing and clock were refused: {}", fault::card_error(errno)))
    }

    /// One channel, by its number in the kernel, unless it is so already.
    fn configure_channel(&self, channel: u16, to: Use, setup: &SpanSetup) -> Result<(), CardError> {
        let params = self.params(channel)?;
        if setup::is(params.sigtype, to) {
            return Ok(());
        }
        if params.sigtype != 0 {
            self.is_closed(channel)?;
        }
        let mut config = raw::ChannelConfig::zero();
        (config.chan, config.master) = (i32::from(channel), i32::from(channel));
        (config.sigtype, config.deflaw) = (setup::signalling_type(to), setup::law(setup.kind));
        raw::ioctl(self.ctl.as_fd(), &raw::CHANCONFIG, &mut config).map_err(fault::card_error)?;
        Ok(())
    }

    /// Whether nobody has the channel: opening it is the only way to know.
    fn is_closed(&self, channel: u16) -> Result<(), CardError> {
        let node = open_node(&self.config.root.join("channel")).map_err(|error| fault::io_error(&error))?;
        match raw::ioctl(node.as_fd(), &raw::SPECIFY, &mut i32::from(channel)) {
            // Without a use it cannot be opened, so nobody has it.
            Ok(()) | Err(libc::ENXIO) => Ok(()),
            Err(errno) => Err(fault::card_error(errno)),
        }
    }

    /// A tone zone, if there is none.
    fn load_zone(&self) -> Result<(), CardError> {
        let pseudo = open_node(&self.config.root.join("pseudo")).map_err(|error| fault::io_error(&error))?;
        match raw::ioctl(pseudo.as_fd(), &raw::GETTONEZONE, &mut 0) {
            Ok(()) => return Ok(()),
            Err(libc::ENODATA) => {}
            Err(errno) => return Err(fault::card_error(errno)),
        }
        let mut zone = raw::ZoneHeader::zero();
        zone.zone = ZONE;
        zone.ring_cadence_ms[..RING_MS.len()].copy_from_slice(&RING_MS);
        zone.name[..7].copy_from_slice(b"tipring");
        match raw::ioctl(self.ctl.as_fd(), &raw::LOADZONE, &mut zone) {
            // By an earlier start of ours.
            Ok(()) | Err(libc::EBUSY) => {}
            Err(errno) => return Err(fault::card_error(errno)),
        }
        raw::ioctl(self.ctl.as_fd(), &raw::DEFAULTZONE, &mut { ZONE }).map_err(fault::card_error)
    }

    /// Gives a closed channel another use, now and whenever its card comes back.
    pub(crate) fn give_use(&mut self, span: SpanId, timeslot: u8, to: Use) -> Result<(), CardError> {
        let setup = self.config.setups.iter().find(|setup| setup.id == span).ok_or(CardError::Invalid)?.clone();
        let (id, channel) = self.known.number_at(span, timeslot).ok_or(CardError::NoSuchChannel)?;
        self.configure_channel(channel, to, &setup)?;
        if !matches!(to, Use::Bearer | Use::DChannel | Use::Unused) {
            self.load_zone()?;
        }
        if let Some(setup) = self.config.setups.iter_mut().find(|setup| setup.id == span) {
            setup.uses.retain(|known| known.0 != timeslot);
            setup.uses.push((timeslot, to));
        }
        self.channels.retain(|known| known.id != id);
        let found = self.params(channel).ok().and_then(|params| self.channel_info(id, &params));
        self.channels.extend(found);
        self.channels.sort_by_key(|known| (known.span, known.timeslot));
        Ok(())
    }
}
