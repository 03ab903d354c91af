//! Several cards as one: the first one's pace and name, and the spans and channels of all, with their numbers shifted
//! behind those of the cards before. So one engine drives them all. Names stay each card's own. A card whose samples follow
//! another clock brings its own elastic buffers; nothing is done about clocks here.

use tipring_card::{
    Card, CardError, Channel, ChannelId, ChannelInfo, ClockDomain, Maintenance, Pace, SpanId, SpanInfo, SpanStatus, Use,
};

/// Numbers of spans that a card may find later, so that the next card's begin behind them ...
const SPANS_ROOM: u16 = 128;
/// ... and of channels.
const CHANNELS_ROOM: u16 = 2_048;

/// The cards.
pub struct Joined {
    cards: Vec<Shifted>,
    spans: Vec<SpanInfo>,
    channels: Vec<ChannelInfo>,
}

/// A card, and by how much its numbers are shifted.
struct Shifted {
    card: Box<dyn Card>,
    spans: u16,
    channels: u16,
}

impl Joined {
    /// One card of several; the first paces them. `None`: there is none.
    pub fn cards(cards: Vec<Box<dyn Card>>) -> Option<Box<dyn Card>> {
        if cards.len() < 2 {
            return cards.into_iter().next();
        }
        let mut joined = Joined { cards: Vec::new(), spans: Vec::new(), channels: Vec::new() };
        cards.into_iter().for_each(|card| joined.join(card));
        Some(Box::new(joined))
    }

    /// What would have a number that no number is left for is left out.
    fn join(&mut self, card: Box<dyn Card>) {
        // The first card's numbers are everybody's; behind each one is room for what it may find later.
        let behind = |most: Option<u16>, room: u16| most.map_or(0, |most| most.saturating_add(room));
        let spans = behind(self.spans.iter().map(|span| span.id.0).max(), SPANS_ROOM);
        let channels = behind(self.channels.iter().map(|channel| channel.id.0).max(), CHANNELS_ROOM);
        self.cards.push(Shifted { card, spans, channels });
        self.list();
    }

    /// What the cards have now.
    fn list(&mut self) {
        (self.spans, self.channels) = (Vec::new(), Vec::new());
        for Shifted { card, spans, channels } in &self.cards {
            let of_span = |span: SpanId| span.0.checked_add(*spans).map(SpanId);
            self.spans.extend(
                card.spans().iter().filter_map(|span| Some(SpanInfo { id: of_span(span.id)?, ..span.clone() })),
            );
            self.channels.extend(card.channels().iter().filter_map(|channel| {
                let id = ChannelId(channel.id.0.checked_add(*channels)?);
                Some(ChannelInfo { id, span: of_span(channel.span)?, ..channel.clone() })
            }));
        }
    }

    /// Whose span that is, and its number there.
    fn of_span(&self, span: SpanId) -> Option<(usize, SpanId)> {
        let at = self.cards.iter().rposition(|shifted| span.0 > shifted.spans)?;
        Some((at, SpanId(span.0 - self.cards[at].spans)))
    }

    fn of_channel(&self, channel: ChannelId) -> Option<(usize, ChannelId)> {
        let at = self.cards.iter().rposition(|shifted| channel.0 > shifted.channels)?;
        Some((at, ChannelId(channel.0 - self.cards[at].channels)))
    }

    fn first(&self) -> &dyn Card {
        &*self.cards[0].card
    }
}

impl Card for Joined {
    fn name(&self) -> &str {
        self.first().name()
    }

    fn clock(&self) -> ClockDomain {
        self.first().clock()
    }

    fn spans(&self) -> &[SpanInfo] {
        &self.spans
    }

    fn channels(&self) -> &[ChannelInfo] {
        &self.channels
    }

    fn span_name(&self, span: SpanId) -> String {
        self.of_span(span).map_or_else(String::new, |(at, span)| self.cards[at].card.span_name(span))
    }

    fn line_name(&self, channel: &ChannelInfo) -> String {
        let name = |(at, id): (usize, ChannelId)| {
            let span = SpanId(channel.span.0.saturating_sub(self.cards[at].spans));
            self.cards[at].card.line_name(&ChannelInfo { id, span, ..channel.clone() })
        };
        self.of_channel(channel.id).map_or_else(String::new, name)
    }

    fn span_status(&mut self, span: SpanId) -> Result<SpanStatus, CardError> {
        let (at, span) = self.of_span(span).ok_or(CardError::NoSuchChannel)?;
        self.cards[at].card.span_status(span)
    }

    fn open(&mut self, channel: ChannelId) -> Result<Box<dyn Channel>, CardError> {
        let (at, channel) = self.of_channel(channel).ok_or(CardError::NoSuchChannel)?;
        let opened = self.cards[at].card.open(channel);
        // A card may have looked for what was not where it was, and found more.
        self.list();
        opened
    }

    fn complaints(&mut self) -> Vec<String> {
        self.cards.iter_mut().flat_map(|shifted| shifted.card.complaints()).collect()
    }

    fn counted(&self) -> Vec<(&'static str, &'static str, u64)> {
        self.cards.iter().flat_map(|shifted| shifted.card.counted()).collect()
    }

    fn assign(&mut self, span: SpanId, timeslot: u8, to: Use) -> Result<(), CardError> {
        let (at, span) = self.of_span(span).ok_or(CardError::NoSuchChannel)?;
        let assigned = self.cards[at].card.assign(span, timeslot, to);
        self.list();
        assigned
    }

    fn maintain(&mut self, span: SpanId, what: Maintenance) -> Result<(), CardError> {
        let (at, span) = self.of_span(span).ok_or(CardError::NoSuchChannel)?;
        self.cards[at].card.maintain(span, what)
    }

    fn pace(&mut self) -> Result<Box<dyn Pace>, CardError> {
        self.cards[0].card.pace()
    }
}

#[cfg(test)]
mod tests {
    use tipring_card::Signalling;
    use tipring_sim::{Wire, WireConfig};

    use super::*;

    fn sim(analog_ports: u16) -> Box<dyn Card> {
        Box::new(Wire::new(WireConfig { analog_ports, ..WireConfig::default() }).near())
    }

    #[test]
    fn every_channel_of_every_card_has_a_number_of_its_own_and_its_cards_name() {
        let (first, second) = (sim(2), sim(4));
        let (spans, channels) = (first.spans().len(), first.channels().len());
        let alone: Vec<String> = second.channels().iter().map(|channel| second.line_name(channel)).collect();
        let more = second.spans().len();
        let joined = Joined::cards(vec![first, second]).expect("two");
        assert_eq!(joined.spans().len(), spans + more);
        let ids: std::collections::BTreeSet<u16> = joined.channels().iter().map(|channel| channel.id.0).collect();
        assert_eq!(ids.len(), joined.channels().len(), "no number twice");
        let behind = &joined.channels()[channels..];
        assert_eq!(behind.iter().map(|channel| joined.line_name(channel)).collect::<Vec<_>>(), alone);
        let known: Vec<SpanId> = joined.spans().iter().map(|span| span.id).collect();
        assert!(behind.iter().all(|channel| known[spans..].contains(&channel.span)));
    }

    #[test]
    fn a_channel_is_opened_on_its_own_card() {
        let mut joined = Joined::cards(vec![sim(2), sim(2)]).expect("two");
        let ports: Vec<ChannelInfo> =
            joined.channels().iter().filter(|channel| channel.signalling == Signalling::FxsKs).cloned().collect();
        assert_eq!(ports.len(), 4);
        let opened: Vec<_> = ports.iter().map(|port| joined.open(port.id)).collect();
        assert!(opened.iter().all(Result::is_ok), "each is another one");
        assert!(ports.iter().all(|port| joined.open(port.id).err() == Some(CardError::Busy)));
        assert_eq!(joined.open(ChannelId(0)).err(), Some(CardError::NoSuchChannel));
        assert_eq!(joined.open(ChannelId(u16::MAX)).err(), Some(CardError::NoSuchChannel));
        assert!(joined.span_status(ports[3].span).is_ok());
        assert_eq!(joined.span_status(SpanId(0)).err(), Some(CardError::NoSuchChannel));
    }

    #[test]
    fn one_card_is_itself_and_none_is_none() {
        assert!(Joined::cards(Vec::new()).is_none());
        let alone = sim(2);
        let channels = alone.channels().to_vec();
        assert_eq!(Joined::cards(vec![alone]).expect("one").channels(), channels);
    }
}
