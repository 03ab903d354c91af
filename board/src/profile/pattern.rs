//! A word in which `*` stands for anything: how a machine's names and a slot's place are written.

use serde::{Serialize, Serializer};

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(String);

impl Pattern {
    /// Of a text.
    pub fn of(text: impl Into<String>) -> Pattern {
        Pattern(text.into())
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether it is one word only.
    pub fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether a word is of this form. Letters count in either case.
    pub fn fits(&self, word: &str) -> bool {
        let (pattern, word) = (self.0.to_lowercase(), word.to_lowercase());
        let mut parts = pattern.split('*');
        let Some(mut rest) = parts.next().and_then(|first| word.strip_prefix(first)) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            match rest.find(part) {
                Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        rest.ends_with(last)
    }

    /// Whether it says something: letters or digits beside the `*`.
    pub(super) fn says_something(&self) -> bool {
        self.0.chars().any(char::is_alphanumeric)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_star_stands_for_anything_and_nothing_else_does() {
        for (pattern, word, fits) in [
            ("QEMU", "qemu", true),
            ("QEMU", "QEMU 2", false),
            ("Standard PC*", "Standard PC (Q35 + ICH9, 2009)", true),
            ("pci:*:02:01.0", "pci:0000:02:01.0", true),
            ("pci:*:02:01.0", "pci:0000:02:01.01", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "ba", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("ß*", "ß", true),
        ] {
            assert_eq!(Pattern::of(pattern).fits(word), fits, "{pattern} {word}");
        }
    }
}
