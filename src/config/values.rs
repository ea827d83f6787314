//! What values of settings look like, and the rules that they are refused with.

use super::LogFormat;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

pub(super) fn number<T: FromStr + PartialOrd + Display>(
    text: &str,
    least: T,
    most: T,
    place: &mut T,
) -> Result<(), String> {
    match text.parse() {
        Ok(number) if number >= least && number <= most => {
            *place = number;
            Ok(())
        }
        _ => Err(format!("must be a whole number from {least} to {most}")),
    }
}

pub(super) fn seconds(text: &str, place: &mut Duration) -> Result<(), String> {
    let mut seconds = 0u64;
    number(text, 1, 366 * 86_400, &mut seconds)?;
    *place = Duration::from_secs(seconds);
    Ok(())
}

pub(super) fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be text or json".into()),
    }
}

pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "must be true or false".to_owned())
}

pub(super) fn days(text: &str, place: &mut Duration) -> Result<(), String> {
    let mut days = 0u64;
    number(text, 1, 3660, &mut days)?;
    *place = Duration::from_secs(days * 86_400);
    Ok(())
}

pub(super) fn url(text: &str, place: &mut Option<String>) -> Result<(), String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let fits = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic() && !b"?#\"\\".contains(&b));
    if !rest.is_some_and(fits) {
        return Err("must be a URL such as https://crm.example.com".into());
    }
    *place = Some(text.trim_end_matches('/').to_owned());
    Ok(())
}

pub(super) fn word(text: &str, place: &mut Option<String>) -> Result<(), String> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("must be a URL or a name, without spaces".into());
    }
    *place = Some(text.to_owned());
    Ok(())
}
