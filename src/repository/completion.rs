//! What a text could become: the names and ids that start with it.

use crate::error::Result;
use crate::store::{FromRow, RecordKind, Row, Value, params};
use crate::tenancy::TenantScope;

/// Texts that fit, and how many there are in all.
#[derive(Debug, Default)]
pub(crate) struct Fitting {
    pub(crate) texts: Vec<String>,
    pub(crate) total: i64,
}

struct Fit {
    text: String,
    total: i64,
}

impl FromRow for Fit {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { text: row.text()?, total: row.int()? })
    }
}

/// The names of contacts that start with a text, in whatever case.
pub(crate) async fn contact_names(scope: &TenantScope, start: &str, limit: i64) -> Result<Fitting> {
    let sql = "SELECT name, COUNT(*) OVER () FROM
                 (SELECT DISTINCT name, name_key FROM contact WHERE tenant_id = $1 AND substr(name_key, 1, $3) = $2) fits
               ORDER BY name_key, name LIMIT $4";
    fitting(scope, sql, start, limit).await
}

/// The ids of the records of a kind that start with a text, or whose name does.
pub(crate) async fn ids(scope: &TenantScope, kind: RecordKind, start: &str, limit: i64) -> Result<Fitting> {
    macro_rules! named {
        ($table:literal) => {
            concat!(
                "SELECT id, COUNT(*) OVER () FROM ",
                $table,
                " WHERE tenant_id = $1 AND (substr(id, 1, $3) = $2 OR substr(name_key, 1, $3) = $2)
                 ORDER BY name_key, id LIMIT $4"
            )
        };
    }
    let sql = match kind {
        RecordKind::Company => named!("company"),
        RecordKind::Contact => named!("contact"),
        RecordKind::Deal => named!("deal"),
        RecordKind::Activity => {
            "SELECT id, COUNT(*) OVER () FROM activity
             WHERE tenant_id = $1 AND (substr(id, 1, $3) = $2 OR substr(lower(subject), 1, $3) = $2)
             ORDER BY id DESC LIMIT $4"
        }
    };
    fitting(scope, sql, start, limit).await
}

async fn fitting(scope: &TenantScope, sql: &'static str, start: &str, limit: i64) -> Result<Fitting> {
    let start = start.to_lowercase();
    let length = i64::try_from(start.chars().count()).unwrap_or(i64::MAX);
    let params: Vec<Value> = params![start, length, limit];
    let fits: Vec<Fit> = scope.list(sql, params).await?;
    let total = fits.first().map_or(0, |fit| fit.total);
    Ok(Fitting { texts: fits.into_iter().map(|fit| fit.text).collect(), total })
}
