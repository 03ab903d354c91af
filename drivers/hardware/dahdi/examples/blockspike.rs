//! Measures blocks of 80 and of 160 samples on many channels at once over the lab's first pair of E1 spans: on each
//! tick of DAHDI's clock every channel is read, and one block is written for each block read. Prints a JSON line a
//! measurement: lost and late blocks, delay. The result stands in docs/adr/0001-ten-millisecond-blocks.md.
//!
//! `blockspike [--seconds S] [--channels N] [SAMPLES:PREFILL]…`, by default `80:2 160:2 80:4`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tipring_card::contract::{Listener, octet};
use tipring_card::{Card, CardError, Channel, ChannelInfo, Pace, Signalling, SpanId};
use tipring_dahdi::{Config, DahdiCard, DahdiChannel};

/// The most samples of a block here.
const LARGEST: usize = 160;
/// Buffers of a channel in both directions.
const BUFFERS: u32 = 8;
/// Before this the figures are not counted: channels open one after the other.
const WARM_UP: Duration = Duration::from_secs(1);

struct Plan {
    seconds: u64,
    channels: usize,
    blocks: Vec<(usize, usize)>,
}

/// One end of one timeslot: sends its own pattern, listens to the other end's.
struct End {
    channel: DahdiChannel,
    seed: u32,
    sent: u32,
    listener: Listener,
    delay: Option<(i64, i64)>,
    /// The stream's place before and at the end: it grows by the silence that was put in, shrinks by what was lost.
    shift: (Option<i64>, i64),
}

#[derive(Default)]
struct Figures {
    ticks: u64,
    /// Ticks that had to run more than one block.
    ticks_behind: u64,
    /// Blocks that were run after their own tick.
    late_blocks: u64,
    /// Blocks by how many ticks were found at once: 1, 2, 3, 4, 5 and more.
    at_once: [u64; 5],
    reads: u64,
    /// A block could not be written: the queue was full.
    refused: u64,
    longest_gap: Duration,
    longest_work: Duration,
    work: Duration,
}

fn main() -> ExitCode {
    let plan = plan();
    for &(samples, prefill) in &plan.blocks {
        if let Err(error) = measure(&plan, samples, prefill) {
            println!("{{\"ev\":\"error\",\"samples\":{samples},\"text\":\"{error}\"}}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn plan() -> Plan {
    let mut plan = Plan { seconds: 20, channels: 30, blocks: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => plan.seconds = number(arguments.next()),
            "--channels" => plan.channels = number(arguments.next()) as usize,
            other => match other.split_once(':') {
                Some((samples, prefill)) => {
                    plan.blocks.push((number(Some(samples.into())) as usize, number(Some(prefill.into())) as usize));
                }
                None => usage(),
            },
        }
    }
    if plan.blocks.is_empty() {
        plan.blocks = vec![(80, 2), (160, 2), (80, 4)];
    }
    if plan.blocks.iter().any(|&(samples, prefill)| !(16..=LARGEST).contains(&samples) || prefill > 8) {
        usage();
    }
    plan
}

fn number(text: Option<String>) -> u64 {
    text.and_then(|t| t.parse().ok()).unwrap_or_else(|| usage())
}

fn usage() -> ! {
    eprintln!("usage: blockspike [--seconds S] [--channels N] [SAMPLES:PREFILL]...");
    std::process::exit(3)
}

fn measure(plan: &Plan, samples: usize, prefill: usize) -> Result<(), String> {
    let mut card = DahdiCard::open(Config { spans: vec![SpanId(1), SpanId(2)], ..Config::default() })
        .map_err(|error| error.to_string())?;
    let mut ends = open_ends(&mut card, plan.channels, samples).map_err(|error| error.to_string())?;
    let mut pace = card.pace_of(samples as u16).map_err(|error| error.to_string())?;
    let mut figures = Figures::default();
    run(&mut ends, &mut pace, (samples, prefill), WARM_UP, &mut Figures::default()).map_err(|e| e.to_string())?;
    for end in &mut ends {
        let listener = &mut end.listener;
        (listener.breaks, listener.lost, listener.good) = (0, 0, 0);
        end.delay = None;
        end.shift = (None, 0);
    }
    // The second run goes on where the first one was: nothing is primed again.
    run(&mut ends, &mut pace, (samples, 0), Duration::from_secs(plan.seconds), &mut figures)
        .map_err(|e| e.to_string())?;
    report(&ends, &figures, plan, samples, prefill);
    Ok(())
}

fn open_ends(card: &mut DahdiCard, count: usize, samples: usize) -> Result<Vec<End>, CardError> {
    let bearers = |span: u16| {
        let of_span = move |c: &&ChannelInfo| c.span == SpanId(span) && c.signalling == Signalling::Bearer;
        card.channels().iter().filter(of_span).take(count).cloned().collect::<Vec<_>>()
    };
    let (near, far) = (bearers(1), bearers(2));
    let mut ends = Vec::new();
    for (a, b) in near.into_iter().zip(far) {
        for (own, other) in [(&a, &b), (&b, &a)] {
            let mut channel = card.open_channel(own.id)?;
            channel.setup_audio(own.law, samples as u32, BUFFERS)?;
            let (seed, theirs) = (u32::from(own.id.0), u32::from(other.id.0));
            ends.push(End { channel, seed, sent: 0, listener: Listener::new(theirs), delay: None, shift: (None, 0) });
        }
    }
    Ok(ends)
}

/// Read paces write for `time`, after `prefill` blocks each.
fn run(
    ends: &mut [End],
    pace: &mut impl Pace,
    (samples, prefill): (usize, usize),
    time: Duration,
    figures: &mut Figures,
) -> Result<(), CardError> {
    if prefill > 0 {
        for end in ends.iter_mut() {
            end.channel.flush()?;
            (0..prefill).try_for_each(|_| end.write(samples, figures))?;
        }
        pace.wait()?;
    }
    let begin = Instant::now();
    let mut last = begin;
    while begin.elapsed() < time {
        let ticks = pace.wait()?;
        let now = Instant::now();
        figures.longest_gap = figures.longest_gap.max(now - last);
        last = now;
        figures.ticks += u64::from(ticks);
        figures.ticks_behind += u64::from(ticks > 1);
        figures.late_blocks += u64::from(ticks - 1) * ends.len() as u64;
        figures.at_once[(ticks as usize).clamp(1, 5) - 1] += 1;
        for index in 0..ends.len() {
            let written = ends[index ^ 1].sent;
            // What was missed is run back to back; a block more may have become whole meanwhile.
            for _ in 0..=ticks {
                if !ends[index].turn(samples, written, figures)? {
                    break;
                }
            }
        }
        let work = now.elapsed();
        figures.work += work;
        figures.longest_work = figures.longest_work.max(work);
    }
    Ok(())
}

impl End {
    /// Reads one block if there is one, and then writes one.
    fn turn(&mut self, samples: usize, written: u32, figures: &mut Figures) -> Result<bool, CardError> {
        let mut buffer = [0; LARGEST];
        match self.channel.read(&mut buffer[..samples]) {
            Ok(n) => {
                figures.reads += 1;
                self.listener.hear(&buffer[..n], written);
                if let Some(place) = self.listener.place() {
                    // What the other end has written and we have not read: the delay from write to read.
                    let delay = i64::from(written) - i64::from(place) + n as i64;
                    let (least, most) = self.delay.unwrap_or((delay, delay));
                    self.delay = Some((least.min(delay), most.max(delay)));
                    self.shift = (self.shift.0.or(Some(self.listener.delay)), self.listener.delay);
                }
                self.write(samples, figures)?;
                Ok(true)
            }
            Err(CardError::Again) => Ok(false),
            Err(CardError::EventPending) => {
                while self.channel.event()?.is_some() {}
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, samples: usize, figures: &mut Figures) -> Result<(), CardError> {
        let block: [u8; LARGEST] = core::array::from_fn(|i| octet(self.seed, self.sent.wrapping_add(i as u32)));
        match self.channel.write(&block[..samples]) {
            Ok(n) => self.sent = self.sent.wrapping_add(n as u32),
            Err(CardError::Again) => figures.refused += 1,
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn report(ends: &[End], f: &Figures, plan: &Plan, samples: usize, prefill: usize) {
    let sum = |of: fn(&End) -> u64| ends.iter().map(of).sum::<u64>();
    let breaks = sum(|e| u64::from(e.listener.breaks));
    let (good, lost) = (sum(|e| e.listener.good), sum(|e| e.listener.lost));
    let streams_broken = ends.iter().filter(|e| e.listener.breaks > 0).count();
    let grown = |e: &End| e.shift.0.map_or(0, |first| e.shift.1 - first);
    let silence = ends.iter().map(grown).sum::<i64>() + lost as i64;
    let ms = |octets: i64| octets as f64 / 8.0;
    let least = ends.iter().filter_map(|e| e.delay).map(|d| d.0).min().unwrap_or(0);
    let most = ends.iter().filter_map(|e| e.delay).map(|d| d.1).max().unwrap_or(0);
    println!(
        "{{\"ev\":\"blocks\",\"samples\":{samples},\"prefill\":{prefill},\"streams\":{},\"seconds\":{},\"ticks\":{},\
         \"wanted_ticks\":{},\"ticks_behind\":{},\"ticks_at_once_1_2_3_4_5\":{:?},\"blocks_read\":{},\"late_blocks\":{},\
         \"lost_octets\":{lost},\"lost_blocks\":{:.1},\"gaps\":{breaks},\"silence_put_in_ms_a_stream\":{:.1},\"streams_broken\":{streams_broken},\
         \"good_octets\":{good},\"refused_writes\":{},\"delay_ms\":[{:.1},{:.1}],\"longest_gap_ms\":{:.1},\
         \"work_ms\":{{\"mean\":{:.2},\"longest\":{:.1}}}}}",
        ends.len(),
        plan.seconds,
        f.ticks,
        plan.seconds * 8000 / samples as u64,
        f.ticks_behind,
        f.at_once,
        f.reads,
        f.late_blocks,
        lost as f64 / samples as f64,
        ms(silence) / ends.len().max(1) as f64,
        f.refused,
        ms(least),
        ms(most),
        f.longest_gap.as_secs_f64() * 1e3,
        f.work.as_secs_f64() * 1e3 / f.at_once.iter().sum::<u64>().max(1) as f64,
        f.longest_work.as_secs_f64() * 1e3,
    );
}
