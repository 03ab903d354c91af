//! Rows `switch.*`: what the audio path costs, with the blocks that a card would bring. CPU time of this thread; the time
//! of the card's own reads and writes is not in it.

use std::time::{Duration, Instant};

use tipring_card::{Block, Law};
use tipring_dsp::{alaw_decode, alaw_encode};
use tipring_switch::{Command, Event, FEED, PLAY_BUFFER, PlayId, Port, PortIo, Switch, TapId};

use crate::measure::{ROUNDS, Row, cpu, cpu_of, median};
use crate::speaker::Speaker;

/// Ticks a round: 100 s of sound.
const TICKS: usize = 10_000;

/// Lines that say ten seconds of speech, each from its own place in it; what one of them hears is kept when asked for.
pub struct Lines {
    sound: Vec<u8>,
    tick: usize,
    written: u64,
    keep: Option<u16>,
    kept: Vec<u8>,
}

impl Lines {
    fn new(sound: Vec<u8>) -> Lines {
        Lines { sound, tick: 0, written: 0, keep: None, kept: Vec::new() }
    }

    /// What a line says at a tick.
    fn said(&self, index: u16, tick: usize) -> &[u8] {
        let blocks = self.sound.len() / 80;
        let at = (tick + usize::from(index) * 29) % blocks * 80;
        &self.sound[at..at + 80]
    }
}

impl PortIo for Lines {
    fn read(&mut self, index: u16, into: &mut Block) -> bool {
        into.copy_from_slice(self.said(index, self.tick));
        true
    }

    fn write(&mut self, index: u16, block: &Block) {
        self.written += u64::from(block[0]);
        if self.keep == Some(index) {
            self.kept.extend_from_slice(block);
        }
    }
}

/// Speech, at about -10 dBm0 where somebody speaks.
pub fn speech() -> Vec<i16> {
    let mut speaker = Speaker::new(31);
    (0..80_000).map(|_| speaker.sample()).collect()
}

fn octets() -> Vec<u8> {
    speech().iter().map(|s| alaw_encode(*s)).collect()
}

fn port(index: u16) -> Port {
    Port { index, generation: 1 }
}

fn attached(ports: u16, sound: Vec<u8>) -> (Switch, Lines) {
    let mut switch = Switch::new(usize::from(ports));
    for index in 0..ports {
        switch.command(Command::Attach { port: port(index), law: Law::A });
    }
    (switch, Lines::new(sound))
}

fn play(switch: &mut Switch, index: u16) {
    switch.command(Command::Play { port: port(index), play: PlayId(1) });
    for _ in 0..PLAY_BUFFER / FEED / 2 {
        feed(switch, index);
    }
}

fn feed(switch: &mut Switch, index: u16) {
    let data = core::array::from_fn(|n| (n * 37) as u8);
    switch.command(Command::Feed { play: PlayId(1), port: port(index), len: FEED as u8, data });
}

fn record(switch: &mut Switch, index: u16) {
    switch.command(Command::Tap { port: port(index), tap: TapId(1), both: false, quiet_ms: 0 });
    switch.command(Command::TapHeard { port: port(index), tap: TapId(2) });
}

/// Everybody hears everybody else.
fn confer(switch: &mut Switch, from: u16, to: u16) {
    for listener in from..to {
        for talker in (from..to).filter(|talker| *talker != listener) {
            switch.command(Command::Connect { listener: port(listener), talker: port(talker) });
        }
    }
}

fn pair(switch: &mut Switch, a: u16, b: u16) {
    switch.command(Command::Connect { listener: port(a), talker: port(b) });
    switch.command(Command::Connect { listener: port(b), talker: port(a) });
}

/// Microseconds a second of sound, for all ports together; the median of some rounds.
fn cost(switch: &mut Switch, lines: &mut Lines, mut before: impl FnMut(&mut Switch, usize)) -> f64 {
    let mut round = || {
        let took = cpu_of(|| {
            for _ in 0..TICKS {
                lines.tick += 1;
                before(switch, lines.tick);
                switch.tick(lines);
                while switch.poll().is_some() {}
            }
        });
        took.as_secs_f64() * 1e6 / (TICKS as f64 / 100.0)
    };
    round();
    median((0..ROUNDS).map(|_| round()).collect())
}

/// A prompt plays to 30 callers, and their keys are listened for.
pub fn ivr() -> Row {
    let (mut switch, mut lines) = attached(30, octets());
    (0..30).for_each(|index| play(&mut switch, index));
    let measured = cost(&mut switch, &mut lines, |switch, tick| {
        // Twenty milliseconds a command.
        (0..30 * u16::from(tick % 2 == 0)).for_each(|index| feed(switch, index));
    });
    assert_eq!(switch.counters().starved, 0, "the prompt never paused");
    let row = Row::new("switch.ivr", measured / 30.0, "us/channel-second").at_most(100.0);
    match crate::dtmf::peer_alone(&speech()) {
        Some(alone) => row.beside("spandsp dtmf_rx alone", alone),
        None => row,
    }
}

/// Fifteen pairs, keys of both sides, both voices recorded.
pub fn bridge() -> Row {
    let (mut switch, mut lines) = attached(30, octets());
    for a in (0..30).step_by(2) {
        pair(&mut switch, a, a + 1);
        record(&mut switch, a);
    }
    let measured = cost(&mut switch, &mut lines, |_, _| {});
    assert_eq!(switch.counters().dropped_events, 0, "every recorded block was told");
    let (bridge, channel) = (measured / 15.0, measured / 30.0);
    let note = format!("for the bridge: both its channels, both voices recorded; {channel:.1} a channel");
    Row::new("switch.bridge", bridge, "us/bridge-second").at_most(150.0).note(note)
}

/// Thirty who all speak, and whose keys are listened for.
pub fn conference() -> Row {
    let (mut switch, mut lines) = attached(30, octets());
    confer(&mut switch, 0, 30);
    let measured = cost(&mut switch, &mut lines, |_, _| {});
    let usual = fidelity(1.0);
    let loud = fidelity(2.6);
    let note = format!(
        "worst block against the exact sum: {:.0} dB when all speak at -10 dBm0, {:.0} dB when all shout; {} % of blocks \
         turned down when all shout",
        usual.0, loud.0, loud.1
    );
    let row = Row::new("switch.conf30", measured / 30.0, "us/party-second").at_most(50.0);
    row.holds("no clipping: every block is the sum of the others, turned down or not", usual.0.min(loud.0) > CLEAN_DB)
        .note(note)
}

/// What G.711 leaves of a signal is about 36 dB; a sum that is clipped by 6 dB has 15.
const CLEAN_DB: f64 = 25.0;

/// How well one party hears the sum of the 29 others, each with this gain: signal to distortion of the worst loud block,
/// after the gain that fits it best, and how many of a hundred blocks were turned down.
fn fidelity(gain: f32) -> (f64, u64) {
    let loud: Vec<u8> = speech().iter().map(|s| alaw_encode((f32::from(*s) * gain) as i16)).collect();
    let (mut switch, mut lines) = attached(30, loud);
    confer(&mut switch, 0, 30);
    lines.keep = Some(0);
    let ticks = 2000;
    for tick in 0..ticks {
        lines.tick = tick;
        switch.tick(&mut lines);
        while switch.poll().is_some() {}
    }
    let mut worst = f64::INFINITY;
    for tick in 0..ticks {
        let mut sum = [0f64; 80];
        for index in 1..30 {
            let said = lines.said(index, tick);
            sum.iter_mut().zip(said).for_each(|(sum, octet)| *sum += f64::from(alaw_decode(*octet)));
        }
        let heard: Vec<f64> = lines.kept[tick * 80..][..80].iter().map(|o| f64::from(alaw_decode(*o))).collect();
        // The gain moves within a block: compared in pieces of a millisecond and a quarter.
        for (sum, heard) in sum.chunks(10).zip(heard.chunks(10)) {
            let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let (ss, sh, hh) = (product(sum, sum), product(sum, heard), product(heard, heard));
            if hh / 10.0 < 4e6 || ss == 0.0 {
                continue; // quieter than -18 dBm0
            }
            let rest = (hh - sh * sh / ss).max(1e-9);
            worst = worst.min(10.0 * (hh / rest).log10());
        }
    }
    (worst, switch.counters().limited * 100 / (30 * ticks as u64))
}

/// A full box: 240 ports, on a thread as the media thread is: real-time where that is allowed.
pub fn tick() -> Row {
    std::thread::spawn(|| {
        use thread_priority::{RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        let priority = ThreadPriority::Crossplatform(50u8.try_into().expect("a priority"));
        let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
        let id = thread_priority::thread_native_id();
        ticks(thread_priority::set_thread_priority_and_policy(id, priority, policy).is_ok())
    })
    .join()
    .expect("the ticks were made")
}

/// What the ticks took.
#[derive(Default)]
struct Took {
    wall: Vec<Duration>,
    used: Vec<Duration>,
    allocated: u64,
}

/// 120 callers hear a prompt, 30 of them recorded; 45 recorded pairs; a conference of 30 whose wiring changes all the
/// time; the keys of all. The same ticks each time that it is called.
fn full_box() -> Took {
    let (mut switch, mut lines) = attached(PORTS, octets());
    (0..120).for_each(|index| play(&mut switch, index));
    (0..120).step_by(4).for_each(|index| {
        switch.command(Command::Tap { port: port(index), tap: TapId(1), both: false, quiet_ms: 3000 });
    });
    (120..210).step_by(2).for_each(|a| {
        pair(&mut switch, a, a + 1);
        record(&mut switch, a);
    });
    confer(&mut switch, 210, PORTS);
    let mut took = Took { wall: Vec::with_capacity(FULL_TICKS), used: Vec::with_capacity(FULL_TICKS), allocated: 0 };
    let mut audio = 0u64;
    for tick in 0..FULL_TICKS {
        lines.tick = tick;
        let before = crate::allocations::so_far();
        let (cpu_begin, begin) = (cpu(), Instant::now());
        (0..120 * u16::from(tick % 2 == 0)).for_each(|index| feed(&mut switch, index));
        // One party of the conference is muted for another, or speaks again: a new plan at every tick.
        let (listener, talker) = (port(210 + (tick / 2 % 15) as u16), port(239));
        switch.command(if tick % 2 == 0 {
            Command::Disconnect { listener, talker }
        } else {
            Command::Connect { listener, talker }
        });
        switch.tick(&mut lines);
        while let Some(event) = switch.poll() {
            audio += u64::from(matches!(event, Event::Audio { .. }));
        }
        took.wall.push(begin.elapsed());
        took.used.push(cpu().saturating_sub(cpu_begin));
        took.allocated += crate::allocations::so_far() - before;
        // A real-time thread that never rests is stopped by the kernel for 50 ms of each second.
        std::thread::sleep(Duration::from_micros(100));
    }
    assert_eq!(audio, FULL_TICKS as u64 * (30 + 90), "every recorded block was told");
    took
}

/// The work of a tick is the least CPU time that it took in some passes over the same ticks: what the machine does
/// underneath is counted as a thread's CPU time too, but it does not fall on the same tick each time.
fn ticks(real_time: bool) -> Row {
    let passes: Vec<Took> = (0..PASSES).map(|_| full_box()).collect();
    let least = |tick: usize| passes.iter().map(|pass| pass.used[tick]).min().unwrap_or_default();
    let work = (0..FULL_TICKS).map(least).max().unwrap_or_default();
    let once = passes.iter().flat_map(|pass| &pass.used).max().copied().unwrap_or_default();
    let mut wall: Vec<Duration> = passes.iter().flat_map(|pass| pass.wall.iter().copied()).collect();
    wall.sort_unstable();
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    let at = |share: f64| ms(wall[((wall.len() as f64 * share) as usize).min(wall.len() - 1)]);
    let allocated: u64 = passes.iter().map(|pass| pass.allocated).sum();
    let note = format!(
        "CPU time of the worst tick {:.2} ms (seen once in {PASSES} passes: {:.2}); by the wall's clock half {:.2}, 99.9 % \
         {:.2}, worst {:.2} ms, on {}",
        ms(work),
        ms(once),
        at(0.5),
        at(0.999),
        at(1.0),
        if real_time { "a real-time thread" } else { "an ordinary thread" }
    );
    let row = Row::new("switch.tick", ms(work).max(at(0.999)), "ms").at_most(2.0);
    row.holds(&format!("{allocated} allocations in {} ticks", wall.len()), allocated == 0).note(note)
}

const PORTS: u16 = 240;
const FULL_TICKS: usize = 8000;
const PASSES: usize = 3;
