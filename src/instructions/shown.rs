//! Addresses as people may see them in a call's timeline: without credentials, and without what never goes over the
//! wire.

/// A URL without user, password and fragment.
pub(crate) fn url(url: &str) -> String {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => (scheme, rest),
        _ => return url.to_owned(),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let host = rest[..end].rsplit_once('@').map_or(&rest[..end], |(_, host)| host);
    format!("{scheme}://{host}{}", &rest[end..])
}

/// A SIP address without password, parameters and headers.
pub(crate) fn sip(uri: &str) -> String {
    let address = uri.split(['?', ';']).next().unwrap_or_default();
    let (Some((scheme, rest)), Some((_, host))) = (address.split_once(':'), uri.rsplit_once('@')) else {
        return address.to_owned();
    };
    let user = rest.split([':', '@']).next().unwrap_or_default();
    let host = host.split(['?', ';']).next().unwrap_or_default();
    format!("{scheme}:{user}@{host}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn e8_credentials_are_not_shown() {
        for (url, wanted) in [
            ("http://u:p@a.test/b?c@d#ct=1", "http://a.test/b?c@d"),
            ("wss://u@a.test", "wss://a.test"),
            ("/rel?x=http://u:p@h", "/rel?x=http://u:p@h"),
            ("{Base}/a", "{Base}/a"),
            ("", ""),
        ] {
            assert_eq!(super::url(url), wanted, "{url}");
        }
        for (uri, wanted) in [
            ("sip:u:p@a.test:5060;transport=tls?X=1", "sip:u@a.test:5060"),
            ("sips:u@[::1]", "sips:u@[::1]"),
            ("sip:u;x=1:p@h", "sip:u@h"),
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
}
