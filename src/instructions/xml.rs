//! From octets to a small tree of elements. quick-xml finds the tags; well-formedness that it leaves to its user
//! (attributes, entities, one root, what may stand outside of it) is checked here. XML 1.0 without a DTD: there are no
//! entities but the five and numbers, so nothing can expand.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::diagnostic::{Diagnostic, Source};
use crate::shown;

/// Nesting: `Response`, a verb, a noun, speech markup in it. More is no document of ours.
const MAX_DEPTH: usize = 32;
/// Attributes of one element: names are compared pairwise.
const MAX_ATTRIBUTES: usize = 64;

pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) at: usize,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) content: Vec<Content>,
}

pub(crate) enum Content {
    Text { text: String, at: usize },
    Element(Element),
}

pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) at: usize,
}

/// The text of the octets: UTF-8, with or without a mark at the start.
pub(crate) fn decode<'a>(octets: &'a [u8], content_type: Option<&str>) -> Result<&'a str, Diagnostic> {
    if octets.starts_with(&[0xfe, 0xff]) || octets.starts_with(&[0xff, 0xfe]) {
        return Err(Diagnostic::at_start(12100, "the document is UTF-16; send it as UTF-8".to_owned()));
    }
    let octets = octets.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(octets);
    if octets.iter().all(u8::is_ascii_whitespace) {
        return Err(Diagnostic::at_start(11770, "the answer is empty; <Response/> ends the call".to_owned()));
    }
    if let Some(charset) = content_type.and_then(charset)
        && !is_utf8(&charset)
        && !octets.is_ascii()
    {
        let text = format!("the content type says charset={charset}; send UTF-8 and say charset=utf-8");
        return Err(Diagnostic::at_start(12100, text));
    }
    let error = match std::str::from_utf8(octets) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let sound = std::str::from_utf8(&octets[..error.valid_up_to()]).unwrap_or_default();
    let text = "an octet here is not UTF-8; save the document as UTF-8".to_owned();
    Err(Source::new(sound).error(12100, sound.len(), text))
}

/// The root element of a well-formed document.
pub(crate) fn read(source: &Source<'_>) -> Result<Element, Diagnostic> {
    if let Some((at, c)) = source.text.char_indices().find(|(_, c)| !is_xml_char(*c)) {
        let text = format!("the character U+{:04X} may not stand in XML; leave it out", u32::from(c));
        return Err(source.error(12100, at, text));
    }
    let mut reader = Reader::from_str(source.text);
    reader.config_mut().check_comments = true;
    let mut tree = Tree { source, open: Vec::new(), root: None };
    loop {
        let at = position(reader.buffer_position());
        let event = reader.read_event();
        match event {
            Ok(Event::Eof) => return tree.finish(),
            Ok(event) => tree.event(event, at)?,
            Err(error) => {
                let at = position(reader.error_position());
                return Err(source.error(12100, at, format!("the document is not well-formed: {error}")));
            }
        }
    }
}

/// The tree as far as it is read.
struct Tree<'s> {
    source: &'s Source<'s>,
    open: Vec<Element>,
    root: Option<Element>,
}

impl Tree<'_> {
    fn event(&mut self, event: Event<'_>, at: usize) -> Result<(), Diagnostic> {
        match event {
            Event::Start(tag) => {
                let element = self.element(&tag, at)?;
                self.open.push(element);
            }
            Event::Empty(tag) => {
                let element = self.element(&tag, at)?;
                self.close(element)?;
            }
            // The reader has compared the names and refused an end without a start.
            Event::End(_) => {
                if let Some(element) = self.open.pop() {
                    self.close(element)?;
                }
            }
            Event::Text(text) => self.text(&text, at)?,
            Event::CData(text) if self.open.is_empty() => return self.stray(&text, at),
            Event::CData(text) => self.push_text(&text, at),
            Event::GeneralRef(name) => {
                let c = reference(&name).map_err(|words| self.fail(at, words))?;
                self.text(c.encode_utf8(&mut [0; 4]), at)?;
            }
            Event::Decl(declaration) => self.declaration(&declaration, at)?,
            Event::DocType(name) => {
                let page = name.trim().to_ascii_lowercase().starts_with("html");
                let words = match page {
                    true => "this is a page of HTML, perhaps an error page of the server; answer with <Response>",
                    false => "a document type is not accepted; leave <!DOCTYPE> out",
                };
                return Err(self.fail(at, words.to_owned()));
            }
            Event::Comment(_) | Event::PI(_) | Event::Eof => {}
        }
        Ok(())
    }

    fn element(&self, tag: &str, at: usize) -> Result<Element, Diagnostic> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.fail(at, format!("elements are nested deeper than {MAX_DEPTH}")));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.fail(at, "there is a second root element; keep everything in one".to_owned()));
        }
        // The tag's text begins one octet after the `<`.
        let (name, attributes) = tag_of(tag).map_err(|(offset, words)| self.fail(at + 1 + offset, words))?;
        let attributes = attributes.into_iter().map(|a| Attribute { at: at + 1 + a.at, ..a }).collect();
        Ok(Element { name, at, attributes, content: Vec::new() })
    }

    fn close(&mut self, element: Element) -> Result<(), Diagnostic> {
        match self.open.last_mut() {
            Some(outer) => outer.content.push(Content::Element(element)),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str, at: usize) -> Result<(), Diagnostic> {
        if self.open.is_empty() {
            return self.stray(text, at);
        }
        self.push_text(text, at);
        Ok(())
    }

    /// Joins what entities and CDATA sections have parted.
    fn push_text(&mut self, text: &str, at: usize) {
        let Some(element) = self.open.last_mut() else {
            return;
        };
        match element.content.last_mut() {
            Some(Content::Text { text: before, .. }) => before.push_str(text),
            _ => element.content.push(Content::Text { text: text.to_owned(), at }),
        }
    }

    /// Outside of the root only white space may stand.
    fn stray(&self, text: &str, at: usize) -> Result<(), Diagnostic> {
        let skipped = text.len() - text.trim_start_matches([' ', '\t', '\r', '\n']).len();
        if skipped == text.len() {
            return Ok(());
        }
        let words = if self.root.is_some() { "after" } else { "before" };
        Err(self.fail(at + skipped, format!("text {words} the root element; take it away")))
    }

    fn declaration(&self, declaration: &str, at: usize) -> Result<(), Diagnostic> {
        if at != 0 {
            let words = "the XML declaration must be the very first thing; take away what stands before it";
            return Err(self.fail(at, words.to_owned()));
        }
        let (_, attributes) = tag_of(declaration).map_err(|(offset, words)| self.fail(at + 2 + offset, words))?;
        for attribute in attributes {
            let at = at + 2 + attribute.at;
            let value = attribute.value;
            match attribute.name.as_str() {
                "version" if value != "1.0" && value != "1.1" => {
                    let words = format!("XML version {value} is not known; write version=\"1.0\"");
                    return Err(self.source.error(12101, at, words));
                }
                "encoding" if !is_utf8(&value) => {
                    let words = format!("encoding {value} is not accepted; save the document as UTF-8 and say so");
                    return Err(self.fail(at, words));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Element, Diagnostic> {
        if let Some(element) = self.open.pop() {
            return Err(self.fail(element.at, format!("<{}> is never closed", element.name)));
        }
        let end = self.source.text.len();
        self.root.take().ok_or_else(|| self.fail(end, "there is no element; <Response/> ends the call".to_owned()))
    }

    fn fail(&self, at: usize, words: String) -> Diagnostic {
        self.source.error(12100, at, words)
    }
}

/// A name that is none, as far as it may be shown.
fn short(name: &str) -> String {
    shown::text(name).chars().take(40).collect()
}

/// Name and attributes of a tag's text. Offsets are within that text. An error names where and what.
fn tag_of(tag: &str) -> Result<(String, Vec<Attribute>), (usize, String)> {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let name_end = tag.find(blank).unwrap_or(tag.len());
    let name = &tag[..name_end];
    if !is_name(name) {
        return Err((0, format!("{:?} is no name of an element", short(name))));
    }
    let mut attributes: Vec<Attribute> = Vec::new();
    let mut at = name_end;
    loop {
        let rest = &tag[at..];
        let trimmed = rest.trim_start_matches(blank);
        if trimmed.is_empty() {
            return Ok((name.to_owned(), attributes));
        }
        if trimmed.len() == rest.len() {
            return Err((at, "white space is missing between two attributes".to_owned()));
        }
        at += rest.len() - trimmed.len();
        let (attribute, end) = attribute_at(tag, at)?;
        if attributes.iter().any(|other| other.name == attribute.name) {
            return Err((at, format!("the attribute {} stands twice", attribute.name)));
        }
        if attributes.len() >= MAX_ATTRIBUTES {
            return Err((at, format!("an element has more than {MAX_ATTRIBUTES} attributes")));
        }
        attributes.push(attribute);
        at = end;
    }
}

/// The attribute that begins at `at`, and where it ends.
fn attribute_at(tag: &str, at: usize) -> Result<(Attribute, usize), (usize, String)> {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let rest = &tag[at..];
    let name_end = rest.find(|c: char| c == '=' || blank(c)).unwrap_or(rest.len());
    let name = &rest[..name_end];
    if !is_name(name) {
        return Err((at, format!("{:?} is no name of an attribute", short(name))));
    }
    let after = rest[name_end..].trim_start_matches(blank);
    let Some(after) = after.strip_prefix('=') else {
        return Err((at, format!("the attribute {name} has no value; write {name}=\"…\"")));
    };
    let after = after.trim_start_matches(blank);
    let value_at = tag.len() - after.len();
    let Some(quote) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return Err((value_at, format!("the value of {name} is not quoted; write {name}=\"…\"")));
    };
    let Some(length) = after[1..].find(quote) else {
        return Err((value_at, format!("the value of {name} has no closing quote")));
    };
    let raw = &after[1..=length];
    let value = unescape(raw).map_err(|(offset, words)| (value_at + 1 + offset, words))?;
    Ok((Attribute { name: name.to_owned(), value, at }, value_at + length + 2))
}

/// An attribute's value with its entities replaced and its blanks made spaces.
fn unescape(raw: &str) -> Result<String, (usize, String)> {
    let mut value = String::with_capacity(raw.len());
    let mut at = 0;
    while let Some(c) = raw[at..].chars().next() {
        match c {
            '<' => return Err((at, "a < in a value is written &lt;".to_owned())),
            '&' => {
                let Some(length) = raw[at..].find(';') else {
                    return Err((at, "an & in a value is written &amp;".to_owned()));
                };
                value.push(reference(&raw[at + 1..at + length]).map_err(|words| (at, words))?);
                at += length + 1;
                continue;
            }
            '\t' | '\r' | '\n' => value.push(' '),
            c => value.push(c),
        }
        at += c.len_utf8();
    }
    Ok(value)
}

/// What `&name;` stands for.
fn reference(name: &str) -> Result<char, String> {
    let number = match name.strip_prefix('#') {
        None => {
            return match name {
                "amp" => Ok('&'),
                "lt" => Ok('<'),
                "gt" => Ok('>'),
                "quot" => Ok('"'),
                "apos" => Ok('\''),
                _ if is_name(name) && name.len() <= 32 => {
                    Err(format!("&{name}; is not known in XML; write the character itself, or its number &#…;"))
                }
                _ => Err("an & in a text is written &amp;".to_owned()),
            };
        }
        Some(number) => number,
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    let plain = !digits.is_empty() && digits.len() <= 8 && digits.chars().all(|c| c.is_digit(radix));
    let value = plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten();
    let c = value.and_then(char::from_u32).filter(|c| is_xml_char(*c));
    c.ok_or_else(|| "this number is no character of XML".to_owned())
}

fn is_xml_char(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    let first = |c: char| c.is_alphabetic() || matches!(c, '_' | ':');
    characters.next().is_some_and(first)
        && characters.all(|c| first(c) || c.is_numeric() || matches!(c, '-' | '.' | '\u{b7}'))
}

/// The charset of a content type.
fn charset(content_type: &str) -> Option<String> {
    let parameters = content_type.split(';').skip(1);
    let pairs = parameters.filter_map(|parameter| parameter.split_once('='));
    let mut charsets = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charsets.next().map(|(_, value)| value.trim().trim_matches('"').to_ascii_lowercase())
}

fn is_utf8(charset: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|name| name.eq_ignore_ascii_case(charset))
}

fn position(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
