//! URLs as far as the router needs them: resolving a reference against the document it stands in (RFC 3986 §5.2), keeping
//! credentials within one origin as a browser does, and taking them out before people see a URL. Absolute URLs pass
//! unchanged, octet by octet: they are signed as they were written.

/// A URL's five parts (RFC 3986 appendix B).
#[derive(Clone, Copy)]
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

fn parts(text: &str) -> Parts<'_> {
    let (rest, fragment) = text.split_once('#').map_or((text, None), |(rest, f)| (rest, Some(f)));
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, q)| (rest, Some(q)));
    let named = rest.split_once(':').filter(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    let (scheme, rest) = named.map_or((None, rest), |(scheme, rest)| (Some(scheme), rest));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        None => (None, rest),
    };
    Parts { scheme, authority, path, query, fragment }
}

/// Whether it is an http or https URL with a host.
pub(crate) fn is_absolute_http(url: &str) -> bool {
    let parts = parts(url);
    let web = parts.scheme.is_some_and(|s| s.eq_ignore_ascii_case("http") || s.eq_ignore_ascii_case("https"));
    let host = parts.authority.map(|authority| authority.rsplit('@').next().unwrap_or_default());
    web && host.is_some_and(|host| !host.is_empty() && !host.starts_with(':'))
        && !url.chars().any(|c| c.is_control() || c == ' ')
}

/// Whether it says how it is to be fetched; else it is relative to something.
pub(crate) fn has_scheme(url: &str) -> bool {
    parts(url).scheme.is_some()
}

/// What `reference` means in a document that came from `base`. An absolute URL is not touched.
pub(crate) fn resolve(base: &str, reference: &str) -> String {
    let (from, to) = (parts(base), parts(reference));
    if to.scheme.is_some() {
        return keep_credentials(base, reference);
    }
    let scheme = from.scheme.unwrap_or("http");
    let (authority, path, query) = if to.authority.is_some() {
        (to.authority, remove_dots(to.path), to.query)
    } else if to.path.is_empty() {
        (from.authority, from.path.to_owned(), to.query.or(from.query))
    } else if to.path.starts_with('/') {
        (from.authority, remove_dots(to.path), to.query)
    } else {
        let folder = match from.path.rfind('/') {
            Some(slash) => &from.path[..=slash],
            None => "/",
        };
        (from.authority, remove_dots(&format!("{folder}{}", to.path)), to.query)
    };
    let mut url = format!("{scheme}://{}{path}", authority.unwrap_or_default());
    for (sign, part) in [('?', query), ('#', to.fragment)] {
        if let Some(part) = part {
            url.push(sign);
            url.push_str(part);
        }
    }
    keep_credentials(base, &url)
}

/// `to` with the credentials of `from`, if both are of one origin and `to` has none of its own.
pub(crate) fn keep_credentials(from: &str, to: &str) -> String {
    let (a, b) = (parts(from), parts(to));
    let (Some(ours), Some(theirs), Some(scheme)) = (a.authority, b.authority, b.scheme) else {
        return to.to_owned();
    };
    let same = a.scheme.is_some_and(|s| s.eq_ignore_ascii_case(scheme));
    match ours.rsplit_once('@') {
        Some((credentials, host)) if same && host.eq_ignore_ascii_case(theirs) => {
            let rest = &to[scheme.len() + 3..];
            format!("{scheme}://{credentials}@{rest}")
        }
        _ => to.to_owned(),
    }
}

/// For people: without credentials and without the fragment, which never goes over the wire.
pub(crate) fn shown(url: &str) -> String {
    tipring_instructions::shown_url(url)
}

/// RFC 3986 §5.2.4.
fn remove_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." if last => kept.push(""),
            "." => {}
            ".." => {
                if kept.len() > 1 {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    kept.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3986 §5.4, without the examples of other schemes than http.
    #[test]
    fn references_resolve_as_the_rfc_lists_them() {
        for (reference, url) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q#s"),
            ("g#s", "http://a/b/c/g#s"),
            ("g?y#s", "http://a/b/c/g?y#s"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("..g", "http://a/b/c/..g"),
            ("./../g", "http://a/b/g"),
            ("g/./h", "http://a/b/c/g/h"),
            ("g/../h", "http://a/b/c/h"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("https://other/x", "https://other/x"),
        ] {
            assert_eq!(resolve("http://a/b/c/d;p?q", reference), url, "{reference}");
        }
        assert_eq!(resolve("http://a", "x"), "http://a/x");
    }

    #[test]
    fn credentials_stay_within_their_origin_and_are_not_shown() {
        let base = "http://u:p@a:81/x#ct=100";
        assert_eq!(resolve(base, "y"), "http://u:p@a:81/y");
        assert_eq!(resolve(base, "http://a:81/y"), "http://u:p@a:81/y");
        assert_eq!(resolve(base, "http://a/y"), "http://a/y");
        assert_eq!(resolve(base, "https://a:81/y"), "https://a:81/y");
        assert_eq!(shown(base), "http://a:81/x");
        assert_eq!(shown("http://a?q=u@b"), "http://a?q=u@b");
    }

    #[test]
    fn only_web_urls_with_a_host_are_asked() {
        for good in ["http://a", "HTTPS://a.b:1/c?d#e", "http://u:p@a/"] {
            assert!(is_absolute_http(good), "{good}");
        }
        for bad in ["", "/a", "a", "ftp://a", "http:///a", "http://:80/", "http://a/\nb", "http:a"] {
            assert!(!is_absolute_http(bad), "{bad}");
        }
    }
}
