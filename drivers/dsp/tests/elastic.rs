//! Two clocks in virtual time, joined by the elastic buffer: half an hour of a tone, with drift and with senders and
//! readers who come late. What comes out is measured second by second.

use core::f64::consts::TAU;

use tipring_dsp::elastic::{MOST_PPM, USUAL_MS};
use tipring_dsp::{Elastic, Slips};

const BLOCK: usize = 80;
const PEAK: f64 = 10_000.0;
const HZ: f64 = 1_000.0;

/// A sender whose clock is off, and a reader with the right time.
struct Bench {
    elastic: Elastic,
    ppm: f64,
    /// Both come late by up to so much.
    late_us: u64,
    random: u64,
    sent: u64,
    read: u64,
    /// Nothing is sent.
    hold: bool,
}

impl Bench {
    fn new(ppm: f64, late_us: u64) -> Bench {
        Bench { elastic: Elastic::new(USUAL_MS), ppm, late_us, random: 1, sent: 0, read: 0, hold: false }
    }

    fn late(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if self.late_us == 0 { 0 } else { (self.random >> 33) % self.late_us }
    }

    /// When the sender's n-th sample was taken, in seconds.
    fn taken_s(&self, n: u64) -> f64 {
        n as f64 / (8_000.0 * (1.0 + self.ppm / 1e6))
    }

    fn send(&mut self, at_us: u64) {
        let block: Vec<i16> =
            (0..BLOCK as u64).map(|k| (PEAK * (TAU * HZ * self.taken_s(self.sent + k)).sin()).round() as i16).collect();
        self.elastic.push(at_us, &block);
        self.sent += BLOCK as u64;
    }

    /// The next block of the reader.
    fn block(&mut self) -> [i16; BLOCK] {
        self.read += BLOCK as u64;
        let at_us = self.read * 125 + self.late();
        // The sender's blocks that were whole before that, each as late as it happens to be.
        while !self.hold {
            let whole_us = (self.taken_s(self.sent + BLOCK as u64) * 1e6) as u64;
            let comes_us = whole_us + self.late();
            if comes_us > at_us {
                break;
            }
            self.send(comes_us);
        }
        let mut block = [0; BLOCK];
        self.elastic.pull(at_us, &mut block);
        block
    }

    fn second(&mut self) -> Vec<i16> {
        (0..100).flat_map(|_| self.block()).collect()
    }

    fn delay_ms(&self) -> f64 {
        self.elastic.delay_ms()
    }
}

/// How loud the tone is against all else in it, in decibels, whatever its exact frequency, and what that is.
fn purity(samples: &[i16]) -> (f64, f64) {
    let turn = |from: usize, count: usize, hz: f64| {
        let (mut c, mut s) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate().skip(from).take(count) {
            let angle = TAU * hz * n as f64 / 8_000.0;
            c += f64::from(*sample) * angle.cos();
            s += f64::from(*sample) * angle.sin();
        }
        (c, s)
    };
    let half = samples.len() / 2;
    let phase = |(c, s): (f64, f64)| (-s).atan2(c);
    let turned = phase(turn(half, half, HZ)) - phase(turn(0, half, HZ));
    let turned = (turned + 3.0 * core::f64::consts::PI).rem_euclid(TAU) - core::f64::consts::PI;
    let hz = HZ + turned / (TAU * half as f64 / 8_000.0);
    let (c, s) = turn(0, samples.len(), hz);
    let (c, s) = (c * 2.0 / samples.len() as f64, s * 2.0 / samples.len() as f64);
    let rest = |(n, sample): (usize, &i16)| {
        let angle = TAU * hz * n as f64 / 8_000.0;
        (f64::from(*sample) - c * angle.cos() - s * angle.sin()).powi(2)
    };
    let rest = samples.iter().enumerate().map(rest).sum::<f64>() / samples.len() as f64;
    (10.0 * ((c * c + s * s) / 2.0 / rest.max(1e-9)).log10(), hz)
}

/// The largest step that a sine of that frequency would not have made.
fn step(samples: &[i16]) -> f64 {
    let twice_cos = 2.0 * (TAU * HZ / 8_000.0).cos();
    let of = |w: &[i16]| (f64::from(w[2]) - twice_cos * f64::from(w[1]) + f64::from(w[0])).abs();
    samples.windows(3).map(of).fold(0.0, f64::max)
}

fn half_an_hour(ppm: f64, late_us: u64) {
    let mut bench = Bench::new(ppm, late_us);
    let (mut worst_db, mut worst_step, mut least_ms, mut most_ms) = (f64::MAX, 0.0_f64, f64::MAX, 0.0_f64);
    let mut before = Vec::new();
    for second in 0..1_800 {
        let samples = bench.second();
        if second >= 2 {
            before.extend_from_slice(&samples);
            worst_step = worst_step.max(step(&before));
            before.drain(..before.len() - 2);
            most_ms = most_ms.max(bench.delay_ms());
        }
        if second >= 120 && second % 3 == 0 {
            let (snr_db, hz) = purity(&samples);
            worst_db = worst_db.min(snr_db);
            assert!((hz - HZ).abs() < 0.05, "second {second}: {hz} Hz");
            least_ms = least_ms.min(bench.delay_ms());
        }
    }
    let drift = bench.elastic.drift_ppm();
    println!(
        "{ppm:+} ppm, {late_us} us: {worst_db:.1} dB, step {worst_step:.0}, {least_ms:.1}..{most_ms:.1} ms, {drift:+.1} ppm"
    );
    assert_eq!(bench.elastic.slips(), Slips::default(), "{ppm} ppm");
    assert!(worst_db >= 50.0, "{ppm} ppm: {worst_db:.1} dB");
    assert!(worst_step < PEAK * 0.01, "{ppm} ppm: a step of {worst_step:.0}");
    assert!(most_ms <= 40.0, "{ppm} ppm: {most_ms:.1} ms");
    let spread_ms = 2.0 + 2.0 * late_us as f64 / 1_000.0;
    assert!(most_ms - least_ms < spread_ms, "{ppm} ppm: {least_ms:.1} to {most_ms:.1} ms");
    assert!((drift - ppm).abs() < 10.0, "{ppm} ppm: taken for {drift:.2}");
}

#[test]
fn clocks_that_agree_are_joined_for_half_an_hour_without_a_slip() {
    half_an_hour(0.0, 4_000);
}

#[test]
fn a_drift_of_50_ppm_is_followed_for_half_an_hour_without_a_slip() {
    half_an_hour(50.0, 4_000);
    half_an_hour(-50.0, 4_000);
}

#[test]
fn a_drift_of_200_ppm_is_followed_for_half_an_hour_without_a_slip() {
    half_an_hour(200.0, 4_000);
    half_an_hour(-200.0, 0);
}

#[test]
fn a_drift_of_500_ppm_is_followed_for_half_an_hour_without_a_slip() {
    half_an_hour(500.0, 4_000);
    half_an_hour(-500.0, 6_000);
}

#[test]
fn a_sender_that_pauses_and_brings_all_at_once_costs_counted_slips_and_no_lasting_delay() {
    let mut bench = Bench::new(100.0, 1_000);
    (0..60).for_each(|_| drop(bench.second()));
    let usual_ms = bench.delay_ms();
    bench.hold = true;
    for _ in 0..5 {
        bench.block();
    }
    bench.hold = false;
    for _ in 0..20 {
        bench.second();
    }
    let slips = bench.elastic.slips();
    assert!(slips.repeated >= 1 && slips.dropped >= 1 && slips.stopped == 0, "{slips:?}");
    assert!((bench.delay_ms() - usual_ms).abs() < 6.0, "{} {usual_ms}", bench.delay_ms());
    let after = bench.elastic.slips();
    (0..60).for_each(|_| drop(bench.second()));
    assert_eq!(bench.elastic.slips(), after, "and then none");
}

#[test]
fn a_slip_is_faded_over_and_does_not_click() {
    let mut bench = Bench::new(0.0, 0);
    let mut out = Vec::new();
    (0..20).for_each(|_| drop(bench.second()));
    bench.hold = true;
    (0..4).for_each(|_| out.extend(bench.block()));
    bench.hold = false;
    (0..200).for_each(|_| out.extend(bench.block()));
    assert!(bench.elastic.slips().repeated > 0);
    assert!(step(&out) < PEAK * 0.25, "{}", step(&out));
}

#[test]
fn a_sender_that_stops_is_silence_and_is_taken_up_again_when_it_comes() {
    let mut bench = Bench::new(200.0, 0);
    (0..90).for_each(|_| drop(bench.second()));
    let drift = bench.elastic.drift_ppm();
    bench.hold = true;
    for _ in 0..20 {
        bench.block();
    }
    assert_eq!(bench.block(), [0; BLOCK]);
    let gap = bench.read - bench.sent;
    bench.sent += gap;
    bench.hold = false;
    let slips = bench.elastic.slips();
    assert_eq!(slips.stopped, 1);
    for _ in 0..10 {
        bench.block();
    }
    assert!(purity(&bench.second()).0 > 30.0);
    assert!((bench.elastic.drift_ppm() - drift).abs() < 20.0, "what was learnt is kept");
    assert_eq!(bench.elastic.slips().stopped, 1);
}

#[test]
fn a_drift_beyond_what_can_be_followed_slips_and_says_so() {
    let mut bench = Bench::new(4.0 * MOST_PPM, 0);
    (0..120).for_each(|_| drop(bench.second()));
    assert!(bench.elastic.slips().dropped > 3);
    assert!(bench.elastic.drift_ppm() <= MOST_PPM);
    assert!(bench.delay_ms() < 80.0);
}

#[test]
fn moments_that_go_backwards_and_blocks_of_any_size_do_no_harm() {
    let mut elastic = Elastic::new(0);
    let mut random = 7_u64;
    for _ in 0..20_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (at_us, length) = (random >> 20, (random >> 50) as usize % 3_000);
        if random & 1 == 0 {
            elastic.push(at_us, &vec![i16::MIN; length]);
        } else {
            elastic.pull(at_us % 1_000_000, &mut vec![0; length % 500]);
        }
        assert!(elastic.drift_ppm().is_finite() && elastic.delay_ms().is_finite());
    }
}

#[test]
fn a_sender_that_stands_still_again_and_again_teaches_no_wrong_drift() {
    let mut bench = Bench::new(200.0, 2_000);
    (0..90).for_each(|_| drop(bench.second()));
    let usual_ms = bench.delay_ms();
    for n in 0..60 {
        bench.hold = true;
        // A twentieth to a fifth of a second, then all at once.
        for _ in 0..5 + n % 4 * 5 {
            bench.block();
        }
        bench.hold = false;
        (0..4).for_each(|_| drop(bench.second()));
        let drift = bench.elastic.drift_ppm();
        assert!((drift - 200.0).abs() < 150.0, "stand {n}: {drift:.0} ppm");
    }
    (0..10).for_each(|_| drop(bench.second()));
    assert!((bench.delay_ms() - usual_ms).abs() < 12.0, "{} {usual_ms}", bench.delay_ms());
    let slips = bench.elastic.slips();
    assert!(purity(&bench.second()).0 > 40.0);
    (0..30).for_each(|_| drop(bench.second()));
    assert_eq!(bench.elastic.slips(), slips, "and then no more");
}
