//! The known name that a wrong one was perhaps meant to be.

/// Edits between a wrong name and the one that was perhaps meant.
const NEAR: usize = 2;

/// The known name that was perhaps meant: the same in another case, else few edits away.
pub(crate) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    if let Some(same) = known.iter().find(|word| word.eq_ignore_ascii_case(name)) {
        return Some(same);
    }
    let lower = name.to_ascii_lowercase();
    let scored = known.iter().filter(|word| word.len().abs_diff(name.len()) <= NEAR);
    let best = scored.map(|word| (edits(&lower, &word.to_ascii_lowercase()), *word)).min_by_key(|(edits, _)| *edits)?;
    (best.0 <= NEAR && best.0 < best.1.len()).then_some(best.1)
}

/// Levenshtein distance; both texts are short, the callers see to it.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_a_far_one_is_not() {
        let known = ["Say", "Play", "Pause", "Gather"];
        assert_eq!(nearest("say", &known), Some("Say"));
        assert_eq!(nearest("Gathr", &known), Some("Gather"));
        assert_eq!(nearest("Plya", &known), Some("Play"));
        assert_eq!(nearest("Transmogrify", &known), None);
        assert_eq!(nearest("", &known), None);
    }
}
