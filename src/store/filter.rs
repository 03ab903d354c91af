//! What a list shows: filters, pages and the `Where` builder that makes SQL of them. A text of the user's is always a
//! bound value: SQL text here is joined from the words of this file only. Lists are newest first; a page is anchored on a
//! record (created, SID), so that a walk neither repeats nor skips while new records arrive.

use std::fmt::Write;

use sqlx::AssertSqlSafe;
use tipring_resources::{CallStatus, Level, Sid, Stamp};

use crate::kept::Order;
use crate::rows::{Statement, level};

/// Records on one page at most.
pub const PAGE_SIZE_MAX: u32 = 1000;

/// From (inclusive) until (exclusive).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// Not before.
    pub from: Option<Stamp>,
    /// Before.
    pub until: Option<Stamp>,
}

/// Which calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Called exactly this.
    pub to: Option<String>,
    /// Caller was exactly this.
    pub from: Option<String>,
    /// In this state.
    pub status: Option<CallStatus>,
    /// Made by this call.
    pub parent: Option<Sid>,
    /// Attempt began.
    pub start: TimeRange,
    /// Over.
    pub end: TimeRange,
}

/// Which recordings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingFilter {
    /// Of this call.
    pub call: Option<Sid>,
    /// Of this room.
    pub conference: Option<Sid>,
    /// Made.
    pub created: TimeRange,
    /// Deleted ones too.
    pub with_deleted: bool,
}

/// Which numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberFilter {
    /// A part of the number; `*` stands for any digits.
    pub phone_number: Option<String>,
    /// Exactly this name.
    pub friendly_name: Option<String>,
}

/// Which notifications.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotificationFilter {
    /// Of this call.
    pub call: Option<Sid>,
    /// Errors or warnings only.
    pub level: Option<Level>,
    /// When.
    pub at: TimeRange,
}

/// The record at a page's edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// When it was made.
    pub created: Stamp,
    /// Its name.
    pub sid: Sid,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageStart {
    /// At the newest.
    #[default]
    Newest,
    /// This many records further.
    Skip(u32),
    /// The records next older than this.
    OlderThan(Anchor),
    /// The records next newer than this.
    NewerThan(Anchor),
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most [`PAGE_SIZE_MAX`]; more is cut to it, 0 is 1.
    pub size: u32,
    /// From where.
    pub start: PageStart,
}

impl Default for Page {
    fn default() -> Self {
        Page { size: 50, start: PageStart::Newest }
    }
}

impl Page {
    fn rows(self) -> u32 {
        self.size.clamp(1, PAGE_SIZE_MAX)
    }
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Older records follow.
    pub older: bool,
    /// Newer records precede.
    pub newer: bool,
}

/// A column that a list may be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// `account`
    Account,
    /// `actor`
    Actor,
    /// `call`
    Call,
    /// `coaching`
    Coaching,
    /// `conference`
    Conference,
    /// `created`
    Created,
    /// `ended`
    Ended,
    /// `from_number`
    From,
    /// `friendly_name`
    FriendlyName,
    /// `hold`
    Hold,
    /// `kind`
    Kind,
    /// `label`
    Label,
    /// `level`
    Level,
    /// `muted`
    Muted,
    /// `parent`
    Parent,
    /// `phone_number`
    PhoneNumber,
    /// `queue`
    Queue,
    /// `recording`
    Recording,
    /// `resource`
    Resource,
    /// `sent`
    Sent,
    /// `sid`
    Sid,
    /// `sms_application`
    SmsApplication,
    /// `started`
    Started,
    /// `status`
    Status,
    /// `to_number`
    To,
    /// `updated`
    Updated,
    /// `voice_application`
    VoiceApplication,
}

impl Column {
    const fn sql(self) -> &'static str {
        match self {
            Column::Account => "account",
            Column::Actor => "actor",
            Column::Call => "call",
            Column::Coaching => "coaching",
            Column::Conference => "conference",
            Column::Created => "created",
            Column::Ended => "ended",
            Column::From => "from_number",
            Column::FriendlyName => "friendly_name",
            Column::Hold => "hold",
            Column::Kind => "kind",
            Column::Label => "label",
            Column::Level => "level",
            Column::Muted => "muted",
            Column::Parent => "parent",
            Column::PhoneNumber => "phone_number",
            Column::Queue => "queue",
            Column::Recording => "recording",
            Column::Resource => "resource",
            Column::Sent => "sent",
            Column::Sid => "sid",
            Column::SmsApplication => "sms_application",
            Column::Started => "started",
            Column::Status => "status",
            Column::To => "to_number",
            Column::Updated => "updated",
            Column::VoiceApplication => "voice_application",
        }
    }
}

/// A bound value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(i64),
}

/// Conditions, all of which must hold.
#[derive(Clone, Debug, Default)]
pub struct Where {
    sql: String,
    values: Vec<Value>,
}

impl Where {
    /// What is an account's.
    pub fn of(account: Sid) -> Self {
        Where::default().equal(Column::Account, account)
    }

    /// The column has this text.
    pub fn equal(mut self, column: Column, value: impl ToString) -> Self {
        self.condition(column.sql(), "=", Value::Text(value.to_string()));
        self
    }

    /// The column has another text.
    pub fn but_not(mut self, column: Column, value: &str) -> Self {
        self.condition(column.sql(), "<>", Value::Text(value.to_string()));
        self
    }

    /// The column has this text, if one is wanted.
    pub fn maybe(self, column: Column, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.equal(column, value),
            None => self,
        }
    }

    /// The column's time is in the range.
    pub fn within(mut self, column: Column, range: TimeRange) -> Self {
        if let Some(from) = range.from {
            self.condition(column.sql(), ">=", Value::Number(from.0));
        }
        if let Some(until) = range.until {
            self.condition(column.sql(), "<", Value::Number(until.0));
        }
        self
    }

    /// The column's yes or no, if one is wanted.
    pub fn flag(mut self, column: Column, value: Option<bool>) -> Self {
        if let Some(value) = value {
            self.condition(column.sql(), "=", Value::Number(i64::from(value)));
        }
        self
    }

    /// The account itself, or one that it made.
    pub fn family(mut self, account: Sid) -> Self {
        self.join();
        self.values.push(Value::Text(account.to_string()));
        let at = self.values.len();
        let _ = write!(self.sql, "(sid = ${at} OR parent = ${at})");
        self
    }

    /// The value holds `pattern` somewhere; `*` in it stands for anything.
    pub fn holds(mut self, column: Column, pattern: &str) -> Self {
        let mut like = String::from("%");
        for sign in pattern.chars() {
            match sign {
                '*' => like.push('%'),
                '%' | '_' | '!' => like.extend(['!', sign]),
                other => like.push(other),
            }
        }
        like.push('%');
        self.condition(column.sql(), "LIKE", Value::Text(like));
        self.sql.push_str(" ESCAPE '!'");
        self
    }

    fn condition(&mut self, column: &'static str, operator: &'static str, value: Value) {
        self.join();
        self.values.push(value);
        let _ = write!(self.sql, "{column} {operator} ${}", self.values.len());
    }

    fn join(&mut self) {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
    }

    /// Only what lies beyond the anchor. The first half bounds the walk through the index, the second is exact.
    fn beyond(&mut self, operator: &'static str, anchor: Anchor, order: Order) {
        self.join();
        self.values.push(Value::Number(anchor.created.0));
        self.values.push(Value::Text(anchor.sid.to_string()));
        let (at, name) = (self.values.len() - 1, self.values.len());
        let Order { time, sid, .. } = order;
        let _ = write!(self.sql, "{time} {operator}= ${at} AND ({time} {operator} ${at} OR {sid} {operator} ${name})");
    }

    /// `SELECT columns FROM table` with these conditions: one page, and one record more to see whether others follow.
    pub(crate) fn page(self, columns: &'static str, table: &'static str, page: Page) -> Statement {
        self.page_in(columns, table, page, Order { time: "created", sid: "sid", oldest_first: false })
    }

    /// The same in another order. Where the oldest comes first, what follows is newer.
    pub(crate) fn page_in(mut self, columns: &'static str, table: &'static str, page: Page, order: Order) -> Statement {
        let (on, back) = if order.oldest_first { (("ASC", ">"), ("DESC", "<")) } else { (("DESC", "<"), ("ASC", ">")) };
        let (mut way, mut skip) = (on.0, 0);
        match page.start {
            PageStart::Newest => {}
            PageStart::Skip(records) => skip = records,
            PageStart::OlderThan(anchor) => self.beyond(on.1, anchor, order),
            PageStart::NewerThan(anchor) => {
                self.beyond(back.1, anchor, order);
                way = back.0;
            }
        }
        let (limit, offset) = (self.values.len() + 1, self.values.len() + 2);
        let Order { time, sid, .. } = order;
        let sql = format!(
            "SELECT {columns} FROM {table}{} ORDER BY {time} {way}, {sid} {way} LIMIT ${limit} OFFSET ${offset}",
            self.sql
        );
        self.values.push(Value::Number(i64::from(page.rows()) + 1));
        self.values.push(Value::Number(i64::from(skip)));
        self.bind(sql)
    }

    fn bind(self, sql: String) -> Statement {
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for value in self.values {
            statement = match value {
                Value::Text(text) => statement.bind(text.replace('\0', "\u{fffd}")),
                Value::Number(number) => statement.bind(number),
            };
        }
        statement
    }
}

/// Turns what a page's statement gave into the page: cuts the record too many, sets the order right.
pub(crate) fn listing<T>(page: Page, mut items: Vec<T>) -> Listing<T> {
    let more = items.len() > page.rows() as usize;
    items.truncate(page.rows() as usize);
    match page.start {
        PageStart::NewerThan(_) => {
            items.reverse();
            Listing { items, older: true, newer: more }
        }
        PageStart::Newest => Listing { items, older: more, newer: false },
        PageStart::Skip(records) => Listing { items, older: more, newer: records > 0 },
        PageStart::OlderThan(_) => Listing { items, older: more, newer: true },
    }
}

impl CallFilter {
    pub(crate) fn conditions(&self, account: Sid) -> Where {
        Where::default()
            .equal(Column::Account, account)
            .maybe(Column::To, self.to.as_ref())
            .maybe(Column::From, self.from.as_ref())
            .maybe(Column::Status, self.status.map(CallStatus::as_str))
            .maybe(Column::Parent, self.parent)
            .within(Column::Started, self.start)
            .within(Column::Ended, self.end)
    }
}

impl RecordingFilter {
    pub(crate) fn conditions(&self, account: Sid) -> Where {
        let conditions = Where::default()
            .equal(Column::Account, account)
            .maybe(Column::Call, self.call)
            .maybe(Column::Conference, self.conference)
            .within(Column::Created, self.created);
        if self.with_deleted { conditions } else { conditions.but_not(Column::Status, "deleted") }
    }
}

impl NumberFilter {
    pub(crate) fn conditions(&self, account: Sid) -> Where {
        let conditions =
            Where::default().equal(Column::Account, account).maybe(Column::FriendlyName, self.friendly_name.as_ref());
        match &self.phone_number {
            Some(pattern) => conditions.holds(Column::PhoneNumber, pattern),
            None => conditions,
        }
    }
}

impl NotificationFilter {
    pub(crate) fn conditions(&self, account: Sid) -> Where {
        Where::default()
            .equal(Column::Account, account)
            .maybe(Column::Call, self.call)
            .maybe(Column::Level, self.level.map(level))
            .within(Column::Created, self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tipring_resources::SidKind;

    #[test]
    fn a_text_of_the_user_is_never_sql() {
        let account = Sid::new(SidKind::Account, 1);
        let evil = "x' OR 1=1; DROP TABLE calls; --";
        let filter = CallFilter { to: Some(evil.into()), status: Some(CallStatus::Busy), ..CallFilter::default() };
        let conditions = filter.conditions(account);
        assert_eq!(conditions.sql, " WHERE account = $1 AND to_number = $2 AND status = $3");
        assert_eq!(conditions.values[1], Value::Text(evil.into()));
    }

    #[test]
    fn a_star_is_any_digits_and_percent_is_itself() {
        let conditions = Where::default().holds(Column::PhoneNumber, "+1*55%_!");
        assert_eq!(conditions.sql, " WHERE phone_number LIKE $1 ESCAPE '!'");
        assert_eq!(conditions.values[0], Value::Text("%+1%55!%!_!!%".into()));
    }
}
