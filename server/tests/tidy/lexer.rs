//! As much of Rust's grammar as the checks need: what is code and what is comment or string, and what a path starts
//! with. It does not know what is allowed.

/// `source` with the insides of comments, strings and character literals turned into spaces, line by line as before.
pub fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where the comment, string or character literal that starts at `at` ends; `at` itself if none starts there.
fn literal_end(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    let in_word = at > 0 && is_word(chars[at - 1]);
    match chars[at] {
        '/' if next == Some('/') => find(chars, at, |rest| rest[0] == '\n'),
        '/' if next == Some('*') => block_comment_end(chars, at),
        '"' => quoted_end(chars, at + 1, '"'),
        'r' if !in_word || chars[at - 1] == 'b' => raw_string_end(chars, at),
        '\'' if next == Some('\\') => quoted_end(chars, at + 1, '\''),
        '\'' if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
}

fn find(chars: &[char], from: usize, is_end: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len())
        .find(|i| is_end(&chars[*i..]))
        .unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0_usize, start);
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn quoted_end(chars: &[char], mut at: usize, quote: char) -> usize {
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

fn raw_string_end(chars: &[char], start: usize) -> usize {
    let hashes = chars[start + 1..].iter().take_while(|c| **c == '#').count();
    let open = start + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return start;
    }
    let closes =
        |rest: &[char]| rest[0] == '"' && rest[1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    (find(chars, open + 1, closes) + 1 + hashes).min(chars.len())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `code` with every inline `#[cfg(test)] mod ... { }` blanked out. Relies on rustfmt: such a module ends at the first
/// line that is a closing brace with the indentation of its `mod`.
pub fn without_inline_tests(code: &str) -> String {
    let mut out = Vec::new();
    let mut closing: Option<String> = None;
    let mut after_cfg_test = false;
    for line in code.lines() {
        let trimmed = line.trim_start();
        let indent = &line[..line.len() - trimmed.len()];
        if let Some(end) = &closing {
            if line.trim_end() == end {
                closing = None;
            }
            out.push("");
            continue;
        }
        let opens_module =
            (trimmed.starts_with("mod ") || trimmed.starts_with("pub")) && trimmed.trim_end().ends_with('{');
        if after_cfg_test && opens_module {
            closing = Some(format!("{indent}}}"));
            out.push("");
        } else {
            out.push(line);
        }
        after_cfg_test = trimmed.starts_with("#[cfg(test)]") || (after_cfg_test && trimmed.starts_with("#["));
    }
    out.join("\n")
}

/// Every `prefix::` in `code`, as its line and the first name of each path behind it: `crate::{a::B, c}` gives a and c.
pub fn names_behind(code: &str, prefix: &str) -> Vec<(usize, String)> {
    let needle = format!("{prefix}::");
    let mut names = Vec::new();
    for (at, _) in code.match_indices(&needle) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| is_word(c) || c == ':') {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        names.extend(
            first_names(&code[at + needle.len()..])
                .into_iter()
                .map(|name| (line, name)),
        );
    }
    names
}

/// The first name of `rest`, or of each member if `rest` starts with a group in braces.
fn first_names(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else {
        return word_at(rest).into_iter().collect();
    };
    let (mut depth, mut start, mut names) = (0_usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.extend(word_at(&group[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.extend(word_at(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}

fn word_at(text: &str) -> Option<String> {
    let word: String = text.trim_start().chars().take_while(|c| is_word(*c)).collect();
    (!word.is_empty()).then_some(word)
}

#[test]
fn comments_and_literals_are_not_code() {
    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(code_only(source), expected);
    }
    check("a // b\nc", "a     \nc");
    check("a /* b /* c */ d */ e", "a                   e");
    check(r#"f("x \" y") g"#, "f(        ) g");
    check(r##"r#"a " b"# c"##, "           c");
    check("'a' 'b '\\'' x<'c>", "    'b      x<'c>");
    check("for r in bar", "for r in bar");
}

#[test]
fn inline_tests_are_left_out() {
    let code = "a\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n    b\n    }\n}\nc\n#[cfg(test)]\nmod tests;\n";
    assert_eq!(
        without_inline_tests(code),
        "a\n#[cfg(test)]\n#[allow(x)]\n\n\n\n\nc\n#[cfg(test)]\nmod tests;"
    );
}

#[test]
fn groups_of_imports_are_read() {
    #[track_caller]
    fn check(code: &str, expected: &[&str]) {
        let names: Vec<String> = names_behind(code, "crate").into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, expected);
    }
    check("use crate::engine::Hub;", &["engine"]);
    check("use crate::{engine::{Hub, Get}, domain};", &["engine", "domain"]);
    check("use crate::{\n    engine::Hub,\n    domain,\n};", &["engine", "domain"]);
    check("fn f(x: &crate::store::Lease) -> my_crate::x::Y", &["store"]);
    assert_eq!(names_behind("\n\ncrate::a", "crate"), [(3, "a".to_owned())]);
}
