//! A channel that is held: open at rest for as long as the card has it, lent to the media side for the length of a call,
//! taken back, lost and found again. With it go its hook, its place in the switch, and the alarms of its port and span.
//! It knows no machine and no call: what its line has to do is what the methods return.
//!
//! A channel that comes back from the media side is closed there and opened here, since a close alone puts it on hook and
//! forgets all. The machine does not hear of that: to it the channel is there all the time.

use tipring_analog::Handset;
use tipring_card::{
    BLOCK, Card, CardError, Channel, ChannelId, ChannelInfo, Control, Event, Hook, Law, Micros, Progress, Setup, SpanId,
};
use tipring_switch::Port;

use super::{EVENTS_A_STEP, REOPEN_EVERY, SignallingAction};
use crate::gain::Gains;

/// The media side closes the channel a moment after it was asked to; until then it is busy.
const REOPEN_AFTER_CALL: Micros = Micros::from_ms(20);
/// It is looked for so often before it counts as lost: a second.
const REOPEN_TRIES: u8 = 50;

/// What a channel and the clock tell the machine of a line, whichever machine that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tidings {
    /// There is a channel now.
    Opened,
    /// It is gone.
    Lost,
    /// It has an event.
    Line(Event),
    /// It refused to move its hook.
    HookFailed,
    /// A timer is due.
    Timer,
}

/// What became of an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// There was none: the machine hears of it.
    Found,
    /// It is back from the media side.
    Again,
    /// It will be tried again.
    NotYet,
    /// It does not come back: it is to be lost.
    Lost,
}

/// Why a line carries nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Alarms {
    /// By the channel's events: a port without battery.
    pub port: bool,
    /// As the span was last seen.
    pub span: bool,
}

impl Alarms {
    pub fn is_on(self) -> bool {
        self.port || self.span
    }
}

/// Where the channel is.
enum Place {
    /// Never opened, or gone: the machine knows of no channel.
    Gone,
    /// The media side is about to close it.
    OnItsWay,
    AtRest {
        channel: Box<dyn Channel>,
        control: Box<dyn Control>,
    },
    AtMedia {
        control: Box<dyn Control>,
    },
}

/// The channel of one line.
pub(super) struct Held {
    pub span: String,
    pub name: String,
    pub timeslot: u8,
    pub law: Law,
    id: ChannelId,
    span_id: SpanId,
    port: Port,
    place: Place,
    alarms: Alarms,
    reopen_at: Micros,
    reopen_tries: u8,
    /// The last opening failed, and that was said.
    complained: bool,
    retired: bool,
}

impl Held {
    /// A channel of this card that is still to be opened, with this place in the switch.
    pub fn new(card: &dyn Card, channel: &ChannelInfo, port: Port) -> Self {
        Held {
            name: card.line_name(channel),
            span: card.span_name(channel.span),
            timeslot: channel.timeslot,
            law: channel.law,
            id: channel.id,
            span_id: channel.span,
            port,
            place: Place::Gone,
            alarms: Alarms::default(),
            reopen_at: Micros::ZERO,
            reopen_tries: 0,
            complained: false,
            retired: false,
        }
    }

    /// The channel is closed and never opened again, and its place in the switch is another line's, which goes on behind the
    /// lease that is returned.
    pub fn retire(&mut self) -> Port {
        (self.place, self.retired) = (Place::Gone, true);
        std::mem::replace(&mut self.port, Port { index: u16::MAX, generation: 0 })
    }

    pub fn is_retired(&self) -> bool {
        self.retired
    }

    /// The lease: the present one, or the last.
    pub fn port(&self) -> Port {
        self.port
    }

    pub fn id(&self) -> ChannelId {
        self.id
    }

    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// The channel, while it is held here.
    pub fn channel(&self) -> Option<&dyn Channel> {
        match &self.place {
            Place::AtRest { channel, .. } => Some(&**channel),
            Place::Gone | Place::OnItsWay | Place::AtMedia { .. } => None,
        }
    }

    pub fn is_at_rest(&self) -> bool {
        matches!(self.place, Place::AtRest { .. })
    }

    pub fn is_at_media(&self) -> bool {
        matches!(self.place, Place::AtMedia { .. })
    }

    pub fn is_open(&self) -> bool {
        self.is_at_rest() || self.is_at_media()
    }

    pub fn is_gone(&self) -> bool {
        matches!(self.place, Place::Gone)
    }

    pub fn in_alarm(&self) -> bool {
        self.alarms.is_on()
    }

    /// When it is to be opened, unless it is open.
    pub fn reopens(&self) -> Option<Micros> {
        (!self.is_open() && !self.retired).then_some(self.reopen_at)
    }

    /// Another lease begins; what is on the media side goes along.
    pub fn renew(&mut self, actions: &mut Vec<SignallingAction>) -> Port {
        let from = self.port;
        self.port.generation = self.port.generation.wrapping_add(1);
        if self.is_at_media() {
            actions.push(SignallingAction::Rename { from, to: self.port });
        }
        self.port
    }

    /// The card was asked for it. It is held at rest now, if it came.
    pub fn open(
        &mut self,
        now: Micros,
        opened: Result<Box<dyn Channel>, CardError>,
        actions: &mut Vec<SignallingAction>,
    ) -> Opened {
        let gone = self.is_gone();
        match opened.and_then(|channel| channel.control().map(|control| (channel, control))) {
            Ok((channel, control)) => {
                self.place = Place::AtRest { channel, control };
                self.alarms.port = false;
                (self.reopen_tries, self.complained) = (0, false);
                if gone { Opened::Found } else { Opened::Again }
            }
            Err(error) if gone => {
                self.reopen_at = now + REOPEN_EVERY;
                if !std::mem::replace(&mut self.complained, true) {
                    actions.push(self.note(format_args!("cannot be opened yet: {error}")));
                }
                Opened::NotYet
            }
            Err(CardError::Busy) if self.reopen_tries < REOPEN_TRIES => {
                self.reopen_tries += 1;
                self.reopen_at = now + REOPEN_AFTER_CALL;
                Opened::NotYet
            }
            Err(error) => {
                actions.push(self.note(format_args!("cannot be opened again: {error}")));
                Opened::Lost
            }
        }
    }

    /// The oldest event of a channel at rest; that it was removed, if it is found gone.
    pub fn event(&mut self) -> Option<Event> {
        let Place::AtRest { channel, .. } = &mut self.place else {
            return None;
        };
        match channel.event() {
            Ok(event) => event,
            Err(CardError::Gone) => Some(Event::Removed),
            Err(_) => None,
        }
    }

    /// Sets a channel at rest up for audio and queues this many blocks of silence. Events that were in the way are told:
    /// the ring or the seizure that needs the audio goes on.
    pub fn prime(&mut self, blocks: usize, mut event: impl FnMut(Event)) -> Result<(), CardError> {
        let Place::AtRest { channel, .. } = &mut self.place else {
            return Err(CardError::Invalid);
        };
        let silence = [self.law.silence(); BLOCK];
        channel.setup(Setup::Audio(self.law))?;
        for _ in 0..blocks {
            if channel.write(&silence) == Err(CardError::EventPending) {
                for _ in 0..EVENTS_A_STEP {
                    let Ok(Some(pending)) = channel.event() else {
                        break;
                    };
                    event(pending);
                }
                channel.write(&silence)?;
            }
        }
        Ok(())
    }

    /// A channel at rest goes to the media side, with ear and mouth.
    pub fn attach(&mut self, handset: Box<Handset>, gains: Gains, actions: &mut Vec<SignallingAction>) {
        self.place = match std::mem::replace(&mut self.place, Place::Gone) {
            Place::AtRest { channel, control } => {
                let (port, law) = (self.port, self.law);
                actions.push(SignallingAction::Attach { port, law, channel, handset: Some(handset), gains });
                Place::AtMedia { control }
            }
            elsewhere => elsewhere,
        };
    }

    /// Asks for it back. False: it is not at the media side.
    pub fn take_back(&mut self, now: Micros, actions: &mut Vec<SignallingAction>) -> bool {
        if !self.is_at_media() {
            return false;
        }
        actions.push(SignallingAction::Detach { port: self.port });
        self.place = Place::OnItsWay;
        self.reopen_at = now + REOPEN_AFTER_CALL;
        true
    }

    /// It is gone, wherever it is. False: that is known.
    pub fn lose(&mut self, now: Micros, actions: &mut Vec<SignallingAction>) -> bool {
        if self.is_gone() {
            return false;
        }
        actions.push(self.note(format_args!("the channel is gone")));
        if self.is_at_media() {
            actions.push(SignallingAction::Detach { port: self.port });
        }
        self.place = Place::Gone;
        (self.reopen_at, self.reopen_tries) = (now + REOPEN_EVERY, 0);
        true
    }

    /// Alarms change. `Some`: the line is in alarm now, or no longer.
    pub fn alarm(&mut self, change: impl FnOnce(&mut Alarms), actions: &mut Vec<SignallingAction>) -> Option<bool> {
        let before = self.in_alarm();
        change(&mut self.alarms);
        let on = self.in_alarm();
        if before == on {
            return None;
        }
        actions.push(self.note(format_args!("{}", if on { "alarm" } else { "alarm cleared" })));
        Some(on)
    }

    /// Whether the telephone at a port is off hook, where the card can tell.
    pub fn is_lifted(&mut self) -> Option<bool> {
        let (Place::AtRest { control, .. } | Place::AtMedia { control }) = &mut self.place else {
            return None;
        };
        control.lifted().ok()
    }

    /// Lifts the telephone, or puts it down. False: the card cannot.
    pub fn lift(&mut self, lifted: bool) -> bool {
        match &mut self.place {
            Place::AtRest { control, .. } | Place::AtMedia { control } => control.lift(lifted).is_ok(),
            Place::Gone | Place::OnItsWay => false,
        }
    }

    /// Moves the hook. What the machine is to hear of that at once: a card that is ready at once has nothing to report
    /// later. Without a channel the line is on hook, and the machine hears of the loss.
    pub fn hook(&mut self, hook: Hook) -> Option<Tidings> {
        let (Place::AtRest { control, .. } | Place::AtMedia { control }) = &mut self.place else {
            return None;
        };
        match control.hook(hook) {
            Ok(Progress::Done) if hook == Hook::Start => Some(Tidings::Line(Event::HookComplete)),
            Ok(_) => None,
            Err(_) => Some(Tidings::HookFailed),
        }
    }

    /// A line for the timeline.
    pub fn note(&self, text: impl std::fmt::Display) -> SignallingAction {
        SignallingAction::Note(format!("{}: {text}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use tipring_analog::ZoneId;
    use tipring_card::Signalling;
    use tipring_sim::{SimCard, Wire, WireConfig};

    use super::*;

    /// A channel and what it did, on a wire whose office is ours to play.
    struct Bench {
        wire: Wire,
        card: SimCard,
        held: Held,
        now: Micros,
        actions: Vec<SignallingAction>,
    }

    impl Bench {
        fn new() -> Bench {
            let wire = Wire::new(WireConfig { spans: 0, analog_ports: 1, ..WireConfig::default() });
            let card = wire.near();
            let held = Held::new(&card, &card.channels()[0], Port { index: 7, generation: 0 });
            Bench { wire, card, held, now: Micros::ZERO, actions: Vec::new() }
        }

        fn opened() -> Bench {
            let mut bench = Bench::new();
            assert_eq!(bench.open(), Opened::Found);
            bench
        }

        fn open(&mut self) -> Opened {
            let opened = self.card.open(self.held.id());
            self.held.open(self.now, opened, &mut self.actions)
        }

        fn attach(&mut self) {
            let handset = Box::new(Handset::new(self.held.law, ZoneId::default()));
            self.held.attach(handset, Gains::default(), &mut self.actions);
        }

        /// In a word each, and no more.
        #[track_caller]
        fn did(&mut self, expected: &[&str]) {
            let word = |action: SignallingAction| match action {
                SignallingAction::Attach { .. } => "attach".to_owned(),
                SignallingAction::Detach { .. } => "detach".to_owned(),
                SignallingAction::Rename { .. } => "rename".to_owned(),
                SignallingAction::Note(text) => text,
                _ => "something else".to_owned(),
            };
            let did: Vec<String> = self.actions.drain(..).map(word).collect();
            assert_eq!(did, expected);
        }
    }

    #[test]
    fn a_channel_that_the_media_side_keeps_is_looked_for_for_a_second_and_then_lost() {
        let mut bench = Bench::opened();
        bench.attach();
        let kept = bench.actions.pop(); // with the channel in it
        assert!(bench.held.take_back(bench.now, &mut bench.actions));
        for _ in 0..REOPEN_TRIES {
            bench.now = bench.held.reopens().expect("it is looked for");
            assert_eq!(bench.open(), Opened::NotYet);
        }
        assert_eq!(bench.now, Micros::from_s(1));
        bench.now = bench.held.reopens().expect("it is looked for");
        assert_eq!(bench.open(), Opened::Lost);
        assert!(bench.held.lose(bench.now, &mut bench.actions));
        bench.did(&[
            "detach",
            "sim 1/1: cannot be opened again: the channel is in use by another program",
            "sim 1/1: the channel is gone",
        ]);
        assert_eq!(bench.held.reopens(), Some(bench.now + REOPEN_EVERY));
        drop(kept);
        assert_eq!(bench.open(), Opened::Found, "found anew");
    }

    #[test]
    fn a_channel_that_comes_back_is_no_news_and_keeps_its_lease() {
        let mut bench = Bench::opened();
        let lease = bench.held.renew(&mut bench.actions);
        bench.attach();
        assert_eq!((bench.held.is_at_media(), bench.held.channel().is_some()), (true, false));
        bench.did(&["attach"]);
        assert!(bench.held.take_back(bench.now, &mut bench.actions));
        bench.did(&["detach"]);
        assert!(!bench.held.is_open() && !bench.held.is_gone());
        assert_eq!(bench.open(), Opened::Again);
        assert_eq!((bench.held.port(), bench.held.is_at_rest()), (lease, true));
    }

    #[test]
    fn a_channel_of_somebody_else_is_complained_of_once() {
        let mut bench = Bench::new();
        let theirs = bench.card.open(bench.held.id()).expect("it is free");
        assert_eq!((bench.open(), bench.open()), (Opened::NotYet, Opened::NotYet));
        bench.did(&["sim 1/1: cannot be opened yet: the channel is in use by another program"]);
        drop(theirs);
        assert_eq!(bench.open(), Opened::Found);
        assert!(bench.held.is_at_rest());
    }

    #[test]
    fn only_what_is_somewhere_can_be_given_taken_and_lost() {
        let mut bench = Bench::new();
        bench.attach();
        assert!(!bench.held.take_back(bench.now, &mut bench.actions));
        assert!(!bench.held.lose(bench.now, &mut bench.actions));
        assert_eq!(bench.held.prime(1, |_| {}), Err(CardError::Invalid));
        assert_eq!((bench.held.hook(Hook::OffHook), bench.held.event()), (None, None));
        bench.did(&[]);
        bench.open();
        assert!(!bench.held.take_back(bench.now, &mut bench.actions), "it is here");
        bench.attach();
        bench.attach();
        bench.held.renew(&mut bench.actions);
        assert!(bench.held.lose(bench.now, &mut bench.actions));
        assert!(!bench.held.lose(bench.now, &mut bench.actions));
        bench.did(&["attach", "rename", "sim 1/1: the channel is gone", "detach"]);
    }

    #[test]
    fn events_in_the_way_of_the_priming_are_told() {
        let mut bench = Bench::opened();
        let mut office = bench.wire.far();
        let port = office.channels().iter().find(|channel| channel.signalling == Signalling::FxoKs).map(|port| port.id);
        let mut port = office.open(port.expect("an office")).expect("it is free");
        // The kernel tells no ring sooner.
        bench.wire.step(Micros::from_ms(2_500));
        port.hook(Hook::Ring).expect("it rings");
        bench.wire.step(Micros::from_ms(2_600));
        let mut told = Vec::new();
        assert_eq!(bench.held.prime(2, |event| told.push(event)), Ok(()));
        assert_eq!(told, [Event::RingBegin]);
    }

    #[test]
    fn a_channel_whose_card_is_taken_away_says_so_by_an_event() {
        let mut bench = Bench::opened();
        assert_eq!(bench.held.event(), None);
        bench.wire.remove(tipring_sim::Side::Near);
        assert_eq!(bench.held.event(), Some(Event::Removed));
    }

    #[test]
    fn two_alarms_are_one_until_both_are_over() {
        let mut bench = Bench::opened();
        let mut alarm = |port, span| bench.held.alarm(|alarms| *alarms = Alarms { port, span }, &mut bench.actions);
        assert_eq!([alarm(true, false), alarm(true, true), alarm(false, true)], [Some(true), None, None]);
        assert_eq!([alarm(false, false), alarm(false, false)], [Some(false), None]);
        bench.did(&["sim 1/1: alarm", "sim 1/1: alarm cleared"]);
    }
}
