//! What the audio path costs: CPU per channel-second, printed as one JSON object a line (`row`, `measured`, `unit`). It
//! measures this machine at this moment and decides nothing. Run with `--release`.

use std::time::{Duration, Instant};

use tipring_card::{Block, Law};
use tipring_dsp::{Detector, KeyTone, Sum, Tone, alaw_encode};
use tipring_switch::{Command, FEED, PLAY_BUFFER, PlayId, Port, PortIo, Switch, TapId};

/// CPU time of this thread, so that what else the machine does is not counted; where the kernel does not tell it, the
/// wall's time.
struct Cpu {
    ran: Option<Duration>,
    wall: Instant,
}

impl Cpu {
    fn now() -> Cpu {
        Cpu { ran: Cpu::ran(), wall: Instant::now() }
    }

    fn ran() -> Option<Duration> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    }

    fn elapsed(&self) -> Duration {
        match (self.ran, Cpu::ran()) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => self.wall.elapsed(),
        }
    }
}

/// Lines that all say the same second of sound, each from its own place in it.
struct Lines {
    sound: Vec<u8>,
    tick: usize,
    written: u64,
}

impl PortIo for Lines {
    fn read(&mut self, index: u16, into: &mut Block) -> bool {
        let from = (self.tick + usize::from(index)) * 80 % self.sound.len();
        into.copy_from_slice(&self.sound[from..from + 80]);
        true
    }

    fn write(&mut self, _: u16, block: &Block) {
        self.written += u64::from(block[0]);
    }
}

/// A second of tones that wander like a voice and hold no key.
fn sound() -> Vec<u8> {
    let mut samples = vec![0i16; 8000];
    let (mut low, mut high) = (Tone::new(200.0, -18.0), Tone::new(1900.0, -24.0));
    for (n, piece) in samples.chunks_mut(80).enumerate() {
        low.set_hz(200.0 + (n * 7 % 60) as f32 * 5.0);
        high.set_hz(1900.0 + (n * 11 % 50) as f32 * 9.0);
        low.add_to(piece);
        high.add_to(piece);
    }
    samples.iter().map(|s| alaw_encode(*s)).collect()
}

fn port(index: u16) -> Port {
    Port { index, generation: 1 }
}

fn attached(ports: u16) -> (Switch, Lines) {
    let mut switch = Switch::new(usize::from(ports));
    for index in 0..ports {
        switch.command(Command::Attach { port: port(index), law: Law::A });
    }
    (switch, Lines { sound: sound(), tick: 0, written: 0 })
}

/// Microseconds a channel-second of so many ticks, with events fetched.
fn run(
    switch: &mut Switch,
    lines: &mut Lines,
    ports: u16,
    ticks: usize,
    mut before: impl FnMut(&mut Switch, usize),
) -> f64 {
    let start = Cpu::now();
    for tick in 0..ticks {
        lines.tick = tick;
        before(switch, tick);
        switch.tick(lines);
        while switch.poll().is_some() {}
    }
    start.elapsed().as_secs_f64() * 1e6 / (ticks as f64 / 100.0) / f64::from(ports)
}

fn row(name: &str, measured: f64, unit: &str) {
    println!("{{\"row\":\"{name}\",\"measured\":{measured:.2},\"unit\":\"{unit}\"}}");
}

const A_CHANNEL_SECOND: &str = "us CPU per channel-second";

fn idle() {
    let (mut switch, mut lines) = attached(30);
    for index in 0..30 {
        switch.command(Command::Keys { port: port(index), on: false });
    }
    row("30 ports attached, nothing on", run(&mut switch, &mut lines, 30, 20_000, |_, _| {}), A_CHANNEL_SECOND);
    let mut empty = Switch::new(240);
    row("240 places, none attached, per place", run(&mut empty, &mut lines, 240, 20_000, |_, _| {}), A_CHANNEL_SECOND);
}

fn play_and_keys(tap: bool) {
    let (mut switch, mut lines) = attached(30);
    for index in 0..30 {
        switch.command(Command::Play { port: port(index), play: PlayId(1) });
        for _ in 0..PLAY_BUFFER / FEED / 2 {
            switch.command(Command::Feed { play: PlayId(1), port: port(index), len: FEED as u8, data: [7; FEED] });
        }
        if tap {
            switch.command(Command::Tap { port: port(index), tap: TapId(1), both: false, quiet_ms: 3000 });
        }
    }
    let measured = run(&mut switch, &mut lines, 30, 20_000, |switch, tick| {
        for index in 0..30 * u16::from(tick % 2 == 0) {
            switch.command(Command::Feed { play: PlayId(1), port: port(index), len: FEED as u8, data: [7; FEED] });
        }
    });
    assert_eq!(switch.counters().starved, 0);
    row(if tap { "play + key detection + record" } else { "play + key detection" }, measured, A_CHANNEL_SECOND);
}

fn conference(parties: u16, keys: bool) {
    let (mut switch, mut lines) = attached(parties);
    for listener in 0..parties {
        switch.command(Command::Keys { port: port(listener), on: keys });
        for talker in (0..parties).filter(|talker| *talker != listener) {
            switch.command(Command::Connect { listener: port(listener), talker: port(talker) });
        }
    }
    let measured = run(&mut switch, &mut lines, parties, 20_000, |_, _| {});
    let name = format!("conference of {parties}{}", if keys { " + key detection" } else { "" });
    row(&name, measured, A_CHANNEL_SECOND);
}

fn pairs() {
    let (mut switch, mut lines) = attached(240);
    for index in 0..240 {
        switch.command(Command::Connect { listener: port(index), talker: port(index ^ 1) });
    }
    let measured = run(&mut switch, &mut lines, 240, 5000, |_, _| {});
    row("120 two-party calls + key detection", measured, A_CHANNEL_SECOND);
    row("the same, one tick of 240 ports", measured * 240.0 / 100.0, "us");
    let rewired = run(&mut switch, &mut lines, 240, 5000, |switch, tick| {
        let (listener, talker) = (port(tick as u16 % 240), port((tick * 7) as u16 % 240));
        switch.command(Command::Connect { listener, talker });
    });
    row("the same, re-wired at every tick", rewired, A_CHANNEL_SECOND);
}

fn parts() {
    let linear: Vec<i16> = sound().iter().map(|o| tipring_dsp::alaw_decode(*o)).collect();
    let mut detector = Detector::new();
    let mut keys = 0u32;
    let start = Cpu::now();
    for _ in 0..2000 {
        linear.chunks(80).for_each(|block| detector.feed(block, |_| keys += 1));
    }
    row("key detector alone", start.elapsed().as_secs_f64() * 1e6 / 2000.0, A_CHANNEL_SECOND);
    let mut key = vec![0; 1280];
    KeyTone::new(b'5').expect("a key").fill(&mut key);
    let start = Cpu::now();
    for _ in 0..20_000 {
        key.chunks(80).for_each(|block| detector.feed(block, |_| keys += 1));
    }
    row("key detector alone, keys all the time", start.elapsed().as_secs_f64() * 1e6 / 3200.0, A_CHANNEL_SECOND);
    let block: [i16; 80] = core::array::from_fn(|n| linear[n]);
    let (mut sum, mut out) = (Sum::silence(), [0; 80]);
    let start = Cpu::now();
    for _ in 0..1_000_000 {
        sum.clear();
        sum.add(std::hint::black_box(&block));
        sum.saturated_without(&block, &mut out);
        std::hint::black_box(&out);
    }
    row("sum: add one block, take one out", start.elapsed().as_secs_f64() * 1e9 / 1_000_000.0, "ns");
    assert!(keys > 0);
}

fn main() {
    idle();
    play_and_keys(false);
    play_and_keys(true);
    conference(30, false);
    conference(30, true);
    pairs();
    parts();
}
