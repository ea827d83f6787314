//! The deals of the demo tenant, over all stages, around the day on which it is made.

/// A deal. Its company is its contact's.
pub(super) struct Deal {
    pub(super) name: &'static str,
    pub(super) stage: &'static str,
    pub(super) amount: &'static str,
    pub(super) currency: &'static str,
    /// In how many days it closes, or closed.
    pub(super) closes: i32,
    pub(super) contact: &'static str,
    pub(super) notes: &'static str,
}

const fn deal(
    name: &'static str,
    (stage, amount, currency, closes): (&'static str, &'static str, &'static str, i32),
    contact: &'static str,
    notes: &'static str,
) -> Deal {
    Deal { name, stage, amount, currency, closes, contact, notes }
}

pub(super) const DEALS: &[Deal] = &[
    deal(
        "Visby lobby and bar",
        ("negotiation", "84500.00", "EUR", 3),
        "Jonas Ekdahl",
        "Ash and brass. They ask for 5 % off against a second house next year.",
    ),
    deal(
        "Helsinki breakfast room",
        ("proposal", "46200.00", "EUR", 24),
        "Petra Nyström",
        "Three variants quoted: oak, ash, oak with felt.",
    ),
    deal(
        "Tallinn rooms, 120 bedsides",
        ("lead", "31000.00", "EUR", 75),
        "Ingrid Astrup",
        "Mentioned over lunch, no budget yet.",
    ),
    deal(
        "Back Bay reception desks",
        ("proposal", "58750.00", "USD", 12),
        "Dana Whitfield",
        "Two desks, one at wheelchair height. Samples are on site.",
    ),
    deal(
        "Cambridge waiting rooms",
        ("qualified", "112000.00", "USD", 60),
        "Marcus Oyelaran",
        "Five clinics, if the first one lasts a winter.",
    ),
    deal(
        "Specification library",
        ("qualified", "9800.00", "EUR", 30),
        "Amir Haddad",
        "Our range as objects for their drawings; pays for itself in referrals.",
    ),
    deal(
        "Speicherstadt, 90 desks",
        ("negotiation", "67300.00", "EUR", 6),
        "Katrin Behrens",
        "Rent for twelve months, then buy. Legal reads the contract.",
    ),
    deal(
        "Altona phone booths",
        ("lead", "14400.00", "EUR", 50),
        "Yasmin Aydin",
        "Six booths. Has an offer from somebody cheaper.",
    ),
    deal(
        "Cork shop fit-out",
        ("won", "28900.00", "EUR", -9),
        "Aoife Fennimore",
        "Delivered in two lots. Ask for pictures for the website.",
    ),
    deal(
        "Dublin reading tables",
        ("proposal", "7450.00", "EUR", -2),
        "Aoife Fennimore",
        "Should have been decided by now.",
    ),
    deal("Gothenburg library wall", ("won", "39600.00", "EUR", -30), "Karin Lindholm", "Invoice paid in full."),
    deal(
        "Bend taproom",
        ("won", "51200.00", "USD", -16),
        "Priya Raman",
        "Bar, back bar and 40 stools in reclaimed fir.",
    ),
    deal(
        "East wing benches and cases",
        ("lead", "148000.00", "USD", 120),
        "Dr. Ruth Abernathy",
        "Tender expected after the board's next meeting.",
    ),
    deal(
        "Harbour hall cafe",
        ("lost", "22300.00", "USD", -21),
        "Grace Hollander",
        "Lost on delivery time: 14 weeks against 9.",
    ),
];
