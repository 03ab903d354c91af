//! What the API has of the peers' resources: every operation, parameter and field, whether it is the same here, and if not,
//! why. Pages and descriptions are made from this one table, and a test holds the running API against it.

mod calls;
mod hardware;
mod rooms;
mod tenants;
mod texts;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A method on a path.
    Operation,
    /// Something that is sent: of a query for GET, of a form for POST.
    Parameter,
    /// Something that is shown.
    Field,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As the peers have it.
    Same,
    /// There, but not in every respect the same; or our own.
    Differs,
    /// Not there. A parameter is passed over, an operation refused.
    Absent,
}

/// One operation, parameter or field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Template of the path, e.g. `/2010-04-01/Accounts/{AccountSid}/Calls/{Sid}.json`.
    pub path: &'static str,
    /// GET, POST or DELETE.
    pub method: &'static str,
    /// Of the parameter or field; empty for an operation.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its type or its words, for people.
    pub words: &'static str,
    /// A parameter without which it does not go.
    pub required: bool,
    /// How it stands.
    pub standing: Standing,
    /// Why it is not the same.
    pub why: &'static str,
}

/// The whole table.
pub fn catalogue() -> impl Iterator<Item = &'static Row> {
    [calls::ROWS, rooms::ROWS, tenants::ROWS, texts::ROWS, hardware::ROWS].into_iter().flatten()
}

const fn row(path: &'static str, method: &'static str, name: &'static str, kind: Kind, words: &'static str) -> Row {
    Row { path, method, name, kind, words, required: false, standing: Standing::Same, why: "" }
}

const fn operation(path: &'static str, method: &'static str) -> Row {
    row(path, method, "", Kind::Operation, "")
}

const fn parameter(path: &'static str, method: &'static str, name: &'static str, words: &'static str) -> Row {
    row(path, method, name, Kind::Parameter, words)
}

const fn field(path: &'static str, method: &'static str, name: &'static str, words: &'static str) -> Row {
    row(path, method, name, Kind::Field, words)
}

impl Row {
    const fn required(self) -> Row {
        Row { required: true, ..self }
    }

    const fn differs(self, why: &'static str) -> Row {
        Row { standing: Standing::Differs, why, ..self }
    }

    const fn absent(self, why: &'static str) -> Row {
        Row { standing: Standing::Absent, why, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of every file here that reads forms.
    fn sources() -> String {
        let folder = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
        let files =
            folder.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|it| it == "rs"));
        files.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    #[test]
    fn a_parameter_that_nobody_reads_is_said_to_have_no_effect() {
        let sources = sources();
        let promised = |row: &&Row| {
            row.kind == Kind::Parameter && row.standing != Standing::Absent && !row.why.starts_with("without effect")
        };
        for row in catalogue().filter(promised) {
            // A family such as `<DateSent`, `DateSent>`, or `X.y`, is read by its name.
            let name = row.name.trim_matches(['<', '>']);
            assert!(sources.contains(&format!("\"{name}\"")), "{} {} {}", row.method, row.path, row.name);
        }
    }

    #[test]
    fn no_row_stands_twice_and_what_is_not_the_same_says_why() {
        let mut seen = std::collections::BTreeSet::new();
        for row in catalogue() {
            assert!(seen.insert((row.path, row.method, row.name, row.kind as u8)), "{row:?}");
            assert_eq!(row.standing == Standing::Same, row.why.is_empty(), "{row:?}");
        }
    }
}
