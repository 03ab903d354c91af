//! The pages behind `more_info`: what an error code means and what to do. Plain HTML, no credentials needed, nothing of the
//! box's in it.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Html;
use tipring_resources::Code;

/// All codes.
pub(crate) async fn index() -> Html<String> {
    let rows: String = Code::all()
        .iter()
        .map(|(code, meaning, _)| format!("<li><a href=\"/errors/{code}\">{code}</a> {}</li>", escaped(meaning)))
        .collect();
    page("Error codes", &format!("<ul>{rows}</ul>"))
}

/// One code.
pub(crate) async fn one(Path(code): Path<String>) -> (StatusCode, Html<String>) {
    let known = Code::all().iter().find(|(known, _, _)| known.to_string() == code);
    match known {
        Some((code, meaning, remedy)) => {
            let body = format!("<p>{}.</p><p>What to do: {}.</p>", escaped(meaning), escaped(remedy));
            (StatusCode::OK, page(&format!("Error {code}"), &body))
        }
        None => (StatusCode::NOT_FOUND, page("Unknown error code", "<p>This box knows no such code.</p>")),
    }
}

/// A page of this title.
pub(crate) fn page(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} - tipring</title></head>\
         <body><h1>{title}</h1>{body}<p><a href=\"/docs\">The API</a>, \
         <a href=\"/errors\">all error codes</a></p></body></html>"
    ))
}

/// A text in HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
