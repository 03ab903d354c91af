//! The audio side of a card: the switch and the opened bearer channels. One tick reads a block of every channel, runs
//! the switch and writes a block back: **read paces write**, so that the delay of a channel is constant once it has its
//! [`Cushion`]. Nothing here allocates, locks or logs after construction.
//!
//! The channel of an analogue line has a handset: what comes is heard by it before the switch has it, what goes may be
//! its digits instead: those go out with a [`Lead`] over the wire or not at all. Its words and the channel's events wait for
//! the signalling side in a bounded queue. Where the line has [`Gains`], they come before all that hears and after all that
//! speaks.

mod digits;

use heapless::Deque;
use tipring_analog::fxs::{self, Tone};
use tipring_analog::{Digits, Handset, Heard, Listen, Manner};
use tipring_card::{BLOCK, Block, CardError, Channel, Event as ChannelEvent, Law, PREFILL};
use tipring_switch::{Command, Event, Port, PortIo, Switch};

use crate::cushion::Cushion;
use crate::gain::Gains;
use crate::lateness::Lateness;
use crate::lead::{BUFFERS, Lead};

/// A channel keeps at most 63 events; a driver that gives more is broken and is not listened to for ever.
const EVENTS_A_TICK: usize = 64;
/// News of analogue lines that wait for the signalling side, which looks every 20 ms: 64 lines with four each.
const NEWS: usize = 256;
/// Voices of the box beyond one for each channel.
const SPARE_VOICES: usize = 8;
/// News that a handset may have of one block; a handset that gives more is broken.
const HEARD_A_BLOCK: usize = 8;

/// What went wrong with audio, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaCounters {
    /// Ticks run.
    pub ticks: u64,
    /// Blocks of audio that were read, over all channels.
    pub blocks: u64,
    /// Ticks that were run late, back to back with the one before.
    pub late_ticks: u64,
    /// Blocks that were not there when their tick came: the switch got silence.
    pub late_blocks: u64,
    /// Blocks that the channel had no room for.
    pub lost_blocks: u64,
    /// Events fetched from bearer channels.
    pub events: u64,
    /// News of analogue lines that found their queue full.
    pub news_lost: u64,
    /// Digits that were broken off, as the wire may have run dry among them.
    pub broken_sendings: u64,
}
tipring_card::name_counters!(MediaCounters:
    ticks,
    blocks,
    late_ticks,
    late_blocks,
    lost_blocks,
    events,
    news_lost,
    broken_sendings,
);

/// What the media side has to tell of an analogue line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineNews {
    /// Its handset heard or did something.
    Heard(Heard),
    /// Its channel has an event.
    Event(ChannelEvent),
}

/// What comes back when a channel leaves, to be dropped where closing may take its time.
pub struct Returned {
    /// The channel.
    pub channel: Box<dyn Channel>,
    /// Its handset, if it had one.
    pub handset: Option<Box<Handset>>,
    /// Its gains.
    pub gains: Gains,
}

struct Bearer {
    channel: Box<dyn Channel>,
    handset: Option<Box<Handset>>,
    gains: Gains,
    /// While the handset sends digits.
    lead: Option<Lead>,
    /// Of a channel without a handset.
    cushion: Cushion,
    port: Port,
    law: Law,
    /// A block was read in this tick, so one is owed.
    owes: bool,
    /// The first block has arrived: from now on a missing one is late.
    flowing: bool,
    /// The card is gone: told once, then the channel is left alone.
    lost: bool,
    told: bool,
}

/// The switch with its channels.
pub struct Media {
    switch: Switch,
    io: Io,
}

struct Io {
    bearers: Vec<Option<Bearer>>,
    counters: MediaCounters,
    lateness: Lateness,
    untold: bool,
    /// This tick is one of several that are run back to back.
    late: bool,
    /// By how much the ticks of now have come late.
    late_us: u64,
    prefill: u8,
    news: Box<News>,
}

type News = Deque<(Port, LineNews), NEWS>;

impl Media {
    /// Room for `capacity` ports, all of it allocated now.
    pub fn new(capacity: usize) -> Self {
        let mut bearers = Vec::with_capacity(capacity);
        bearers.resize_with(capacity, || None);
        let io = Io {
            bearers,
            counters: MediaCounters::default(),
            lateness: Lateness::default(),
            untold: false,
            late: false,
            late_us: 0,
            prefill: PREFILL as u8,
            news: Box::default(),
        };
        Media { switch: Switch::new(usize::from(Media::voices(capacity).end)), io }
    }

    /// Places behind those of so many channels, for voices of the box: rooms, announcements. Each channel may be in a room
    /// of its own; a small card has some to spare.
    pub fn voices(channels: usize) -> std::ops::Range<u16> {
        let most = tipring_switch::MOST_PORTS;
        let place = |count: usize| u16::try_from(count.min(most)).unwrap_or(u16::MAX);
        place(channels)..place(2 * channels + SPARE_VOICES)
    }

    /// Channels without a handset are so many blocks ahead of the wire (1 to 7).
    pub fn with_prefill(mut self, blocks: u8) -> Self {
        self.set_prefill(blocks);
        self
    }

    /// The same for channels that are added from now on.
    pub fn set_prefill(&mut self, blocks: u8) {
        self.io.prefill = blocks.clamp(1, BUFFERS - 1);
    }

    /// A channel joins under `port`, one with a handset primed; what was there before, if anything, is given back.
    pub fn add(
        &mut self,
        port: Port,
        law: Law,
        channel: Box<dyn Channel>,
        handset: Option<Box<Handset>>,
        gains: Gains,
    ) -> Option<Returned> {
        let Some(place) = self.io.bearers.get_mut(usize::from(port.index)) else {
            return Some(Returned { channel, handset, gains });
        };
        let cushion = Cushion::new(self.io.prefill);
        let (owes, flowing, lost, told) = (false, false, false, false);
        let bearer = Bearer { channel, handset, gains, lead: None, cushion, port, law, owes, flowing, lost, told };
        let before = place.replace(bearer).map(Bearer::returned);
        self.switch.command(Command::Attach { port, law });
        before
    }

    /// The channel leaves; it is given back to be closed where closing may take its time.
    pub fn remove(&mut self, port: Port) -> Option<Returned> {
        self.switch.command(Command::Detach { port });
        let place = self.io.bearers.get_mut(usize::from(port.index))?;
        if place.as_ref().is_some_and(|bearer| bearer.port == port) {
            return place.take().map(Bearer::returned);
        }
        None
    }

    /// The channel goes on under another lease of the same place, without a gap.
    pub fn rename(&mut self, from: Port, to: Port) {
        if let Some(bearer) = self.io.bearer(from)
            && from.index == to.index
        {
            bearer.port = to;
            let law = bearer.law;
            self.switch.command(Command::Detach { port: from });
            self.switch.command(Command::Attach { port: to, law });
        }
    }

    /// For the handset of a port: listens so from now on.
    pub fn listen(&mut self, port: Port, listen: Listen) {
        if let Some(handset) = self.io.bearer(port).and_then(|bearer| bearer.handset.as_mut()) {
            handset.listen(listen);
        }
    }

    /// For the handset of a port: sends digits.
    pub fn send(&mut self, port: Port, digits: &Digits) {
        if let Some(handset) = self.io.bearer(port).and_then(|bearer| bearer.handset.as_mut()) {
            handset.send(digits);
        }
    }

    /// For the handset of a port: its telephone hears this tone, or none.
    pub fn play(&mut self, port: Port, tone: Option<Tone>) {
        if let Some(handset) = self.io.bearer(port).and_then(|bearer| bearer.handset.as_mut()) {
            handset.play(tone);
        }
    }

    /// For the handset of a port: tells its telephone something.
    pub fn tell_telephone(&mut self, port: Port, news: &fxs::News, manner: Manner) {
        if let Some(handset) = self.io.bearer(port).and_then(|bearer| bearer.handset.as_mut()) {
            handset.tell_telephone(news, manner);
        }
    }

    /// What was heard on an analogue line, until `None`.
    pub fn heard(&mut self) -> Option<(Port, LineNews)> {
        self.io.news.pop_front()
    }

    /// A command of the router.
    pub fn command(&mut self, command: Command) {
        self.switch.command(command);
    }

    /// Runs `ticks` blocks back to back; more than one means that we were late.
    pub fn tick(&mut self, ticks: u32) {
        self.tick_late(ticks, 0);
    }

    /// The same where it is known how late.
    pub fn tick_late(&mut self, ticks: u32, late_us: u64) {
        self.io.passes(ticks);
        self.io.is_late(late_us);
        self.io.late = ticks > 1;
        self.io.lateness.note(ticks);
        for n in 0..ticks {
            self.io.counters.ticks += 1;
            self.io.counters.late_ticks += u64::from(n > 0);
            self.switch.tick(&mut self.io);
        }
    }

    /// What the switch has to tell.
    pub fn poll(&mut self) -> Option<Event> {
        self.switch.poll()
    }

    /// A port whose card is gone, told once a port.
    pub fn lost(&mut self) -> Option<Port> {
        if !self.io.untold {
            return None;
        }
        let next = self.io.bearers.iter_mut().flatten().find(|bearer| bearer.lost && !bearer.told);
        self.io.untold = next.is_some();
        next.map(|bearer| {
            bearer.told = true;
            bearer.port
        })
    }

    /// Counters of the audio path.
    pub fn counters(&self) -> MediaCounters {
        self.io.counters
    }

    /// How late late ticks were.
    pub fn lateness(&self) -> &Lateness {
        &self.io.lateness
    }

    /// Counters of the switch.
    pub fn switch_counters(&self) -> &tipring_switch::Counters {
        self.switch.counters()
    }
}

impl Bearer {
    fn returned(self) -> Returned {
        Returned { channel: self.channel, handset: self.handset, gains: self.gains }
    }
}

impl Io {
    fn bearer(&mut self, port: Port) -> Option<&mut Bearer> {
        self.bearers.get_mut(usize::from(port.index))?.as_mut().filter(|bearer| bearer.port == port)
    }

    /// So many blocks have passed on the wire: digits that may have run dry are broken off before more is written.
    fn passes(&mut self, ticks: u32) {
        for bearer in self.bearers.iter_mut().flatten() {
            let (Some(handset), Some(lead)) = (&mut bearer.handset, &mut bearer.lead) else {
                continue;
            };
            if !lead.passes(ticks) {
                bearer.break_off(&mut self.counters);
                bearer.heard(&mut self.counters, &mut self.news);
            } else if handset.is_in_tail() {
                lead.is_over();
            }
        }
    }

    /// What has run dry in the meantime is left out.
    fn is_late(&mut self, late_us: u64) {
        self.late_us = late_us;
        if late_us > 0 {
            self.bearers.iter_mut().flatten().for_each(|bearer| bearer.cushion.late(late_us));
        }
    }

    /// Fetches the events that block a channel's audio; those of an analogue line are news.
    fn events(counters: &mut MediaCounters, news: &mut News, bearer: &mut Bearer) {
        for _ in 0..EVENTS_A_TICK {
            match bearer.channel.event() {
                Ok(Some(event)) => {
                    counters.events += 1;
                    if bearer.handset.is_some() {
                        tell(counters, news, bearer.port, LineNews::Event(event));
                    }
                }
                Ok(None) | Err(_) => return,
            }
        }
    }
}

impl Bearer {
    /// What its handset has to tell.
    fn heard(&mut self, counters: &mut MediaCounters, news: &mut News) {
        let Some(handset) = &mut self.handset else {
            return;
        };
        for _ in 0..HEARD_A_BLOCK {
            match handset.poll() {
                Some(heard) => tell(counters, news, self.port, LineNews::Heard(heard)),
                None => return,
            }
        }
    }
}

impl Bearer {
    /// Writes up to a block, as loud as the line wants it, and tells the events that are in its way.
    fn put(&mut self, counters: &mut MediaCounters, news: &mut News, said: &[u8]) -> Result<usize, CardError> {
        let mut louder = [0; BLOCK];
        let block = self.gains.sent(said, &mut louder);
        match self.channel.write(block) {
            Err(CardError::EventPending) => {
                Io::events(counters, news, self);
                self.channel.write(block)
            }
            put => put,
        }
    }

    /// One block of a channel without a handset, after its cushion; false: it was lost.
    fn put_ahead(&mut self, counters: &mut MediaCounters, news: &mut News, block: &Block, late_us: u64) -> bool {
        if !self.cushion.is_made {
            let silence = [self.law.silence(); BLOCK];
            let mut left = self.cushion.make(late_us);
            while left > 0 {
                let piece = left.min(BLOCK);
                let _ = self.put(counters, news, &silence[..piece]);
                left -= piece;
            }
        }
        let rest = &block[self.cushion.leave_out()..];
        rest.is_empty() || self.put(counters, news, rest) == Ok(rest.len())
    }

    /// Its first block is the newest there is: what came before would be delay.
    fn begin(&mut self, into: &mut Block) {
        self.flowing = true;
        let mut newer = *into;
        for _ in 0..BUFFERS {
            if self.handset.is_some() || self.channel.read(&mut newer) != Ok(BLOCK) {
                return;
            }
            *into = newer;
        }
    }
}

fn tell(counters: &mut MediaCounters, news: &mut News, port: Port, what: LineNews) {
    counters.news_lost += u64::from(news.push_back((port, what)).is_err());
}

impl PortIo for Io {
    fn read(&mut self, index: u16, into: &mut Block) -> bool {
        let Some(Some(bearer)) = self.bearers.get_mut(usize::from(index)) else {
            return false;
        };
        bearer.owes = false;
        if bearer.lost {
            return false;
        }
        let mut got = bearer.channel.read(into);
        if got == Err(CardError::EventPending) {
            Io::events(&mut self.counters, &mut self.news, bearer);
            got = bearer.channel.read(into);
        }
        match got {
            Ok(BLOCK) => {
                self.counters.blocks += 1;
                bearer.owes = true;
                if !bearer.flowing {
                    bearer.begin(into);
                }
                bearer.gains.received(into);
                if let Some(handset) = &mut bearer.handset {
                    handset.hear(into);
                    bearer.heard(&mut self.counters, &mut self.news);
                }
                return true;
            }
            Err(CardError::Gone) => {
                bearer.lost = true;
                self.untold = true;
            }
            Ok(_) | Err(_) => self.counters.late_blocks += u64::from(bearer.flowing),
        }
        false
    }

    fn write(&mut self, index: u16, block: &Block) {
        let Some(Some(bearer)) = self.bearers.get_mut(usize::from(index)) else {
            return;
        };
        if !bearer.owes {
            return;
        }
        if bearer.handset.as_ref().is_some_and(|handset| handset.is_sending()) {
            bearer.send_digits(&mut self.counters, &mut self.news, self.late);
            return bearer.heard(&mut self.counters, &mut self.news);
        }
        bearer.lead = None;
        let mut said = *block;
        if let Some(handset) = &mut bearer.handset {
            handset.replace(&mut said);
            handset.says(&said);
            bearer.heard(&mut self.counters, &mut self.news);
        }
        let whole = match bearer.handset {
            Some(_) => bearer.put(&mut self.counters, &mut self.news, &said) == Ok(BLOCK),
            None => bearer.put_ahead(&mut self.counters, &mut self.news, block, self.late_us),
        };
        self.counters.lost_blocks += u64::from(!whole);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tipring_card::{ChannelId, ChannelInfo, Control, Hook, Progress, Setup, Signalling, SpanId};

    use super::*;

    /// A channel that always has a block, first tells the events it was given, and keeps what is written.
    struct Scripted {
        info: ChannelInfo,
        events: Vec<ChannelEvent>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Scripted {
        fn with(events: usize) -> (Box<dyn Channel>, Arc<Mutex<Vec<u8>>>) {
            let info = ChannelInfo {
                id: ChannelId(1),
                span: SpanId(1),
                timeslot: 1,
                signalling: Signalling::FxsKs,
                law: Law::Mu,
            };
            let written = Arc::new(Mutex::new(Vec::new()));
            let events = vec![ChannelEvent::Polarity; events];
            (Box::new(Scripted { info, events, written: written.clone() }), written)
        }
    }

    impl Channel for Scripted {
        fn info(&self) -> &ChannelInfo {
            &self.info
        }
        fn setup(&mut self, _: Setup) -> Result<(), CardError> {
            Ok(())
        }
        fn read(&mut self, into: &mut [u8]) -> Result<usize, CardError> {
            if !self.events.is_empty() {
                return Err(CardError::EventPending);
            }
            into.fill(0xFF);
            Ok(BLOCK)
        }
        fn write(&mut self, from: &[u8]) -> Result<usize, CardError> {
            self.written.lock().expect("one thread").extend_from_slice(from);
            Ok(from.len())
        }
        fn flush(&mut self) -> Result<(), CardError> {
            Ok(())
        }
        fn event(&mut self) -> Result<Option<ChannelEvent>, CardError> {
            Ok(self.events.pop())
        }
        fn hook(&mut self, _: Hook) -> Result<Progress, CardError> {
            Err(CardError::Invalid)
        }
        fn dial(&mut self, _: &str) -> Result<(), CardError> {
            Err(CardError::Invalid)
        }
        fn dialing(&mut self) -> Result<bool, CardError> {
            Ok(false)
        }
        fn control(&self) -> Result<Box<dyn Control>, CardError> {
            Err(CardError::Invalid)
        }
    }

    const PORT: Port = Port { index: 0, generation: 1 };

    fn handset() -> Option<Box<Handset>> {
        Some(Box::new(Handset::new(Law::Mu, tipring_analog::ZoneId::default())))
    }

    #[test]
    fn events_of_an_analogue_line_are_news_and_those_of_a_bearer_are_not() {
        for (handset, news) in [(handset(), 3), (None, 0)] {
            let mut media = Media::new(1);
            assert!(media.add(PORT, Law::Mu, Scripted::with(3).0, handset, Gains::default()).is_none());
            media.tick(1);
            let told: Vec<_> = std::iter::from_fn(|| media.heard()).collect();
            assert_eq!(told, vec![(PORT, LineNews::Event(ChannelEvent::Polarity)); news]);
            assert_eq!(media.counters().events, 3);
        }
    }

    #[test]
    fn news_that_nobody_fetches_are_counted_and_lost() {
        let mut media = Media::new(8);
        for index in 0..8 {
            let port = Port { index, ..PORT };
            media.add(port, Law::Mu, Scripted::with(60).0, handset(), Gains::default());
        }
        media.tick(1);
        assert_eq!(media.counters().news_lost, 8 * 60 - NEWS as u64);
        assert_eq!(std::iter::from_fn(|| media.heard()).count(), NEWS);
    }

    #[test]
    fn digits_go_out_in_place_of_what_the_switch_says_and_their_end_is_told() {
        let mut media = Media::new(1);
        let (channel, written) = Scripted::with(0);
        media.add(PORT, Law::Mu, channel, handset(), Gains::default());
        media.send(Port { generation: 9, ..PORT }, &Digits::try_from("9").expect("a digit"));
        (0..10).for_each(|_| media.tick(1));
        assert!(written.lock().expect("one thread").iter().all(|octet| *octet == 0xFF), "a stale lease says nothing");
        media.send(PORT, &Digits::try_from("1").expect("a digit"));
        (0..50).for_each(|_| media.tick(1));
        let loud = written.lock().expect("one thread").iter().filter(|octet| **octet != 0xFF).count();
        assert!((700..900).contains(&loud), "100 ms of a digit: {loud} octets");
        assert_eq!(media.heard(), Some((PORT, LineNews::Heard(Heard::Dialled))));
    }

    #[test]
    fn digits_that_may_have_run_dry_are_broken_off_and_said_so() {
        let mut media = Media::new(1);
        let (channel, written) = Scripted::with(0);
        media.add(PORT, Law::Mu, channel, handset(), Gains::default());
        let loud = || written.lock().expect("one thread").iter().filter(|octet| **octet != 0xFF).count();
        media.send(PORT, &Digits::try_from("1234567890").expect("digits"));
        media.tick(9);
        assert_eq!(loud(), 0, "it does not begin while it is behind");
        (0..5).for_each(|_| media.tick(1));
        let before = loud();
        assert!(before > 0);
        media.tick(9);
        (0..50).for_each(|_| media.tick(1));
        assert_eq!(loud(), before, "nothing after the gap");
        assert_eq!(media.heard(), Some((PORT, LineNews::Heard(Heard::Broken))));
        assert_eq!((media.heard(), media.counters().broken_sendings), (None, 1));
    }

    #[test]
    fn a_channel_goes_on_under_another_lease_without_a_gap() {
        let mut media = Media::new(1);
        media.add(PORT, Law::Mu, Scripted::with(0).0, handset(), Gains::default());
        media.tick(5);
        let next = Port { generation: 2, ..PORT };
        media.rename(PORT, next);
        media.rename(PORT, Port { generation: 3, ..PORT }); // stale: nothing
        media.tick(5);
        assert_eq!(media.counters().blocks, 10);
        assert!(media.remove(PORT).is_none(), "the old lease is over");
        assert!(media.remove(next).is_some_and(|returned| returned.handset.is_some()));
    }
    #[test]
    fn a_bearer_has_its_cushion_first_and_loses_what_a_late_tick_has_made_of_delay() {
        let mut media = Media::new(1);
        let (channel, written) = Scripted::with(0);
        media.add(PORT, Law::Mu, channel, None, Gains::default());
        let written = || written.lock().expect("one thread").len();
        media.tick_late(1, 0);
        assert_eq!(written(), 64 + BLOCK, "8 ms of silence and the block");
        media.tick_late(1, 8_000);
        assert_eq!(written(), 64 + 2 * BLOCK, "the cushion covers it");
        media.tick_late(2, 15_000);
        assert_eq!(written(), 64 + 4 * BLOCK - 56, "7 ms had run dry");
        media.tick_late(1, 0);
        assert_eq!(written(), 64 + 5 * BLOCK - 56);
        assert_eq!(media.counters().lost_blocks, 0);
    }
}
