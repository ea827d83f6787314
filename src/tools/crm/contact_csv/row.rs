//! One record as a contact: which cells it takes, what stands in for a missing name, and the limits
//! of each field.

use csv::StringRecord;

use super::columns::{Column, Layout};
use super::known::Role;
use super::value::Value;
use super::{ContactRow, Format, write};

/// Reads a record, or says what is wrong with it and in which column.
pub(super) fn contact(layout: &Layout, record: &StringRecord) -> Result<ContactRow, String> {
    if record.iter().skip(layout.width).any(|cell| !cell.trim().is_empty()) {
        return Err(format!(
            "the row has {} cells, the header has {}: a cell with a delimiter in it is written in quotes",
            record.len(),
            layout.width
        ));
    }
    let row = Row { layout, record };
    let email = row.first(Role::Email);
    let company = row.first(Role::Company);
    let name = row
        .first(Role::FullName)
        .or_else(|| row.name_from_parts())
        .or_else(|| row.first(Role::StandIn))
        .or_else(|| company.clone())
        .or_else(|| email.as_ref().map(Value::before_at))
        .ok_or("the row has neither a name nor an email address")?;

    // The address comes first: what is wrong with it may be the reason why its name looks odd.
    let email = email.map(|email| email.checked("email address", 254)?.address()).transpose()?;
    let optional = |value: Option<Value>, what, limit| {
        value.map(|value| Ok::<_, String>(value.checked(what, limit)?.text)).transpose()
    };
    Ok(ContactRow {
        name: name.checked("name", 200)?.text,
        email,
        phone: optional(row.first(Role::Phone), "phone number", 50)?,
        job_title: optional(row.first(Role::JobTitle), "job title", 100)?,
        company_name: optional(company, "company name", 200)?,
        notes: optional(row.first(Role::Notes), "text", 10_000)?,
    })
}

struct Row<'a> {
    layout: &'a Layout,
    record: &'a StringRecord,
}

impl Row<'_> {
    /// The first value of a role that is not blank.
    fn first(&self, role: Role) -> Option<Value> {
        self.layout.columns(role).find_map(|column| self.value(column, role))
    }

    fn name_from_parts(&self) -> Option<Value> {
        let parts = self.layout.columns(Role::NamePart);
        parts.filter_map(|column| self.value(column, Role::NamePart)).reduce(|name, part| Value {
            column: format!("{}, {}", name.column, part.column),
            text: format!("{} {}", name.text, part.text),
        })
    }

    fn value(&self, column: &Column, role: Role) -> Option<Value> {
        let cell = self.record.get(column.index)?;
        let text = match (self.layout.format, column.joined_by) {
            // Our own export is taken at its word, down to the blanks; only addresses have none.
            (Format::Sessile, _) if role != Role::Email => write::restore(cell).to_owned(),
            (Format::Sessile, _) => write::restore(cell).trim().to_owned(),
            (_, Some(separator)) => cell.split(separator).map(one_line).find(|text| !text.is_empty())?,
            (_, None) if role == Role::Notes => cell.trim().to_owned(),
            (_, None) => one_line(cell),
        };
        let column = column.header.clone();
        (!text.trim().is_empty()).then_some(Value { column, text })
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    /// The contact of the only line under a header.
    fn only(csv: &str) -> Result<ContactRow, String> {
        let (_, mut lines) = read(csv, None).expect("readable");
        assert_eq!(lines.len(), 1, "{csv}");
        lines.remove(0).contact
    }

    #[test]
    fn a_name_is_found_where_there_is_one() {
        let google = "Name,Name Prefix,First Name,Middle Name,Last Name,Name Suffix,Nickname,File As,\
                      Organization Name,E-mail 1 - Value,E-mail 2 - Value";
        let table = [
            ("Ada L.,,Ada,,Lovelace,,,,,,", Ok("Ada L.")),
            (",Dr.,Ada,King,Lovelace,PhD,Countess,,,,", Ok("Dr. Ada King Lovelace PhD")),
            (",,  Ada ,,\" Love\nlace\",,,,,,", Ok("Ada Love lace")),
            (",,,,Lovelace,,Countess,,,,", Ok("Lovelace")),
            (",,,,,,Countess,\"Lovelace, Ada\",,,", Ok("Countess")),
            (",,,,,,,\"Lovelace, Ada\",Engines,,", Ok("Lovelace, Ada")),
            (",,,,,,,,Engines ::: Looms,a@b.example,", Ok("Engines")),
            (",,,,,,,,,Ada.L+fair@b.example,", Ok("Ada.L+fair")),
            (",,,,,,,,,,second@b.example", Ok("second")),
            (",,,,,,,,, ::: third@b.example,", Ok("third")),
            ("Ada", Ok("Ada")),
            ("Ada,,,,,,,,,,,,,", Ok("Ada")),
        ];
        for (row, expected) in table {
            let name = only(&format!("{google}\n{row}\n")).map(|contact| contact.name);
            assert_eq!(name.as_deref(), expected.as_deref().map_err(|error: &String| error), "{row}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_column() {
        let table = [
            (",,+1 555 0100", "the row has neither a name nor an email address"),
            ("Ada,ada", "Email: an email address has an @"),
            ("Ada,@b.example", "Email: an email address has something before its @"),
            ("Ada,a@b@c.example", "Email: an email address has only one @"),
            ("Ada,a@localhost", "Email: an email address ends in a domain such as example.com"),
            ("Ada,a@b..example", "Email: an email address ends in a domain such as example.com"),
            ("Ada,a@b.example.", "Email: an email address ends in a domain such as example.com"),
            ("Ada,a b@c.example", "Email: an email address has no blanks"),
            ("Ada,a@b.example;c@d.example", "Email: an email address has only one @"),
            (",ada", "Email: an email address has an @"),
            ("A\0da,", "Name: the name holds a NUL character"),
            ("Lovelace, Ada,a@b.example,,", "Email: an email address has an @"),
            (
                "Ada,a@b.example,+1,Countess, and more",
                "the row has 5 cells, the header has 4: a cell with a delimiter in it is written in quotes",
            ),
        ];
        for (row, expected) in table {
            let csv = format!("Name,Email,Phone,Job Title\n{row}\n");
            assert_eq!(only(&csv), Err(expected.to_owned()), "{row}");
        }
    }

    #[test]
    fn every_field_has_its_limit_in_characters_not_bytes() {
        let address = |length: usize| format!("{}@b.example", "é".repeat(length - "@b.example".len()));
        let text = |length| "é".repeat(length);
        for (column, what, limit) in [
            ("name", "name", 200),
            ("email", "email address", 254),
            ("phone", "phone number", 50),
            ("job_title", "job title", 100),
            ("company_name", "company name", 200),
            ("notes", "text", 10_000),
        ] {
            let row = |length| match column {
                "name" => format!("{column},email\n{},\n", text(length)),
                "email" => format!("{column},name\n{},Ada\n", address(length)),
                _ => format!("{column},name,email\n{},Ada,\n", text(length)),
            };
            assert!(only(&row(limit)).is_ok(), "{column}");
            let expected = format!("{column}: the {what} has {} characters, at most {limit} fit", limit + 1);
            assert_eq!(only(&row(limit + 1)), Err(expected));
        }
    }

    #[test]
    fn a_name_put_together_names_all_its_columns() {
        let csv = format!("Record ID,First Name,Last Name\n1,{},Lovelace\n", "A".repeat(195));
        let expected = "First Name, Last Name: the name has 204 characters, at most 200 fit";
        assert_eq!(only(&csv), Err(expected.to_owned()));
    }
}
