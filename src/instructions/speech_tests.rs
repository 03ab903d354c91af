//! What is read of `Say` and its markup, and of speech in `Gather`.

use super::*;

#[test]
fn speech_markup_is_flattened_to_its_words() {
    let (verb, notes) = only_verb(
        "<Say>One<break time='1s'/>two <emphasis>three</emphasis> <sub alias='World Wide Web'>WWW</sub> \
         <prosody rate='slow'>f<w>ou</w>r</prosody></Say>",
    );
    assert!(notes.is_empty(), "{notes:?}");
    assert!(matches!(verb, Verb::Say(Say { text, .. }) if text == "One two three World Wide Web four"));
}

#[test]
fn a_language_is_a_tag_and_what_is_none_is_the_default_one() {
    let long = format!("en-{}", ["abcdefgh"; 4].join("-"));
    for (tag, wanted) in [
        ("en", "en"),
        ("en-GB", "en-GB"),
        (" de_CH ", "de-CH"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("x-house", "x-house"),
        ("multi", "multi"),
        ("", ""),
    ] {
        let (verb, notes) = only_verb(&format!("<Say language='{tag}'>a</Say>"));
        assert!(matches!(&verb, Verb::Say(say) if say.language == wanted) && notes.is_empty(), "{verb:?} {notes:?}");
    }
    for tag in ["e", "x", "en-", "-GB", "en--GB", "en.GB", "en:GB", "4n", "englishes9", "dé", &long] {
        let (verb, notes) = only_verb(&format!("<Say language='{tag}'>a</Say>"));
        assert!(matches!(&verb, Verb::Say(say) if say.language.is_empty()), "{verb:?}");
        assert_eq!(notes.iter().map(|note| note.code).collect::<Vec<_>>(), [13512], "{tag}");
    }
    for (inner, code) in [
        ("<Gather language='e'/>", 13331),
        ("<Record transcribeLanguage='e'/>", 13614),
        ("<Start><Transcription languageCode='e'/></Start>", 94304),
        ("<Say><lang xml:lang='e'>a</lang></Say>", 13520),
    ] {
        assert_eq!(only_verb(inner).1[0].code, code, "{inner}");
    }
}

#[test]
fn a_long_text_is_cut_between_characters() {
    let (verb, notes) = only_verb(&format!("<Say>{}</Say>", "é".repeat(5_000)));
    let Verb::Say(say) = verb else { panic!("{verb:?}") };
    assert_eq!((say.text.chars().count(), notes[0].code), (4_096, 13521));
}

#[track_caller]
fn markup(inner: &str) -> (Option<String>, String, Vec<u32>) {
    let (verb, notes) = only_verb(&format!("<Say>{inner}</Say>"));
    let Verb::Say(say) = verb else { panic!("{verb:?}") };
    (say.markup, say.text, notes.iter().map(|note| note.code).collect())
}

#[test]
fn b3_markup_is_written_anew_with_everything_escaped() {
    for (inner, wanted, text) in [
        ("no &lt;markup&gt;", None, "no <markup>"),
        (
            " One <break\ttime='1s'/>  two\n<emphasis>&amp;</emphasis> ",
            Some("One <break time=\"1s\"/> two <emphasis>&amp;</emphasis>"),
            "One two &",
        ),
        (
            "<![CDATA[</say-as><x>]]><s xml:lang='en-GB'>a</s>",
            Some("&lt;/say-as&gt;&lt;x&gt;<s xml:lang=\"en-GB\">a</s>"),
            "</say-as><x> a",
        ),
        (
            "<sub alias='a &quot;b&lt;/sub&gt;'>WWW</sub> c",
            Some("<sub alias=\"a &quot;b&lt;/sub&gt;\">WWW</sub> c"),
            "a \"b</sub> c",
        ),
        (
            "<prosody rate='80%' volume=\"soft\">x<w role='amazon:VB'>read</w></prosody>",
            Some("<prosody volume=\"soft\" rate=\"80%\">x<w role=\"amazon:VB\">read</w></prosody>"),
            "xread",
        ),
        ("<break>inside</break>", Some("<break/>inside"), "inside"),
    ] {
        assert_eq!(markup(inner), (wanted.map(str::to_owned), text.to_owned(), vec![]), "{inner}");
    }
}

#[test]
fn b3_markup_that_no_engine_knows_gives_its_words() {
    for (inner, wanted, code) in [
        ("<audio src='file:///etc/passwd'>a</audio>", None, 12200),
        ("<speak>a<p>b</p></speak>", Some("a<p>b</p>"), 12200),
        ("<sub>a</sub>", None, 13520),
        ("<phoneme alphabet='ipa'>a</phoneme>", None, 13520),
        ("<say-as format='dmy'>a</say-as>", None, 13520),
        ("<lang>a</lang>", None, 13520),
        ("a<break time='1m'/>", Some("a<break/>"), 13520),
        ("a<break time='11s'/>", Some("a<break/>"), 13520),
        ("a<break time='-1s'/>", Some("a<break/>"), 13520),
        ("a<break strength='loud'/>", Some("a<break/>"), 13520),
        ("<prosody rate='fast\" x=\"'>a</prosody>", None, 12100),
        ("<prosody rate='1e9'>a</prosody>", Some("<prosody>a</prosody>"), 13520),
        ("<prosody volume=''>a</prosody>", Some("<prosody>a</prosody>"), 13520),
        ("<prosody contour='(0%,+20Hz)'>a</prosody>", Some("<prosody>a</prosody>"), 12200),
        ("<emphasis level='x'>a</emphasis>", Some("<emphasis>a</emphasis>"), 13520),
        ("<p lang='en'>a</p>", Some("<p>a</p>"), 12200),
    ] {
        if code == 12100 {
            let (found, ..) = markup(inner);
            assert_eq!(found.as_deref(), Some("<prosody>a</prosody>"), "{inner}");
            continue;
        }
        let (found, _, codes) = markup(inner);
        assert_eq!((found.as_deref(), codes), (wanted, vec![code]), "{inner}");
    }
}

#[test]
fn b3_markup_is_left_out_where_its_text_is_cut_or_it_is_too_long() {
    let (found, text, codes) = markup(&format!("<p>{}</p>", "é".repeat(4_097)));
    assert_eq!((found, text.chars().count(), codes), (None, 4_096, vec![13521]));
    let (found, _, codes) = markup(&format!("<p>{}</p>", "é".repeat(4_096)));
    assert_eq!((found.is_some(), codes), (true, vec![]));
    let (found, text, codes) = markup(&format!("a{}", "<break strength='strong'/>".repeat(1_000)));
    assert_eq!((found, text.as_str(), codes), (None, "a", vec![13521]));
}

#[track_caller]
fn gather(attributes: &str) -> (Gather, Vec<u32>) {
    let (verb, notes) = only_verb(&format!("<Gather {attributes}/>"));
    let Verb::Gather(gather) = verb else { panic!("{verb:?}") };
    (*gather, notes.iter().map(|note| note.code).collect())
}

#[test]
fn b7_speech_in_gather_has_its_defaults() {
    let (read, codes) = gather("");
    assert!(codes.is_empty() && read.keys && !read.speech);
    assert_eq!((read.speech_timeout, read.max_speech_s, read.language.as_str()), (SpeechTimeout::Same, 60, ""));
    assert!(read.hints.is_empty() && read.speech_model.is_empty());
    assert!(read.partial_callback.is_none());
    assert_eq!(read.partial_callback_method, Method::Post);
}

#[test]
fn b7_input_is_keys_speech_or_both() {
    for (input, keys, speech, wrong) in [
        ("dtmf", true, false, false),
        ("speech", false, true, false),
        ("dtmf speech", true, true, false),
        (" speech  dtmf ", true, true, false),
        ("", true, false, false),
        ("speech keys", true, false, true),
        ("dtmf,speech", true, false, true),
    ] {
        let (read, codes) = gather(&format!("input='{input}'"));
        assert_eq!((read.keys, read.speech, codes.is_empty()), (keys, speech, !wrong), "{input}");
        assert!(!wrong || codes == [13326], "{codes:?}");
    }
}

#[test]
fn b7_the_recognizer_may_decide_when_speech_is_over() {
    let (read, codes) = gather("timeout='auto' speechTimeout='auto'");
    assert_eq!((read.timeout_s, read.speech_timeout), (5, SpeechTimeout::Auto));
    assert!(codes.is_empty());
    let (read, codes) = gather("timeout='9' speechTimeout='2'");
    assert_eq!((read.timeout_s, read.speech_timeout), (9, SpeechTimeout::Secs(2)));
    assert!(codes.is_empty());
    let (read, codes) = gather("timeout='soon' speechTimeout='Auto'");
    assert_eq!((read.timeout_s, read.speech_timeout), (5, SpeechTimeout::Same));
    assert_eq!(codes, [13312, 13327]);
}

#[test]
fn b7_hints_are_bounded_in_number_and_length() {
    assert_eq!(gather("hints=' yes, no thanks ,,$OOV_CLASS_DIGIT_SEQUENCE'").0.hints.len(), 3);
    let (read, codes) = gather(&format!("hints='{}'", "a,".repeat(501)));
    assert_eq!((read.hints.len(), codes), (500, vec![13330]));
    let (read, codes) = gather(&format!("hints='{},b'", "é".repeat(101)));
    assert_eq!((read.hints, codes), (vec!["b".to_owned()], vec![13330]));
    let (read, codes) = gather(&format!("hints='{}'", "é".repeat(100)));
    assert_eq!((read.hints.len(), codes), (1, vec![]));
}

#[test]
fn b10_a_transcription_callback_asks_for_a_transcription() {
    for (attributes, wanted, callback) in [
        ("transcribe='true'", true, None),
        ("transcribeCallback='/t'", true, Some("/t")),
        ("transcribe='false' transcribeCallback='/t'", true, Some("/t")),
        ("transcribeCallback=''", false, None),
        ("", false, None),
    ] {
        let (verb, notes) = only_verb(&format!("<Record {attributes}/>"));
        let Verb::Record(record) = verb else { panic!("{verb:?}") };
        assert_eq!((record.transcribe, record.transcribe_callback.as_deref()), (wanted, callback), "{attributes}");
        assert!(notes.is_empty());
    }
}
