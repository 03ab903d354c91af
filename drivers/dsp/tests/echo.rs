//! The echo canceller in rooms that are made by numbers: how fast it learns, how much it takes away, what it does when both
//! sides speak, and that it leaves alone what is no echo.

use tipring_dsp::echo::{Canceller, TAPS};

const BLOCK: usize = 80;

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

/// Noise with the colour of speech, in syllables.
struct Speaker {
    noise: Noise,
    low: f64,
    at: u64,
    level: f64,
}

impl Speaker {
    fn new(seed: u64, level: f64) -> Speaker {
        Speaker { noise: Noise(seed), low: 0.0, at: 0, level }
    }

    fn block(&mut self) -> [i16; BLOCK] {
        core::array::from_fn(|_| {
            self.at += 1;
            self.low = 0.85 * self.low + self.noise.next();
            let syllable = (self.at as f64 / 8_000.0 * 4.0 * core::f64::consts::PI).sin().abs().max(0.05);
            (self.low * self.level * syllable) as i16
        })
    }
}

/// A room: a direct sound and reflections that die away.
struct Room {
    taps: Vec<f64>,
    past: Vec<f64>,
}

impl Room {
    fn new(seed: u64, delay: usize, gain: f64) -> Room {
        let mut noise = Noise(seed);
        let mut taps = vec![0.0; 900];
        for (n, tap) in taps.iter_mut().enumerate().skip(delay) {
            *tap = noise.next() * (-((n - delay) as f64) / 120.0).exp();
        }
        let power: f64 = taps.iter().map(|tap| tap * tap).sum();
        taps.iter_mut().for_each(|tap| *tap *= gain / power.sqrt());
        Room { past: vec![0.0; taps.len()], taps }
    }

    fn echo(&mut self, played: &[i16]) -> Vec<f64> {
        let echo = |sample: &i16| {
            self.past.rotate_right(1);
            self.past[0] = f64::from(*sample);
            self.taps.iter().zip(&self.past).map(|(tap, sample)| tap * sample).sum()
        };
        played.iter().map(echo).collect()
    }
}

fn power(samples: impl Iterator<Item = f64>) -> f64 {
    samples.map(|sample| sample * sample).sum::<f64>() + 1.0
}

struct Bench {
    canceller: Canceller,
    far: Speaker,
    near: Speaker,
    room: Room,
}

impl Bench {
    fn new(delay: usize, gain: f64) -> Bench {
        Bench {
            canceller: Canceller::without_suppression(),
            far: Speaker::new(3, 3_000.0),
            near: Speaker::new(77, 3_000.0),
            room: Room::new(9, delay, gain),
        }
    }

    /// So many blocks; the echo against what is left of it, in decibels, and what was said near against what was not.
    fn run(&mut self, blocks: usize, speaks: bool) -> (f64, f64) {
        let (mut echo_power, mut left_power, mut near_power) = (0.0, 0.0, 0.0);
        for _ in 0..blocks {
            let played = self.far.block();
            let near = if speaks { self.near.block() } else { [0; BLOCK] };
            let echo = self.room.echo(&played);
            let mut heard: [i16; BLOCK] = core::array::from_fn(|n| (echo[n] + f64::from(near[n])).round() as i16);
            self.canceller.cancel(&played, &mut heard);
            echo_power += power(echo.iter().copied());
            near_power += power(near.iter().map(|sample| f64::from(*sample)));
            left_power += power(heard.iter().zip(&near).map(|(heard, near)| f64::from(*heard) - f64::from(*near)));
        }
        (10.0 * (echo_power / left_power).log10(), 10.0 * (near_power / left_power).log10())
    }
}

#[test]
fn a_room_is_learnt_within_a_second_and_better_later() {
    for (delay, gain) in [(20, 0.5), (80, 0.5), (300, 0.3), (500, 0.9), (100, 2.0)] {
        let mut bench = Bench::new(delay, gain);
        bench.run(100, false);
        let (second_db, _) = bench.run(25, false);
        bench.run(400, false);
        let (later_db, _) = bench.run(100, false);
        println!("delay {delay}, gain {gain}: {second_db:.1} dB behind a second, {later_db:.1} dB behind five");
        assert!(second_db >= 20.0 && later_db >= 30.0, "delay {delay}, gain {gain}: {second_db:.1}, {later_db:.1} dB");
    }
}

#[test]
fn who_speaks_at_the_same_time_is_heard_and_spoils_nothing() {
    let mut bench = Bench::new(80, 0.5);
    bench.run(500, false);
    let (_, near_db) = bench.run(300, true);
    let (after_db, _) = bench.run(10, false);
    println!("near speech is {near_db:.1} dB above what is added to it; {after_db:.1} dB at once behind it");
    assert!(near_db > 20.0, "{near_db:.1} dB");
    assert!(after_db > 25.0, "{after_db:.1} dB");
}

#[test]
fn both_speaking_from_the_beginning_does_not_make_it_worse_than_no_canceller() {
    let mut bench = Bench::new(80, 0.5);
    let (echo_db, _) = bench.run(500, true);
    assert!(echo_db > -1.0, "{echo_db:.1} dB");
    bench.run(150, false);
    assert!(bench.run(50, false).0 > 20.0);
}

#[test]
fn a_room_that_changes_is_learnt_anew() {
    let mut bench = Bench::new(80, 0.5);
    bench.run(500, false);
    bench.room = Room::new(1_234, 200, 0.6);
    bench.run(150, false);
    let (db, _) = bench.run(50, false);
    assert!(db > 20.0, "{db:.1} dB");
}

#[test]
fn without_an_echo_nothing_is_changed() {
    for mut canceller in [Canceller::new(), Canceller::without_suppression()] {
        let (mut far, mut near) = (Speaker::new(5, 4_000.0), Speaker::new(6, 2_000.0));
        for block in 0..1_000 {
            let (played, said) = (far.block(), near.block());
            let mut heard = said;
            canceller.cancel(&played, &mut heard);
            assert_eq!(heard, said, "block {block}");
        }
    }
}

#[test]
fn what_is_left_of_a_known_echo_is_made_softer_and_a_voice_is_not() {
    let mut bench = Bench::new(80, 0.5);
    bench.canceller = Canceller::new();
    bench.run(500, false);
    let (db, _) = bench.run(100, false);
    assert!(db > 40.0, "{db:.1} dB");
    let (_, near_db) = bench.run(200, true);
    println!("suppressed to {db:.1} dB; a voice is {near_db:.1} dB above what it loses");
    assert!(near_db > 12.0, "{near_db:.1} dB");
}

#[test]
fn the_loudest_sound_and_blocks_that_do_not_fit_do_no_harm() {
    let mut canceller = Canceller::new();
    for block in 0..2_000_u32 {
        let level = if block % 7 < 3 { i16::MAX } else { i16::MIN };
        let mut heard = [if block % 2 == 0 { i16::MIN } else { i16::MAX }; BLOCK];
        canceller.cancel(&[level; BLOCK][..(block % 81) as usize], &mut heard);
        assert!(canceller.erle_db().is_finite());
    }
    assert_eq!(TAPS, 1_024);
}
