//! Long texts in parts, and parts put together again. Source: 3GPP TS 23.040, 9.2.3.24.1.

use std::collections::VecDeque;

use crate::gsm7;

/// Parts of one message: what a text of 1600 signs needs at 67 a part, and a little more.
pub const MAX_PARTS: usize = 32;

/// One short message of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which text, how many parts it has, which one this is (from 1); `None`: it is alone.
    pub place: Option<(u8, u8, u8)>,
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
    Ok((1..).zip(texts).map(|(n, text)| Part { place: Some((reference, of, n)), gsm7, text }).collect())
}

/// Puts parts together as they come in.
#[derive(Debug, Default)]
pub struct Collector {
    /// The oldest first.
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    from: String,
    reference: u8,
    of: u8,
    parts: Vec<Option<String>>,
}

/// Texts that wait for a part; the oldest leaves.
const WAITING: usize = 64;

impl Collector {
    /// Takes a part; gives the whole text with its last one.
    pub fn take(&mut self, from: &str, part: Part) -> Option<String> {
        let Some((reference, of, n)) = part.place.filter(|(_, of, n)| *of > 1 && (1..=*of).contains(n)) else {
            return Some(part.text);
        };
        let fits = |it: &Waiting| it.from == from && it.reference == reference && it.of == of;
        let at = match self.waiting.iter().position(fits) {
            Some(at) => at,
            None => {
                if self.waiting.len() >= WAITING {
                    self.waiting.pop_front();
                }
                let parts = vec![None; usize::from(of)];
                self.waiting.push_back(Waiting { from: from.to_owned(), reference, of, parts });
                self.waiting.len() - 1
            }
        };
        self.waiting[at].parts[usize::from(n - 1)] = Some(part.text);
        if self.waiting[at].parts.iter().any(Option::is_none) {
            return None;
        }
        self.waiting.remove(at).map(|whole| whole.parts.into_iter().flatten().collect())
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

    #[test]
    fn parts_are_put_together_in_any_order_and_none_is_mixed_with_anothers() {
        let mut collector = Collector::default();
        let (long, other) = ("x".repeat(400), "y".repeat(400));
        let (a, b) = (parts(&long, 7).expect("few"), parts(&other, 7).expect("few"));
        assert_eq!(collector.take("1", a[2].clone()), None);
        assert_eq!(collector.take("2", b[0].clone()), None);
        assert_eq!(collector.take("1", a[0].clone()), None);
        assert_eq!(collector.take("1", a[0].clone()), None, "once more the same");
        assert_eq!(collector.take("1", a[1].clone()), Some(long));
        let odd = Part { place: Some((1, 3, 9)), gsm7: true, text: "z".into() };
        assert_eq!(collector.take("1", odd), Some("z".into()), "a place that cannot be is none");
        for n in 0..1000 {
            collector.take(&n.to_string(), a[0].clone());
        }
        assert!(collector.waiting.len() <= WAITING);
    }
}
