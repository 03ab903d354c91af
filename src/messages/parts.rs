//! Long texts in parts, and parts put together again. Source: 3GPP TS 23.040, 9.2.3.24.1.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::gsm7;

/// Parts of one message: what a text of 1600 signs needs at 67 a part, and a little more.
pub const MAX_PARTS: usize = 32;

/// Which text (8 or 16 bits), how many parts it has, which one this is (from 1).
pub type Place = (u16, u8, u8);

/// One short message of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `None`: it is alone.
    pub place: Option<Place>,
    /// In 7 bits a sign; else in 16.
    pub gsm7: bool,
    /// What it says.
    pub text: String,
}

/// A text in as many messages as it needs. An error: it needs too many.
pub fn parts(text: &str, reference: u8) -> Result<Vec<Part>, usize> {
    let gsm7 = gsm7::is_gsm7(text);
    let width = |sign: char| match gsm7 {
        true => gsm7::septets(sign).map_or(1, |(escape, _)| if escape.is_some() { 2 } else { 1 }),
        false => sign.len_utf16(),
    };
    let (alone, of_many) = if gsm7 { (160, 153) } else { (70, 67) };
    if text.chars().map(width).sum::<usize>() <= alone {
        return Ok(vec![Part { place: None, gsm7, text: text.to_owned() }]);
    }
    let mut texts = vec![String::new()];
    let mut used = 0;
    for sign in text.chars() {
        if used + width(sign) > of_many {
            texts.push(String::new());
            used = 0;
        }
        used += width(sign);
        if let Some(last) = texts.last_mut() {
            last.push(sign);
        }
    }
    if texts.len() > MAX_PARTS {
        return Err(texts.len());
    }
    let of = texts.len() as u8;
    let reference = u16::from(reference);
    Ok((1..).zip(texts).map(|(n, text)| Part { place: Some((reference, of, n)), gsm7, text }).collect())
}

/// The header of a part, as it stands before its text; empty: it is alone.
pub(crate) fn header(part: &Part) -> Vec<u8> {
    match part.place {
        None => Vec::new(),
        Some((reference, of, n)) => match u8::try_from(reference) {
            Ok(reference) => vec![5, 0, 3, reference, of, n],
            Err(_) => {
                let [high, low] = reference.to_be_bytes();
                vec![6, 8, 4, high, low, of, n]
            }
        },
    }
}

/// Puts parts together as they come in. Each carries a tag, by which whoever brought it knows it again.
#[derive(Debug)]
pub(crate) struct Collector<T> {
    /// The oldest first.
    waiting: VecDeque<Waiting<T>>,
    /// Tags of parts whose text had to leave.
    left: Vec<T>,
}

#[derive(Debug)]
struct Waiting<T> {
    from: String,
    to: String,
    reference: u16,
    since: Instant,
    parts: Vec<Option<(String, T)>>,
}

/// A text of which all parts are there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Whole<T> {
    pub(crate) body: String,
    /// Those of its parts, in their order.
    pub(crate) tags: Vec<T>,
}

/// Texts that wait for a part; the oldest leaves.
const WAITING: usize = 64;
/// A text that is not whole by then never will be; its reference may mean another one.
const FORGET: Duration = Duration::from_secs(24 * 3_600);

impl<T> Default for Collector<T> {
    fn default() -> Self {
        Collector { waiting: VecDeque::new(), left: Vec::new() }
    }
}

impl<T> Collector<T> {
    /// Takes a part; gives the whole text with its last one.
    pub(crate) fn take(&mut self, now: Instant, from: &str, to: &str, part: Part, tag: T) -> Option<Whole<T>> {
        self.forget(now);
        let Some((reference, of, n)) = part.place.filter(|(_, of, n)| *of > 1 && (1..=*of).contains(n)) else {
            return Some(Whole { body: part.text, tags: vec![tag] });
        };
        let fits = |it: &Waiting<T>| {
            it.reference == reference && it.parts.len() == usize::from(of) && it.from == from && it.to == to
        };
        let at = match self.waiting.iter().position(fits) {
            Some(at) => at,
            None => {
                while self.waiting.len() >= WAITING {
                    self.oldest_leaves();
                }
                let parts = (0..of).map(|_| None).collect();
                let (from, to) = (from.to_owned(), to.to_owned());
                self.waiting.push_back(Waiting { from, to, reference, since: now, parts });
                self.waiting.len() - 1
            }
        };
        self.waiting[at].parts[usize::from(n - 1)] = Some((part.text, tag));
        if self.waiting[at].parts.iter().any(Option::is_none) {
            return None;
        }
        let (texts, tags): (Vec<String>, Vec<T>) = self.waiting.remove(at)?.parts.into_iter().flatten().unzip();
        Some(Whole { body: texts.concat(), tags })
    }

    /// Parts whose text has left without being whole since this was asked last.
    pub(crate) fn left(&mut self, now: Instant) -> Vec<T> {
        self.forget(now);
        std::mem::take(&mut self.left)
    }

    fn forget(&mut self, now: Instant) {
        while self.waiting.front().is_some_and(|oldest| now.saturating_duration_since(oldest.since) >= FORGET) {
            self.oldest_leaves();
        }
    }

    fn oldest_leaves(&mut self) {
        let Some(oldest) = self.waiting.pop_front() else { return };
        let of = oldest.parts.len();
        let tags: Vec<T> = oldest.parts.into_iter().flatten().map(|(_, tag)| tag).collect();
        tracing::warn!(parts = tags.len(), of, "a long message that came in is not whole, and is given up");
        self.left.extend(tags);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_divided_where_it_must_be_and_never_inside_a_sign() {
        let count = |text: &str| parts(text, 7).map(|parts| parts.len());
        assert_eq!((count(&"a".repeat(160)), count(&"a".repeat(161))), (Ok(1), Ok(2)));
        assert_eq!((count(&"€".repeat(80)), count(&"€".repeat(81))), (Ok(1), Ok(2)));
        assert_eq!((count(&"☎".repeat(70)), count(&"☎".repeat(71))), (Ok(1), Ok(2)));
        // A pair of surrogates, an escape and its sign: at the edge they go over together.
        for text in ["😀".repeat(50), "€".repeat(100)] {
            let parts = parts(&text, 7).expect("few");
            assert_eq!(parts.iter().map(|part| part.text.as_str()).collect::<String>(), text);
        }
        assert_eq!(count(&"☎".repeat(67 * 33)), Err(33));
    }

    fn taken(collector: &mut Collector<u32>, now: Instant, from: &str, part: &Part) -> Option<String> {
        collector.take(now, from, "9", part.clone(), 0).map(|whole| whole.body)
    }

    #[test]
    fn parts_are_put_together_in_any_order_and_none_is_mixed_with_anothers() {
        let (mut collector, now) = (Collector::default(), Instant::now());
        let (long, other) = ("x".repeat(400), "y".repeat(400));
        let (a, b) = (parts(&long, 7).expect("few"), parts(&other, 7).expect("few"));
        assert_eq!(taken(&mut collector, now, "1", &a[2]), None);
        assert_eq!(taken(&mut collector, now, "2", &b[0]), None);
        assert_eq!(taken(&mut collector, now, "1", &a[0]), None);
        assert_eq!(taken(&mut collector, now, "1", &a[0]), None, "once more the same");
        assert_eq!(taken(&mut collector, now, "1", &a[1]), Some(long));
        let odd = Part { place: Some((1, 3, 9)), gsm7: true, text: "z".into() };
        assert_eq!(taken(&mut collector, now, "1", &odd), Some("z".into()), "a place that cannot be is none");
        for n in 0..1000 {
            taken(&mut collector, now, &n.to_string(), &a[0]);
        }
        assert!(collector.waiting.len() <= WAITING);
        assert_eq!(collector.left(now).len(), 1000 - WAITING, "each that left is told");
    }

    #[test]
    fn a_text_is_known_by_who_sent_it_to_whom_by_all_of_its_reference_and_by_how_many_parts_it_has() {
        let (mut collector, now) = (Collector::default(), Instant::now());
        let part = |place, text: &str| Part { place: Some(place), gsm7: true, text: text.into() };
        let mut take = |to: &str, part| collector.take(now, "1", to, part, ()).map(|whole| whole.body);
        assert_eq!(take("8", part((0x107, 2, 1), "a")), None);
        for (to, place) in [("9", (0x107, 2, 2)), ("8", (0x007, 2, 2)), ("8", (0x207, 2, 2)), ("8", (0x107, 3, 2))] {
            assert_eq!(take(to, part(place, "no")), None, "{to} {place:?}");
        }
        assert_eq!(take("8", part((0x107, 2, 2), "b")), Some("ab".into()));
    }

    #[test]
    fn a_text_that_is_not_whole_after_a_day_is_forgotten_and_its_reference_means_another() {
        let (mut collector, now) = (Collector::default(), Instant::now());
        let part = |n: u8, text: &str| Part { place: Some((7, 2, n)), gsm7: true, text: text.into() };
        assert_eq!(collector.take(now, "1", "", part(1, "old "), 11), None);
        assert!(collector.left(now + FORGET - Duration::from_secs(1)).is_empty());
        let later = now + FORGET;
        assert_eq!(collector.take(later, "1", "", part(2, "new"), 12), None);
        assert_eq!(collector.left(later), [11]);
        let whole = collector.take(later, "1", "", part(1, "a "), 13);
        assert_eq!(whole, Some(Whole { body: "a new".into(), tags: vec![13, 12] }));
    }

    #[test]
    fn a_header_has_the_width_of_its_reference() {
        let part = |reference| Part { place: Some((reference, 2, 1)), gsm7: true, text: String::new() };
        assert_eq!(header(&part(0xff)), [5, 0, 3, 0xff, 2, 1]);
        assert_eq!(header(&part(0x1ff)), [6, 8, 4, 1, 0xff, 2, 1]);
        assert_eq!(crate::pdu::place(&header(&part(0x1ff))[1..]), Some((0x1ff, 2, 1)));
    }
}
