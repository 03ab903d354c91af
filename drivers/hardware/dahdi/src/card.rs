//! The slow side: finds DAHDI's spans and channels through the control node, checks them against the configuration,
//! opens channels. What of the kernel's configuration it changes, where it is told to, is `bring_up`'s.

use std::fs::{File, OpenOptions};
use std::ops::RangeInclusive;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tipring_card::{
    Alarms, BLOCK, Card, CardError, Channel, ChannelId, ChannelInfo, ClockDomain, Maintenance, Pace, Signalling,
    SpanId, SpanInfo, SpanStatus, Use,
};

use crate::known::{self, Identity, Known};
use crate::setup::{self, SpanSetup};
use crate::{DahdiChannel, DahdiPace, OpenError, decode, fault, raw};

/// What is not there is looked for anew at most this often.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Channel numbers whose own nodes are DAHDI's special ones (transcoder, timer, generic, pseudo).
const ALIASED: [u16; 4] = [250, 253, 254, 255];

/// Which part of the box's DAHDI is ours, and what it should be.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the nodes are.
    pub root: PathBuf,
    /// Where the kernel tells which card a span is of.
    pub sysfs: PathBuf,
    /// Our spans; empty means all.
    pub spans: Vec<SpanId>,
    /// Spans that have a number and a use of our own: all others are taken as they are.
    pub setups: Vec<SpanSetup>,
    /// Those are brought up; otherwise they are looked at only.
    pub bring_up: bool,
    /// What the channels are configured to be. Channels that it does not name are taken as they are.
    pub expect: Vec<Expect>,
    /// An echo canceller for voice channels.
    pub echo: Option<Echo>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            root: PathBuf::from("/dev/dahdi"),
            sysfs: PathBuf::from("/sys"),
            spans: Vec::new(),
            setups: Vec::new(),
            bring_up: true,
            expect: Vec::new(),
            echo: None,
        }
    }
}

/// Channels and the signalling that they should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// DAHDI's channel numbers.
    pub channels: RangeInclusive<u16>,
    /// The signalling of each of them.
    pub signalling: Signalling,
}

/// An echo canceller of the kernel or the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// Its name, e.g. `mg2`.
    pub name: String,
    /// Its length in taps of 125 µs: 32, 64, 128, 256, 512 or 1024.
    pub taps: u32,
}

/// A channel that is not offered (or a part of it), and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Configured to be one thing, found to be another.
    Mismatch {
        /// The channel.
        channel: ChannelId,
        /// What our configuration says.
        configured: Signalling,
        /// What the kernel says.
        found: Signalling,
    },
    /// The kernel has no signalling for it (`dahdi_cfg` was not run), or it is not there at all.
    NotConfigured(ChannelId),
    /// The channel is offered, but the echo canceller could not be attached.
    Echo(ChannelId, String, CardError),
    /// Something of a span could not be brought up as it should be.
    Setup(SpanId, String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Mismatch { channel, configured, found } => write!(
                f,
                "channel {} is configured as {configured:?} here, but DAHDI has it as {found:?}: correct one of the \
                 two (/etc/dahdi/system.conf, then `dahdi_cfg`)",
                channel.0
            ),
            Refusal::NotConfigured(channel) => {
                write!(
                    f,
                    "channel {} has no signalling in DAHDI: name it in a [[span]] of the configuration, or in \
                     /etc/dahdi/system.conf and run `dahdi_cfg`",
                    channel.0
                )
            }
            Refusal::Setup(span, why) => write!(f, "dahdi {}: {why}", span.0),
            Refusal::Echo(channel, name, error) => {
                write!(
                    f,
                    "channel {}: echo canceller '{name}' was not attached: {error} (is its module loaded?)",
                    channel.0
                )
            }
        }
    }
}

/// DAHDI's spans of this box, or some of them.
#[derive(Debug)]
pub struct DahdiCard {
    pub(crate) config: Config,
    pub(crate) ctl: File,
    version: String,
    pub(crate) known: Known,
    spans: Vec<SpanInfo>,
    pub(crate) channels: Vec<ChannelInfo>,
    refused: Vec<Refusal>,
    /// Those of them that were told.
    told: Vec<Refusal>,
    looked: Instant,
}

impl DahdiCard {
    /// Finds what there is. Channels that are not as configured are left out and stand in [`DahdiCard::refused`].
    pub fn open(config: Config) -> Result<DahdiCard, OpenError> {
        let path = config.root.join("ctl");
        let ctl =
            OpenOptions::new().read(true).write(true).open(&path).map_err(|error| match error.raw_os_error() {
                Some(libc::ENOENT | libc::ENOTDIR | libc::ENODEV | libc::ENXIO) => OpenError::NoNode(path.clone()),
                Some(libc::EACCES | libc::EPERM) => OpenError::Permission(path.clone()),
                other => OpenError::Node(path.clone(), other.unwrap_or(libc::EIO)),
            })?;
        let mut version = raw::Version::zero();
        raw::ioctl(ctl.as_fd(), &raw::GETVERSION, &mut version).map_err(|errno| OpenError::NotDahdi(path, errno))?;
        let version = decode::text(&version.version);
        let mut card = DahdiCard {
            config,
            ctl,
            version,
            known: Known::default(),
            spans: Vec::new(),
            channels: Vec::new(),
            refused: Vec::new(),
            told: Vec::new(),
            looked: Instant::now(),
        };
        let unassigned = match card.config.bring_up {
            true => known::assign(&card.config.sysfs, &card.config.setups),
            false => Vec::new(),
        };
        card.find_again()?;
        unassigned.into_iter().for_each(|(span, why)| card.refuse(Refusal::Setup(span, why)));
        if let Some(&missing) = card.config.spans.iter().find(|&&id| !card.spans.iter().any(|s| s.id == id)) {
            return Err(OpenError::NoSuchSpan(missing));
        }
        Ok(card)
    }

    /// Looks again at what there is, e.g. after a card was taken away or came back: it has the numbers that it had, and is
    /// brought up if we do that. Opened channels go on as they are; one that says `Gone` has to be dropped and opened
    /// anew. On an error the old listing stays.
    pub fn find_again(&mut self) -> Result<(), OpenError> {
        self.looked = Instant::now();
        self.spans = self.find_spans()?;
        self.refused.clear();
        let numbers = self.find_numbers();
        if self.config.bring_up {
            self.bring_up(&numbers);
        }
        self.channels.clear();
        self.find_channels(&numbers);
        self.attach_echo();
        Ok(())
    }

    /// Which card a span is of, and which of its spans.
    pub fn identity(&self, span: SpanId) -> Option<&Identity> {
        self.known.identity(span)
    }

    /// The kernel driver's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What is not offered, and why.
    pub fn refused(&self) -> &[Refusal] {
        &self.refused
    }

    /// Alarms of one channel: on an analogue port a red one means that there is no battery on the line.
    pub fn line_alarms(&self, channel: ChannelId) -> Result<Alarms, CardError> {
        Ok(Alarms(self.params(self.known.number(channel).ok_or(CardError::Gone)?)?.chan_alarms))
    }

    /// Opens a channel; like [`Card::open`], with the type known. One that is not where it was is looked for.
    pub fn open_channel(&mut self, channel: ChannelId) -> Result<DahdiChannel, CardError> {
        match self.open_known(channel) {
            Err(CardError::NoSuchChannel | CardError::Gone) if self.looked.elapsed() > LOOK_AGAIN => {
                self.find_again().map_err(|_| CardError::Gone)?;
                self.open_known(channel)
            }
            opened => opened,
        }
    }

    fn open_known(&mut self, channel: ChannelId) -> Result<DahdiChannel, CardError> {
        let info = self.channels.iter().find(|c| c.id == channel).ok_or(CardError::NoSuchChannel)?.clone();
        let number = self.known.number(channel).ok_or(CardError::Gone)?;
        let node = self.bound_node(&info, number)?;
        let taps = self.config.echo.as_ref().map_or(0, |echo| echo.taps);
        let opened = DahdiChannel::new(node, info, taps);
        let found = decode::signalling(opened.params()?.sigtype);
        let configured = opened.info().signalling;
        if found != configured {
            // Somebody ran dahdi_cfg since we looked.
            self.refuse(Refusal::Mismatch { channel, configured, found });
            return Err(CardError::Invalid);
        }
        Ok(opened)
    }

    /// A ticker on DAHDI's clock with another block than [`BLOCK`], for measurements.
    pub fn pace_of(&self, samples: u16) -> Result<DahdiPace, CardError> {
        DahdiPace::start(&self.config.root, samples)
    }

    fn find_spans(&mut self) -> Result<Vec<SpanInfo>, OpenError> {
        let mut found = Vec::new();
        let total = match self.span_info(1) {
            Ok(info) => u16::try_from(info.totalspans).unwrap_or(raw::SPANS).min(raw::SPANS),
            // Spans are not numbered without gaps: the first one may be missing.
            Err(_) => raw::SPANS,
        };
        // Where spans were removed and came back, numbers beyond their count exist: look a little further.
        for number in 1..=total.saturating_add(16).min(raw::SPANS) {
            match self.span_info(number) {
                Ok(info) => found.push((number, info)),
                Err(libc::EINVAL | libc::ENODEV | libc::ENXIO) => {}
                Err(errno) => return Err(OpenError::Span(SpanId(number), errno)),
            }
        }
        let identity = |(number, info): &(u16, raw::SpanInfo)| {
            (*number, Identity::read(&self.config.sysfs, *number, &decode::text(&{ info.name })))
        };
        let identities: Vec<(u16, Identity)> = found.iter().map(identity).collect();
        self.known.meet(&identities, &self.config.setups);
        let ours = |(number, info): &(u16, raw::SpanInfo)| {
            let id = self.known.id_of(*number)?;
            let wanted = self.config.spans.is_empty() || self.config.spans.contains(&id);
            let mut span = decode::span(id, info);
            if let Some(setup) = self.config.setups.iter().find(|setup| setup.id == id) {
                span.kind = setup.kind;
            }
            wanted.then_some(span)
        };
        let mut spans: Vec<SpanInfo> = found.iter().filter_map(ours).collect();
        spans.sort_by_key(|span| span.id);
        match self.config.spans.first() {
            _ if !spans.is_empty() => Ok(spans),
            Some(&missing) => Err(OpenError::NoSuchSpan(missing)),
            None => Err(OpenError::NoSpan),
        }
    }

    /// Every channel of our spans, used or not: its number in the kernel, and ours.
    fn find_numbers(&mut self) -> Vec<(u16, ChannelId)> {
        let mut numbers = Vec::new();
        for number in 1..raw::CHANNELS {
            let Ok(params) = self.params(number) else {
                continue;
            };
            let span = u16::try_from(params.spanno).ok().and_then(|span| self.known.id_of(span));
            let ours = span.filter(|id| self.spans.iter().any(|span| span.id == *id));
            let timeslot = u8::try_from(params.chanpos).ok().filter(|slot| *slot > 0);
            if let (Some(span), Some(timeslot)) = (ours, timeslot)
                && let Some(id) = self.known.channel(span, timeslot, number)
            {
                numbers.push((number, id));
            }
        }
        numbers
    }

    fn find_channels(&mut self, numbers: &[(u16, ChannelId)]) {
        for &(number, id) in numbers {
            let expected = self.config.expect.iter().find(|e| e.channels.contains(&number)).map(|e| e.signalling);
            let found = self.params(number).ok().and_then(|params| self.channel_info(id, &params));
            match (found, expected) {
                (Some(info), Some(configured)) if info.signalling != configured => {
                    self.refuse(Refusal::Mismatch { channel: id, configured, found: info.signalling });
                }
                (Some(info), _) => self.channels.push(info),
                (None, Some(_)) => self.refuse(Refusal::NotConfigured(id)),
                // A timeslot without signalling (T1 and E1 with CAS have such) is nobody's fault unless it is named.
                (None, None) => {}
            }
        }
        for expect in self.config.expect.clone() {
            let absent = |number: &u16| !numbers.iter().any(|known| known.0 == *number);
            expect.channels.filter(absent).for_each(|number| self.refuse(Refusal::NotConfigured(ChannelId(number))));
        }
        self.channels.sort_by_key(|channel| (channel.span, channel.timeslot));
    }

    /// A channel in our words; `None`: it is used as nothing.
    pub(crate) fn channel_info(&self, id: ChannelId, params: &raw::Params) -> Option<ChannelInfo> {
        let span = self.known.id_of(u16::try_from(params.spanno).ok()?)?;
        let kind = self.spans.iter().find(|known| known.id == span)?.kind;
        decode::channel(params, kind).map(|info| ChannelInfo { id, span, ..info })
    }

    fn attach_echo(&mut self) {
        let Some(echo) = self.config.echo.clone() else {
            return;
        };
        let mut attach = raw::AttachEcho::zero();
        let length = echo.name.len().min(attach.name.len() - 1);
        attach.name[..length].copy_from_slice(&echo.name.as_bytes()[..length]);
        for info in self.channels.clone() {
            if info.signalling == Signalling::Hdlc {
                continue;
            }
            attach.channo = i32::from(self.known.number(info.id).unwrap_or(0));
            if let Err(errno) = raw::ioctl(self.ctl.as_fd(), &raw::ATTACH_ECHOCAN, &mut attach) {
                self.refuse(Refusal::Echo(info.id, echo.name.clone(), fault::card_error(errno)));
            }
        }
    }

    /// The generic node, bound to the channel; the channel's own node where there is no generic one.
    fn bound_node(&self, info: &ChannelInfo, channel: u16) -> Result<File, CardError> {
        let generic = self.config.root.join("channel");
        match open_node(&generic) {
            Ok(node) => {
                let mut number = i32::from(channel);
                match raw::ioctl(node.as_fd(), &raw::SPECIFY, &mut number) {
                    Ok(()) => Ok(node),
                    Err(libc::EINVAL) => Err(CardError::NoSuchChannel),
                    Err(errno) => Err(fault::card_error(errno)),
                }
            }
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) && !ALIASED.contains(&channel) => {
                let span = self.known.span(info.span).unwrap_or(0);
                let own = self.config.root.join(format!("chan/{span:03}/{:03}", info.timeslot));
                let numbered = self.config.root.join(channel.to_string());
                open_node(&own).or_else(|_| open_node(&numbered)).map_err(|error| match error.raw_os_error() {
                    Some(libc::ENOENT) => CardError::NoSuchChannel,
                    _ => fault::io_error(&error),
                })
            }
            Err(error) => Err(fault::io_error(&error)),
        }
    }

    /// By its number in the kernel.
    pub(crate) fn span_info(&self, number: u16) -> Result<raw::SpanInfo, i32> {
        let mut info = raw::SpanInfo::zero();
        info.spanno = i32::from(number);
        raw::ioctl(self.ctl.as_fd(), &raw::SPANSTAT, &mut info)?;
        Ok(info)
    }

    /// By its number in the kernel.
    pub(crate) fn params(&self, number: u16) -> Result<raw::Params, CardError> {
        let mut params = raw::Params::zero();
        params.channo = i32::from(number);
        match raw::ioctl(self.ctl.as_fd(), &raw::GET_PARAMS, &mut params) {
            Ok(()) => Ok(params),
            Err(libc::EINVAL) => Err(CardError::NoSuchChannel),
            Err(errno) => Err(fault::card_error(errno)),
        }
    }

    /// Keeps one refusal a channel: there are never more than channels. Those of a span are as many as its setup has parts.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        if let Some(channel) = refused_channel(&refusal) {
            self.refused.retain(|known| refused_channel(known) != Some(channel));
        }
        self.refused.push(refusal);
    }
}

impl Card for DahdiCard {
    fn name(&self) -> &str {
        "dahdi"
    }

    fn clock(&self) -> ClockDomain {
        ClockDomain::Dahdi
    }

    fn spans(&self) -> &[SpanInfo] {
        &self.spans
    }

    fn channels(&self) -> &[ChannelInfo] {
        &self.channels
    }

    fn span_status(&mut self, span: SpanId) -> Result<SpanStatus, CardError> {
        match self.span_info(self.known.span(span).ok_or(CardError::Gone)?) {
            Ok(info) => Ok(decode::status(&info)),
            Err(libc::EINVAL | libc::ENXIO) => Err(CardError::Gone),
            Err(errno) => Err(fault::card_error(errno)),
        }
    }

    fn open(&mut self, channel: ChannelId) -> Result<Box<dyn Channel>, CardError> {
        Ok(Box::new(self.open_channel(channel)?))
    }

    fn assign(&mut self, span: SpanId, timeslot: u8, to: Use) -> Result<(), CardError> {
        self.give_use(span, timeslot, to)
    }

    fn complaints(&mut self) -> Vec<String> {
        let new = self.refused.iter().filter(|refusal| !self.told.contains(refusal)).map(ToString::to_string).collect();
        self.told.clone_from(&self.refused);
        new
    }

    fn maintain(&mut self, span: SpanId, what: Maintenance) -> Result<(), CardError> {
        let number = self.known.span(span).ok_or(CardError::Gone)?;
        let mut asked = raw::Maintenance { spanno: i32::from(number), command: setup::maintenance(what) };
        raw::ioctl(self.ctl.as_fd(), &raw::MAINT, &mut asked).map_err(fault::card_error)
    }

    fn pace(&mut self) -> Result<Box<dyn Pace>, CardError> {
        Ok(Box::new(self.pace_of(BLOCK as u16)?))
    }
}

pub(crate) fn open_node(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)
}

fn refused_channel(refusal: &Refusal) -> Option<ChannelId> {
    match refusal {
        Refusal::Mismatch { channel, .. } | Refusal::NotConfigured(channel) | Refusal::Echo(channel, ..) => {
            Some(*channel)
        }
        Refusal::Setup(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_at(root: &Path) -> OpenError {
        DahdiCard::open(Config { root: root.to_path_buf(), ..Config::default() }).expect_err("no DAHDI there")
    }

    #[test]
    fn without_nodes_the_error_names_the_node_and_the_remedy() {
        let error = open_at(Path::new("/nonexistent/dahdi"));
        assert_eq!(error, OpenError::NoNode(PathBuf::from("/nonexistent/dahdi/ctl")));
        let text = error.to_string();
        assert!(text.contains("/nonexistent/dahdi/ctl") && text.contains("modprobe dahdi"), "{text}");
    }

    #[test]
    fn another_file_in_its_place_is_named() {
        let root = std::env::temp_dir().join(format!("tipring-dahdi-{}", std::process::id()));
        std::fs::create_dir_all(&root).expect("a directory");
        std::fs::write(root.join("ctl"), b"").expect("a file");
        let error = open_at(&root);
        std::fs::remove_dir_all(&root).expect("ours");
        assert_eq!(error, OpenError::NotDahdi(root.join("ctl"), libc::ENOTTY));
    }

    #[test]
    fn a_mismatch_names_both() {
        let refusal =
            Refusal::Mismatch { channel: ChannelId(16), configured: Signalling::Hdlc, found: Signalling::Bearer };
        let text = refusal.to_string();
        assert!(text.contains("16") && text.contains("Hdlc") && text.contains("Bearer"), "{text}");
    }
}
