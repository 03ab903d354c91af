//! The slow side: finds DAHDI's spans and channels through the control node, checks them against the configuration,
//! opens channels. It changes no configuration of the kernel, except that it attaches an echo canceller if told.

use std::fs::{File, OpenOptions};
use std::ops::RangeInclusive;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use tipring_card::{
    Alarms, BLOCK, Card, CardError, Channel, ChannelId, ChannelInfo, ClockDomain, Pace, Signalling, SpanId, SpanInfo,
    SpanStatus,
};

use crate::{DahdiChannel, DahdiPace, OpenError, decode, fault, raw};

/// Channel numbers whose own nodes are DAHDI's special ones (transcoder, timer, generic, pseudo).
const ALIASED: [u16; 4] = [250, 253, 254, 255];

/// Which part of the box's DAHDI is ours, and what it should be.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the nodes are.
    pub root: PathBuf,
    /// Our spans; empty means all.
    pub spans: Vec<SpanId>,
    /// What the channels are configured to be. Channels that it does not name are taken as they are.
    pub expect: Vec<Expect>,
    /// An echo canceller for voice channels.
    pub echo: Option<Echo>,
}

impl Default for Config {
    fn default() -> Self {
        Config { root: PathBuf::from("/dev/dahdi"), spans: Vec::new(), expect: Vec::new(), echo: None }
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
                    "channel {} has no signalling in DAHDI: name it in /etc/dahdi/system.conf and run `dahdi_cfg`",
                    channel.0
                )
            }
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
    config: Config,
    ctl: File,
    version: String,
    spans: Vec<SpanInfo>,
    channels: Vec<ChannelInfo>,
    refused: Vec<Refusal>,
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
        let mut card = DahdiCard { config, ctl, version, spans: Vec::new(), channels: Vec::new(), refused: Vec::new() };
        card.find_again()?;
        Ok(card)
    }

    /// Looks again at what there is, e.g. after a card was taken away or came back. Opened channels go on as they
    /// are; one that says `Gone` has to be dropped and opened anew. On an error the old listing stays.
    pub fn find_again(&mut self) -> Result<(), OpenError> {
        self.spans = self.find_spans()?;
        self.channels.clear();
        self.refused.clear();
        self.find_channels();
        self.attach_echo();
        Ok(())
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
        Ok(Alarms(self.params(channel)?.chan_alarms))
    }

    /// Opens a channel; like [`Card::open`], with the type known.
    pub fn open_channel(&mut self, channel: ChannelId) -> Result<DahdiChannel, CardError> {
        let info = self.channels.iter().find(|c| c.id == channel).ok_or(CardError::NoSuchChannel)?.clone();
        let node = self.bound_node(&info)?;
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

    fn find_spans(&self) -> Result<Vec<SpanInfo>, OpenError> {
        let mut spans = Vec::new();
        let total = match self.span_info(SpanId(1)) {
            Ok(info) => u16::try_from(info.totalspans).unwrap_or(raw::SPANS).min(raw::SPANS),
            // Spans are not numbered without gaps: the first one may be missing.
            Err(_) => raw::SPANS,
        };
        // Where spans were removed and came back, numbers beyond their count exist: look a little further.
        for id in (1..=total.saturating_add(16).min(raw::SPANS)).map(SpanId) {
            let wanted = self.config.spans.is_empty() || self.config.spans.contains(&id);
            match self.span_info(id) {
                Ok(info) if wanted => spans.push(decode::span(id, &info)),
                Ok(_) | Err(libc::EINVAL | libc::ENODEV | libc::ENXIO) => {}
                Err(errno) if wanted => return Err(OpenError::Span(id, errno)),
                Err(_) => {}
            }
        }
        if let Some(&missing) = self.config.spans.iter().find(|&&id| !spans.iter().any(|s| s.id == id)) {
            return Err(OpenError::NoSuchSpan(missing));
        }
        if spans.is_empty() { Err(OpenError::NoSpan) } else { Ok(spans) }
    }

    fn find_channels(&mut self) {
        for id in (1..raw::CHANNELS).map(ChannelId) {
            let expected = self.config.expect.iter().find(|e| e.channels.contains(&id.0)).map(|e| e.signalling);
            let found = self.params(id).ok().and_then(|params| {
                let span = self.spans.iter().find(|s| i32::from(s.id.0) == params.spanno)?;
                decode::channel(&params, span.kind)
            });
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
            attach.channo = i32::from(info.id.0);
            if let Err(errno) = raw::ioctl(self.ctl.as_fd(), &raw::ATTACH_ECHOCAN, &mut attach) {
                self.refuse(Refusal::Echo(info.id, echo.name.clone(), fault::card_error(errno)));
            }
        }
    }

    /// The generic node, bound to the channel; the channel's own node where there is no generic one.
    fn bound_node(&self, info: &ChannelInfo) -> Result<File, CardError> {
        let generic = self.config.root.join("channel");
        match open_node(&generic) {
            Ok(node) => {
                let mut number = i32::from(info.id.0);
                match raw::ioctl(node.as_fd(), &raw::SPECIFY, &mut number) {
                    Ok(()) => Ok(node),
                    Err(libc::EINVAL) => Err(CardError::NoSuchChannel),
                    Err(errno) => Err(fault::card_error(errno)),
                }
            }
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) && !ALIASED.contains(&info.id.0) => {
                let own = self.config.root.join(format!("chan/{:03}/{:03}", info.span.0, info.timeslot));
                let numbered = self.config.root.join(info.id.0.to_string());
                open_node(&own).or_else(|_| open_node(&numbered)).map_err(|error| match error.raw_os_error() {
                    Some(libc::ENOENT) => CardError::NoSuchChannel,
                    _ => fault::io_error(&error),
                })
            }
            Err(error) => Err(fault::io_error(&error)),
        }
    }

    fn span_info(&self, id: SpanId) -> Result<raw::SpanInfo, i32> {
        let mut info = raw::SpanInfo::zero();
        info.spanno = i32::from(id.0);
        raw::ioctl(self.ctl.as_fd(), &raw::SPANSTAT, &mut info)?;
        Ok(info)
    }

    fn params(&self, id: ChannelId) -> Result<raw::Params, CardError> {
        let mut params = raw::Params::zero();
        params.channo = i32::from(id.0);
        match raw::ioctl(self.ctl.as_fd(), &raw::GET_PARAMS, &mut params) {
            Ok(()) => Ok(params),
            Err(libc::EINVAL) => Err(CardError::NoSuchChannel),
            Err(errno) => Err(fault::card_error(errno)),
        }
    }

    /// Keeps one refusal a channel: there are never more than channels.
    fn refuse(&mut self, refusal: Refusal) {
        let channel = refused_channel(&refusal);
        self.refused.retain(|known| refused_channel(known) != channel);
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
        match self.span_info(span) {
            Ok(info) => Ok(decode::status(&info)),
            Err(libc::EINVAL | libc::ENXIO) => Err(CardError::Gone),
            Err(errno) => Err(fault::card_error(errno)),
        }
    }

    fn open(&mut self, channel: ChannelId) -> Result<Box<dyn Channel>, CardError> {
        Ok(Box::new(self.open_channel(channel)?))
    }

    fn pace(&mut self) -> Result<Box<dyn Pace>, CardError> {
        Ok(Box::new(self.pace_of(BLOCK as u16)?))
    }
}

fn open_node(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)
}

fn refused_channel(refusal: &Refusal) -> ChannelId {
    match refusal {
        Refusal::Mismatch { channel, .. } | Refusal::NotConfigured(channel) | Refusal::Echo(channel, ..) => *channel,
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
