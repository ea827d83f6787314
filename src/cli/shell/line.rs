//! A line as typed, taken apart.

/// A word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// Without quotes.
    pub(super) text: String,
    /// Where in the line it begins.
    pub(super) start: usize,
}

/// The words of a line, and the JSON object that may follow them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) words: Vec<Word>,
    pub(super) json: Option<&'a str>,
    /// Whether a quote is still open.
    pub(super) open: bool,
}

impl<'a> Line<'a> {
    /// Takes a line apart at spaces that are not within quotes. From a word on that begins with `{`, all is JSON.
    pub(super) fn read(line: &'a str) -> Self {
        let mut read = Self::default();
        let mut word: Option<Word> = None;
        let mut quote = None;
        let mut chars = line.char_indices();
        while let Some((at, c)) = chars.next() {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None | Some('"'), '\\') => {
                    let escaped = chars.next().map(|(_, c)| c);
                    begun(&mut word, at).extend(escaped);
                }
                (Some(_), c) => begun(&mut word, at).push(c),
                (None, '"' | '\'') => {
                    begun(&mut word, at);
                    quote = Some(c);
                }
                (None, c) if c.is_whitespace() => read.words.extend(word.take()),
                (None, '{') if word.is_none() => {
                    read.json = Some(&line[at..]);
                    return read;
                }
                (None, c) => begun(&mut word, at).push(c),
            }
        }
        read.open = quote.is_some();
        read.words.extend(word);
        read
    }

    /// The words as text.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.words.iter().map(|word| word.text.as_str()).collect()
    }

    /// How many words may name a tool: those before the first that is an option or a value with its name.
    pub(super) fn naming(&self) -> usize {
        let names = |word: &Word| !word.text.starts_with('-') && !word.text.contains('=');
        self.words.iter().take_while(|word| names(word)).count()
    }
}

fn begun(word: &mut Option<Word>, at: usize) -> &mut String {
    &mut word.get_or_insert_with(|| Word { text: String::new(), start: at }).text
}

/// A value in quotes where it needs some, so that it is read as one word again.
pub(super) fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_.:/@+,%~".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::{Line, quoted};

    #[test]
    fn lines_are_taken_apart() {
        for (line, words, json) in [
            ("contacts list --limit 5", &["contacts", "list", "--limit", "5"][..], None),
            ("search \"two words\" 'and \"these'", &["search", "two words", "and \"these"], None),
            ("name=\"A B\" x=a\\ b y=\"\"", &["name=A B", "x=a b", "y="], None),
            ("echo {\"a\": 1}  ", &["echo"], Some("{\"a\": 1}  ")),
            ("{\"method\":\"ping\"}", &[], Some("{\"method\":\"ping\"}")),
            ("headers={\"a\":1}", &["headers={a:1}"], None),
            ("", &[], None),
        ] {
            let read = Line::read(line);
            assert_eq!((read.texts().as_slice(), read.json), (words, json), "{line}");
        }
        assert!(Line::read("search \"open").open);
        for value in ["plain", "two words", "a\"b\\c", "", "Harbour & Pine"] {
            assert_eq!(Line::read(&quoted(value)).texts(), [value]);
        }
    }
}
