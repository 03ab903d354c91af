//! A telephone on a port of the box: it is lifted and put down, dials, flashes, rings, reads who calls from the sound
//! between the rings, and notices when the battery is taken away. Somebody else decides when; what it does while it is off
//! hook are the steps of a [`Phone`].
//!
//! It has no clock and no thread: [`Telephone::step`] after every step of the wire.

use tipring_analog::{CallerId, Handset, Heard, Listen, ZoneId};
use tipring_card::{BLOCK, Card, CardError, Cause, Channel, ChannelId, Event, Hook, Law, Micros, PREFILL, Setup};

use crate::{Phone, Step, audio::BUFFERS, card::SimCard, port::EVENTS_KEPT};

/// Moments of one kind that are kept.
const MAX_MOMENTS: usize = 1_000;

/// One telephone.
pub struct Telephone {
    card: SimCard,
    id: ChannelId,
    law: Law,
    channel: Option<Box<dyn Channel>>,
    ear: Handset,
    phone: Option<Phone>,
    /// Lifted at the beginning of this ring, to do this.
    answers: Option<(usize, Vec<Step>)>,
    /// The bursts that have begun since it was last put down or told to answer.
    bursts: usize,
    lifted: bool,
    rings: Vec<Micros>,
    drops: Vec<Micros>,
    caller: Option<CallerId>,
    messages: Option<bool>,
}

impl Telephone {
    /// A telephone on hook at this port; `card` is [`crate::Wire::far`].
    pub fn new(card: SimCard, id: ChannelId) -> Telephone {
        let law = card.channels().iter().find(|channel| channel.id == id).map_or(Law::Mu, |channel| channel.law);
        Telephone {
            card,
            id,
            law,
            channel: None,
            ear: Handset::new(law, ZoneId::default()),
            phone: None,
            answers: None,
            bursts: 0,
            lifted: false,
            rings: Vec::new(),
            drops: Vec::new(),
            caller: None,
            messages: None,
        }
    }

    /// Lifts it, to do this: `press` dials.
    pub fn lift(&mut self, now: Micros, steps: Vec<Step>) {
        self.hook(Hook::OffHook);
        self.lifted = true;
        self.answers = None;
        let mut phone = Phone::new(self.law, steps, now);
        phone.connected(now);
        self.phone = Some(phone);
    }

    /// Is to be lifted at the beginning of this ring (1: the first), to do this.
    pub fn answer(&mut self, ring: usize, steps: Vec<Step>) {
        (self.answers, self.bursts) = (Some((ring, steps)), 0);
    }

    /// Puts it down.
    pub fn put_down(&mut self, now: Micros) {
        self.hook(Hook::OnHook);
        (self.lifted, self.bursts) = (false, 0);
        if let Some(phone) = &mut self.phone {
            phone.released(now);
        }
        self.ear.listen(Listen::CallerId);
    }

    /// Flashes its hook.
    pub fn flash(&mut self) {
        self.hook(Hook::Flash);
    }

    /// Whether it is off hook.
    pub fn is_lifted(&self) -> bool {
        self.lifted
    }

    /// When its bell began to sound, each time.
    pub fn rings(&self) -> &[Micros] {
        &self.rings
    }

    /// When its battery was taken away while it was off hook, each time.
    pub fn drops(&self) -> &[Micros] {
        &self.drops
    }

    /// Who called last, as it was told.
    pub fn caller(&self) -> Option<&CallerId> {
        self.caller.as_ref()
    }

    /// Whether messages wait, as it was told last.
    pub fn messages(&self) -> Option<bool> {
        self.messages
    }

    /// What it did and heard since it was last lifted.
    pub fn phone(&self) -> Option<&Phone> {
        self.phone.as_ref()
    }

    /// Works: events, sound, its steps. Call it after every step of the wire.
    pub fn step(&mut self, now: Micros) {
        if self.channel.is_none() {
            self.open();
        }
        let mut block = [0; BLOCK];
        for _ in 0..BUFFERS + EVENTS_KEPT {
            let Some(channel) = &mut self.channel else { return };
            match channel.read(&mut block) {
                Ok(_) => self.carry(now, &mut block),
                Err(CardError::EventPending) => match channel.event() {
                    Ok(Some(event)) => self.event(now, event),
                    _ => break,
                },
                Err(CardError::Gone) => self.channel = None,
                Err(_) => break,
            }
        }
        let wish: Option<Cause> = self.phone.as_ref().and_then(Phone::wants_to_hang_up);
        if self.lifted && wish.is_some() {
            self.put_down(now);
        }
    }

    fn open(&mut self) {
        let Ok(mut channel) = self.card.open(self.id) else { return };
        let primed = channel.setup(Setup::Audio(self.law)).is_ok();
        for _ in 0..PREFILL {
            let _ = channel.write(&[self.law.silence(); BLOCK]); // there is room in a channel that was just set up
        }
        self.channel = primed.then_some(channel);
        self.ear.listen(Listen::CallerId);
    }

    fn carry(&mut self, now: Micros, block: &mut [u8; BLOCK]) {
        match &mut self.phone {
            Some(phone) if self.lifted => {
                phone.hear(now, block);
                phone.speak(now, block);
            }
            _ => {
                self.ear.hear(block);
                while let Some(heard) = self.ear.poll() {
                    match heard {
                        Heard::CallerId(caller) => self.caller = Some(caller),
                        Heard::MessageWaiting(waiting) => self.messages = Some(waiting),
                        _ => {}
                    }
                }
                block.fill(self.law.silence());
            }
        }
        if let Some(channel) = &mut self.channel {
            let _ = channel.write(block); // a full channel loses a block, as telephones do not notice
        }
    }

    fn event(&mut self, now: Micros, event: Event) {
        match event {
            Event::RingBegin if !self.lifted => {
                keep(&mut self.rings, now);
                self.bursts += 1;
                if self.answers.as_ref().is_some_and(|(ring, _)| self.bursts >= *ring)
                    && let Some((_, steps)) = self.answers.take()
                {
                    self.lift(now, steps);
                }
            }
            // The bell itself was heard too: begin afresh.
            Event::RingOffHook if !self.lifted => self.ear.listen(Listen::CallerId),
            Event::OnHook => {
                keep(&mut self.drops, now);
                if let Some(phone) = self.phone.as_mut().filter(|phone| phone.awaits_hangup()) {
                    phone.released(now);
                }
            }
            _ => {}
        }
    }

    /// A card that is gone tells it at the next read.
    fn hook(&mut self, hook: Hook) {
        if let Some(channel) = &mut self.channel {
            let _ = channel.hook(hook);
        }
    }
}

fn keep(moments: &mut Vec<Micros>, now: Micros) {
    if moments.len() < MAX_MOMENTS {
        moments.push(now);
    }
}
