//! What a tenant may do, and how chance picks it.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// The kinds of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Company,
    Contact,
    Deal,
    Activity,
}

use Kind::{Activity, Company, Contact, Deal};

/// Whose record an operation names.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose {
    /// One of the tenant's own, if it has any.
    Own(usize),
    /// One that the tenant had and deleted.
    Gone(usize),
    /// Another tenant's.
    Foreign(usize),
    /// Nobody's.
    Nobodys,
}

/// What is called how: two words, in any case.
pub(super) type Title = (usize, usize, bool);

/// One thing that a tenant does.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    /// On its modern connection, or else on its legacy one.
    pub(super) modern: bool,
    pub(super) does: Does,
}

#[derive(Debug, Clone)]
pub(super) enum Does {
    Create { kind: Kind, title: Title, links: [Option<Whose>; 3], amount: Option<(u32, usize)>, stage: usize },
    Get { kind: Kind, whose: Whose },
    Read { kind: Kind, whose: Whose },
    Update { kind: Kind, whose: Whose, title: Title, link: Option<(usize, Option<Whose>)>, stale: bool },
    Delete { kind: Kind, whose: Whose },
    List { kind: Kind, link: Option<(usize, Whose)>, descending: bool },
    Search { word: usize, of_tenant: Option<usize> },
    Pipeline,
    Timeline { kind: Kind, whose: Whose },
    Export { kind: Kind },
    Resources,
    SignInAgain,
}

pub(super) const WORDS: [&str; 6] = ["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Elmwood"];
pub(super) const STAGES: [&str; 6] = ["lead", "qualified", "proposal", "negotiation", "won", "lost"];
pub(super) const CURRENCIES: [&str; 2] = ["EUR", "USD"];

impl Kind {
    pub(super) const ALL: [Self; 4] = [Company, Contact, Deal, Activity];

    pub(super) fn name(self) -> &'static str {
        ["company", "contact", "deal", "activity"][self as usize]
    }

    pub(super) fn plural(self) -> &'static str {
        ["companies", "contacts", "deals", "activities"][self as usize]
    }

    /// What its title is called.
    pub(super) fn title(self) -> &'static str {
        if self == Activity { "subject" } else { "name" }
    }

    /// What it may refer to, by which field.
    pub(super) fn links(self) -> &'static [(&'static str, Self)] {
        const ALL: [(&str, Kind); 3] = [("company_id", Company), ("contact_id", Contact), ("deal_id", Deal)];
        &ALL[..self as usize]
    }
}

/// A tenant's script.
pub(super) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = (any::<bool>(), does()).prop_map(|(modern, does)| Operation { modern, does });
    vec(operation, 10..60)
}

fn does() -> impl Strategy<Value = Does> {
    let title = || (0..WORDS.len(), 0..WORDS.len(), any::<bool>());
    let link = || (0..3usize, option::of(whose()));
    let create = (kind(), title(), [(); 3].map(|()| option::of(whose())), option::of((1..100_000u32, 0..2usize)));
    prop_oneof![
        8 => (create, 0..STAGES.len()).prop_map(|((kind, title, links, amount), stage)| {
            Does::Create { kind, title, links, amount, stage }
        }),
        3 => (kind(), whose()).prop_map(|(kind, whose)| Does::Get { kind, whose }),
        2 => (kind(), whose()).prop_map(|(kind, whose)| Does::Read { kind, whose }),
        5 => (kind(), whose(), title(), option::of(link()), proptest::bool::weighted(0.2))
            .prop_map(|(kind, whose, title, link, stale)| Does::Update { kind, whose, title, link, stale }),
        2 => (kind(), whose()).prop_map(|(kind, whose)| Does::Delete { kind, whose }),
        3 => (kind(), option::of((0..3usize, whose())), any::<bool>())
            .prop_map(|(kind, link, descending)| Does::List { kind, link, descending }),
        2 => (0..WORDS.len(), option::weighted(0.3, 0..3usize))
            .prop_map(|(word, of_tenant)| Does::Search { word, of_tenant }),
        1 => Just(Does::Pipeline),
        2 => (kind(), whose()).prop_map(|(kind, whose)| Does::Timeline { kind, whose }),
        1 => kind().prop_map(|kind| Does::Export { kind }),
        1 => Just(Does::Resources),
        1 => Just(Does::SignInAgain),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

fn whose() -> impl Strategy<Value = Whose> {
    prop_oneof![
        8 => (0..100usize).prop_map(Whose::Own),
        1 => (0..100usize).prop_map(Whose::Gone),
        3 => (0..100usize).prop_map(Whose::Foreign),
        1 => Just(Whose::Nobodys),
    ]
}
