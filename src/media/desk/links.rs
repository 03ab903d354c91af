//! The links of a page, as a browser would follow them. The page is read by a tolerant HTML tokenizer; nothing is fetched.

use html5gum::{Token, Tokenizer};
use url::Url;

/// Every link of a page, made absolute, without fragments, each once. `base` is where the page came from.
pub(crate) fn links(page: &[u8], base: &Url) -> Vec<Url> {
    let mut base = base.clone();
    let mut found: Vec<Url> = Vec::new();
    for Ok(token) in Tokenizer::new(page) {
        let Token::StartTag(tag) = token else { continue };
        let attribute = match &**tag.name {
            b"a" | b"area" | b"link" | b"base" => b"href".as_slice(),
            b"audio" | b"video" | b"source" | b"embed" | b"iframe" => b"src",
            _ => continue,
        };
        let Some(value) = tag.attributes.get(attribute) else { continue };
        let Ok(mut url) = base.join(String::from_utf8_lossy(value).trim()) else { continue };
        url.set_fragment(None);
        if **tag.name == *b"base" {
            base = url;
        } else if matches!(url.scheme(), "http" | "https") && !found.contains(&url) {
            found.push(url);
        }
        if found.len() >= MAX_LINKS {
            break;
        }
    }
    found
}

/// Links of one page: a folder with all prompts of a large application in four languages.
const MAX_LINKS: usize = 5_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(page: &str) -> Vec<String> {
        links(page.as_bytes(), &Url::parse("http://h/a/b/").unwrap()).into_iter().map(Into::into).collect()
    }

    #[test]
    fn links_are_read_like_a_browser_reads_them() {
        let page = "<A HREF='one.mp3'>x<a href=\"../two.mp3#t\"><!-- <a href=no.mp3> --><audio src=/three.wav>\
                    <a href='one.mp3'><a href='mailto:x@y'><a href='%2e%2e/four.mp3'><a href=' five.mp3 '>\
                    <a name=x><script>'<a href=no.mp3>'</script";
        let all = of(page);
        assert_eq!(
            all,
            [
                "http://h/a/b/one.mp3",
                "http://h/a/two.mp3",
                "http://h/three.wav",
                "http://h/a/four.mp3",
                "http://h/a/b/five.mp3",
                "http://h/a/b/no.mp3"
            ]
        );
    }

    #[test]
    fn a_base_counts_and_no_page_is_too_strange() {
        assert_eq!(of("<base href='http://other/x/'><a href=y>"), ["http://other/x/y"]);
        assert!(links(&[0xFF, b'<', b'a', 0, b'=', b'"'], &Url::parse("http://h/").unwrap()).is_empty());
        assert_eq!(of(&"<a href=x>".repeat(9_000)).len(), 1);
    }
}
