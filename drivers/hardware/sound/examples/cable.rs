//! Two sound devices that are the two ends of a cable (snd-aloop), each a port with a telephone, and a tone from each to the
//! other: is it there, is it whole, what do the clocks do? For the lab, or a machine with `modprobe snd-aloop`.
//!
//! `cable [SECONDS] [PPM]`: the cable's clocks are shifted by so much, one up and one down. Prints what it saw; status 1
//! where something is not as it should be.

use std::f64::consts::TAU;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use alsa::ctl::{Ctl, ElemId, ElemIface, ElemType, ElemValue};
use tipring_card::{BLOCK, Card, CardError, Channel, ChannelId, Event, Hook, Law, Pace, Setup};
use tipring_dsp::g711::Companding;
use tipring_sound::{Device, SoundCard, SoundConfig, Use, found, names};

/// The first seconds, in which the clocks find each other, are not judged.
const SETTLED_S: usize = 15;

struct End {
    card: SoundCard,
    channel: Box<dyn Channel>,
    hz: f64,
    said: u64,
    heard: Vec<i16>,
    late: u32,
}

fn start(name: &str, device: &str, of: Use) -> Result<SoundCard, String> {
    let device = Device::parse(device).map_err(|fault| fault.to_string())?;
    let config = SoundConfig {
        name: name.into(),
        device,
        of,
        chimes: false,
        ring_dbm0: -20.0,
        chime_dbm0: -20.0,
        delay_ms: 100,
        ahead: 10,
        key: None,
        cancels_echo: false,
        law: Law::A,
    };
    SoundCard::start(&[config], names::SYSFS.into(), 49).map_err(|error| error.to_string())
}

fn opened(card: &mut SoundCard) -> Result<Box<dyn Channel>, String> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match card.open(ChannelId(1)) {
            Ok(channel) => {
                return Ok(channel);
            }
            Err(error) if Instant::now() > until => return Err(format!("it does not open: {error}")),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

impl End {
    fn new(name: &str, device: &str, of: Use, hz: f64) -> Result<End, String> {
        let mut card = start(name, device, of)?;
        let channel = opened(&mut card)?;
        Ok(End { card, channel, hz, said: 0, heard: Vec::new(), late: 0 })
    }

    fn tick(&mut self) -> Result<(), CardError> {
        let mut octets = [0; BLOCK];
        match self.channel.read(&mut octets) {
            Ok(_) => {
                let mut samples = [0; BLOCK];
                Companding::A.decode_into(&octets, &mut samples);
                self.heard.extend_from_slice(&samples);
            }
            Err(CardError::EventPending) => drop(self.channel.event()),
            Err(CardError::Gone) => return Err(CardError::Gone),
            Err(_) => self.late += 1,
        }
        let said: [i16; BLOCK] = core::array::from_fn(|k| {
            (8_000.0 * (TAU * self.hz * (self.said + k as u64) as f64 / 8_000.0).sin()) as i16
        });
        self.said += BLOCK as u64;
        Companding::A.encode_into(&said, &mut octets);
        match self.channel.write(&octets) {
            Err(CardError::Gone) => Err(CardError::Gone),
            _ => Ok(()),
        }
    }
}

/// A tone against all else, in decibels, and its level against what was sent.
fn purity(samples: &[i16], hz: f64) -> (f64, f64) {
    let turn = |from: usize, count: usize, hz: f64| {
        samples.iter().enumerate().skip(from).take(count).fold((0.0, 0.0), |(c, s), (n, sample)| {
            let angle = TAU * hz * n as f64 / 8_000.0;
            (c + f64::from(*sample) * angle.cos(), s + f64::from(*sample) * angle.sin())
        })
    };
    let half = samples.len() / 2;
    let phase = |(c, s): (f64, f64)| (-s).atan2(c);
    let turned = phase(turn(half, half, hz)) - phase(turn(0, half, hz));
    let turned = (turned + 3.0 * std::f64::consts::PI).rem_euclid(TAU) - std::f64::consts::PI;
    let hz = hz + turned / (TAU * half as f64 / 8_000.0);
    let (c, s) = turn(0, samples.len(), hz);
    let (c, s) = (c * 2.0 / samples.len() as f64, s * 2.0 / samples.len() as f64);
    let rest: f64 = samples
        .iter()
        .enumerate()
        .map(|(n, sample)| {
            let angle = TAU * hz * n as f64 / 8_000.0;
            (f64::from(*sample) - c * angle.cos() - s * angle.sin()).powi(2)
        })
        .sum::<f64>()
        / samples.len() as f64;
    let tone = (c * c + s * s) / 2.0;
    (10.0 * (tone / rest.max(1e-9)).log10(), 10.0 * (tone.max(1e-9) / (8_000.0 * 8_000.0 / 2.0)).log10())
}

/// Shifts the clock of what this device captures.
fn shift(device: u32, ppm: i32) -> Result<(), alsa::Error> {
    let control = Ctl::new("hw:Loopback", false)?;
    let mut id = ElemId::new(ElemIface::PCM);
    id.set_name(c"PCM Rate Shift 100000");
    id.set_device(device);
    id.set_subdevice(0);
    let mut value = ElemValue::new(ElemType::Integer)?;
    value.set_id(&id);
    value.set_integer(0, 100_000 + ppm / 10).ok_or(alsa::Error::unsupported("rate shift"))?;
    control.elem_write(&value).map(drop)
}

fn judge(end: &End, from_hz: f64, told: &str) -> bool {
    let (mut worst_db, mut gaps) = (f64::MAX, 0);
    for second in end.heard.chunks_exact(8_000).skip(SETTLED_S) {
        let (snr_db, level_db) = purity(second, from_hz);
        worst_db = worst_db.min(snr_db);
        gaps += u32::from(snr_db < 20.0 || level_db.abs() > 1.5);
    }
    let figures = &end.card.figures().now()[0];
    let seconds = end.heard.len() / 8_000;
    println!(
        "{told}: {seconds} s of {from_hz} Hz, worst second {worst_db:.1} dB, {gaps} with a gap, {} late; {figures:?}",
        end.late
    );
    seconds > SETTLED_S && gaps == 0 && figures.counters.losses == 0
}

fn cable(seconds: u64, ppm: i32) -> Result<bool, String> {
    let mut near = End::new("near", "hw:CARD=Loopback,DEV=0,SUBDEV=0", Use::Doorphone, 1_000.0)?;
    let mut far = End::new("far", "hw:CARD=Loopback,DEV=1,SUBDEV=0", Use::Doorphone, 620.0)?;
    shift(0, ppm).and_then(|()| shift(1, -ppm)).map_err(|error| error.to_string())?;
    near.channel.hook(Hook::Ring).map_err(|error| error.to_string())?;
    for end in [&mut near, &mut far] {
        end.channel.setup(Setup::Audio(Law::A)).map_err(|error| error.to_string())?;
    }
    let mut answered = near.channel.event() == Ok(Some(Event::RingOffHook));
    let mut pace = near.card.pace().map_err(|error| error.to_string())?;
    run(&mut *pace, seconds, &mut [&mut near, &mut far])?;
    near.channel.hook(Hook::OnHook).map_err(|error| error.to_string())?;
    answered &= near.channel.event() == Ok(Some(Event::OnHook));
    println!("answered and hung up by itself: {answered}");
    let whole = judge(&near, far.hz, "near") & judge(&far, near.hz, "far");
    // The far end goes, and comes again: near stays what it was.
    drop(far);
    run(&mut *pace, 3, &mut [&mut near])?;
    let mut far = End::new("far", "hw:CARD=Loopback,DEV=1,SUBDEV=0", Use::Doorphone, 620.0)?;
    near.heard.clear();
    far.channel.setup(Setup::Audio(Law::A)).map_err(|error| error.to_string())?;
    run(&mut *pace, 12, &mut [&mut near, &mut far])?;
    let (snr_db, _) = purity(&near.heard[8_000 * 10..8_000 * 11], far.hz);
    println!("the far end came again: {snr_db:.1} dB");
    Ok(answered && whole)
}

fn run(pace: &mut dyn Pace, seconds: u64, ends: &mut [&mut End]) -> Result<(), String> {
    let (mut left, mut late) = (seconds * 100, [0; 8]);
    while left > 0 {
        let ticks = pace.wait().map_err(|error| error.to_string())?;
        for _ in 0..u64::from(ticks).min(left) {
            for end in ends.iter_mut() {
                end.tick().map_err(|error| format!("{error}: {:?}", end.card.figures().now()))?;
            }
        }
        left = left.saturating_sub(ticks.into());
        late[(ticks as usize).min(late.len() - 1)] += 1;
    }
    println!("so many ticks at once, from none to seven and more: {late:?}");
    Ok(())
}

/// Any other device that plays and captures: it opens, and its clock runs.
fn other(device: &str) -> Result<bool, String> {
    let mut end = End::new("other", device, Use::Handset, 440.0)?;
    end.channel.setup(Setup::Audio(Law::A)).map_err(|error| error.to_string())?;
    let mut pace = end.card.pace().map_err(|error| error.to_string())?;
    run(&mut *pace, 5, &mut [&mut end])?;
    let figures = &end.card.figures().now()[0];
    println!("{device}: {figures:?}");
    Ok(figures.present && figures.counters.losses == 0 && figures.counters.stalls == 0)
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(45);
    let ppm = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(200);
    for device in found(names::SYSFS.as_ref()) {
        println!("{device:?}");
    }
    // As the media thread of the service.
    if let Ok(value) = thread_priority::ThreadPriorityValue::try_from(50_u8) {
        let policy =
            thread_priority::ThreadSchedulePolicy::Realtime(thread_priority::RealtimeThreadSchedulePolicy::Fifo);
        let _ = thread_priority::set_thread_priority_and_policy(
            thread_priority::thread_native_id(),
            thread_priority::ThreadPriority::Crossplatform(value),
            policy,
        );
    }
    let mut ok = true;
    for (what, result) in [("cable", cable(seconds, ppm)), ("dummy", other("hw:CARD=Dummy,DEV=0"))] {
        match result {
            Ok(true) => println!("{what}: ok"),
            Ok(false) => println!("{what}: NOT ok"),
            Err(ref error) => println!("{what}: {error}"),
        }
        ok &= matches!(result, Ok(true));
    }
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
