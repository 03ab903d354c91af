//! Documents in, verbs and complaints out.

use super::*;

#[path = "catalogue_tests.rs"]
mod catalogue;
#[path = "dial_tests.rs"]
mod dial;
#[path = "fuzz_tests.rs"]
mod fuzz;
#[path = "noun_tests.rs"]
mod noun;
#[path = "place_tests.rs"]
mod place;
#[path = "speech_tests.rs"]
mod speech;
#[path = "talk_tests.rs"]
mod talk;

#[track_caller]
fn sound(text: &str) -> Document {
    parse(text.as_bytes(), Some("text/xml")).unwrap_or_else(|diagnostic| panic!("{diagnostic}"))
}

#[track_caller]
fn broken(text: &str) -> Diagnostic {
    match parse(text.as_bytes(), None) {
        Err(diagnostic) => diagnostic,
        Ok(document) => panic!("accepted: {document:?}"),
    }
}

#[track_caller]
fn only_verb(inner: &str) -> (Verb, Vec<Diagnostic>) {
    let mut document = sound(&format!("<Response>{inner}</Response>"));
    assert_eq!(document.verbs.len(), 1, "{document:?}");
    (document.verbs.remove(0).verb, document.notes)
}

#[test]
fn a_document_becomes_its_verbs_in_order_with_their_places() {
    let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>\n  <!-- hello -->\n  <Say>Hi &amp; \
                <![CDATA[<bye>]]> now</Say>\n  <Pause length=\"3\"/>\n  <Hangup/>\n</Response>\n";
    let document = sound(text);
    assert!(document.notes.is_empty(), "{:?}", document.notes);
    let shown: Vec<String> = document.verbs.iter().map(|v| format!("{} {}", v.place, v.verb)).collect();
    assert_eq!(shown, ["4:3 Say \"Hi & <bye> now\"", "5:3 Pause length=3", "6:3 Hangup"]);
}

#[test]
fn every_attribute_of_gather_has_its_default() {
    let (verb, notes) = only_verb("<Gather/>");
    assert!(notes.is_empty());
    let Verb::Gather(gather) = verb else { panic!("{verb:?}") };
    assert_eq!((gather.timeout_s, gather.num_digits, gather.finish_on_key.as_str()), (5, None, "#"));
    assert_eq!((gather.method, gather.action, gather.barge_in, gather.keys), (Method::Post, None, true, true));
    assert!(!gather.action_on_empty_result);
}

#[test]
fn every_attribute_of_record_has_its_default() {
    let (verb, notes) = only_verb("<Record/>");
    assert!(notes.is_empty());
    let Verb::Record(record) = verb else { panic!("{verb:?}") };
    assert_eq!((record.timeout_s, record.max_length_s), (5, 3_600));
    assert_eq!(record.finish_on_key, "1234567890*#");
    assert!(record.play_beep && record.trim && record.callback_events.completed && !record.transcribe);
}

#[test]
fn a_bad_value_is_named_and_the_default_used() {
    let cases = [
        ("<Say loop='x'>a</Say>", 13510),
        ("<Say voice='a b'>a</Say>", 13511),
        ("<Play loop='-1'>a.wav</Play>", 13410),
        ("<Play digits='1'>a.wav</Play>", 13430),
        ("<Gather timeout='0'/>", 13312),
        ("<Gather numDigits='0'/>", 13313),
        ("<Gather finishOnKey='##'/>", 13310),
        ("<Gather method='PUT'/>", 13311),
        ("<Gather input='telepathy'/>", 13326),
        ("<Gather speechTimeout='0'/>", 13327),
        ("<Gather maxSpeechTime='auto'/>", 13328),
        ("<Gather partialResultCallbackMethod='x'/>", 13329),
        ("<Gather language='en us'/>", 13331),
        ("<Gather profanityFilter='no'/>", 13333),
        ("<Gather speechModel='a b'/>", 13334),
        ("<Gather enhanced='x'/>", 13334),
        ("<Gather debug='x'/>", 13334),
        ("<Gather bargeIn='perhaps'/>", 13332),
        ("<Gather><Hangup/></Gather>", 13320),
        ("<Record timeout='-1'/>", 13610),
        ("<Record method='x'/>", 13611),
        ("<Record maxLength='1'/>", 13612),
        ("<Record finishOnKey='x'/>", 13613),
        ("<Record transcribe='x'/>", 13614),
        ("<Record playBeep='x'/>", 13616),
        ("<Record trim='x'/>", 13699),
        ("<Record recordingStatusCallbackEvent='x'/>", 13620),
        ("<Redirect method='x'>/a</Redirect>", 13710),
        ("<Reject reason='tired'/>", 13810),
        ("<Pause length='0'/>", 13910),
        ("<Hangup now='yes'/>", 12200),
        ("<Reject cause='0'/>", 13810),
        ("<Reject cause='128'/>", 13810),
        ("<Pay/>", 12200),
        ("<Say><Play>x</Play>a</Say>", 12200),
    ];
    for (inner, code) in cases {
        let (_, notes) = only_verb(inner);
        assert_eq!(notes.iter().map(|note| note.code).collect::<Vec<_>>(), [code], "{inner}: {notes:?}");
        assert!(notes[0].level == Level::Warning && !notes[0].text.is_empty() && !notes[0].excerpt.is_empty());
    }
}

#[test]
fn a_verb_that_cannot_be_carried_out_is_left_out_with_its_reason() {
    for (inner, code) in [
        ("<Say> </Say>", 13520),
        ("<Play/>", 11100),
        ("<Play digits='12x'/>", 13430),
        ("<say>a</say>", 12200),
        ("stray", 12200),
    ] {
        let document = sound(&format!("<Response>{inner}</Response>"));
        assert!(document.verbs.is_empty(), "{inner}");
        assert_eq!(document.notes[0].code, code, "{inner}");
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest_known_one() {
    let document = sound("<Response>\n  <say>x</say><Say voise='man'>y</Say></Response>");
    let texts: Vec<_> = document.notes.iter().map(|n| (n.line, n.column, n.text.as_str())).collect();
    assert_eq!(
        texts,
        [
            (2, 3, "there is no verb <say>: passed over; did you mean Say?"),
            (2, 20, "<Say> has no attribute voise: passed over; did you mean voice?"),
        ]
    );
    assert_eq!(document.strict_fault().map(|note| (note.code, note.line)), Some((12200, 2)));
}

#[test]
fn loops_are_capped() {
    let endless = "9".repeat(30);
    for (text, rounds, codes) in [
        ("0", 1_000, vec![]),
        ("1", 1, vec![]),
        ("7", 7, vec![]),
        ("1000", 1_000, vec![]),
        ("1001", 1_000, vec![13410]),
        (endless.as_str(), 1_000, vec![13410]),
        ("-1", 1, vec![13410]),
    ] {
        let (verb, notes) = only_verb(&format!("<Play loop='{text}'>a</Play>"));
        assert_eq!(verb, Verb::Play(Play { sound: Sound::Url("a".into()), rounds }));
        assert_eq!(notes.iter().map(|note| note.code).collect::<Vec<_>>(), codes, "{text}");
    }
}

#[test]
fn more_than_this_box_allows_is_taken_for_the_most_with_a_warning() {
    let (verb, notes) =
        only_verb("<Gather timeout='3601' numDigits='257' speechTimeout='601' maxSpeechTime='9999999999'/>");
    let Verb::Gather(gather) = verb else { panic!("{verb:?}") };
    assert_eq!((gather.timeout_s, gather.num_digits, gather.max_speech_s), (3_600, Some(256), 600));
    assert_eq!(gather.speech_timeout, SpeechTimeout::Secs(600));
    assert_eq!(notes.iter().map(|note| note.code).collect::<Vec<_>>(), [13312, 13313, 13327, 13328]);
    assert_eq!(notes[0].text, "<Gather timeout>: 3600 at most: that is used");
    let (verb, notes) = only_verb("<Pause length='86401'/>");
    assert_eq!((verb, notes[0].code), (Verb::Pause(Pause { length_s: 86_400 }), 13910));
    let (verb, notes) = only_verb("<Record timeout='14401'/>");
    assert!(matches!(verb, Verb::Record(Record { timeout_s: 14_400, .. })) && notes[0].code == 13610);
    let (verb, notes) = only_verb("<Dial timeLimit='86401'>1</Dial>");
    assert!(matches!(verb, Verb::Dial(dial) if dial.time_limit_s == 86_400) && notes[0].code == 13216);
}

#[test]
fn keys_may_wait_half_a_second_and_a_whole_one() {
    let (verb, notes) = only_verb("<Play digits=' 1wW#A '/>");
    assert_eq!((verb, notes), (Verb::Play(Play { sound: Sound::Keys("1wW#A".into()), rounds: 1 }), vec![]));
}

#[test]
fn what_is_not_well_formed_is_refused_where_it_is() {
    let cases = [
        ("", 11770, 1, 1),
        ("  \n ", 11770, 1, 1),
        ("<Response><Say>x</Response>", 12100, 1, 17),
        ("<Response>", 12100, 1, 1),
        ("<Response/><Response/>", 12100, 1, 12),
        ("hello <Response/>", 12100, 1, 1),
        ("<Response/> bye", 12100, 1, 13),
        ("\n<?xml version='1.0'?><Response/>", 12100, 2, 1),
        ("<?xml version='1.0' encoding='iso-8859-1'?><Response/>", 12100, 1, 21),
        ("<?xml version='2.0'?><Response/>", 12101, 1, 7),
        ("<Response version='9'/>", 12101, 1, 11),
        ("<response/>", 12102, 1, 1),
        ("<html><body>404</body></html>", 12102, 1, 1),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><Response>&a;</Response>", 12100, 1, 1),
        ("<Response>&nbsp;</Response>", 12100, 1, 11),
        ("<Response><Say>a & b</Say></Response>", 12100, 1, 18),
        ("<Response><Say>&#0;</Say></Response>", 12100, 1, 16),
        ("<Response><Say a='1' a='2'>x</Say></Response>", 12100, 1, 22),
        ("<Response><Say a=1>x</Say></Response>", 12100, 1, 18),
        ("<Response><Say a>x</Say></Response>", 12100, 1, 16),
        ("<Response><Say a='<'>x</Say></Response>", 12100, 1, 19),
        ("<Response><1/></Response>", 12100, 1, 12),
        ("<Response>\u{1}</Response>", 12100, 1, 11),
        ("<Response><Gather actionOnEmptyResult='x'/></Response>", 13338, 1, 19),
    ];
    for (text, code, line, column) in cases {
        let found = broken(text);
        assert_eq!((found.code, found.line, found.column), (code, line, column), "{text:?}: {found}");
        assert_eq!(found.level, Level::Error);
        assert!(found.text.len() > 10, "{found}");
    }
}

#[test]
fn a_page_of_html_is_called_by_its_name() {
    let found = broken("<!DOCTYPE html>\n<html><head><title>502</title></head></html>");
    assert_eq!(found.code, 12100);
    assert!(found.text.contains("page of HTML"), "{found}");
}

#[test]
fn encodings_other_than_utf_8_are_refused_clearly() {
    assert!(parse(b"\xef\xbb\xbf<?xml version='1.0'?><Response/>", None).is_ok());
    assert!(parse(b"\xff\xfe<\0", None).unwrap_err().text.contains("UTF-16"));
    let latin = b"<Response>\n<Say>caf\xe9</Say></Response>";
    let found = parse(latin, None).unwrap_err();
    assert_eq!((found.code, found.line, found.column), (12100, 2, 9));
    assert!(parse("<Response><Say>é</Say></Response>".as_bytes(), Some("text/xml; charset=ISO-8859-1")).is_err());
    assert!(parse(b"<Response/>", Some("text/html; charset=\"ISO-8859-1\"")).is_ok(), "plain ASCII harms nobody");
}

#[test]
fn depth_verbs_and_complaints_are_bounded() {
    let deep = format!("<Response>{}{}</Response>", "<Say>".repeat(40), "</Say>".repeat(40));
    assert!(broken(&deep).text.contains("deeper"));
    let many = sound(&format!("<Response>{}</Response>", "<Hangup/>".repeat(1_200)));
    assert_eq!(many.verbs.len(), MAX_VERBS);
    let complaints = sound(&format!("<Response>{}</Response>", "<x/>".repeat(300)));
    assert_eq!(complaints.notes.len(), MAX_NOTES);
    assert!(complaints.notes[MAX_NOTES - 1].text.starts_with("251 more"));
    let values = "<Pause length='0'/>".repeat(60);
    assert!(sound(&format!("<Response>{values}</Response>")).strict_fault().is_none());
    assert!(sound(&format!("<Response>{values}<pause/>{values}</Response>")).strict_fault().is_some());
    assert_eq!(parse(&vec![b' '; MAX_DOCUMENT + 1], None).unwrap_err().code, 11750);
}

#[test]
fn a_plain_text_and_a_sound_are_documents_too() {
    let text = Document::of_text(" Good\n morning ").unwrap();
    assert_eq!(text.verbs[0].verb.to_string(), "Say \"Good morning\"");
    assert_eq!(Document::of_audio("http://a/b.mp3").verbs[0].verb.to_string(), "Play http://a/b.mp3");
}
