//! What is read of the nouns in `Dial` beside `Number`.

use super::*;

#[track_caller]
fn target(inner: &str) -> (Option<Target>, Vec<u32>) {
    let (verb, notes) = only_verb(&format!("<Dial>{inner}</Dial>"));
    let Verb::Dial(mut dial) = verb else { panic!("{verb:?}") };
    assert!(dial.targets.len() <= 1, "{dial:?}");
    (dial.targets.pop(), notes.iter().map(|note| note.code).collect())
}

#[track_caller]
fn room(attributes: &str) -> (Room, Vec<u32>) {
    match target(&format!("<Conference {attributes}>room</Conference>")) {
        (Some(Target::Conference(room)), codes) => (*room, codes),
        other => panic!("{other:?}"),
    }
}

#[test]
fn b15_every_attribute_of_a_conference_has_its_default() {
    let wanted = Room {
        name: "room".into(),
        muted: false,
        beep: Beep::Both,
        start_on_enter: true,
        end_on_exit: false,
        label: None,
        max_participants: 250,
        wait_url: None,
        wait_method: Method::Post,
        record: false,
        trim: true,
        coach: None,
        jitter_buffer: JitterBuffer::Large,
        callback: None,
        callback_method: Method::Post,
        callback_events: RoomEvents::default(),
        recording_callback: None,
        recording_callback_method: Method::Post,
        recording_events: RecordingEvents { in_progress: false, completed: true, absent: false },
        place: Place { line: 1, column: 17 },
    };
    assert_eq!(room(""), (wanted, vec![]));
}

#[test]
fn b15_a_bad_value_of_a_conference_is_named_by_its_code_and_the_default_used() {
    for (attribute, code) in [
        ("muted='yes'", 13230),
        ("startConferenceOnEnter='1'", 13232),
        ("waitMethod='x'", 13234),
        ("beep='onenter'", 13235),
        ("participantLabel='a/b'", 16023),
        ("participantLabel='a%2fb'", 16023),
        ("participantLabel='CA0123456789abcdef0123456789abcdef'", 16023),
        ("maxParticipants='1'", 16002),
        ("maxParticipants='251'", 16002),
        ("record='always'", 16002),
        ("jitterBufferSize='huge'", 16002),
        ("statusCallbackMethod='x'", 16002),
        ("statusCallbackEvent='start,end'", 16002),
        ("recordingStatusCallbackMethod='x'", 16002),
        ("recordingStatusCallbackEvent='x'", 16002),
    ] {
        let (read, codes) = room(attribute);
        assert_eq!((read, codes), (room("").0, vec![code]), "{attribute}");
    }
    let long = "x".repeat(129);
    assert_eq!(room(&format!("participantLabel='{long}'")).1, [16023]);
    assert_eq!(target(&format!("<Conference>{long}</Conference>")), (None, vec![13237]));
    assert_eq!(target("<Conference/>"), (None, vec![13237]));
}

/// A wrong word here would let somebody hear or end what he must not.
#[test]
fn b15_some_bad_values_of_a_conference_end_the_document() {
    for (attribute, code) in [("endConferenceOnExit='yes'", 13231), ("trim='x'", 13239), ("coach='CA1'", 13240)] {
        let found = broken(&format!("<Response><Dial><Conference {attribute}>r</Conference></Dial></Response>"));
        assert_eq!((found.code, found.line, found.column), (code, 1, 29), "{attribute}");
    }
    assert_eq!(room("coach='' participantLabel=' '").0, room("").0);
}

#[test]
fn b15_what_is_not_for_a_conference_is_passed_over() {
    for (attribute, code) in [("record='true'", 13217), ("hangupOnStar='true'", 13213)] {
        let (with, notes) = only_verb(&format!("<Dial {attribute}>\n<Conference>r</Conference></Dial>"));
        let (without, _) = only_verb("<Dial>\n<Conference>r</Conference></Dial>");
        assert_eq!((with, notes.len(), notes[0].code), (without, 1, code), "{attribute}");
    }
    let (_, notes) = only_verb("<Dial recordingTrack='inbound'><Conference>r</Conference></Dial>");
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn b15_the_old_name_of_the_recording_callback_counts_where_the_new_one_is_missing() {
    assert_eq!(room("eventCallbackUrl='/old'").0.recording_callback.as_deref(), Some("/old"));
    let both = room("eventCallbackUrl='/old' recordingStatusCallback='/new'");
    assert_eq!((both.0.recording_callback.as_deref(), both.1), (Some("/new"), vec![]));
}

#[test]
fn c10_a_queue_in_a_dial_has_a_name_and_perhaps_a_document() {
    let (read, codes) = target("<Queue url='/q' method='GET'> support </Queue>");
    let wanted = QueueNoun {
        name: "support".into(),
        url: Some("/q".into()),
        method: Method::Get,
        place: Place { line: 1, column: 17 },
    };
    assert_eq!((read, codes), (Some(Target::Queue(wanted)), vec![]));
    assert_eq!(target("<Queue/>"), (None, vec![14212]));
    assert_eq!(target("<Queue method='x'>q</Queue>").1, [14210]);
    assert_eq!(target("<Queue reservationSid='WR1'>q</Queue>").1, [12200]);
    assert_eq!(target(&format!("<Queue>{}</Queue>", "q".repeat(65))), (None, vec![14212]));
}

#[test]
fn b13_a_sip_address_is_checked() {
    for (text, wanted) in [
        ("sip:a@b.test", vec![]),
        ("SIPS:a:pw@b.test:5061;transport=tls?X-A=1&amp;X-B=2", vec![]),
        ("sip:a@[::1]", vec![]),
        ("", vec![13243]),
        ("a@b", vec![13243]),
        ("sip:b.test", vec![13243]),
        ("sip:@b.test", vec![13243]),
        ("sip:a@", vec![13243]),
        ("sip:a@b c", vec![13243]),
        ("sip:a@b&lt;c", vec![13243]),
        ("tel:+1", vec![13243]),
    ] {
        let (read, codes) = target(&format!("<Sip>{text}</Sip>"));
        assert_eq!((read.is_some(), codes), (wanted.is_empty(), wanted), "{text}");
    }
    let long = format!("<Sip>sip:{}@b</Sip>", "a".repeat(255));
    assert_eq!(target(&long), (None, vec![13251]));
    assert_eq!(target(&format!("<Sip>sip:a@b?X={}</Sip>", "a".repeat(1_023))), (None, vec![13251]));
}

#[test]
fn b13_several_sip_addresses_keep_their_order_priority_and_weight() {
    let (read, codes) = target(
        "<Sip username='u' password='p' codecs='PCMA, PCMU'><Uri priority='1' weight='2'>sip:a@b</Uri><Uri>x</Uri>\
         <Uri>sip:c@d</Uri></Sip>",
    );
    let Some(Target::Sip(sip)) = read else { panic!("{read:?}") };
    let uris: Vec<_> = sip.uris.iter().map(|uri| (uri.uri.as_str(), uri.priority, uri.weight)).collect();
    assert_eq!((uris, codes), (vec![("sip:a@b", 1, 2), ("sip:c@d", 0, 0)], vec![13243]));
    assert_eq!((sip.username.as_deref(), sip.password.as_deref()), (Some("u"), Some("p")));
    assert_eq!(sip.codecs, ["PCMA", "PCMU"]);
    let (read, codes) = target(&format!("<Sip>{}</Sip>", "<Uri>sip:a@b</Uri>".repeat(12)));
    let Some(Target::Sip(sip)) = read else { panic!("{read:?}") };
    assert_eq!((sip.uris.len(), codes), (10, vec![13250]));
}

#[test]
fn b13_a_client_has_an_identity_in_its_text_or_in_a_child() {
    for inner in ["<Client>carol</Client>", "<Client><Identity> carol </Identity></Client>"] {
        let (read, codes) = target(inner);
        let Some(Target::Client(client)) = read else { panic!("{read:?}") };
        assert_eq!((client.identity.as_str(), codes), ("carol", vec![]), "{inner}");
    }
    let (read, codes) = target("<Client><Identity>c</Identity><Parameter name='a' value='b'/></Client>");
    let Some(Target::Client(client)) = read else { panic!("{read:?}") };
    assert_eq!((client.parameters, codes), (vec![("a".to_owned(), "b".to_owned())], vec![]));
    assert_eq!(target("<Client/>"), (None, vec![13224]));
}

#[test]
fn c17_machine_detection_has_its_defaults_and_limits() {
    let number = |attributes: &str| match target(&format!("<Number {attributes}>1</Number>")) {
        (Some(Target::Number(number)), codes) => (number.amd.detection, codes),
        other => panic!("{other:?}"),
    };
    let wanted = MachineDetection {
        mode: MachineMode::Enable,
        timeout_s: 30,
        speech_threshold_ms: 2_400,
        speech_end_threshold_ms: 1_200,
        silence_timeout_ms: 5_000,
    };
    assert_eq!(number("machineDetection='Enable'"), (Some(wanted), vec![]));
    assert_eq!(number("machineDetectionTimeout='9'"), (None, vec![]));
    let all = "machineDetection='DetectMessageEnd' machineDetectionTimeout='60' machineDetectionSpeechThreshold='1000' \
               machineDetectionSpeechEndThreshold='500' machineDetectionSilenceTimeout='10000'";
    let wanted = MachineDetection {
        mode: MachineMode::DetectMessageEnd,
        timeout_s: 60,
        speech_threshold_ms: 1_000,
        speech_end_threshold_ms: 500,
        silence_timeout_ms: 10_000,
    };
    assert_eq!(number(all), (Some(wanted), vec![]));
}
