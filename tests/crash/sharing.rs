//! kill -9 at seeded moments while recordings are brought to a shared store and cleared away from it: a box with forty of them that
//! dies again and again. Whatever lies in the store is whole at every death, and at last it has what is there and nothing of
//! what was deleted.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tipring_media::{StoreConfig, Vault};
use tipring_resources::{Record, Recording, RecordingStatus, Sid, SidKind, Stamp};
use tipring_store::{Law, Store};

use crate::mix;
use crate::victim::Home;

/// Recordings of the box.
const RECORDINGS: u128 = 40;
/// Deaths.
const KILLS: u64 = 14;
/// After the first line of a start.
const WAIT_MS: std::ops::RangeInclusive<u64> = 0..=160;
/// The end comes long before.
const LIMIT: Duration = Duration::from_secs(60);

const ACCOUNT: Sid = Sid::new(SidKind::Account, 1);

fn sid(id: u128) -> Sid {
    Sid::new(SidKind::Recording, id)
}

/// What was deleted a year ago is forgotten in any case.
fn now() -> Stamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Stamp(i64::try_from(since.as_micros()).unwrap())
}

struct Box {
    home: PathBuf,
    vault: Arc<Vault>,
}

impl Box {
    fn new(home: &Path) -> Box {
        let at = home.display();
        let config = format!(
            "[box]\nname = \"a\"\nstate_dir = \"{at}/state\"\ncache_dir = \"{at}/cache\"\nruntime_dir = \"{at}/run\"\ndrain_s = 0\n\
             [listen]\napi = \"127.0.0.1:0\"\nmetrics = \"\"\n\
             [media]\nstore = \"file://{at}/shared\"\nseal_key_file = \"{at}/seal.key\"\n"
        );
        std::fs::write(home.join("box.toml"), config).unwrap();
        std::fs::write(home.join("seal.key"), "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n").unwrap();
        let store = StoreConfig::new(format!("file://{at}/shared"));
        let vault = Vault::open(&store, Some([9; 32]), home.join("scratch")).unwrap();
        Box { home: home.to_owned(), vault }
    }

    async fn store(&self) -> Store {
        let config = tipring_store::Config {
            url: None,
            box_name: "a".into(),
            data_dir: self.home.join("state"),
            now: Stamp(1_000_000_000),
        };
        Store::open(config).await.unwrap()
    }

    /// Starts; it brings and clears away from its first moment on.
    fn start(&self) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(self.home.join("stderr.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tipring"));
        for (variable, _) in std::env::vars_os().filter(|(it, _)| it.as_encoded_bytes().starts_with(b"TIPRING_")) {
            command.env_remove(variable);
        }
        command.args(["serve", "--config", "box.toml"]).current_dir(&self.home);
        let mut child = command.env("TIPRING_LOG", "warn").stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("http://"), "{said}; see {}", self.home.join("stderr.log").display());
        child
    }

    /// How many are in the store; each is whole.
    async fn all_are_whole(&self, sounds: &[Vec<u8>], when: &str) -> usize {
        let mut there = 0;
        for (id, sound) in sounds.iter().enumerate() {
            let name = format!("{}.wav", sid(id as u128));
            let Some(mut file) = self.vault.fetch(&name).await.unwrap_or_else(|fault| panic!("{when}: {fault}")) else {
                continue;
            };
            let mut octets = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut octets).unwrap();
            assert!(octets == *sound, "{when}: {name} is another than it was");
            there += 1;
        }
        there
    }
}

async fn furnish(store: &Store) -> Vec<Vec<u8>> {
    let mut sounds = Vec::new();
    for id in 0..RECORDINGS {
        let mut writer = store.blobs().create(sid(id), Law::A).unwrap();
        let octets = 8_000 * (1 + id as usize % 20);
        writer.write(&(0..octets).map(|at| (at * (id as usize + 3) / 7) as u8).collect::<Vec<u8>>()).unwrap();
        let duration_ms = writer.finish(false, 0).unwrap();
        let record = Recording {
            sid: sid(id),
            account: ACCOUNT,
            call: Sid::new(SidKind::Call, 1),
            conference: None,
            track: "both".into(),
            status: RecordingStatus::Completed,
            channels: 1,
            source: "RecordVerb".into(),
            duration_ms: Some(duration_ms),
            error_code: None,
            started: Stamp(1),
            created: Stamp(i64::try_from(id).unwrap()),
            updated: now(),
        };
        store.put(Record::Recording(record)).await.unwrap();
        let mut octets = Vec::new();
        std::io::Read::read_to_end(&mut store.blobs().open(sid(id)).unwrap().unwrap().file, &mut octets).unwrap();
        sounds.push(octets);
    }
    sounds
}

#[tokio::test(flavor = "multi_thread")]
async fn c28_recordings_come_to_the_shared_store_whole_or_not_at_all_and_leave_it_whatever_kills_the_box() {
    let home = Home::new("sharing").unwrap();
    let here = Box::new(&home.0);
    let store = here.store().await;
    let sounds = furnish(&store).await;
    store.close().await;
    let (mut deleted, mut counts) = (0, Vec::new());
    for seed in 1..=KILLS {
        let mut child = here.start();
        let wait_ms = WAIT_MS.start() + mix(seed) % (WAIT_MS.end() - WAIT_MS.start() + 1);
        // A random moment is the subject here; nothing waits for anything to be done by then.
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        counts.push(here.all_are_whole(&sounds, &format!("seed {seed}, {wait_ms} ms")).await);
        let store = here.store().await;
        // As another box would: the row alone.
        if seed % 2 == 0 {
            let file = here.home.join(format!("state/recordings/{}.wav", sid(deleted)));
            let kept = std::fs::read(&file).unwrap();
            assert!(store.delete_recording(ACCOUNT, sid(deleted), now()).await.unwrap());
            std::fs::write(&file, kept).unwrap();
            deleted += 1;
        }
        store.close().await;
    }
    // It may live now.
    let mut child = here.start();
    let wanted = usize::try_from(RECORDINGS - deleted).unwrap();
    let end = tokio::time::Instant::now() + LIMIT;
    while here.all_are_whole(&sounds, "at last").await != wanted
        || here.vault.fetch(&format!("{}.wav", sid(0))).await.unwrap().is_some()
    {
        assert!(tokio::time::Instant::now() < end, "the store never had all of them: {counts:?}");
        // Another process works on it, and says nothing of it: it is looked at again.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for id in 0..RECORDINGS {
        let there = here.home.join(format!("state/recordings/{}.wav", sid(id))).exists();
        assert_eq!(there, id >= deleted, "{}", sid(id));
    }
    println!("{counts:?}");
    assert!(
        counts[0] < wanted && counts.windows(2).filter(|it| it[0] != it[1]).count() >= 2,
        "too few deaths in the middle: {counts:?}"
    );
    home.remove();
}
