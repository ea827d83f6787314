//! The columns that Google Contacts, HubSpot and our own export write, and what they say.

use super::Format;

/// What a column says about a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The name as the contact shows it.
    FullName,
    /// A part of the name, in the order in which the parts are put together.
    NamePart,
    /// What people call a contact that has no name.
    StandIn,
    Email,
    Phone,
    JobTitle,
    Company,
    Notes,
}

impl Format {
    /// The columns of use, in order of preference.
    pub(super) fn known(self) -> &'static [Known] {
        match self {
            Format::Google => GOOGLE,
            Format::HubSpot => HUBSPOT,
            Format::Sessile => SESSILE,
        }
    }

    /// Examples of its columns, for a person.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Format::Google => "Google Contacts (such as First Name, Last Name, E-mail 1 - Value)",
            Format::HubSpot => "HubSpot (such as Record ID, First Name, Last Name, Email)",
            Format::Sessile => "Sessile (such as name, email, phone, job_title)",
        }
    }
}

/// Columns of one role, best first, and what stands between several values in one of their cells. A
/// `#` in a name stands for a number.
pub(super) type Known = (Role, Option<&'static str>, &'static [&'static str]);

const GOOGLE: &[Known] = &[
    (Role::FullName, None, &["Name"]),
    (
        Role::NamePart,
        None,
        &[
            "Name Prefix",
            "First Name",
            "Given Name",
            "Middle Name",
            "Additional Name",
            "Last Name",
            "Family Name",
            "Name Suffix",
        ],
    ),
    (Role::StandIn, None, &["Nickname", "File As"]),
    (Role::Email, Some(":::"), &["E-mail # - Value"]),
    (Role::Phone, Some(":::"), &["Phone # - Value"]),
    (Role::JobTitle, Some(":::"), &["Organization Title", "Organization 1 - Title"]),
    (Role::Company, Some(":::"), &["Organization Name", "Organization 1 - Name"]),
    (Role::Notes, None, &["Notes"]),
];

const HUBSPOT: &[Known] = &[
    (Role::NamePart, None, &["First Name", "Last Name"]),
    (Role::Email, None, &["Email", "Work Email"]),
    (Role::Email, Some(";"), &["Additional Email Addresses"]),
    (Role::Phone, None, &["Phone Number", "Mobile Phone Number"]),
    (Role::JobTitle, None, &["Job Title"]),
    (Role::Company, None, &["Company Name"]),
    (Role::Company, Some(";"), &["Associated Company (Primary)", "Associated Company"]),
    (Role::Notes, None, &["Notes", "Associated Note"]),
];

const SESSILE: &[Known] = &[
    (Role::FullName, None, &["name"]),
    (Role::Email, None, &["email"]),
    (Role::Phone, None, &["phone"]),
    (Role::JobTitle, None, &["job_title"]),
    (Role::Company, None, &["company_name"]),
    (Role::Notes, None, &["notes"]),
];

/// Columns that nobody but Google writes.
pub(super) const ONLY_GOOGLE: &[&str] = &[
    "E-mail # - Value",
    "Phone # - Value",
    "Organization # - Name",
    "Given Name",
    "Family Name",
    "Phonetic First Name",
    "File As",
];

/// Columns that nobody but HubSpot writes.
pub(super) const ONLY_HUBSPOT: &[&str] =
    &["Record ID", "Contact Owner", "Lead Status", "Marketing Contact Status", "Lifecycle Stage", "Associated Company"];
