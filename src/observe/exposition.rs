//! Metrics as text: OpenMetrics 1.0, or the older form 0.0.4 for readers that do not know it. It writes what it is given;
//! which metrics there are stands in `names`.

use std::fmt::Write as _;

/// Which of the two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `application/openmetrics-text; version=1.0.0`
    OpenMetrics,
    /// `text/plain; version=0.0.4`
    Plain,
}

impl Form {
    /// What the reader takes, by its `Accept` header. Who does not say gets the older form, as every reader knows it.
    pub fn wanted(accept: &str) -> Form {
        let quality = |kind: &str| {
            let mut best = 0.0_f32;
            for item in accept.split(',') {
                let mut parts = item.split(';').map(str::trim);
                if parts.next().is_some_and(|name| name.eq_ignore_ascii_case(kind)) {
                    let given = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse().ok());
                    best = best.max(given.unwrap_or(1.0));
                }
            }
            best
        };
        let open = quality("application/openmetrics-text");
        if open > 0.0 && open >= quality("text/plain") { Form::OpenMetrics } else { Form::Plain }
    }

    /// The header's value.
    pub const fn content_type(self) -> &'static str {
        match self {
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Form::Plain => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// What kind of figure a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises; its samples end in `_total`.
    Counter,
    /// Any figure.
    Gauge,
    /// Classes `_bucket`, `_sum` and `_count`.
    Histogram,
    /// `_sum` and `_count`.
    Summary,
    /// Always 1: its labels are what it says; its sample ends in `_info`.
    Info,
}

/// A metric: everything about it but its figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Without `_total` and `_info`.
    pub name: &'static str,
    /// Kind of figure.
    pub kind: Kind,
    /// Its unit, with which the name ends; empty for what is counted.
    pub unit: &'static str,
    /// Names of its labels, `le` not among them.
    pub labels: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
}

impl Family {
    /// As it is called in queries: with `_total` or `_info`.
    pub fn full_name(&self) -> String {
        format!("{}{}", self.name, self.suffix())
    }

    const fn suffix(&self) -> &'static str {
        match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram | Kind::Summary => "",
        }
    }
}

/// A page of metrics being written.
pub struct Page {
    form: Form,
    out: String,
    series: usize,
}

impl Page {
    /// An empty page.
    pub fn new(form: Form) -> Self {
        Page { form, out: String::with_capacity(16 * 1024), series: 0 }
    }

    /// The head of a metric; its samples follow.
    pub fn head(&mut self, family: &Family) {
        let (name, kind) = match (self.form, family.kind) {
            (Form::OpenMetrics, Kind::Info) => (family.name.to_owned(), "info"),
            (Form::OpenMetrics, Kind::Counter) => (family.name.to_owned(), "counter"),
            (Form::Plain, Kind::Counter) => (family.full_name(), "counter"),
            (Form::Plain, Kind::Info) => (family.full_name(), "gauge"),
            (_, Kind::Gauge) => (family.name.to_owned(), "gauge"),
            (_, Kind::Histogram) => (family.name.to_owned(), "histogram"),
            (_, Kind::Summary) => (family.name.to_owned(), "summary"),
        };
        let _ = writeln!(self.out, "# HELP {name} {}\n# TYPE {name} {kind}", family.help);
        if self.form == Form::OpenMetrics && !family.unit.is_empty() {
            let _ = writeln!(self.out, "# UNIT {name} {}", family.unit);
        }
    }

    /// One sample; `values` are those of the family's labels, in their order.
    pub fn sample(&mut self, family: &Family, values: &[&str], figure: f64) {
        self.line(family.name, family.suffix(), family.labels, values, figure);
    }

    /// A metric that has one sample without labels.
    pub fn single(&mut self, family: &Family, figure: f64) {
        self.head(family);
        self.sample(family, &[], figure);
    }

    /// Classes (not yet added up; the last is what lies above the last bound) and the sum of a histogram.
    pub fn histogram(&mut self, family: &Family, bounds: &[f64], classes: &[u64], sum: f64) {
        self.head(family);
        let mut count = 0;
        for (class, figure) in classes.iter().enumerate() {
            count += figure;
            let le = bounds.get(class).map_or_else(|| "+Inf".to_owned(), |bound| format!("{bound:?}"));
            self.line(family.name, "_bucket", &["le"], &[&le], count as f64);
        }
        self.line(family.name, "_sum", &[], &[], sum);
        self.line(family.name, "_count", &[], &[], count as f64);
    }

    /// How many and the sum of them.
    pub fn summary(&mut self, family: &Family, count: u64, sum: f64) {
        self.head(family);
        self.line(family.name, "_sum", &[], &[], sum);
        self.line(family.name, "_count", &[], &[], count as f64);
    }

    /// Series so far: lines with a figure.
    pub fn series(&self) -> usize {
        self.series
    }

    /// The whole text.
    pub fn finish(mut self) -> String {
        if self.form == Form::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    fn line(&mut self, name: &str, suffix: &str, labels: &[&str], values: &[&str], figure: f64) {
        self.series += 1;
        self.out.push_str(name);
        self.out.push_str(suffix);
        for (at, (label, value)) in labels.iter().zip(values).enumerate() {
            self.out.push(if at == 0 { '{' } else { ',' });
            let _ = write!(self.out, "{label}=\"");
            for character in value.chars() {
                match character {
                    '\\' => self.out.push_str("\\\\"),
                    '"' => self.out.push_str("\\\""),
                    '\n' => self.out.push_str("\\n"),
                    other => self.out.push(other),
                }
            }
            self.out.push('"');
        }
        if !labels.is_empty() {
            self.out.push('}');
        }
        let _ = writeln!(self.out, " {figure}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLS: Family =
        Family { name: "x_calls", kind: Kind::Counter, unit: "", labels: &["way"], help: "Calls that ended." };
    const BUILD: Family =
        Family { name: "x_build", kind: Kind::Info, unit: "", labels: &["version"], help: "What runs." };
    const WAIT: Family =
        Family { name: "x_wait_seconds", kind: Kind::Histogram, unit: "seconds", labels: &[], help: "Waiting." };

    fn page(form: Form) -> String {
        let mut page = Page::new(form);
        page.head(&CALLS);
        page.sample(&CALLS, &["in \"a\\b\"\n"], 3.0);
        page.head(&BUILD);
        page.sample(&BUILD, &["1.0"], 1.0);
        page.histogram(&WAIT, &[0.5, 2.0], &[1, 0, 4], 12.25);
        assert_eq!(page.series(), 7);
        page.finish()
    }

    #[test]
    fn both_texts_are_what_their_readers_expect() {
        let open = "# HELP x_calls Calls that ended.\n# TYPE x_calls counter\n\
            x_calls_total{way=\"in \\\"a\\\\b\\\"\\n\"} 3\n\
            # HELP x_build What runs.\n# TYPE x_build info\nx_build_info{version=\"1.0\"} 1\n\
            # HELP x_wait_seconds Waiting.\n# TYPE x_wait_seconds histogram\n# UNIT x_wait_seconds seconds\n\
            x_wait_seconds_bucket{le=\"0.5\"} 1\nx_wait_seconds_bucket{le=\"2.0\"} 1\n\
            x_wait_seconds_bucket{le=\"+Inf\"} 5\nx_wait_seconds_sum 12.25\nx_wait_seconds_count 5\n# EOF\n";
        assert_eq!(page(Form::OpenMetrics), open);
        let plain = open
            .replace("# UNIT x_wait_seconds seconds\n", "")
            .replace("# EOF\n", "")
            .replace("HELP x_calls ", "HELP x_calls_total ")
            .replace("TYPE x_calls ", "TYPE x_calls_total ")
            .replace("HELP x_build ", "HELP x_build_info ")
            .replace("TYPE x_build info", "TYPE x_build_info gauge");
        assert_eq!(page(Form::Plain), plain);
    }

    #[test]
    fn a_reader_gets_the_form_that_it_asks_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(Form::wanted(prometheus), Form::OpenMetrics);
        assert_eq!(Form::wanted("text/plain;q=0.9, application/openmetrics-text; q=0.2"), Form::Plain);
        assert_eq!(Form::wanted("application/openmetrics-text;q=0"), Form::Plain);
        for nobody in ["", "*/*", "text/html", "application/openmetrics-textual"] {
            assert_eq!(Form::wanted(nobody), Form::Plain, "{nobody}");
        }
    }
}
