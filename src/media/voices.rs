//! Which local voice stands in for a voice that a document names: the nearest by language and gender.
//!
//! The names of the vendors' voices are facts of their public lists; nothing else of theirs is here.

/// Who shall speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gender {
    /// A woman's voice.
    Woman,
    /// A man's voice.
    Man,
}

/// What a document's `voice` and `language` come down to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Who shall speak.
    pub gender: Gender,
    /// The language tag in lower case with hyphens, such as `en-us`.
    pub language: String,
}

/// Reads a document's voice and language. An unknown voice is a woman's; without any language it is US English.
pub fn wanted(voice: &str, language: &str) -> Wanted {
    let voice = voice.trim().to_ascii_lowercase();
    let (gender, own) = match voice.split_once('.') {
        // `-Neural`, `-Generative`, `-Long-Form`: the same person.
        Some(("polly", name)) => polly(name.split('-').next().unwrap_or_default()),
        Some(("google", name)) => google(name),
        _ if voice.starts_with("man") => (Gender::Man, None),
        _ => (Gender::Woman, None),
    };
    let language = match language.trim() {
        "" => own.unwrap_or_else(|| "en-us".to_owned()),
        tag => tag.replace('_', "-").to_ascii_lowercase(),
    };
    Wanted { gender, language }
}

/// Whether a document's voice is one that the SDKs name, or none.
pub(crate) fn is_known(voice: &str) -> bool {
    let voice = voice.trim().to_ascii_lowercase();
    match voice.split_once('.') {
        Some(("polly", name)) => {
            let name = name.split('-').next().unwrap_or_default();
            POLLY.iter().any(|it| it.2.split(' ').any(|it| it == name))
        }
        Some(("google", name)) => name.split('-').count() >= 3,
        _ => matches!(voice.as_str(), "" | "man" | "woman" | "alice"),
    }
}

fn polly(name: &str) -> (Gender, Option<String>) {
    let found = POLLY.iter().find(|(_, _, names)| names.split(' ').any(|it| it == name));
    match found {
        Some((language, gender, _)) => (*gender, Some((*language).to_owned())),
        None => (Gender::Woman, None),
    }
}

/// `Google.en-GB-Standard-B`: the language is in the name; letters alternate, women first, where the list does not say
/// otherwise. Chirp's voices have names.
fn google(name: &str) -> (Gender, Option<String>) {
    let mut parts = name.split('-');
    let (Some(language), Some(region)) = (parts.next(), parts.next()) else { return (Gender::Woman, None) };
    let last = name.rsplit('-').next().unwrap_or_default();
    let tag = format!("{language}-{region}");
    let letters = GOOGLE_MEN.iter().find(|it| it.0 == tag).map_or("bd", |it| it.1);
    let man = if last.len() == 1 { letters.contains(last) } else { CHIRP_MEN.split(' ').any(|it| it == last) };
    (if man { Gender::Man } else { Gender::Woman }, Some(tag))
}

/// Letters of men where they are not B and D.
const GOOGLE_MEN: &[(&str, &str)] = &[
    ("en-us", "abdij"),
    ("en-gb", "bdo"),
    ("de-de", "bdeh"),
    ("fr-fr", "bdg"),
    ("it-it", "cdf"),
    ("nl-nl", "bcg"),
    ("pl-pl", "bcg"),
    ("ja-jp", "cd"),
    ("ko-kr", "cd"),
];
const CHIRP_MEN: &str = "achird algenib algieba alnilam charon enceladus fenrir iapetus orus puck rasalgethi sadachbia \
    sadaltager schedar umbriel zubenelgenubi";
/// Language, gender, and the names that go with them.
const POLLY: &[(&str, Gender, &str)] = &[
    ("en-us", Gender::Woman, "joanna kendra kimberly salli ivy danielle ruth"),
    ("en-us", Gender::Man, "joey justin matthew kevin gregory stephen patrick"),
    ("en-gb", Gender::Woman, "amy emma"),
    ("en-gb", Gender::Man, "brian arthur geraint"),
    ("en-au", Gender::Woman, "nicole olivia"),
    ("en-au", Gender::Man, "russell"),
    ("en-in", Gender::Woman, "raveena aditi kajal"),
    ("en-ie", Gender::Woman, "niamh"),
    ("en-nz", Gender::Woman, "aria"),
    ("en-za", Gender::Woman, "ayanda"),
    ("de-de", Gender::Woman, "marlene vicki"),
    ("de-de", Gender::Man, "hans daniel"),
    ("de-at", Gender::Woman, "hannah"),
    ("fr-fr", Gender::Woman, "celine léa lea"),
    ("fr-fr", Gender::Man, "mathieu rémi remi"),
    ("fr-ca", Gender::Woman, "chantal gabrielle"),
    ("fr-ca", Gender::Man, "liam"),
    ("es-es", Gender::Woman, "conchita lucia"),
    ("es-es", Gender::Man, "enrique sergio"),
    ("es-mx", Gender::Woman, "mia"),
    ("es-mx", Gender::Man, "andres"),
    ("es-us", Gender::Woman, "lupe penelope"),
    ("es-us", Gender::Man, "miguel pedro"),
    ("it-it", Gender::Woman, "carla bianca"),
    ("it-it", Gender::Man, "giorgio adriano"),
    ("pt-br", Gender::Woman, "camila vitoria"),
    ("pt-br", Gender::Man, "ricardo thiago"),
    ("pt-pt", Gender::Woman, "ines"),
    ("pt-pt", Gender::Man, "cristiano"),
    ("nl-nl", Gender::Woman, "lotte laura"),
    ("nl-nl", Gender::Man, "ruben"),
    ("pl-pl", Gender::Woman, "ewa maja ola"),
    ("pl-pl", Gender::Man, "jacek jan"),
    ("ru-ru", Gender::Woman, "tatyana"),
    ("ru-ru", Gender::Man, "maxim"),
    ("ja-jp", Gender::Woman, "mizuki kazuha tomoko"),
    ("ja-jp", Gender::Man, "takumi"),
    ("cmn-cn", Gender::Woman, "zhiyu"),
    ("ko-kr", Gender::Woman, "seoyeon jihye"),
    ("tr-tr", Gender::Woman, "filiz burcu"),
    ("sv-se", Gender::Woman, "astrid elin"),
    ("da-dk", Gender::Woman, "naja sofie"),
    ("da-dk", Gender::Man, "mads"),
    ("nb-no", Gender::Woman, "liv ida"),
    ("ro-ro", Gender::Woman, "carmen"),
    ("cy-gb", Gender::Woman, "gwyneth"),
    ("is-is", Gender::Woman, "dora"),
    ("is-is", Gender::Man, "karl"),
    ("arb", Gender::Woman, "zeina"),
    ("ar-ae", Gender::Woman, "hala"),
    ("ar-ae", Gender::Man, "zayd"),
    ("ca-es", Gender::Woman, "arlet"),
    ("fi-fi", Gender::Woman, "suvi"),
    ("fr-be", Gender::Woman, "isabelle"),
    ("nl-be", Gender::Woman, "lisa"),
    ("de-ch", Gender::Woman, "sabrina"),
    ("en-sg", Gender::Woman, "jasmine"),
    ("cs-cz", Gender::Woman, "jitka"),
    ("yue-cn", Gender::Woman, "hiujin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendors_voice_finds_a_local_one() {
        use crate::speech::{Ailing, Engine, choose};
        use crate::wire::Speech;
        use std::sync::Arc;
        use std::time::SystemTime;
        for (_, _, names) in POLLY {
            for name in names.split(' ') {
                let speech = Speech {
                    text: "x".into(),
                    voice: format!("Polly.{name}-Neural"),
                    language: String::new(),
                    speed: 100,
                    markup: String::new(),
                };
                let none: Arc<Ailing> = Arc::default();
                assert!(choose(&[Engine::espeak()], &speech, &none, SystemTime::UNIX_EPOCH).is_ok(), "{name}");
                assert!(is_known(&speech.voice), "{name}");
            }
        }
    }

    #[test]
    fn names_lead_to_language_and_gender() {
        let case = |voice, language| {
            let it = wanted(voice, language);
            (it.gender, it.language)
        };
        assert_eq!(case("man", ""), (Gender::Man, "en-us".into()));
        assert_eq!(case("Polly.Hans", ""), (Gender::Man, "de-de".into()));
        assert_eq!(case("Polly.Amy-Neural", "en_GB"), (Gender::Woman, "en-gb".into()));
        assert_eq!(case("Google.fr-FR-Standard-B", ""), (Gender::Man, "fr-fr".into()));
        assert_eq!(case("Polly.Vicki-Long-Form", ""), (Gender::Woman, "de-de".into()));
        assert_eq!(case("Polly.Lisa-Neural", ""), (Gender::Woman, "nl-be".into()));
        assert_eq!(case("Google.en-US-Neural2-A", ""), (Gender::Man, "en-us".into()));
        assert_eq!(case("Google.de-DE-Chirp3-HD-Charon", ""), (Gender::Man, "de-de".into()));
        assert_eq!(case("Google.it-IT-Wavenet-B", ""), (Gender::Woman, "it-it".into()));
        assert_eq!(case("alice", "sv-SE"), (Gender::Woman, "sv-se".into()));
        assert_eq!(case("Polly.", "x"), (Gender::Woman, "x".into()));
    }
}
