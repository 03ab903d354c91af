//! Lists as CSV (RFC 4180): a line of names, a line for each record. Made from the JSON form, so that the two cannot differ.

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
        Value::String(words) if words.contains(['"', ',', '\r', '\n']) => format!("\"{}\"", words.replace('"', "\"\"")),
        Value::String(words) => words.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_with_commas_and_quotes_stays_one_cell() {
        let body = json!({"calls": [
            {"a": "x,\"y\"\n", "b": null, "c": {"no": 1}, "d": 4},
            {"a": "plain", "b": "=", "c": {}, "d": 5},
        ]});
        assert_eq!(document(&body, "calls"), "a,b,d\r\n\"x,\"\"y\"\"\n\",,4\r\nplain,=,5\r\n");
        assert_eq!(document(&json!({"calls": []}), "calls"), "");
    }
}
