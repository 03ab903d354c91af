//! The proof that a number may be shown: a call that asks for a code, and what it comes to.

use tipring_resources::{CallStatus, CallerId, Method, Record, Sid};
use tipring_router::{DirectoryChange, Effect, Event, Reply, Request, Verification};

use crate::bench::*;

const PROVED: &str = "http://app.test/proved";
const CODE: &str = "314159";

fn bench() -> Bench {
    let mut bench = Bench::bare(1);
    bench.app(PROVED, &[App::Says("", String::new())]);
    bench.far_end(BOB, FarEnd::answers(1_000));
    bench
}

fn caller_ids(bench: &Bench) -> Vec<&CallerId> {
    bench.records(|record| match record {
        Record::CallerId(caller_id) => Some(caller_id),
        _ => None,
    })
}

impl Bench {
    /// The API wants Bob's number to be proved; its call.
    #[track_caller]
    fn proves(&mut self, name: &str) -> Sid {
        let id = self.request_of_api(Request::VerifyCallerId(Box::new(Verification {
            account: account().sid,
            phone_number: BOB.into(),
            friendly_name: name.into(),
            call_delay_s: 0,
            extension: String::new(),
            callback: PROVED.into(),
            method: Method::Post,
            code: CODE.into(),
        })));
        self.wait_ms(100);
        let Some(Reply::Call(call)) = self.reply(id) else { panic!("{:?}", self.replies()) };
        call.sid
    }

    /// Bob answers, hears what is asked, and keys this.
    fn keys_after_the_question(&mut self, keys: &str) {
        self.wait_ms(3_000);
        let lease = self.lease_to(BOB);
        self.presses(lease, keys);
    }

    /// Whether the account may show Bob's number.
    fn shows_bob(&mut self) -> bool {
        let mut order = Bench::order(inline(""));
        (order.to, order.from) = (EVE.into(), BOB.into());
        let id = self.creates(order);
        self.run_out();
        matches!(self.reply(id), Some(Reply::Call(_)))
    }
}

#[test]
fn c21_the_right_code_proves_the_number() {
    let mut bench = bench();
    assert!(!bench.shows_bob());
    let call = bench.proves("Bob");
    bench.keys_after_the_question("314");
    bench.presses(bench.lease_to(BOB), "159");
    bench.wait_ms(3_000);
    let [kept] = caller_ids(&bench)[..] else { panic!("{:?}", caller_ids(&bench)) };
    assert_eq!((kept.phone_number.as_str(), kept.friendly_name.as_str()), (BOB, "Bob"));
    assert_eq!(bench.told(PROVED, "VerificationStatus"), ["success"]);
    assert_eq!(bench.told(PROVED, "OutgoingCallerIdSid"), [kept.sid.to_string()]);
    assert_eq!(bench.told(PROVED, "CallSid"), [call.to_string()]);
    assert!(bench.words().contains(&"Thank you. Your number is verified."), "{:?}", bench.words());
    assert_eq!(bench.call_to(BOB).status, CallStatus::Completed);
    assert!(bench.shows_bob());
    bench.nothing_left();
}

#[test]
fn c21_a_wrong_code_a_hang_up_or_no_answer_prove_nothing() {
    for how in ["wrong", "hangs up", "no key", "rings"] {
        let mut bench = bench();
        if how == "rings" {
            bench.far_end(BOB, FarEnd::rings());
        }
        bench.proves("Bob");
        match how {
            "wrong" => {
                bench.keys_after_the_question("314158");
                bench.keys_after_the_question("000000");
                bench.keys_after_the_question("951413");
            }
            "hangs up" => {
                bench.keys_after_the_question("31415");
                let lease = bench.lease_to(BOB);
                bench.hangs_up(lease);
            }
            _ => {}
        }
        bench.run_out();
        assert_eq!(bench.told(PROVED, "VerificationStatus"), ["failed"], "{how}: {:#?}", bench.lines());
        assert!(caller_ids(&bench).is_empty() && !bench.shows_bob(), "{how}");
        bench.nothing_left();
    }
}

#[test]
fn c21_nobody_is_told_before_the_proof_is_kept() {
    for result in [Ok(()), Err("the disk is full".to_owned())] {
        let mut bench = bench();
        bench.proves("Bob");
        bench.wait_ms(3_000);
        bench.store_commits = false;
        let lease = bench.lease_to(BOB);
        bench.presses(lease, CODE);
        bench.wait_ms(1_000);
        let of_proof = |effect: &Effect| match effect {
            Effect::Write { id, record } if matches!(record.as_ref(), Record::CallerId(_)) => Some(*id),
            _ => None,
        };
        let id = bench.log.iter().find_map(|(_, effect)| of_proof(effect)).expect("it is written");
        assert!(bench.told(PROVED, "VerificationStatus").is_empty());
        // He hangs up in this moment: the code was right all the same.
        bench.hangs_up(lease);
        bench.store_commits = true;
        bench.event(Event::Written { id, result: result.clone() });
        bench.run_out();
        let (status, shown) = if result.is_ok() { ("success", true) } else { ("failed", false) };
        assert_eq!(bench.told(PROVED, "VerificationStatus"), [status], "{:#?}", bench.lines());
        assert_eq!(bench.codes().contains(&12_400), result.is_err());
        assert_eq!(bench.shows_bob(), shown);
        bench.nothing_left();
    }
}

#[test]
fn c21_a_number_that_is_proved_again_is_one_caller_id() {
    let mut bench = bench();
    for name in ["Bob", "Robert"] {
        bench.proves(name);
        bench.keys_after_the_question(CODE);
        bench.run_out();
    }
    let [first, second] = caller_ids(&bench)[..] else { panic!("{:?}", caller_ids(&bench)) };
    assert_eq!((first.sid, first.created), (second.sid, second.created));
    assert_eq!(second.friendly_name, "Robert");
    // What the API adds beside it takes its place, and is all there is.
    let added = CallerId { sid: Sid::new(tipring_resources::SidKind::Number, 77), ..second.clone() };
    bench.event(Event::Directory(DirectoryChange::CallerId(added.clone())));
    assert!(bench.shows_bob());
    bench.event(Event::Directory(DirectoryChange::CallerIdGone(added.sid)));
    assert!(!bench.shows_bob());
    bench.nothing_left();
}
