//! Tools explained, for people.

use super::terminal::{Shown, clean, clean_lines, cut};
use crate::client::tools::{Field, Kind, Tool, Toolbox};
use unicode_width::UnicodeWidthStr as _;

/// A line for each tool.
pub(super) fn overview(toolbox: &Toolbox, how: Shown, name: impl Fn(&Tool) -> String) -> String {
    let tools: Vec<(String, &Tool)> = toolbox.iter().map(|tool| (name(tool), tool)).collect();
    let widest = tools.iter().map(|(name, _)| name.width()).max().unwrap_or_default().min(how.width / 2);
    let lines = tools.iter().map(|(name, tool)| {
        let name = clean(name);
        let name = cut(&name, widest);
        let summary = clean(tool.summary());
        let room = how.width.saturating_sub(widest + 2);
        format!("{}{}  {}", how.style.head(&name), " ".repeat(widest - name.width()), cut(&summary, room))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// All about one tool.
pub(super) fn page(tool: &Tool, how: Shown) -> String {
    let mut page = format!("{}\n{}", how.style.head(clean(&tool.name)), clean_lines(&tool.description));
    if tool.fields.is_empty() {
        page.push_str(if tool.open { "\n\nIts arguments are not told." } else { "\n\nIt takes no arguments." });
        return page;
    }
    page.push_str("\n\nArguments:");
    for field in &tool.fields {
        page.push_str("\n  ");
        page.push_str(&described(field, how));
    }
    page
}

fn described(field: &Field, how: Shown) -> String {
    let choices = field.choices();
    let values = if choices.is_empty() { field.placeholder().to_owned() } else { choices.join("|") };
    let mut line = format!("{}={}", how.style.head(clean(&field.name)), clean(&values));
    if field.required {
        line.push_str(" (required)");
    }
    if let Some(default) = &field.default {
        line.push_str(&how.style.faint(format!(" ({} unless told)", clean(&default.to_string()))));
    }
    if !field.description.is_empty() {
        line.push_str(&format!("\n      {}", clean(&field.description)));
    }
    if let Kind::Object(members) = &field.kind {
        for member in members {
            line.push_str(&format!("\n      {}.{}", clean(&field.name), clean(&member.name)));
        }
    }
    line
}
