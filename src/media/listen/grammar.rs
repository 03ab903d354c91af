//! What is expected to be said, as a grammar: a small recognizer that may choose among forty phrases is right where one
//! that may choose among all words is not.
//!
//! Source: the JSpeech Grammar Format (W3C note of 2000). Only words of the dictionary may stand in it.

use std::collections::HashSet;
use std::path::Path;

/// A grammar of the phrases whose words are all in the dictionary; `None` if there are none, or nothing is expected.
pub(crate) fn grammar(hints: &[String], model: &str, dictionary: &Path) -> Option<String> {
    let mut phrases: Vec<Vec<String>> = hints.iter().take(MAX_PHRASES).flat_map(|it| phrase(it)).collect();
    if phrases.is_empty() && model == "numbers_and_commands" {
        phrases = [DIGITS, COMMANDS].concat().iter().map(|it| vec![(*it).to_owned()]).collect();
    }
    let wanted: HashSet<&str> = phrases.iter().flatten().map(String::as_str).collect();
    if wanted.is_empty() {
        return None;
    }
    let known = known(&wanted, dictionary)?;
    let kept: Vec<_> =
        phrases.iter().filter(|it| it.iter().all(|it| known.contains(it))).map(|it| it.join(" ")).collect();
    if kept.is_empty() {
        return None;
    }
    Some(format!("#JSGF V1.0;\ngrammar hints;\npublic <hints> = ( {} )+;\n", kept.join(" | ")))
}

/// A hint as the words that are spoken. A class of digits is all of them.
fn phrase(hint: &str) -> Vec<Vec<String>> {
    if hint.starts_with('$') {
        let digits = ["DIGIT", "NUM", "PHONE", "POSTAL"].iter().any(|it| hint.to_ascii_uppercase().contains(it));
        return if digits { DIGITS.iter().map(|it| vec![(*it).to_owned()]).collect() } else { Vec::new() };
    }
    let lower = hint.to_lowercase();
    let mut words = Vec::new();
    for word in lower.split(|it: char| !it.is_alphanumeric() && it != '\'').filter(|it| !it.is_empty()) {
        match word.bytes().all(|it| it.is_ascii_digit()) {
            true => words.extend(word.bytes().map(|it| DIGITS[usize::from(it - b'0')].to_owned())),
            false => words.push(word.to_owned()),
        }
    }
    // What is not written in these letters is not in the dictionary, and nothing else may enter the grammar.
    let spelt = |it: &String| it.bytes().all(|it| it.is_ascii_lowercase() || it == b'\'');
    let good = !words.is_empty() && words.len() <= MAX_WORDS && words.iter().all(spelt);
    if good { vec![words] } else { Vec::new() }
}

/// Which of these words the dictionary has: a line a word, the word first.
fn known(wanted: &HashSet<&str>, dictionary: &Path) -> Option<HashSet<String>> {
    use std::io::{BufRead, BufReader, Read};
    let file = std::fs::File::open(dictionary).ok()?.take(MAX_DICTIONARY);
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    let words = lines.filter_map(|line| line.split_whitespace().next().map(str::to_owned));
    Some(words.filter(|it| wanted.contains(it.as_str())).collect())
}

/// Phrases in one grammar.
const MAX_PHRASES: usize = 500;
/// Words of one phrase.
const MAX_WORDS: usize = 20;
/// A dictionary of a million words.
const MAX_DICTIONARY: u64 = 64 << 20;
const DIGITS: &[&str] = &["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const COMMANDS: &[&str] = &["oh", "yes", "no", "help", "operator", "stop", "cancel", "back", "repeat", "menu"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_the_dictionary_are_expected() {
        let path = std::env::temp_dir().join(format!("tipring-dictionary-{}", std::process::id()));
        std::fs::write(&path, "sales S EY L Z\nfour F AO R\nfour(2) F\ntwo T UW\ndon't D\n").unwrap();
        let of = |hints: &[&str]| grammar(&hints.iter().map(|it| (*it).into()).collect::<Vec<_>>(), "", &path);
        let made = of(&["Sales", "42", "zyzzyx", "Grüße", "<evil> = a;", "don't"]).unwrap();
        assert!(made.ends_with("public <hints> = ( sales | four two | don't )+;\n"), "{made}");
        assert!(of(&["$OOV_CLASS_DIGIT_SEQUENCE"]).unwrap().contains("( two | four )"));
        assert_eq!(of(&["zyzzyx"]), None);
        assert_eq!(of(&[]), None);
        assert!(grammar(&[], "numbers_and_commands", &path).is_some());
        assert_eq!(grammar(&["sales".into()], "", Path::new("/nonexistent")), None);
        std::fs::remove_file(path).unwrap();
    }
}
