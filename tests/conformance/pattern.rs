//! Whether what happened is what a case expects, and where it is not. Pure.
//!
//! An object expects its keys and lets others be; a list expects its length and each place; `null` expects that nothing is
//! there; anything else is itself. An object with a key that begins with `$` is one of the operators below.

use serde_json::Value;

/// Where the two differ, one line each; none when it fits.
pub fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", expected, actual, &mut found);
    found
}

fn compare(at: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match expected {
        Value::Object(object) if object.keys().any(|key| key.starts_with('$')) => {
            for (operator, operand) in object {
                if let Err(why) = operate(at, operator, operand, actual, found) {
                    found.push(format!("{}: {why}, got {}", place(at), short(actual)));
                }
            }
        }
        Value::Object(object) => {
            if !actual.is_object() {
                found.push(format!("{}: expected an object, got {}", place(at), short(actual)));
                return;
            }
            for (key, expected) in object {
                compare(&format!("{at}.{key}"), expected, &actual[key], found);
            }
        }
        Value::Array(expected) => match actual.as_array() {
            Some(actual) => {
                if expected.len() != actual.len() {
                    let (wanted, got) = (expected.len(), actual.len());
                    found.push(format!("{}: expected {wanted} elements, got {got}", place(at)));
                }
                for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                    compare(&format!("{at}[{index}]"), expected, actual, found);
                }
            }
            None => found.push(format!("{}: expected a list, got {}", place(at), short(actual))),
        },
        Value::Number(_) if expected.as_f64() == actual.as_f64() => {}
        _ if expected == actual => {}
        _ => found.push(format!(
            "{}: expected {}, got {}",
            place(at),
            short(expected),
            short(actual)
        )),
    }
}

fn operate(at: &str, operator: &str, operand: &Value, actual: &Value, found: &mut Vec<String>) -> Result<(), String> {
    let text = actual.as_str().unwrap_or_default();
    let wanted = operand.as_str().unwrap_or_default();
    let number = actual.as_f64().unwrap_or(f64::NAN);
    let limit = operand.as_f64().unwrap_or(f64::NAN);
    let holds = match operator {
        "$present" => !actual.is_null() && actual != "",
        "$contains" => text.contains(wanted),
        "$lacks" => !actual.to_string().contains(wanted),
        "$starts_with" => text.starts_with(wanted),
        "$ends_with" => text.ends_with(wanted),
        "$at_least" => number >= limit,
        "$at_most" => number <= limit,
        "$not" => !differences(operand, actual).is_empty(),
        "$one_of" => operand
            .as_array()
            .is_some_and(|them| them.iter().any(|it| differences(it, actual).is_empty())),
        "$length" => {
            let length = actual.as_array().map_or(Value::Null, |list| list.len().into());
            compare(&format!("{at}.length"), operand, &length, found);
            true
        }
        "$each" => {
            for (index, element) in actual.as_array().into_iter().flatten().enumerate() {
                compare(&format!("{at}[{index}]"), operand, element, found);
            }
            actual.is_array()
        }
        "$last" => {
            compare(
                &format!("{at}.last"),
                operand,
                actual.as_array().and_then(|list| list.last()).unwrap_or(&Value::Null),
                found,
            );
            true
        }
        "$any" => actual
            .as_array()
            .is_some_and(|list| list.iter().any(|it| differences(operand, it).is_empty())),
        "$none" => actual
            .as_array()
            .is_some_and(|list| list.iter().all(|it| !differences(operand, it).is_empty())),
        "$same" => {
            // The field of this name is the same in all elements.
            let mut values = actual.as_array().into_iter().flatten().map(|it| it.pointer(wanted));
            let first = values.next().flatten();
            first.is_some() && values.all(|it| it == first)
        }
        "$consecutive" => consecutive(actual, wanted),
        "$whole_watch" => is_whole_watch(actual),
        _ => return Err(format!("there is no operator {operator}")),
    };
    if holds {
        Ok(())
    } else {
        Err(format!("expected {operator} {}", short(operand)))
    }
}

/// Whether the numbers at this pointer, in the elements that have one, go up by one from each to the next.
fn consecutive(actual: &Value, pointer: &str) -> bool {
    let numbers = actual
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it.pointer(pointer)?.as_i64());
    let numbers: Vec<i64> = numbers.collect();
    numbers.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

/// A snapshot, then each event that follows it, once and in order, up to the terminal one.
fn is_whole_watch(updates: &Value) -> bool {
    let Some([first, rest @ ..]) = updates.as_array().map(Vec::as_slice) else {
        return false;
    };
    let begins = first["kind"] == "snapshot" && first["cause"] == "START";
    let sequence = first
        .pointer("/job/sequence")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    let expected = (sequence + 1)..;
    let follows = rest
        .iter()
        .zip(expected)
        .all(|(update, number)| update["kind"] == "event" && update["sequence"] == number);
    begins
        && follows
        && updates
            .as_array()
            .and_then(|it| it.last())
            .is_some_and(|last| last["terminal"] == true)
}

fn place(at: &str) -> &str {
    at.strip_prefix('.').unwrap_or(if at.is_empty() { "it" } else { at })
}

/// Long lists are counted, not shown.
fn short(value: &Value) -> String {
    const CHARS_MAX: usize = 300;
    if value.is_null() {
        return "nothing".to_owned();
    }
    let text = value.to_string();
    match text.char_indices().nth(CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(expected: Value, actual: Value, fits: bool) {
        let found = differences(&expected, &actual);
        assert_eq!(found.is_empty(), fits, "{found:?}");
    }

    #[test]
    fn an_object_expects_its_keys_and_a_list_its_length() {
        check(json!({"a": 1}), json!({"a": 1, "b": 2}), true);
        check(json!({"a": 1}), json!({"a": 2}), false);
        check(json!({"a": 1}), json!({}), false);
        check(json!({"a": null}), json!({"b": 1}), true);
        check(json!({"a": null}), json!({"a": 1}), false);
        check(json!([1, 2]), json!([1, 2]), true);
        check(json!([1]), json!([1, 2]), false);
        check(json!({}), json!(null), false);
        check(json!(1), json!(1.0), true);
    }

    #[test]
    fn operators_say_what_cannot_be_written_down() {
        check(json!({"$present": true}), json!("x"), true);
        check(json!({"$present": true}), json!(null), false);
        check(json!({"$at_least": 10}), json!(10), true);
        check(json!({"$at_least": 10}), json!("x"), false);
        check(json!({"$contains": "b"}), json!("abc"), true);
        check(json!({"$lacks": "GOAA"}), json!({"text": "GOAA97"}), false);
        check(json!({"$not": "x"}), json!("y"), true);
        check(json!({"$one_of": [1, {"a": 2}]}), json!({"a": 2}), true);
        check(json!({"$length": {"$at_least": 2}}), json!([1]), false);
        check(json!({"$each": {"a": 1}}), json!([{"a": 1}, {"a": 2}]), false);
        check(json!({"$any": {"a": 2}}), json!([{"a": 1}, {"a": 2}]), true);
        check(json!({"$none": {"a": 3}}), json!([{"a": 1}, {"a": 2}]), true);
        check(json!({"$same": "/a"}), json!([{"a": 1}, {"a": 2}]), false);
        check(json!({"$consecutive": "/a"}), json!([{"a": 1}, {}, {"a": 2}]), true);
        check(json!({"$consecutive": "/a"}), json!([{"a": 1}, {"a": 3}]), false);
        let watch = |sequences: [i64; 2]| {
            json!([
                {"kind": "snapshot", "cause": "START", "job": {"sequence": 1}},
                {"kind": "event", "sequence": sequences[0]}, {"kind": "event", "sequence": sequences[1], "terminal": true},
            ])
        };
        check(json!({"$whole_watch": true}), watch([2, 3]), true);
        check(json!({"$whole_watch": true}), watch([2, 4]), false);
        check(json!({"$whole_watch": true}), watch([2, 2]), false);
        check(json!({"$whole_watch": true}), json!([]), false);
        check(json!({"$no_such": 1}), json!(1), false);
    }
}
