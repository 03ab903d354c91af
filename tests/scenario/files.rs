//! What a scenario file may say: every key stands in the document about it, and files beside it are read.

use std::path::{Path, PathBuf};

use tipring::daemon::scenario::Scenario;
use tipring::daemon::simulation::Around;

use crate::sound::{climbing, in_words, linear, recorded, wav};
use crate::world::{CALL, run_scenario};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Keys of the structures that a source reads from a file.
fn keys(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(file)).expect("a source");
    let (mut keys, mut reads, mut skipped) = (Vec::new(), false, false);
    for line in text.lines() {
        if line.starts_with("#[derive(") {
            reads = line.contains("Deserialize");
        }
        skipped |= line.contains("#[serde(skip)]");
        if let Some(renamed) = line.trim().strip_prefix("#[serde(rename = \"") {
            keys.extend(renamed.split('"').next().map(str::to_string));
        }
        if let Some((key, _)) = line.strip_prefix("    pub ").and_then(|rest| rest.split_once(": "))
            && reads
            && !std::mem::take(&mut skipped)
            && !key.contains(['(', ' '])
        {
            keys.push(key.to_string());
        }
        reads &= line != "}";
    }
    keys
}

#[test]
fn files_every_key_of_a_scenario_stands_in_its_document() {
    let document = std::fs::read_to_string(root().join("docs/scenarios.md")).expect("docs/scenarios.md");
    let of_scenario = keys("src/daemon/scenario.rs");
    let of_document = keys("src/daemon/app.rs");
    let of_telephone = keys("src/daemon/handsets.rs");
    let of_exchange = keys("src/daemon/exchange.rs");
    assert!(of_scenario.contains(&"dead_hosts".to_string()) && of_document.contains(&"type".to_string()));
    assert!(of_telephone.contains(&"answers_ring".to_string()));
    assert!(of_exchange.contains(&"noise_dbm0".to_string()));
    let told = |key: &&String| document.contains(&format!("`{key}`")) || document.contains(&format!("[[{key}]]"));
    let all = of_scenario.iter().chain(&of_document).chain(&of_telephone).chain(&of_exchange);
    let all = all.filter(|key| *key != "content_type");
    let untold: Vec<_> = all.filter(|key| !told(key) && !document.contains(&format!("[{key}]"))).collect();
    assert!(untold.is_empty(), "docs/scenarios.md says nothing of {untold:?}");
}

/// A folder with a scenario and the files beside it; gone at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    /// A box that keeps its state here.
    pub fn kept(&self) -> Around {
        Around { state: Some(self.0.join("state")), ..Around::default() }
    }

    pub fn write(&self, name: &str, octets: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, octets).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_beside_a_scenario_are_played_and_said() {
    let folder = Folder::new("files");
    folder.write("prompt.wav", &crate::sound::announcement());
    let said = climbing(150);
    folder.write("words.wav", &wav(&said));
    let call =
        CALL.replace("{ await_hangup", "{ await_quiet = {} }, { say_file = { file = \"words.wav\" } }, { await_hangup");
    let text = format!(
        "[[number]]\nnumber = \"100\"\nurl = \"http://app.example/\"\n\
         [[document]]\npath = \"/\"\nbody = \"<Response><Play>/a.wav</Play><Record timeout='2' playBeep='false'/></Response>\"\n\
         [[document]]\npath = \"/a.wav\"\ntype = \"audio/wav\"\nfile = \"prompt.wav\"\n{call}"
    );
    let file = folder.write("scenario.toml", text.as_bytes());
    let run = run_scenario(&Scenario::load(&file).unwrap_or_else(|error| panic!("{error}")));
    assert!(in_words(run.octets()).starts_with("the announcement"), "{}", in_words(run.octets()));
    // What was said is in the recording, octet for octet: one coding to A-law, no other change.
    let coded: Vec<u8> = said.iter().map(|&sample| tipring_dsp::alaw_encode(sample)).collect();
    let kept = recorded(&run.told().recordings[0]);
    let place = kept.windows(coded.len()).position(|window| window == linear(&coded));
    assert!(place.is_some(), "{} samples were kept", kept.len());
}

#[test]
fn files_that_are_missing_or_of_another_form_are_named_with_their_place() {
    let folder = Folder::new("missing");
    let missing = "[[document]]\npath = \"/\"\nfile = \"none.wav\"\n".to_string() + CALL;
    let refused = Scenario::load(&folder.write("a.toml", missing.as_bytes())).expect_err("refused").to_string();
    assert!(refused.contains("a.toml:3:") && refused.contains("none.wav"), "{refused}");
    let mut fast = wav(&climbing(2));
    fast[24..28].copy_from_slice(&16_000_u32.to_le_bytes());
    fast[28..32].copy_from_slice(&32_000_u32.to_le_bytes());
    folder.write("fast.wav", &fast);
    let call = CALL.replace("{ await_hangup", "{ say_file = { file = \"fast.wav\" } }, { await_hangup");
    let refused = Scenario::load(&folder.write("b.toml", call.as_bytes())).expect_err("refused").to_string();
    assert!(refused.contains("fast.wav") && refused.contains("16000 Hz") && refused.contains("8000 Hz"), "{refused}");
}
