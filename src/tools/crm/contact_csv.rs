//! Contacts as CSV text: what Google Contacts, HubSpot and our own export write, read into one
//! shape; and the writing of such an export.
//!
//! It knows text and nothing else: not tools, tenants or the database, nor whether a contact exists
//! already or who its company is.

mod columns;
mod known;
mod row;
mod text;
mod value;
mod write;

#[cfg(test)]
mod samples;

use columns::Layout;

pub(crate) use write::write;

/// Who wrote the file, as its header line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Google Contacts, "Google CSV": the columns since 2024 and those before.
    Google,
    /// A HubSpot export of contacts, whose columns and their order its user chose.
    HubSpot,
    /// Our own export of contacts.
    Sessile,
}

/// One record of the file; records whose cells are all blank are left out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The physical line on which the record starts, from 1. The header usually is line 1, and a
    /// record whose cells hold line breaks takes several lines.
    pub(crate) number: u64,
    /// The contact, or what is wrong with it in words for a person.
    pub(crate) contact: Result<ContactRow, String>,
}

/// A contact that keeps the limits of its fields. No field is blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContactRow {
    /// At most 200 characters.
    pub(crate) name: String,
    /// At most 254 characters, in the case in which it was written.
    pub(crate) email: Option<String>,
    /// At most 50 characters, as it was written.
    pub(crate) phone: Option<String>,
    /// At most 100 characters.
    pub(crate) job_title: Option<String>,
    /// At most 200 characters.
    pub(crate) company_name: Option<String>,
    /// At most 10,000 characters, line breaks among them.
    pub(crate) notes: Option<String>,
}

/// Reads a file of contacts; without a `format`, the header line decides.
///
/// A record that cannot be used is a [`Line`] with an error, and the others stand. An `Err` says in
/// words for a person why nothing in the file can be used: it is empty, its header is unknown, its
/// quotes do not match, or there is nothing under its header.
pub(crate) fn read(csv: &str, format: Option<Format>) -> Result<(Format, Vec<Line>), String> {
    let csv = csv.strip_prefix('\u{feff}').unwrap_or(csv);
    let delimiter = text::delimiter(csv);
    text::check_quotes(csv, delimiter)?;

    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(csv.as_bytes());
    let mut positions = text::Lines::of(csv);
    let mut records = reader.records().filter(|record| !record.as_ref().is_ok_and(is_blank));

    let header = records.next().ok_or("the file is empty")?.map_err(|error| error.to_string())?;
    let layout = Layout::of(&header, format)?;
    let lines = records
        .map(|record| {
            let record = record.map_err(|error| error.to_string())?;
            let start = record.position().map_or(0, csv::Position::byte);
            Ok(Line { number: positions.number_at(start), contact: row::contact(&layout, &record) })
        })
        .collect::<Result<Vec<_>, String>>()?;

    if lines.is_empty() {
        return Err("there is a header line, but no contact under it".to_owned());
    }
    Ok((layout.format, lines))
}

/// Spreadsheets save rows that once were in use as nothing but delimiters.
fn is_blank(record: &csv::StringRecord) -> bool {
    record.iter().all(|cell| cell.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: [&str; 11] = [
        "id",
        "name",
        "email",
        "phone",
        "job_title",
        "company_id",
        "company_name",
        "notes",
        "created_at",
        "updated_at",
        "version",
    ];

    fn export(contacts: &[ContactRow]) -> String {
        let cell = |value: &Option<String>| value.clone().unwrap_or_default();
        let rows = contacts.iter().map(|contact| {
            vec![
                "0198c5b2-6f3a-7c1e-9d2b-3f4a5b6c7d8e".to_owned(),
                contact.name.clone(),
                cell(&contact.email),
                cell(&contact.phone),
                cell(&contact.job_title),
                String::new(),
                cell(&contact.company_name),
                cell(&contact.notes),
                "2026-01-05T09:30:00Z".to_owned(),
                "2026-01-05T09:30:00Z".to_owned(),
                "1".to_owned(),
            ]
        });
        write(&HEADER, rows)
    }

    #[test]
    fn a_file_of_which_nothing_can_be_used_says_why() {
        let table = [
            ("", "the file is empty"),
            ("\u{feff}\r\n\n", "the file is empty"),
            ("name,email\n", "there is a header line, but no contact under it"),
            ("name,email\r\n,\r\n , \r\n", "there is a header line, but no contact under it"),
            (
                "name,email\nAda,a@b.example\n\"Bob,b@b.example\n",
                "line 3: the quoted cell that starts here is never closed",
            ),
        ];
        for (csv, expected) in table {
            assert_eq!(read(csv, None), Err(expected.to_owned()), "{csv:?}");
        }
    }

    #[test]
    fn a_line_is_numbered_as_an_editor_shows_it() {
        let table: &[(&str, &[u64])] = &[
            ("name,email\nA,\nB,\n", &[2, 3]),
            ("name,email\r\nA,\r\nB,\r\n", &[2, 3]),
            ("name,email\rA,\rB,\r", &[2, 3]),
            ("\u{feff}name,email\r\n\r\nA,\r\n,\r\nB,\r\n\r\n", &[3, 5]),
            ("name,notes,email\n\"A\nB\",\"1\r\n2\",\nC,,\n", &[2, 5]),
            ("\n\nname,email\nA,", &[4]),
        ];
        for (csv, expected) in table {
            let (_, lines) = read(csv, None).expect("readable");
            let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
            assert_eq!(numbers, *expected, "{csv:?}");
        }
    }

    /// Text of a stored field: not blank, and prone to what CSV and spreadsheets stumble over.
    fn field() -> impl Strategy<Value = String> {
        "(|'|''|=|[+]|-|@|\t|\r|\n| )([^\0]{0,40}|[-+,;\"'\r\n\t =0-9]{0,20})"
            .prop_filter("a stored field is not blank", |text| !text.trim().is_empty())
    }

    fn contact() -> impl Strategy<Value = ContactRow> {
        (
            field(),
            prop::option::of(
                "[-+=@'a-z][-+='.a-z]{0,8}@[a-z]{1,9}[.][a-z]{2,4}"
                    .prop_filter("one @", |email: &String| email.matches('@').count() == 1 && !email.starts_with('@')),
            ),
            prop::option::of(field()),
            prop::option::of(field()),
            prop::option::of(field()),
            prop::option::of(field()),
        )
            .prop_map(|(name, email, phone, job_title, company_name, notes)| ContactRow {
                name,
                email,
                phone,
                job_title,
                company_name,
                notes,
            })
    }

    proptest! {
        #[test]
        fn what_was_exported_is_imported_as_it_was(
            contacts in prop::collection::vec(contact(), 1..6),
        ) {
            let (format, lines) = read(&export(&contacts), None).expect("readable");
            prop_assert_eq!(format, Format::Sessile);
            let imported: Result<Vec<_>, _> = lines.into_iter().map(|line| line.contact).collect();
            prop_assert_eq!(imported, Ok(contacts));
        }

        #[test]
        fn no_text_makes_the_reader_panic(
            header in prop::sample::select(vec![
                "name,email\n",
                "Given Name\tE-mail 1 - Value\r\n",
                "Record ID;Email\r",
                "",
            ]),
            body in "[^x]{0,80}|[\",;\t\r\na@.:']{0,80}",
        ) {
            if let Ok((_, lines)) = read(&format!("{header}{body}"), None) {
                prop_assert!(lines.is_sorted_by(|a, b| a.number < b.number));
            }
        }
    }
}
