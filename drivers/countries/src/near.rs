//! What somebody may have meant: the nearest of the known words to one that is not known.

/// Characters of an unknown word that are repeated in a complaint, and beyond which nothing is near.
const SHOWN: usize = 40;

/// The nearest of `known`: at most one slip in three letters.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let length = word.chars().count();
    if length > SHOWN {
        return None;
    }
    let slips = |other: &str| slips(&plain(word), &plain(other));
    let (slips, nearest) = known.into_iter().map(|other| (slips(other), other)).min_by_key(|(slips, _)| *slips)?;
    (slips <= (length / 3).max(1)).then_some(nearest)
}

/// A word as it may be repeated: one line, not too long.
pub(crate) fn shown(word: &str) -> String {
    let cut: String = word.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if word.chars().count() > SHOWN { cut + "…" } else { cut }
}

/// `"a", "b"`
pub(crate) fn quoted<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// Letters put in, left out, changed, or changed with their neighbour.
fn slips(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before_last = vec![0; other.len() + 1];
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let changed = last[j] + usize::from(a != b);
            let mut least = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted_and_far_words_are_not_near() {
        for (one, other, expected) in [("busy", "busy", 0), ("buys", "busy", 1), ("bsy", "busy", 1), ("", "abc", 3)] {
            assert_eq!((slips(one, other), slips(other, one)), (expected, expected), "{one} {other}");
        }
        assert_eq!(nearest("Ringbak", ["dial", "ringback"]), Some("ringback"));
        assert_eq!(nearest("colour", ["dial", "busy"]), None);
        assert_eq!(nearest(&"x".repeat(100_000), ["dial"]), None);
    }
}
