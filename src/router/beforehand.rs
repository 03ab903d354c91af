//! Which sounds a document will ask for: for bringing them in before anybody calls. It runs nothing and fetches nothing; what a
//! document asks for in this way is what its verbs ask for in a call.

use tipring_instructions::{Play, Prompt, Say, Sound, Verb, parse, template};

use crate::{MediaSource, address};

/// The sounds and texts of a document that came from `base` (empty: from nowhere), each once, in order; or what is wrong with
/// it. Templates are left out: they are filled by the call. `default_voice` and `default_language` are the configuration's.
pub fn sounds_of(
    document: &[u8],
    base: &str,
    (default_voice, default_language): (&str, &str),
) -> Result<Vec<MediaSource>, String> {
    let document = parse(document, None).map_err(|diagnostic| diagnostic.to_string())?;
    let mut found = Vec::new();
    let mut add = |source: Option<MediaSource>| {
        if let Some(source) = source.filter(|it| !found.contains(it)) {
            found.push(source);
        }
    };
    let said = |say: &Say| {
        let or = |name: &String, usual: &str| if name.is_empty() { usual.to_owned() } else { name.clone() };
        Some(MediaSource::Speech {
            text: say.text.clone(),
            markup: say.markup.clone(),
            voice: or(&say.voice, default_voice),
            language: or(&say.language, default_language),
        })
    };
    let played = |play: &Play| {
        let Sound::Url(url) = &play.sound else { return None };
        let url = if base.is_empty() { url.clone() } else { address::resolve(base, url) };
        (!template::is_template(&url)).then_some(MediaSource::Url(url))
    };
    for placed in &document.verbs {
        match &placed.verb {
            Verb::Say(say) => add(said(say)),
            Verb::Play(play) => add(played(play)),
            Verb::Gather(gather) => {
                for prompt in &gather.prompts {
                    match prompt {
                        Prompt::Say(say) => add(said(say)),
                        Prompt::Play(play) => add(played(play)),
                        Prompt::Pause(_) => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_documents_sounds_are_those_that_its_verbs_ask_for() {
        let document = br#"<Response><Say>Hello  there</Say><Gather><Play>a.wav</Play><Say voice="man">Press <emphasis>1</emphasis></Say>
            </Gather><Play>/b.wav</Play><Play>/b.wav</Play><Play digits="12"/><Play>/c-{CallSid}.wav</Play>
            <Say> </Say></Response>"#;
        let found = sounds_of(document, "https://app.example/ivr/menu", ("woman", "en-GB")).unwrap();
        let speech = |text: &str, voice: &str, markup: Option<&str>| MediaSource::Speech {
            text: text.into(),
            markup: markup.map(Into::into),
            voice: voice.into(),
            language: "en-GB".into(),
        };
        let url = |url: &str| MediaSource::Url(url.into());
        assert_eq!(
            found,
            [
                speech("Hello there", "woman", None),
                url("https://app.example/ivr/a.wav"),
                speech("Press 1", "man", Some("Press <emphasis>1</emphasis>")),
                url("https://app.example/b.wav"),
            ]
        );
        assert!(sounds_of(b"<Answer/>", "", ("", "")).unwrap_err().contains("Response"));
    }
}
