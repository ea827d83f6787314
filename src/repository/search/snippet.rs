//! What is shown of a longer text: some of it, around the first word that was looked for.

use crate::store::words;

/// Characters that a snippet has at the most.
const LENGTH: usize = 160;
/// Characters of it that come before the word.
const BEFORE: usize = 50;

/// A part of the text in one line, or all of it if it is short.
pub(super) fn around(text: &str, wanted: &[String]) -> String {
    let start = start(text, place(text, wanted).unwrap_or(0));
    let mut snippet = String::from(if start > 0 { "…" } else { "" });
    let mut room = LENGTH - snippet.chars().count();
    for (number, word) in text[start..].split_whitespace().enumerate() {
        let space = usize::from(number > 0);
        let length = word.chars().count();
        // What is cut off leaves room for the mark that says so.
        if space + length >= room {
            // A text without spaces is one long word.
            if room > LENGTH / 2 {
                snippet.extend([' '].into_iter().take(space).chain(word.chars().take(room - space - 1)));
            }
            snippet.push('…');
            break;
        }
        snippet.extend([' '].into_iter().take(space).chain(word.chars()));
        room -= space + length;
    }
    snippet
}

/// Where the first word stands that starts with one of those.
fn place(text: &str, wanted: &[String]) -> Option<usize> {
    let mut at = 0;
    text.split_inclusive(|c: char| !c.is_alphanumeric()).find_map(|piece| {
        let start = at;
        at += piece.len();
        words(piece).any(|word| wanted.iter().any(|wanted| word.starts_with(wanted))).then_some(start)
    })
}

/// Where the snippet starts that shows what stands at a place: not within a word, if that can be.
fn start(text: &str, place: usize) -> usize {
    let Some((from, _)) = text[..place].char_indices().rev().nth(BEFORE) else { return 0 };
    let before = &text[from..place];
    before.find(char::is_whitespace).map_or(from, |space| {
        let rest = before[space..].trim_start();
        place - rest.len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snippet(text: &str, query: &str) -> String {
        around(text, &words(query).collect::<Vec<_>>())
    }

    #[test]
    fn a_short_text_is_shown_in_one_line() {
        for (text, shown) in [("", ""), ("a\n b\t\tc ", "a b c"), ("Zürich", "Zürich")] {
            assert_eq!(snippet(text, "c"), shown);
        }
    }

    #[test]
    fn a_long_text_is_shown_around_the_first_word_that_was_looked_for() {
        let words: Vec<_> = (0..100).map(|n| format!("word{n}")).collect();
        let text = words.join("\n");
        let (first, middle, last) =
            (snippet(&text, "nothing"), snippet(&text, "word50 word7"), snippet(&text, "word99"));
        assert!(first.starts_with("word0 word1 ") && first.ends_with(" word23…"), "{first}");
        assert!(middle.starts_with("word0 word1 ") && middle.contains(" word7 "), "{middle}");
        assert_eq!(last, "…word92 word93 word94 word95 word96 word97 word98 word99");
        let fifty = snippet(&text, "word50");
        assert!(fifty.starts_with("…word43 ") && fifty.ends_with("…") && fifty.chars().count() <= LENGTH, "{fifty}");
    }

    #[test]
    fn diacritics_are_looked_past() {
        let text = format!("{} Café de l'Été", "x ".repeat(100));
        assert!(snippet(&text, "ete").ends_with(" Café de l'Été"));
        assert!(snippet(&text, "CAFÉ").ends_with(" Café de l'Été"));
    }

    #[test]
    fn a_text_without_spaces_is_cut_between_characters() {
        for text in ["é".repeat(1000), format!("{}-found{}", "日本".repeat(200), "語".repeat(500))] {
            let shown = snippet(&text, "found");
            assert!(shown.chars().count() <= LENGTH && shown.ends_with('…'), "{shown}");
            assert_eq!(shown.contains("-found"), text.contains("-found"), "{shown}");
        }
    }
}
