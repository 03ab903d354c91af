//! The 44 octets before 16-bit mono PCM at 8 kHz (RIFF WAVE, format 1). Written anew whenever the file grows, so that it
//! can be opened at any moment.

/// Samples in a second.
pub(crate) const RATE: u64 = 8000;
/// Octets before the first sample.
pub(crate) const HEADER: u64 = 44;

/// The header of a file with so many octets of samples.
pub(crate) fn header(data_octets: u32) -> [u8; HEADER as usize] {
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
    put(&1u16.to_le_bytes());
    put(&(RATE as u32).to_le_bytes());
    put(&(RATE as u32 * 2).to_le_bytes());
    put(&2u16.to_le_bytes());
    put(&16u16.to_le_bytes());
    put(b"data");
    put(&data_octets.to_le_bytes());
    header
}
