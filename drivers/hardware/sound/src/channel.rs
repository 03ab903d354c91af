//! One opened sound device, as a port sees its telephone: blocks of G.711 both ways, the hook, and no other event. Never
//! blocks. The sound passes through bounded queues to the device's thread; what was captured is taken from an elastic
//! buffer, so that every reading gives a whole block, whatever the device's clock says.
//!
//! A device that was taken away is `Gone`. What a closed channel forgets here is what is under way: a person's handset stays
//! lifted, and the next opening says so.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tipring_card::{BLOCK, CardError, Channel, ChannelInfo, Control, Event, Hook, Law, Progress, Setup};
use tipring_dsp::g711::Companding;

use crate::set::Happens;
use crate::shared::{Ends, Figure, Shared, Stamped};

/// An opened device.
pub struct SoundChannel {
    shared: Arc<Shared>,
    info: ChannelInfo,
    law: Companding,
    /// There until it is dropped.
    ends: Option<Box<Ends>>,
}

impl SoundChannel {
    pub(crate) fn open(shared: &Arc<Shared>, info: ChannelInfo) -> Result<SoundChannel, CardError> {
        if !shared.present.load(Ordering::Acquire) {
            return Err(match shared.errno.load(Ordering::Relaxed) {
                0 | libc::ENODEV | libc::ENXIO => CardError::Gone,
                libc::ENOENT => CardError::NoSuchChannel,
                libc::EBUSY => CardError::Busy,
                libc::EACCES | libc::EPERM => CardError::Permission,
                errno => CardError::Os(errno),
            });
        }
        let ends = shared.ends.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let mut ends = ends.ok_or(CardError::Busy)?;
        forget(&mut ends);
        shared.is_open.store(true, Ordering::Release);
        let law = companding(info.law);
        Ok(SoundChannel { shared: shared.clone(), info, law, ends: Some(ends) })
    }

    fn is_gone(&self) -> bool {
        !self.shared.present.load(Ordering::Acquire)
    }
}

impl Drop for SoundChannel {
    fn drop(&mut self) {
        self.shared.set.happens(Happens::Closed);
        self.shared.is_heard.store(false, Ordering::Release);
        self.shared.is_open.store(false, Ordering::Release);
        *self.shared.ends.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = self.ends.take();
    }
}

impl Channel for SoundChannel {
    fn info(&self) -> &ChannelInfo {
        &self.info
    }

    fn setup(&mut self, setup: Setup) -> Result<(), CardError> {
        match setup {
            Setup::Audio(law) => {
                self.law = companding(law);
                self.flush()?;
                self.shared.is_heard.store(true, Ordering::Release);
                Ok(())
            }
            Setup::Frames => Err(CardError::Invalid),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, CardError> {
        if self.is_gone() {
            return Err(CardError::Gone);
        }
        if self.shared.has_event() {
            return Err(CardError::EventPending);
        }
        let ends = self.ends.as_mut().ok_or(CardError::Invalid)?;
        while let Some(block) = ends.captured.dequeue() {
            ends.elastic.push(block.at_us, &block.samples);
        }
        let mut samples = [0; BLOCK];
        ends.elastic.pull(self.shared.now_us(), &mut samples);
        self.shared.slips(true, ends.elastic.slips());
        self.shared.capture_ppm.store(ends.elastic.drift_ppm() as i32, Ordering::Relaxed);
        if !self.shared.of.captures() {
            samples.fill(0);
        }
        let count = into.len().min(BLOCK);
        self.law.encode_into(&samples[..count], &mut into[..count]);
        Ok(count)
    }

    fn write(&mut self, from: &[u8]) -> Result<usize, CardError> {
        if self.is_gone() {
            return Err(CardError::Gone);
        }
        if self.shared.has_event() {
            return Err(CardError::EventPending);
        }
        if from.len() != BLOCK {
            // Whoever writes here writes whole blocks.
            return Err(CardError::Invalid);
        }
        if !self.shared.of.plays() {
            return Ok(BLOCK);
        }
        let at_us = self.shared.now_us();
        let ends = self.ends.as_mut().ok_or(CardError::Invalid)?;
        let mut samples = [0; BLOCK];
        self.law.decode_into(from, &mut samples);
        if ends.said.enqueue(Stamped { at_us, samples }).is_err() {
            self.shared.count(Figure::BlocksLost);
            return Err(CardError::Again);
        }
        Ok(BLOCK)
    }

    fn flush(&mut self) -> Result<(), CardError> {
        // What is on its way to the loudspeaker is not ours any more; its buffer holds some hundredths of a second.
        self.ends.as_mut().map(|ends| forget(ends)).ok_or(CardError::Invalid)
    }

    fn event(&mut self) -> Result<Option<Event>, CardError> {
        if self.is_gone() {
            return Err(CardError::Gone);
        }
        let lifted = self.shared.set.is_lifted();
        if self.shared.told.swap(lifted, Ordering::AcqRel) == lifted {
            return Ok(None);
        }
        Ok(Some(if lifted { Event::RingOffHook } else { Event::OnHook }))
    }

    fn hook(&mut self, hook: Hook) -> Result<Progress, CardError> {
        moved(&self.shared, hook)
    }

    fn dial(&mut self, _digits: &str) -> Result<(), CardError> {
        Err(CardError::Invalid)
    }

    fn dialing(&mut self) -> Result<bool, CardError> {
        Ok(false)
    }

    fn control(&self) -> Result<Box<dyn Control>, CardError> {
        Ok(Box::new(SoundControl { shared: self.shared.clone() }))
    }
}

/// The hook of a device whose sound another thread has; and the hands that lift its telephone.
pub struct SoundControl {
    shared: Arc<Shared>,
}

impl SoundControl {
    fn opened(&self) -> Result<&Shared, CardError> {
        if self.shared.is_open.load(Ordering::Acquire) { Ok(&self.shared) } else { Err(CardError::Invalid) }
    }
}

impl Control for SoundControl {
    fn hook(&mut self, hook: Hook) -> Result<Progress, CardError> {
        moved(self.opened()?, hook)
    }

    fn dial(&mut self, _digits: &str) -> Result<(), CardError> {
        Err(CardError::Invalid)
    }

    fn dialing(&mut self) -> Result<bool, CardError> {
        self.opened().map(|_| false)
    }

    fn lifted(&mut self) -> Result<bool, CardError> {
        self.opened().map(|shared| shared.set.is_lifted())
    }

    fn lift(&mut self, lifted: bool) -> Result<(), CardError> {
        let happens = if lifted { Happens::Lift } else { Happens::PutDown };
        self.opened().map(|shared| shared.set.happens(happens))
    }
}

/// The port moves its side of the loop.
fn moved(shared: &Shared, hook: Hook) -> Result<Progress, CardError> {
    match hook {
        Hook::Ring => shared.set.happens(Happens::Ring),
        Hook::RingOff => shared.set.happens(Happens::RingOff),
        Hook::OnHook => shared.set.happens(Happens::Cut),
        // Battery: the telephone has what it needs.
        Hook::OffHook => {}
        Hook::Start | Hook::Flash => return Err(CardError::Invalid),
    }
    Ok(Progress::Done)
}

fn forget(ends: &mut Ends) {
    while ends.captured.dequeue().is_some() {}
    ends.elastic.clear();
}

fn companding(law: Law) -> Companding {
    match law {
        Law::A => Companding::A,
        Law::Mu => Companding::Mu,
    }
}

#[cfg(test)]
mod tests {
    use heapless::spsc::{Consumer, Producer};
    use tipring_card::{ChannelId, Signalling, SpanId};
    use tipring_dsp::Elastic;

    use super::*;
    use crate::set::Use;
    use crate::shared::{BLOCKS, queue};

    /// A device that the test plays.
    struct Bench {
        shared: Arc<Shared>,
        capture: Producer<'static, Stamped>,
        said: Consumer<'static, Stamped>,
    }

    impl Bench {
        fn new(of: Use) -> Bench {
            let (capture, captured) = queue();
            let (say, said) = queue();
            let shared = Shared::new(of, false, Ends { captured, said: say, elastic: Elastic::new(31) });
            shared.present.store(true, Ordering::Release);
            Bench { shared: Arc::new(shared), capture, said }
        }

        fn open(&self) -> Result<SoundChannel, CardError> {
            let (id, span) = (ChannelId(1), SpanId(1));
            let info = ChannelInfo { id, span, timeslot: 1, signalling: Signalling::FxoKs, law: Law::A };
            SoundChannel::open(&self.shared, info)
        }
    }

    #[test]
    fn one_opener_at_a_time_and_the_next_one_after_the_close() {
        let bench = Bench::new(Use::Handset);
        let channel = bench.open().expect("it is free");
        let mut control = channel.control().expect("it has a hook");
        assert_eq!(bench.open().err(), Some(CardError::Busy));
        drop(channel);
        assert_eq!(control.hook(Hook::Ring), Err(CardError::Invalid), "after the close");
        assert_eq!(control.lift(true), Err(CardError::Invalid));
        assert!(bench.open().is_ok());
    }

    #[test]
    fn the_hook_is_told_once_and_stops_the_sound_until_it_is_fetched() {
        let bench = Bench::new(Use::Handset);
        let mut channel = bench.open().expect("it is free");
        assert_eq!(channel.event(), Ok(None));
        bench.shared.set.happens(Happens::Key);
        assert_eq!(channel.read(&mut [0; BLOCK]), Err(CardError::EventPending));
        assert_eq!(channel.write(&[0xD5; BLOCK]), Err(CardError::EventPending));
        assert_eq!((channel.event(), channel.event()), (Ok(Some(Event::RingOffHook)), Ok(None)));
        assert_eq!(channel.read(&mut [0; BLOCK]), Ok(BLOCK));
        bench.shared.set.happens(Happens::Key);
        assert_eq!((channel.event(), channel.event()), (Ok(Some(Event::OnHook)), Ok(None)));
    }

    #[test]
    fn what_answers_by_itself_says_so_when_it_is_rung_and_hangs_up_when_its_battery_goes() {
        let bench = Bench::new(Use::Doorphone);
        let mut channel = bench.open().expect("it is free");
        let mut control = channel.control().expect("it has a hook");
        assert_eq!(control.hook(Hook::Ring), Ok(Progress::Done));
        assert_eq!(channel.event(), Ok(Some(Event::RingOffHook)));
        assert_eq!(control.hook(Hook::OffHook), Ok(Progress::Done));
        assert_eq!((channel.event(), control.lifted()), (Ok(None), Ok(true)));
        assert_eq!(control.hook(Hook::OnHook), Ok(Progress::Done));
        assert_eq!(channel.event(), Ok(Some(Event::OnHook)));
    }

    #[test]
    fn a_put_down_while_the_channel_was_closed_is_told_by_the_next_one() {
        let bench = Bench::new(Use::Handset);
        let mut channel = bench.open().expect("it is free");
        bench.shared.set.happens(Happens::Key);
        assert_eq!(channel.event(), Ok(Some(Event::RingOffHook)));
        drop(channel);
        assert!(bench.shared.set.is_lifted(), "a person holds it");
        bench.shared.set.happens(Happens::Key);
        assert_eq!(bench.open().expect("it is free").event(), Ok(Some(Event::OnHook)));
    }

    #[test]
    fn a_device_that_is_taken_away_is_gone_to_whoever_has_it_and_to_whoever_opens_it() {
        let bench = Bench::new(Use::Handset);
        let mut channel = bench.open().expect("it is free");
        bench.shared.present.store(false, Ordering::Release);
        assert_eq!(channel.read(&mut [0; BLOCK]), Err(CardError::Gone));
        assert_eq!(channel.write(&[0; BLOCK]), Err(CardError::Gone));
        assert_eq!(channel.event(), Err(CardError::Gone));
        drop(channel);
        assert_eq!(bench.open().err(), Some(CardError::Gone));
        bench.shared.errno.store(libc::EBUSY, Ordering::Relaxed);
        assert_eq!(bench.open().err(), Some(CardError::Busy));
        bench.shared.present.store(true, Ordering::Release);
        assert!(bench.open().is_ok(), "it is back");
    }

    #[test]
    fn a_writer_whom_nobody_takes_anything_from_is_told_so_and_it_is_counted() {
        let mut bench = Bench::new(Use::Handset);
        let mut channel = bench.open().expect("it is free");
        let written = (0..100).take_while(|_| channel.write(&[0x55; BLOCK]) == Ok(BLOCK)).count();
        assert_eq!((written, bench.shared.counters().blocks_lost), (BLOCKS - 1, 1));
        let block = bench.said.dequeue().expect("it was written");
        assert!(block.samples.iter().all(|sample| *sample == block.samples[0] && *sample != 0));
        assert_eq!(channel.write(&[0x55; 79]), Err(CardError::Invalid));
    }

    #[test]
    fn a_loudspeaker_hears_nothing_and_a_microphone_is_heard() {
        for (of, is_heard) in [(Use::Paging, false), (Use::Handset, true)] {
            let mut bench = Bench::new(of);
            let mut channel = bench.open().expect("it is free");
            let now = bench.shared.now_us();
            for _ in 0..8 {
                let _ = bench.capture.enqueue(Stamped { at_us: now, samples: [5_000; BLOCK] });
            }
            let mut heard = false;
            for _ in 0..5 {
                let mut block = [0; BLOCK];
                assert_eq!(channel.read(&mut block), Ok(BLOCK));
                heard |= block.iter().any(|octet| *octet != Law::A.silence());
            }
            assert_eq!(heard, is_heard, "{of:?}");
        }
    }
}
