//! What happened with the people of the demo tenant, and what is to be done.

/// A note, a call, a meeting, an email or a task.
pub(super) struct Activity {
    pub(super) kind: &'static str,
    pub(super) subject: &'static str,
    pub(super) body: &'static str,
    pub(super) when: When,
    pub(super) about: About,
}

/// When, in days from the one on which the tenant is made.
pub(super) enum When {
    /// On this day, at this hour.
    At(i32, i64),
    /// To be done by this day, and whether it is.
    Due(i32, bool),
}

/// What and whom it is about: a deal with its own contact or another person, or a person alone.
/// Companies follow from people.
pub(super) enum About {
    Deal(&'static str),
    DealWith(&'static str, &'static str),
    Person(&'static str),
}

use About::{Deal, DealWith, Person};
use When::{At, Due};

const fn happened(
    kind: &'static str,
    day: i32,
    hour: i64,
    about: About,
    subject: &'static str,
    body: &'static str,
) -> Activity {
    Activity { kind, subject, body, when: At(day, hour), about }
}

const fn task(due: i32, done: bool, about: About, subject: &'static str, body: &'static str) -> Activity {
    Activity { kind: "task", subject, body, when: Due(due, done), about }
}

pub(super) const ACTIVITIES: &[Activity] = &[
    // What is late.
    task(
        -6,
        false,
        Deal("Dublin reading tables"),
        "Ask Aoife for a decision",
        "The offer ran out; hold the price for another week.",
    ),
    task(
        -4,
        false,
        Deal("Back Bay reception desks"),
        "Collect the samples from Back Bay",
        "They were to stay a week. Note the scratches.",
    ),
    task(-2, false, Person("Grace Hollander"), "Ask why the cafe went elsewhere", "Write it down for the next tender."),
    task(-1, false, Deal("Helsinki breakfast room"), "Send the FSC papers to Petra", ""),
    // Today.
    task(
        0,
        false,
        Deal("Visby lobby and bar"),
        "Send the revised lobby offer",
        "3 % off now, the other 2 % with the second house.",
    ),
    task(
        0,
        false,
        DealWith("Speicherstadt, 90 desks", "Nils Petersen"),
        "Confirm the goods-in slot with Nils",
        "Before 8 in the morning.",
    ),
    task(0, false, Person("Karin Lindholm"), "Ask Karin for a reference", "Between 8 and 9."),
    happened(
        "call",
        0,
        8,
        Deal("Speicherstadt, 90 desks"),
        "Contract questions with Katrin",
        "Clauses 4 and 9: who pays for collection, and when.",
    ),
    happened(
        "meeting",
        0,
        10,
        Deal("Visby lobby and bar"),
        "Visby lobby: final details",
        "Jonas and Oskar. Bring the brass samples.",
    ),
    happened(
        "call",
        0,
        14,
        Deal("Cambridge waiting rooms"),
        "Lifetime cost with Marcus",
        "He wants ten years on one page.",
    ),
    happened("meeting", 0, 16, Person("Lena Voss"), "Coffee with Lena Voss", "What they are drawing for next year."),
    // What is to come.
    task(
        1,
        false,
        Deal("Cambridge waiting rooms"),
        "Put ten years of cost on one page",
        "Cleaning, repairs, residual value.",
    ),
    task(1, false, DealWith("Cork shop fit-out", "Sinéad Byrne"), "Ask Sinéad for pictures of the Cork shop", ""),
    task(
        3,
        false,
        DealWith("Specification library", "Tomasz Wierzbicki"),
        "Export the oak range as DWG",
        "Tomasz does not open PDFs.",
    ),
    task(5, false, Deal("Altona phone booths"), "Check the acoustic test of the booths", "The cheaper one has none."),
    task(
        8,
        false,
        Deal("East wing benches and cases"),
        "Find out when the tender opens",
        "The board meets on the first Tuesday.",
    ),
    task(14, false, Deal("Tallinn rooms, 120 bedsides"), "Sketch a bedside for Tallinn", "One sheet, no prices."),
    task(21, false, Deal("Bend taproom"), "Visit the Bend taproom", "How the stools wear."),
    happened(
        "meeting",
        1,
        9,
        DealWith("Back Bay reception desks", "Helen Quist"),
        "Helen's look at the surfaces",
        "Oiled oak against lacquer; have the cleaning sheet ready.",
    ),
    happened("call", 2, 15, Deal("Altona phone booths"), "Phone booths with Yasmin", ""),
    happened(
        "meeting",
        4,
        11,
        Deal("Helsinki breakfast room"),
        "Three variants with Petra",
        "Ends with a decision, Jonas says.",
    ),
    happened(
        "meeting",
        9,
        13,
        DealWith("East wing benches and cases", "Luis Ortega"),
        "Cardboard mock-up with Luis",
        "In the workshop; Ben has the key.",
    ),
    // What was done.
    task(-1, true, Deal("Visby lobby and bar"), "Price the second house", ""),
    task(-3, true, Deal("Speicherstadt, 90 desks"), "Send the rental contract", ""),
    task(-7, true, Deal("Bend taproom"), "Invoice the Bend taproom", "Net 30."),
    task(-10, true, Deal("Cork shop fit-out"), "Sign off the second lot in Cork", ""),
    task(-15, true, Deal("Cambridge waiting rooms"), "Qualify the budget with Marcus", ""),
    task(-28, true, Deal("Gothenburg library wall"), "Send the invoice to Karin", "To her, and not to accounts."),
    happened(
        "email",
        -1,
        17,
        Deal("Visby lobby and bar"),
        "Re: discount",
        "Jonas: 5 % would make it easy for Ingrid to sign this week.",
    ),
    happened(
        "call",
        -1,
        9,
        Deal("Speicherstadt, 90 desks"),
        "Delivery in two lots",
        "Katrin is fine with 60 desks first.",
    ),
    happened(
        "email",
        -2,
        11,
        Deal("Back Bay reception desks"),
        "Wheelchair height",
        "Dana confirms 29 inches for the lower desk.",
    ),
    happened(
        "note",
        -3,
        16,
        Person("Walt Sunder"),
        "A third taproom?",
        "Walt asked in passing what we would take for Eugene.",
    ),
    happened(
        "meeting",
        -4,
        10,
        Deal("Back Bay reception desks"),
        "Samples handed over in Back Bay",
        "Four surfaces, a week in the room.",
    ),
    happened(
        "call",
        -5,
        14,
        Deal("Helsinki breakfast room"),
        "Variants for Helsinki",
        "Petra wants to see oak with felt as well.",
    ),
    happened(
        "email",
        -6,
        8,
        Deal("Specification library"),
        "Which objects first?",
        "Amir: tables, benches, then the shelves.",
    ),
    happened(
        "note",
        -7,
        18,
        Deal("Cambridge waiting rooms"),
        "How they decide",
        "Helen can stop it, Marcus can pay it, Dana wants it.",
    ),
    happened(
        "call",
        -9,
        16,
        Deal("Cork shop fit-out"),
        "Aoife is happy",
        "Declan less so: the second lot was three days late.",
    ),
    happened(
        "meeting",
        -11,
        13,
        Deal("East wing benches and cases"),
        "A walk through the east wing",
        "Ruth showed the plans. 60 running metres of cases.",
    ),
    happened(
        "email",
        -12,
        10,
        Deal("Altona phone booths"),
        "Offer for six booths",
        "Sent, with the acoustic sheet to follow.",
    ),
    happened(
        "note",
        -13,
        12,
        Person("Tomasz Wierzbicki"),
        "New office in Leipzig",
        "Opens in the autumn; they will need desks themselves.",
    ),
    happened(
        "call",
        -14,
        9,
        Deal("Tallinn rooms, 120 bedsides"),
        "Tallinn is no secret any more",
        "Ingrid: no budget before the spring.",
    ),
    happened("meeting", -16, 15, Deal("Bend taproom"), "Bend: signed", "Priya signed at the bar."),
    happened("email", -17, 9, Deal("Dublin reading tables"), "Offer for the reading tables", "Valid for two weeks."),
    happened(
        "call",
        -20,
        11,
        Deal("Harbour hall cafe"),
        "The cafe goes elsewhere",
        "Grace: nine weeks, and we said fourteen.",
    ),
    happened(
        "meeting",
        -23,
        10,
        Deal("Speicherstadt, 90 desks"),
        "Sitting on everything",
        "Katrin tried all four chairs and chose the first.",
    ),
    happened(
        "note",
        -26,
        17,
        Person("Erik Sandell"),
        "Measured twice",
        "The wall is 4 mm out of plumb. He told us first.",
    ),
    happened("email", -31, 14, Deal("Gothenburg library wall"), "Order confirmed", "Karin: please go ahead."),
    happened("call", -36, 10, Person("Cole Jennings"), "Reclaimed fir", "He has another barn, if we want it."),
    happened("meeting", -44, 12, Person("Lena Voss"), "Stockholm furniture fair", "Introduced us to Jonas Ekdahl."),
    happened(
        "note",
        -58,
        9,
        Person("Ingrid Astrup"),
        "Two refits a year",
        "Always between January and April; plan the workshop around it.",
    ),
];
