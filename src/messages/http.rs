//! A web service as gateway: each message is one POST, its status is the answer's. Tried again only by whoever sends.

use tipring_egress::{Client, Limits, Method, Request};
use url::Url;

use crate::{Adapter, Outgoing, Refused, Sending};

/// How a message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `application/x-www-form-urlencoded`
    #[default]
    Form,
    /// `application/json`
    Json,
}

/// Where messages go.
#[derive(Clone)]
pub struct HttpSettings {
    /// May hold a user and a password.
    pub url: Url,
    /// How they are written.
    pub form: Form,
    /// A header that the service wants, such as its key.
    pub header: Option<(String, String)>,
}

/// Never shows the password in the URL, nor the header.
impl std::fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpSettings").field("url", &shown(&self.url)).field("form", &self.form).finish_non_exhaustive()
    }
}

/// The gateway.
#[derive(Debug)]
pub struct Http {
    client: Client,
    settings: HttpSettings,
}

impl Http {
    /// A gateway that is asked over `client`.
    pub fn new(client: Client, settings: HttpSettings) -> Http {
        Http { client, settings }
    }

    async fn post(&self, message: Outgoing) -> Result<(), Refused> {
        let fields = [("id", &message.name), ("from", &message.from), ("to", &message.to), ("body", &message.body)];
        let (kind, body) = match self.settings.form {
            Form::Form => {
                let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                ("application/x-www-form-urlencoded", form)
            }
            Form::Json => {
                let members = fields.map(|(name, value)| (name.to_owned(), value.clone().into()));
                ("application/json", serde_json::Value::Object(members.into_iter().collect()).to_string())
            }
        };
        let mut headers = vec![("Content-Type".to_owned(), kind.to_owned())];
        headers.extend(self.settings.header.clone());
        let limits = Limits { attempts: 2, ..Limits::default() };
        let request =
            Request { method: Method::Post, url: self.settings.url.clone(), headers, body: body.into(), limits };
        let answer = self.client.send(request).await.map_err(|fault| Refused::Away(fault.to_string()))?;
        let status = answer.status;
        let place = shown(&self.settings.url);
        match status {
            200..=299 => Ok(()),
            408 | 429 | 500..=599 => Err(Refused::Away(format!("{place}: the gateway answered {status}"))),
            _ => Err(Refused::Unwanted(format!("{place}: the gateway answered {status}"))),
        }
    }
}

/// A URL without what may be secret in it: credentials, and a key in its query.
fn shown(url: &Url) -> String {
    let mut shown = tipring_egress::redacted(url);
    shown.set_query(None);
    shown.into()
}

impl Adapter for Http {
    fn send(&self, message: Outgoing) -> Sending<'_> {
        Box::pin(self.post(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_shown_without_what_is_secret() {
        let url = "https://me:secret1@sms.lan/send?key=secret2".parse().expect("a URL");
        let header = Some(("X-Key".to_owned(), "secret3".to_owned()));
        let settings = HttpSettings { url, form: Form::Json, header };
        let shown = format!("{settings:?}");
        assert!(shown.contains("sms.lan/send") && !shown.contains("secret"), "{shown}");
    }
}
