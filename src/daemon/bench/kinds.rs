//! The kinds of calls of a soak: what the telephone does, what the application answers, whether the call is answered.

use std::sync::Arc;

use tipring_sim::Step;

use super::application::{Answer, Answers};
use super::world::{BUSY, World, prompt};
use crate::daemon::serve::StartError;

/// Whom a Dial reaches.
const FRIEND: &str = "2025550142";

/// One kind of call that comes in on a span.
pub(super) struct Kind {
    /// Its name, and the path of its application.
    pub(super) name: &'static str,
    /// The number that is called.
    pub(super) number: &'static str,
    /// Whether the caller is answered; `None`: it depends on the moment.
    pub(super) answered: Option<bool>,
}

/// What comes in, in turn.
pub(super) const KINDS: [Kind; 12] = [
    kind("gather", "300", Some(true)),
    kind("record", "301", Some(true)),
    kind("dial", "302", Some(true)),
    kind("refused", "303", Some(false)),
    kind("gather", "300", Some(true)),
    kind("busy", "304", Some(false)),
    kind("leaves-early", "305", None),
    kind("broken", "306", Some(true)),
    kind("dial-busy", "307", Some(true)),
    kind("away", "308", Some(true)),
    kind("cuts-prompt", "309", Some(true)),
    kind("speaks", "310", Some(true)),
];

const fn kind(name: &'static str, number: &'static str, answered: Option<bool>) -> Kind {
    Kind { name, number, answered }
}

/// Gives each kind its number; every call's end is told.
pub(super) fn numbers(world: &World) -> Result<(), StartError> {
    for (at, kind) in KINDS.iter().enumerate() {
        if KINDS[..at].iter().all(|before| before.number != kind.number) {
            world.number_with(kind.number, &format!("/{}", kind.name), "/fallback", "/status")?;
        }
    }
    Ok(())
}

/// What the telephone of a kind does.
pub(super) fn steps(kind: &Kind) -> Vec<Step> {
    let waits = Step::AwaitHangup { limit_ms: 20_000 };
    let answered = Step::AwaitAnswer { limit_ms: 10_000 };
    match kind.name {
        "gather" => vec![answered, Step::Wait { ms: 300 }, Step::press("1"), waits],
        "record" => vec![answered, Step::Wait { ms: 700 }, Step::Tone { hz: 440.0, ms: 900, level_dbm0: -12.0 }, waits],
        "leaves-early" => vec![Step::Wait { ms: 40 }, Step::hangup()],
        "cuts-prompt" => vec![answered, Step::Wait { ms: 150 }, Step::hangup()],
        _ => vec![answered, waits],
    }
}

/// The application of all kinds.
pub(super) fn answers() -> Arc<Answers> {
    Arc::new(|path, form| {
        let path = path.split('?').next().unwrap_or(path);
        let document = |verbs: &str| Answer::document(format!("<Response>{verbs}</Response>"));
        let play = "<Play>/prompt.wav</Play>";
        match path {
            "/prompt.wav" => prompt(400),
            "/speaks" => document(&format!("<Say>Number {}.</Say>", text_of(form))),
            "/gather" => {
                document(&format!("<Gather numDigits=\"1\" timeout=\"2\" action=\"/pressed\">{play}</Gather><Hangup/>"))
            }
            "/pressed" | "/recorded" | "/dialled" => document("<Hangup/>"),
            "/record" => document("<Record maxLength=\"1\" timeout=\"5\" trim=\"do-not-trim\" action=\"/recorded\"/>"),
            "/dial" => document(&format!("<Dial timeout=\"5\" action=\"/dialled\">{FRIEND}</Dial>")),
            "/dial-busy" => document(&format!("<Dial timeout=\"5\" action=\"/dialled\">{BUSY}</Dial>")),
            "/refused" => document("<Reject/>"),
            "/busy" => document("<Reject reason=\"busy\"/>"),
            "/leaves-early" | "/cuts-prompt" => document(&format!("{play}{play}<Hangup/>")),
            "/broken" => Answer::document("<Response><Play>/prompt.wav</Response>"),
            "/away" => Answer::failure(503),
            "/fallback" => document(&format!("{play}<Hangup/>")),
            "/program" => document(&format!("{play}<Dial timeout=\"5\" action=\"/dialled\">{FRIEND}</Dial>")),
            "/status" => Answer { status: 204, headers: String::new(), body: Vec::new(), pace: None },
            _ => document("<Hangup/>"),
        }
    })
}

/// One of a hundred texts, by the caller's number: some calls speak a new one, most one from the cache.
fn text_of(form: &str) -> &str {
    let from = form.split('&').find_map(|pair| pair.strip_prefix("From=")).unwrap_or_default();
    from.get(from.len().saturating_sub(2)..).unwrap_or_default()
}
