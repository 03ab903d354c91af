//! What a modem says, line by line. Source: ITU-T V.250, 5.7; 3GPP TS 27.005, 3.

/// One thing that a modem says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// All went well.
    Ok,
    /// It did not.
    Error(String),
    /// It wants a message's text.
    Prompt,
    /// A message has come in and is at this place of its store.
    Stored(u32),
    /// Anything else.
    Line(String),
}

/// Octets to lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
}

/// The longest line is a message's: 512 digits. What is longer is noise and thrown away.
const MAX_LINE: usize = 2_048;

impl Lines {
    /// Takes what came.
    pub(super) fn take(&mut self, octets: &[u8]) {
        self.held.extend_from_slice(octets);
        if self.held.len() > MAX_LINE && !self.held.contains(&b'\n') {
            self.held.clear();
        }
    }

    /// The next thing that is whole.
    pub(super) fn next(&mut self) -> Option<Word> {
        loop {
            if self.held.starts_with(b"> ") || self.held == b">" {
                let length = self.held.len().min(2);
                self.held.drain(..length);
                return Some(Word::Prompt);
            }
            let end = self.held.iter().position(|octet| matches!(octet, b'\r' | b'\n'))?;
            let line: Vec<u8> = self.held.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line[..end]).trim().to_owned();
            if !line.is_empty() {
                return Some(Word::of(line));
            }
        }
    }
}

impl Word {
    fn of(line: String) -> Word {
        match line.as_str() {
            "OK" => return Word::Ok,
            "ERROR" => return Word::Error(line),
            _ => {}
        }
        if line.starts_with("+CMS ERROR") || line.starts_with("+CME ERROR") {
            return Word::Error(line);
        }
        // +CMTI: "SM",3
        let place = line.strip_prefix("+CMTI:").and_then(|rest| rest.rsplit(',').next()?.trim().parse().ok());
        place.map_or(Word::Line(line), Word::Stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_talk_is_cut_into_words_wherever_it_is_cut() {
        let talk = b"\r\nOK\r\n\r\n+CMTI: \"SM\",3\r\n> \r\n+CMGS: 12\r\n\r\nOK\r\n\r\n+CMS ERROR: 500\r\nERROR\r\n";
        let line = |text: &str| Word::Line(text.into());
        let error = |text: &str| Word::Error(text.into());
        let wanted = [
            Word::Ok,
            Word::Stored(3),
            Word::Prompt,
            line("+CMGS: 12"),
            Word::Ok,
            error("+CMS ERROR: 500"),
            error("ERROR"),
        ];
        for cut in [1, 2, 3, 7, 200] {
            let (mut lines, mut words) = (Lines::default(), Vec::new());
            for piece in talk.chunks(cut) {
                lines.take(piece);
                while let Some(word) = lines.next() {
                    words.push(word);
                }
            }
            assert_eq!(words, wanted, "cut after {cut}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_octets_are_read_without_harm(pieces in proptest::collection::vec(proptest::collection::vec(0u8.., 0..40), 0..20)) {
            let mut lines = Lines::default();
            for piece in pieces {
                lines.take(&piece);
                while lines.next().is_some() {}
            }
            proptest::prop_assert!(lines.held.len() <= MAX_LINE + 40);
        }
    }
}
