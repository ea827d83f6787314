//! The companies and people of the demo tenant. Their domains and telephone numbers are of the
//! kinds that are set aside for examples, so nobody is reached by them.

/// A company.
pub(super) struct Company {
    pub(super) name: &'static str,
    pub(super) domain: &'static str,
    pub(super) industry: &'static str,
    pub(super) phone: &'static str,
    pub(super) address: &'static str,
    pub(super) notes: &'static str,
}

/// Somebody who works for one of them.
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) company: &'static str,
    pub(super) job_title: &'static str,
    pub(super) phone: &'static str,
    pub(super) notes: &'static str,
}

pub(super) const COMPANIES: &[Company] = &[
    Company {
        name: "Astrup Hotels",
        domain: "astrup-hotels.example",
        industry: "Hospitality",
        phone: "+46 8 465 004 10",
        address: "Skeppsbron 14, Stockholm, Sweden",
        notes: "Eleven hotels around the Baltic. Refits two a year, always between January and April. Wants FSC papers with every offer.",
    },
    Company {
        name: "Bluewater Clinics",
        domain: "bluewater-clinics.example",
        industry: "Health care",
        phone: "+1 617 555 0142",
        address: "88 Commercial Wharf, Boston, MA, USA",
        notes: "Waiting rooms and reception desks. Everything has to be wipeable; procurement takes about ten weeks.",
    },
    Company {
        name: "Calder & Voss Architects",
        domain: "calder-voss.example",
        industry: "Architecture",
        phone: "+49 30 23125 120",
        address: "Linienstrasse 71, Berlin, Germany",
        notes: "They specify, others pay. Brought us Astrup and Elbkontor.",
    },
    Company {
        name: "Elbkontor Coworking",
        domain: "elbkontor.example",
        industry: "Real estate",
        phone: "+49 40 66969 300",
        address: "Am Sandtorkai 30, Hamburg, Germany",
        notes: "Opens a house a year. Likes to rent desks for the first twelve months.",
    },
    Company {
        name: "Fennimore Books",
        domain: "fennimore-books.example",
        industry: "Retail",
        phone: "+353 20 912 4410",
        address: "22 Drury Street, Dublin, Ireland",
        notes: "Family business, four shops. Decisions are made at the kitchen table, and quickly.",
    },
    Company {
        name: "Lindholm Advokater",
        domain: "lindholm-advokater.example",
        industry: "Legal services",
        phone: "+46 31 390 06 20",
        address: "Kungsportsavenyen 5, Gothenburg, Sweden",
        notes: "Small office, high standards. Invoices go to the partner in charge.",
    },
    Company {
        name: "Sunder Valley Brewing",
        domain: "sunder-valley.example",
        industry: "Food and drink",
        phone: "+1 503 555 0117",
        address: "410 SE Taylor Street, Portland, OR, USA",
        notes: "Taprooms in reclaimed Douglas fir. Sends us pictures, and sometimes beer.",
    },
    Company {
        name: "Tidewater Maritime Museum",
        domain: "tidewater-museum.example",
        industry: "Culture",
        phone: "+1 410 555 0176",
        address: "301 Light Street, Baltimore, MD, USA",
        notes: "Public tender above 50,000 USD. The new east wing is the prize.",
    },
];

const fn person(
    name: &'static str,
    company: &'static str,
    job_title: &'static str,
    phone: &'static str,
    notes: &'static str,
) -> Person {
    Person { name, company, job_title, phone, notes }
}

pub(super) const PEOPLE: &[Person] = &[
    person(
        "Ingrid Astrup",
        "Astrup Hotels",
        "Managing Director",
        "+46 8 465 004 11",
        "Signs above 50,000 EUR. Prefers a call to an email.",
    ),
    person(
        "Jonas Ekdahl",
        "Astrup Hotels",
        "Head of Interiors",
        "+46 8 465 004 12",
        "Our champion there. Away on Fridays.",
    ),
    person(
        "Petra Nyström",
        "Astrup Hotels",
        "Procurement Manager",
        "+46 8 465 004 13",
        "Asks for three quotes, even from one supplier.",
    ),
    person("Oskar Lund", "Astrup Hotels", "Site Manager, Visby", "+46 8 465 004 14", ""),
    person(
        "Dana Whitfield",
        "Bluewater Clinics",
        "Director of Facilities",
        "+1 617 555 0143",
        "Wants the samples left in the room for a week before she decides.",
    ),
    person(
        "Marcus Oyelaran",
        "Bluewater Clinics",
        "Chief Financial Officer",
        "+1 617 555 0144",
        "Cares about lifetime cost, not about price.",
    ),
    person(
        "Helen Quist",
        "Bluewater Clinics",
        "Infection Control Nurse",
        "+1 617 555 0145",
        "Has a veto on every surface.",
    ),
    person(
        "Tomasz Wierzbicki",
        "Calder & Voss Architects",
        "Partner",
        "+49 30 23125 121",
        "Send drawings as DWG, never as PDF.",
    ),
    person(
        "Lena Voss",
        "Calder & Voss Architects",
        "Partner",
        "+49 30 23125 122",
        "Met at the Stockholm fair. Two daughters, both sail.",
    ),
    person("Amir Haddad", "Calder & Voss Architects", "Project Architect", "+49 30 23125 123", ""),
    person(
        "Katrin Behrens",
        "Elbkontor Coworking",
        "Founder",
        "+49 40 66969 301",
        "Decides on the spot when she can sit on it.",
    ),
    person(
        "Nils Petersen",
        "Elbkontor Coworking",
        "Operations Manager",
        "+49 40 66969 302",
        "Goods in only before 8 in the morning.",
    ),
    person("Yasmin Aydin", "Elbkontor Coworking", "Community Manager", "+49 40 66969 303", ""),
    person("Aoife Fennimore", "Fennimore Books", "Owner", "+353 20 912 4411", "Reads every word of an offer."),
    person(
        "Declan Fennimore",
        "Fennimore Books",
        "Shop Fitter",
        "+353 20 912 4412",
        "Aoife's brother. Builds the shelves himself when we are late.",
    ),
    person("Sinéad Byrne", "Fennimore Books", "Shop Manager, Cork", "+353 20 912 4413", ""),
    person(
        "Karin Lindholm",
        "Lindholm Advokater",
        "Managing Partner",
        "+46 31 390 06 21",
        "Only reachable between 8 and 9 in the morning.",
    ),
    person(
        "Erik Sandell",
        "Lindholm Advokater",
        "Office Manager",
        "+46 31 390 06 22",
        "Measures everything twice, and is right.",
    ),
    person("Walt Sunder", "Sunder Valley Brewing", "Co-founder", "+1 503 555 0118", "Text him, he never reads email."),
    person(
        "Priya Raman",
        "Sunder Valley Brewing",
        "Head of Taprooms",
        "+1 503 555 0119",
        "Opens the Bend taproom in the spring.",
    ),
    person("Cole Jennings", "Sunder Valley Brewing", "Construction Lead", "+1 503 555 0120", ""),
    person(
        "Dr. Ruth Abernathy",
        "Tidewater Maritime Museum",
        "Director",
        "+1 410 555 0177",
        "Needs the board's yes; it meets on the first Tuesday of the month.",
    ),
    person(
        "Luis Ortega",
        "Tidewater Maritime Museum",
        "Exhibition Designer",
        "+1 410 555 0178",
        "Likes mock-ups in cardboard.",
    ),
    person(
        "Grace Hollander",
        "Tidewater Maritime Museum",
        "Purchasing Officer",
        "+1 410 555 0179",
        "Everything in writing and numbered.",
    ),
    person("Ben Achterberg", "Tidewater Maritime Museum", "Workshop Foreman", "+1 410 555 0180", ""),
];
