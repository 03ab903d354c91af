//! A request for which something is kept from an earlier one: it is looked up, used, confirmed or replaced. Asking the
//! application is `perform`'s business.

use bytes::Bytes;
use tipring_egress::{Response, redacted};
use tipring_router::{Cached, Exchange, Purpose};

use crate::exchange;
use crate::kept::Kept;
use crate::perform::{Errand, Failure, Hop, Page};

impl Errand<'_> {
    /// What is kept for a hop. One that may have no kept answer loses its name.
    pub(crate) async fn look_up(&self, hop: &mut Hop) -> Option<Kept> {
        let documents = self.webhook.documents.as_ref()?;
        // A notice has to arrive; and what is said to somebody who is known is said to nobody else.
        let notice = self.request.purpose == Purpose::Callback;
        if notice || self.login(&hop.url).is_some() || self.cookies(&redacted(&hop.url)).is_some() {
            hop.name = None;
        }
        if let Some(name) = &mut hop.name {
            name.set_fragment(None);
        }
        documents.kept(self.request.account, hop.name.as_ref()?).await
    }

    /// Keeps an answer, if it may be.
    pub(crate) async fn keep(&self, hop: &Hop, response: &Response, body: &Bytes) {
        if let (Some(documents), Some(name)) = (&self.webhook.documents, &hop.name)
            && let Some(kept) = Kept::of(response, body)
        {
            documents.keep(self.request.account, name, &kept).await;
        }
    }

    /// The application says that it is unchanged: its time begins anew. `None`: it spoke of something else.
    pub(crate) async fn confirm(&self, kept: Option<Kept>, response: &Response, hop: &Hop) -> Option<Kept> {
        let kept = kept?.confirmed(response)?;
        if let (Some(documents), Some(name)) = (&self.webhook.documents, &hop.name)
            && response.header("set-cookie").is_none()
        {
            documents.keep(self.request.account, name, &kept).await;
        }
        Some(kept)
    }
}

/// A kept document as the answer.
pub(crate) fn use_kept(kept: Kept, cached: Cached, record: &mut Exchange) -> Page {
    exchange::note_kept(record, &kept, cached);
    let content_type = kept.header("content-type").map(str::to_owned);
    Page { url: record.url.clone(), content_type, body: kept.body }
}

/// The failure, unless what is stale may stand in for the answer.
pub(crate) fn or_kept(failure: Failure, kept: Option<Kept>, record: &mut Exchange) -> Result<Page, Failure> {
    match kept.filter(|it| failure.passing && it.stands_in()) {
        Some(stale) => {
            tracing::warn!(code = failure.code.0, "a stale document is used: {}", failure.text);
            Ok(use_kept(stale, Cached::Stale, record))
        }
        None => Err(failure),
    }
}
