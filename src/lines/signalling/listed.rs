//! Which lines a card has: what each of its channels is used as, and who drives it. A channel gets another use, and a port
//! a telephone, while all others go on: what is there gives the channel up when it has no call, the card makes it what it is
//! to be, and the line of that kind begins, in the same place of the switch.
//!
//! A line that gave its channel up stays in its list, retired, since others know lines by their place there.

use tipring_card::{CardError, ChannelInfo, Micros, Signalling as Kind, SpanId, Use};
use tipring_switch::Port;

use super::held::Held;
use super::looped::Looped;
use super::phoned::Phoned;
use super::{REOPEN_EVERY, Signalling, SignallingAction, named};
use crate::config::LinesConfig;
use crate::groups::{LineRef, Named};

/// A channel that has, or may get, a line of its own.
pub(super) struct Spot {
    span: SpanId,
    timeslot: u8,
    /// Its place in the switch, whatever line is there.
    port: Port,
    /// As it was given by us; `None`: the card's own business.
    is: Option<Use>,
    wanted: Option<Use>,
    retry_at: Micros,
    /// That it is open elsewhere was said.
    complained: bool,
}

/// What is at a spot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    Nothing,
    Loop(usize),
    Telephone(usize),
}

/// What should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Loop,
    Telephone,
}

impl Spot {
    pub fn span(&self) -> SpanId {
        self.span
    }

    fn is_of(&self, held: &Held) -> bool {
        (held.span_id(), held.timeslot) == (self.span, self.timeslot)
    }

    fn changes(&self) -> bool {
        self.wanted.is_some() && self.is != self.wanted
    }
}

impl Signalling {
    /// A place in the switch for every channel that has or may get a line of its own, from this port on. What the
    /// configuration says of a channel it is already: the card was opened with it.
    pub(super) fn find_spots(&mut self, first_port: u16) {
        let mut spots: Vec<Spot> = Vec::new();
        let mut spot = |span: SpanId, timeslot: u8, is: Option<Use>| {
            let known = spots.iter().any(|spot| (spot.span, spot.timeslot) == (span, timeslot));
            if let (false, Ok(index)) = (known, u16::try_from(usize::from(first_port) + spots.len())) {
                let port = Port { index, generation: 0 };
                let retry_at = Micros::ZERO;
                spots.push(Spot { span, timeslot, port, is, wanted: is, retry_at, complained: false });
            }
        };
        let uses = &self.config.uses;
        let said = |channel: &ChannelInfo| {
            uses.iter().find(|(span, slot, _)| (*span, *slot) == (channel.span, channel.timeslot)).map(|known| known.2)
        };
        for kind in [Kind::FxsKs, Kind::FxoKs] {
            for channel in self.card.channels().iter().filter(|channel| channel.signalling == kind) {
                spot(channel.span, channel.timeslot, said(channel));
            }
        }
        for (span, timeslot, to) in uses.iter().filter(|(.., to)| !matches!(to, Use::Bearer | Use::DChannel)) {
            spot(*span, *timeslot, Some(*to));
        }
        self.spots = spots;
        for at in 0..self.spots.len() {
            self.begin_line(at);
        }
    }

    /// What channels are to be used as from now on. What cannot be changed while the card is open is complained of.
    pub(super) fn want_uses(&mut self, config: &LinesConfig) -> Vec<String> {
        let mut complaints = Vec::new();
        for (span, timeslot, to) in &config.uses {
            match self.spots.iter_mut().find(|spot| (spot.span, spot.timeslot) == (*span, *timeslot)) {
                Some(_) if matches!(to, Use::Bearer | Use::DChannel) => {
                    let name = self.card.span_name(*span);
                    complaints.push(format!("{name}/{timeslot}: becomes a channel of a PRI at the next start only"));
                }
                Some(spot) => (spot.wanted, spot.retry_at) = (Some(*to), Micros::ZERO),
                None => {
                    let signalling = to.signalling();
                    let is_so = self.card.channels().iter().any(|channel| {
                        (channel.span, channel.timeslot, Some(channel.signalling)) == (*span, *timeslot, signalling)
                    });
                    if !is_so && signalling.is_some() {
                        let name = self.card.span_name(*span);
                        complaints.push(format!("{name}/{timeslot}: becomes {} at the next start only", to.as_str()));
                    }
                }
            }
        }
        // At the next step.
        (self.unsettled, self.status_at) = (true, Micros::ZERO);
        complaints
    }

    /// Every line for outgoing calls as it will be when all that waits is done. One that is not there yet has no place.
    pub(super) fn names_to_be(&self) -> Vec<Named> {
        let mut names = named(&self.spans, &self.loops, &self.phones);
        for spot in self.spots.iter().filter(|spot| spot.changes() || !self.is_settled(spot)) {
            let (span, name) = (self.card.span_name(spot.span), self.name_of(spot));
            names.retain(|known| known.name != name);
            let signalling = match spot.wanted.filter(|_| spot.changes()) {
                Some(to) => to.signalling(),
                None => self.channel_of(spot).map(|channel| channel.signalling),
            };
            let has_telephone = || self.config.telephone(&span, &name).is_some();
            let line = match signalling {
                Some(Kind::FxsKs) => LineRef::Loop(usize::MAX),
                Some(Kind::FxoKs) if has_telephone() => LineRef::Telephone(usize::MAX),
                _ => continue,
            };
            names.push(Named { line, span, name });
        }
        names
    }

    /// Channels whose new use waits for the end of a call.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = String> + '_ {
        let waits = |spot: &&Spot| spot.changes() || !self.is_settled(spot);
        self.spots.iter().filter(waits).map(|spot| self.name_of(spot))
    }

    /// Brings the lines in order that may be.
    pub(super) fn settle(&mut self, now: Micros, actions: &mut Vec<SignallingAction>) {
        if !self.unsettled {
            return;
        }
        let mut moved = false;
        for at in 0..self.spots.len() {
            if self.spots[at].changes() || !self.is_settled(&self.spots[at]) {
                moved |= self.settle_spot(now, at, actions);
            }
        }
        let waits = self.unsettled().next().is_some();
        self.unsettled = waits;
        if moved {
            let names = named(&self.spans, &self.loops, &self.phones);
            // What fits no line was complained of when the configuration was taken.
            let _ = self.outward.configure(&self.config, &names);
            self.restored(actions);
        }
    }

    /// True: another line is there now, or none.
    fn settle_spot(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) -> bool {
        let there = self.there(&self.spots[at]);
        if now < self.spots[at].retry_at || !self.gives_up(there) {
            return false;
        }
        self.retire(at, there);
        let name = self.name_of(&self.spots[at]);
        let spot = &mut self.spots[at];
        if let Some(to) = spot.wanted.filter(|_| spot.changes()) {
            match self.card.assign(spot.span, spot.timeslot, to) {
                Ok(()) => {
                    (spot.is, spot.complained) = (Some(to), false);
                    actions.push(SignallingAction::Note(format!("{name}: is {} now", to.as_str())));
                }
                Err(error) => {
                    // Another program has it, or its card is away: that may pass.
                    let passes = matches!(error, CardError::Busy | CardError::Gone | CardError::NoSuchChannel);
                    if !std::mem::replace(&mut spot.complained, true) || !passes {
                        let then = if passes { "tried again" } else { "it stays as it is" };
                        let text = format!("{name}: cannot become {} now: {error}; {then}", to.as_str());
                        actions.push(SignallingAction::Note(text));
                    }
                    spot.retry_at = now + REOPEN_EVERY;
                    if !passes {
                        spot.wanted = spot.is;
                    }
                }
            }
        }
        self.begin_line(at);
        true
    }

    fn there(&self, spot: &Spot) -> There {
        let is_there = |held: &Held| !held.is_retired() && spot.is_of(held);
        let of_loops = self.loops.iter().position(|looped| is_there(&looped.held)).map(There::Loop);
        let of_phones = || self.phones.iter().position(|phone| is_there(&phone.held)).map(There::Telephone);
        of_loops.or_else(of_phones).unwrap_or(There::Nothing)
    }

    fn wanted_at(&self, spot: &Spot) -> Wanted {
        let Some(channel) = self.channel_of(spot) else {
            return Wanted::Nothing;
        };
        match channel.signalling {
            Kind::FxsKs => Wanted::Loop,
            Kind::FxoKs => {
                let (span, line) = (self.card.span_name(channel.span), self.card.line_name(channel));
                let has_telephone = self.config.telephone(&span, &line).is_some();
                if has_telephone { Wanted::Telephone } else { Wanted::Nothing }
            }
            _ => Wanted::Nothing,
        }
    }

    fn channel_of(&self, spot: &Spot) -> Option<&ChannelInfo> {
        let mut channels = self.card.channels().iter();
        channels.find(|channel| (channel.span, channel.timeslot) == (spot.span, spot.timeslot))
    }

    /// The name of its line, whether there is one now or not.
    fn name_of(&self, spot: &Spot) -> String {
        let unused = || format!("{}/{}", self.card.span_name(spot.span), spot.timeslot);
        self.channel_of(spot).map_or_else(unused, |channel| self.card.line_name(channel))
    }

    /// A card that is away has no channels: what was there waits for it.
    fn is_settled(&self, spot: &Spot) -> bool {
        match (self.there(spot), self.wanted_at(spot)) {
            (There::Nothing, Wanted::Nothing) | (There::Loop(_), Wanted::Loop) => true,
            (There::Telephone(_), Wanted::Telephone) => true,
            (_, Wanted::Nothing) => self.channel_of(spot).is_none(),
            _ => false,
        }
    }

    /// Whether what is there has no call and none is about to come.
    fn gives_up(&self, there: There) -> bool {
        let rests = |held: &Held| held.is_at_rest() || held.is_gone();
        match there {
            There::Nothing => true,
            There::Loop(at) => {
                let looped = &self.loops[at];
                rests(&looped.held) && !looped.is_busy() && looped.lent.is_none()
            }
            There::Telephone(at) => rests(&self.phones[at].held) && !self.phones[at].is_busy(),
        }
    }

    fn retire(&mut self, at: usize, there: There) {
        let last = match there {
            There::Nothing => return,
            There::Loop(line) => self.loops[line].held.retire(),
            There::Telephone(line) => self.phones[line].held.retire(),
        };
        self.spots[at].port = last;
    }

    /// The line that a spot is to have, unless it has none to have.
    fn begin_line(&mut self, at: usize) {
        let spot = &self.spots[at];
        let wanted = self.wanted_at(spot);
        let Some(channel) = self.channel_of(spot).filter(|_| wanted != Wanted::Nothing) else {
            return;
        };
        let held = Held::new(&*self.card, channel, spot.port);
        // Its own place, if it had one of this kind before: lists do not grow with every change.
        let was = |held: &Held| held.is_retired() && spot.is_of(held);
        if wanted == Wanted::Loop {
            let settings = self.config.analog_line(&held.span, &held.name);
            let looped = Looped::new(held, settings);
            match self.loops.iter().position(|known| was(&known.held)) {
                Some(place) => self.loops[place] = looped,
                None => self.loops.push(looped),
            }
        } else if let Some(telephone) = self.config.telephone(&held.span, &held.name) {
            let mut phone = Phoned::new(held, telephone);
            if self.messages.contains(&phone.held.name) {
                phone.learns_of_messages();
            }
            match self.phones.iter().position(|known| was(&known.held)) {
                Some(place) => self.phones[place] = phone,
                None => self.phones.push(phone),
            }
        }
    }
}
