//! Which columns a header line names, and so who wrote the file. It does not look at cells.

use csv::StringRecord;

use super::Format;
use super::known::{Known, ONLY_GOOGLE, ONLY_HUBSPOT, Role};

/// The columns of one file that are of use.
pub(super) struct Layout {
    pub(super) format: Format,
    /// How many columns the header names.
    pub(super) width: usize,
    columns: Vec<Column>,
}

/// A column in its place.
pub(super) struct Column {
    pub(super) index: usize,
    /// The header as the file writes it, so that a person finds the column.
    pub(super) header: String,
    /// What stands between several values in one cell.
    pub(super) joined_by: Option<&'static str>,
    role: Role,
}

impl Layout {
    /// Finds the columns of `format`, or of the format that the header tells. Where a header occurs
    /// twice, the first one counts.
    pub(super) fn of(header: &StringRecord, format: Option<Format>) -> Result<Self, String> {
        let told = format.or_else(|| detect(header));
        let layout = told.map(|format| Self { format, width: header.len(), columns: locate(header, format.known()) });
        layout.filter(Layout::identifies).ok_or_else(|| unknown(header, format))
    }

    /// The columns of a role, best first.
    pub(super) fn columns(&self, role: Role) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |column| column.role == role)
    }

    /// Whether a contact can be told from another; an export of companies or deals has no such
    /// column.
    fn identifies(&self) -> bool {
        let roles = [Role::FullName, Role::NamePart, Role::Email];
        roles.iter().any(|role| self.columns(*role).next().is_some())
    }
}

/// Names that many programs write do not suffice: reading Outlook's "First Name" as HubSpot's would
/// lose the addresses in its "E-mail Address", and our own export of companies has a "name", too.
fn detect(header: &StringRecord) -> Option<Format> {
    let has = |name: &&str| header.iter().any(|cell| matches(name, cell));
    if ONLY_GOOGLE.iter().any(&has) {
        Some(Format::Google)
    } else if ONLY_HUBSPOT.iter().any(&has) || (has(&"Email") && (has(&"First Name") || has(&"Last Name"))) {
        Some(Format::HubSpot)
    } else if has(&"name") && (has(&"email") || has(&"job_title")) {
        Some(Format::Sessile)
    } else {
        None
    }
}

fn locate(header: &StringRecord, known: &[Known]) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for &(role, joined_by, names) in known {
        for name in names {
            for (index, cell) in header.iter().enumerate() {
                let taken = columns.iter().any(|column| key(&column.header) == key(cell));
                if matches(name, cell) && !taken {
                    columns.push(Column { index, header: cell.trim().to_owned(), joined_by, role });
                }
            }
        }
    }
    columns
}

fn matches(name: &str, cell: &str) -> bool {
    let cell = key(cell);
    let Some((before, after)) = name.split_once('#') else {
        return key(name) == cell;
    };
    cell.strip_prefix(&key(before))
        .and_then(|rest| rest.strip_suffix(&key(after)))
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A header without what changes from one version of a program to the next: case, spaces, hyphens,
/// underscores.
fn key(header: &str) -> String {
    header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn unknown(header: &StringRecord, format: Option<Format>) -> String {
    const SHOWN: usize = 8;
    let shorten = |cell: &str| cell.trim().chars().take(40).collect::<String>();
    let mut found: Vec<String> = header.iter().take(SHOWN).map(shorten).collect();
    if header.len() > SHOWN {
        found.push("…".to_owned());
    }
    let expected = match format {
        Some(format) => format.expected().to_owned(),
        None => {
            let [google, hubspot, sessile] = [Format::Google, Format::HubSpot, Format::Sessile].map(Format::expected);
            format!("{google}, {hubspot} or {sessile}")
        }
    };
    format!(
        "the header line is not that of a contact export: expected the columns of {expected}, found {}",
        found.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(header: &str, format: Option<Format>) -> Result<Layout, String> {
        Layout::of(&header.split(',').collect(), format)
    }

    #[test]
    fn a_header_tells_who_wrote_the_file() {
        let table = [
            ("Name,Given Name,Family Name,E-mail 1 - Value", Some(Format::Google)),
            ("First Name,Middle Name,Last Name,File As,Organization Name,Notes", Some(Format::Google)),
            ("First Name,Last Name,Phone 1 - Label,Phone 1 - Value", Some(Format::Google)),
            ("first name , LAST NAME,E-Mail 12-Value", Some(Format::Google)),
            ("Record ID,Email", Some(Format::HubSpot)),
            ("Company Name,Lead Status,Last Name", Some(Format::HubSpot)),
            ("First name,Last name,Email,Phone number", Some(Format::HubSpot)),
            ("id,name,email,phone,job_title,company_id,company_name,notes", Some(Format::Sessile)),
            ("Name,Email", Some(Format::Sessile)),
            // Outlook, Mailchimp; then HubSpot's and our own export of companies; then no header at
            // all.
            ("First Name,Middle Name,Last Name,E-mail Address,Business Phone", None),
            ("Email Address,First Name,Last Name,MEMBER_RATING", None),
            ("Record ID,Company name,Company owner", None),
            ("id,name,domain,industry,phone,website,address,notes", None),
            ("Ada Lovelace,ada@engine.example", None),
        ];
        for (header, expected) in table {
            let format = layout(header, None).ok().map(|layout| layout.format);
            assert_eq!(format, expected, "{header}");
        }
    }

    #[test]
    fn an_unknown_header_is_answered_with_the_expected_ones() {
        let error = |format| layout("Kunde,Adresse,c,d,e,f,g,h,i", format).err();
        assert_eq!(
            error(None).as_deref(),
            Some(
                "the header line is not that of a contact export: expected the columns of \
                 Google Contacts (such as First Name, Last Name, E-mail 1 - Value), \
                 HubSpot (such as Record ID, First Name, Last Name, Email) or \
                 Sessile (such as name, email, phone, job_title), found Kunde, Adresse, c, d, e, f, g, h, …"
            )
        );
        assert_eq!(
            error(Some(Format::Sessile)).as_deref(),
            Some(
                "the header line is not that of a contact export: expected the columns of \
                 Sessile (such as name, email, phone, job_title), found Kunde, Adresse, c, d, e, f, g, h, …"
            )
        );
    }

    #[test]
    fn columns_are_ranked_and_the_first_of_two_equals_counts() {
        let ranked = |header: &str, role| {
            let layout = layout(header, None).expect("known");
            layout.columns(role).map(|column| column.index).collect::<Vec<_>>()
        };
        let table: &[(&str, Role, &[usize])] = &[
            ("Last Name,First Name,Email", Role::NamePart, &[1, 0]),
            ("E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Value", Role::Email, &[1, 2]),
            ("Email,email,Last Name,E-MAIL", Role::Email, &[0]),
            ("Associated Company,Company name,Email,Associated Company IDs", Role::Company, &[1, 0]),
            ("Mobile Phone Number,Phone Number,Record ID,Email", Role::Phone, &[1, 0]),
            ("name,email,company_id", Role::Company, &[]),
        ];
        for (header, role, expected) in table {
            assert_eq!(ranked(header, *role), *expected, "{header}");
        }
    }
}
