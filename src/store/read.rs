//! Reading: single records by account and SID, and pages of lists.

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;
use tipring_resources::{Account, Call, Notification, Number, Recording, Sid};

use crate::filter::listing;
use crate::rows::{self, Statement};
use crate::{CallFilter, Listing, NotificationFilter, NumberFilter, Page, RecordingFilter, Store, StoreError};

impl Store {
    /// An account.
    pub async fn account(&self, sid: Sid) -> Result<Option<Account>, StoreError> {
        let statement =
            sqlx::query(AssertSqlSafe(format!("SELECT {} FROM accounts WHERE sid = $1", rows::ACCOUNT_COLUMNS)));
        self.read_one(statement.bind(sid.to_string()), rows::account).await
    }

    /// All accounts, oldest first.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let sql = format!("SELECT {} FROM accounts ORDER BY created, sid", rows::ACCOUNT_COLUMNS);
        self.many(sqlx::query(AssertSqlSafe(sql)), rows::account).await
    }

    /// A number, whoever's it is.
    pub async fn number(&self, sid: Sid) -> Result<Option<Number>, StoreError> {
        let sql = format!("SELECT {} FROM numbers WHERE sid = $1", rows::NUMBER_COLUMNS);
        self.read_one(sqlx::query(AssertSqlSafe(sql)).bind(sid.to_string()), rows::number).await
    }

    /// All numbers of all accounts, oldest first: what the router is told at the start.
    pub async fn all_numbers(&self) -> Result<Vec<Number>, StoreError> {
        let sql = format!("SELECT {} FROM numbers ORDER BY created, sid", rows::NUMBER_COLUMNS);
        self.many(sqlx::query(AssertSqlSafe(sql)), rows::number).await
    }

    /// Numbers of an account.
    pub async fn numbers(
        &self,
        account: Sid,
        filter: &NumberFilter,
        page: Page,
    ) -> Result<Listing<Number>, StoreError> {
        let statement = filter.conditions(account).page(rows::NUMBER_COLUMNS, "numbers", page);
        Ok(listing(page, self.many(statement, rows::number).await?))
    }

    /// A call of an account.
    pub async fn call(&self, account: Sid, sid: Sid) -> Result<Option<Call>, StoreError> {
        let sql = format!("SELECT {} FROM calls WHERE sid = $1 AND account = $2", rows::CALL_COLUMNS);
        let statement = sqlx::query(AssertSqlSafe(sql)).bind(sid.to_string()).bind(account.to_string());
        self.read_one(statement, rows::call).await
    }

    /// Calls of an account.
    pub async fn calls(&self, account: Sid, filter: &CallFilter, page: Page) -> Result<Listing<Call>, StoreError> {
        let statement = filter.conditions(account).page(rows::CALL_COLUMNS, "calls", page);
        Ok(listing(page, self.many(statement, rows::call).await?))
    }

    /// A recording of an account, deleted ones too.
    pub async fn recording(&self, account: Sid, sid: Sid) -> Result<Option<Recording>, StoreError> {
        let sql = format!("SELECT {} FROM recordings WHERE sid = $1 AND account = $2", rows::RECORDING_COLUMNS);
        let statement = sqlx::query(AssertSqlSafe(sql)).bind(sid.to_string()).bind(account.to_string());
        self.read_one(statement, rows::recording).await
    }

    /// Recordings of an account.
    pub async fn recordings(
        &self,
        account: Sid,
        filter: &RecordingFilter,
        page: Page,
    ) -> Result<Listing<Recording>, StoreError> {
        let statement = filter.conditions(account).page(rows::RECORDING_COLUMNS, "recordings", page);
        Ok(listing(page, self.many(statement, rows::recording).await?))
    }

    /// A notification of an account.
    pub async fn notification(&self, account: Sid, sid: Sid) -> Result<Option<Notification>, StoreError> {
        let sql = format!("SELECT {} FROM notifications WHERE sid = $1 AND account = $2", rows::NOTIFICATION_COLUMNS);
        let statement = sqlx::query(AssertSqlSafe(sql)).bind(sid.to_string()).bind(account.to_string());
        self.read_one(statement, rows::notification).await
    }

    /// Notifications of an account.
    pub async fn notifications(
        &self,
        account: Sid,
        filter: &NotificationFilter,
        page: Page,
    ) -> Result<Listing<Notification>, StoreError> {
        let statement = filter.conditions(account).page(rows::NOTIFICATION_COLUMNS, "notifications", page);
        Ok(listing(page, self.many(statement, rows::notification).await?))
    }

    async fn read_one<T>(
        &self,
        statement: Statement,
        read: fn(&AnyRow) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let row = statement.fetch_optional(&self.inner.readers).await?;
        row.as_ref().map(read).transpose()
    }

    async fn many<T>(
        &self,
        statement: Statement,
        read: fn(&AnyRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = statement.fetch_all(&self.inner.readers).await?;
        rows.iter().map(read).collect()
    }
}
