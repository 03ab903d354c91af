//! All countries that a box knows: the built-in ones, and the user's own, which add to them or replace them.

use crate::{Country, Fault, Tones, built_in, read_beside};

/// All countries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    own: Vec<Country>,
}

impl Book {
    /// The built-in countries and those of a user's file.
    pub fn with(text: &str) -> Result<Book, Vec<Fault>> {
        read_beside(text, built_in()).map(|own| Book { own })
    }

    /// The user's own ones.
    pub fn own(&self) -> &[Country] {
        &self.own
    }

    /// All, each once: the built-in ones in their order or what stands in their place, then those that are new.
    pub fn all(&self) -> impl Iterator<Item = &Country> {
        let replaced = |known: &Country| self.own.iter().find(|own| own.code == known.code);
        let new = |own: &&Country| !built_in().iter().any(|known| known.code == own.code);
        built_in().iter().map(move |known| replaced(known).unwrap_or(known)).chain(self.own.iter().filter(new))
    }

    /// The country of a code, in either case.
    pub fn find(&self, code: &str) -> Option<&Country> {
        self.all().find(|country| country.is(code))
    }

    /// A country's tones: its own, or those of its stand-in, and whose they are.
    pub fn tones<'a>(&'a self, country: &'a Country) -> Option<(&'a Country, &'a Tones)> {
        let with_tones = |country: &'a Country| country.tones.as_ref().map(|tones| (country, tones));
        if let Some(own) = with_tones(country) {
            return Some(own);
        }
        let named = country.tones_of.as_deref()?;
        // Where the user's entry for a built-in one's stand-in has no tones, the built-in one has.
        let built_in = || built_in().iter().find(|known| known.is(named)).and_then(with_tones);
        self.find(named).and_then(with_tones).or_else(built_in)
    }
}
