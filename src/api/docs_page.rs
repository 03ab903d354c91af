//! `/docs`: the operations for people, grouped by resource, each with its parameters and a line for curl. Plain HTML made
//! from the catalogue: no script, nothing from elsewhere, nothing of the box's in it, so no credentials are needed.

use std::fmt::Write;

use axum::response::Html;

use crate::catalogue::{Kind, Row, Standing, catalogue};
use crate::openapi::{is_list, parameters, tag, tags};
use crate::pages::{escaped, page};

/// The page. `base` is where the box is reached; empty: the reader has to say it.
pub(crate) fn docs(base: &str) -> Html<String> {
    let tags = tags();
    let mut body = String::from(
        "<p>The same for programs: <a href=\"/openapi.json\">/openapi.json</a>. Every request carries HTTP Basic: the \
         SID and token of an account, or the SID and secret of a key. The lines below want three variables:</p>",
    );
    let base = if base.is_empty() { "http://127.0.0.1:8080" } else { base };
    let _ = write!(body, "<pre>B={}; A=AC…; K=token</pre><ul>", escaped(base));
    for tag in &tags {
        let _ = write!(body, "<li><a href=\"#{tag}\">{tag}</a></li>");
    }
    body.push_str("</ul>");
    for tag_here in &tags {
        let _ = write!(body, "<h2 id=\"{tag_here}\">{tag_here}</h2>");
        let rows = catalogue().filter(|row| row.kind == Kind::Operation && tag(row.path) == *tag_here);
        rows.for_each(|row| operation(&mut body, row));
    }
    page("The API", &body)
}

fn operation(body: &mut String, row: &Row) {
    let _ = write!(body, "<h3><code>{} {}</code></h3>", row.method, escaped(row.path));
    match row.standing {
        Standing::Absent => {
            let _ = write!(body, "<p>Not on this box: {}.</p>", escaped(row.why));
            return;
        }
        Standing::Differs => {
            let _ = write!(body, "<p>{}.</p>", escaped(row.why));
        }
        Standing::Same => {}
    }
    let rows = parameters(row);
    let _ = write!(body, "<pre>{}</pre>", escaped(&curl(row, &rows)));
    if rows.is_empty() {
        return;
    }
    body.push_str("<table><tr><th>parameter</th><th>is</th><th></th></tr>");
    for row in rows {
        let must = if row.required { ", required" } else { "" };
        let _ = write!(
            body,
            "<tr><td><code>{}</code></td><td>{}{must}</td><td>{}</td></tr>",
            escaped(row.name),
            escaped(row.words),
            escaped(row.why)
        );
    }
    body.push_str("</table>");
}

/// A line that can be run once its dots are filled in.
fn curl(row: &Row, parameters: &[&Row]) -> String {
    let path = row.path.replace("{AccountSid}", "$A").replace("Accounts/{Sid}", "Accounts/$A");
    let url = format!("\"$B{path}\"");
    let given: String = match row.method {
        "POST" => {
            let needed: Vec<_> = parameters.iter().filter(|row| row.required).collect();
            let first = parameters.first().filter(|_| needed.is_empty());
            let named = needed.into_iter().chain(first);
            named.map(|row| format!(" --data-urlencode {}=…", row.name)).collect()
        }
        "GET" if is_list(row) => " -G -d PageSize=20".into(),
        _ => String::new(),
    };
    let method = match row.method {
        "DELETE" => " -X DELETE",
        "POST" if given.is_empty() => " -X POST",
        _ => "",
    };
    format!("curl -u $A:$K{method} {url}{given}")
}
