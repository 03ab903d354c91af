//! Documents that calls were given, kept by the media layer: what `webhook` asks and brings, over the layer's face. A layer
//! that is away or slow keeps nothing, and no call waits for it: the application is asked as ever.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tipring_media::{MediaClient, MediaFault};
use tipring_resources::Sid;
use tipring_webhook::{Documents, Kept, Soon};
use url::Url;

/// The media layer's documents.
#[derive(Debug)]
pub struct KeptDocuments {
    media: MediaClient,
    patience: Duration,
    /// It was slow, and is not asked until then.
    spared: Mutex<Option<Instant>>,
    /// That it does not answer was said.
    silent: AtomicBool,
}

impl KeptDocuments {
    /// Those of this layer, which is waited for so long.
    pub fn new(media: MediaClient, patience: Duration) -> Self {
        KeptDocuments { media, patience, spared: Mutex::default(), silent: AtomicBool::new(false) }
    }

    fn is_spared(&self) -> bool {
        self.spared.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until)
    }

    async fn soon<T>(&self, asked: impl Future<Output = Result<T, MediaFault>>) -> Option<T> {
        if self.is_spared() {
            return None;
        }
        let why = match tokio::time::timeout(self.patience, asked).await {
            Ok(Ok(answer)) => {
                self.silent.store(false, Ordering::Relaxed);
                return Some(answer);
            }
            Ok(Err(fault)) => fault.text,
            Err(_) => {
                *self.spared.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + SPARED);
                format!("no answer in {} ms", self.patience.as_millis())
            }
        };
        if !self.silent.swap(true, Ordering::Relaxed) {
            tracing::debug!(why, "the media layer keeps no documents at present: applications are asked each time");
        }
        None
    }
}

impl Documents for KeptDocuments {
    fn kept<'a>(&'a self, account: Sid, name: &'a Url) -> Soon<'a, Option<Kept>> {
        Box::pin(async move {
            let account = account.to_string();
            let found = self.soon(self.media.document(&account, name)).await??;
            Some(Kept { headers: found.headers, body: found.body, fresh_s: found.fresh_s })
        })
    }

    fn keep<'a>(&'a self, account: Sid, name: &'a Url, document: &'a Kept) -> Soon<'a, ()> {
        Box::pin(async move {
            let account = account.to_string();
            self.soon(self.media.keep_document(&account, name, &document.headers, document.body.clone())).await;
        })
    }
}

/// How long a call waits for the layer: what is kept is there in a few milliseconds.
pub const PATIENCE: Duration = Duration::from_millis(250);
/// A layer that was slow is not asked for so long: else each document of a call would wait for it.
const SPARED: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use tipring_resources::SidKind;

    use super::*;

    #[tokio::test]
    async fn d13_a_layer_that_hangs_is_waited_for_once_and_one_that_is_away_not_at_all() {
        let name = Url::parse("http://app.example/").expect("a URL");
        let account = Sid::new(SidKind::Account, 1);
        let away = KeptDocuments::new(MediaClient::new("/nobody/is/there.sock"), Duration::from_secs(60));
        for _ in 0..2 {
            assert_eq!(away.kept(account, &name).await, None);
        }
        let socket = std::env::temp_dir().join(format!("tipring-documents-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&socket);
        let listener = tokio::net::UnixListener::bind(&socket).expect("a socket");
        let hangs = KeptDocuments::new(MediaClient::new(&socket), Duration::from_millis(50));
        assert_eq!(hangs.kept(account, &name).await, None);
        let mut asked = vec![listener.accept().await.expect("it was asked")];
        assert_eq!(hangs.kept(account, &name).await, None, "and is spared");
        let again = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
        asked.extend(again.ok().and_then(Result::ok));
        assert_eq!(asked.len(), 1);
        let _ = std::fs::remove_file(&socket);
    }
}
