//! From a request to a document that can be carried out: the request with everything it must say (rows A5, A7), the kind
//! of the answer (A9), and the chain of fallbacks when something is wrong with it (A19 to A22).

use tipring_card::Micros;
use tipring_instructions::{Diagnostic, Document, parse};
use tipring_resources::{Code, Level, Method};

use crate::address;
use crate::effects::{Effect, Exchange, HttpAnswer, HttpId, HttpRequest, Purpose, TraceKind};
use crate::errand::Whose;
use crate::fault::Fault;
use crate::leg::{Leg, Stop};
use crate::limits::{HTTP_LIMIT, MAX_FALLBACKS};
use crate::params::{Params, of_call, param};
use crate::requests::Instructions;
use crate::world::Input;

/// What is asked next.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// Absolute.
    pub(crate) url: String,
    pub(crate) method: Method,
    /// The verb's own parameters.
    pub(crate) extra: Params,
    /// It stood in a document without a URL, and is not absolute.
    pub(crate) inline: bool,
}

/// What a call goes on with.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    Ask(Ask),
    /// This document, which came with the API's request.
    Document(String),
    /// The proof of a number: this code is to be keyed.
    Proof(String),
}

impl Wanted {
    /// Where it is to be had, for people.
    pub(crate) fn url(&self) -> &str {
        match self {
            Wanted::Ask(ask) => &ask.url,
            Wanted::Document(_) | Wanted::Proof(_) => "",
        }
    }
}

impl From<Instructions> for Wanted {
    fn from(instructions: Instructions) -> Self {
        match instructions {
            Instructions::Url { url, method } => Wanted::Ask(Ask { url, method, extra: Vec::new(), inline: false }),
            Instructions::Document(text) => Wanted::Document(text),
            Instructions::Proof { code } => Wanted::Proof(code),
        }
    }
}

/// A document and where it came from.
#[derive(Debug)]
pub(crate) struct Page {
    /// Base of its references, and what is asked when an action is missing: credentials and all. Empty: it came with
    /// the API's request.
    pub(crate) url: String,
    pub(crate) document: Document,
    /// It came from a fallback.
    pub(crate) rescued: bool,
}

impl Page {
    /// What a verb of this document asks next: its own URL, else this document's again.
    pub(crate) fn ask(&self, reference: Option<&str>, method: tipring_instructions::Method, extra: Params) -> Ask {
        let url = match reference {
            Some(reference) if !reference.is_empty() => self.resolve(reference),
            _ => self.url.clone(),
        };
        let inline = self.url.is_empty() && !address::is_absolute_http(&url);
        Ask { url, method: method_of(method), extra, inline }
    }

    /// The same, if the verb has an action that is asked.
    pub(crate) fn ask_action(
        &self,
        action: Option<&str>,
        method: tipring_instructions::Method,
        extra: Params,
    ) -> Option<Ask> {
        let action = action.filter(|action| !action.is_empty())?;
        Some(self.ask(Some(action), method, extra))
    }

    /// What a reference in this document means. In a document without a URL it stays as it is.
    pub(crate) fn resolve(&self, reference: &str) -> String {
        if self.url.is_empty() { reference.to_owned() } else { address::resolve(&self.url, reference) }
    }
}

/// The one word of two rooms.
pub(crate) fn method_of(method: tipring_instructions::Method) -> Method {
    match method {
        tipring_instructions::Method::Get => Method::Get,
        tipring_instructions::Method::Post => Method::Post,
    }
}

impl Leg {
    /// The document, or the first fault after every fallback has failed too.
    pub(crate) async fn obtain(&self, wanted: Wanted) -> Result<Result<Page, Fault>, Stop> {
        let mut usual = Vec::new();
        let first = match wanted {
            Wanted::Ask(mut ask) => {
                ask.url = self.fill(&ask.url, &ask.extra);
                if let Some((code, url)) = self.take_failure() {
                    ask.extra.push(param("LastErrorCode", code.0));
                    ask.extra.push(param("LastErrorUrl", url));
                }
                usual.clone_from(&ask.extra);
                if let Some(session) = self.world().sessions.get_mut(&self.task) {
                    session.asked.clone_from(&usual);
                }
                self.try_one(&ask).await?
            }
            // It is carried out by itself (`proof`).
            Wanted::Proof(_) => self.read_inline("<Response/>"),
            Wanted::Document(text) => {
                if let Some(session) = self.world().sessions.get_mut(&self.task) {
                    session.asked.clear();
                }
                self.read_inline(&text)
            }
        };
        let fault = match first {
            Ok(page) => return Ok(Ok(page)),
            Err(fault) => fault,
        };
        let (urls, method) = self.fallback()?;
        for url in urls.split_whitespace().take(MAX_FALLBACKS) {
            let mut extra = usual.clone();
            extra.push(param("ErrorCode", fault.code.0));
            extra.push(param("ErrorUrl", &fault.url));
            let fallback = Ask { url: self.fill(url, &extra), method, extra, inline: false };
            self.count_fallback(fault.code);
            self.trace(TraceKind::Http, format!("fallback: {}", address::shown(url)));
            if let Ok(page) = self.try_one(&fallback).await? {
                return Ok(Ok(Page { rescued: true, ..page }));
            }
        }
        Ok(Err(fault))
    }

    fn count_fallback(&self, why: Code) {
        let mut world = self.world();
        let counter = match why.0 {
            11100 | 15004 => &mut world.counters.fallbacks_url,
            12400 => &mut world.counters.fallbacks_server,
            code if code / 100 == 112 => &mut world.counters.fallbacks_server,
            _ => &mut world.counters.fallbacks_document,
        };
        *counter += 1;
    }

    fn fallback(&self) -> Result<(String, Method), Stop> {
        self.world().sessions.get(&self.task).map(|session| session.fallback.clone()).ok_or(Stop::Over)
    }

    /// A document that came with the API's request. A fault is already noted.
    fn read_inline(&self, text: &str) -> Result<Page, Fault> {
        let document = parse(text.as_bytes(), None).map_err(|diagnostic| Fault::of_document(&diagnostic, ""));
        match document {
            Ok(document) => {
                for note in &document.notes {
                    self.fault(Fault::of_document(note, ""));
                }
                Ok(Page { url: String::new(), document, rescued: false })
            }
            Err(fault) => {
                self.fault(fault.clone());
                Err(fault)
            }
        }
    }

    /// One request. A fault is already noted.
    pub(crate) async fn try_one(&self, ask: &Ask) -> Result<Result<Page, Fault>, Stop> {
        let outcome = self.fetch(ask).await?;
        if let Err(fault) = &outcome {
            self.fault(fault.clone());
        }
        Ok(outcome)
    }

    async fn fetch(&self, ask: &Ask) -> Result<Result<Page, Fault>, Stop> {
        if ask.inline {
            let text = match ask.url.as_str() {
                "" => "the verb needs an action: a document of the API's request has no URL to come back to".to_owned(),
                url => format!("{url} is relative to nothing: a document of the API's request has no URL"),
            };
            return Ok(Err(Fault::error(15004, &ask.url, text)));
        }
        if !address::is_absolute_http(&ask.url) {
            return Ok(Err(Fault::error(11100, &ask.url, "not an absolute http or https URL")));
        }
        let (url, content_type, body, exchange) = match self.exchange(ask).await? {
            HttpAnswer::Failed { code, text, exchange } => {
                let fault = Fault::error(code.0, &ask.url, text);
                return Ok(Err(fault.with(ask.method, &exchange)));
            }
            HttpAnswer::Document { url, content_type, body, exchange } => (url, content_type, body, exchange),
        };
        // After no redirect the document is where we asked for it, with the credentials and limits of that URL.
        let here = match exchange.redirects {
            0 => ask.url.clone(),
            _ => address::keep_credentials(&ask.url, &url),
        };
        let shown = address::shown(&here);
        let outcome = match read(&body, content_type.as_deref(), &here) {
            Ok(document) => {
                let strict = self.call()?.1.is_some_and(|number| number.strict_documents);
                match document.strict_fault().filter(|_| strict) {
                    Some(diagnostic) => Err(strict_fault(diagnostic, &shown)),
                    None => Ok(document),
                }
            }
            Err(fault) => Err(fault),
        };
        match outcome {
            Err(fault) => Ok(Err(fault.with(ask.method, &exchange))),
            Ok(document) => {
                let mut exchange = exchange;
                for note in &document.notes {
                    self.fault(Fault::of_document(note, &shown).with(ask.method, &exchange));
                    // The whole document once is enough; each note has its line.
                    exchange.response_body.clear();
                }
                Ok(Ok(Page { url: here, document, rescued: false }))
            }
        }
    }

    /// Asks and waits for the answer, within our own limit.
    async fn exchange(&self, ask: &Ask) -> Result<HttpAnswer, Stop> {
        let (id, until) = self.begin_exchange(ask)?;
        let answer = loop {
            match self.next(until).await? {
                Input::Http { id: ended, answer } if ended == id => break answer,
                Input::Timeout => {
                    let mut world = self.world();
                    world.routes.http.remove(&id);
                    world.counters.http_timeouts += 1;
                    world.emit(Effect::CancelHttp { id });
                    break timed_out(ask, HTTP_LIMIT);
                }
                Input::Key(_) => self.world().counters.keys_unheard += 1,
                _ => {}
            }
        };
        if let Some(session) = self.world().sessions.get_mut(&self.task) {
            session.http = None;
        }
        self.trace(TraceKind::Http, told(&answer));
        let call = self.call()?.0;
        self.world().log_exchange(Whose::of(&call), &answer);
        Ok(answer)
    }

    fn begin_exchange(&self, ask: &Ask) -> Result<(HttpId, Micros), Stop> {
        let mut world = self.world();
        let id = HttpId(world.id());
        let idempotency = world.token();
        let session = world.sessions.get_mut(&self.task).filter(|session| !session.over).ok_or(Stop::Over)?;
        if session.redirect.is_some() {
            return Err(Stop::Redirected);
        }
        if session.called_away {
            return Err(Stop::CalledAway);
        }
        session.http = Some(id);
        let call = session.call.clone();
        let request = HttpRequest {
            // A room's voice has cookies of its own.
            session: world.about(self.task).unwrap_or(call.sid),
            account: call.account,
            method: ask.method,
            url: ask.url.clone(),
            params: of_call(&call, &world.config, &ask.extra),
            purpose: Purpose::Document,
            idempotency,
        };
        world.counters.requests += 1;
        world.routes.http.insert(id, self.task);
        world.emit(Effect::Http { id, request });
        Ok((id, world.now + HTTP_LIMIT))
    }

    fn take_failure(&self) -> Option<(Code, String)> {
        self.world().sessions.get_mut(&self.task)?.failed.take()
    }
}

/// A complaint of the grammar where grammar is strict.
fn strict_fault(diagnostic: &Diagnostic, url: &str) -> Fault {
    let text = diagnostic.text.replacen("passed over", "not accepted, as the number's documents are strict", 1);
    Fault { level: Level::Error, ..Fault::of_document(&Diagnostic { text, ..diagnostic.clone() }, url) }
}

/// What a request that was never answered is worth.
pub(crate) fn timed_out(ask: &Ask, limit: Micros) -> HttpAnswer {
    let exchange = Exchange {
        method: ask.method,
        url: address::shown(&ask.url),
        duration_ms: u32::try_from(limit.as_ms()).unwrap_or(u32::MAX),
        ..Exchange::default()
    };
    HttpAnswer::Failed { code: Code(11203), text: "no answer within the time for a request".to_owned(), exchange }
}

/// The timeline's line about an exchange.
pub(crate) fn told(answer: &HttpAnswer) -> String {
    match answer {
        HttpAnswer::Document { content_type, body, exchange, .. } => {
            let status = exchange.status.map_or_else(|| "2xx".to_owned(), |status| status.to_string());
            let kind = content_type.as_deref().unwrap_or("no content type");
            let asked = asked(exchange);
            let kept = exchange.cached.map(|cached| format!(" ({})", cached.told())).unwrap_or_default();
            format!("{asked} → {status} {kind} {} B in {} ms{kept}", body.len(), exchange.duration_ms)
        }
        HttpAnswer::Failed { code, text, exchange } => {
            let status = exchange.status.map(|status| format!("{status}, ")).unwrap_or_default();
            format!("{} → {status}{} {text} in {} ms", asked(exchange), code.0, exchange.duration_ms)
        }
    }
}

fn asked(exchange: &Exchange) -> String {
    let more = if exchange.redirects > 0 { format!(" ({} redirects)", exchange.redirects) } else { String::new() };
    format!("{} {}{more}", exchange.method.as_str(), address::shown(&exchange.url))
}

/// The document of an answer, by its type (row A9).
pub(crate) fn read(body: &[u8], content_type: Option<&str>, url: &str) -> Result<Document, Fault> {
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "text/xml" | "application/xml" | "text/html" => {
            parse(body, content_type).map_err(|diagnostic| Fault::of_document(&diagnostic, url))
        }
        "text/plain" => {
            let text = std::str::from_utf8(body)
                .map_err(|_| Fault::error(12100, url, "the text is not UTF-8; send it as UTF-8"))?;
            if text.trim().is_empty() {
                return Err(Fault::error(11770, url, "the text is empty"));
            }
            Document::of_text(text).map_err(|diagnostic| Fault::of_document(&diagnostic, url))
        }
        kind if kind.starts_with("audio/") => Ok(Document::of_audio(url)),
        "" => Err(Fault::error(12300, url, "the answer has no content type; say text/xml, text/plain or audio")),
        kind => {
            let kind: String = kind.chars().take(60).collect();
            Err(Fault::error(12300, url, format!("{kind} cannot be used; answer text/xml, text/plain or audio")))
        }
    }
}
