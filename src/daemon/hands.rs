//! Carries the router's slow effects out: HTTP requests, sound, files, writes. Everything here may wait; nothing here
//! decides. Each function is one effect; whoever calls it (in real time or on virtual time) hands its end back to the
//! router as an event.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tipring_egress::Client;
use tipring_media::{MediaClient, MediaRequest, MediaStream, Source};
use tipring_resources::{Account, Code, Record, Sid};
use tipring_router::{Event, Exchange, HttpAnswer, HttpId, HttpRequest, MediaSource, WriteId};
use tipring_store::Store;
use tipring_webhook::Webhook;

use super::documents::{KeptDocuments, PATIENCE};
use super::sounds::Sounds;
use crate::observe::Meters;

/// What effects are carried out with. Cheap to clone.
#[derive(Clone)]
pub struct Hands {
    /// What leaves the box.
    pub client: Client,
    webhook: Arc<Webhook>,
    /// Sound, and what understands it.
    pub media: MediaClient,
    /// The store that records go to.
    pub store: Store,
    /// Sounds of recordings that other boxes have made.
    pub sounds: Option<Sounds>,
    tokens: Arc<RwLock<HashMap<Sid, String>>>,
    /// Where calls and requests are counted.
    pub meters: Meters,
}

impl Hands {
    /// Hands that ask over `client`, fetch sound from `media`, which keeps documents too, and write to `store`.
    pub fn new(client: Client, media: MediaClient, store: Store) -> Self {
        Hands::waiting(client, media, store, PATIENCE)
    }

    /// The same, which wait so long for a document that may be kept.
    pub fn waiting(client: Client, media: MediaClient, store: Store, patience: Duration) -> Self {
        let documents = KeptDocuments::new(media.clone(), patience);
        Hands {
            client: client.clone(),
            webhook: Arc::new(Webhook::new(client).keeping(Arc::new(documents))),
            media,
            store,
            sounds: None,
            tokens: Arc::default(),
            meters: Meters::default(),
        }
    }

    /// The account's key signs its requests from now on.
    pub fn learn(&self, account: &Account) {
        if let Ok(mut tokens) = self.tokens.write() {
            tokens.insert(account.sid, account.token.clone());
        }
    }

    /// The key that signs for an account.
    pub fn token(&self, account: Sid) -> Option<String> {
        self.tokens.read().ok().and_then(|tokens| tokens.get(&account).cloned())
    }

    /// Asks an application server.
    pub async fn http(&self, id: HttpId, request: HttpRequest) -> Event {
        let began = std::time::Instant::now();
        let answer = match self.token(request.account) {
            Some(token) => self.webhook.perform(&request, &token).await,
            // A request that nobody could check is not sent.
            None => HttpAnswer::Failed {
                code: Code(12400),
                text: format!("account {} has no key to sign with", request.account),
                exchange: Exchange::default(),
            },
        };
        self.meters.requested(&answer, began.elapsed());
        Event::Http { id, answer }
    }

    /// Forgets a call's cookies.
    pub fn forget(&self, session: Sid) {
        self.webhook.forget(session);
    }

    /// Opens a stream of sound.
    pub async fn sound(
        &self,
        account: Sid,
        source: MediaSource,
        law: tipring_card::Law,
    ) -> Result<MediaStream, (Code, String)> {
        let source = match source {
            MediaSource::Url(url) => Source::Url(url),
            MediaSource::Speech { text, markup, voice, language } => Source::Speech { text, voice, language, markup },
            MediaSource::Music => Source::Music,
        };
        let request = MediaRequest { account: account.to_string(), source, law };
        self.media.fetch(request).await.map_err(|fault| (Code(fault.code), fault.text))
    }

    /// Writes down what a recording says.
    pub async fn transcribe(&self, sid: Sid, recording: Sid, account: Sid, language: String) -> Event {
        let blobs = self.store.blobs().clone();
        let opened = tokio::task::spawn_blocking(move || blobs.open(recording)).await;
        let mut _held = None;
        let file = match opened {
            Ok(Ok(Some(blob))) => tokio::fs::File::from_std(blob.file),
            Ok(Ok(None)) => match self.fetched(recording).await {
                Ok(fetched) => {
                    _held = fetched.held;
                    tokio::fs::File::from_std(fetched.file)
                }
                Err(why) => return failed(sid, UNREADABLE, format!("{recording}: {why}")),
            },
            Ok(Err(error)) => return failed(sid, UNREADABLE, error.to_string()),
            Err(error) => return failed(sid, UNREADABLE, error.to_string()),
        };
        let language = if language.is_empty() { super::listening::LANGUAGE.to_owned() } else { language };
        match self.media.transcribe_from(&account.to_string(), &language, file).await {
            Ok(transcript) => Event::Transcribed { sid, result: Ok(transcript.text) },
            Err(fault) => failed(sid, fault.code, fault.text),
        }
    }

    /// A recording's sound that is not on this box's disk.
    async fn fetched(&self, recording: Sid) -> Result<tipring_api::Fetched, String> {
        let missing = "there is no such recording's file on this box".to_owned();
        let Some(sounds) = &self.sounds else { return Err(missing) };
        sounds.fetch(recording).await?.ok_or_else(|| format!("{missing}, nor in the shared store (media.store)"))
    }

    /// Keeps a record; the order of calls is the order of writes. Await the answer for the commit.
    pub fn write(&self, id: WriteId, record: Record) -> impl Future<Output = Event> + Send + use<> {
        let committed = self.store.put(record);
        async move {
            let result = committed.await.map_err(|error| error.to_string());
            Event::Written { id, result }
        }
    }
}

fn failed(sid: Sid, code: u32, text: String) -> Event {
    Event::Transcribed { sid, result: Err((Code(code), text)) }
}

/// A recording that cannot be read cannot be written down.
const UNREADABLE: u32 = tipring_media::RECOGNIZER;
