//! Messages: out of calls, of the API, in, and the replies to them.

use tipring_resources::{Code, Message, MessageDirection, MessageStatus, Record};
use tipring_router::{Effect, Event, MessageIn, NewMessage, Reply, Request};

use crate::bench::*;

const CB: &str = "http://app.test/sms-status";
const SMS: &str = "http://app.test/sms";

fn messages(bench: &Bench) -> Vec<&Message> {
    bench.records(|record| match record {
        Record::Message(message) => Some(message),
        _ => None,
    })
}

fn statuses(bench: &Bench) -> Vec<MessageStatus> {
    messages(bench).iter().map(|message| message.status).collect()
}

fn calls(inner: &str, gateway: Option<MessageStatus>) -> Bench {
    let mut bench = Bench::with(inner);
    bench.app("http://app.test/done", &[xml("<Say>done</Say>")]);
    bench.app(CB, &[App::Says("", String::new())]);
    bench.beside.gateway = gateway;
    bench.rings();
    bench.run_out();
    bench
}

#[test]
fn a29_b19_a_call_speaks_and_sends_a_message() {
    let bench =
        calls("<Say>hi</Say><Sms statusCallback='/sms-status'>hello</Sms><Say>on</Say>", Some(MessageStatus::Sent));
    let sent = &bench.beside.messages[0];
    assert_eq!((sent.from.as_str(), sent.to.as_str(), sent.body.as_str()), ("100", "+12025550100", "hello"));
    assert_eq!((sent.direction, sent.call), (MessageDirection::OutboundCall, Some(bench.last_call().sid)));
    assert_eq!(statuses(&bench), [MessageStatus::Queued, MessageStatus::Sent]);
    assert_eq!(bench.words(), ["hi", "on"]);
    let told = bench.asked_of(CB)[0];
    assert_eq!((value(told, "MessageStatus"), value(told, "SmsStatus")), (Some("sent"), Some("sent")));
    bench.nothing_is_left();
}

#[test]
fn a28_without_a_gateway_the_message_fails_and_the_call_goes_on() {
    for (gateway, code) in [(None, 14_108), (Some(MessageStatus::Failed), 30_007)] {
        let bench = calls(
            "<Message to='+12025550123' action='/done' statusCallback='/sms-status'>hello</Message><Say>never</Say>",
            gateway,
        );
        assert_eq!((bench.words(), bench.codes()), (vec!["done"], vec![code]));
        let done = bench.asked_of("http://app.test/done")[0];
        let sid = messages(&bench)[0].sid.to_string();
        assert_eq!((value(done, "SmsStatus"), value(done, "SmsSid")), (Some("failed"), Some(sid.as_str())));
        assert_eq!(value(done, "LastErrorCode"), Some(code.to_string().as_str()));
        let failed = messages(&bench)[1];
        assert_eq!((failed.status, failed.error_code), (MessageStatus::Failed, Some(code)));
        assert_eq!(value(bench.asked_of(CB)[0], "ErrorCode"), Some(code.to_string().as_str()));
        bench.nothing_is_left();
    }
}

#[test]
fn b19_an_action_waits_for_what_became_of_it_but_not_for_ever() {
    let bench = calls("<Sms action='/done'>hello</Sms>", Some(MessageStatus::Sent));
    assert_eq!(value(bench.asked_of("http://app.test/done")[0], "SmsStatus"), Some("sent"));
    let mut bench = Bench::with("<Sms action='/done'>hello</Sms>");
    bench.app("http://app.test/done", &[xml("<Say>done</Say>")]);
    bench.beside.gateway_hangs = true;
    bench.rings();
    bench.run_out();
    assert_eq!(value(bench.asked_of("http://app.test/done")[0], "SmsStatus"), Some("sent"), "it has not failed");
    assert_eq!((bench.words(), bench.codes()), (vec!["done"], vec![]));
    bench.nothing_is_left();
}

#[test]
fn b19_a_gateway_that_answers_late_completes_what_was_being_sent() {
    use MessageStatus::{Failed, Queued, Sending, Sent};
    for (late, code) in [(Sent, None), (Failed, Some(30_007))] {
        let mut bench = Bench::bare(1);
        bench.app(CB, &[App::Says("", String::new())]);
        bench.beside.gateway_hangs = true;
        let new = NewMessage {
            account: account().sid,
            to: BOB.into(),
            from: SHOWN.into(),
            body: "x".into(),
            callback: CB.into(),
        };
        bench.request_of_api(Request::SendMessage(Box::new(new)));
        bench.wait_ms(40_000);
        assert_eq!(statuses(&bench), [Queued, Sending]);
        let sid = messages(&bench)[0].sid;
        let fault = code.map(|code| (Code(code), "the gateway does not want it".to_owned()));
        bench.event(Event::MessageSent { sid, status: late, fault });
        bench.run_out();
        assert_eq!(statuses(&bench), [Queued, Sending, late]);
        let last = *messages(&bench).last().expect("a message");
        assert_eq!((last.error_code, last.sent.is_some()), (code, late == Sent));
        assert_eq!(bench.told(CB, "MessageStatus"), ["sending", late.as_str()]);
        assert_eq!(bench.codes(), code.into_iter().collect::<Vec<_>>());
        bench.nothing_is_left();
    }
}

#[test]
fn a_message_is_sent_only_from_a_number_of_the_account_to_a_number() {
    for (attributes, code) in
        [("from='+12025550666'", 14_102), ("to='hello'", 14_101), (&format!("from='{SHOWN}' to='{SHOWN}'"), 14_110)]
    {
        let bench = calls(&format!("<Sms {attributes}>x</Sms><Say>on</Say>"), Some(MessageStatus::Sent));
        assert_eq!((bench.words(), bench.codes()), (vec!["on"], vec![code]), "{attributes}");
        assert!(messages(&bench).is_empty());
    }
}

#[test]
fn the_api_sends_messages_and_the_gateway_tells_later_that_they_arrived() {
    let mut bench = Bench::with("");
    bench.app(CB, &[App::Says("", String::new())]);
    bench.beside.gateway = Some(MessageStatus::Sent);
    let new = |from: &str, to: &str| NewMessage {
        account: account().sid,
        to: to.into(),
        from: from.into(),
        body: "x".repeat(161),
        callback: CB.into(),
    };
    let id = bench.request_of_api(Request::SendMessage(Box::new(new(SHOWN, BOB))));
    assert_eq!(bench.reply(id), None, "not before the commit");
    bench.wait_ms(1_000);
    let Some(Reply::Message(message)) = bench.reply(id).cloned() else { panic!("{:?}", bench.replies()) };
    assert_eq!((message.status, message.segments), (MessageStatus::Queued, 2));
    let report = |status| Event::MessageSent { sid: message.sid, status, fault: None };
    bench.event(report(MessageStatus::Delivered));
    bench.run_out();
    assert_eq!(statuses(&bench), [MessageStatus::Queued, MessageStatus::Sent, MessageStatus::Delivered]);
    let told: Vec<_> =
        bench.asked_of(CB).iter().map(|request| value(request, "MessageStatus").unwrap_or("-")).collect();
    assert_eq!(told, ["sent", "delivered"]);
    // It is done with: another word of it is stale.
    let stale = bench.router.counters().stale_events;
    bench.event(report(MessageStatus::Undelivered));
    assert_eq!((messages(&bench).len(), bench.router.counters().stale_events), (3, stale + 1));
    for (from, to, code) in [("+12025550666", BOB, 21_210), (SHOWN, "nobody", 21_211)] {
        let id = bench.request_of_api(Request::SendMessage(Box::new(new(from, to))));
        assert!(matches!(bench.reply(id), Some(Reply::Refused { code: Code(c), .. }) if *c == code));
    }
    bench.nothing_is_left();
}

fn written_to(answers: &[App]) -> Bench {
    let mut bench = Bench::bare(1);
    let mut number = number("+12025550111");
    number.sms_url = SMS.into();
    number.sms_fallback_url = "http://spare.test/sms".into();
    bench.knows(number);
    bench.app(SMS, answers);
    bench.beside.gateway = Some(MessageStatus::Sent);
    let incoming = MessageIn { from: BOB.into(), to: "+12025550111".into(), body: "where are you".into() };
    bench.event(Event::MessageIn(Box::new(incoming)));
    bench.run_out();
    bench
}

#[test]
fn a28_a_message_that_comes_in_is_asked_for_and_answered() {
    for answer in [xml("<Message>here</Message>"), App::Says("text/plain", "here".into())] {
        let bench = written_to(&[answer]);
        let asked = bench.asked_of(SMS)[0];
        let message = messages(&bench)[0];
        assert_eq!((message.direction, message.status), (MessageDirection::Inbound, MessageStatus::Received));
        let sid = message.sid.to_string();
        for (name, wanted) in [
            ("MessageSid", sid.as_str()),
            ("SmsSid", sid.as_str()),
            ("AccountSid", account().sid.to_string().as_str()),
            ("From", BOB),
            ("To", "+12025550111"),
            ("Body", "where are you"),
            ("NumMedia", "0"),
            ("NumSegments", "1"),
        ] {
            assert_eq!(value(asked, name), Some(wanted));
        }
        let reply = &bench.beside.messages[0];
        assert_eq!((reply.from.as_str(), reply.to.as_str(), reply.body.as_str()), ("+12025550111", BOB, "here"));
        assert_eq!((reply.direction, bench.beside.messages.len()), (MessageDirection::OutboundReply, 1));
        bench.nothing_is_left();
    }
}

#[test]
fn a_message_document_redirects_and_verbs_of_calls_are_passed_over() {
    let mut bench = Bench::bare(1);
    let mut number = number("+12025550111");
    number.sms_url = "http://app.test/sms/{From}".into();
    bench.knows(number);
    bench.app(
        "http://app.test/sms/%2B12025550123",
        &[xml("<Say>hi</Say><Redirect>../next</Redirect><Message>no</Message>")],
    );
    bench.app("http://app.test/next", &[xml("<Sms>yes</Sms>")]);
    bench.beside.gateway = Some(MessageStatus::Sent);
    let incoming = MessageIn { from: BOB.into(), to: "+12025550111".into(), body: "x".into() };
    bench.event(Event::MessageIn(Box::new(incoming)));
    bench.run_out();
    let bodies: Vec<&str> = bench.beside.messages.iter().map(|message| message.body.as_str()).collect();
    assert_eq!((bodies, bench.codes()), (vec!["yes"], vec![12_200]));
    assert_eq!(bench.notifications()[0].call, None);
    bench.nothing_is_left();
}

/// Whoever brought it brings it again, so its application would be asked twice.
#[test]
fn a_message_that_is_not_kept_is_not_asked_about() {
    let number = tipring_resources::Number { sms_url: SMS.into(), ..number("+12025550111") };
    for kept in [false, true] {
        let mut bench = Bench::bare(1);
        bench.knows(number.clone());
        bench.app(SMS, &[xml("<Message>here</Message>")]);
        bench.beside.gateway = Some(MessageStatus::Sent);
        bench.store_commits = false;
        let incoming = MessageIn { from: BOB.into(), to: "+12025550111".into(), body: "x".into() };
        bench.event(Event::MessageIn(Box::new(incoming)));
        bench.wait_ms(5_000);
        assert!(bench.asked_of(SMS).is_empty(), "nobody is asked before the commit");
        let write = bench.log.iter().rev().find_map(|(_, effect)| match effect {
            Effect::Write { id, .. } => Some(*id),
            _ => None,
        });
        bench.store_commits = true;
        let result = if kept { Ok(()) } else { Err("the disk is full".to_owned()) };
        bench.event(Event::Written { id: write.unwrap(), result });
        bench.run_out();
        assert_eq!((bench.asked_of(SMS).len(), bench.beside.messages.len()), (usize::from(kept), usize::from(kept)));
        bench.nothing_is_left();
    }
}

#[test]
fn a_message_whose_application_fails_goes_to_the_fallback_and_no_further() {
    let bench = written_to(&[App::Fails(11_200)]);
    assert_eq!(bench.codes(), [11_200, 11_200]);
    assert_eq!(value(bench.asked_of("http://spare.test/sms")[0], "ErrorCode"), Some("11200"));
    let bench = written_to(&[xml("<Redirect/>")]);
    assert_eq!((bench.asked_of(SMS).len(), bench.codes()), (10, vec![11_215]), "not for ever");
    let bench = written_to(&[App::Says("", String::new())]);
    assert_eq!((bench.beside.messages.len(), bench.codes()), (0, vec![]), "who says nothing does not reply");
}

#[test]
fn a_message_to_nobody_is_not_kept() {
    let mut bench = Bench::with("");
    bench.event(Event::MessageIn(Box::new(MessageIn { from: BOB.into(), to: "999".into(), body: "x".into() })));
    bench.run_out();
    assert!(messages(&bench).is_empty() && bench.requests.is_empty());
}
