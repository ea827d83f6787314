//! A text from a cell, and what a field demands of it.

/// A text that is not blank, and the header of the column in which it was found.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) column: String,
    pub(super) text: String,
}

impl Value {
    /// The part of an address that stands in for a name.
    pub(super) fn before_at(&self) -> Value {
        let local = self.text.split('@').next().unwrap_or_default();
        Value { column: self.column.clone(), text: local.to_owned() }
    }

    /// Itself, if it is at most `limit` characters that every database stores.
    pub(super) fn checked(self, what: &str, limit: usize) -> Result<Value, String> {
        let length = self.text.chars().count();
        if length > limit {
            return Err(format!("{}: the {what} has {length} characters, at most {limit} fit", self.column));
        }
        if self.text.contains('\0') {
            return Err(format!("{}: the {what} holds a NUL character", self.column));
        }
        Ok(self)
    }

    /// Enough to notice a cell in the wrong column; whether mail arrives is for the mail server to
    /// say.
    pub(super) fn address(self) -> Result<String, String> {
        let wrong = if self.text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            "an email address has no blanks"
        } else {
            match self.text.split_once('@') {
                None => "an email address has an @",
                Some(("", _)) => "an email address has something before its @",
                Some((_, domain)) if domain.contains('@') => "an email address has only one @",
                Some((_, domain)) if !domain.contains('.') || domain.split('.').any(str::is_empty) => {
                    "an email address ends in a domain such as example.com"
                }
                Some(_) => return Ok(self.text),
            }
        };
        Err(format!("{}: {wrong}", self.column))
    }
}
