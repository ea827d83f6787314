//! What is due, planned and about to be decided, on a day or with a person; each with the names of
//! what it refers to.

use super::activity::ActivityKind;
use super::deal::Stage;
use crate::amount::Amount;
use crate::error::Result;
use crate::store::{FromRow, Row, params};
use crate::tenancy::TenantScope;
use crate::time::Time;
use uuid::Uuid;

/// An activity.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) id: Uuid,
    pub(crate) kind: ActivityKind,
    pub(crate) subject: String,
    pub(crate) body: Option<String>,
    pub(crate) at: Time,
    pub(crate) due_date: Option<String>,
    pub(crate) done: Option<bool>,
    pub(crate) contact: Option<String>,
    pub(crate) company: Option<String>,
    pub(crate) deal: Option<String>,
}

/// A deal that is neither won nor lost.
#[derive(Debug)]
pub(crate) struct OpenDeal {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) stage: Stage,
    pub(crate) amount: Option<Amount>,
    pub(crate) currency: Option<String>,
    pub(crate) close_date: Option<String>,
    pub(crate) contact: Option<String>,
    pub(crate) company: Option<String>,
}

impl FromRow for Item {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.uuid()?,
            kind: ActivityKind::stored(&row.text()?)?,
            subject: row.text()?,
            body: row.opt_text()?,
            at: Time::stored(row.int()?),
            due_date: row.opt_text()?,
            done: row.opt_int()?.map(|done| done != 0),
            contact: row.opt_text()?,
            company: row.opt_text()?,
            deal: row.opt_text()?,
        })
    }
}

impl FromRow for OpenDeal {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.uuid()?,
            name: row.text()?,
            stage: Stage::stored(&row.text()?)?,
            amount: row.opt_int()?.map(Amount::stored),
            currency: row.opt_text()?,
            close_date: row.opt_text()?,
            contact: row.opt_text()?,
            company: row.opt_text()?,
        })
    }
}

/// The statement for the activities of the tenant that fulfil a condition.
macro_rules! activities {
    ($condition:literal) => {
        concat!(
            "SELECT a.id, a.kind, a.subject, a.body, a.at, a.due_date, a.done, p.name, c.name, d.name FROM activity a
             LEFT JOIN contact p ON p.tenant_id = a.tenant_id AND p.id = a.contact_id
             LEFT JOIN company c ON c.tenant_id = a.tenant_id AND c.id = a.company_id
             LEFT JOIN deal d ON d.tenant_id = a.tenant_id AND d.id = a.deal_id
             WHERE a.tenant_id = $1 AND ",
            $condition
        )
    };
}

/// The statement for the open deals of the tenant that fulfil a condition.
macro_rules! deals {
    ($condition:literal) => {
        concat!(
            "SELECT d.id, d.name, d.stage, d.amount, d.currency, d.close_date, p.name, c.name FROM deal d
             LEFT JOIN contact p ON p.tenant_id = d.tenant_id AND p.id = d.contact_id
             LEFT JOIN company c ON c.tenant_id = d.tenant_id AND c.id = d.company_id
             WHERE d.tenant_id = $1 AND d.stage NOT IN ('won', 'lost') AND ",
            $condition,
            " ORDER BY d.close_date NULLS LAST, d.id LIMIT $2"
        )
    };
}

/// Tasks that should have been done before a day, the oldest first.
pub(crate) async fn overdue(scope: &TenantScope, day: &str, limit: i64) -> Result<Vec<Item>> {
    let sql = activities!("a.done = 0 AND a.due_date < $2 ORDER BY a.due_date, a.id LIMIT $3");
    scope.list(sql, params![day, limit]).await
}

/// Tasks that are to be done on a day.
pub(crate) async fn due(scope: &TenantScope, day: &str, limit: i64) -> Result<Vec<Item>> {
    let sql = activities!("a.done = 0 AND a.due_date = $2 ORDER BY a.id LIMIT $3");
    scope.list(sql, params![day, limit]).await
}

/// Meetings and calls from one time until before another.
pub(crate) async fn appointments(scope: &TenantScope, from: Time, until: Time, limit: i64) -> Result<Vec<Item>> {
    let sql = activities!("a.kind IN ('call', 'meeting') AND a.at >= $2 AND a.at < $3 ORDER BY a.at, a.id LIMIT $4");
    scope.list(sql, params![from.milliseconds(), until.milliseconds(), limit]).await
}

/// What was done with a person or is planned, without the tasks that are open; the latest first.
pub(crate) async fn latest_with(scope: &TenantScope, contact: Uuid, limit: i64) -> Result<Vec<Item>> {
    let sql =
        activities!("a.contact_id = $2 AND (a.done IS NULL OR a.done = 1) ORDER BY a.at DESC, a.id DESC LIMIT $3");
    scope.list(sql, params![contact, limit]).await
}

/// Tasks with a person that are open, the most urgent first.
pub(crate) async fn tasks_with(scope: &TenantScope, contact: Uuid, limit: i64) -> Result<Vec<Item>> {
    let sql = activities!("a.contact_id = $2 AND a.done = 0 ORDER BY a.due_date NULLS LAST, a.id LIMIT $3");
    scope.list(sql, params![contact, limit]).await
}

/// Open deals that are to be decided until a day, or should have been already.
pub(crate) async fn closing(scope: &TenantScope, until: &str, limit: i64) -> Result<Vec<OpenDeal>> {
    scope.list(deals!("d.close_date <= $3"), params![limit, until]).await
}

/// Open deals with a person or with their company.
pub(crate) async fn deals_with(
    scope: &TenantScope,
    contact: Uuid,
    company: Option<Uuid>,
    limit: i64,
) -> Result<Vec<OpenDeal>> {
    scope.list(deals!("(d.contact_id = $3 OR d.company_id = $4)"), params![limit, contact, company]).await
}
