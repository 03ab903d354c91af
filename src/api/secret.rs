//! What must not be guessed: secrets of keys, tokens, codes; and what is kept or shown of them.

use std::fmt::Write;
use std::io::Read;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::fault::Fault;

/// 32 hex digits of the system's random numbers: 128 bits.
pub(crate) fn fresh() -> Result<String, Fault> {
    Ok(hex(&random::<16>()?))
}

/// Six digits.
pub(crate) fn code() -> Result<String, Fault> {
    // 2^64 is so much larger than a million that no code is likelier than another by more than 1 in 10^13.
    Ok(format!("{:06}", u64::from_le_bytes(random::<8>()?) % 1_000_000))
}

fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut octets = [0; N];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut octets));
    read.map_err(|error| {
        tracing::error!(%error, "/dev/urandom cannot be read");
        Fault::internal()
    })?;
    Ok(octets)
}

/// What is kept of a secret. It has 128 random bits, so that nobody can try them all: no slower hash is needed.
pub(crate) fn hashed(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// The seal of a text under a key.
pub(crate) fn seal(key: &str, text: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// Whether a seal is right, in the same time for every wrong one.
pub(crate) fn is_seal(key: &str, text: &str, seal_given: &str) -> bool {
    let right = seal(key, text);
    !key.is_empty() && !right.is_empty() && bool::from(right.as_bytes().ct_eq(seal_given.as_bytes()))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_the_same_and_a_seal_fits_one_text_and_one_key() {
        assert_ne!(fresh().unwrap(), fresh().unwrap());
        assert_eq!((fresh().unwrap().len(), code().unwrap().len()), (32, 6));
        // NIST's example of the hash of "abc".
        assert_eq!(hashed("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let right = seal("key", "text");
        assert!(is_seal("key", "text", &right));
        assert!(!is_seal("key", "texts", &right) && !is_seal("kez", "text", &right) && !is_seal("key", "text", ""));
        assert!(!is_seal("", "text", &seal("", "text")), "an account without a token seals nothing");
    }
}
