//! `[destinations]`: which hosts documents, sounds, callbacks and streams may come from and go to.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};
use tipring_guard::{Mode, Place, Rules};
use url::Url;

use super::Config;

/// `[destinations]`
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Destinations {
    /// Nothing is asked but `listed` and what this file itself names.
    pub only_listed: bool,
    /// `HOST:PORT` that may be asked in any case: also of an inner listener, or an address where no application lives.
    pub listed: Vec<String>,
}

impl Destinations {
    /// Why one of the list is none, by its place in it.
    pub(super) fn faults(&self) -> impl Iterator<Item = (usize, String)> {
        let wrong = |text: &String| text.parse::<Place>().err().map(|error| format!("destinations.listed: {error}"));
        self.listed.iter().enumerate().filter_map(move |(at, text)| Some((at, wrong(text)?)))
    }
}

impl Config {
    /// What may be asked from a host with these addresses. The box's inner listeners may not, wherever a document sends it:
    /// whoever writes documents would speak with them in the box's name. The API is no inner one, since it asks for
    /// credentials, and plays recordings.
    pub fn rules(&self, own_addresses: Vec<IpAddr>) -> Rules {
        let listed = self.destinations.listed.iter().filter_map(|text| text.parse().ok());
        let inner = [&self.listen.metrics, &self.listen.proxy, &self.media.listen, &self.boxes.listen];
        let inner = inner.into_iter().filter_map(|text| text.parse::<SocketAddr>().ok()).filter(|at| at.port() != 0);
        Rules {
            mode: if self.destinations.only_listed { Mode::Strict } else { Mode::Open },
            listed: listed.chain(self.named()).collect(),
            refuse: inner.map(|at| Place::addressed(at.ip(), at.port())).collect(),
            own_addresses,
        }
    }

    /// Places that this file names: they need not be listed once more.
    fn named(&self) -> impl Iterator<Item = Place> {
        let numbers = self.number.iter().flat_map(|number| {
            number.fallback.iter().chain([&number.url, &number.status_callback]).map(String::as_str)
        });
        let speech = self.speech.iter().map(|one| one.url.as_str());
        let heard = self.recognizer.iter().map(|one| one.url.as_str());
        let others = speech.chain(heard).chain([self.messages.url.as_str()]);
        let of_urls = numbers.chain(others).filter_map(|text| {
            let url = Url::parse(text).ok()?;
            Some(Place::named(url.host_str()?, url.port_or_known_default()?))
        });
        of_urls.chain(self.messages.address.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(config: &Config, url: &str) -> Result<(), String> {
        let own = ["192.0.2.7", "2001:db8::7"].map(|address| address.parse().expect("an address"));
        let url = Url::parse(url).expect("a URL");
        let destinations = tipring_guard::Destinations::new(config.rules(own.into()));
        destinations.check(&url).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn s11_inner_listeners_are_asked_by_nobody_and_the_api_by_everybody() {
        let mut config = Config::default();
        config.listen.metrics = "0.0.0.0:9740".into();
        config.listen.proxy = "127.0.0.1:8089".into();
        config.media.listen = "192.0.2.7:7443".into();
        config.boxes.listen = "0.0.0.0:8444".into();
        for url in [
            "http://127.0.0.1:9740/metrics",
            "http://192.0.2.7:9740/metrics",
            "http://[2001:db8::7]:9740/metrics",
            "http://[::1]:9740/metrics",
            "http://127.0.0.1:8089/",
            "https://192.0.2.7:7443/",
        ] {
            let refused = asks(&config, url).expect_err(url);
            assert!(refused.contains("inner listener"), "{url}: {refused}");
        }
        assert_eq!(asks(&config, "http://127.0.0.1:8080/2010-04-01/Accounts"), Ok(()));
        assert_eq!(asks(&config, "http://127.0.0.1:3000/voice"), Ok(()), "an application on the box");
        assert_eq!(asks(&config, "http://192.0.2.8:9740/"), Ok(()), "another host's");
        config.destinations.listed.push("127.0.0.1:8089".into());
        assert_eq!(asks(&config, "http://127.0.0.1:8089/"), Ok(()), "somebody has listed it");
    }

    #[test]
    fn s11_with_a_list_nothing_else_is_asked_but_what_the_file_names() {
        let mut config = Config::default();
        config.destinations.only_listed = true;
        config.destinations.listed.push("app.lan:443".into());
        config.messages.url = "https://texts.lan/send".into();
        for (url, passes) in [
            ("https://app.lan/voice", true),
            ("https://APP.lan:443/voice", true),
            ("https://texts.lan/send", true),
            ("http://app.lan/voice", false),
            ("https://app.lan.evil.test/", false),
            ("https://evil.test/", false),
        ] {
            let asked = asks(&config, url);
            assert_eq!(asked.is_ok(), passes, "{url}: {asked:?}");
            assert!(passes || asked.is_err_and(|why| why.contains("not in the list")), "{url}");
        }
    }
}
