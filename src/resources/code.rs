//! The error and warning codes that people know, with what they mean and what to do. Every code that the box can utter
//! stands in `TABLE`; the API's `more_info` pages are made from it.

use serde::{Deserialize, Serialize};

use crate::table::TABLE;

/// An error or warning code, e.g. 11200.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Code(pub u32);

/// How bad it is. The API writes `0` for an error and `1` for a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The document or the request ended.
    Error,
    /// It went on.
    Warning,
}

impl Code {
    /// What it means in short.
    pub fn meaning(self) -> &'static str {
        self.row().map_or("unknown code", |row| row.1)
    }

    /// What a developer does about it.
    pub fn remedy(self) -> &'static str {
        self.row().map_or("report it with the notification's text", |row| row.2)
    }

    fn row(self) -> Option<&'static (u32, &'static str, &'static str)> {
        TABLE.iter().find(|row| row.0 == self.0)
    }

    /// All codes, with meaning and remedy.
    pub fn all() -> &'static [(u32, &'static str, &'static str)] {
        TABLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ascends_so_that_no_code_stands_twice() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn every_code_says_what_to_do() {
        assert!(TABLE.iter().all(|row| !row.1.is_empty() && !row.2.is_empty()));
        assert_eq!(Code(11200).meaning(), "the application could not be fetched");
    }
}
