//! Templates of URLs (rows A4, A12): `{Digits}` and its like are filled with what the call's requests tell, so that an
//! application can be files alone.

use tipring_instructions::template::{self, Expanded};

use crate::address;
use crate::fault::Fault;
use crate::leg::Leg;
use crate::params::{Params, of_call};

/// Fills a template with these values; of a name that stands twice the last counts.
pub(crate) fn fill(url: &str, values: &[(String, String)]) -> Expanded {
    template::expand(url, |name| values.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str()))
}

/// What is said of names that have no value.
pub(crate) fn missing(url: &str, names: &[String]) -> Option<Fault> {
    let names = names.join(", ");
    let text = format!("{}: nothing is known as {names}: left empty in the URL", address::shown(url));
    (!names.is_empty()).then(|| Fault::warning(11100, url, text))
}

impl Leg {
    /// A URL with its names filled: by `extra`, by the call, by what the last request for a document told.
    pub(crate) fn fill(&self, url: &str, extra: &[(String, String)]) -> String {
        if !template::is_template(url) {
            return url.to_owned();
        }
        let values: Params = {
            let world = self.world();
            let Some(session) = world.sessions.get(&self.task) else {
                return url.to_owned();
            };
            let mut values = session.asked.clone();
            values.extend(of_call(&session.call, &world.config, extra));
            values
        };
        let Expanded { url: filled, missing: names } = fill(url, &values);
        if let Some(fault) = missing(url, &names) {
            self.fault(fault);
        }
        filled
    }
}
