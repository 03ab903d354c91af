//! A seeded mutator that must never make the parser panic or hang, and the worst that 64 KiB can be made of.

use super::*;

/// Sound documents; together they have every verb and noun.
const SEEDS: [&str; 8] = [
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Gather numDigits=\"1\" action=\"/k?a=1&amp;b=2\"><Say \
     voice=\"alice\" language='en-GB'>Press &#49; é <break/></Say><Play loop='0'>m.mp3</Play></Gather></Response>",
    "<Response><!-- c --><Record maxLength='10' trim=\"do-not-trim\" recordingStatusCallback='/r' \
     transcribeCallback='/t'/><Redirect method=\"GET\">../next</Redirect><Reject reason=\"busy\" cause='34'/><Hangup/>\
     <Pause length='2'/></Response>",
    "<Response><Say><![CDATA[a < b]]> &lt;<prosody rate='80%' pitch=\"+10%\"><sub alias='x&amp;y'>z</sub><say-as \
     interpret-as='date' format='dmy'>1</say-as></prosody><phoneme ph='a\"' alphabet='ipa'>b</phoneme><p><s>c</s></p>\
     </Say><Play digits='12ww#'/><Dial><Number>1</Number></Dial><Echo/></Response>",
    "<Response><Dial action='/d' timeout='20' record=\"true\" callerId='+1' referUrl='/r'>+1 202<Number \
     sendDigits='w1#' statusCallbackEvent='ringing answered' trunk='a' url='/w' machineDetection='Enable' \
     machineDetectionTimeout='9' type='national' presentation='restricted'>(020) 7946</Number><Sip \
     username='u'><Uri priority='1' weight='2'>sip:a@b:5060;transport=tls?X-A=1</Uri></Sip><Client><Identity>c\
     </Identity><Parameter name='a' value='b'/></Client></Dial><Dial>1</Dial><Dial><Queue url='/q'>q</Queue></Dial>\
     </Response>",
    "<Response><Dial><Conference beep='onEnter' endConferenceOnExit='true' participantLabel='chair' \
     maxParticipants='9' waitUrl='/w' record='record-from-start' trim='do-not-trim' \
     coach='CA00000000000000000000000000000001' jitterBufferSize='off' statusCallback='/s' \
     statusCallbackEvent='start end join leave mute hold modify speaker announcement'>room</Conference></Dial>\
     </Response>",
    "<Response><Enqueue action='/a' waitUrl='/w' maxQueueSize='7'>support</Enqueue><Leave/><Refer action='/r'><Sip>\
     sip:a@b</Sip></Refer><Sms to='+1' from='+2' statusCallback='/s'>hello</Sms><Message><Body>a</Body><Media>/m.png\
     </Media></Message><Pay/></Response>",
    "<Response><Connect action='/c'><Stream url='wss://a/b' name='n' track='inbound_track'><Parameter name='a' \
     value='b'/></Stream></Connect><Start><Stream url='/rel' track='both_tracks'/></Start><Stop><Stream \
     name='n'/></Stop><Start><Recording channels='mono' track='inbound'/></Start></Response>",
    "<Response><Start action='/s'><Transcription name='t' languageCode='de-DE' hints='a, b' partialResults='true'>\
     <Config name='x' value='y'/><Parameter name='a' value='b'/></Transcription></Start><Start><Siprec name='s' \
     connectorName='srs'><Parameter name='a' value='b'/></Siprec></Start><Stop><Transcription name='t'/></Stop><Stop>\
     <Siprec/></Stop><Stop><Recording/></Stop><Gather input='dtmf speech' timeout='auto' speechTimeout='3' hints='yes,\
     no'/></Response>",
];

const PLACES: [DocumentPlace; 5] = [
    DocumentPlace::RoomWait,
    DocumentPlace::QueueWait,
    DocumentPlace::Whisper,
    DocumentPlace::QueueWhisper,
    DocumentPlace::Announce,
];

/// xorshift64*: good enough to wander, and the same everywhere.
struct Wander(u64);

impl Wander {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap_or(0) % bound
    }
}

/// Cuts, doubles, swaps and flips octets of sound documents, and splices in what parsers dislike.
#[test]
fn no_mutation_of_a_document_makes_the_parser_panic() {
    let seeds = SEEDS;
    let dislikes: [&[u8]; 14] = [
        b"<",
        b">",
        b"&",
        b"&#x110000;",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"--",
        b"<?xml?>",
        b"\"",
        b"\0",
        b"\xff",
        b"<!DOCTYPE a [",
        b"</",
    ];
    let mut wander = Wander(0x7157_1234_5678_9abc);
    let mut accepted = 0;
    for round in 0..20_000 {
        let mut octets = seeds[wander.below(seeds.len())].as_bytes().to_vec();
        for _ in 0..=wander.below(6) {
            let at = wander.below(octets.len() + 1);
            let to = at + wander.below(octets.len() - at + 1).min(24);
            match wander.below(5) {
                0 => drop(octets.drain(at..to)),
                1 => {
                    let copy = octets[at..to].to_vec();
                    let into = wander.below(octets.len() + 1);
                    octets.splice(into..into, copy);
                }
                2 => {
                    octets.splice(at..at, dislikes[wander.below(dislikes.len())].iter().copied());
                }
                3 if at < octets.len() => octets[at] = wander.below(256) as u8,
                _ => octets.truncate(to.max(1)),
            }
            if octets.is_empty() {
                octets.push(b'<');
            }
        }
        match parse(&octets, None) {
            Ok(document) => {
                accepted += 1;
                assert!(document.verbs.len() <= MAX_VERBS && document.notes.len() <= MAX_NOTES);
                for placed in &document.verbs {
                    let line = placed.verb.to_string();
                    assert!(line.len() <= 64 + 2 * octets.len(), "round {round}: {line}");
                }
                let whole = format!("{document:?}").len();
                assert!(whole <= 8_000 + 60 * octets.len() + 1_000 * document.notes.len(), "round {round}: {whole}");
                let place = PLACES[wander.below(PLACES.len())];
                let limited = document.limit_to(place);
                assert!(limited.notes.len() <= MAX_NOTES);
                assert!(limited.verbs.iter().all(|placed| place.allowed().contains(&placed.verb.name())));
            }
            Err(diagnostic) => assert!(diagnostic.line >= 1 && diagnostic.column >= 1, "round {round}: {diagnostic}"),
        }
    }
    assert!(accepted > 200, "the mutator breaks everything: {accepted}");
}

/// Documents made of the catalogue: any element in any other one, any attribute with any value.
#[test]
fn no_mixture_of_what_is_known_makes_the_parser_panic() {
    let rows: Vec<_> = crate::catalogue().collect();
    let values = [
        "",
        " ",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "7",
        "99999999999",
        "auto",
        "GET",
        "/a",
        "wss://a/b",
        "wss://",
        "?",
        "é",
        "sip:a@b",
        "http://u:p@a/b#c",
        "Enable",
        "dtmf speech",
        "start end",
        "1w#",
        "both_tracks",
        "a,b,,c",
        "500ms",
        "{Digits}",
        "CA0123456789abcdef0123456789abcdef",
        "&#10;",
        "&lt;/Say&gt;",
        "&quot;",
    ];
    let mut wander = Wander(0x00c0_ffee_1234_5678);
    let (mut accepted, mut verbs) = (0, 0);
    for round in 0..5_000 {
        let mut text = String::from("<Response>");
        let mut open: Vec<&str> = Vec::new();
        for _ in 0..=wander.below(12) {
            match wander.below(4) {
                0 if open.len() > 1 => text.push_str(&format!("</{}>", open.pop().unwrap_or_default())),
                1 => text.push_str(values[wander.below(values.len())]),
                _ => {
                    let row = rows[1 + wander.below(rows.len() - 1)];
                    // Mostly a path as it should be, with attributes of its last element.
                    let path: Vec<&str> = row.element.split('>').collect();
                    let from = if wander.below(8) == 0 { path.len() - 1 } else { 0 };
                    while from == 0 && !open.is_empty() {
                        text.push_str(&format!("</{}>", open.pop().unwrap_or_default()));
                    }
                    for (at, name) in path.iter().enumerate().skip(from) {
                        text.push_str(&format!("<{name}"));
                        let own = crate::catalogue().filter(|r| r.element == row.element && !r.attribute.is_empty());
                        for attribute in own.filter(|_| at + 1 == path.len()) {
                            if wander.below(3) == 0 {
                                let value = values[wander.below(values.len())];
                                text.push_str(&format!(" {}=\"{value}\"", attribute.attribute));
                            }
                        }
                        text.push('>');
                        open.push(name);
                    }
                }
            }
        }
        while let Some(name) = open.pop() {
            text.push_str(&format!("</{name}>"));
        }
        text.push_str("</Response>");
        if let Ok(document) = parse(text.as_bytes(), None) {
            accepted += 1;
            verbs += document.verbs.len();
            assert!(document.notes.len() <= MAX_NOTES, "round {round}: {text}");
            assert!(document.verbs.iter().all(|placed| placed.verb.to_string().len() <= 64 + text.len()), "{text}");
        }
    }
    assert!(accepted > 2_000 && verbs > 2_500, "{accepted} {verbs}");
}

/// The worst that 64 KiB can be made of must stay cheap; a quadratic step would take minutes here.
#[test]
fn the_worst_documents_take_bounded_work() {
    let fill = |piece: &str, head: &str, tail: &str| {
        let count = (MAX_DOCUMENT - head.len() - tail.len()) / piece.len();
        format!("{head}{}{tail}", piece.repeat(count))
    };
    for text in [
        fill("<a>", "<Response>", ""),
        fill("<x y='1'/>", "<Response>", "</Response>"),
        fill("&amp;", "<Response><Say>", "</Say></Response>"),
        fill("é", "<Response><Say>", "</Say><x/></Response>"),
        fill("\n", "<Response>", "</Response>"),
        fill(" a='", "<Response", ">"),
        fill("<!-- -->", "<Response>", "</Response>"),
        fill("<Say>x</Say>", "<Response>", "</Response>"),
        fill("<p>", "<Response><Say>", "</Say></Response>"),
        fill("<break/>", "<Response><Say>", "</Say></Response>"),
        fill("<x/>", "<Response><Say>", "</Say></Response>"),
        fill("a,", "<Response><Gather hints='", "'/></Response>"),
        fill("<Parameter/>", "<Response><Connect><Stream url='/'>", "</Stream></Connect></Response>"),
        fill("<Uri>sip:a@b</Uri>", "<Response><Dial><Sip>", "</Sip></Dial></Response>"),
        fill("<Media>/</Media>", "<Response><Message>", "</Message></Response>"),
    ] {
        if let Ok(document) = parse(text.as_bytes(), None) {
            assert!(document.verbs.len() <= MAX_VERBS && document.notes.len() <= MAX_NOTES);
        }
    }
}
