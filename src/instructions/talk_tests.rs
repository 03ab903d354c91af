//! What is read of `Connect`, `Start`, `Stop`, and of the verbs that wait, refer and write.

use super::*;

#[track_caller]
fn verb(inner: &str) -> (Option<Verb>, Vec<u32>) {
    let mut document = sound(&format!("<Response>{inner}</Response>"));
    assert!(document.verbs.len() <= 1, "{document:?}");
    let codes = document.notes.iter().map(|note| note.code).collect();
    (document.verbs.pop().map(|placed| placed.verb), codes)
}

#[test]
fn every_new_verb_is_shown_in_a_line() {
    for (inner, wanted) in [
        ("<Enqueue>support</Enqueue>", "Enqueue \"support\""),
        ("<Enqueue/>", "Enqueue \"default\""),
        ("<Leave/>", "Leave"),
        ("<Refer><Sip>sip:a@b</Sip></Refer>", "Refer sip:a@b"),
        ("<Sms to='+1'>hello</Sms>", "Sms \"hello\" to=+1"),
        ("<Message><Body>hello</Body></Message>", "Message \"hello\""),
        ("<Connect><Stream url='wss://a/b'/></Connect>", "Connect Stream wss://a/b"),
        ("<Start><Stream url='/b'/></Start>", "Start Stream /b"),
        ("<Start><Recording/></Start>", "Start Recording"),
        ("<Start><Transcription/></Start>", "Start Transcription en-US"),
        ("<Start><Siprec/></Start>", "Start Siprec Default"),
        ("<Stop><Stream name='n'/></Stop>", "Stop Stream name=n"),
        ("<Stop><Recording/></Stop>", "Stop Recording"),
        ("<Echo/>", "Echo"),
        ("<Gather input='speech'/>", "Gather input=speech timeout=5"),
        ("<Reject cause='34'/>", "Reject cause=34"),
        ("<Dial><Conference>room</Conference></Dial>", "Dial conference \"room\""),
        ("<Dial><Queue>support</Queue></Dial>", "Dial queue \"support\""),
        ("<Dial><Client>carol</Client><Sip>sip:a@b</Sip></Dial>", "Dial client:carol sip:a@b"),
    ] {
        let (verb, codes) = verb(inner);
        assert_eq!((verb.map(|verb| verb.to_string()).as_deref(), codes), (Some(wanted), vec![]), "{inner}");
    }
    assert_eq!(verb("<Pay/>").0.map(|verb| verb.to_string()).as_deref(), Some("Pay (not available)"));
    assert_eq!(
        verb("<Connect><Room>r</Room></Connect>").0.map(|verb| verb.to_string()).as_deref(),
        Some("Connect <Room> (not available)")
    );
}

#[test]
fn a_stream_goes_to_a_web_socket_without_a_query() {
    for (url, code) in [
        ("wss://a.test/b", 0),
        ("ws://a.test", 0),
        ("WSS://a.test:1/b#c=d?", 0),
        ("/relative/path", 0),
        ("stream", 0),
        ("/a/b:c", 0),
        ("", 31923),
        ("wss://", 31923),
        ("wss:a", 31923),
        ("wss://a.test/b?c=d", 31923),
        ("/a?b", 31923),
        ("wss://a.test/b c", 31923),
        ("https://a.test/b", 31922),
        ("javascript:x", 31922),
    ] {
        for outer in ["Connect", "Start"] {
            let (read, codes) = verb(&format!("<{outer}><Stream url='{url}'/></{outer}>"));
            let wanted = if code == 0 { vec![] } else { vec![code] };
            assert_eq!((read.is_some(), codes), (code == 0, wanted), "{outer} {url}");
        }
    }
    assert_eq!(verb("<Connect><Stream/></Connect>"), (None, vec![31923]));
}

#[test]
fn a_stream_has_its_defaults_and_its_parameters() {
    let pairs = "<Parameter name='a' value=' b '/><Parameter name='c'/><Parameter value='x'/>";
    let (read, codes) = verb(&format!("<Connect>\n<Stream url='/s'>{pairs}</Stream></Connect>"));
    let Some(Verb::Connect(Connect { noun: ConnectNoun::Stream(stream), action: None, .. })) = read else {
        panic!("{read:?}")
    };
    assert_eq!(codes, [31923], "a parameter without a name is passed over");
    assert_eq!(stream.parameters, [("a".into(), " b ".into()), ("c".into(), String::new())]);
    assert_eq!((stream.track, stream.name, stream.callback), (StreamTrack::Inbound, None, None));
    assert_eq!((stream.callback_method, stream.place), (Method::Post, Place { line: 2, column: 1 }));
    for (length, kept) in [(499, 1), (500, 0)] {
        let value = "é".repeat(length);
        let (read, _) =
            verb(&format!("<Start><Stream url='/s'><Parameter name='n' value='{value}'/></Stream></Start>"));
        let Some(Verb::Start(Start { noun: StartNoun::Stream(stream), .. })) = read else { panic!("{read:?}") };
        assert_eq!(stream.parameters.len(), kept, "{length}");
    }
    let many = "<Parameter name='n' value='v'/>".repeat(200);
    let (read, codes) = verb(&format!("<Start><Stream url='/s'>{many}</Stream></Start>"));
    let Some(Verb::Start(Start { noun: StartNoun::Stream(stream), .. })) = read else { panic!("{read:?}") };
    assert_eq!((stream.parameters.len(), codes), (100, vec![31923]));
}

#[test]
fn a_connected_stream_hears_the_caller_alone() {
    for (track, codes) in [("inbound_track", vec![]), ("outbound_track", vec![31941]), ("both_tracks", vec![31941])] {
        let (read, found) = verb(&format!("<Connect><Stream url='/s' track='{track}'/></Connect>"));
        let Some(Verb::Connect(Connect { noun: ConnectNoun::Stream(stream), .. })) = read else { panic!("{read:?}") };
        assert_eq!((stream.track, found), (StreamTrack::Inbound, codes), "{track}");
    }
}

#[test]
fn connect_has_one_noun() {
    assert_eq!(verb("<Connect/>"), (None, vec![12200]));
    assert_eq!(verb("<Connect>x</Connect>").1, [12200, 12200]);
    let (read, codes) = verb("<Connect><stream/><Stream url='/1'/><Stream url='/2'/></Connect>");
    assert_eq!(read.map(|verb| verb.to_string()).as_deref(), Some("Connect Stream /1"));
    assert_eq!(codes, [12200, 12200], "the wrong one, the second one");
}

#[test]
fn a_wrong_noun_in_start_or_stop_ends_the_document_where_it_stands() {
    for inner in [
        "<Start>\n<Conference/></Start>",
        "<Stop>\n<Say>a</Say></Stop>",
        "<Start>\n<stream/></Start>",
        "<Say>a</Say>\n<Start/>",
        "<Say>a</Say>\n<Stop>x</Stop>",
    ] {
        let found = broken(&format!("<Response>{inner}</Response>"));
        assert_eq!((found.code, found.line, found.column, found.level), (14300, 2, 1, Level::Error), "{inner}");
        assert!(found.text.contains("Siprec"), "{found}");
    }
    let (read, codes) = verb("<Stop><Siprec/><Stream/></Stop>");
    assert_eq!((read, codes), (Some(Verb::Stop(Stop { kind: StopKind::Siprec, name: None })), vec![12200]));
}

#[test]
fn what_runs_beside_a_call_has_its_defaults() {
    let (read, codes) = verb("<Start><Recording/></Start>");
    let wanted = StartRecording {
        callback: None,
        callback_method: Method::Post,
        callback_events: RecordingEvents { in_progress: false, completed: true, absent: false },
        trim: true,
        track: Track::Both,
        dual: true,
    };
    let start = |noun| Some(Verb::Start(Start { action: None, method: Method::Post, noun }));
    assert_eq!((read, codes), (start(StartNoun::Recording(wanted)), vec![]));
    let (read, _) = verb("<Start><Transcription/></Start>");
    let wanted = Transcription {
        name: None,
        track: StreamTrack::Both,
        callback: None,
        callback_method: Method::Post,
        inbound_label: None,
        outbound_label: None,
        partial_results: false,
        language: "en-US".into(),
        speech_model: String::new(),
        hints: vec![],
        parameters: vec![],
    };
    assert_eq!(read, start(StartNoun::Transcription(Box::new(wanted))));
    let (read, _) = verb("<Start><Siprec/></Start>");
    let wanted = Siprec {
        name: None,
        connector: "Default".into(),
        track: StreamTrack::Both,
        callback: None,
        callback_method: Method::Post,
        parameters: vec![],
    };
    assert_eq!(read, start(StartNoun::Siprec(Box::new(wanted))));
}

#[test]
fn a_bad_value_beside_a_call_is_named_by_its_code_and_the_rest_is_read() {
    for (inner, code) in [
        ("<Connect method='x'><Stream url='/s'/></Connect>", 11100),
        ("<Start><Stream url='/s' track='left'/></Start>", 31941),
        ("<Start><Stream url='/s' statusCallbackMethod='x'/></Start>", 31923),
        ("<Start><Recording track='left'/></Start>", 13620),
        ("<Start><Recording channels='two'/></Start>", 13620),
        ("<Start><Recording trim='x'/></Start>", 13699),
        ("<Start><Recording recordingStatusCallbackMethod='x'/></Start>", 13611),
        ("<Start><Transcription languageCode='en us'/></Start>", 94304),
        ("<Start><Transcription track='left'/></Start>", 32651),
        ("<Start><Transcription partialResults='x'/></Start>", 32651),
        ("<Start><Siprec track='left'/></Start>", 14300),
        ("<Start><Siprec Name='x'/></Start>", 12200),
        ("<Enqueue method='x'>q</Enqueue>", 14201),
        ("<Enqueue waitUrlMethod='x'>q</Enqueue>", 14206),
        ("<Enqueue maxQueueSize='0'>q</Enqueue>", 14207),
        ("<Enqueue maxQueueSize='5001'>q</Enqueue>", 14207),
        ("<Enqueue workflowSid='WW1'><Task>{}</Task></Enqueue>", 12200),
        ("<Leave now='x'/>", 12200),
        ("<Echo>x<Say>a</Say></Echo>", 12200),
        ("<Refer method='x'><Sip>sip:a@b</Sip></Refer>", 13241),
        ("<Sms method='x'>a</Sms>", 14104),
        ("<Sms to='1&#10;2'>a</Sms>", 14101),
        ("<Message from='12345678901234567890123456789012345678901234567890123456789012345'>a</Message>", 14102),
        ("<Message><Body>a</Body><Media/></Message>", 14103),
        ("<Message>a<Body>b</Body></Message>", 12200),
    ] {
        let (read, codes) = verb(inner);
        assert!(read.is_some() && codes.first() == Some(&code), "{inner}: {codes:?}");
    }
}

#[test]
fn b19_a_message_has_a_text_or_media_and_a_limit() {
    for inner in ["<Sms/>", "<Message/>", "<Message><Body> </Body></Message>", "<Sms><Body>a</Body></Sms>"] {
        let (read, codes) = verb(inner);
        assert!(read.is_none() && codes.contains(&14103), "{inner}: {codes:?}");
    }
    let (read, codes) = verb(&format!("<Sms>{}</Sms>", "é".repeat(1_601)));
    let Some(Verb::Sms(sms)) = read else { panic!("{read:?}") };
    assert_eq!((sms.body.chars().count(), codes), (1_600, vec![14103]));
    let (read, codes) = verb("<Message>\n<Media>/a.png</Media> <Media>/b.png</Media></Message>");
    let Some(Verb::Message(sms)) = read else { panic!("{read:?}") };
    assert_eq!((sms.body.as_str(), sms.media.len(), codes), ("", 2, vec![]));
    let (read, codes) = verb(&format!("<Message>{}</Message>", "<Media>/a</Media>".repeat(12)));
    let Some(Verb::Message(sms)) = read else { panic!("{read:?}") };
    assert_eq!((sms.media.len(), codes), (10, vec![14103, 14103]));
}

#[test]
fn c10_a_queue_has_a_name_of_64_characters_at_most() {
    for (length, wanted) in [(64, vec![]), (65, vec![14205])] {
        let (read, codes) = verb(&format!("<Enqueue>{}</Enqueue>", "é".repeat(length)));
        assert_eq!((read.is_some(), codes), (length == 64, wanted));
    }
    let (read, codes) = verb("<Enqueue waitUrl='' maxQueueSize='9'> a\n b </Enqueue>");
    let Some(Verb::Enqueue(queue)) = read else { panic!("{read:?}") };
    assert_eq!((queue.name.as_str(), queue.wait_url.as_deref(), codes), ("a b", Some(""), vec![]));
    assert_eq!((queue.max_queue_size, queue.action, queue.method), (Some(9), None, Method::Post));
}

#[test]
fn a_refer_names_a_sip_address() {
    for (inner, wanted) in [
        ("<Refer/>", vec![13243]),
        ("<Refer><Sip>carol</Sip></Refer>", vec![13243]),
        ("<Refer><Number>1</Number></Refer>", vec![12200, 13243]),
    ] {
        assert_eq!(verb(inner), (None, wanted), "{inner}");
    }
}
