//! Cookies of one call, as a browser keeps them. Pure: the time is an argument, in seconds since 1970.
//! Source: RFC 6265 §5 (with the secure-only and prefix rules of its successor). `SameSite` and public-suffix lists
//! mean nothing here: a jar lives as long as a call and meets the servers that its documents name.

use url::{Host, Url};

use crate::date;

/// The jar of one call.
#[derive(Debug, Clone, Default)]
pub struct Jar {
    /// Oldest first.
    cookies: Vec<Cookie>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    domain: String,
    /// Sent to this very host, not to those below it.
    host_only: bool,
    path: String,
    secure: bool,
    /// `None`: for as long as the call lasts.
    expires: Option<i64>,
}

impl Jar {
    /// Takes one `Set-Cookie` header of an answer from `url`. What breaks a rule is left out.
    pub fn store(&mut self, url: &Url, header: &str, now: i64) {
        let Some(cookie) = Cookie::read(url, header, now) else {
            return;
        };
        let same = |it: &Cookie| it.name == cookie.name && it.domain == cookie.domain && it.path == cookie.path;
        let dead = cookie.is_dead(now);
        match self.cookies.iter().position(same) {
            // In place: a changed cookie keeps its age.
            Some(at) if !dead => self.cookies[at] = cookie,
            Some(at) => drop(self.cookies.remove(at)),
            None if dead => {}
            None => {
                self.cookies.retain(|it| !it.is_dead(now));
                if self.cookies.len() >= MAX_COOKIES {
                    self.cookies.remove(0);
                }
                self.cookies.push(cookie);
            }
        }
    }

    /// The `Cookie` header for a request: longer paths first, then older cookies.
    pub fn header(&self, url: &Url, now: i64) -> Option<String> {
        let mut fitting: Vec<&Cookie> = self.cookies.iter().filter(|it| it.fits(url) && !it.is_dead(now)).collect();
        fitting.sort_by_key(|it| std::cmp::Reverse(it.path.len()));
        let pairs: Vec<String> = fitting.iter().map(|it| it.pair()).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

impl Cookie {
    fn read(url: &Url, header: &str, now: i64) -> Option<Self> {
        let host = host(url)?;
        let mut parts = header.split(';');
        let pair = parts.next()?;
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        let (name, value) = (name.trim(), value.trim());
        let too_long = name.len() + value.len() > MAX_COOKIE_BYTES;
        if too_long || (name.is_empty() && value.is_empty()) || header.chars().any(|it| it.is_control() && it != '\t') {
            return None;
        }
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: host.clone(),
            host_only: true,
            path: default_path(url.path()),
            secure: false,
            expires: None,
        };
        let mut max_age = None;
        for part in parts.take(MAX_ATTRIBUTES) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let (key, value) = (key.trim(), value.trim());
            match key.to_ascii_lowercase().as_str() {
                "domain" => cookie.set_domain(&host, value)?,
                "path" if value.starts_with('/') && value.len() <= MAX_COOKIE_BYTES => cookie.path = value.to_owned(),
                "path" => cookie.path = default_path(url.path()),
                "secure" => cookie.secure = true,
                "max-age" => max_age = read_max_age(value, now).or(max_age),
                "expires" => cookie.expires = date::read(value).or(cookie.expires),
                _ => {}
            }
        }
        cookie.expires = max_age.or(cookie.expires);
        (cookie.may_be_secure(url) && cookie.prefix_holds(url)).then_some(cookie)
    }

    fn set_domain(&mut self, host: &str, value: &str) -> Option<()> {
        let domain = value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase();
        if domain.is_empty() {
            return Some(());
        }
        // A domain without a dot would reach every host below `com`.
        let wide = !domain.contains('.') && domain != host;
        if wide || !domain_match(host, &domain) {
            return None;
        }
        (self.domain, self.host_only) = (domain, false);
        Some(())
    }

    fn may_be_secure(&self, url: &Url) -> bool {
        !self.secure || url.scheme() == "https"
    }

    fn prefix_holds(&self, url: &Url) -> bool {
        let name = self.name.to_ascii_lowercase();
        let secure = self.secure && url.scheme() == "https";
        (!name.starts_with("__secure-") || secure)
            && (!name.starts_with("__host-") || (secure && self.host_only && self.path == "/"))
    }

    fn fits(&self, url: &Url) -> bool {
        let Some(host) = host(url) else { return false };
        let domain = if self.host_only { host == self.domain } else { domain_match(&host, &self.domain) };
        domain && path_match(url.path(), &self.path) && (!self.secure || url.scheme() == "https")
    }

    fn is_dead(&self, now: i64) -> bool {
        self.expires.is_some_and(|it| it <= now)
    }

    fn pair(&self) -> String {
        if self.name.is_empty() { self.value.clone() } else { format!("{}={}", self.name, self.value) }
    }
}

fn host(url: &Url) -> Option<String> {
    url.host_str().map(str::to_ascii_lowercase)
}

/// §5.1.3. An address matches itself only.
fn domain_match(host: &str, domain: &str) -> bool {
    let below = || host.strip_suffix(domain).is_some_and(|it| it.ends_with('.'));
    host == domain || (below() && matches!(Host::parse(host), Ok(Host::Domain(_))))
}

/// §5.1.4.
fn path_match(path: &str, cookie: &str) -> bool {
    path.strip_prefix(cookie).is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

/// §5.1.4: the path up to its last slash.
fn default_path(path: &str) -> String {
    match path.rfind('/') {
        Some(0) | None => "/".to_owned(),
        Some(at) => path[..at].to_owned(),
    }
}

/// Seconds from now, as a moment; zero and less is the past.
fn read_max_age(value: &str, now: i64) -> Option<i64> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    if digits.len() < value.len() {
        return Some(i64::MIN);
    }
    // More digits than a number holds is "for ever".
    let seconds = value.parse::<i64>().unwrap_or(i64::MAX);
    Some(if seconds == 0 { i64::MIN } else { now.saturating_add(seconds) })
}

/// Cookies of one call: the least that browsers must keep per host (RFC 6265 §6.1). The oldest leaves.
const MAX_COOKIES: usize = 50;
/// Bytes of name and value, as in browsers.
const MAX_COOKIE_BYTES: usize = 4_096;
/// Attributes read of one cookie: eight exist.
const MAX_ATTRIBUTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[track_caller]
    fn after(from: &str, headers: &[&str], to: &str) -> Option<String> {
        let mut jar = Jar::default();
        headers.iter().for_each(|it| jar.store(&url(from), it, NOW));
        jar.header(&url(to), NOW)
    }

    #[test]
    fn a17_a_cookie_comes_back() {
        let app = "http://app.example/ivr/menu";
        assert_eq!(after(app, &["sid=abc; Path=/; HttpOnly"], "http://app.example/other").as_deref(), Some("sid=abc"));
        assert_eq!(after(app, &["a=1", "b=2; Path=/"], app).as_deref(), Some("a=1; b=2"), "longer paths first");
        assert_eq!(after(app, &["a=1", "a=2"], app).as_deref(), Some("a=2"));
        assert_eq!(after(app, &["a=\"x, y\"; Path=/", "bare"], app).as_deref(), Some("bare; a=\"x, y\""));
        assert_eq!(after(app, &["", "=", ";Path=/"], app), None);
    }

    #[test]
    fn a17_domains_as_in_a_browser() {
        let app = "http://app.example.com/";
        assert_eq!(after(app, &["a=1"], "http://sub.app.example.com/"), None, "host only");
        assert_eq!(after(app, &["a=1"], "http://example.com/"), None);
        for it in ["a=1; Domain=example.com", "a=1; domain=.Example.COM"] {
            assert_eq!(after(app, &[it], "http://other.example.com/").as_deref(), Some("a=1"), "{it}");
            assert_eq!(after(app, &[it], "http://badexample.com/"), None, "{it}");
        }
        for it in ["a=1; Domain=other.com", "a=1; Domain=com", "a=1; Domain=sub.app.example.com"] {
            assert_eq!(after(app, &[it], app), None, "{it}");
        }
        assert_eq!(after("http://10.0.0.5/", &["a=1; Domain=0.5"], "http://10.0.0.5/"), None);
        assert_eq!(
            after("http://10.0.0.5/", &["a=1; Domain=10.0.0.5"], "http://10.0.0.5:8080/").as_deref(),
            Some("a=1")
        );
        assert_eq!(after("http://pbx/", &["a=1; Domain=pbx"], "http://pbx/").as_deref(), Some("a=1"));
    }

    #[test]
    fn a17_paths_as_in_a_browser() {
        let deep = "http://app/ivr/menu/";
        for (path, sent) in [
            ("/ivr", true),
            ("/ivr/", true),
            ("/iv", false),
            ("/ivr/menu", true),
            ("/other", false),
            ("nonsense", true),
        ] {
            assert_eq!(after(deep, &[&format!("a=1; Path={path}")], deep).is_some(), sent, "{path}");
        }
        assert_eq!(after("http://app/ivr/menu", &["a=1"], "http://app/ivr/next").as_deref(), Some("a=1"));
        assert_eq!(after("http://app/ivr/menu", &["a=1"], "http://app/ivrx"), None);
    }

    #[test]
    fn a17_secure_cookies_stay_on_https() {
        assert_eq!(after("https://app/", &["a=1; Secure"], "http://app/"), None);
        assert_eq!(after("https://app/", &["a=1; Secure"], "https://app/").as_deref(), Some("a=1"));
        assert_eq!(after("http://app/", &["a=1; Secure"], "https://app/"), None);
        assert_eq!(after("https://app/", &["__Host-a=1; Secure"], "https://app/").as_deref(), Some("__Host-a=1"));
        assert_eq!(after("https://app/", &["__Host-a=1; Secure; Path=/x", "__Secure-b=1"], "https://app/x"), None);
    }

    #[test]
    fn a17_cookies_expire() {
        let app = "http://app/";
        let sent = |it: &str| after(app, &[it], app).is_some();
        assert!(sent("a=1; Max-Age=10") && sent("a=1; Max-Age=99999999999999999999") && sent("a=1; Max-Age=junk"));
        assert!(!sent("a=1; Max-Age=0") && !sent("a=1; Max-Age=-5"));
        assert!(!sent("a=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT"));
        assert!(sent("a=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT; Max-Age=10"), "Max-Age is stronger");
        assert!(sent("a=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT") && sent("a=1; Expires=junk"));
        assert_eq!(after(app, &["a=1; Max-Age=10", "a=x; Max-Age=0"], app), None, "deleted");
        let mut jar = Jar::default();
        jar.store(&url(app), "a=1; Max-Age=10", NOW);
        assert!(jar.header(&url(app), NOW + 9).is_some());
        assert_eq!(jar.header(&url(app), NOW + 10), None);
    }

    #[test]
    fn a17_a_hostile_server_fills_no_memory() {
        let app = url("http://app/");
        let mut jar = Jar::default();
        for number in 0..1_000 {
            jar.store(&app, &format!("c{number}={}", "x".repeat(100)), NOW);
        }
        assert_eq!(jar.cookies.len(), MAX_COOKIES);
        assert_eq!(jar.cookies[0].name, "c950", "the oldest leave");
        jar.store(&app, &format!("big={}", "x".repeat(5_000)), NOW);
        jar.store(&app, "evil=1\r\nX: y", NOW);
        assert!(jar.cookies.iter().all(|it| it.name.starts_with('c')));
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_read_without_harm(header in "\\PC{0,80}", spiced in "(a=b|;|=| |Domain=|Path=/|Max-Age=|Expires=|-1|é|\\.|,){0,30}") {
            let mut jar = Jar::default();
            jar.store(&url("http://app.example/"), &header, NOW);
            jar.store(&url("https://10.0.0.1/x"), &spiced, NOW);
            let _ = jar.header(&url("https://app.example/"), NOW);
        }
    }
}
