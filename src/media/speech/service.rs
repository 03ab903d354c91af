//! A speech engine behind HTTP: a text goes out, a sound comes in as it is made. What may be asked is the outgoing client's
//! decision.

use tipring_egress::{Client, Limits, Method, Request};

use super::chosen::Mouth;
use super::{EngineUrl, harmless, marked};
use crate::convert::Piece;
use crate::fault::{MediaFault, SPEECH};
use crate::voices::{Gender, wanted};
use crate::wire::{Speech, encode};

/// Asks for a text and passes on what is answered.
pub(super) async fn ask(
    service: &EngineUrl,
    voice: &str,
    speech: &Speech,
    mouth: &Mouth<'_>,
    egress: &Client,
) -> Result<(), MediaFault> {
    let failed = |what: &str| MediaFault::new(SPEECH, format!("Say: {}: {what}", service.name));
    let request = request(service, voice, speech).ok_or_else(|| failed("its address is none"))?;
    let mut response = egress.send(request).await.map_err(|fault| failed(&fault.to_string()))?;
    if response.status != 200 {
        return Err(failed(&format!("it answered {}", response.status)));
    }
    let declared = response.header("content-type").unwrap_or_default().to_owned();
    if declared.starts_with("text/") || declared.starts_with("application/json") {
        return Err(failed(&format!("it answered {declared} and no sound")));
    }
    let mut told = false;
    while let Some(octets) = response.chunk().await.map_err(|fault| failed(&fault.to_string()))? {
        if !told && !octets.is_empty() {
            // Its type goes ahead of its first octet.
            let _ = mouth.pieces.send(Piece::Type(declared.clone())).await;
            told = true;
        }
        mouth.say(octets).await.map_err(failed)?;
    }
    if told { Ok(()) } else { Err(failed("it answered nothing")) }
}

fn request(service: &EngineUrl, voice: &str, speech: &Speech) -> Option<Request> {
    let wanted = wanted(&speech.voice, &speech.language);
    let markup = if service.markup { marked(speech) } else { None };
    // Without markup it gets the words as they are to be spoken.
    let parts = super::plain::parts(speech);
    let words = parts.iter().map(|it| harmless(&it.text)).collect::<Vec<_>>().join(" ");
    let limits = Limits { first_byte_ms: FIRST_BYTE_MS, total_ms: TOTAL_MS, max_body: MAX_OCTETS, ..Limits::default() };
    if service.url.contains("{text}") {
        let url = service
            .url
            .replace("{text}", &encode(words.trim()))
            .replace("{voice}", &encode(voice))
            .replace("{language}", &encode(&wanted.language))
            .replace("{speed}", &speech.speed.to_string())
            .replace("{markup}", &encode(&markup.unwrap_or_default()));
        return Some(Request { limits, ..Request::get(url.parse().ok()?) });
    }
    let body = serde_json::json!({
        "text": words.trim(),
        "markup": markup,
        "voice": voice,
        "language": wanted.language,
        "gender": if wanted.gender == Gender::Man { "man" } else { "woman" },
        "speed": speech.speed,
    });
    Some(Request {
        method: Method::Post,
        url: service.url.parse().ok()?,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("accept".to_owned(), "audio/*".to_owned()),
        ],
        body: body.to_string().into_bytes().into(),
        limits,
    })
}

/// Who waits has less patience where another engine could speak.
const FIRST_BYTE_MS: u32 = 30_000;
/// The longest text, by a slow engine.
const TOTAL_MS: u32 = 600_000;
/// Six minutes of the largest form.
const MAX_OCTETS: usize = 160 << 20;
