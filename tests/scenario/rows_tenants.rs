//! Who may do what, through the whole API while calls live: rows E5, E10 and E11.

use serde_json::Value;
use tipring_webhook::sign;

use crate::desk::{Client, visited, word};
use crate::legs::{BOB, program, subscriber, tones};
use crate::world::{caller, document};

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"];

/// A caller who whistles in a room while the room is recorded; his number asks `/`.
fn in_a_room() -> String {
    let room = "<Response><Dial><Conference beep='false' waitUrl=''>talk</Conference></Dial></Response>";
    caller(room, "{ tone = { hz = 700.0, ms = 20000 } }, { hangup = {} }, ")
}

/// Every kind of resource of an account, by its address: made, or found where the call has made it.
async fn things(api: &Client) -> Vec<String> {
    let call = word(&api.list("/Calls.json", "calls").await[0], "sid").to_string();
    let made = async |path: &str, form: &[(&str, &str)]| word(&api.post(path, form).await.ok(201), "sid").to_string();
    let recording = made(&format!("/Calls/{call}/Recordings.json"), &[]).await;
    let room = word(&api.list("/Conferences.json", "conferences").await[0], "sid").to_string();
    let number = word(&api.list("/IncomingPhoneNumbers.json", "incoming_phone_numbers").await[0], "sid").to_string();
    let queue = made("/Queues.json", &[("FriendlyName", "help")]).await;
    let application = made("/Applications.json", &[]).await;
    let key = made("/Keys.json", &[]).await;
    [
        "".to_string(),
        format!("/Calls/{call}"),
        format!("/Calls/{call}/Recordings"),
        format!("/Calls/{call}/Recordings/{recording}"),
        format!("/Calls/{call}/Notifications"),
        format!("/Calls/{call}/Events"),
        format!("/Recordings/{recording}"),
        format!("/Recordings/{recording}/Transcriptions"),
        format!("/Conferences/{room}"),
        format!("/Conferences/{room}/Participants"),
        format!("/Conferences/{room}/Participants/{call}"),
        format!("/Conferences/{room}/Recordings"),
        format!("/IncomingPhoneNumbers/{number}"),
        format!("/Queues/{queue}"),
        format!("/Queues/{queue}/Members"),
        format!("/Applications/{application}"),
        format!("/Keys/{key}"),
    ]
    .into()
}

/// The same addresses with other SIDs, of things that are nowhere.
fn nowhere(thing: &str) -> String {
    let changed = thing.split('/').map(|part| match part.len() {
        34 => format!("{}{}", &part[..2], "f".repeat(32)),
        _ => part.to_string(),
    });
    changed.collect::<Vec<_>>().join("/")
}

#[test]
fn e5_no_or_wrong_credentials_are_401_everywhere_and_tell_nothing_apart() {
    let (run, (asked, before, after)) = visited(&in_a_room(), |api| async move {
        api.until(4_000).await;
        let things = things(&api).await;
        let lists =
            ["/Calls", "/Recordings", "/Conferences", "/Queues", "/IncomingPhoneNumbers", "/Applications", "/Keys"];
        let lists = lists.into_iter().chain([
            "/OutgoingCallerIds",
            "/Notifications",
            "/Messages",
            "/Usage/Records",
            "/Balance",
        ]);
        let paths: Vec<String> = lists.map(str::to_string).chain(things.iter().cloned()).collect();
        let before = api.read(&format!("{}.json", things[1])).await;
        let (user, password) = api.who.clone();
        let strangers = [
            api.with("", ""),
            api.with(&user, "wrong"),
            api.with(&user, ""),
            api.with(&nowhere(&user), &password),
            api.with("SKffffffffffffffffffffffffffffffff", &password),
        ];
        let (mut asked, mut told) = (0, None);
        for path in paths.iter().flat_map(|path| [path.clone(), nowhere(path)]) {
            for method in METHODS {
                for stranger in &strangers {
                    let got = stranger.send(method, &format!("{path}.json"), &[("Status", "completed")]).await;
                    assert!(got.headers["www-authenticate"].to_str().is_ok_and(|it| it.starts_with("Basic realm=")));
                    assert_eq!(got.status, 401, "{method} {path}");
                    if method != "HEAD" {
                        assert_eq!(got.fault(), (401, 20003), "{method} {path}");
                        assert_eq!(*told.get_or_insert_with(|| got.text()), got.text(), "{method} {path}");
                    }
                    asked += 1;
                }
            }
        }
        for sound in [".wav", ".mp3", ""] {
            assert_eq!(strangers[0].get(&format!("{}{sound}", things[6])).await.fault(), (401, 20003));
        }
        (asked, before, api.read(&format!("{}.json", things[1])).await)
    });
    assert!(asked > 1_500, "{asked}");
    assert_eq!(before, after, "nothing has changed");
    assert!(run.told().moments.ended_ms >= Some(22_000), "the call goes on: {:?}", run.told().moments);
}

/// Two tenants of the box, with a number each.
async fn tenants(api: &Client) -> [Client; 2] {
    let mut both = Vec::new();
    for (name, number) in [("A", "201"), ("B", "202")] {
        let account = api.post("/2010-04-01/Accounts.json", &[("FriendlyName", name)]).await.ok(201);
        let tenant = api.of(&account);
        let url = format!("http://app.example/{name}");
        let form = [("PhoneNumber", number), ("VoiceUrl", url.as_str())];
        tenant.post("/IncomingPhoneNumbers.json", &form).await.ok(201);
        both.push(tenant);
    }
    both.try_into().unwrap_or_else(|_| panic!("two"))
}

/// Callers of both numbers, who stay in a room of their account's.
fn two_callers() -> String {
    let room =
        "<Response><Play>/a.wav</Play><Dial><Conference beep='false' waitUrl=''>talk</Conference></Dial></Response>";
    let call = |id: &str, to: &str, at_ms: u32| {
        format!(
            "\n[[call]]\nid = \"{id}\"\nfrom = \"2025550100\"\nto = \"{to}\"\nat_ms = {at_ms}\n\
             does = [{{ await_answer = {{}} }}, {{ tone = {{ hz = 700.0, ms = 20000 }} }}, {{ await_hangup = {{ limit_ms = 500 }} }}]\n"
        )
    };
    document("/A", room)
        + &document("/B", room)
        + &document("/a.wav", "@announcement")
        + &call("a", "201", 500)
        + &call("b", "202", 600)
}

#[test]
fn e10_a_foreign_key_is_refused_on_everything_and_missing_looks_like_foreign() {
    let (run, refused) = visited(&two_callers(), |api| async move {
        let [a, b] = tenants(&api).await;
        a.until(6_000).await;
        let things = things(&a).await;
        let before = async || {
            let mut all = Vec::new();
            for thing in &things {
                all.push(a.read(&format!("{thing}.json")).await);
            }
            all
        };
        let were = before().await;
        let mut refused = 0;
        // B's key on A's things, under A's account and under its own: with nothing to tell what is there from what is not.
        let b_key = b.keyed(&b.post("/Keys.json", &[("Scope", "admin")]).await.ok(201));
        for stranger in [&b, &b_key] {
            for thing in &things {
                for account in [&a.account, &b.account] {
                    if thing.is_empty() && *account == b.account {
                        continue;
                    }
                    for method in ["GET", "POST", "DELETE"] {
                        let form =
                            [("Status", "completed"), ("FriendlyName", "changed"), ("VoiceUrl", "http://b.example/")];
                        let ask = async |thing: &str, account: &str| {
                            let path = format!("/2010-04-01/Accounts/{account}{thing}.json");
                            stranger.send(method, &path, &form).await
                        };
                        let (foreign, missing) = (ask(thing, account).await, ask(&nowhere(thing), account).await);
                        assert_eq!(
                            (foreign.status, foreign.text()),
                            (missing.status, missing.text()),
                            "{method} {thing}"
                        );
                        // Somebody may be called into a room that is made by it: who, is asked before.
                        let known = [(404, 20404), (405, 20004), (400, 21201)];
                        assert!(known.contains(&foreign.fault()), "{method} {thing}: {}", foreign.text());
                        refused += usize::from(foreign.status == 404);
                    }
                }
            }
            for (list, member) in [
                ("/Calls.json", "calls"),
                ("/Recordings.json", "recordings"),
                ("/Conferences.json", "conferences"),
                ("/IncomingPhoneNumbers.json", "incoming_phone_numbers"),
                ("/Queues.json", "queues"),
                ("/Applications.json", "applications"),
            ] {
                let own = stranger.list(list, member);
                assert!(own.await.iter().all(|one| one["account_sid"] == b.account.as_str()), "{list} of B");
            }
            // Nor by the room's name, nor in a request of its own.
            let call = things[1].trim_start_matches("/Calls/").to_string();
            let path = format!("/Conferences/talk/Participants/{call}.json");
            assert_eq!(stranger.get(&path).await.fault(), (404, 20404), "the same name is another room");
        }
        assert_eq!(were, before().await, "nothing of A has changed");
        refused
    });
    assert!(refused > 100, "{refused}");
    // What A is asked and told is signed with A's key, and with no other.
    assert_eq!(run.outcome.told.iter().filter(|told| told.status.as_deref() == Some("completed")).count(), 2);
}

#[test]
fn e10_each_accounts_requests_are_signed_with_its_own_key_and_it_shares_no_cache_entry() {
    let told = document("/told", "");
    let (run, [a, b]) = visited(&(two_callers() + &told), |api| async move {
        let both = tenants(&api).await;
        for tenant in &both {
            let number = &tenant.list("/IncomingPhoneNumbers.json", "incoming_phone_numbers").await[0];
            tenant.post(word(number, "uri"), &[("StatusCallback", "http://app.example/told")]).await.ok(200);
        }
        api.until(40_000).await;
        both.map(|tenant| tenant.who)
    });
    let signed = |path: &str, token: &str| {
        let asked = run.asked(path);
        let by =
            asked.iter().filter(|asked| asked.signature.as_deref() == Some(&*sign(token, &asked.url, &asked.params)));
        (asked.len(), by.count())
    };
    assert_eq!((signed("/A", &a.1), signed("/A", &b.1)), ((1, 1), (1, 0)));
    assert_eq!((signed("/B", &a.1), signed("/B", &b.1)), ((1, 0), (1, 1)));
    assert_eq!((signed("/told", &a.1), signed("/told", &b.1)), ((2, 1), (2, 1)));
    assert_eq!(signed("/A", &run.outcome.token), (1, 0), "not the box's first account either");
    for asked in run.asked("/told") {
        let (account, token) = if crate::world::value(asked, "To") == Some("201") { &a } else { &b };
        assert_eq!(crate::world::value(asked, "AccountSid"), Some(account.as_str()));
        assert_eq!(asked.signature, Some(sign(token, &asked.url, &asked.params)));
    }
    assert_eq!(run.asked("/a.wav").len(), 2, "each account has fetched its own copy");
}

#[test]
fn e10_nothing_is_taken_from_another_account_neither_numbers_nor_calls_nor_sound() {
    let text = format!("country = \"us\"\n{}{}", two_callers(), subscriber(BOB, "rings_ms = 500"));
    let (run, ()) = visited(&text, |api| async move {
        let [a, b] = tenants(&api).await;
        a.until(6_000).await;
        let of = async |who: &Client| word(&who.list("/Calls.json", "calls").await[0], "sid").to_string();
        let (call, own) = (of(&a).await, of(&b).await);
        // Its number: neither claimed again nor shown in a call.
        assert_eq!(b.post("/IncomingPhoneNumbers.json", &[("PhoneNumber", "201")]).await.fault(), (400, 21422));
        a.post("/IncomingPhoneNumbers.json", &[("PhoneNumber", "+12025550188")]).await.ok(201);
        let form = [("To", BOB), ("From", "+12025550188"), ("Twiml", "<Response/>")];
        assert_eq!(b.post("/Calls.json", &form).await.fault(), (400, 21210));
        let mine = b.post("/IncomingPhoneNumbers.json", &[("PhoneNumber", "+12025550189")]).await.ok(201);
        let moved = b.post(word(&mine, "uri"), &[("AccountSid", &a.account)]).await;
        assert_eq!(moved.status, 403, "{}", moved.text());
        // Its call: neither brought into a room, nor coached, nor recorded, nor listened to.
        for (path, form) in [
            ("/Conferences/mine/Participants.json".to_string(), vec![("CallSid", call.as_str())]),
            ("/Conferences.json".into(), vec![("FriendlyName", "mine"), ("CallSid", &call)]),
            (
                format!("/Conferences/talk/Participants/{own}.json"),
                vec![("Coaching", "true"), ("CallSidToCoach", &call)],
            ),
            (format!("/Calls/{call}/Recordings.json"), vec![]),
            (format!("/Calls/{call}/Streams.json"), vec![("Url", "wss://b.example/ear")]),
            (format!("/Calls/{call}/Transcriptions.json"), vec![]),
        ] {
            let got = b.post(&path, &form).await;
            assert!(matches!(got.fault().0, 400 | 404), "{path}: {}", got.text());
        }
        // Its sound.
        let recording = a.post(&format!("/Calls/{call}/Recordings.json"), &[]).await.ok(201);
        let sound = format!("/Recordings/{}", word(&recording, "sid"));
        a.until(9_000).await;
        a.post(&format!("/Calls/{call}{sound}.json"), &[("Status", "stopped")]).await.ok(200);
        a.until(10_000).await;
        assert_eq!(a.get(&format!("{sound}.wav")).await.status, 200);
        assert_eq!(b.get(&format!("{sound}.wav")).await.fault(), (404, 20404));
        assert_eq!(b.post(&format!("{sound}/Links.json"), &[]).await.fault(), (404, 20404));
        assert_eq!(b.post(&format!("{sound}/Transcriptions.json"), &[]).await.fault(), (404, 20404));
        let link =
            word(&a.post(&format!("{sound}/Links.json"), &[]).await.ok(201), "url").replace(&a.account, &b.account);
        assert_eq!(b.with("", "").get(&link).await.fault(), (401, 20003), "a link is good under its own account");
    });
    // Both sat in a room of the same name, and neither heard the other.
    for (id, heard) in &run.outcome.heard {
        // The prompt before it climbs past this tone.
        let long: Vec<_> = tones(heard, 700.0).into_iter().filter(|tone| tone.ms > 200).collect();
        assert!(long.is_empty(), "{id} hears another account: {long:?}");
    }
    assert!(run.outcome.called.is_empty() && run.outcome.streamed.is_empty());
}

#[test]
fn e11_a_key_that_may_read_reads_and_changes_nothing() {
    let text =
        program("made", "twiml = \"<Response><Gather timeout='20'/></Response>\"") + &subscriber(BOB, "rings_ms = 500");
    let (run, ()) = visited(&format!("country = \"us\"\n{text}"), |api| async move {
        api.until(5_000).await;
        let key = async |scope: &str| api.keyed(&api.post("/Keys.json", &[("Scope", scope)]).await.ok(201));
        let (reads, controls) = (key("read").await, key("control").await);
        let call = word(&reads.list("/Calls.json", "calls").await[0], "uri").to_string();
        assert_eq!(word(&reads.read(&call).await, "status"), "in-progress");
        assert_eq!(reads.read(".json").await["auth_token"], Value::Null, "whoever may sign with it sees it");
        for (path, form) in [
            (call.as_str(), vec![("Status", "completed")]),
            ("/Calls.json", vec![("To", BOB), ("From", "+12025550199"), ("Twiml", "<Response/>")]),
            ("/IncomingPhoneNumbers.json", vec![("PhoneNumber", "300")]),
            ("/Keys.json", vec![]),
            (".json", vec![("FriendlyName", "changed")]),
        ] {
            let got = reads.post(path, &form).await;
            assert_eq!(got.status, 403, "{path}: {}", got.text());
            got.fault();
        }
        assert_eq!(reads.delete(&call).await.status, 403);
        assert_eq!(controls.post("/Keys.json", &[]).await.status, 403, "a key makes no keys");
        api.until(8_000).await;
        assert_eq!(word(&reads.read(&call).await, "status"), "in-progress", "it goes on");
        controls.post(&call, &[("Status", "completed")]).await.ok(200);
    });
    assert_eq!((run.outcome.called.len(), run.made().status.as_deref()), (1, Some("completed")));
}
