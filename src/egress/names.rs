//! Names to addresses: the system's resolver, on threads of its own, and what it has said before.
//!
//! A call must not wait for a name server that is away, so an address that was good lately stands in for it. Whoever
//! asks checks every address again, remembered or not.

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The resolver. Clones share what is known.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    known: Arc<Mutex<Known>>,
    lookups: Arc<Semaphore>,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self { known: Arc::default(), lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)) }
    }

    /// The addresses of a name. The error is the resolver's words.
    pub(crate) async fn look_up(&self, name: &str, port: u16, by: Instant) -> Result<Vec<SocketAddr>, String> {
        let place = (name.to_owned(), port);
        let now = Instant::now();
        if let Some(fresh) = self.lock().fresh(&place, now) {
            return Ok(fresh);
        }
        let last = self.lock().last(&place, now);
        let patience = if last.is_some() { by.min(now + PATIENCE) } else { by };
        let asked = match tokio::time::timeout_at(patience, self.ask(place)).await {
            Ok(answer) => answer,
            Err(_) => Err("the name server did not answer in time".to_owned()),
        };
        match (asked, last) {
            (Err(cause), Some(last)) => {
                tracing::warn!(name, cause, "name not resolved; its last known address stands in");
                Ok(last)
            }
            (asked, _) => asked,
        }
    }

    /// Nobody answered at these addresses: ask anew next time.
    pub(crate) fn doubt(&self, name: &str, port: u16) {
        self.lock().doubt(&(name.to_owned(), port), Instant::now());
    }

    /// A lookup that outlives its request keeps its permit, so a dead name server holds at most [`MAX_LOOKUPS`]
    /// threads, and what it says at last is still learned.
    async fn ask(&self, place: Place) -> Result<Vec<SocketAddr>, String> {
        let permit = self.lookups.clone().acquire_owned().await.map_err(|it| it.to_string())?;
        let names = self.clone();
        let thread = tokio::task::spawn_blocking(move || {
            let found = (place.0.as_str(), place.1).to_socket_addrs().map_err(|it| it.to_string());
            drop(permit);
            let found: Vec<SocketAddr> = found?.take(MAX_ADDRESSES).collect();
            names.lock().learn(place, found.clone(), Instant::now());
            Ok(found)
        });
        thread.await.map_err(|it| it.to_string())?
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Place = (String, u16);

/// What the resolver has said.
#[derive(Debug, Default)]
struct Known {
    places: HashMap<Place, Said>,
}

#[derive(Debug)]
struct Said {
    addrs: Vec<SocketAddr>,
    at: Instant,
    fresh_until: Instant,
}

impl Known {
    fn fresh(&self, place: &Place, now: Instant) -> Option<Vec<SocketAddr>> {
        self.places.get(place).filter(|it| now < it.fresh_until).map(|it| it.addrs.clone())
    }

    fn last(&self, place: &Place, now: Instant) -> Option<Vec<SocketAddr>> {
        self.places.get(place).filter(|it| now < it.at + REMEMBERED).map(|it| it.addrs.clone())
    }

    fn learn(&mut self, place: Place, addrs: Vec<SocketAddr>, now: Instant) {
        if addrs.is_empty() {
            return;
        }
        if self.places.len() >= MAX_NAMES && !self.places.contains_key(&place) {
            let oldest = self.places.iter().min_by_key(|(_, it)| it.at).map(|(place, _)| place.clone());
            oldest.map(|it| self.places.remove(&it));
        }
        self.places.insert(place, Said { addrs, at: now, fresh_until: now + FRESH });
    }

    fn doubt(&mut self, place: &Place, now: Instant) {
        if let Some(said) = self.places.get_mut(place) {
            said.fresh_until = now;
        }
    }
}

/// An answer is taken as it is for this long: a call's requests follow each other within seconds.
const FRESH: Duration = Duration::from_secs(5);
/// For this long the last answer stands in for a name server that is away.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);
/// Wait for a name server when a stand-in is at hand: a caller hears every second.
const PATIENCE: Duration = Duration::from_secs(1);
/// Threads that wait for name servers at one time.
const MAX_LOOKUPS: usize = 32;
/// Names remembered: far more than a box's applications have.
const MAX_NAMES: usize = 512;
/// Addresses kept of one name: the rest would be beyond any connect limit.
const MAX_ADDRESSES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> Place {
        (name.to_owned(), 80)
    }

    fn addrs(text: &str) -> Vec<SocketAddr> {
        vec![text.parse().expect("an address")]
    }

    #[test]
    fn an_answer_is_fresh_then_a_stand_in_then_gone() {
        let mut known = Known::default();
        let start = Instant::now();
        known.learn(place("app"), addrs("10.0.0.1:80"), start);
        let at = |it: Duration| start + it;
        assert_eq!(known.fresh(&place("app"), at(FRESH / 2)), Some(addrs("10.0.0.1:80")));
        assert_eq!(known.fresh(&place("app"), at(FRESH)), None);
        assert_eq!(known.last(&place("app"), at(REMEMBERED / 2)), Some(addrs("10.0.0.1:80")));
        assert_eq!(known.last(&place("app"), at(REMEMBERED)), None);
        assert_eq!(known.last(&("app".to_owned(), 81), start), None);
    }

    #[test]
    fn a_doubted_answer_is_asked_anew_and_an_empty_one_not_learned() {
        let mut known = Known::default();
        let start = Instant::now();
        known.learn(place("app"), addrs("10.0.0.1:80"), start);
        known.doubt(&place("app"), start);
        assert_eq!(known.fresh(&place("app"), start), None);
        known.learn(place("app"), Vec::new(), start);
        assert_eq!(known.last(&place("app"), start), Some(addrs("10.0.0.1:80")));
        known.learn(place("app"), addrs("10.0.0.2:80"), start);
        assert_eq!(known.fresh(&place("app"), start), Some(addrs("10.0.0.2:80")));
    }

    #[test]
    fn many_names_fill_no_memory() {
        let mut known = Known::default();
        let start = Instant::now();
        for number in 0..MAX_NAMES as u64 + 5 {
            known.learn(place(&number.to_string()), addrs("10.0.0.1:80"), start + Duration::from_millis(number));
        }
        assert_eq!(known.places.len(), MAX_NAMES);
        assert!(known.last(&place("4"), start).is_none() && known.last(&place("5"), start).is_some());
    }

    #[tokio::test]
    async fn a_remembered_address_stands_in_for_a_name_that_no_longer_resolves() {
        let names = Names::new();
        let by = Instant::now() + Duration::from_secs(5);
        assert!(names.look_up("gone.invalid", 80, by).await.is_err());
        names.lock().learn(place("gone.invalid"), addrs("10.0.0.1:80"), Instant::now());
        names.doubt("gone.invalid", 80);
        assert_eq!(names.look_up("gone.invalid", 80, by).await, Ok(addrs("10.0.0.1:80")));
    }

    #[tokio::test]
    async fn with_all_threads_waiting_a_request_still_ends() {
        let names = Names::new();
        let held = names.lookups.clone().acquire_many_owned(u32::try_from(MAX_LOOKUPS).expect("small")).await;
        let by = Instant::now() + Duration::from_millis(20);
        assert!(names.look_up("localhost", 80, by).await.is_err_and(|it| it.contains("in time")));
        drop(held);
        let by = Instant::now() + Duration::from_secs(5);
        assert!(names.look_up("localhost", 80, by).await.is_ok());
    }
}
