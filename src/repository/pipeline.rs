//! The pipeline: how many deals there are at each stage, and what they are worth.

use super::deal::Stage;
use crate::amount::Amount;
use crate::error::Result;
use crate::store::{FromRow, Row, params};
use crate::tenancy::TenantScope;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};

/// All deals, added up.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Pipeline {
    /// All stages, in the order in which a deal goes through them.
    pub(crate) stages: Vec<StageTotals>,
    /// The deals that are neither won nor lost.
    pub(crate) open: Totals,
}

/// The deals at a stage.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StageTotals {
    pub(crate) stage: Stage,
    #[serde(flatten)]
    pub(crate) deals: Totals,
}

/// What some deals add up to.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Totals {
    /// How many there are, with or without an amount.
    pub(crate) count: i64,
    /// Their amounts, added up for each currency.
    pub(crate) totals: Vec<Total>,
}

/// A sum of money.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
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

impl Display for Totals {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.count, if self.count == 1 { "deal" } else { "deals" })?;
        self.totals.iter().try_for_each(|Total { currency, amount }| write!(f, ", {amount} {currency}"))
    }
}

/// What there is at each stage, and what is open.
pub(crate) async fn read(scope: &TenantScope) -> Result<Pipeline> {
    let sql = "SELECT stage, currency, COUNT(*), CAST(COALESCE(SUM(amount / 1000000000), 0) AS BIGINT),
                      CAST(COALESCE(SUM(amount % 1000000000), 0) AS BIGINT)
               FROM deal WHERE tenant_id = $1 GROUP BY stage, currency";
    Ok(pipeline(&scope.list(sql, params![]).await?))
}

fn pipeline(groups: &[Group]) -> Pipeline {
    let at = |stage| StageTotals { stage, deals: add_up(groups, |of| of == stage) };
    Pipeline { stages: Stage::ALL.into_iter().map(at).collect(), open: add_up(groups, Stage::is_open) }
}

fn add_up(groups: &[Group], at: impl Fn(Stage) -> bool) -> Totals {
    let mut count = 0;
    let mut units: BTreeMap<&str, i128> = BTreeMap::new();
    for group in groups.iter().filter(|group| at(group.stage)) {
        count += group.count;
        if let Some(currency) = &group.currency {
            *units.entry(currency).or_default() += group.units;
        }
    }
    let total = |(currency, units): (&str, i128)| Total { currency: currency.into(), amount: Amount::text(units) };
    Totals { count, totals: units.into_iter().map(total).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deals_add_up_by_currency_exactly_and_beyond_what_a_row_can_hold() {
        let group = |stage, currency: Option<&str>, count, units| Group {
            stage,
            currency: currency.map(Into::into),
            count,
            units,
        };
        let much = i128::from(i64::MAX);
        let Pipeline { stages, open } = pipeline(&[
            group(Stage::Lead, Some("USD"), 3, much),
            group(Stage::Proposal, Some("USD"), 2, much),
            group(Stage::Proposal, Some("EUR"), 1, 1),
            group(Stage::Lead, None, 4, 0),
            group(Stage::Won, Some("EUR"), 1, 125_000_000),
        ]);
        let totals = |count, totals: &[(&str, &str)]| {
            let total =
                |(currency, amount): &(&str, &str)| Total { currency: (*currency).into(), amount: (*amount).into() };
            Totals { count, totals: totals.iter().map(total).collect() }
        };
        assert_eq!(open, totals(10, &[("EUR", "0.0001"), ("USD", "1844674407370955.1614")]));
        let at: Vec<_> = stages.into_iter().map(|StageTotals { stage, deals }| (stage, deals)).collect();
        let expected = [
            (Stage::Lead, totals(7, &[("USD", "922337203685477.5807")])),
            (Stage::Qualified, totals(0, &[])),
            (Stage::Proposal, totals(3, &[("EUR", "0.0001"), ("USD", "922337203685477.5807")])),
            (Stage::Negotiation, totals(0, &[])),
            (Stage::Won, totals(1, &[("EUR", "12500.00")])),
            (Stage::Lost, totals(0, &[])),
        ];
        assert_eq!(at, expected);
    }
}
