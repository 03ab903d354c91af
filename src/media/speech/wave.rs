//! WAVE files of one voice, one after the other, as one sound with pauses.

use bytes::Bytes;

/// Joins WAVE files of one form: the first passes whole, of the others only the samples.
#[derive(Default)]
pub(super) struct Wave {
    form: Option<Vec<u8>>,
    head: Vec<u8>,
    in_data: bool,
    /// Octets of samples so far.
    pub octets: usize,
    /// Silence that comes before the next sample.
    pause_ms: u32,
}

impl Wave {
    /// Another file, after so much silence.
    pub fn next_file(&mut self, pause_ms: u32) {
        self.head.clear();
        self.in_data = false;
        self.pause_ms += pause_ms;
    }

    /// The silence that is still due, at the end.
    pub fn rest(&mut self) -> Bytes {
        self.silence().into()
    }

    fn silence(&mut self) -> Vec<u8> {
        let Some(form) = &self.form else { return Vec::new() };
        let rate_hz = u32::from_le_bytes([form[12], form[13], form[14], form[15]]).min(MAX_RATE_HZ);
        let frame = usize::from(form[20]).clamp(1, 16);
        let frames = u64::from(rate_hz) * u64::from(std::mem::take(&mut self.pause_ms)) / 1_000;
        // Samples of 8 bits have their middle elsewhere.
        let still = if form[22] == 8 { 0x80 } else { 0 };
        vec![still; usize::try_from(frames).unwrap_or(0) * frame]
    }

    /// What of these octets goes on: nothing, or samples, the head before the first of them. `None`: it is no WAVE, or one
    /// of another form.
    pub fn take(&mut self, octets: &[u8]) -> Option<Bytes> {
        if self.in_data {
            self.octets += octets.len();
            return Some(Bytes::copy_from_slice(octets));
        }
        self.head.extend_from_slice(octets);
        let Some(data) = self.head.windows(4).position(|it| it == b"data").filter(|at| self.head.len() >= at + 8)
        else {
            return (self.head.len() < MAX_WAVE_HEAD).then(Bytes::new);
        };
        let fmt = self.head.windows(4).position(|it| it == b"fmt ")?;
        let form = self.head.get(fmt..fmt + 24)?.to_vec();
        let samples = self.head.split_off(data + 8);
        if samples.is_empty() {
            // The head goes with the first sample: an engine that gives nothing else has not begun.
            return Some(Bytes::new());
        }
        let mut out = Vec::new();
        match &self.form {
            Some(first) if *first != form => return None,
            Some(_) => {}
            None => {
                // More may follow: the length is left open.
                out = std::mem::take(&mut self.head);
                out[data + 4..data + 8].fill(0xFF);
                out.get_mut(4..8)?.fill(0xFF);
                self.form = Some(form);
            }
        }
        self.in_data = true;
        self.octets += samples.len();
        out.append(&mut self.silence());
        out.extend_from_slice(&samples);
        Some(out.into())
    }
}

/// Chunks before the samples take less.
const MAX_WAVE_HEAD: usize = 64 * 1024;
/// No voice has more; what is claimed beyond is not believed.
const MAX_RATE_HZ: u32 = 192_000;
