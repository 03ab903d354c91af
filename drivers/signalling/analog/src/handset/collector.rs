//! Finds a caller id message in the bytes that a demodulator believes it heard. The channel seizure and noise give bytes
//! too, so that a beginning may be a false one: every place where a message can begin is tried.

use crate::callerid::{self, Content, MAX_MESSAGE, Message};

/// Bytes among which a message may be.
#[derive(Clone, Debug, Default)]
pub(super) struct Collector {
    bytes: Message,
}

impl Collector {
    /// Takes one byte; tells a whole good message.
    pub(super) fn push(&mut self, byte: u8) -> Option<Content> {
        if self.bytes.is_empty() && !callerid::is_kind(byte) {
            return None;
        }
        if self.bytes.len() == MAX_MESSAGE {
            self.bytes.remove(0);
        }
        let _ = self.bytes.push(byte);
        let found = (0..self.bytes.len()).find_map(|start| self.ending_here(start));
        if found.is_some() {
            self.bytes.clear();
        }
        found
    }

    /// The carrier has gone. Tells whether something began that never became a good message.
    pub(super) fn end_of_carrier(&mut self) -> bool {
        let bad = self.bytes.len() > 1;
        self.bytes.clear();
        bad
    }

    /// The message from this place to the last byte, if there is one.
    fn ending_here(&self, start: usize) -> Option<Content> {
        let bytes = self.bytes.get(start..)?;
        let (&[kind, length], _) = bytes.split_first_chunk::<2>()?;
        (callerid::is_kind(kind) && bytes.len() == usize::from(length) + 3).then(|| callerid::read(bytes))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callerid::{CallTime, mdmf};

    fn collect(bytes: &[u8]) -> (Option<Content>, bool) {
        let mut collector = Collector::default();
        let mut found = None;
        for byte in bytes {
            found = found.or(collector.push(*byte));
        }
        (found, collector.end_of_carrier())
    }

    #[test]
    fn a_message_is_found_behind_the_seizure_and_false_beginnings() {
        let message = mdmf(Some("3015550123"), None, false, CallTime::default());
        for before in [&[0x55; 30][..], &[], &[0x55, 0x04, 0x55], &[0x80, 0x10, 0x55], &[0x04, 0x04, 0x80, 0x03]] {
            let all = [before, &message].concat();
            let (found, _) = collect(&all);
            assert!(found.is_some(), "{before:?}");
        }
        let long = [&[0x80; 1_000][..], &message].concat();
        assert!(collect(&long).0.is_some(), "more noise than is kept");
    }

    #[test]
    fn a_spoiled_message_is_told_and_silence_is_not() {
        let mut message = mdmf(Some("3015550123"), None, false, CallTime::default());
        message[6] ^= 1;
        assert_eq!(collect(&message), (None, true));
        assert_eq!(collect(&message[..9]), (None, true), "cut off");
        assert_eq!(collect(&[0x55; 30]), (None, false));
    }

    #[test]
    fn any_bytes_are_taken() {
        let mut seed = 7u32;
        let mut collector = Collector::default();
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let byte = (seed >> 24) as u8;
            let _ = collector.push(if seed & 0x700 == 0 { 0x80 } else { byte });
        }
    }
}
