//! Text that came from outside.
//!
//! Decides what of a provider's text is kept: readable characters on one line, without markup, up to a limit. It
//! deliberately does not know what a text means, and it is no guard for HTML output: whoever writes HTML escapes it.

/// The longest text of a provider that is kept, in characters. The longest real employer names are well under it.
pub(crate) const TEXT_CHARS_MAX: usize = 200;

/// The longest markup tag that is recognised, in bytes; it keeps the search for a tag's end linear.
const TAG_BYTES_MAX: usize = 512;

/// The longest character reference, `&Aacute;` with room for long numeric ones, in bytes.
const REFERENCE_BYTES_MAX: usize = 12;

/// The named character references that Spanish text in HTML uses.
const NAMED_REFERENCES: [(&str, char); 28] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("aacute", 'á'),
    ("eacute", 'é'),
    ("iacute", 'í'),
    ("oacute", 'ó'),
    ("uacute", 'ú'),
    ("uuml", 'ü'),
    ("ntilde", 'ñ'),
    ("Aacute", 'Á'),
    ("Eacute", 'É'),
    ("Iacute", 'Í'),
    ("Oacute", 'Ó'),
    ("Uacute", 'Ú'),
    ("Uuml", 'Ü'),
    ("Ntilde", 'Ñ'),
    ("iquest", '¿'),
    ("iexcl", '¡'),
    ("ordf", 'ª'),
    ("ordm", 'º'),
    ("deg", '°'),
    ("ndash", '–'),
    ("ldquo", '“'),
    ("rdquo", '”'),
];

/// A provider's text as one clean line of at most `max_chars` characters: character references decoded, tags and
/// control characters taken out, white space collapsed.
pub(crate) fn clean_text(text: &str, max_chars: usize) -> String {
    let decoded = decode_references(text);
    let visible: String = decoded
        .chars()
        .filter(|&c| !is_invisible(c))
        .map(control_to_space)
        .collect();
    let line = collapse_spaces(&strip_tags(&visible));
    let cut: String = line.chars().take(max_chars).collect();
    cut.trim_end().to_owned()
}

/// The text for comparing: upper case, Spanish accents taken off (Ñ becomes N), and single spaces in place of all that
/// is not a letter or a digit.
pub(crate) fn fold(text: &str) -> String {
    let plain: String = text
        .chars()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_uppercase)
        .map(|c| match c {
            'Á' | 'À' | 'Ä' | 'Â' => 'A',
            'É' | 'È' | 'Ë' | 'Ê' => 'E',
            'Í' | 'Ì' | 'Ï' | 'Î' => 'I',
            'Ó' | 'Ò' | 'Ö' | 'Ô' => 'O',
            'Ú' | 'Ù' | 'Ü' | 'Û' => 'U',
            'Ñ' => 'N',
            c if c.is_alphanumeric() => c,
            _ => ' ',
        })
        .collect();
    collapse_spaces(&plain)
}

/// The words of the text with one space between them.
pub(crate) fn collapse_spaces(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Whether the character is an accent that follows its letter, as in decomposed Unicode.
pub(crate) fn is_combining_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Characters of no width, and those that turn the direction of writing: they hide text from its reader.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn control_to_space(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// Replaces character references by their characters, once; what is not a known reference stays as it is.
fn decode_references(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match read_reference(rest) {
            Some((c, after)) => {
                decoded.push(c);
                rest = after;
            }
            None => decoded.push('&'),
        }
    }
    decoded.push_str(rest);
    decoded
}

/// The character of the reference whose `&` was just passed, and what follows its `;`.
fn read_reference(text: &str) -> Option<(char, &str)> {
    let end = text.bytes().take(REFERENCE_BYTES_MAX).position(|b| b == b';')?;
    let (name, after) = (&text[..end], &text[end + 1..]);
    let c = match name.strip_prefix('#') {
        Some(number) => char::from_u32(read_code_point(number)?)?,
        None => NAMED_REFERENCES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((c, after))
}

fn read_code_point(number: &str) -> Option<u32> {
    match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    }
}

/// Puts a space in place of each tag. An opening that no `>` closes loses its `<`, so that no tag can be left over.
fn strip_tags(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        bare.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if !rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '/' | '!' | '?')) {
            bare.push('<');
            continue;
        }
        bare.push(' ');
        if let Some(end) = rest.bytes().take(TAG_BYTES_MAX).position(|b| matches!(b, b'>' | b'<'))
            && rest.as_bytes()[end] == b'>'
        {
            rest = &rest[end + 1..];
        }
    }
    bare.push_str(rest);
    bare
}

#[cfg(test)]
mod tests;
