//! Recordings in the store that boxes share: a folder, and an S3 server where there is one.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use object_store::ObjectStoreExt;
use object_store::path::Path;
use tipring_media::{SEAL_OCTETS, Vault, VaultFault};

use crate::room::Shared;
use crate::sharing::{Folder, objects, opened, stores};

const KEY: Option<[u8; SEAL_OCTETS]> = Some([7; SEAL_OCTETS]);
const NAME: &str = "RE00000000000000000000000000000001.wav";

/// A box's way to the store, and where it puts what it fetches.
struct Box {
    vault: Arc<Vault>,
    scratch: PathBuf,
}

impl Drop for Box {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}

fn a_box(shared: &Shared, key: Option<[u8; SEAL_OCTETS]>) -> Box {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    tipring_egress::install_provider();
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let scratch = std::env::temp_dir().join(format!("tipring-vault-{}-{serial}", std::process::id()));
    Box { vault: Vault::open(&shared.config(), key, &scratch).unwrap(), scratch }
}

impl Box {
    fn file(&self, octets: &[u8]) -> File {
        let path = self.scratch.join("made");
        std::fs::write(&path, octets).unwrap();
        let file = File::open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        file
    }

    async fn brings(&self, name: &str, octets: &[u8]) {
        self.vault.bring(name, self.file(octets)).await.unwrap();
    }

    async fn fetches(&self, name: &str) -> Result<Option<Vec<u8>>, VaultFault> {
        let Some(mut file) = self.vault.fetch(name).await? else { return Ok(None) };
        let mut octets = Vec::new();
        file.read_to_end(&mut octets).unwrap();
        Ok(Some(octets))
    }
}

fn sound(octets: usize) -> Vec<u8> {
    (0..octets as u32).map(|it| (it.wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

#[tokio::test]
async fn d22_c22_a_recording_that_one_box_brought_the_other_has_to_the_octet() {
    for (shared, key) in stores().into_iter().flat_map(|it| [(it.clone(), None), (it, KEY)]) {
        let _folder = Folder(shared.url.replace("file://", ""));
        let (one, two) = (a_box(&shared, key), a_box(&shared, key));
        assert_eq!(two.fetches(NAME).await, Ok(None));
        // Around a chunk, none at all, and in parts.
        for octets in [0, 1, 44, 65_535, 65_536, 65_537, 131_072, 9 << 20] {
            let made = sound(octets);
            one.brings(NAME, &made).await;
            assert!(two.fetches(NAME).await.unwrap().unwrap() == made, "{octets}");
        }
        assert_eq!(std::fs::read_dir(&two.scratch).unwrap().count(), 0, "what was fetched has no name");
        // Brought again it is the same; removed it is gone for all, once and twice.
        one.brings("RE2.wav", &sound(100)).await;
        two.vault.remove(NAME).await.unwrap();
        two.vault.remove(NAME).await.unwrap();
        assert_eq!(one.fetches(NAME).await, Ok(None));
        assert_eq!(one.fetches("RE2.wav").await, Ok(Some(sound(100))));
        one.vault.remove("RE2.wav").await.unwrap();
        assert!(objects(&shared).await.is_empty());
    }
}

#[tokio::test]
async fn d22_recordings_in_the_store_are_ciphertext_and_nothing_without_the_key() {
    for shared in stores() {
        let _folder = Folder(shared.url.replace("file://", ""));
        let made = sound(200_000);
        let one = a_box(&shared, KEY);
        one.brings(NAME, &made).await;
        let there = objects(&shared).await;
        assert_eq!(there.len(), 1);
        let secrets: [&[u8]; 5] = [&made[..24], &made[65_530..65_560], &made[199_970..], b"RE0000", b"sha256"];
        for secret in secrets {
            let tells = |it: &[u8]| it.windows(secret.len()).any(|it| it == secret);
            assert!(!tells(&there[0].1) && !tells(there[0].0.as_bytes()), "{} tells {secret:?}", there[0].0);
        }
        for key in [Some([8; SEAL_OCTETS]), None] {
            assert_eq!(a_box(&shared, key).fetches(NAME).await, Ok(None), "it is not found under another name");
        }
        // Nor does it open where it was put in the place of another.
        one.brings("RE2.wav", &sound(10)).await;
        let (store, _) = opened(&shared);
        let other = objects(&shared).await.into_iter().find(|it| it.0 != there[0].0).unwrap();
        store.put(&Path::from(there[0].0.as_str()), other.1.into()).await.unwrap();
        assert!(matches!(one.fetches(NAME).await, Err(VaultFault::Damaged(_))));
    }
}

#[tokio::test]
async fn c22_what_was_cut_or_changed_in_the_store_is_never_served_as_whole() {
    for (shared, key) in stores().into_iter().flat_map(|it| [(it.clone(), None), (it, KEY)]) {
        let _folder = Folder(shared.url.replace("file://", ""));
        let made = sound(150_000);
        let one = a_box(&shared, key);
        one.brings(NAME, &made).await;
        let (store, _) = opened(&shared);
        let (at, whole) = objects(&shared).await.pop().unwrap();
        let at = Path::from(at);
        let last = whole.len() - 1;
        let flipped = |at: usize| {
            let mut text = whole.clone();
            text[at] ^= 1;
            text
        };
        let harms: Vec<(&str, Vec<u8>)> = vec![
            ("cut", whole[..last].to_vec()),
            ("cut to a chunk", whole[..whole.len() - 70_000].to_vec()),
            ("cut to its head", whole[..100].to_vec()),
            ("nothing", Vec::new()),
            ("longer", [&whole[..], &[0]].concat()),
            ("the length of its head", flipped(1)),
            ("its head", flipped(40)),
            ("early", flipped(400)),
            ("in the middle", flipped(100_000)),
            ("its last octet", flipped(last)),
        ];
        for (what, text) in harms {
            store.put(&at, text.into()).await.unwrap();
            let fetched = one.vault.fetch(NAME).await;
            assert!(matches!(fetched, Err(VaultFault::Damaged(_))), "{what}, {}: {fetched:?}", shared.url);
        }
        assert_eq!(std::fs::read_dir(&one.scratch).unwrap().count(), 0);
        // Brought anew it is good again: a damaged one is no reason to leave the store alone.
        one.brings(NAME, &made).await;
        assert_eq!(one.fetches(NAME).await, Ok(Some(made)));
        one.vault.remove(NAME).await.unwrap();
    }
}

#[tokio::test]
async fn c22_a_store_that_is_away_says_so_at_once_and_again() {
    let gone = Shared { url: "s3://bucket/prefix".into(), endpoint: "http://127.0.0.1:1".into() };
    let one = a_box(&gone, KEY);
    assert!(!one.vault.is_away());
    assert!(matches!(one.vault.bring(NAME, one.file(b"x")).await, Err(VaultFault::Away(_))));
    assert!(one.vault.is_away());
    assert!(matches!(one.fetches(NAME).await, Err(VaultFault::Away(_))));
    assert!(matches!(one.vault.remove(NAME).await, Err(VaultFault::Away(_))));
}

#[tokio::test]
async fn c22_a_file_that_shrinks_while_it_is_brought_is_not_there_half() {
    for shared in stores() {
        let _folder = Folder(shared.url.replace("file://", ""));
        let one = a_box(&shared, KEY);
        let path = one.scratch.join("shrinks");
        let mut file = File::options().create_new(true).read(true).write(true).open(&path).unwrap();
        file.write_all(&sound(20 << 20)).unwrap();
        file.rewind().unwrap();
        let shrinks = file.try_clone().unwrap();
        let vault = Arc::clone(&one.vault);
        let bringing = tokio::spawn(async move { vault.bring(NAME, file).await });
        shrinks.set_len(100).unwrap();
        match bringing.await.unwrap() {
            Ok(()) => assert!(one.fetches(NAME).await.unwrap().is_some_and(|it| it.len() == 100)),
            Err(VaultFault::Local(_)) => assert_eq!(one.fetches(NAME).await, Ok(None)),
            Err(other) => panic!("{other}"),
        }
    }
}
