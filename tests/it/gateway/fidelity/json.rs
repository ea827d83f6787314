//! Texts that are JSON, of every kind that the grammar allows, and more of those that a program that reads and writes
//! them again would change.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::string::string_regex;

/// Any value. With `lines`, there may be line breaks between its tokens.
pub(super) fn value(lines: bool) -> BoxedStrategy<String> {
    let leaf =
        prop_oneof![3 => number(), 3 => string(), 1 => select(vec!["true", "false", "null"]).prop_map(Into::into)];
    let tree = leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![array(inner.clone(), lines), members(inner, lines).prop_map(|members| object(&members))]
    });
    let deep = (tree.clone(), vec(any::<bool>(), 0..100)).prop_map(|(value, shells)| {
        shells
            .into_iter()
            .fold(value, |inner, list| if list { format!("[{inner}]") } else { format!("{{\"\":{inner}}}") })
    });
    prop_oneof![9 => tree, 1 => deep].boxed()
}

/// Any object.
pub(super) fn any_object(lines: bool) -> BoxedStrategy<String> {
    members(value(lines), lines).prop_map(|members| object(&members)).boxed()
}

/// Some members whose names begin so, and can therefore be told from others.
pub(super) fn extras(beginning: &'static str) -> BoxedStrategy<Vec<String>> {
    // The same name twice is nothing that has to be passed on here, so each has its number.
    let member = move |(at, (name, space, value))| format!("\"{beginning}{at}{name}\":{space}{value}");
    vec((whole_piece(), space(false), value(false)), 0..4)
        .prop_map(move |members: Vec<(String, String, String)>| members.into_iter().enumerate().map(member).collect())
        .boxed()
}

/// An object with these members, each a name, a colon and a value.
pub(super) fn object(members: &[String]) -> String {
    format!("{{{}}}", members.join(","))
}

pub(super) fn number() -> BoxedStrategy<String> {
    let odd = [
        "1E400",
        "-1e400",
        "1e-400",
        "-0",
        "-0.0",
        "0.10e+2",
        "1.0",
        "5E+0",
        "9007199254740993",
        "18446744073709551616",
        "123456789012345678901234567890",
        "0.1000000000000000055511151231257827",
        "1E0000000001",
    ];
    let any = string_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?").expect("it is a pattern");
    prop_oneof![select(odd.to_vec()).prop_map(Into::into), any].boxed()
}

pub(super) fn string() -> BoxedStrategy<String> {
    // Half a pair is no text, and grammatical all the same.
    let half = select(vec![r"\ud800", r"\uDFFF"]).prop_map(Into::into);
    let pieces = vec(prop_oneof![20 => whole_piece(), 1 => half], 0..6);
    pieces.prop_map(|pieces| format!("\"{}\"", pieces.concat())).boxed()
}

/// Part of a string.
fn whole_piece() -> BoxedStrategy<String> {
    let escaped = [
        r"\n",
        r"\t",
        r"\\",
        r#"\""#,
        r"\/",
        r"\b",
        r"\u0000",
        r"\u0041",
        r"\u00e9",
        r"\u00E9",
        r"\u2028",
        r"\uD83D\uDE00",
        r"\ud83d\ude00",
        "\u{2028}",
        "\u{85}",
        "\u{feff}",
        "e\u{301}",
        "🏴‍☠️",
    ];
    let plain = string_regex("[^\"\\\\@\\x00-\\x1f]{0,6}").expect("it is a pattern");
    prop_oneof![select(escaped.to_vec()).prop_map(Into::into), plain].boxed()
}

fn array(inner: impl Strategy<Value = String> + 'static, lines: bool) -> BoxedStrategy<String> {
    vec((space(lines), inner, space(lines)), 0..6)
        .prop_map(|items| {
            let items: Vec<_> = items.into_iter().map(|(before, item, after)| before + &item + &after).collect();
            format!("[{}]", items.join(","))
        })
        .boxed()
}

/// Members of an object: names may be empty, and there more than once, as they are or otherwise spelt.
fn members(inner: impl Strategy<Value = String> + 'static, lines: bool) -> BoxedStrategy<Vec<String>> {
    let known =
        [r#""""#, r#""a""#, r#""\u0061""#, r#""method""#, r#""id""#, r#""name""#, r#""_meta""#, r#""progressToken""#];
    let name = prop_oneof![select(known.to_vec()).prop_map(Into::into), string()];
    let member = (space(lines), name, space(lines), inner, space(lines));
    vec(member.prop_map(|(a, name, b, value, c)| format!("{a}{name}{b}:{value}{c}")), 0..6).boxed()
}

fn space(lines: bool) -> BoxedStrategy<String> {
    let spaces = if lines { vec!["", "", " ", "\t ", "\n", "\r\n  "] } else { vec!["", "", " ", "\t "] };
    select(spaces).prop_map(Into::into).boxed()
}
