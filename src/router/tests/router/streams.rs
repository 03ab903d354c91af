//! Streams: beside the call and connected, by documents and by the API; what their callbacks are told.

use tipring_resources::{CallStatus, Code, Method, Sid};
use tipring_router::{Effect, Event, Instructions, Reply, Request, StreamEvent, StreamWish, SwitchCommand, Track3};

use crate::bench::*;

const CB: &str = "http://app.test/stream";

fn started(inner: &str) -> Bench {
    let mut bench = Bench::with(inner);
    bench.app(CB, &[App::Says("", String::new())]);
    bench.app("http://app.test/done", &[xml("<Say>done</Say>")]);
    bench
}

/// What the callback was told, in order.
fn events(bench: &Bench) -> Vec<&str> {
    bench.asked_of(CB).iter().map(|request| value(request, "StreamEvent").unwrap_or("-")).collect()
}

#[test]
fn a_stream_runs_beside_the_call_until_the_call_is_over() {
    let mut bench = started(
        "<Start><Stream url='/audio' name='one' track='both_tracks' statusCallback='/stream'>\
         <Parameter name='a' value='b'/></Stream></Start><Say>on</Say>",
    );
    bench.rings();
    bench.wait_ms(200);
    let (_, stream) = bench.stream();
    assert_eq!(
        (stream.url.as_str(), stream.parameters.as_slice()),
        ("ws://app.test/audio", &[("a".into(), "b".into())][..])
    );
    let tracks: Vec<bool> = stream.tracks.iter().map(|track| track.outbound).collect();
    assert_eq!((tracks, stream.heard.is_none()), (vec![false, true], true));
    let sid = stream.sid;
    bench.run_out();
    assert_eq!((bench.words(), events(&bench)), (vec!["on"], vec!["stream-started", "stream-stopped"]));
    let told = bench.asked_of(CB)[0];
    assert_eq!((value(told, "StreamSid"), value(told, "StreamName")), (Some(sid.to_string().as_str()), Some("one")));
    assert_eq!(value(told, "Timestamp"), Some("2026-11-22T20:00:00.038Z"));
    assert_eq!(bench.count(|effect| matches!(effect, Effect::CloseStream { .. })), 1);
    bench.nothing_is_left();
}

#[test]
fn a_stream_is_stopped_by_its_name_and_a_name_runs_once() {
    let mut bench = started(
        "<Start><Stream url='wss://s.test/x' name='one' statusCallback='/stream'/></Start>\
         <Start><Stream url='wss://s.test/y' name='one'/></Start><Pause length='2'/>\
         <Stop><Stream name='other'/></Stop><Stop><Stream name='one'/></Stop><Pause length='2'/>",
    );
    bench.rings();
    bench.wait_ms(1_000);
    assert_eq!((bench.beside.streams.len(), bench.codes()), (1, vec![14_300]));
    bench.wait_ms(1_500);
    assert_eq!(
        (bench.beside.streams.len(), bench.codes()),
        (0, vec![14_300, 14_300]),
        "stopped while the call goes on"
    );
    assert_eq!(bench.router.live_calls().count(), 1);
    bench.run_out();
    assert_eq!(events(&bench), ["stream-started", "stream-stopped"]);
    bench.nothing_is_left();
}

#[test]
fn more_than_four_tracks_are_refused() {
    let start = "<Start><Stream url='wss://s.test/x' track='both_tracks'/></Start>";
    let mut bench = started(&format!("{start}{start}{start}<Pause length='2'/>"));
    bench.rings();
    bench.wait_ms(1_000);
    assert_eq!((bench.beside.streams.len(), bench.codes()), (2, vec![31_941]));
    bench.run_out();
    bench.nothing_is_left();
}

#[test]
fn a_server_that_refuses_or_is_silent_costs_the_stream_and_not_the_call() {
    for (server, code, at_ms) in [(Server::Refuses(31_902), 31_902, 38), (Server::Hangs, 31_901, 20_023)] {
        let mut bench = started(
            "<Start><Stream url='https://s.test/x' statusCallback='/stream'/></Start>\
             <Start><Stream url='wss://s.test/x' statusCallback='/stream'/></Start><Pause length='30'/><Say>on</Say>",
        );
        bench.beside.server = server;
        bench.rings();
        bench.run_out();
        assert_eq!((bench.words(), bench.codes()), (vec!["on"], vec![31_922, code]), "{server:?}");
        assert_eq!(events(&bench), ["stream-error"]);
        let (at, told) = bench.requests.iter().find(|(_, request)| request.url == CB).expect("told");
        assert!(value(told, "StreamError").is_some() && at.as_ms() == at_ms, "{at:?}");
        bench.nothing_is_left();
    }
}

#[test]
fn connect_joins_the_caller_with_a_server_until_that_ends() {
    for action in ["", " action='/done'"] {
        let mut bench = started(&format!(
            "<Connect{action}><Stream url='wss://s.test/talk' statusCallback='/stream'/></Connect><Say>next</Say>"
        ));
        bench.beside.server = Server::Closes(4_000);
        let lease = bench.rings();
        bench.wait_ms(2_000);
        let heard = bench.stream().1.heard.expect("the server is not heard");
        assert_eq!(heard.port, lease);
        let play = bench.log.iter().position(|(_, e)| {
            matches!(e, Effect::Switch(SwitchCommand::Play { port, play }) if *port == lease && *play == heard.play)
        });
        let open = bench.log.iter().position(|(_, e)| matches!(e, Effect::OpenStream { .. }));
        assert!(play.is_some() && play < open, "the playing is begun already");
        bench.presses(lease, "42");
        bench.run_out();
        assert_eq!(bench.beside.keys, *b"42");
        assert_eq!(bench.words(), [if action.is_empty() { "next" } else { "done" }]);
        assert_eq!(events(&bench), ["stream-started", "stream-stopped"]);
        assert_eq!(
            bench.count(|e| matches!(e, Effect::Switch(SwitchCommand::Stop { play, .. }) if *play == heard.play)),
            1
        );
        bench.ended(CallStatus::Completed, 16);
        bench.nothing_is_left();
    }
}

#[test]
fn a_caller_who_hangs_up_or_is_redirected_ends_a_connect() {
    for redirected in [false, true] {
        let mut bench = started("<Connect><Stream url='wss://s.test/talk' statusCallback='/stream'/></Connect>");
        let lease = bench.rings();
        bench.wait_ms(2_000);
        let call = bench.router.live_calls().next().expect("a live call").sid;
        match redirected {
            true => drop(bench.redirects(call, inline("<Say>other</Say>"))),
            false => bench.hangs_up(lease),
        }
        assert_eq!(bench.count(|e| matches!(e, Effect::CloseStream { .. })), 1, "at once");
        bench.run_out();
        assert_eq!(events(&bench), ["stream-started", "stream-stopped"]);
        assert_eq!(bench.words(), if redirected { vec!["other"] } else { vec![] });
        bench.nothing_is_left();
    }
}

/// A stream that was started goes on with another document.
#[test]
fn c9_a_redirect_does_not_end_what_runs_beside_the_call() {
    let mut bench = started("<Start><Stream url='wss://s.test/x'/></Start><Pause length='60'/>");
    bench.rings();
    bench.wait_ms(1_000);
    let call = bench.router.live_calls().next().expect("a live call").sid;
    bench.redirects(call, inline("<Pause length='5'/>"));
    bench.wait_ms(1_000);
    assert_eq!(bench.beside.streams.len(), 1);
    bench.run_out();
    bench.nothing_is_left();
}

fn wish(name: &str) -> Box<StreamWish> {
    Box::new(StreamWish {
        url: "wss://s.test/api".into(),
        name: name.into(),
        track: Track3::Outbound,
        callback: CB.into(),
        callback_method: Method::Get,
        parameters: vec![],
    })
}

fn live(bench: &Bench) -> Sid {
    bench.router.live_calls().next().expect("a live call").sid
}

#[test]
fn the_api_starts_and_stops_streams() {
    let mut bench = started("<Pause length='10'/><Say>on</Say><Pause length='20'/>");
    bench.rings();
    bench.wait_ms(1_000);
    let (account, call) = (account().sid, live(&bench));
    let id = bench.request_of_api(Request::StartStream { account, call, wish: wish("api") });
    assert!(matches!(bench.reply(id), Some(Reply::Refused { code: Code(21_220), .. })), "not answered yet");
    bench.wait_ms(10_000);
    let id = bench.request_of_api(Request::StartStream { account, call, wish: wish("api") });
    let Some(Reply::Beside { sid, name, running: true }) = bench.reply(id).cloned() else {
        panic!("{:?}", bench.replies())
    };
    assert_eq!((name.as_str(), bench.stream().1.tracks[0].outbound), ("api", true));
    bench.wait_ms(1_000);
    let id = bench.request_of_api(Request::StopStream { account, call, stream: sid.to_string() });
    assert_eq!(bench.reply(id), Some(&Reply::Beside { sid, name, running: false }));
    let id = bench.request_of_api(Request::StopStream { account, call, stream: "api".into() });
    assert!(matches!(bench.reply(id), Some(Reply::Refused { code: Code(20_404), .. })));
    bench.wait_ms(100);
    assert_eq!(events(&bench), ["stream-started", "stream-stopped"]);
    bench.run_out();
    let id = bench.request_of_api(Request::StartStream { account, call, wish: wish("") });
    assert_eq!(bench.reply(id), Some(&Reply::NotLive));
    bench.nothing_is_left();
}

#[test]
fn a_relative_url_in_a_document_without_one_is_refused() {
    let mut bench = Bench::bare(1);
    bench.creates(Bench::order(Instructions::Document(
        "<Response><Start><Stream url='/x'/></Start><Connect><Stream url='/x'/></Connect><Say>on</Say></Response>"
            .into(),
    )));
    bench.run_out();
    assert_eq!((bench.words(), bench.codes()), (vec!["on"], vec![31_923, 31_923]));
}

#[test]
fn a_warning_of_a_stream_is_noted_and_it_goes_on() {
    let mut bench = started("<Connect><Stream url='wss://s.test/talk'/></Connect>");
    let lease = bench.rings();
    bench.wait_ms(1_000);
    let id = bench.stream().0;
    bench.event(Event::Stream { id, event: StreamEvent::Warned { code: Code(31_951), text: "what is this".into() } });
    bench.wait_ms(1_000);
    assert_eq!((bench.codes(), bench.beside.streams.len()), (vec![31_951], 1));
    bench.hangs_up(lease);
    bench.run_out();
    bench.nothing_is_left();
}
