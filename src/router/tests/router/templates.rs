//! Templates of URLs, exchanges that are kept, and what an account says for its numbers.

use tipring_resources::{CallEvent, Method, Record, VoiceSettings};
use tipring_router::{DirectoryChange, Event};

use crate::bench::*;

#[test]
fn a4_the_first_url_is_filled_from_the_call() {
    let mut bench = Bench::bare(1);
    let mut number = number("100");
    number.voice_url = "http://app.test/{Called}/{Caller}?call={CallStatus}".into();
    bench.knows(number);
    bench.app("http://app.test/100/%2B12025550100?call=ringing", &[xml("<Say>hi</Say>")]);
    bench.rings();
    bench.run_out();
    assert_eq!((bench.words(), bench.codes()), (vec!["hi"], vec![]));
}

/// Files alone: the action's name is filled with what was pressed, and so are sounds of the document that comes.
#[test]
fn a12_e21_static_files_are_an_application() {
    let mut bench = Bench::with("<Gather numDigits='4' action='/menu/{Digits}.xml'/>");
    bench.app(
        "http://app.test/menu/1234.xml",
        &[xml("<Play>{Digits}.mp3</Play><Redirect method='GET'>/end/{CallSid}</Redirect>")],
    );
    let lease = bench.rings();
    bench.wait_ms(1_000);
    bench.presses(lease, "1234");
    let call = bench.router.live_calls().next().expect("a live call").sid;
    let end = format!("http://app.test/end/{call}");
    bench.app(&end, &[xml("<Play>/{Digits}/x</Play>")]);
    bench.run_out();
    assert_eq!(bench.asked(), [APP, "http://app.test/menu/1234.xml", &end]);
    // Of the redirect's own request no digits are known any more.
    assert_eq!(bench.words(), ["http://app.test/menu/1234.mp3", "http://app.test//x"]);
    assert_eq!(bench.codes(), [11_100]);
    assert!(bench.notifications()[0].text.contains("Digits"), "{:?}", bench.notifications()[0].text);
}

#[test]
fn a12_what_a_caller_presses_cannot_leave_its_place_in_the_url() {
    let mut bench = Bench::with("<Gather finishOnKey='' numDigits='3' action='/menu/{Digits}'/>");
    bench.app("http://app.test/menu/%2A%231", &[xml("<Say>hi</Say>")]);
    let lease = bench.rings();
    bench.wait_ms(1_000);
    bench.presses(lease, "*#1");
    bench.run_out();
    assert_eq!(bench.words(), ["hi"]);
}

/// The action of a caller who has hung up, and a fallback.
#[test]
fn a12_fallbacks_and_last_requests_are_filled_too() {
    let mut bench = Bench::with("<Record action='/said/{Digits}'/>");
    let mut number = number("100");
    number.voice_fallback_url = "http://spare.test/{ErrorCode}".into();
    bench.knows(number);
    let lease = bench.rings();
    bench.wait_ms(2_000);
    bench.hangs_up(lease);
    bench.run_out();
    assert_eq!(bench.asked_of("http://app.test/said/hangup").len(), 1);
    bench.app(APP, &[App::Fails(11_200)]);
    bench.app("http://spare.test/11200", &[xml("<Say>spare</Say>")]);
    bench.rings();
    bench.run_out();
    assert_eq!(bench.words(), ["beep", "spare"]);
}

fn events(bench: &Bench) -> Vec<&CallEvent> {
    bench.records(|record| match record {
        Record::CallEvent(event) => Some(event),
        _ => None,
    })
}

#[test]
fn every_exchange_of_a_call_is_kept_up_to_a_bound() {
    let mut bench = Bench::with("<Say>hi</Say><Redirect>http://u:p@app.test/gone</Redirect>");
    let mut number = number("100");
    number.status_callback = "http://app.test/status".into();
    bench.knows(number);
    bench.app("http://app.test/status", &[App::Says("", String::new())]);
    bench.rings();
    bench.run_out();
    let kept: Vec<_> = events(&bench).iter().map(|event| (event.url.as_str(), event.error_code)).collect();
    assert_eq!(kept, [(APP, None), ("http://app.test/gone", Some(11_200)), ("http://app.test/status", None)]);
    assert!(events(&bench).iter().all(|event| event.call == bench.last_call().sid));

    let mut bench = Bench::with("<Pause/><Redirect/>");
    bench.rings();
    bench.wait_ms(400_000);
    assert!(bench.requests.len() > 300);
    assert_eq!(events(&bench).len(), 200);
}

#[test]
fn c18_what_a_number_does_not_say_its_account_does() {
    let voice = VoiceSettings {
        url: "http://account.test/voice".into(),
        method: Method::Get,
        fallback_url: "http://account.test/spare".into(),
        fallback_method: Method::Get,
        status_callback: "http://account.test/status".into(),
        status_callback_method: Method::Get,
    };
    for own in [false, true] {
        let mut bench = Bench::bare(1);
        let mut number = number("100");
        if own {
            number.voice_fallback_url = "http://spare.test/".into();
            number.status_callback = "http://app.test/status".into();
        } else {
            number.voice_url = String::new();
        }
        bench.knows(number);
        let account = tipring_resources::Account { voice: voice.clone(), ..account() };
        bench.event(Event::Directory(DirectoryChange::Account(account)));
        bench.rings();
        bench.run_out();
        let asked: Vec<_> = bench.requests.iter().map(|(_, r)| r.url.as_str()).filter(|url| !url.is_empty()).collect();
        let wanted = match own {
            false => ["http://account.test/voice", "http://account.test/spare", "http://account.test/status"],
            true => [APP, "http://spare.test/", "http://app.test/status"],
        };
        assert_eq!(asked[..3], wanted);
        assert_eq!(bench.request(0).method, if own { Method::Post } else { Method::Get });
    }
}
