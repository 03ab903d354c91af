//! All sound devices of a box as one card: a span of ports, each with its telephone. Every device is a clock domain of its
//! own and has a thread; the card itself is paced by the host's clock where no other card paces it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use heapless::Deque;
use tipring_card::{
    Card, CardError, Channel, ChannelId, ChannelInfo, ClockDomain, Law, Pace, Signalling, SpanId, SpanInfo, SpanKind,
    SpanStatus,
};
use tipring_dsp::Elastic;
use tipring_host::HostPace;

use crate::channel::SoundChannel;
use crate::key::{self, Key};
use crate::names::Device;
use crate::set::Use;
use crate::shared::{self, Counters, Ends, Shared};
use crate::sound::{Flow, Sound};
use crate::voice::Voice;

/// Devices of a box: a channel's place in its span is an octet.
pub const MOST_DEVICES: usize = 64;
/// The span of all of them.
const SPAN: SpanId = SpanId(1);

/// One device.
#[derive(Clone, Debug)]
pub struct SoundConfig {
    /// By which people and groups of lines know it: `door` is the line `sound door`.
    pub name: String,
    /// Which device.
    pub device: Device,
    /// As what.
    pub of: Use,
    /// A chime before a loudspeaker answers.
    pub chimes: bool,
    /// How loud it rings, and chimes.
    pub ring_dbm0: f32,
    /// As [`SoundConfig::ring_dbm0`].
    pub chime_dbm0: f32,
    /// Delay of each way's elastic buffer.
    pub delay_ms: u8,
    /// So many periods of 10 ms are written ahead of the loudspeaker (2 to 14).
    pub ahead: u8,
    /// Its key, and which of the keys there; `None`: any.
    pub key: Option<(PathBuf, Option<u16>)>,
    /// Takes away what its microphone hears of its loudspeaker.
    pub cancels_echo: bool,
    /// The law of its octets: best that of the lines that it speaks with.
    pub law: Law,
}

/// The figures of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFigures {
    /// Its line's name.
    pub line: String,
    /// It is there.
    pub present: bool,
    /// Why it was not, the last time that it was not: the system's number.
    pub errno: i32,
    /// By how much its clock is faster than the box's, as its microphone shows it, in parts in a million.
    pub capture_ppm: i32,
    /// By how much the box's clock is faster than its loudspeaker's.
    pub playback_ppm: i32,
    /// What the echo canceller takes away.
    pub echo_db: i32,
    /// What went wrong.
    pub counters: Counters,
}

/// The card.
pub struct SoundCard {
    names: Vec<String>,
    devices: Vec<Arc<Shared>>,
    spans: Vec<SpanInfo>,
    channels: Vec<ChannelInfo>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl SoundCard {
    /// Starts the devices' threads, with this real-time priority (0: none). A device that is not there is waited for.
    /// `sysfs` is `/sys`, or a test's. More than [`MOST_DEVICES`] are left out.
    pub fn start(configs: &[SoundConfig], sysfs: PathBuf, priority: u8) -> Result<SoundCard, CardError> {
        let stop = Arc::new(AtomicBool::new(false));
        let info = SpanInfo { id: SPAN, kind: SpanKind::Analog, name: "sound devices".into() };
        let mut card = SoundCard {
            names: Vec::new(),
            devices: Vec::new(),
            spans: vec![info],
            channels: Vec::new(),
            stop: stop.clone(),
            threads: Vec::new(),
        };
        let mut keys = Vec::new();
        for (config, place) in configs.iter().take(MOST_DEVICES).zip(1_u8..) {
            let sound = sound(config, sysfs.clone(), stop.clone());
            let shared = sound.shared.clone();
            if let Some((node, code)) = config.key.clone() {
                keys.push(Key { node, code, shared: shared.clone(), file: None });
            }
            card.names.push(config.name.clone());
            card.devices.push(shared);
            card.channels.push(ChannelInfo {
                id: ChannelId(place.into()),
                span: SPAN,
                timeslot: place,
                signalling: Signalling::FxoKs,
                law: config.law,
            });
            card.spawn("sound", move || {
                prefer(priority);
                sound.run();
            })?;
        }
        if !keys.is_empty() {
            card.spawn("sound keys", move || key::run(keys, &stop))?;
        }
        Ok(card)
    }

    /// The figures of every device, in their order.
    pub fn figures(&self) -> Figures {
        Figures { names: self.names.clone(), devices: self.devices.clone() }
    }

    fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), CardError> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(body);
        self.threads.push(thread.map_err(|error| CardError::Os(error.raw_os_error().unwrap_or(0)))?);
        Ok(())
    }
}

impl Drop for SoundCard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Where the figures of a card are read when the card itself has gone to its thread.
#[derive(Clone)]
pub struct Figures {
    names: Vec<String>,
    devices: Vec<Arc<Shared>>,
}

impl Figures {
    /// As they are now.
    pub fn now(&self) -> Vec<DeviceFigures> {
        let of = |(name, shared): (&String, &Arc<Shared>)| DeviceFigures {
            line: line_name(name),
            present: shared.present.load(Ordering::Relaxed),
            errno: shared.errno.load(Ordering::Relaxed),
            capture_ppm: shared.capture_ppm.load(Ordering::Relaxed),
            playback_ppm: shared.playback_ppm.load(Ordering::Relaxed),
            echo_db: shared.echo_db.load(Ordering::Relaxed),
            counters: shared.counters(),
        };
        self.names.iter().zip(&self.devices).map(of).collect()
    }
}

impl Card for SoundCard {
    fn name(&self) -> &str {
        "sound"
    }

    fn clock(&self) -> ClockDomain {
        ClockDomain::Own(0)
    }

    fn spans(&self) -> &[SpanInfo] {
        &self.spans
    }

    fn channels(&self) -> &[ChannelInfo] {
        &self.channels
    }

    fn span_name(&self, _span: SpanId) -> String {
        "sound".into()
    }

    fn line_name(&self, channel: &ChannelInfo) -> String {
        self.names.get(usize::from(channel.id.0).wrapping_sub(1)).map_or_else(|| "sound".into(), |name| line_name(name))
    }

    fn counted(&self) -> Vec<(&'static str, &'static str, u64)> {
        let mut sums = Counters::default().named();
        for device in &self.devices {
            for (sum, (_, figure)) in sums.iter_mut().zip(device.counters().named()) {
                sum.1 += figure;
            }
        }
        sums.into_iter().map(|(name, figure)| ("sound", name, figure)).collect()
    }

    fn span_status(&mut self, span: SpanId) -> Result<SpanStatus, CardError> {
        if span == SPAN { Ok(SpanStatus::default()) } else { Err(CardError::NoSuchChannel) }
    }

    fn open(&mut self, channel: ChannelId) -> Result<Box<dyn Channel>, CardError> {
        let at = usize::from(channel.0).checked_sub(1).ok_or(CardError::NoSuchChannel)?;
        let (Some(shared), Some(info)) = (self.devices.get(at), self.channels.get(at)) else {
            return Err(CardError::NoSuchChannel);
        };
        Ok(Box::new(SoundChannel::open(shared, info.clone())?))
    }

    fn pace(&mut self) -> Result<Box<dyn Pace>, CardError> {
        Ok(Box::new(HostPace::start()?))
    }
}

fn line_name(name: &str) -> String {
    format!("sound {name}")
}

fn sound(config: &SoundConfig, sysfs: PathBuf, stop: Arc<AtomicBool>) -> Sound {
    let (capture, captured) = shared::queue();
    let (say, said) = shared::queue();
    let elastic = || Elastic::new(config.delay_ms);
    let ends = Ends { captured, said: say, elastic: elastic() };
    let cancels = config.cancels_echo && config.of.captures() && config.of.plays();
    let flow = Flow {
        said,
        elastic: elastic(),
        voice: Voice::new(config.ring_dbm0, config.chime_dbm0),
        played: Deque::new(),
        echo: cancels.then(Box::default),
    };
    let shared = Arc::new(Shared::new(config.of, config.chimes, ends));
    Sound { shared, device: config.device.clone(), sysfs, ahead: config.ahead, capture, flow, stop }
}

/// Asks for real-time scheduling. Without the right to it the thread carries on: the counters tell what it costs.
fn prefer(priority: u8) {
    let value = thread_priority::ThreadPriorityValue::try_from(priority);
    if let (1.., Ok(value)) = (priority, value) {
        let policy =
            thread_priority::ThreadSchedulePolicy::Realtime(thread_priority::RealtimeThreadSchedulePolicy::Fifo);
        let _ = thread_priority::set_thread_priority_and_policy(
            thread_priority::thread_native_id(),
            thread_priority::ThreadPriority::Crossplatform(value),
            policy,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, device: &str) -> SoundConfig {
        SoundConfig {
            name: name.into(),
            device: Device::parse(device).expect("a name"),
            of: Use::Handset,
            chimes: false,
            ring_dbm0: -20.0,
            chime_dbm0: -20.0,
            delay_ms: 31,
            ahead: 3,
            cancels_echo: false,
            key: Some(("/nowhere/at/all".into(), None)),
            law: Law::A,
        }
    }

    #[test]
    fn devices_that_are_not_there_are_ports_that_cannot_be_opened_yet() {
        let configs = [config("door", "usb:9-9"), config("hall", "hw:CARD=Nothing")];
        let mut card = SoundCard::start(&configs, "/nowhere".into(), 0).expect("threads");
        let lines: Vec<String> = card.channels().iter().map(|channel| card.line_name(channel)).collect();
        assert_eq!((lines, card.span_name(SPAN)), (vec!["sound door".into(), "sound hall".into()], "sound".into()));
        for id in [1, 2] {
            assert_eq!(card.open(ChannelId(id)).err(), Some(CardError::Gone));
        }
        for id in [0, 3, u16::MAX] {
            assert_eq!(card.open(ChannelId(id)).err(), Some(CardError::NoSuchChannel));
        }
        assert!(card.figures().now().iter().all(|device| !device.present && device.counters.losses == 0));
    }
}
