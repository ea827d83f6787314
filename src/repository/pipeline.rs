//! The pipeline: how many deals there are at each stage, and what they are worth.

use super::deal::Stage;
use crate::amount::Amount;
use crate::error::Result;
use crate::store::{FromRow, Row, params};
use crate::tenancy::TenantScope;
use schemars::JsonSchema;
use serde::Serialize;

/// The deals at a stage.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StageTotals {
    pub(crate) stage: Stage,
    /// How many there are, with or without an amount.
    pub(crate) count: i64,
    /// Their amounts, added up for each currency.
    pub(crate) totals: Vec<Total>,
}

/// A sum of money.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Total {
    /// An ISO 4217 code.
    pub(crate) currency: String,
    /// A decimal, as text so that it stays exact.
    pub(crate) amount: String,
}

/// Units of an amount that are added up apart from the rest: no number of deals makes the sum of
/// the parts overflow.
const PART: i128 = 1_000_000_000;

struct Group {
    stage: Stage,
    currency: Option<String>,
    count: i64,
    units: i128,
}

impl FromRow for Group {
    fn from_row(row: &mut Row) -> Result<Self> {
        let (stage, currency, count) = (Stage::stored(&row.text()?)?, row.opt_text()?, row.int()?);
        let (parts, rest) = (row.int()?, row.int()?);
        Ok(Self { stage, currency, count, units: i128::from(parts) * PART + i128::from(rest) })
    }
}

/// All stages, in the order in which a deal goes through them.
pub(crate) async fn totals(scope: &TenantScope) -> Result<Vec<StageTotals>> {
    let sql = "SELECT stage, currency, COUNT(*), CAST(COALESCE(SUM(amount / 1000000000), 0) AS BIGINT),
                      CAST(COALESCE(SUM(amount % 1000000000), 0) AS BIGINT)
               FROM deal WHERE tenant_id = $1 GROUP BY stage, currency ORDER BY stage, currency";
    let groups: Vec<Group> = scope.list(sql, params![]).await?;
    let at = |stage| {
        let groups = || groups.iter().filter(move |group| group.stage == stage);
        let total =
            |group: &Group| Some(Total { currency: group.currency.clone()?, amount: Amount::text(group.units) });
        StageTotals {
            stage,
            count: groups().map(|group| group.count).sum(),
            totals: groups().filter_map(total).collect(),
        }
    };
    Ok(Stage::ALL.into_iter().map(at).collect())
}
