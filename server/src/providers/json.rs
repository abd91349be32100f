//! JSON as the providers write it: decoded with patience, looked up by many names.
//!
//! Decides which bodies count as JSON and how a field is found in it. It deliberately knows no provider and no meaning.
//! Names are compared without case and without `_`, `-` and spaces, because the providers drift in exactly these.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The body is no JSON, not even with patience: empty, HTML, or cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotJson;

/// Reads a body. Forgiven are a byte order mark, Latin-1 instead of UTF-8, and a comma before a closing bracket: Tu
/// Identidad's own sample has one.
pub(super) fn read(body: &[u8]) -> Result<Value, NotJson> {
    let text = decode(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body));
    serde_json::from_str(&text)
        .or_else(|_| serde_json::from_str(&without_trailing_commas(&text)))
        .map_err(|_| NotJson)
}

/// The field under the first of the names that is present and not null. The names are given folded: lower case letters.
pub(super) fn field<'a>(value: &'a Value, folded_names: &[&str]) -> Option<&'a Value> {
    let object = value.as_object()?;
    folded_names.iter().find_map(|name| named(object, name))
}

/// The first of the named fields that is a text or a number with anything in it, as text. Numbers keep their digits.
pub(super) fn text<'a>(value: &'a Value, folded_names: &[&str]) -> Option<&'a str> {
    let object = value.as_object()?;
    folded_names
        .iter()
        .find_map(|name| named(object, name).and_then(as_text))
}

/// A text or a number as text; `None` for anything else and for blanks.
pub(super) fn as_text(value: &Value) -> Option<&str> {
    let text = match value {
        Value::String(text) => text.trim(),
        Value::Number(number) => number.as_str(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A truth value, also when it is written as text.
pub(super) fn flag(value: &Value, folded_names: &[&str]) -> Option<bool> {
    match field(value, folded_names)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn named<'a>(object: &'a Map<String, Value>, folded_name: &str) -> Option<&'a Value> {
    let found = object
        .iter()
        .find(|(key, value)| !value.is_null() && folds_to(key, folded_name));
    found.map(|(_, value)| value)
}

fn folds_to(key: &str, folded_name: &str) -> bool {
    let significant = key.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    significant.map(|c| c.to_ascii_lowercase()).eq(folded_name.chars())
}

/// Bytes that are no UTF-8 come from an older Spanish system, which writes one byte for a letter.
fn decode(body: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => body.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// Drops commas that only white space separates from a closing bracket, outside of strings.
fn without_trailing_commas(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut in_string, mut is_escaped) = (false, false);
    for c in text.chars() {
        if in_string {
            in_string = is_escaped || c != '"';
            is_escaped = c == '\\' && !is_escaped;
        } else if c == '"' {
            in_string = true;
        } else if matches!(c, '}' | ']') {
            let before = kept.trim_end();
            if before.ends_with(',') {
                kept.truncate(before.len() - 1);
            }
        }
        kept.push(c);
    }
    kept
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(body: &[u8], expected: Option<Value>) {
        assert_eq!(read(body).ok(), expected);
    }

    #[test]
    fn patience_ends_at_what_is_cut_short() {
        check(b"{\"a\": 1}", Some(json!({"a": 1})));
        check(b"\xef\xbb\xbf{}", Some(json!({})));
        check(b"{\"a\": [1, 2,\n], }", Some(json!({"a": [1, 2]})));
        check(br#"{"a": ",]\",}",}"#, Some(json!({"a": ",]\",}"})));
        check(b"{\"a\": \"NU\xd1EZ\"}", Some(json!({"a": "NUÑEZ"})));
        check(b"{\"a\": 1", None);
        check(b"{\"a\": [1,", None);
        check(b"", None);
        check(b"<html>Service Unavailable</html>", None);
    }

    #[test]
    fn fields_are_found_under_any_of_their_names() {
        let value =
            read(br#"{"Numero_Patronal": null, "numeroPatronal": " 7 ", "weeks": 12.50, "VALID": "True"}"#).unwrap();
        assert_eq!(text(&value, &["numeropatronal"]), Some("7"));
        assert_eq!(text(&value, &["absent", "weeks"]), Some("12.50"));
        assert_eq!(flag(&value, &["valid"]), Some(true));
        assert_eq!(text(&value, &["valid", "absent"]), Some("True"));
        assert_eq!(field(&json!([1]), &["a"]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_reader(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body);
        }

        #[test]
        fn what_is_json_is_read_as_json(text in "[\\[\\]{}:,\"a1\\\\ ]{0,30}") {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                prop_assert_eq!(read(text.as_bytes()), Ok(value));
            }
        }
    }
}
