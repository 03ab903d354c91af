//! Rows `dsp.echo` and `dsp.elastic`: what the echo canceller costs a channel-second, and how much echo it takes away; what
//! the elastic buffer costs. Neither may ask the allocator for anything. Both stand alone: spandsp's canceller prints a line
//! for each sample as Debian has it, and who else joins clocks does it in frames of his own.

use tipring_dsp::echo::{Canceller, TAPS};
use tipring_dsp::{Elastic, elastic};

use crate::allocations;
use crate::measure::{ROUNDS, Row, cpu_of, median};
use crate::world::Dice;

/// Seconds of the sound.
const SECONDS: usize = 20;
const BLOCK: usize = 80;

/// Noise with the colour of speech in syllables, and the echo of it in a room of 60 ms, 6 dB softer.
fn sound() -> (Vec<i16>, Vec<i16>) {
    let mut dice = Dice::new(31);
    let mut low = 0.0_f64;
    let played: Vec<i16> = (0..SECONDS * 8_000)
        .map(|n| {
            low = 0.85 * low + f64::from(dice.gauss());
            let syllable = (n as f64 / 8_000.0 * 4.0 * std::f64::consts::PI).sin().abs().max(0.05);
            (low * 1_500.0 * syllable).clamp(-32_000.0, 32_000.0) as i16
        })
        .collect();
    let mut room: Vec<f64> = (0..480_u32).map(|n| f64::from(dice.gauss()) * (-f64::from(n) / 90.0).exp()).collect();
    let power: f64 = room.iter().map(|tap| tap * tap).sum();
    room.iter_mut().for_each(|tap| *tap *= 0.5 / power.sqrt());
    let heard = |n: usize| {
        let echo = room.iter().enumerate().filter_map(|(k, tap)| Some(tap * f64::from(played[n.checked_sub(80 + k)?])));
        echo.sum::<f64>().clamp(-32_000.0, 32_000.0) as i16
    };
    let heard = (0..played.len()).map(heard).collect();
    (played, heard)
}

type Cancel<'a> = Box<dyn FnMut(&[i16], &mut [i16]) + 'a>;

/// Microseconds a channel-second; decibels that were taken away, from the sixth second on.
fn measured(cancel: &mut Cancel, played: &[i16], heard: &[i16]) -> (f64, f64) {
    let mut left = heard.to_vec();
    let took = cpu_of(|| {
        for (played, left) in played.chunks(BLOCK).zip(left.chunks_mut(BLOCK)) {
            cancel(played, left);
        }
    });
    let power = |samples: &[i16]| samples.iter().skip(40_000).map(|s| f64::from(*s).powi(2)).sum::<f64>() + 1.0;
    (took.as_secs_f64() * 1e6 / SECONDS as f64, 10.0 * (power(heard) / power(&left)).log10())
}

fn ours() -> Cancel<'static> {
    let mut canceller = Box::new(Canceller::without_suppression());
    Box::new(move |played, heard| canceller.cancel(played, heard))
}

/// The canceller.
pub fn row() -> Row {
    let (played, heard) = sound();
    let (_, our_db) = measured(&mut ours(), &played, &heard);
    let mut asked = ours();
    let mut left = heard[..BLOCK].to_vec();
    let before = allocations::so_far();
    asked(&played[..BLOCK], &mut left);
    let asks = allocations::so_far() - before;
    let figures = (0..ROUNDS).map(|_| measured(&mut ours(), &played, &heard).0).collect();
    let row = Row::new("dsp.echo", median(figures), UNIT).at_most(ECHO_GOAL);
    let row = row.note(format!("{TAPS} taps; {our_db:.1} dB are taken away"));
    row.holds("30 dB are taken away", our_db >= 30.0).holds("nothing is asked of the allocator", asks == 0)
}

/// The elastic buffer.
pub fn joined() -> Row {
    let mut asks = 0;
    let mut round = || {
        let mut elastic = Elastic::new(elastic::USUAL_MS);
        let (mut block, mut sent) = ([1_000; BLOCK], 0_u64);
        let before = allocations::so_far();
        let took = cpu_of(|| {
            for n in 1..=(SECONDS * 100) as u64 {
                // The sender is fast by 200 parts in a million.
                while sent * 9_998 <= n * 10_000 {
                    elastic.push(sent * 9_998, &block);
                    sent += 1;
                }
                elastic.pull(n * 10_000, &mut block);
            }
        });
        asks += allocations::so_far() - before;
        took.as_secs_f64() * 1e6 / SECONDS as f64
    };
    let figure = median((0..ROUNDS).map(|_| round()).collect());
    let row = Row::new("dsp.elastic", figure, UNIT).at_most(ELASTIC_GOAL);
    row.holds("nothing is asked of the allocator", asks == 0)
}

const UNIT: &str = "us/channel-second";
/// A fiftieth of a core, and a hundredth: a box has few sound devices.
const ECHO_GOAL: f64 = 20_000.0;
const ELASTIC_GOAL: f64 = 10_000.0;
