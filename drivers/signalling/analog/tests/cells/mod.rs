//! State tables typed from the standards: every state against every input, one cell each. The file is the oracle; nothing
//! here writes it.
//!
//! A section a state. `input, input: next state / output, output` says what comes of an input; `x:` lists those that are
//! counted as unexpected and change nothing, `.:` those that are taken and change nothing. A `;` begins a comment.

mod fxo;
mod fxs;

use std::collections::BTreeMap;

/// What an input does in a state.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Unexpected,
    Nothing,
    Goes { state: String, outputs: Vec<String> },
}

pub type Table = BTreeMap<String, BTreeMap<String, Cell>>;

/// Reads a table; a mistake in it names its line.
pub fn read(text: &str) -> Result<Table, String> {
    let mut table = Table::new();
    let mut state = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split(';').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            if table.insert(name.to_owned(), BTreeMap::new()).is_some() {
                return Err(format!("line {number}: [{name}] stands twice"));
            }
            state = Some(name.to_owned());
            continue;
        }
        let (inputs, result) = line.split_once(':').ok_or_else(|| format!("line {number}: no colon"))?;
        let cells = state.as_ref().and_then(|name| table.get_mut(name));
        let cells = cells.ok_or_else(|| format!("line {number}: before the first state"))?;
        let (names, cell) = match inputs.trim() {
            "x" => (result, Cell::Unexpected),
            "." => (result, Cell::Nothing),
            _ => (inputs, goes(result)),
        };
        for input in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if cells.insert(input.to_owned(), cell.clone()).is_some() {
                return Err(format!("line {number}: {input} stands twice in this state"));
            }
        }
    }
    Ok(table)
}

fn goes(result: &str) -> Cell {
    let (state, outputs) = result.split_once('/').unwrap_or((result, ""));
    let outputs = outputs.split(',').map(str::trim).filter(|output| !output.is_empty());
    Cell::Goes { state: state.trim().to_owned(), outputs: outputs.map(str::to_owned).collect() }
}

/// Compares a table with what a machine does: `does(state, input)` gives the state after it, what came out in words, and
/// whether it was counted as unexpected. Every pair must have its cell, and no cell may be of nothing. The number of pairs.
pub fn compare(
    table: &Table,
    states: &[&str],
    inputs: &[&str],
    mut does: impl FnMut(&str, &str) -> (String, Vec<String>, bool),
) -> usize {
    let mut wrong = Vec::new();
    for state in states {
        let Some(cells) = table.get(*state) else {
            wrong.push(format!("[{state}] is missing"));
            continue;
        };
        for input in inputs {
            let Some(cell) = cells.get(*input) else {
                wrong.push(format!("[{state}] {input}: no cell"));
                continue;
            };
            let (after, outputs, unexpected) = does(state, input);
            let is = match (unexpected, after == *state && outputs.is_empty()) {
                (true, true) => Cell::Unexpected,
                (false, true) => Cell::Nothing,
                _ => Cell::Goes { state: after, outputs },
            };
            if is != *cell {
                wrong.push(format!("[{state}] {input}: the table says {cell:?}, the machine does {is:?}"));
            }
        }
        wrong.extend(
            cells
                .keys()
                .filter(|name| !inputs.contains(&name.as_str()))
                .map(|name| format!("[{state}] {name}: no such input")),
        );
    }
    wrong.extend(
        table.keys().filter(|name| !states.contains(&name.as_str())).map(|name| format!("[{name}]: no such state")),
    );
    assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n"));
    states.len() * inputs.len()
}

#[test]
fn a_table_with_a_mistake_is_refused_with_its_line() {
    assert!(read("[a]\nb: c / d, e\nx: f, g\n.: h").is_ok());
    for (text, fault) in [
        ("b: c", "line 1: before the first state"),
        ("[a]\n\nb c", "line 3: no colon"),
        ("[a]\nb: c\nx: d, b", "line 3: b stands twice in this state"),
        ("[a]\n[a]", "line 2: [a] stands twice"),
    ] {
        assert_eq!(read(text), Err(fault.to_owned()));
    }
}

#[test]
#[should_panic(expected = "2 cells")]
fn a_cell_that_is_missing_or_another_is_seen() {
    let table = read("[a]\nb: c\n").unwrap_or_default();
    compare(&table, &["a"], &["b", "d"], |_, _| ("a".to_owned(), Vec::new(), true));
}
