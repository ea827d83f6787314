//! Whole files as the programs write them, and what is read from them.

use super::{ContactRow, Format, read};

/// name, email, phone, job title, company, notes; an empty text is none.
type Contact = [&'static str; 6];

fn row([name, email, phone, job_title, company_name, notes]: Contact) -> ContactRow {
    let optional = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    ContactRow {
        name: name.to_owned(),
        email: optional(email),
        phone: optional(phone),
        job_title: optional(job_title),
        company_name: optional(company_name),
        notes: optional(notes),
    }
}

#[track_caller]
fn assert_reads(csv: &str, format: Format, expected: &[(u64, Result<Contact, &str>)]) {
    let (told, lines) = read(csv, None).expect("readable");
    assert_eq!(told, format);
    let lines: Vec<_> = lines.into_iter().map(|line| (line.number, line.contact)).collect();
    let expected: Vec<_> =
        expected.iter().map(|(number, contact)| (*number, contact.map(row).map_err(str::to_owned))).collect();
    assert_eq!(lines, expected);
}

const GOOGLE_BEFORE_2024: &str = "\
Name,Given Name,Additional Name,Family Name,Yomi Name,Given Name Yomi,Additional Name Yomi,Family Name Yomi,\
Name Prefix,Name Suffix,Initials,Nickname,Short Name,Maiden Name,Birthday,Gender,Location,Billing Information,\
Directory Server,Mileage,Occupation,Hobby,Sensitivity,Priority,Subject,Notes,Language,Photo,Group Membership,\
E-mail 1 - Type,E-mail 1 - Value,E-mail 2 - Type,E-mail 2 - Value,Phone 1 - Type,Phone 1 - Value,\
Organization 1 - Type,Organization 1 - Name,Organization 1 - Yomi Name,Organization 1 - Title,\
Organization 1 - Department,Organization 1 - Symbol,Organization 1 - Location,Organization 1 - Job Description
Maren Lindqvist,Maren,,Lindqvist,,,,,,,,,,,,,,,,,,,,,,Met at the boat fair,,,Suppliers ::: * myContacts,\
* Work,maren@nordkai.example ::: m.lindqvist@nordkai.example,Home,maren@home.example,\
Work,+46 8 555 010 10 ::: +46 70 555 01 01,,Nordkai AB,,Head of Sales,,,,
,,,,,,,,,,,,,,,,,,,,,,,,,,,,* myContacts,* ,,Home,taro@yamada.example,Mobile,,,,,,,,,
Harbour Taxi,,,,,,,,,,,,,,,,,,,,,,,,,,,,* myContacts,,,,,Main,555 0142,,,,,,,,
";

#[test]
fn google_before_2024() {
    assert_reads(
        GOOGLE_BEFORE_2024,
        Format::Google,
        &[
            (
                2,
                Ok([
                    "Maren Lindqvist",
                    "maren@nordkai.example",
                    "+46 8 555 010 10",
                    "Head of Sales",
                    "Nordkai AB",
                    "Met at the boat fair",
                ]),
            ),
            (3, Ok(["taro", "taro@yamada.example", "", "", "", ""])),
            (4, Ok(["Harbour Taxi", "", "555 0142", "", "", ""])),
        ],
    );
}

const GOOGLE_SINCE_2024: &str = "\u{feff}\
First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name,Name Prefix,\
Name Suffix,Nickname,File As,Organization Name,Organization Title,Organization Department,Birthday,Notes,Photo,\
Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,\
Phone 2 - Label,Phone 2 - Value,Address 1 - Label,Address 1 - Formatted,Website 1 - Label,Website 1 - Value
Inès,Marie,Moreau,,,,Dr.,,,,Fromagerie Perrin,Buyer,Purchasing,1984-03-12,\"Prefers mornings.
Speaks \"\"a little\"\" Dutch, she says.\",https://photos.example/1,Customers ::: * myContacts,* Work,\
ines.moreau@perrin.example,Home,ines@home.example,Mobile,+33 6 55 50 10 00 ::: +33 4 55 50 10 00,,,Work,\
\"1 quai des Brumes
74000 Annecy\",,
Ambulance,,,,,,,,,,,,,,,,* myContacts,,,,,Main,112,,,,,,
,,,,,,,,,,Pine Joinery,,,,,,* myContacts,,,* Work,office@pine.example,,,Work,(555) 010-0199,,,,
,,,,,,,,,,,,,,,,* myContacts,,,,,Mobile,+1 555 0100,,,,,,
王,,小明,,,,,,,,,,,,,,* myContacts,* ,xiaoming@example,,,,,,,,,,
";

#[test]
fn google_since_2024() {
    let expected: &[(u64, Result<Contact, &str>)] = &[
        (
            2,
            Ok([
                "Dr. Inès Marie Moreau",
                "ines.moreau@perrin.example",
                "+33 6 55 50 10 00",
                "Buyer",
                "Fromagerie Perrin",
                "Prefers mornings.\nSpeaks \"a little\" Dutch, she says.",
            ]),
        ),
        (5, Ok(["Ambulance", "", "112", "", "", ""])),
        (6, Ok(["Pine Joinery", "office@pine.example", "(555) 010-0199", "", "Pine Joinery", ""])),
        (7, Err("the row has neither a name nor an email address")),
        (8, Err("E-mail 1 - Value: an email address ends in a domain such as example.com")),
    ];
    assert_reads(GOOGLE_SINCE_2024, Format::Google, expected);
}

const HUBSPOT: &str = "\
\"Record ID\",\"First Name\",\"Last Name\",\"Email\",\"Phone Number\",\"Contact owner\",\"Lead Status\",\
\"Marketing contact status\",\"Create Date\",\"Associated Company\",\"Associated Company IDs\",\"Job Title\",\
\"Company Name\"\r\n\
\"20251\",\"Tomás\",\"Arroyo\",\"Tomas@Arroyo.example\",\"+34 555 010 020\",\"Jo Quill (jo@desk.example)\",\
\"OPEN_DEAL\",\"Marketing contact\",\"2025-11-03 14:02\",\"Arroyo e Hijos;Viñas del Sur\",\"881;882\",\"Gerente\",\
\"\"\r\n\
\"20252\",\"\",\"\",\"info@mill.example\",\"\",\"\",\"\",\"Non-marketing contact\",\"2025-11-04 08:15\",\"\",\"\",\"\",\
\"The Mill; Ltd.\"\r\n\
\"20253\",\"\",\"\",\"\",\"\",\"\",\"NEW\",\"Non-marketing contact\",\"2025-11-05 10:40\",\"\",\"\",\"\",\"\"\r\n\
\r\n";

#[test]
fn hubspot() {
    assert_reads(
        HUBSPOT,
        Format::HubSpot,
        &[
            (2, Ok(["Tomás Arroyo", "Tomas@Arroyo.example", "+34 555 010 020", "Gerente", "Arroyo e Hijos", ""])),
            (3, Ok(["The Mill; Ltd.", "info@mill.example", "", "", "The Mill; Ltd.", ""])),
            (4, Err("the row has neither a name nor an email address")),
        ],
    );
}

#[test]
fn hubspot_with_columns_of_the_users_choice() {
    assert_reads(
        "Job title\tEmail\tLast name\tMobile phone number\tFirst name\tWork email\tNotes\n\
         CTO\t\tOduya\t+234 555 0100\tNgozi\tngozi@lagos.example\t\"a\tb\"\n",
        Format::HubSpot,
        &[(2, Ok(["Ngozi Oduya", "ngozi@lagos.example", "+234 555 0100", "CTO", "", "a\tb"]))],
    );
}

#[test]
fn our_own_export_after_a_spreadsheet_saved_it() {
    assert_reads(
        "id;Name;E-Mail;Phone;Job_Title;company_id;Company name;Notes;created_at;updated_at;version\r\n\
         0198c5b2-6f3a-7c1e-9d2b-3f4a5b6c7d8e;Ada;ada@engine.example ;-5;'=CEO;;Engines;'- met twice;;;3\r\n\
         ;Bob\r\n\
         ;;;;;;;;;;\r\n",
        Format::Sessile,
        &[
            (2, Ok(["Ada", "ada@engine.example", "-5", "=CEO", "Engines", "- met twice"])),
            (3, Ok(["Bob", "", "", "", "", ""])),
        ],
    );
}

#[test]
fn a_format_that_is_asked_for_is_not_guessed() {
    let csv = "First Name,Last Name,Email,Notes\nAda,Lovelace,ada@engine.example,'=1\n";
    let read_as = |format| read(csv, Some(format)).map(|(_, mut lines)| lines.remove(0).contact);
    let ada = ["Ada Lovelace", "ada@engine.example", "", "", "", "'=1"];
    let without_address = ["Ada Lovelace", "", "", "", "", "'=1"];
    let from_address = ["ada", "ada@engine.example", "", "", "", "=1"];
    assert_eq!(read_as(Format::HubSpot), Ok(Ok(row(ada))));
    assert_eq!(read_as(Format::Google), Ok(Ok(row(without_address))));
    assert_eq!(read_as(Format::Sessile), Ok(Ok(row(from_address))));
}
