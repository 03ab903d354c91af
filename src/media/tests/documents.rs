//! D13: documents that calls were given, brought into the layer and asked for there.

use tipring_media::Document;
use url::Url;

use crate::origin::Origin;
use crate::room::Room;

const XML: &str = "<?xml version=\"1.0\"?><Response><Say>Grüße</Say></Response>";

fn url(query: &str) -> Url {
    Url::parse(&format!("https://app.example/voice?{query}")).unwrap()
}

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let kind = [("content-type", "text/xml; charset=utf-8")];
    kind.iter().chain(headers).map(|it| (it.0.to_owned(), it.1.to_owned())).collect()
}

impl Room {
    async fn brings(&self, query: &str, headers: &[(&str, &str)]) -> bool {
        self.client.keep_document("AC1", &url(query), &pairs(headers), XML.into()).await.unwrap()
    }

    async fn has(&self, query: &str) -> Option<Document> {
        self.client.document("AC1", &url(query)).await.unwrap()
    }
}

fn header<'a>(document: &'a Document, name: &str) -> Option<&'a str> {
    document.headers.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
}

#[tokio::test]
async fn d13_a_document_comes_back_as_it_was_brought_to_its_own_account_and_url() {
    let mut room = Room::open().await;
    assert_eq!(room.has("From=1").await, None);
    let said = [("cache-control", "max-age=60"), ("etag", "\"1\""), ("age", "10"), ("x-other", "1")];
    assert!(room.brings("From=1", &said).await);
    for again in [false, true] {
        if again {
            room.restart(|_| {}).await;
        }
        let kept = room.has("From=1").await.expect("it is kept");
        assert_eq!((kept.body.as_ref(), kept.fresh_s), (XML.as_bytes(), 50));
        assert_eq!(header(&kept, "content-type"), Some("text/xml; charset=utf-8"));
        assert_eq!((header(&kept, "etag"), header(&kept, "cache-control")), (Some("\"1\""), Some("max-age=60")));
        assert_eq!((header(&kept, "age"), header(&kept, "x-other")), (Some("10"), None));
    }
    for other in ["From=2", "From=1&Digits=1", ""] {
        assert_eq!(room.has(other).await, None, "{other}");
    }
    assert_eq!(room.client.document("AC2", &url("From=1")).await.unwrap(), None);
    let listed = room.handle.entries(Some("AC1"), "https://app.example/");
    assert_eq!((listed.len(), listed[0].preset.as_str(), listed[0].uri.as_str()), (1, "as-is", url("From=1").as_str()));
    assert_eq!(room.handle.remove(Some("AC1"), url("").as_str()), 1);
    assert_eq!((room.has("From=1").await, room.files().len()), (None, 0));
    assert_eq!(room.handle.counters().fetches, 0, "nobody is asked here");
}

#[tokio::test]
async fn d13_what_is_stale_is_had_as_long_as_it_can_be_checked_or_stand_in() {
    let room = Room::open().await;
    for (query, control) in [("a", "max-age=60"), ("b", "max-age=60, stale-if-error=600")] {
        assert!(room.brings(query, &[("cache-control", control)]).await);
    }
    assert!(room.brings("c", &[("etag", "\"1\"")]).await);
    assert!(room.brings("d", &[("cache-control", "no-cache"), ("etag", "\"1\"")]).await);
    let fresh = async |query: &str| room.has(query).await.map(|it| it.fresh_s);
    assert_eq!([fresh("a").await, fresh("b").await], [Some(60), Some(60)]);
    assert_eq!([fresh("c").await, fresh("d").await], [Some(0), Some(0)], "asked about each time");
    room.later(100);
    assert_eq!([fresh("a").await, fresh("b").await], [None, Some(-40)]);
    // Brought again, its time begins anew.
    assert!(room.brings("b", &[("cache-control", "max-age=60")]).await);
    assert_eq!(fresh("b").await, Some(60));
    assert_eq!(room.handle.entries(None, "").len(), 3, "one of each");
    room.handle.sweep().await;
    room.later(31 * 24 * 3600);
    room.handle.sweep().await;
    assert_eq!(room.handle.entries(None, "").len(), 0);
}

#[tokio::test]
async fn d13_only_what_a_shared_cache_may_keep_is_kept() {
    let room = Room::open().await;
    for headers in [
        vec![],
        vec![("cache-control", "public")],
        vec![("cache-control", "no-store, max-age=60")],
        vec![("cache-control", "No-Store, max-age=60")],
        vec![("cache-control", "Private, max-age=60")],
        vec![("cache-control", "max-age=60"), ("vary", "*")],
        vec![("cache-control", "max-age=60"), ("set-cookie", "a=1")],
        vec![("cache-control", "max-age=0")],
        vec![("cache-control", "immutable")],
        vec![("expires", "0")],
        vec![("age", "60"), ("cache-control", "max-age=60")],
    ] {
        assert!(!room.brings("x", &headers).await, "{headers:?}");
        assert_eq!(room.has("x").await, None, "{headers:?}");
    }
    // No guess from a date.
    assert!(room.brings("x", &[("last-modified", "Fri, 01 Jan 2021 00:00:00 GMT")]).await);
    assert_eq!(room.has("x").await.map(|it| it.fresh_s), Some(0));
    let (head, why) = room
        .raw_with(
            "PUT",
            "http://media.tipring/documents?url=http://app.example/",
            &[("X-Tipring-Account", "AC1"), ("Content-Type", "text/xml"), ("Cache-Control", "no-store")],
            b"<Response/>",
        )
        .await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(String::from_utf8(why).unwrap(), r#"{"kept":false,"why":"its Cache-Control or Vary forbids it"}"#);
}

#[tokio::test]
async fn d13_no_vary_search_makes_one_document_of_many_queries() {
    let room = Room::open().await;
    let fresh = ("cache-control", "max-age=60");
    assert!(room.brings("From=1&Digits=1", &[fresh, ("no-vary-search", "key-order, params=(\"From\")")]).await);
    for (query, there) in [("From=2&Digits=1", true), ("Digits=1", true), ("From=2&Digits=2", false), ("From=1", false)]
    {
        assert_eq!(room.has(query).await.is_some(), there, "{query}");
    }
    let other = Url::parse("https://app.example/other?Digits=1").unwrap();
    assert_eq!(room.client.document("AC1", &other).await.unwrap(), None);
    assert_eq!(room.client.document("AC2", &url("Digits=1")).await.unwrap(), None);
    // Another page of the same URL says another thing; both hold.
    assert!(room.brings("From=1&Digits=2&z=1", &[fresh, ("no-vary-search", "params, except=(\"Digits\")")]).await);
    assert!(room.has("From=9&Digits=2").await.is_some() && room.has("From=9&Digits=1").await.is_some());
    assert!(room.has("From=9&Digits=3").await.is_none());
    // A stale one does not stand before a fresh one.
    room.later(59);
    assert!(
        room.brings("From=5&Digits=1", &[("cache-control", "max-age=600"), ("no-vary-search", "params=(\"From\")")])
            .await
    );
    room.later(30);
    assert_eq!(room.has("From=6&Digits=1").await.map(|it| it.fresh_s), Some(570));
    // Who removes the documents removes what is known of them.
    assert!(room.handle.remove(None, "https://app.example/voice") >= 3);
    assert!(room.files().is_empty(), "{:?}", room.files());
}

#[tokio::test]
async fn d13_what_is_no_document_of_an_account_is_refused() {
    let room = Room::open().await;
    let ours = [("X-Tipring-Account", "AC1"), ("Content-Type", "text/xml"), ("Cache-Control", "max-age=60")];
    let put = async |query: &str, headers: &[(&str, &str)], body: &[u8]| {
        let (head, text) = room.raw_with("PUT", &format!("http://media.tipring/documents{query}"), headers, body).await;
        (head.split(' ').nth(1).unwrap().to_owned(), String::from_utf8(text).unwrap())
    };
    let here = "?url=http://app.example/";
    assert_eq!(put(here, &ours, &vec![b'x'; 64 * 1024]).await.0, "201", "as large as a call takes it");
    for (query, headers, body, word) in [
        (here, &ours[1..], vec![b'x'], "account"),
        ("", &ours[..], vec![b'x'], "?url="),
        ("?url=ftp://app.example/", &ours[..], vec![b'x'], "http and https"),
        ("?url=http://u:p@app.example/", &ours[..], vec![b'x'], "password"),
        (here, &ours[..1], vec![b'x'], "Content-Type"),
        (here, &ours[..], vec![], "body"),
        (here, &ours[..], vec![b'x'; 64 * 1024 + 1], "65536"),
        (here, &[ours[0], ours[2], ("Content-Type", "Audio/wav")][..], vec![b'x'], "no sound"),
    ] {
        let (status, text) = put(query, headers, &body).await;
        assert!(status == "400" && text.contains(word), "{word}: {status} {text}");
    }
    assert_eq!(
        room.raw_method("POST", "http://media.tipring/documents?url=http://a/", &ours[..1]).await.0.split(' ').nth(1),
        Some("400")
    );
}

#[tokio::test]
async fn d13_what_the_layer_fetched_unsigned_is_not_what_a_call_was_given() {
    let origin =
        Origin::start(|_| crate::origin::Reply::ok("text/xml", "<Response/>").with("Cache-Control", "max-age=60"))
            .await;
    let room = Room::open().await;
    let (head, _) = room.raw(&origin.url("/voice"), &[("X-Tipring-Account", "AC1")]).await;
    assert!(head.contains("x-cache: miss"), "{head}");
    let url = Url::parse(&origin.url("/voice")).unwrap();
    assert_eq!(room.client.document("AC1", &url).await.unwrap(), None);
    assert!(
        room.client.keep_document("AC1", &url, &pairs(&[("cache-control", "max-age=60")]), XML.into()).await.unwrap()
    );
    let (_, body) = room.raw(&origin.url("/voice"), &[("X-Tipring-Account", "AC1")]).await;
    assert_eq!(body, b"<Response/>");
    origin.was_asked(1);
}
