//! What lies on the disk is ciphertext, and what was changed there is found out.

use std::os::unix::fs::FileExt;
use std::path::Path;

use tipring_card::Law;
use tipring_media::{Cached, Config, MediaRequest, Source};

use crate::origin::{Origin, Reply};
use crate::room::{Room, wave};

const KEY: [u8; 32] = [7; 32];

fn sealed(config: &mut Config) {
    config.seal_key = Some(KEY);
    config.store = None;
}

/// Octets that no chance brings forth, in A-law; as many as are wanted.
fn sound(octets: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..octets).map(|_| next()).collect()
}

/// Whether any file below the folder has one of these in its name or in itself.
#[track_caller]
fn tells_nothing(dir: &Path, secrets: &[&[u8]]) -> usize {
    let (mut open, mut files) = (vec![dir.to_owned()], 0);
    while let Some(dir) = open.pop() {
        for it in std::fs::read_dir(dir).unwrap() {
            let path = it.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            files += 1;
            let text = [path.to_string_lossy().as_bytes(), &std::fs::read(&path).unwrap()].concat();
            for secret in secrets {
                let found = text.windows(secret.len()).any(|it| it == *secret);
                assert!(!found, "{} tells {:?}", path.display(), String::from_utf8_lossy(secret));
            }
        }
    }
    files
}

#[tokio::test]
async fn d21_the_disk_holds_no_sound_and_no_url_and_calls_play_it() {
    let body = sound(40_000);
    let (mut held, go) = Reply::ok("audio/x-alaw", body.clone()).held_after(30_000);
    held.headers.push(("ETag", "\"secret-tag\"".into()));
    let held = std::sync::Mutex::new(Some(held));
    let origin = Origin::start(move |_| held.lock().unwrap().take().unwrap()).await;
    let mut room = Room::with(sealed).await;
    let request = || MediaRequest { account: "AC77".into(), source: Source::Url(origin.url("/menu.wav")), law: Law::A };
    let mut first = room.client.fetch(request()).await.unwrap();
    let mut heard = first.next().await.unwrap().unwrap().to_vec();
    while heard.len() < 30_000 {
        heard.extend_from_slice(&first.next().await.unwrap().unwrap());
    }
    let plain = wave(8_000, 1, 440.0, 0.2);
    let secrets: [&[u8]; 8] = [
        &body[..24],
        &body[8_200..8_224],
        &body[29_000..29_024],
        &body[39_900..],
        b"menu.wav",
        b"AC77",
        b"127.0.0.1",
        b"secret-tag",
    ];
    // While it grows it is read by others too, and its file tells nothing either.
    assert!(tells_nothing(&room.dir.join("cache"), &secrets) >= 1);
    let mut second = room.client.fetch(request()).await.unwrap();
    go.send(()).unwrap();
    let mut again = Vec::new();
    while let Some(piece) = second.next().await {
        again.extend_from_slice(&piece.unwrap());
    }
    while let Some(piece) = first.next().await {
        heard.extend_from_slice(&piece.unwrap());
    }
    assert!(heard == body && again == body);
    room.handle.idle().await;
    assert_eq!(tells_nothing(&room.dir.join("cache"), &secrets), 2);
    assert!(room.handle.status().sealed);
    // Text and its sound as well.
    room.says("top secret", "man", "en-US").await.unwrap();
    tells_nothing(&room.dir.join("cache"), &[b"secret", b"speech", b"RIFF", &plain[44..80]]);
    room.restart(sealed).await;
    tells_nothing(&room.dir.join("cache"), &secrets);
    let hit = room.hears("AC77", Source::Url(origin.url("/menu.wav")), Law::A).await.unwrap();
    assert_eq!(hit.cache, Cached::Hit);
    assert!(hit.octets == body);
    origin.was_asked(1);
}

/// Harms an entry's files.
type Harm = fn(body: &Path, head: &Path, other: &Path);

const CHUNK: usize = 8 * 1024 + 16;

fn flipped(path: &Path, at: usize) {
    let mut text = std::fs::read(path).unwrap();
    text[at] ^= 0x10;
    std::fs::write(path, text).unwrap();
}

const HARMS: [(&str, Harm); 9] = [
    ("a bit of the first chunk", |body, _, _| flipped(body, 5)),
    ("a bit of a later chunk", |body, _, _| flipped(body, 2 * CHUNK + 100)),
    ("a bit of a tag", |body, _, _| flipped(body, CHUNK - 1)),
    ("a bit of the head", |_, head, _| flipped(head, 40)),
    ("cut by an octet", |body, _, _| {
        let length = std::fs::metadata(body).unwrap().len();
        std::fs::File::options().write(true).open(body).unwrap().set_len(length - 1).unwrap();
    }),
    ("cut by its last chunk", |body, _, _| {
        let length = std::fs::metadata(body).unwrap().len() / CHUNK as u64 * CHUNK as u64;
        std::fs::File::options().write(true).open(body).unwrap().set_len(length - CHUNK as u64).unwrap();
    }),
    ("two chunks changed places", |body, _, _| {
        let mut text = std::fs::read(body).unwrap();
        let (a, b) = text.split_at_mut(CHUNK);
        a.swap_with_slice(&mut b[..CHUNK]);
        std::fs::write(body, text).unwrap();
    }),
    ("a chunk of another body", |body, _, other| {
        let chunk = &std::fs::read(other).unwrap()[..CHUNK];
        std::fs::File::options().write(true).open(body).unwrap().write_all_at(chunk, 0).unwrap();
    }),
    ("the body of another", |body, _, other| {
        std::fs::copy(other, body).unwrap();
    }),
];

#[tokio::test]
async fn d21_what_was_changed_on_the_disk_is_thrown_away_and_fetched_anew() {
    for octets in [40_000, 300_000] {
        let (one, two) = (sound(octets), sound(octets + 1)[1..].to_vec());
        let (first, second) = (one.clone(), two.clone());
        let origin = Origin::start(move |asked| {
            Reply::ok("audio/x-alaw", if asked.path == "/one" { first.clone() } else { second.clone() })
        })
        .await;
        for (harm, how) in HARMS {
            for started_anew in if octets < 100_000 { &[false, true][..] } else { &[false] } {
                let mut room = Room::with(sealed).await;
                room.plays(&origin.url("/one")).await.unwrap();
                let body = room.bodies().remove(0);
                let head = room.heads().remove(0);
                room.plays(&origin.url("/two")).await.unwrap();
                let other = room.bodies().into_iter().find(|it| *it != body).unwrap();
                let before = origin.log().len();
                how(&body, &head, &other);
                if *started_anew {
                    room.restart(sealed).await;
                }
                // A long one may break off at the place; it never goes on with other sound, and ends as if whole never.
                match room.plays(&origin.url("/one")).await {
                    Ok(heard) => assert!(heard.octets == one, "{harm}, {octets} octets"),
                    Err(_) => assert!(octets > 128 * 1024, "{harm}, {octets} octets"),
                }
                let again = room.plays(&origin.url("/one")).await.unwrap();
                assert!(again.octets == one, "{harm}, {octets} octets");
                let head_in_memory = harm.ends_with("head") && !*started_anew;
                assert_eq!(origin.log().len() - before, usize::from(!head_in_memory), "{harm}, {octets} octets");
                assert!(room.plays(&origin.url("/two")).await.unwrap().octets == two);
            }
        }
    }
}

#[tokio::test]
async fn d21_with_another_key_or_none_what_was_kept_is_thrown_away() {
    let origin = Origin::always("audio/x-alaw", sound(20_000)).await;
    let mut room = Room::with(sealed).await;
    let keys: [Option<[u8; 32]>; 5] = [Some([8; 32]), None, Some(KEY), None, Some(KEY)];
    room.plays(&origin.url("/a")).await.unwrap();
    for (turn, key) in keys.into_iter().enumerate() {
        room.restart(|it| {
            it.seal_key = key;
            it.store = None;
        })
        .await;
        assert!(room.handle.entries(None, "").is_empty());
        assert!(room.files().is_empty(), "{:?}", room.files());
        assert_eq!(room.plays(&origin.url("/a")).await.unwrap().octets, sound(20_000));
        origin.was_asked(turn + 2);
        room.restart(|it| {
            it.seal_key = key;
            it.store = None;
        })
        .await;
        assert_eq!(room.plays(&origin.url("/a")).await.unwrap().cache, Cached::Hit);
    }
}
