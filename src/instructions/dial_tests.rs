//! What is read of `Dial` and its nouns.

use super::*;

#[track_caller]
fn dial(inner: &str) -> (Dial, Vec<u32>) {
    let (verb, notes) = only_verb(inner);
    let Verb::Dial(dial) = verb else { panic!("{verb:?}") };
    assert!(notes.iter().all(|note| note.level == Level::Warning && note.text.len() > 10), "{notes:?}");
    (*dial, notes.iter().map(|note| note.code).collect())
}

#[track_caller]
fn numbers(dial: &Dial) -> Vec<&str> {
    fn name(target: &Target) -> &str {
        match target {
            Target::Number(number) => &number.number,
            Target::Conference(room) => &room.name,
            Target::Queue(queue) => &queue.name,
            Target::Sip(sip) => &sip.uris[0].uri,
            Target::Client(client) => &client.identity,
            Target::Unsupported(name) => name,
        }
    }
    dial.targets.iter().map(name).collect()
}

#[test]
fn b11_every_attribute_of_dial_has_its_default() {
    let (read, codes) = dial("<Dial>+12025550100</Dial>");
    assert!(codes.is_empty(), "{codes:?}");
    let wanted = Dial {
        action: None,
        method: Method::Post,
        timeout_s: 30,
        time_limit_s: 14_400,
        caller_id: None,
        hangup_on_star: false,
        answer_on_bridge: false,
        ring_tone: None,
        sequential: false,
        record: DialRecord { on: false, from_ringing: false, dual: false, track: Track::Both },
        trim: false,
        recording_callback: None,
        recording_callback_method: Method::Post,
        recording_events: RecordingEvents { in_progress: false, completed: true, absent: false },
        refer_url: None,
        refer_method: Method::Post,
        targets: vec![Target::Number(DialNumber {
            number: "+12025550100".into(),
            place: Place { line: 1, column: 17 },
            ..DialNumber::default()
        })],
    };
    assert_eq!(read, wanted);
    assert_eq!(DialNumber::default().leg.callback_events, CallEvents { completed: true, ..none() });
}

fn none() -> CallEvents {
    CallEvents { initiated: false, ringing: false, answered: false, completed: false }
}

#[test]
fn b11_every_attribute_of_dial_and_number_is_read() {
    let (read, codes) = dial(
        "<Dial action='/done' method='get' timeout='5' timeLimit='60' callerId=' +442079460000 ' hangupOnStar='true' \
         answerOnBridge='true' ringTone='us-old' sequential='true' record='record-from-ringing-dual' \
         recordingTrack='outbound' trim='trim-silence' recordingStatusCallback='/r' \
         recordingStatusCallbackMethod='GET' recordingStatusCallbackEvent='in-progress  absent' referUrl='/x' \
         callReason='hello'>\n<!-- first --> <Number sendDigits='wW12#A' trunk='north' statusCallback='/s' \
         statusCallbackMethod='GET' statusCallbackEvent='initiated answered'> +1 (202)\n 555-0100 </Number>\n</Dial>",
    );
    assert!(codes.is_empty(), "{codes:?}");
    assert_eq!((read.action.as_deref(), read.method), (Some("/done"), Method::Get));
    assert_eq!((read.timeout_s, read.time_limit_s), (5, 60));
    assert_eq!(read.caller_id.as_deref(), Some("+442079460000"));
    assert!(read.hangup_on_star && read.answer_on_bridge && read.sequential && read.trim);
    assert_eq!(read.ring_tone.as_deref(), Some("us-old"));
    assert_eq!(read.record, DialRecord { on: true, from_ringing: true, dual: true, track: Track::Outbound });
    assert_eq!((read.recording_callback.as_deref(), read.recording_callback_method), (Some("/r"), Method::Get));
    assert_eq!(read.recording_events, RecordingEvents { in_progress: true, completed: false, absent: true });
    let Target::Number(number) = &read.targets[0] else { panic!("{read:?}") };
    assert_eq!((number.number.as_str(), number.send_digits.as_str()), ("+1 (202) 555-0100", "wW12#A"));
    assert_eq!((number.group.as_str(), number.place.line), ("north", 2));
    assert_eq!((number.leg.callback.as_deref(), number.leg.callback_method), (Some("/s"), Method::Get));
    assert_eq!(number.leg.callback_events, CallEvents { initiated: true, answered: true, ..none() });
}

#[test]
fn b11_a_text_is_one_number_and_blanks_do_not_count() {
    for (inner, wanted) in [
        ("<Dial> 100 </Dial>", "100"),
        ("<Dial><!-- a -->020<!-- b --> 7946\n0000</Dial>", "020 7946 0000"),
        ("<Dial><![CDATA[*21#]]></Dial>", "*21#"),
        ("<Dial><Number>+44\u{a0}20\u{2011}7946</Number></Dial>", "+44 20\u{2011}7946"),
    ] {
        let (read, codes) = dial(inner);
        assert_eq!((numbers(&read), codes), (vec![wanted], vec![]), "{inner}");
    }
}

#[test]
fn b11_what_is_no_number_is_passed_over_and_the_dial_stays() {
    for inner in [
        "<Dial/>",
        "<Dial> </Dial>",
        "<Dial>Alice</Dial>",
        "<Dial>+</Dial>",
        "<Dial><Number/></Dial>",
        "<Dial><Number>0800 FLOWERS</Number></Dial>",
        "<Dial><Number>client:alice</Number></Dial>",
        "<Dial><Number>12,,3</Number></Dial>",
        "<Dial><Number>٠٢٠</Number></Dial>",
        "<Dial><Number>1&#9;<![CDATA[;rm]]></Number></Dial>",
    ] {
        let (read, codes) = dial(inner);
        assert_eq!((read.targets, codes), (vec![], vec![13223]), "{inner}");
    }
    let (read, codes) = dial(&format!("<Dial><Number>{}</Number><Number>2</Number></Dial>", "1".repeat(65)));
    assert_eq!((numbers(&read), codes), (vec!["2"], vec![13223]));
    let (_, notes) = only_verb("<Dial>sip:alice@example.com</Dial>");
    assert!(notes[0].text.contains("<Sip>"), "{notes:?}");
}

#[test]
fn b12_a_ring_or_talk_limit_out_of_range_is_named_and_the_default_used() {
    for (value, read_s, wrong) in [
        ("5", 5, false),
        ("600", 600, false),
        ("4", 30, true),
        ("1", 30, true),
        ("0", 30, true),
        ("601", 30, true),
        ("-5", 30, true),
        ("", 30, true),
        ("30s", 30, true),
        ("99999999999999999999", 30, true),
    ] {
        let (read, codes) = dial(&format!("<Dial timeout='{value}'>1</Dial>"));
        assert_eq!(read.timeout_s, read_s, "{value}");
        assert_eq!(codes, if wrong { vec![13212] } else { vec![] }, "{value}");
    }
    for (value, read_s, wrong) in [("1", 1, false), ("86400", 86_400, false), ("0", 14_400, true), ("x", 14_400, true)]
    {
        let (read, codes) = dial(&format!("<Dial timeLimit='{value}'>1</Dial>"));
        assert_eq!((read.time_limit_s, codes.is_empty()), (read_s, !wrong), "{value}");
    }
}

#[test]
fn b12_a_bad_value_is_named_by_its_code_and_the_rest_is_read() {
    let cases = [
        ("method='PUT'", 13210),
        ("recordingStatusCallbackMethod='x'", 13210),
        ("ifMachine='Continue'", 13211),
        ("timeout='soon'", 13212),
        ("hangupOnStar='yes'", 13213),
        ("callerId='11111111111111111111111111111111111111111111111111111111111111111'", 13214),
        ("timeLimit='-1'", 13216),
        ("record='always'", 13217),
        ("recordingTrack='left'", 13217),
        ("recordingStatusCallbackEvent='completed gone'", 13217),
        ("sequential='1'", 13218),
        ("answerOnBridge=''", 13219),
        ("ringTone='mars'", 13220),
        ("ringTone='US'", 13220),
        ("trim='yes'", 13699),
        ("timeOut='5'", 12200),
    ];
    for (attribute, code) in cases {
        let (read, codes) = dial(&format!("<Dial {attribute}>1</Dial>"));
        assert_eq!((codes, read), (vec![code], dial("<Dial>1</Dial>").0.at(attribute)), "{attribute}");
    }
    let number = [
        ("sendDigits='1p2'", 13222),
        ("statusCallbackMethod='x'", 13221),
        ("statusCallbackEvent='answered, completed'", 13221),
        ("method='x'", 13221),
        ("machineDetection='enable'", 21234),
        ("machineDetectionTimeout='2'", 21263),
        ("machineDetectionSpeechThreshold='999'", 21263),
        ("machineDetectionSpeechEndThreshold='5001'", 21263),
        ("machineDetectionSilenceTimeout='x'", 21263),
        ("amdStatusCallbackMethod='x'", 13221),
        ("type='foreign'", 13223),
        ("presentation='hidden'", 13214),
        ("Url='/whisper'", 12200),
        ("senddigits='1'", 12200),
    ];
    for (attribute, code) in number {
        let (read, codes) = dial(&format!("<Dial><Number {attribute}>1</Number></Dial>"));
        let wanted = DialNumber { number: "1".into(), place: Place { line: 1, column: 17 }, ..DialNumber::default() };
        assert_eq!((codes, read.targets), (vec![code], vec![Target::Number(wanted)]), "{attribute}");
    }
}

impl Dial {
    /// The same, where its only number moves behind an attribute.
    fn at(mut self, attribute: &str) -> Dial {
        let moved = u32::try_from(attribute.chars().count() + 1).unwrap_or(0);
        if let Some(Target::Number(number)) = self.targets.first_mut() {
            number.place.column += moved;
        }
        self
    }
}

#[test]
fn b12_what_is_recorded_is_told_by_one_word() {
    let record = |on, from_ringing, dual| DialRecord { on, from_ringing, dual, track: Track::Both };
    for (word, wanted) in [
        ("do-not-record", record(false, false, false)),
        ("false", record(false, false, false)),
        ("true", record(true, false, false)),
        ("record-from-answer", record(true, false, false)),
        ("record-from-ringing", record(true, true, false)),
        ("record-from-answer-dual", record(true, false, true)),
        ("record-from-ringing-dual", record(true, true, true)),
    ] {
        let (read, codes) = dial(&format!("<Dial record='{word}'>1</Dial>"));
        assert_eq!((read.record, codes), (wanted, vec![]), "{word}");
    }
    for (word, track) in [("both", Track::Both), ("inbound", Track::Inbound), ("outbound", Track::Outbound)] {
        assert_eq!(dial(&format!("<Dial recordingTrack='{word}'>1</Dial>")).0.record.track, track);
    }
}

#[test]
fn b12_every_ring_tone_of_the_list_is_known_and_automatic_is_none() {
    let list = "at au bg br be ch cl cn cz de dk ee es fi fr gr hu il in it lt jp mx my nl no nz ph pl pt ru se sg th uk us \
                us-old tw ve za";
    for tone in list.split(' ') {
        let (read, codes) = dial(&format!("<Dial ringTone='{tone}'>1</Dial>"));
        assert_eq!((read.ring_tone.as_deref(), codes), (Some(tone), vec![]));
    }
    assert_eq!(dial("<Dial ringTone='automatic'>1</Dial>").0.ring_tone, None);
}

#[test]
fn b13_several_numbers_keep_their_order_up_to_ten() {
    let (read, codes) = dial("<Dial sequential='true'><Number>3</Number><Number>1</Number> <Number>2</Number></Dial>");
    assert_eq!((numbers(&read), codes, read.sequential), (vec!["3", "1", "2"], vec![], true));
    for (count, wanted) in [(10, vec![]), (11, vec![13215]), (1_000, vec![13215])] {
        let (read, codes) = dial(&format!("<Dial>{}</Dial>", "<Number>1</Number>".repeat(count)));
        assert_eq!((read.targets.len(), codes), (MAX_TARGETS, wanted), "{count}");
    }
}

#[test]
fn b13_nouns_that_cannot_be_called_are_targets_with_a_reason() {
    for (name, word) in [("Sim", "SIM"), ("WhatsApp", "WhatsApp"), ("Application", "Redirect")] {
        let (verb, notes) = only_verb(&format!("<Dial>\n<{name} muted='true'>x<Parameter/></{name}></Dial>"));
        let Verb::Dial(read) = verb else { panic!("{verb:?}") };
        assert_eq!(read.targets, [Target::Unsupported(name.into())]);
        assert_eq!((notes.len(), notes[0].code, notes[0].line), (1, 12200, 2), "{notes:?}");
        assert!(notes[0].text.contains(word), "{notes:?}");
    }
}

#[test]
fn b13_a_conference_or_queue_must_be_alone() {
    for (inner, left) in [
        ("<Conference>a</Conference><Number>1</Number>", "1"),
        ("<Number>1</Number><Queue>a</Queue>", "1"),
        ("<Conference>a</Conference><Conference>b</Conference>", "a"),
        ("<Queue>a</Queue><Conference>b</Conference>", "a"),
    ] {
        let (read, codes) = dial(&format!("<Dial>{inner}</Dial>"));
        assert_eq!(numbers(&read), [left], "{inner}");
        assert!(codes.contains(&13000), "{inner}: {codes:?}");
    }
}

#[test]
fn b13_what_may_not_stand_in_a_dial_is_named_with_the_nearest_name() {
    for (inner, hint) in [
        ("<number>2</number>", "did you mean Number?"),
        ("<Numbr>2</Numbr>", "did you mean Number?"),
        ("<Telephone>2</Telephone>", "the nouns are Number, Conference"),
        ("<Say>2</Say>", "put it after </Dial>"),
        ("<Dial>2</Dial>", "put it after </Dial>"),
    ] {
        let (verb, notes) = only_verb(&format!("<Dial>{inner}<Number>1</Number></Dial>"));
        let Verb::Dial(read) = verb else { panic!("{verb:?}") };
        assert_eq!((numbers(&read), notes.len(), notes[0].code), (vec!["1"], 1, 12200), "{inner}");
        assert!(notes[0].text.contains(hint), "{notes:?}");
    }
    let (read, codes) = dial("<Dial>200<Number>1</Number></Dial>");
    assert_eq!((numbers(&read), codes), (vec!["1"], vec![13215]), "text beside a noun is not called");
    let (read, codes) = dial("<Dial><Number>1<Number>2</Number></Number></Dial>");
    assert_eq!((numbers(&read), codes), (vec!["1"], vec![12200]));
}

#[test]
fn b13_a_number_names_its_group_of_lines_and_never_goes_out_on_another() {
    let group = |attributes: &str| {
        let (read, codes) = dial(&format!("<Dial><Number {attributes}>1</Number></Dial>"));
        let group = read.targets.into_iter().next().map(|target| match target {
            Target::Number(number) => number.group,
            other => panic!("{other:?}"),
        });
        (group, codes)
    };
    assert_eq!(group(""), (Some(String::new()), vec![]));
    assert_eq!(group("byoc='BY0123'"), (Some("BY0123".into()), vec![]));
    assert_eq!(group("trunk=' south '"), (Some("south".into()), vec![]));
    assert_eq!(group("byoc='BY0123' trunk='south'"), (Some("south".into()), vec![13224]));
    assert_eq!(group(&format!("trunk='{}'", "x".repeat(65))), (None, vec![13224]));
}

#[test]
fn b14_the_caller_id_is_the_callers_own_unless_one_is_given() {
    for (attribute, wanted) in [
        ("", None),
        ("callerId=''", None),
        ("callerId='  '", None),
        ("callerId='+442079460000'", Some("+442079460000")),
        ("callerId='client:alice'", Some("client:alice")),
    ] {
        let (read, codes) = dial(&format!("<Dial {attribute}>1</Dial>"));
        assert_eq!((read.caller_id.as_deref(), codes), (wanted, vec![]), "{attribute}");
    }
    let (read, codes) = dial("<Dial callerId='+44&#10;x'>1</Dial>");
    assert_eq!((read.caller_id, codes), (None, vec![13214]), "no line break reaches a header");
}

/// 64 KiB of nouns, of names nearly right and of text must stay cheap and bounded.
#[test]
fn b13_the_worst_dial_is_bounded() {
    for piece in [
        "<Number>1</Number>",
        "<number/>",
        "<Sip/>",
        "<Conference/>",
        "1<!---->",
        "<Number url='/' x='1'/>",
        "<Sip><Uri/></Sip>",
    ] {
        let count = (MAX_DOCUMENT - 40) / piece.len();
        let document = sound(&format!("<Response><Dial>{}</Dial></Response>", piece.repeat(count)));
        let Verb::Dial(read) = &document.verbs[0].verb else { panic!("{document:?}") };
        assert!(read.targets.len() <= MAX_TARGETS && document.notes.len() <= MAX_NOTES, "{piece}");
    }
}
