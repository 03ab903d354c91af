//! What has happened lately, and places in it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tipring_resources::{Sid, Stamp};
use tokio::sync::watch;

use crate::dates::iso8601;

/// Something that has happened.
#[derive(Debug)]
pub(crate) struct Happening {
    number: u64,
    pub(crate) kind: &'static str,
    /// Whose; nobody's: the box's own.
    account: Option<Sid>,
    /// As it is told.
    pub(crate) text: String,
    pub(crate) id: String,
}

/// The last happenings, each with a number that only rises.
pub(crate) struct Ring {
    /// Since when it counts, in microseconds: after a restart, numbers are others.
    epoch: i64,
    kept: Mutex<Kept>,
    fresh: watch::Sender<u64>,
}

#[derive(Default)]
struct Kept {
    happenings: VecDeque<Arc<Happening>>,
    /// Octets of their texts.
    octets: usize,
    next: u64,
}

impl Kept {
    /// The number of the oldest one.
    fn first(&self) -> u64 {
        self.next - self.happenings.len() as u64
    }
}

impl Ring {
    pub(crate) fn new(now: Stamp) -> Ring {
        Ring { epoch: now.0, kept: Mutex::default(), fresh: watch::Sender::new(0) }
    }

    /// Puts something in, and wakes who waits.
    pub(crate) fn tell(&self, kind: &'static str, account: Option<Sid>, now: Stamp, data: &Value) {
        let mut kept = self.kept();
        let number = kept.next;
        let id = self.id(number);
        let envelope = json!({
            "id": id,
            "type": kind,
            "account_sid": account,
            "date_created": iso8601(now),
            "data": data,
        });
        let happening = Happening { number, kind, account, text: envelope.to_string(), id };
        kept.octets += happening.text.len();
        kept.happenings.push_back(Arc::new(happening));
        kept.next += 1;
        while kept.happenings.len() > HAPPENINGS_MAX || kept.octets > OCTETS_MAX {
            let Some(old) = kept.happenings.pop_front() else { break };
            kept.octets -= old.text.len();
        }
        let next = kept.next;
        drop(kept);
        self.fresh.send_replace(next);
    }

    /// Some were missed before they came here: nobody can go on as if nothing had happened.
    pub(crate) fn break_off(&self) {
        let mut kept = self.kept();
        kept.happenings.clear();
        kept.octets = 0;
        kept.next += 1;
        let next = kept.next;
        drop(kept);
        self.fresh.send_replace(next);
    }

    fn id(&self, number: u64) -> String {
        format!("{:x}-{number}", self.epoch)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the ring.
pub(crate) struct Reader {
    ring: Arc<Ring>,
    fresh: watch::Receiver<u64>,
    next: u64,
    account: Sid,
    /// Sees the box's own happenings, too.
    whole_box: bool,
    kinds: Option<Vec<&'static str>>,
    /// What was there before cannot be told any more.
    pub(crate) is_reset: bool,
}

/// What there is to be read.
#[derive(Debug)]
pub(crate) enum Taken {
    /// At most [`TAKEN_MAX`]; none: all is read.
    Some(Vec<Arc<Happening>>),
    /// The ring went on without this reader.
    Behind,
}

impl Reader {
    /// A place behind the happening with this id; without one, and where it is not kept any more, at the end.
    pub(crate) fn new(
        ring: &Arc<Ring>,
        account: Sid,
        whole_box: bool,
        kinds: Option<Vec<&'static str>>,
        last: Option<&str>,
    ) -> Reader {
        let kept = ring.kept();
        let known = last.and_then(|id| after(id, ring.epoch)).filter(|next| (kept.first()..=kept.next).contains(next));
        let (next, is_reset) = (known.unwrap_or(kept.next), last.is_some() && known.is_none());
        drop(kept);
        let (ring, fresh) = (Arc::clone(ring), ring.fresh.subscribe());
        Reader { ring, fresh, next, account, whole_box, kinds, is_reset }
    }

    /// The id of what was read last.
    pub(crate) fn id(&self) -> String {
        // Before the first happening of all there is none: the number is one that never was.
        self.next.checked_sub(1).map_or_else(|| format!("{:x}-start", self.ring.epoch), |number| self.ring.id(number))
    }

    /// What has happened since.
    pub(crate) fn take(&mut self) -> Taken {
        let kept = self.ring.kept();
        let Some(skipped) = self.next.checked_sub(kept.first()) else { return Taken::Behind };
        let mut taken = Vec::new();
        let from = usize::try_from(skipped).unwrap_or(usize::MAX);
        for happening in kept.happenings.range(from.min(kept.happenings.len())..) {
            self.next = happening.number + 1;
            if self.is_wanted(happening) {
                taken.push(Arc::clone(happening));
            }
            if taken.len() == TAKEN_MAX {
                break;
            }
        }
        Taken::Some(taken)
    }

    /// Until something new has happened.
    pub(crate) async fn news(&mut self) {
        // The ring lives as long as its reader: its end cannot come.
        let _ = self.fresh.changed().await;
    }

    fn is_wanted(&self, happening: &Happening) -> bool {
        let own = happening.account.map_or(self.whole_box, |account| account == self.account);
        own && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&happening.kind))
    }
}

/// The number behind the one that an id names.
fn after(id: &str, epoch: i64) -> Option<u64> {
    let (began, number) = id.split_once('-')?;
    let same = i64::from_str_radix(began, 16).ok()? == epoch;
    match number {
        "start" => Some(0),
        number => number.parse::<u64>().ok()?.checked_add(1),
    }
    .filter(|_| same)
}

/// Happenings that are kept: some minutes of a busy box.
const HAPPENINGS_MAX: usize = 16_384;
/// Octets of their texts at most.
const OCTETS_MAX: usize = 32 << 20;
/// Happenings read at once.
const TAKEN_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use tipring_resources::SidKind;

    use super::*;

    fn account(id: u128) -> Sid {
        Sid::new(SidKind::Account, id)
    }

    fn tell(ring: &Ring, of: Option<Sid>, number: usize) {
        ring.tell("call", of, Stamp(0), &json!(number));
    }

    fn reader(ring: &Arc<Ring>, last: Option<&str>) -> Reader {
        Reader::new(ring, account(1), true, None, last)
    }

    /// Reads all, and gives the numbers that were told.
    fn all(reader: &mut Reader) -> Vec<u64> {
        let mut read = Vec::new();
        loop {
            match reader.take() {
                Taken::Some(some) if some.is_empty() => return read,
                Taken::Some(some) => read.extend(some.iter().map(|one| {
                    let envelope: Value = serde_json::from_str(&one.text).unwrap();
                    envelope["data"].as_u64().unwrap()
                })),
                Taken::Behind => panic!("behind"),
            }
        }
    }

    #[test]
    fn dev5_who_comes_back_with_an_id_misses_nothing_of_ten_thousand() {
        let ring = Arc::new(Ring::new(Stamp(77)));
        let mut first = reader(&ring, None);
        let start = first.id();
        for number in 0..10_000 {
            tell(&ring, Some(account(1)), number);
        }
        let Taken::Some(some) = first.take() else { panic!("behind") };
        assert_eq!(some.len(), TAKEN_MAX);
        let (read, seen) = (some.len() as u64, first.id());
        assert_eq!(some.last().unwrap().id, seen);
        let mut again = reader(&ring, Some(&seen));
        assert!(!again.is_reset);
        assert_eq!(all(&mut again), (read..10_000).collect::<Vec<u64>>());
        assert_eq!(all(&mut reader(&ring, Some(&start))).len(), 10_000, "from before the first one");
    }

    #[test]
    fn who_is_too_far_behind_or_comes_from_before_a_restart_is_told() {
        let ring = Arc::new(Ring::new(Stamp(77)));
        let mut slow = reader(&ring, None);
        tell(&ring, None, 0);
        let id = format!("{:x}-0", 77);
        for number in 0..HAPPENINGS_MAX + 1 {
            tell(&ring, None, number);
        }
        assert!(matches!(slow.take(), Taken::Behind));
        for last in [id.as_str(), "4e-0", "4d-99999999", "", "x", "4d-", "-1", "4d-18446744073709551615"] {
            let mut reader = reader(&ring, Some(last));
            assert!(reader.is_reset, "{last}");
            assert_eq!(all(&mut reader), Vec::<u64>::new(), "from now on");
        }
        ring.break_off();
        assert!(matches!(slow.take(), Taken::Behind));
        assert!(reader(&ring, Some("4d-16384")).is_reset);
    }

    #[test]
    fn everybody_hears_his_own_and_a_subaccount_nothing_of_the_box() {
        let ring = Arc::new(Ring::new(Stamp(77)));
        let mut own = reader(&ring, None);
        let mut below = Reader::new(&ring, account(2), false, None, None);
        let mut spans = Reader::new(&ring, account(1), true, Some(vec!["span"]), None);
        tell(&ring, None, 0);
        tell(&ring, Some(account(1)), 1);
        tell(&ring, Some(account(2)), 2);
        ring.tell("span", None, Stamp(0), &json!(3));
        assert_eq!((all(&mut own), all(&mut below), all(&mut spans)), (vec![0, 1, 3], vec![2], vec![3]));
    }

    #[test]
    fn long_texts_do_not_fill_the_memory() {
        let ring = Arc::new(Ring::new(Stamp(77)));
        for _ in 0..100 {
            ring.tell("call", None, Stamp(0), &Value::String("x".repeat(1 << 20)));
        }
        assert!(ring.kept().octets <= OCTETS_MAX);
        assert_eq!(ring.kept().happenings.len(), 31);
    }

    #[tokio::test]
    async fn what_happens_between_the_look_and_the_waiting_wakes() {
        let ring = Arc::new(Ring::new(Stamp(77)));
        let mut reader = reader(&ring, None);
        assert_eq!(all(&mut reader), Vec::<u64>::new());
        tell(&ring, None, 5);
        reader.news().await;
        assert_eq!(all(&mut reader), [5]);
    }
}
