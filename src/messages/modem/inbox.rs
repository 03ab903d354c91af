//! What is in the modem's store: each message is read in the order in which it came, told, and taken out of the store once
//! whoever was told has kept it. Pure: it says what is to be done ([`Act`]), the talk does it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::Told;
use crate::parts::Collector;
use crate::pdu::Deliver;

/// What is to be done next at the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// All that is in it is asked for.
    List,
    /// One message is.
    Read(u32),
    /// One is taken out.
    Empty(u32),
}

/// The messages of one modem. It outlives connections: what has been kept is not told again after one.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Places of messages that are to be read, in the order in which they came.
    waiting: VecDeque<u32>,
    collector: Collector<Stored>,
    told: VecDeque<Given>,
    /// Places that are to be emptied.
    done: VecDeque<u32>,
    /// When the whole store is to be looked at.
    list_at: Option<Instant>,
}

/// One message of the store.
#[derive(Debug)]
struct Stored {
    /// `None`: not known in this connection.
    place: Option<u32>,
    pdu: String,
}

/// A text that was told.
#[derive(Debug)]
struct Given {
    stored: Vec<Stored>,
    answer: oneshot::Receiver<()>,
    kept: bool,
}

/// Places of messages that wait, texts that were told; a modem's store has about as many.
pub(super) const MAX_WAITING: usize = 256;
/// What was not kept is told again then.
const RETRY: Duration = Duration::from_secs(60);

impl Inbox {
    /// A connection begins: places may mean other messages than before.
    pub(super) fn begin(&mut self, now: Instant) {
        self.waiting.clear();
        self.done.clear();
        self.collector = Collector::default();
        self.told.iter_mut().flat_map(|given| &mut given.stored).for_each(|stored| stored.place = None);
        self.list_at = Some(now);
    }

    /// A message has come in and lies there.
    pub(super) fn stored(&mut self, place: u32) {
        if self.waiting.len() < MAX_WAITING && !self.waiting.contains(&place) {
            self.waiting.push_back(place);
        }
    }

    /// What is next.
    pub(super) fn act(&mut self, now: Instant) -> Option<Act> {
        self.settle(now);
        if let Some(place) = self.done.pop_front() {
            return Some(Act::Empty(place));
        }
        if self.list_at.is_some_and(|at| at <= now) {
            self.list_at = None;
            return Some(Act::List);
        }
        self.waiting.pop_front().map(Act::Read)
    }

    /// The store cannot be looked at now.
    pub(super) fn later(&mut self, now: Instant) {
        self.list_at = Some(self.list_at.unwrap_or(now + RETRY).min(now + RETRY));
    }

    /// All that is in the store, by its places: a place that was free is used again, so the centre's dates tell what came
    /// first.
    pub(super) fn listed(&mut self, now: Instant, messages: Vec<(u32, String)>, tell: &mpsc::Sender<Told>) {
        self.waiting.retain(|place| messages.iter().all(|(at, _)| at != place));
        let mut dated: Vec<(i64, u32, String)> = Vec::with_capacity(messages.len());
        for (place, pdu) in messages {
            let at_s = Deliver::read(&pdu).map_or(i64::MAX, |deliver| deliver.at_s);
            dated.push((at_s, place, pdu));
        }
        dated.sort_by_key(|(at_s, ..)| *at_s);
        for (_, place, pdu) in dated {
            self.read(now, place, pdu, tell);
        }
    }

    /// A message of the store.
    pub(super) fn read(&mut self, now: Instant, place: u32, pdu: String, tell: &mpsc::Sender<Told>) {
        if self.knows(place, &pdu) {
            return;
        }
        let deliver = match Deliver::read(&pdu) {
            Ok(deliver) => deliver,
            Err(error) => {
                tracing::warn!(%error, "a message that came in is passed over");
                return self.done.push_back(place);
            }
        };
        let stored = Stored { place: Some(place), pdu };
        let Some(whole) = self.collector.take(now, &deliver.from, "", deliver.part, stored) else { return };
        if self.told.len() >= MAX_WAITING {
            self.told.pop_front();
        }
        let (taken, answer) = oneshot::channel();
        let told = Told::In { from: deliver.from, to: String::new(), body: whole.body, taken };
        match tell.try_send(told) {
            Ok(()) => self.told.push_back(Given { stored: whole.tags, answer, kept: false }),
            // It is still in the store.
            Err(_) => self.later(now),
        }
    }

    /// A place was emptied, or cannot be.
    pub(super) fn emptied(&mut self, place: u32, gone: bool) {
        for given in &mut self.told {
            match gone {
                true => given.stored.retain(|stored| stored.place != Some(place)),
                false => given.stored.iter_mut().filter(|it| it.place == Some(place)).for_each(|it| it.place = None),
            }
        }
        self.told.retain(|given| !given.stored.is_empty());
    }

    /// Whether it was told before; where it lies is noted.
    fn knows(&mut self, place: u32, pdu: &str) -> bool {
        let same = |it: &Stored| it.pdu == pdu && it.place.is_none_or(|known| known == place);
        for given in &mut self.told {
            if let Some(stored) = given.stored.iter_mut().find(|it| same(it)) {
                stored.place = Some(place);
                if given.kept {
                    self.done.push_back(place);
                }
                return true;
            }
        }
        false
    }

    /// What became of what was told.
    fn settle(&mut self, now: Instant) {
        let mut refused = false;
        self.told.retain_mut(|given| {
            match given.answer.try_recv() {
                Ok(()) => {
                    given.kept = true;
                    self.done.extend(given.stored.iter().filter_map(|stored| stored.place));
                }
                Err(oneshot::error::TryRecvError::Closed) if !given.kept => {
                    refused = true;
                    return false;
                }
                Err(_) => {}
            }
            true
        });
        if refused {
            tracing::warn!("a message that came in was not kept: it stays with the modem and is told again");
            self.later(now);
        }
        self.done.extend(self.collector.left(now).iter().filter_map(|stored| stored.place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "hellohello" from a sender, at a second.
    fn pdu(from: u8, second: u8) -> String {
        format!("00040B91{from:02}07281553F800006211922100{second:02}000AE8329BFD4697D9EC37")
    }

    fn taken(told: &mut mpsc::Receiver<Told>) -> Option<(String, oneshot::Sender<()>)> {
        match told.try_recv() {
            Ok(Told::In { from, taken, .. }) => Some((from, taken)),
            _ => None,
        }
    }

    fn senders(told: &mut mpsc::Receiver<Told>) -> Vec<String> {
        std::iter::from_fn(|| taken(told)).map(|(from, _)| from).collect()
    }

    fn begun() -> (Inbox, Instant, mpsc::Sender<Told>, mpsc::Receiver<Told>) {
        let (mut inbox, now) = (Inbox::default(), Instant::now());
        let (tell, told) = mpsc::channel(16);
        inbox.begin(now);
        assert_eq!(inbox.act(now), Some(Act::List));
        assert_eq!(inbox.act(now), None);
        (inbox, now, tell, told)
    }

    #[test]
    fn what_lay_in_the_store_is_told_in_the_order_in_which_it_came() {
        let (mut inbox, now, tell, mut told) = begun();
        let listed = vec![(1, pdu(64, 30)), (2, pdu(74, 10)), (3, pdu(84, 20)), (4, pdu(94, 20))];
        inbox.listed(now, listed, &tell);
        let senders = senders(&mut told);
        assert_eq!(senders.iter().map(|it| &it[1..3]).collect::<Vec<_>>(), ["47", "48", "49", "46"]);
    }

    #[test]
    fn what_comes_is_read_in_that_order() {
        let (mut inbox, now, ..) = begun();
        [7, 5, 9, 5].into_iter().for_each(|place| inbox.stored(place));
        let acts: Vec<_> = std::iter::from_fn(|| inbox.act(now)).collect();
        assert_eq!(acts, [Act::Read(7), Act::Read(5), Act::Read(9)]);
    }

    #[test]
    fn a_message_leaves_the_store_when_it_was_kept_and_not_before() {
        let (mut inbox, now, tell, mut told) = begun();
        inbox.read(now, 3, pdu(64, 1), &tell);
        assert_eq!(inbox.act(now + RETRY), None, "nobody has kept it");
        let (_, answer) = taken(&mut told).expect("told");
        answer.send(()).expect("it waits");
        assert_eq!(inbox.act(now), Some(Act::Empty(3)));
        inbox.emptied(3, true);
        assert!(inbox.told.is_empty() && inbox.act(now + RETRY).is_none());
    }

    #[test]
    fn a_message_that_was_not_kept_stays_and_is_told_again() {
        let (mut inbox, now, tell, mut told) = begun();
        inbox.read(now, 3, pdu(64, 1), &tell);
        drop(taken(&mut told).expect("told"));
        assert_eq!(inbox.act(now), None);
        assert_eq!(inbox.act(now + RETRY), Some(Act::List));
        inbox.listed(now + RETRY, vec![(3, pdu(64, 1))], &tell);
        assert!(taken(&mut told).is_some());
    }

    #[test]
    fn what_was_kept_is_not_told_again_over_a_new_connection_but_taken_out() {
        let (mut inbox, now, tell, mut told) = begun();
        for (place, second) in [(3, 1), (4, 2)] {
            inbox.read(now, place, pdu(64, second), &tell);
        }
        let (first, second) = (taken(&mut told).expect("told").1, taken(&mut told).expect("told").1);
        first.send(()).expect("it waits");
        // The connection is lost before it is taken out; the other one is kept only after that, and lies elsewhere then.
        assert_eq!(inbox.act(now), Some(Act::Empty(3)));
        inbox.begin(now);
        assert_eq!(inbox.act(now), Some(Act::List));
        inbox.listed(now, vec![(1, pdu(64, 1)), (2, pdu(64, 2)), (3, pdu(64, 2))], &tell);
        assert_eq!(inbox.act(now), Some(Act::Empty(1)));
        inbox.emptied(1, true);
        assert_eq!(senders(&mut told).len(), 1, "only the one that has come twice");
        second.send(()).expect("it waits");
        assert_eq!(inbox.act(now), Some(Act::Empty(2)));
        inbox.emptied(2, true);
        assert_eq!(inbox.told.len(), 0, "the third was refused");
    }

    #[test]
    fn nothing_is_told_to_who_does_not_listen_and_nothing_is_lost_by_it() {
        let (mut inbox, now, ..) = begun();
        let (tell, mut told) = mpsc::channel(1);
        inbox.listed(now, vec![(1, pdu(64, 1)), (2, pdu(74, 2))], &tell);
        let (_, answer) = taken(&mut told).expect("told");
        answer.send(()).expect("it waits");
        assert_eq!(inbox.act(now), Some(Act::Empty(1)));
        inbox.emptied(1, true);
        assert_eq!(inbox.act(now + RETRY), Some(Act::List));
        inbox.listed(now + RETRY, vec![(2, pdu(74, 2))], &tell);
        assert_eq!(senders(&mut told).len(), 1);
    }

    #[test]
    fn what_holds_no_text_is_taken_out() {
        let (mut inbox, now, tell, mut told) = begun();
        inbox.listed(now, vec![(8, "0011".into())], &tell);
        assert_eq!((inbox.act(now), senders(&mut told).len()), (Some(Act::Empty(8)), 0));
    }

    #[test]
    fn parts_of_a_text_that_never_was_whole_leave_the_store_after_a_day() {
        let (mut inbox, now, tell, _told) = begun();
        let part = "004004812143000862119221000000080500030702010061".to_owned();
        inbox.read(now, 6, part, &tell);
        assert_eq!(inbox.act(now + Duration::from_secs(3_600)), None);
        assert_eq!(inbox.act(now + Duration::from_secs(24 * 3_600)), Some(Act::Empty(6)));
    }
}
