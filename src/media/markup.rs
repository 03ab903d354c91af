//! Speech markup as it may reach an engine: known elements with known attributes, closed in order, and nothing else.
//!
//! Source: SSML 1.1 (W3C), as far as documents may use it. What an engine would load or play (`audio`, `lexicon`) is not
//! among it. Markup that is not well-formed is none: the plain text is spoken instead.

/// The markup of a text, made anew from what is allowed; `None` if it is not well-formed.
pub(crate) fn clean(markup: &str) -> Option<String> {
    let mut out = String::with_capacity(markup.len());
    let mut open: Vec<(&str, bool)> = Vec::new();
    let mut rest = markup;
    while let Some(at) = rest.find('<') {
        words(&rest[..at], &mut out)?;
        let (tag, after) = rest[at + 1..].split_once('>')?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            let (opened, known) = open.pop()?;
            if opened != name.trim_end() {
                return None;
            }
            if known {
                out.push_str(&format!("</{opened}>"));
            }
            continue;
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let name = tag.split(char::is_whitespace).next().filter(|it| is_name(it))?;
        let known = ELEMENTS.contains(&name);
        let attributes = attributes(&tag[name.len()..])?;
        if known {
            out.push_str(&format!("<{name}{attributes}{}>", if empty { "/" } else { "" }));
        }
        if !empty {
            open.push((name, known));
        }
        if open.len() > MAX_DEPTH {
            return None;
        }
    }
    words(rest, &mut out)?;
    open.is_empty().then_some(out)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | ':' | '_'))
}

/// Attributes as they are written, those that are not known left out.
fn attributes(mut rest: &str) -> Option<String> {
    let mut out = String::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some(out);
        }
        let (name, value) = rest.split_once('=')?;
        let name = name.trim_end();
        let value = value.trim_start();
        let quote = value.chars().next().filter(|it| matches!(it, '"' | '\''))?;
        let (value, after) = value[1..].split_once(quote)?;
        rest = after;
        if !is_name(name) {
            return None;
        }
        if ATTRIBUTES.contains(&name) {
            out.push_str(&format!(" {name}=\""));
            words(value, &mut out)?;
            out.push('"');
        }
    }
}

/// Text: entities that are none are refused, quotes and control characters made harmless.
fn words(text: &str, out: &mut String) -> Option<()> {
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        match letter {
            '&' => {
                let (entity, _) = rest[1..].split_once(';')?;
                if !is_entity(entity) {
                    return None;
                }
                out.push_str(&rest[..entity.len() + 2]);
                rest = &rest[entity.len() + 2..];
                continue;
            }
            '<' => return None,
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            it if it.is_control() => out.push(' '),
            it => out.push(it),
        }
        rest = &rest[letter.len_utf8()..];
    }
    Some(())
}

/// The five of XML, and characters by number that are letters of a text.
fn is_entity(name: &str) -> bool {
    let number = name.strip_prefix("#x").map(|it| u32::from_str_radix(it, 16)).or_else(|| {
        let decimal = name.strip_prefix('#')?;
        Some(decimal.parse())
    });
    match number {
        Some(number) => number.ok().and_then(char::from_u32).is_some_and(|it| !it.is_control()),
        None => ["amp", "lt", "gt", "quot", "apos"].contains(&name),
    }
}

/// Elements that documents may use inside `Say`.
const ELEMENTS: [&str; 10] = ["break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"];
/// Their attributes.
const ATTRIBUTES: [&str; 16] = [
    "strength",
    "time",
    "level",
    "xml:lang",
    "alphabet",
    "ph",
    "rate",
    "pitch",
    "volume",
    "range",
    "duration",
    "interpret-as",
    "format",
    "detail",
    "alias",
    "role",
];
/// Elements in one another.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_stays_and_what_is_not_goes() {
        for (given, made) in [
            ("plain", "plain"),
            ("a<break time=\"1s\"/>b", "a<break time=\"1s\"/>b"),
            ("<p><s>a</s></p>", "<p><s>a</s></p>"),
            ("<prosody rate='slow' onload='x'>a</prosody >", "<prosody rate=\"slow\">a</prosody>"),
            (
                "<prosody volume='soft' pitch='low' range='high' duration='2s' contour='x'>a</prosody>",
                "<prosody volume=\"soft\" pitch=\"low\" range=\"high\" duration=\"2s\">a</prosody>",
            ),
            ("<audio src=\"/etc/passwd\">a</audio>", "a"),
            ("<lexicon uri='x'/>a &amp; b &#228;", "a &amp; b &#228;"),
            ("a > \"b\"\u{1}", "a &gt; &quot;b&quot; "),
            ("<sub alias='\"c\"'>x</sub>", "<sub alias=\"&quot;c&quot;\">x</sub>"),
        ] {
            assert_eq!(clean(given).as_deref(), Some(made), "{given}");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_no_markup() {
        for broken in [
            "<p>",
            "</p>",
            "<p></s>",
            "<p><s></p></s>",
            "a < b",
            "<break time=1s/>",
            "<break time=\"1s/>",
            "a & b",
            "&nbsp;",
            "&#1;",
            "&#xD800;",
            "<>",
            "<!-- x -->",
            "<?x?>",
            "<![CDATA[x]]>",
            "<break =\"x\"/>",
        ] {
            assert_eq!(clean(broken), None, "{broken}");
        }
        assert_eq!(clean(&"<p>".repeat(200)), None);
    }

    #[test]
    fn no_text_panics() {
        let mut state = 0x9E37_79B9_u64;
        let parts = ["<", ">", "/", "p", "break", " ", "=", "\"", "'", "&", ";", "amp", "#x", "ü", "\u{0}", "你"];
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(parts[(state >> 59) as usize % parts.len()]);
            }
            if let Some(made) = clean(&text) {
                assert_eq!(clean(&made).as_deref(), Some(made.as_str()), "{text}");
            }
        }
    }
}
