//! What lies on a disk, or in a store of others, as ciphertext: bodies in chunks, heads whole, names as keyed hashes. AES-256-GCM
//! of ring. It opens no file.
//!
//! A body has a key of its own, made of the seal key and a salt that its head has, so that its chunks can be numbered from 0:
//! the number is the nonce (RFC 5116 section 3.2). A chunk that was changed, moved, or comes from another body does not open. How
//! long the body is says its head. A head has a nonce made at random, and its name as associated data: it does not open
//! under another name.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::wire::hex;

/// All that follows from a seal key.
pub(crate) struct Seal {
    names: hmac::Key,
    bodies: hmac::Key,
    heads: LessSafeKey,
    random: SystemRandom,
}

/// The key of one body.
#[derive(Debug)]
pub(crate) struct BodyKey(LessSafeKey);

impl Seal {
    /// From the 32 octets of a seal key; `None`: ring refuses, which it does not.
    pub fn new(key: &[u8; SEAL_OCTETS]) -> Option<Self> {
        let root = hmac::Key::new(hmac::HMAC_SHA256, key);
        let derived = |what: &str| hmac::sign(&root, what.as_bytes());
        Some(Self {
            names: hmac::Key::new(hmac::HMAC_SHA256, derived("tipring names").as_ref()),
            bodies: hmac::Key::new(hmac::HMAC_SHA256, derived("tipring bodies").as_ref()),
            heads: cipher(derived("tipring heads").as_ref())?,
            random: SystemRandom::new(),
        })
    }

    /// What a key is called on the disk.
    pub fn name(&self, key: &str) -> String {
        hex(hmac::sign(&self.names, key.as_bytes()).as_ref())
    }

    /// A key for a new body, and its salt; `None`: the machine gives no random numbers.
    pub fn new_body(&self) -> Option<(BodyKey, String)> {
        let mut salt = [0; SALT_OCTETS];
        self.random.fill(&mut salt).ok()?;
        let salt = hex(&salt);
        Some((self.body(&salt)?, salt))
    }

    /// The key of the body with this salt.
    pub fn body(&self, salt: &str) -> Option<BodyKey> {
        cipher(hmac::sign(&self.bodies, salt.as_bytes()).as_ref()).map(BodyKey)
    }

    pub fn close_head(&self, name: &str, plain: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let mut text = plain.to_vec();
        let nonce_of = Nonce::assume_unique_for_key(nonce);
        self.heads.seal_in_place_append_tag(nonce_of, Aad::from(name.as_bytes()), &mut text).ok()?;
        let mut sealed = nonce.to_vec();
        sealed.append(&mut text);
        Some(sealed)
    }

    pub fn open_head(&self, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let mut text = text.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = self.heads.open_in_place(nonce, Aad::from(name.as_bytes()), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

impl BodyKey {
    /// Seals one chunk; `false`: it is too long.
    pub fn close(&self, number: u64, chunk: &mut Vec<u8>) -> bool {
        self.0.seal_in_place_append_tag(nonce(number), Aad::empty(), chunk).is_ok()
    }

    /// Opens one chunk; `false`: it is not that chunk of that body.
    pub fn open(&self, number: u64, chunk: &mut Vec<u8>) -> bool {
        match self.0.open_in_place(nonce(number), Aad::empty(), chunk).map(|it| it.len()) {
            Ok(length) => {
                chunk.truncate(length);
                true
            }
            Err(_) => false,
        }
    }
}

fn cipher(key: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)
}

fn nonce(number: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[NONCE_LEN - 8..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// Octets of a seal key.
pub const SEAL_OCTETS: usize = 32;
/// What sealing adds to a chunk.
pub(crate) const TAG_OCTETS: u64 = 16;
/// Of 2^64 bodies two have the same one.
const SALT_OCTETS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(octet: u8) -> Seal {
        Seal::new(&[octet; SEAL_OCTETS]).unwrap()
    }

    #[test]
    fn d21_a_chunk_opens_in_its_place_only_and_unchanged() {
        let (seal, other) = (seal(1), seal(2));
        let (body, salt) = seal.new_body().unwrap();
        let mut chunk = b"sound".to_vec();
        assert!(body.close(7, &mut chunk) && chunk.len() as u64 == 5 + TAG_OCTETS);
        let opens = |key: &BodyKey, number, chunk: &[u8]| key.open(number, &mut chunk.to_vec());
        assert!(opens(&seal.body(&salt).unwrap(), 7, &chunk));
        assert!(!opens(&body, 8, &chunk));
        assert!(!opens(&seal.new_body().unwrap().0, 7, &chunk));
        assert!(!opens(&other.body(&salt).unwrap(), 7, &chunk));
        for bit in 0..chunk.len() * 8 {
            let mut harmed = chunk.clone();
            harmed[bit / 8] ^= 1 << (bit % 8);
            assert!(!opens(&body, 7, &harmed), "bit {bit}");
        }
        assert!(!opens(&body, 7, &chunk[1..]) && !opens(&body, 7, b""));
    }

    #[test]
    fn d21_a_head_opens_under_its_name_only() {
        let seal = seal(1);
        let head = seal.close_head("one", b"{}").unwrap();
        assert_eq!(seal.open_head("one", &head).as_deref(), Some(&b"{}"[..]));
        assert_eq!(seal.open_head("two", &head), None);
        assert_eq!(seal.open_head("one", &head[1..]), None);
        assert_eq!(seal.open_head("one", b"x"), None);
        assert_ne!(seal.close_head("one", b"{}"), Some(head));
        assert_ne!(seal.name("one"), self::seal(2).name("one"));
    }
}
