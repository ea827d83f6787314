//! `crm_pipeline`: the deals of each stage, and what they add up to.

use super::super::auth::Nothing;
use super::super::{Caller, Effect, Reply, Tool};
use crate::error::Result;
use crate::repository::pipeline::{self, Pipeline, StageTotals};
use crate::tenancy::Role;
use std::fmt::Write as _;

pub(super) fn tool() -> Tool {
    Tool::new("crm_pipeline", Role::Viewer, Effect::Reads, read).described(
        "See the pipeline",
        "Counts the deals of each stage and adds up their amounts, exactly and by currency, and those of all open deals. For the deals themselves, use crm_deal_list.",
    )
}

async fn read(caller: Caller, _: Nothing) -> Result<Reply<Pipeline>> {
    let pipeline = pipeline::read(&caller).await?;
    let mut text = String::from("The pipeline:");
    for StageTotals { stage, deals } in &pipeline.stages {
        let _ = write!(text, "\n- {}: {deals}", stage.as_str());
    }
    let _ = write!(text, "\nOpen, which is neither won nor lost: {}", pipeline.open);
    Ok(Reply::new(pipeline, text))
}
