//! Clauses about audio on a bearer pair: blocks, buffers, delay, silence. They say nothing about sound quality.

use alloc::{format, string::String};

use super::{At as _, Bench, DRAIN, Ends, Listener, STEP, Stop, TRIES, Verdict, events, failed, octet, pair};
use crate::{BLOCK, CardError, Channel, Hook, Law, Micros, PREFILL, Setup, Signalling};

/// Octets that must pass in one unbroken run: half a second.
const UNBROKEN: u64 = 4_000;
/// Blocks in one try at it.
const TRY_BLOCKS: u32 = 120;
/// Octets that may be on their way already when a queue is thrown away: three blocks.
const ON_THE_WAY: u64 = 3 * BLOCK as u64;

pub(super) fn an_opened_channel_is_at_its_defaults(bench: &mut dyn Bench) -> Verdict {
    drop(Ends::open(bench, Signalling::Bearer)?); // what is set up now must be forgotten by the close
    let (near, _) = pair(bench, Signalling::Bearer)?;
    let mut channel = bench.near().open(near).at("open")?;
    bench.advance(Micros::from_ms(60));
    events(channel.as_mut());
    let mut buffer = [0; 2048];
    match channel.read(&mut buffer) {
        Ok(BLOCK) => failed("a channel that was never set up delivers blocks of the last setup"),
        Ok(_) | Err(CardError::Again) => Ok(String::new()),
        Err(error) => failed(format!("read before setup: {error}")),
    }
}

pub(super) fn reading_nothing_says_again(bench: &mut dyn Bench) -> Verdict {
    let mut ends = Ends::open(bench, Signalling::Bearer)?;
    let mut buffer = [0; BLOCK];
    for _ in 0..DRAIN {
        match ends.near.read(&mut buffer) {
            Ok(BLOCK) => {}
            Ok(n) => return failed(format!("a block of {n} octets")),
            Err(CardError::Again) => return Ok(String::new()),
            Err(error) => return failed(format!("read: {error}")),
        }
    }
    failed("reading never ends, though no time passes")
}

pub(super) fn octets_pass_unchanged_at_constant_delay(bench: &mut dyn Bench) -> Verdict {
    let mut talk = Talk::start(bench, 1)?;
    let mut longest = 0;
    for _ in 0..TRIES {
        for _ in 0..TRY_BLOCKS * 2 {
            talk.step(bench)?;
            longest = longest.max(talk.listener.run);
        }
        if longest >= UNBROKEN {
            let (breaks, delay) = (talk.listener.breaks, talk.listener.delay);
            return Ok(format!("{longest} octets unbroken, {breaks} breaks, delay {delay} octets"));
        }
    }
    let l = talk.listener;
    failed(format!(
        "longest unbroken run {longest} octets; heard {}, right {}, {} breaks, {} lost",
        l.heard, l.good, l.breaks, l.lost
    ))
}

pub(super) fn a_short_read_loses_the_rest(bench: &mut dyn Bench) -> Verdict {
    let mut talk = Talk::start(bench, 2)?;
    let mut seen = String::new();
    for _ in 0..TRIES {
        for _ in 0..TRY_BLOCKS {
            talk.step(bench)?;
        }
        // Two blocks must wait at the far end: let time pass without reading there.
        bench.advance(Micros::from_ms(30));
        let Some(place) = talk.listener.place() else {
            continue;
        };
        let (mut short, mut next) = ([0; BLOCK / 2], [0; BLOCK]);
        match (talk.ends.far.read(&mut short), talk.ends.far.read(&mut next)) {
            (Ok(n), Ok(BLOCK)) if n == BLOCK / 2 => {}
            other => {
                return failed(format!("reads of {} and {BLOCK} octets gave {other:?}", BLOCK / 2));
            }
        }
        let is = |octets: &[u8], from: u32| octets.iter().zip(from..).all(|(&o, i)| o == octet(2, i));
        if is(&short, place) && is(&next, place + BLOCK as u32) {
            return Ok(String::new());
        }
        if is(&short, place) && is(&next, place + BLOCK as u32 / 2) {
            return failed("the second read gave the rest of the first block");
        }
        seen = format!("after octet {place}: short read right: {}", is(&short, place));
        talk.listener = Listener::new(2);
    }
    failed(format!("never saw two whole blocks in order; {seen}"))
}

pub(super) fn an_underrun_is_silence(bench: &mut dyn Bench) -> Verdict {
    let mut ends = Ends::open(bench, Signalling::Bearer)?;
    let law = ends.near_law();
    only_silence(bench, &mut ends, law)
}

pub(super) fn a_setup_sets_the_law(bench: &mut dyn Bench) -> Verdict {
    let mut ends = Ends::open(bench, Signalling::Bearer)?;
    let other = match ends.near_law() {
        Law::A => Law::Mu,
        Law::Mu => Law::A,
    };
    ends.near.setup(Setup::Audio(other)).at("setup with the other law")?;
    only_silence(bench, &mut ends, other)
}

/// The near end sends three blocks and stops; what the far end hears after them must be this law's zero alone. µ-law
/// has two of them: cards send either.
fn only_silence(bench: &mut dyn Bench, ends: &mut Ends, law: Law) -> Verdict {
    let silence = law.silence();
    let is_silence = |octet: u8| octet == silence || (law == Law::Mu && octet == 0x7F);
    for start in [0, 160, 320] {
        let block: [u8; BLOCK] = core::array::from_fn(|i| octet(3, start + i as u32));
        ends.near.write(&block).at("write")?;
    }
    bench.advance(Micros::from_ms(120));
    ends.drain();
    let mut heard = 0;
    let mut buffer = [0; BLOCK];
    for _ in 0..60 {
        bench.advance(STEP);
        for _ in 0..DRAIN {
            match ends.far.read(&mut buffer) {
                Ok(n) => {
                    if let Some(other) = buffer[..n].iter().find(|&&o| !is_silence(o)) {
                        return failed(format!("{other:#04x} instead of {silence:#04x} after the writer stopped"));
                    }
                    heard += n;
                }
                Err(CardError::Again) => break,
                Err(error) => return failed(format!("read: {error}")),
            }
        }
    }
    if heard < 5 * BLOCK {
        return failed(format!("only {heard} octets in 300 ms: the far end must hear silence, not nothing"));
    }
    Ok(String::new())
}

pub(super) fn the_write_queue_has_eight_blocks(bench: &mut dyn Bench) -> Verdict {
    let mut seen = 0;
    for _ in 0..TRIES {
        let mut ends = Ends::open(bench, Signalling::Bearer)?;
        bench.advance(Micros::from_ms(30));
        ends.drain();
        seen = 0;
        let refusal = loop {
            match ends.near.write(&[0x55; BLOCK]) {
                Ok(BLOCK) if seen < DRAIN => seen += 1,
                Ok(n) => return failed(format!("write number {} took {n} octets", seen + 1)),
                Err(error) => break error,
            }
        };
        if refusal != CardError::Again {
            return failed(format!("a full queue says '{refusal}'"));
        }
        // A block may have left while we wrote.
        if (7..=9).contains(&seen) {
            return Ok(format!("{seen} blocks"));
        }
    }
    failed(format!("{seen} blocks were taken before 'again'"))
}

pub(super) fn a_flush_discards_what_is_queued(bench: &mut dyn Bench) -> Verdict {
    let mut heard = 0;
    for seed in 10..10 + TRIES {
        let mut ends = Ends::open(bench, Signalling::Bearer)?;
        bench.advance(Micros::from_ms(30));
        ends.drain();
        queue_pattern(ends.near.as_mut(), seed)?;
        ends.near.flush().at("flush")?;
        heard = pattern_heard(bench, ends.far.as_mut(), seed);
        if heard <= ON_THE_WAY {
            ends.far.flush().at("flush")?;
            let mut buffer = [0; BLOCK];
            ends.near.setup(Setup::Audio(ends.near_law())).at("second setup")?;
            bench.advance(Micros::from_ms(60));
            ends.near.flush().at("flush")?;
            return match ends.near.read(&mut buffer) {
                Err(CardError::Again) => Ok(format!("{heard} octets still went out")),
                Ok(_) => Ok(format!("{heard} octets still went out, a block arrived at once")),
                Err(error) => failed(format!("read after flush: {error}")),
            };
        }
    }
    failed(format!("{heard} octets of eight blocks were sent after the flush"))
}

pub(super) fn a_close_discards_audio(bench: &mut dyn Bench) -> Verdict {
    let mut heard = 0;
    for seed in 20..20 + TRIES {
        let Ends { mut near, mut far } = Ends::open(bench, Signalling::Bearer)?;
        bench.advance(Micros::from_ms(30));
        queue_pattern(near.as_mut(), seed)?;
        drop(near);
        heard = pattern_heard(bench, far.as_mut(), seed);
        if heard <= ON_THE_WAY {
            return Ok(format!("{heard} octets still went out"));
        }
    }
    failed(format!("{heard} octets of eight blocks were sent after the close"))
}

pub(super) fn a_setup_discards_what_is_queued(bench: &mut dyn Bench) -> Verdict {
    let mut heard = 0;
    for seed in 30..30 + TRIES {
        let mut ends = Ends::open(bench, Signalling::Bearer)?;
        bench.advance(Micros::from_ms(30));
        queue_pattern(ends.near.as_mut(), seed)?;
        let law = ends.near_law();
        ends.near.setup(Setup::Audio(law)).at("second setup")?;
        heard = pattern_heard(bench, ends.far.as_mut(), seed);
        if heard <= ON_THE_WAY {
            return Ok(format!("{heard} octets still went out"));
        }
    }
    failed(format!("{heard} octets of eight blocks were sent after a new setup"))
}

pub(super) fn a_bearer_has_no_hook(bench: &mut dyn Bench) -> Verdict {
    let mut ends = Ends::open(bench, Signalling::Bearer)?;
    match ends.near.hook(Hook::OffHook) {
        Err(CardError::Invalid) => Ok(String::new()),
        other => failed(format!("off hook on a bearer channel gives {other:?}")),
    }
}

/// Fills the write queue with the pattern.
fn queue_pattern(channel: &mut dyn Channel, seed: u32) -> Result<(), Stop> {
    for start in (0..7).map(|b| b * BLOCK as u32) {
        let block: [u8; BLOCK] = core::array::from_fn(|i| octet(seed, start + i as u32));
        match channel.write(&block) {
            Ok(_) => {}
            Err(CardError::Again) => break,
            Err(error) => return failed(format!("write: {error}")),
        }
    }
    Ok(())
}

/// How many octets of the pattern arrive within 200 ms.
fn pattern_heard(bench: &mut dyn Bench, far: &mut dyn Channel, seed: u32) -> u64 {
    let mut listener = Listener::new(seed);
    let mut buffer = [0; BLOCK];
    for _ in 0..40 {
        bench.advance(STEP);
        for _ in 0..DRAIN {
            match far.read(&mut buffer) {
                Ok(n) => listener.hear(&buffer[..n], 8 * BLOCK as u32),
                Err(CardError::EventPending) => {
                    events(far);
                }
                Err(_) => break,
            }
        }
    }
    listener.good
}

/// Both directions of a bearer pair, read paces write: the near end sends the pattern, the far end silence.
struct Talk {
    ends: Ends,
    listener: Listener,
    seed: u32,
    sent: u32,
    silence: [u8; BLOCK],
}

impl Talk {
    fn start(bench: &mut dyn Bench, seed: u32) -> Result<Talk, Stop> {
        let ends = Ends::open(bench, Signalling::Bearer)?;
        let law: Law = ends.near_law();
        let mut talk = Talk { ends, listener: Listener::new(seed), seed, sent: 0, silence: [law.silence(); BLOCK] };
        for _ in 0..PREFILL {
            talk.send()?;
            talk.ends.far.write(&talk.silence).at("priming write at the far end")?;
        }
        Ok(talk)
    }

    fn send(&mut self) -> Result<(), Stop> {
        let block: [u8; BLOCK] = core::array::from_fn(|i| octet(self.seed, self.sent + i as u32));
        match self.ends.near.write(&block) {
            Ok(n) => self.sent += n as u32,
            Err(CardError::Again) => {}
            Err(error) => return failed(format!("write: {error}")),
        }
        Ok(())
    }

    fn step(&mut self, bench: &mut dyn Bench) -> Result<(), Stop> {
        bench.advance(STEP);
        let mut buffer = [0; BLOCK];
        for _ in 0..DRAIN {
            match self.ends.near.read(&mut buffer) {
                Ok(BLOCK) => self.send()?,
                Ok(n) => return failed(format!("a block of {n} octets")),
                Err(CardError::Again) => break,
                Err(error) => return failed(format!("read: {error}")),
            }
        }
        for _ in 0..DRAIN {
            match self.ends.far.read(&mut buffer) {
                Ok(n) => {
                    self.listener.hear(&buffer[..n], self.sent);
                    match self.ends.far.write(&self.silence) {
                        Ok(_) | Err(CardError::Again) => {}
                        Err(error) => return failed(format!("write at the far end: {error}")),
                    }
                }
                Err(CardError::Again) => break,
                Err(error) => return failed(format!("read at the far end: {error}")),
            }
        }
        Ok(())
    }
}
