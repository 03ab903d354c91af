//! Follows the links of a directory: pages below it are read, files below it are judged by name, type, size and date, and
//! what fits is answered. It never leaves the directory: no link beside or above it is asked for, no redirect that leads out is
//! followed.
//!
//! Sources: WHATWG HTML through `html5gum`, RFC 9110 (HEAD, Content-Length, Last-Modified). A server that has no HEAD is
//! believed by the names of its files; what is larger than wanted is found out while it comes.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use tipring_egress::{Limits, Method, Request, Response};
use url::Url;

use super::jobs::Job;
use super::links::links;
use super::wish::{Filter, MAX_ITEMS, bad};
use crate::fault::{FETCH, MediaFault};
use crate::service::Service;

/// The files of a directory that fit.
pub(crate) async fn crawl(
    service: &Service,
    job: &Arc<Job>,
    start: Url,
    only: &Filter,
) -> Result<Vec<Url>, MediaFault> {
    let crawler = Crawler { service, root: directory(&start), only };
    let (mut pages, mut seen) = (VecDeque::from([(start.clone(), 0)]), HashSet::from([start.clone()]));
    let (mut read, mut found) = (0, Vec::new());
    while let Some((page, depth)) = pages.pop_front() {
        read += 1;
        let inside = match crawler.page(&page).await {
            Ok(inside) => inside,
            Err(fault) if read == 1 => return Err(fault),
            Err(fault) => {
                job.passes_over(page.into(), fault);
                continue;
            }
        };
        for url in inside {
            if !seen.insert(url.clone()) {
                continue;
            }
            if url.path().ends_with('/') {
                // Columns of a listing that can be sorted are links to itself.
                if url.query().is_none() && depth < only.depth() && read + pages.len() < MAX_PAGES {
                    pages.push_back((url, depth + 1));
                }
                continue;
            }
            match crawler.judged(&url).await {
                Ok(true) => found.push(url),
                Ok(false) => {}
                Err(why) => job.passes_over(url.into(), why),
            }
            if found.len() >= MAX_ITEMS {
                let text = format!("crawl: more than {MAX_ITEMS} files fit; the rest is left out");
                job.passes_over(page.into(), bad(text));
                return Ok(found);
            }
        }
    }
    Ok(found)
}

struct Crawler<'a> {
    service: &'a Service,
    /// Ends with a slash.
    root: Url,
    only: &'a Filter,
}

impl Crawler<'_> {
    fn is_inside(&self, url: &Url) -> bool {
        crate::origin::is_inside(&self.root, url)
    }

    /// The links of a page that stay inside.
    async fn page(&self, url: &Url) -> Result<Vec<Url>, MediaFault> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut response = self.ask(Method::Get, &url).await?;
            if let Some(next) = self.redirected(&url, &response)? {
                url = next;
                continue;
            }
            if response.status != 200 {
                return Err(MediaFault::new(FETCH, format!("{url}: the server answered {}", response.status)));
            }
            let kind = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
            if !kind.contains("html") {
                return Err(bad(format!("{url}: a page with links is wanted, not {kind:?}")));
            }
            let mut page = Vec::new();
            while let Some(piece) = response.chunk().await? {
                page.extend_from_slice(&piece);
            }
            return Ok(links(&page, &url).into_iter().filter(|it| self.is_inside(it)).collect());
        }
        Err(MediaFault::new(FETCH, format!("{url}: more than {MAX_REDIRECTS} redirects")))
    }

    /// Whether a file fits; a reason where it is worth one.
    async fn judged(&self, url: &Url) -> Result<bool, MediaFault> {
        let named = self.only.takes_type(url, None);
        let ending = url.path().rsplit('/').next().is_some_and(|name| name.contains('.'));
        if !named && ending {
            return Ok(false);
        }
        let response = self.ask(Method::Head, url).await?;
        if self.redirected(url, &response)?.is_some() {
            return Err(bad("redirected; the file that it leads to is judged where it is linked itself"));
        }
        if matches!(response.status, 405 | 501) {
            return Ok(named && self.only.takes_date(None));
        }
        if response.status != 200 {
            return Err(MediaFault::new(FETCH, format!("the server answered {}", response.status)));
        }
        let octets = response.header("content-length").and_then(|it| it.parse().ok());
        let changed = response.header("last-modified").and_then(read_http_date);
        if !self.only.takes_type(url, response.header("content-type")) {
            return Ok(false);
        }
        if !self.only.takes_size(octets) {
            return Err(bad(format!("{} octets", octets.unwrap_or_default())));
        }
        if !self.only.takes_date(changed) {
            return Err(bad(format!(
                "last changed {}",
                response.header("last-modified").unwrap_or("at an unknown date")
            )));
        }
        Ok(true)
    }

    async fn ask(&self, method: Method, url: &Url) -> Result<Response, MediaFault> {
        let limits = Limits { max_body: PAGE_OCTETS, ..Limits::default() };
        Ok(self.service.config.egress.send(Request { method, limits, ..Request::get(url.clone()) }).await?)
    }

    /// Where an answer leads, if it leads anywhere.
    fn redirected(&self, url: &Url, response: &Response) -> Result<Option<Url>, MediaFault> {
        let redirects = matches!(response.status, 301 | 302 | 303 | 307 | 308);
        let Some(location) = response.header("location").filter(|_| redirects) else { return Ok(None) };
        match url.join(location) {
            Ok(next) if self.is_inside(&next) => Ok(Some(next)),
            _ => Err(bad(format!("redirected out of {}", self.root))),
        }
    }
}

/// The directory that a URL is or is in.
pub(crate) fn directory(url: &Url) -> Url {
    let mut root = url.clone();
    root.set_query(None);
    root.set_fragment(None);
    let path = root.path();
    let last = path.rsplit('/').next().unwrap_or_default();
    let path = match last.contains('.') {
        // `index.html` is in its directory; `prompts` is one whose slash was left out.
        true => path.strip_suffix(last).unwrap_or(path).to_owned(),
        false => format!("{}/", path.trim_end_matches('/')),
    };
    root.set_path(&path);
    root
}

fn read_http_date(text: &str) -> Option<SystemTime> {
    SystemTime::try_from(jiff::fmt::rfc2822::parse(text).ok()?.timestamp()).ok()
}

/// Pages of one crawl.
const MAX_PAGES: usize = 200;
/// Redirects of a page: to the same with a slash, usually.
const MAX_REDIRECTS: usize = 3;
/// Octets of one page: a listing of some thousand files.
const PAGE_OCTETS: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_of_a_url_is_where_its_files_are() {
        for (url, root) in [
            ("http://h/prompts/index.html?x=1#y", "http://h/prompts/"),
            ("http://h/prompts", "http://h/prompts/"),
            ("http://h/prompts/", "http://h/prompts/"),
            ("http://h", "http://h/"),
        ] {
            assert_eq!(directory(&Url::parse(url).unwrap()).as_str(), root);
        }
    }

    #[test]
    fn dates_of_http_are_read() {
        let at = read_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 784_111_777);
        assert!(read_http_date("Sunday").is_none());
    }
}
