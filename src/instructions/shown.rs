//! What people may see of a document: addresses and values without credentials, and without what never goes over the wire;
//! and where in a document's source credentials stand.

use std::ops::Range;

/// Digits of a character's number; more are zeros.
const MAX_REFERENCE: usize = 16;
/// In place of what is not shown.
pub(crate) const HIDDEN: &str = "***";

/// A URL without user, password and fragment; a URL in its query without them too.
pub fn url(url: &str) -> String {
    let mut shown = String::with_capacity(url.len());
    let mut rest = url;
    let mut nested = false;
    while let Some(begin) = authority(rest, nested) {
        shown.push_str(&rest[..begin]);
        rest = without_credentials(&rest[begin..]);
        // What follows may hold another one, behind a scheme.
        let end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
        shown.push_str(&rest[..end]);
        rest = &rest[end..];
        nested = true;
    }
    shown.push_str(rest);
    let end = shown.find('#').unwrap_or(shown.len());
    shown.truncate(end);
    shown
}

/// Where the authority of a URL begins: behind a scheme and slashes. A whole URL may have no scheme, or no slashes, and any
/// number of them: whoever asks for it is not strict.
fn authority(text: &str, nested: bool) -> Option<usize> {
    let slashes = |at: usize| text[at..].bytes().take_while(|it| matches!(it, b'/' | b'\\')).count();
    if nested {
        let at = text.find("://")? + 1;
        return Some(at + slashes(at));
    }
    let scheme = text.split(':').next().unwrap_or_default();
    let known = ["http", "https", "ws", "wss"].iter().any(|it| it.eq_ignore_ascii_case(scheme));
    let at = if text.len() > scheme.len() { scheme.len() + 1 } else { 0 };
    match (known, slashes(at), slashes(0)) {
        (true, count, _) if at > 0 => Some(at + count),
        (false, count, _) if at > 0 && count >= 2 && !scheme.contains(['/', '?', '#']) => Some(at + count),
        (_, _, count) if count >= 2 => Some(count),
        _ => authority(text, true),
    }
}

/// What begins with an authority, from its host on. A password may hold what ends an authority: then what is in front is
/// no host with a port.
fn without_credentials(text: &str) -> &str {
    let end = text.find(['/', '?', '\\', '#']).unwrap_or(text.len());
    let authority = &text[..end];
    let at = authority.rfind('@').or_else(|| if is_host(authority) { None } else { text.rfind('@') });
    at.map_or(text, |at| &text[at + 1..])
}

/// A name or an address, and perhaps a port; an expression may stand for both.
fn is_host(text: &str) -> bool {
    let after = text.rsplit_once(']').map_or(text, |(_, after)| after);
    let port = after.split_once(':').map_or("", |(_, port)| port);
    port.bytes().all(|it| it.is_ascii_digit()) || port.starts_with('{') && port.ends_with('}')
}

/// A SIP address without password, parameters and headers.
pub(crate) fn sip(uri: &str) -> String {
    let (scheme, rest) = match uri.split_once(':') {
        Some((scheme, rest)) if ["sip", "sips"].iter().any(|it| it.eq_ignore_ascii_case(scheme)) => (scheme, rest),
        _ => return text(uri),
    };
    match rest.split_once('@').map(|(user, host)| (user, host.split('?').next().unwrap_or_default())) {
        Some((user, host)) if !host.contains('@') => {
            let user = user.split([':', ';', '?']).next().unwrap_or_default();
            let host = host.split(';').next().unwrap_or_default();
            format!("{scheme}:{user}@{host}")
        }
        // Where the user ends would be a guess.
        _ => format!("{scheme}:{HIDDEN}"),
    }
}

/// Any value: what stands before an at sign is not shown.
pub(crate) fn text(value: &str) -> String {
    match value.rsplit_once('@') {
        Some((_, after)) => format!("{HIDDEN}@{after}"),
        None => value.to_owned(),
    }
}

/// Where credentials may stand in a document's source: in a text or a value that has an at sign all that is before it, and
/// the values of `username` and `password`. Sources that are not well-formed are read as far as they go.
pub(crate) fn secrets(source: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let (mut part, mut begin) = (Part::Text, 0);
    let mut rest = source.char_indices();
    while let Some((at, sign)) = rest.next() {
        let next = at + sign.len_utf8();
        let here = &source[at..];
        let skip = match (part, sign) {
            (Part::Text, '<') if here.starts_with("<!--") => Some((Part::Comment, 4)),
            (Part::Text, '<') if here.starts_with("<![CDATA[") => Some((Part::Text, 9)),
            (Part::Text, '<') => Some((Part::Tag, 1)),
            (Part::Comment, '-') if here.starts_with("-->") => Some((Part::Text, 3)),
            (Part::Tag, '>') => Some((Part::Text, 1)),
            (Part::Tag, '"' | '\'') => Some((Part::Value { quote: sign, secret: is_secret(&source[begin..at]) }, 1)),
            (Part::Value { quote, secret }, sign) if quote == sign => {
                if secret {
                    found.push(begin..at);
                }
                Some((Part::Tag, 1))
            }
            _ => None,
        };
        if let Some((then, length)) = skip {
            (part, begin) = (then, at + length);
            // The signs are of one octet each.
            for _ in 1..length {
                rest.next();
            }
        } else if sign == '@' || is_at_sign(here) {
            if found.last().is_some_and(|known| known.start == begin) {
                found.pop();
            }
            found.push(begin..if sign == '@' { at } else { next });
        } else if let (Part::Tag, '=') = (part, sign)
            && is_secret(&source[begin..next])
        {
            found.extend(unquoted(source, next));
        }
    }
    if let Part::Value { secret: true, .. } = part {
        found.push(begin..source.len());
    }
    found
}

/// What a place of a document is part of.
#[derive(Clone, Copy)]
enum Part {
    Text,
    Comment,
    Tag,
    Value { quote: char, secret: bool },
}

/// Whether a tag, up to a value, ends with the name of an attribute whose value is not shown.
fn is_secret(tag: &str) -> bool {
    let name = tag.trim_end().strip_suffix('=').unwrap_or_default().trim_end();
    let name = name.rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).next().unwrap_or_default();
    ["username", "password"].iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// The value that begins here, where the quote is forgotten.
fn unquoted(source: &str, from: usize) -> Option<Range<usize>> {
    let value = source[from..].trim_start();
    let begin = source.len() - value.len();
    let length = value.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(value.len());
    (!value.starts_with(['"', '\''])).then_some(begin..begin + length)
}

/// An at sign that is written by its number.
fn is_at_sign(text: &str) -> bool {
    let number = text.strip_prefix("&#").and_then(|rest| {
        let end = rest.bytes().take(MAX_REFERENCE).position(|it| it == b';')?;
        rest.get(..end)
    });
    number.is_some_and(|number| match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16) == Ok(0x40),
        None => number.parse() == Ok(0x40_u32),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn e8_credentials_are_not_shown() {
        for (url, wanted) in [
            ("http://u:p@a.test/b?c@d#ct=1", "http://a.test/b?c@d"),
            ("wss://u@a.test", "wss://a.test"),
            ("/rel?x=http://u:p@h", "/rel?x=http://h"),
            ("http://a/b?x=http://u:p@h/@c&y=ws://v@h#d", "http://a/b?x=http://h/@c&y=ws://h"),
            ("//u:p@a.test/b", "//a.test/b"),
            ("HTTP:/\\u:p@a.test\\b@c", "HTTP:/\\a.test\\b@c"),
            ("http:u:p@a.test/b", "http:a.test/b"),
            ("http:///u:p@a.test/b", "http:///a.test/b"),
            ("ftp://u:p@a.test/b", "ftp://a.test/b"),
            ("http://u:p/p@a.test/b", "http://a.test/b"),
            ("http://u:p?p@a.test/b", "http://a.test/b"),
            ("http://u:p#p@a.test/b", "http://a.test/b"),
            ("http://u:p@p@a.test/b", "http://a.test/b"),
            ("http://[::1]:80/@b", "http://[::1]:80/@b"),
            ("http://a.test:81/@b?c@d", "http://a.test:81/@b?c@d"),
            ("http://{Host}:{Port}/@b", "http://{Host}:{Port}/@b"),
            ("mailto:a@b", "mailto:a@b"),
            ("{Base}/a", "{Base}/a"),
            ("", ""),
        ] {
            assert_eq!(super::url(url), wanted, "{url}");
        }
        for (uri, wanted) in [
            ("sip:u:p@a.test:5060;transport=tls?X=1", "sip:u@a.test:5060"),
            ("sips:u@[::1]", "sips:u@[::1]"),
            ("sip:u;x=1:p@h", "sip:u@h"),
            ("sip:u:p@h?X-Token=a@secret", "sip:u@h"),
            ("sip:u:p@h;x=a@secret", "sip:***"),
            ("sip:u:p", "sip:***"),
            ("u:p@h", "***@h"),
        ] {
            assert_eq!(super::sip(uri), wanted, "{uri}");
        }
    }

    #[test]
    fn e8_the_timeline_of_a_document_has_no_credentials() {
        let text = "<Response><Play>http://u:secret@a/b</Play><Redirect>http://u:secret@a/b</Redirect><Dial><Sip>\
                    sip:u:secret@a?X=secret</Sip></Dial><Refer><Sip>sip:u:secret@a</Sip></Refer><Connect><Stream \
                    url='wss://u:secret@a'/></Connect><Start><Stream url='wss://u:secret@a'/></Start></Response>";
        let document = crate::parse(text.as_bytes(), None).expect("a document");
        let lines: Vec<String> = document.verbs.iter().map(|placed| placed.verb.to_string()).collect();
        assert_eq!(lines.len(), 6);
        assert!(lines.iter().all(|line| !line.contains("secret")), "{lines:?}");
    }

    #[test]
    fn no_complaint_shows_credentials_neither_in_its_words_nor_in_its_excerpt() {
        for document in [
            "<Play lopo='1'>http://u:secret@h/a</Play>",
            "<Play lopo='1'>http://u:secret&#64;h/a</Play>",
            "<Play lopo='1'><![CDATA[http://u:secret@h/a]]></Play>",
            "<Play loop='x' loop2='1'>http://h</Play><!-- it's http://u:secret@h --><Play loop='x'>http://u:secret@h</Play>",
            "<Redirect method='http://u:secret@h/a'>http://u:secret@h/a</Redirect>",
            "<Gather action='http://u:>secret@h/a' timeout='x'/>",
            "<Gather action=\"http://u:'secret@h/a\" timeout='x'/>",
            "<Dial><Sip username='secret' password='secret' urll='x'>sip:u:secret@h</Sip></Dial>",
            "<Dial><Sip password = \"secret\u{1}\">sip:a@h</Sip></Dial>",
            "<Dial><Sip>sip:u:secret@h h</Sip><Sip>sip:a@u:secret@h</Sip></Dial>",
            "<Dial><Number>sip:u:secret@h</Number></Dial>",
            "<Dial callerId='http://u:secret@hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh'/>",
            "<Say><break time='http://u:secret@h'/>x</Say>",
            "<Play http://u:secret@h/>",
            "<Play url=http://u:secret@h/>",
            "<Dial><Sip password='secret",
            "<Dial><Sip password=secret codecs='x'/></Dial>",
            "<Connect><Stream url='wss://u:secret@h?x'/></Connect>",
            "<Play>http://u:secret@h</Pause>",
        ] {
            let text = format!("<Response>\n{document}\n</Response>");
            let notes = match crate::parse(text.as_bytes(), None) {
                Ok(document) => document.notes,
                Err(fault) => vec![fault],
            };
            assert!(!notes.is_empty(), "{document}");
            for note in notes {
                assert!(!note.to_string().contains("secret"), "{document}: {note}");
            }
        }
    }

    #[test]
    fn a_sip_password_is_not_in_debug_output() {
        let text = "<Response><Dial><Sip username='secret' password='secret'>sip:u:secret@h</Sip></Dial></Response>";
        let document = crate::parse(text.as_bytes(), None).expect("a document");
        let shown = format!("{document:?}");
        assert!(shown.contains("sip:u@h") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn an_excerpt_shows_what_is_no_secret() {
        let text = "<Response><Play loop='x'>http://u:p@h/a</Play><Pause/></Response>";
        let document = crate::parse(text.as_bytes(), None).expect("a document");
        assert_eq!(document.notes[0].excerpt, "<Response><Play loop='x'>***@h/a</Play><Pause/></Response>");
    }

    #[test]
    fn any_text_is_shown_without_harm() {
        let texts = [
            "http://u:p@h/é?x=//v@w#z",
            "é<Sip é password='é@é' x=\"&#x40;é\">&#64;é<!-- @ --><![CDATA[@é]]>",
            "sip:é:p@é;é?é",
        ];
        for text in texts {
            let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            for (n, from) in cuts.iter().enumerate() {
                for to in &cuts[n..] {
                    let piece = &text[*from..*to];
                    let _ = (super::url(piece), super::sip(piece), super::text(piece));
                    assert!(super::secrets(piece).into_iter().all(|secret| piece.get(secret).is_some()), "{piece}");
                }
            }
        }
    }
}
