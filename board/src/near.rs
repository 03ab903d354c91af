//! What somebody may have meant: the nearest of the known words to one that is not known.

/// Characters of an unknown word that are repeated in a complaint, and beyond which nothing is near.
const SHOWN: usize = 40;

/// The nearest of `known`: at most one slip in three letters.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let length = word.chars().count();
    if length > SHOWN {
        return None;
    }
    let slips = |other: &str| strsim::osa_distance(&plain(word), &plain(other));
    let (slips, nearest) = known.into_iter().map(|other| (slips(other), other)).min_by_key(|(slips, _)| *slips)?;
    (slips <= (length / 3).max(1) && slips < length.max(1)).then_some(nearest)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_three_letters_is_near_and_a_wholly_other_word_is_not() {
        assert_eq!(nearest("lable", ["label", "slot"]), Some("label"));
        assert_eq!(nearest("Board-Name", ["board_name", "board_vendor"]), Some("board_name"));
        assert_eq!(nearest("colour", ["slot", "led"]), None);
        assert_eq!(nearest("x", ["a"]), None, "another letter is no slip of this one");
        assert_eq!(nearest(&"x".repeat(100_000), ["slot"]), None);
        assert_eq!(shown("a\nb"), "a\\nb");
    }
}
