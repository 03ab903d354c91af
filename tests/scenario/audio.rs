//! The demonstration in real time: what the simulated telephone received through the card is the prompt, and a planted
//! fault shows that this check can fail.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tipring::daemon::dev::WELCOME;
use tipring_card::Law;
use tipring_dsp::best_match;
use tipring_media::{MediaClient, MediaRequest, MediaService, Source};

use crate::sound::{linear, trim};

/// The prompt has begun by then, counted from the answer.
const BEGINS_WITHIN_MS: usize = 2_000;
/// The prompt, and nothing else.
const SAME: f32 = 0.95;
/// Samples of a piece that is looked for at a time.
const PIECE: usize = 8 * 200;
/// A machine that is late puts silence between blocks; one such gap is at most as long.
const GAP: usize = 8 * 500;

fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder");
    path
}

fn dev(state: &PathBuf, more: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tipring"));
    command.env("XDG_STATE_HOME", state).args(["dev", "--once", "--json", "--port", "0"]).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}

/// The prompt as the media layer renders it for an A-law line.
fn rendered(text: &str) -> Vec<i16> {
    let folder = folder("rendered");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let octets = runtime.block_on(async {
        let egress = tipring_egress::Client::new(tipring_egress::Config::default()).expect("a client");
        let socket = folder.join("media.sock");
        let config = tipring_media::Config::new(&socket, folder.join("cache"), egress);
        let service = MediaService::start(config).await.expect("the media layer");
        let speech = Source::Speech { text: text.into(), voice: String::new(), language: String::new(), markup: None };
        let request = MediaRequest { account: "AC".to_string() + &"0".repeat(32), source: speech, law: Law::A };
        let mut stream = MediaClient::new(socket).fetch(request).await.expect("a voice");
        let mut octets = Vec::new();
        while let Some(chunk) = stream.next().await {
            octets.extend_from_slice(&chunk.expect("speech"));
        }
        service.shutdown().await;
        octets
    });
    let _ = std::fs::remove_dir_all(folder);
    linear(&trim(&octets))
}

/// Runs of the demonstration at most.
const TRIES: u32 = 3;

/// How well the pieces of the prompt fit into the beginning of what was heard, one behind the other, each by its loudness.
fn fit(state: &std::path::Path, prompt: &[i16]) -> f32 {
    let reader = hound::WavReader::open(state.join("tipring/heard.wav")).expect("what was heard");
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.sample_rate), (1, 8_000));
    let heard: Vec<i16> = reader.into_samples().map(|sample| sample.expect("a sample")).collect();
    assert!(heard.len() > 8 * BEGINS_WITHIN_MS + prompt.len(), "{} samples were heard", heard.len());
    let energy = |samples: &[i16]| samples.iter().map(|sample| f32::from(*sample).powi(2)).sum::<f32>();
    let (mut at, mut fits) = (0, 0.0);
    for (n, piece) in prompt.chunks(PIECE).enumerate() {
        let most = if n == 0 { 8 * BEGINS_WITHIN_MS } else { GAP };
        let found = best_match(&heard[at..], piece, most);
        // What fits badly has a gap in it: the next one is looked for from where this one was expected.
        at += piece.len() + if n == 0 || found.coefficient >= SAME { found.lag } else { 0 };
        fits += found.coefficient * energy(piece);
    }
    let coefficient = fits / energy(prompt);
    println!("the prompt in {} pieces: {coefficient:.3}", prompt.chunks(PIECE).len());
    coefficient
}

fn last_line(output: &std::process::Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn audio_the_caller_hears_the_rendered_prompt_and_a_muted_player_is_noticed() {
    let (good, mute) = (folder("dev"), folder("mute"));
    let (mut running, muted) = (dev(&good, &[]), dev(&mute, &["--fault", "mute"]));
    let prompt = rendered(WELCOME);
    assert!(prompt.len() > 8 * 3_000, "the prompt has {} samples", prompt.len());
    let muted = muted.wait_with_output().expect("it ends");
    // It runs in real time: on a machine with too much to do a gap is the machine's, and the next one may have none.
    let (running, coefficient) = 'tries: {
        for turn in 1.. {
            let ended = running.wait_with_output().expect("it ends");
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
            let coefficient = fit(&good, &prompt);
            if coefficient >= SAME || turn == TRIES {
                break 'tries (ended, coefficient);
            }
            let _ = std::fs::remove_dir_all(good.join("tipring"));
            running = dev(&good, &[]);
        }
        unreachable!("the last try ends it")
    };
    let last = last_line(&running);
    let verbs = last["verbs"].as_u64().unwrap_or(0);
    assert!(verbs >= 5, "{last}");
    assert_eq!(last, serde_json::json!({"ok": true, "calls": 3, "http": 5, "verbs": verbs, "recordings": 1}));
    assert!(coefficient >= SAME, "the prompt fits with {coefficient}");
    let other = fit(&good, &rendered("Seven other words that nobody says here, at least not today."));
    assert!(other < SAME, "any speech fits: {other}");
    let silence = fit(&mute, &prompt);
    assert!(silence < SAME, "a muted player still gives {silence}");
    assert!(!muted.status.success() && last_line(&muted)["ok"] == false, "nobody noticed that nothing was heard");
    for folder in [good, mute] {
        let _ = std::fs::remove_dir_all(folder);
    }
}
