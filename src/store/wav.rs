//! The 44 octets before 16-bit PCM at 8 kHz (RIFF WAVE, format 1), one channel or two. Written anew whenever the file
//! grows, so that it can be opened at any moment.

/// Samples in a second.
pub(crate) const RATE: u64 = 8000;
/// Octets before the first sample.
pub(crate) const HEADER: u64 = 44;

/// The header of a file with so many frames: one sample of each channel makes a frame.
pub fn header(frames: u64, channels: u16) -> [u8; HEADER as usize] {
    let width = channels.saturating_mul(2);
    let data_octets = u32::try_from(frames.saturating_mul(u64::from(width))).unwrap_or(u32::MAX);
    let mut header = [0; HEADER as usize];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        header[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"RIFF");
    put(&data_octets.saturating_add(36).to_le_bytes());
    put(b"WAVEfmt ");
    put(&16u32.to_le_bytes());
    put(&1u16.to_le_bytes());
    put(&channels.to_le_bytes());
    put(&(RATE as u32).to_le_bytes());
    put(&(RATE as u32 * u32::from(width)).to_le_bytes());
    put(&width.to_le_bytes());
    put(&16u16.to_le_bytes());
    put(b"data");
    put(&data_octets.to_le_bytes());
    header
}

/// The channels of a file with this header: 2 if it says so, else 1.
pub(crate) fn channels_in(header: &[u8; HEADER as usize]) -> u16 {
    if header.starts_with(b"RIFF") && header[22..24] == [2, 0] { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_what_it_was_told() {
        let stereo = header(8000, 2);
        assert_eq!((channels_in(&stereo), channels_in(&header(8000, 1)), channels_in(&[2; 44])), (2, 1, 1));
        assert_eq!(stereo[28..32], 32_000u32.to_le_bytes(), "octets in a second");
        assert_eq!((&stereo[32..34], &stereo[40..44]), (&[4, 0][..], &32_000u32.to_le_bytes()[..]));
        assert_eq!(header(u64::MAX, 2)[40..44], u32::MAX.to_le_bytes(), "never a wrapped length");
    }
}
