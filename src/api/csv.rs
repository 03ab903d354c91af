//! Lists as CSV (RFC 4180): a line of names, a line for each record. Made from the JSON form, so that the two cannot differ,
//! but for one sign: callers choose their names, and spreadsheets run a cell that begins like a formula. Such a text gets an
//! apostrophe before it. A telephone number (`+` and digits) is none: at worst it is shown as a number.

use serde_json::Value;

/// The records of a list. What is an object or a list itself is left out.
pub(crate) fn document(body: &Value, member: &str) -> String {
    let records = body[member].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(first) = records.first().and_then(Value::as_object) else { return String::new() };
    let names: Vec<&str> = first
        .iter()
        .filter(|(_, value)| !value.is_object() && !value.is_array())
        .map(|(name, _)| name.as_str())
        .collect();
    let mut text = names.join(",") + "\r\n";
    for record in records {
        let cells: Vec<String> = names.iter().map(|name| cell(&record[*name])).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(words) => {
            let shield = if is_formula(words) { "'" } else { "" };
            format!("\"{shield}{}\"", words.replace('"', "\"\""))
        }
        other => other.to_string(),
    }
}

fn is_formula(words: &str) -> bool {
    let number = words.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|octet| octet.is_ascii_digit()));
    words.starts_with(['=', '+', '-', '@', '\t', '\r']) && !number
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_with_commas_and_quotes_stays_one_cell() {
        let body = json!({"calls": [
            {"a": "x,\"y\"\n", "b": null, "c": {"no": 1}, "d": 4},
            {"a": "plain", "b": "", "c": {}, "d": 5},
        ]});
        assert_eq!(document(&body, "calls"), "a,b,d\r\n\"x,\"\"y\"\"\n\",,4\r\n\"plain\",\"\",5\r\n");
        assert_eq!(document(&json!({"calls": []}), "calls"), "");
    }

    #[test]
    fn a_name_that_is_a_formula_is_a_text() {
        for name in ["=HYPERLINK(\"http://x\",\"y\")", "@SUM(1)", "-1+1", "+1+cmd|' /C calc'!A0", "\t=1", "\r=1", "="] {
            let text = document(&json!({"calls": [{"name": name}]}), "calls");
            let cell = text.split_once("\r\n").unwrap().1;
            assert!(cell.starts_with("\"'"), "{text}");
        }
        assert_eq!(cell(&json!("+12025550100")), "\"+12025550100\"");
    }
}
