//! How results look: plain text in columns for people, JSON for programs.

use crate::time::Time;
use serde::Serialize;
use std::io::Write;

/// Where results go, and how.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Out {
    pub(in crate::cli) json: bool,
}

impl Out {
    /// Shows a list, a row each.
    pub(in crate::cli) fn list<T: Serialize, const N: usize>(
        self,
        items: &[T],
        heads: [&str; N],
        row: impl Fn(&T) -> [String; N],
    ) {
        if self.json {
            return self.json(&items);
        }
        if items.is_empty() {
            return print("There are none.");
        }
        let rows: Vec<[String; N]> =
            std::iter::once(heads.map(|head| head.to_uppercase())).chain(items.iter().map(row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: [usize; N] = std::array::from_fn(width);
        for row in &rows {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            print(cells.collect::<Vec<_>>().join("  ").trim_end());
        }
    }

    /// Says what was done; `result` is the same for programs.
    pub(in crate::cli) fn done(self, result: &impl Serialize, text: &str) {
        if self.json { self.json(result) } else { print(text) }
    }

    fn json(self, value: &impl Serialize) {
        // Types of ours that can't be JSON would be a mistake; there is nothing better to show then.
        print(&serde_json::to_string_pretty(value).unwrap_or_default());
    }
}

/// To the minute, or a dash.
pub(in crate::cli) fn minute(time: Option<Time>) -> String {
    time.map_or_else(|| "-".into(), Time::minute)
}

fn print(text: &str) {
    // Whoever reads may have had enough.
    let _ = writeln!(std::io::stdout(), "{text}");
}
