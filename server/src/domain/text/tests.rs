//! Outside text: what is taken out, what is kept, and what can never come out.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(clean_text(text, TEXT_CHARS_MAX), expected, "{text:?}");
}

#[test]
fn cleaning() {
    check("  ACME   SA\tde\r\nCV ", "ACME SA de CV");
    check("No se encontr&oacute; <b>n&uacute;mero</b>", "No se encontró número");
    check("a<br/>b<!-- c -->d", "a b d");
    check("&lt;script&gt;alert(1)&lt;/script&gt;", "alert(1)");
    check("&#209;o&#xF1;o", "Ñoño");
    check("P&G &bogus; A&;B &#x110000; &#0;", "P&G &bogus; A&;B &#x110000;");
    check("2 < 3 > 1", "2 < 3 > 1");
    check("unclosed <b tag", "unclosed b tag");
    check("<<b>b>", "< b>");
    check("<\u{200b}b>x", "x");
    check("JOS\u{c9}\u{202e}\u{0}", "JOSÉ");
    assert_eq!(clean_text("abc def", 4), "abc");
    assert_eq!(clean_text("ñandú", 3), "ñan");
    assert_eq!(clean_text("x", 0), "");
}

#[test]
fn a_long_run_of_openings_is_linear() {
    assert!(clean_text(&"<a".repeat(200_000), 10).starts_with("a a a"));
}

#[test]
fn folding() {
    assert_eq!(fold("Modificación_de  salario."), "MODIFICACION DE SALARIO");
    assert_eq!(fold("Nuevo Leo\u{301}n"), "NUEVO LEON");
}

proptest! {
    #[test]
    fn nothing_unclean_comes_out(text in any::<String>(), near in "[<>/!&;#x0-9a-c\u{0}\u{200b} ñ]{0,60}", max in 0usize..40) {
        for input in [text, near] {
            let clean = clean_text(&input, max);
            prop_assert!(clean.chars().count() <= max);
            prop_assert_eq!(collapse_spaces(&clean), clean.as_str());
            prop_assert!(!clean.chars().any(|c| c.is_control() || is_invisible(c)));
            let pairs: Vec<char> = clean.chars().collect();
            prop_assert!(!pairs.windows(2).any(|pair| pair[0] == '<' && pair[1].is_alphabetic()));
        }
    }
}
