//! What all kinds of records have in common: a table, its columns, an order, and how a row is read. Reading one, a page or
//! all of a kind is written here once.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use tipring_resources::{Account, Call, Notification, Number, Recording, Sid, Stamp};

use crate::filter::{Column, listing};
use crate::rows;
use crate::writer::Command;
use crate::{Listing, Page, Store, StoreError, TimeRange, Where};

/// A kind of record that the store keeps.
pub trait Kept: Sized + Send {
    /// Its table.
    const TABLE: &'static str;
    /// What is selected of it.
    const COLUMNS: &'static str;
    /// In which order a list shows it.
    const ORDER: Order = Order { time: "created", sid: "sid", oldest_first: false };

    /// Reads a row.
    #[doc(hidden)]
    fn read(row: &AnyRow) -> Result<Self, StoreError>;
}

/// The order of a list: by a time, then by a name that makes it total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Column of the time.
    pub time: &'static str,
    /// Column of a SID.
    pub sid: &'static str,
    /// Else the newest comes first.
    pub oldest_first: bool,
}

impl Store {
    /// The first record that fits.
    pub async fn find<T: Kept>(&self, which: Where) -> Result<Option<T>, StoreError> {
        let page = Page { size: 1, ..Page::default() };
        let row = which.page_in(T::COLUMNS, T::TABLE, page, T::ORDER).fetch_optional(&self.inner.readers).await?;
        row.as_ref().map(T::read).transpose()
    }

    /// A record of an account by its SID.
    pub async fn one<T: Kept>(&self, account: Sid, sid: Sid) -> Result<Option<T>, StoreError> {
        self.find(Where::of(account).equal(Column::Sid, sid)).await
    }

    /// A page of those that fit.
    pub async fn list<T: Kept>(&self, which: Where, page: Page) -> Result<Listing<T>, StoreError> {
        let rows = which.page_in(T::COLUMNS, T::TABLE, page, T::ORDER).fetch_all(&self.inner.readers).await?;
        let items: Result<Vec<T>, StoreError> = rows.iter().map(T::read).collect();
        Ok(listing(page, items?))
    }

    /// All of a kind, of all accounts: what the router is told at the start.
    pub async fn all<T: Kept>(&self) -> Result<Vec<T>, StoreError> {
        let Order { time, sid, .. } = T::ORDER;
        let sql = format!("SELECT {} FROM {} ORDER BY {time}, {sid}", T::COLUMNS, T::TABLE);
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.inner.readers).await?;
        rows.iter().map(T::read).collect()
    }

    /// Deletes a record of an account. False: there was none.
    pub async fn delete<T: Kept>(&self, account: Sid, sid: Sid) -> Result<bool, StoreError> {
        Ok(self.inner.writer.send(Command::Delete { table: T::TABLE, account, sid }).rows().await? > 0)
    }

    /// How many calls an account (or it and those that it made) made or got, how many recordings …, in a span of time.
    pub async fn usage(&self, account: Sid, family: bool, span: TimeRange) -> Result<Usage, StoreError> {
        let whose = Whose {
            account,
            family,
            from: span.from.unwrap_or(Stamp(i64::MIN)),
            until: span.until.unwrap_or(Stamp(i64::MAX)),
        };
        let mut usage = Usage::default();
        for (group, count, length) in self.tally(CALLS_TALLY, &whose).await? {
            let minutes = Tally { count, usage: length };
            match group.as_str() {
                "inbound" => usage.calls_inbound = minutes,
                _ => usage.calls_outbound = usage.calls_outbound.and(minutes),
            }
        }
        for (_, count, length) in self.tally(RECORDINGS_TALLY, &whose).await? {
            usage.recordings = Tally { count, usage: length };
        }
        for (_, count, length) in self.tally(TRANSCRIPTIONS_TALLY, &whose).await? {
            usage.transcriptions = Tally { count, usage: length };
        }
        for (group, count, length) in self.tally(MESSAGES_TALLY, &whose).await? {
            let segments = Tally { count, usage: length };
            match group.as_str() {
                "inbound" => usage.sms_inbound = segments,
                _ => usage.sms_outbound = usage.sms_outbound.and(segments),
            }
        }
        Ok(usage)
    }

    /// Minutes begun by calls of this box that went out, by the number called, from a moment on. Of a call that was up
    /// then only what came after it.
    pub async fn minutes_out(&self, from: Stamp) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = sqlx::query(MINUTES_OUT).bind(self.inner.box_name.clone()).bind(from.0);
        let rows = rows.fetch_all(&self.inner.readers).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    async fn tally(&self, sql: &'static str, whose: &Whose) -> Result<Vec<(String, i64, i64)>, StoreError> {
        let statement = sqlx::query(sql)
            .bind(whose.account.to_string())
            .bind(whose.from.0)
            .bind(whose.until.0)
            .bind(i64::from(whose.family));
        let rows = statement.fetch_all(&self.inner.readers).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
    }
}

/// Whose usage, and when.
struct Whose {
    account: Sid,
    family: bool,
    from: Stamp,
    until: Stamp,
}

/// How many, and how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: i64,
    /// Minutes begun, or segments of messages.
    pub usage: i64,
}

impl Tally {
    /// Both together.
    pub fn and(self, other: Tally) -> Tally {
        Tally { count: self.count + other.count, usage: self.usage + other.usage }
    }
}

/// What an account did in a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls that came in.
    pub calls_inbound: Tally,
    /// Calls that were made.
    pub calls_outbound: Tally,
    /// Recordings.
    pub recordings: Tally,
    /// Transcriptions.
    pub transcriptions: Tally,
    /// Messages that came in.
    pub sms_inbound: Tally,
    /// Messages that were sent.
    pub sms_outbound: Tally,
}

impl Usage {
    /// Both together.
    pub fn and(self, other: Usage) -> Usage {
        Usage {
            calls_inbound: self.calls_inbound.and(other.calls_inbound),
            calls_outbound: self.calls_outbound.and(other.calls_outbound),
            recordings: self.recordings.and(other.recordings),
            transcriptions: self.transcriptions.and(other.transcriptions),
            sms_inbound: self.sms_inbound.and(other.sms_inbound),
            sms_outbound: self.sms_outbound.and(other.sms_outbound),
        }
    }
}

/// Minutes of a call count once they have begun. A sum of whole numbers is a whole number on both engines only when cast.
const CALLS_TALLY: &str = "SELECT direction, COUNT(*), CAST(COALESCE(SUM((ended - answered + 59999999) / 60000000), 0) \
    AS BIGINT) FROM calls WHERE (account = $1 OR ($4 = 1 AND account IN (SELECT sid FROM accounts WHERE parent = $1))) \
    AND created >= $2 AND created < $3 GROUP BY direction";
const MINUTES_OUT: &str = "SELECT to_number, CAST(COALESCE(SUM((ended - CASE WHEN answered < $2 THEN $2 ELSE answered END \
    + 59999999) / 60000000), 0) AS BIGINT) FROM calls WHERE box = $1 AND direction <> 'inbound' AND answered IS NOT NULL \
    AND ended > $2 GROUP BY to_number ORDER BY to_number";
const RECORDINGS_TALLY: &str = "SELECT 'all', COUNT(*), CAST(COALESCE(SUM((duration_ms + 59999) / 60000), 0) AS BIGINT) \
    FROM recordings WHERE (account = $1 OR ($4 = 1 AND account IN (SELECT sid FROM accounts WHERE parent = $1))) \
    AND created >= $2 AND created < $3 AND status <> 'absent'";
const TRANSCRIPTIONS_TALLY: &str = "SELECT 'all', COUNT(*), CAST(COALESCE(SUM((duration_ms + 59999) / 60000), 0) \
    AS BIGINT) FROM transcriptions WHERE (account = $1 OR ($4 = 1 AND account IN (SELECT sid FROM accounts WHERE parent = $1))) \
    AND created >= $2 AND created < $3";
const MESSAGES_TALLY: &str = "SELECT direction, COUNT(*), CAST(COALESCE(SUM(segments), 0) AS BIGINT) FROM messages \
    WHERE (account = $1 OR ($4 = 1 AND account IN (SELECT sid FROM accounts WHERE parent = $1))) \
    AND created >= $2 AND created < $3 GROUP BY direction";

macro_rules! kept {
    ($($kind:ty: $table:literal, $columns:expr, $read:path;)*) => {
        $(impl Kept for $kind {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static str = $columns;

            fn read(row: &AnyRow) -> Result<Self, StoreError> {
                $read(row)
            }
        })*
    };
}
pub(crate) use kept;

kept! {
    Account: "accounts", rows::ACCOUNT_COLUMNS, rows::account;
    Number: "numbers", rows::NUMBER_COLUMNS, rows::number;
    Call: "calls", rows::CALL_COLUMNS, rows::call;
    Recording: "recordings", rows::RECORDING_COLUMNS, rows::recording;
    Notification: "notifications", rows::NOTIFICATION_COLUMNS, rows::notification;
}
