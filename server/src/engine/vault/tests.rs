//! The vault's derivations stay as they are, and nothing opens that was changed, moved or sealed by another.
//!
//! The golden values were computed apart from this code, with Python's hmac and cryptography modules.

#![allow(clippy::unwrap_used)]

use super::*;

const JOB: &str = "wh_0193e5a0c2d17f9ab3c4a5d6e7f8091203";
const INTENT: &str = "att_0193e5a0c2d17f9ab3c4a5d6e7f80913";

fn vault() -> Vault {
    let secret: Vec<u8> = (0..32).collect();
    Vault::new(&secret)
}

fn job() -> JobId {
    JobId::parse(JOB).unwrap()
}

fn intent() -> IntentId {
    IntentId::from_untrusted(INTENT)
}

#[test]
fn derivations_stay_as_they_are_so_that_data_sets_stay_readable() {
    let vault = vault();
    let curp = Curp::parse_lenient("PEGJ850101HDFRRN07").unwrap();
    assert_eq!(vault.person_key(&curp).as_str(), "7deadf209f6e4a34dc9c30b8507e6e34");
    assert_eq!(
        vault.request_key(&Tenant::sole(), "order-1"),
        "85b6c3fc424605f30b7195144e63cb8c"
    );
    assert_eq!(vault.fingerprint(b"body"), "5ffd5dd94951f726216b1453ce6fc864");
    assert_eq!(vault.secret_fingerprint(), "61afe532640e48868edd43c8ba5ec671");
    assert_eq!(
        hex::encode(vault.sign(Purpose::Cursor, b"message")),
        "9a488a324ed7cb66ce5dacb05f27157c"
    );
    assert_eq!(
        vault.callback_token(&job(), &intent()),
        "ENfmglEnybcDwq8CfxuU3hHsD0bIMkOi"
    );
    assert_eq!(
        vault.callback_key(&job(), &intent()),
        "uAN5KP2SgCAMjQOMVvLWWMaTv2tL2Hnx"
    );
}

#[test]
fn a_record_sealed_by_the_first_version_opens() {
    let sealed = "0161afe532000102030405060708090a0baad66de55c3f57e011e17e2cc1d2266aa01538489ab58e39ef";
    let opened = vault().open(&job(), "subject", &hex::decode(sealed).unwrap());
    assert_eq!(opened.unwrap(), b"plaintext");
}

#[test]
fn what_is_sealed_opens_again_and_looks_different_each_time() {
    for plaintext in [&b""[..], b"x", &[7; 100_000]] {
        let first = vault().seal(&job(), "answer", plaintext);
        let second = vault().seal(&job(), "answer", plaintext);
        assert_ne!(first, second);
        assert_eq!(vault().open(&job(), "answer", &first).unwrap(), plaintext);
    }
}

#[test]
fn no_byte_of_a_sealed_record_can_be_changed() {
    let sealed = vault().seal(&job(), "subject", b"plaintext");
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        let expected = match at {
            0 => OpenError::Format,
            1..=4 => OpenError::OtherSecret,
            _ => OpenError::Damaged,
        };
        assert_eq!(vault().open(&job(), "subject", &changed), Err(expected), "byte {at}");
    }
    for length in 0..sealed.len() {
        assert!(
            vault().open(&job(), "subject", &sealed[..length]).is_err(),
            "{length} bytes"
        );
    }
}

#[test]
fn a_sealed_record_opens_only_where_it_belongs() {
    let sealed = vault().seal(&job(), "subject", b"plaintext");
    let other_job = JobId::parse("wh_0193e5a0c2d17f9ab3c4a5d6e7f8091303").unwrap();
    assert_eq!(vault().open(&other_job, "subject", &sealed), Err(OpenError::Damaged));
    assert_eq!(vault().open(&job(), "answer", &sealed), Err(OpenError::Damaged));
    assert_eq!(
        Vault::new(&[9; 32]).open(&job(), "subject", &sealed),
        Err(OpenError::OtherSecret)
    );
}

#[test]
fn a_signature_holds_for_its_message_purpose_and_secret_only() {
    let signature = vault().sign(Purpose::Cursor, b"message");
    assert!(vault().verify(Purpose::Cursor, b"message", &signature));
    assert!(!vault().verify(Purpose::Cursor, b"messagf", &signature));
    assert!(!vault().verify(Purpose::PageToken, b"message", &signature));
    assert!(!vault().verify(Purpose::FeedCursor, b"message", &signature));
    assert!(!vault().verify(Purpose::Cursor, b"message", &signature[..15]));
    assert!(!vault().verify(Purpose::Cursor, b"message", b""));
    assert!(!Vault::new(&[9; 32]).verify(Purpose::Cursor, b"message", &signature));
}

#[test]
fn callback_token_and_key_are_told_apart_and_from_those_of_other_attempts() {
    let vault = vault();
    let (token, key) = (
        vault.callback_token(&job(), &intent()),
        vault.callback_key(&job(), &intent()),
    );
    let other = IntentId::from_untrusted("att_0193e5a0c2d17f9ab3c4a5d6e7f80914");
    assert!(vault.is_callback_token(&job(), &intent(), &token));
    assert!(vault.is_callback_key(&job(), &intent(), &key));
    assert!(!vault.is_callback_token(&job(), &intent(), &key));
    assert!(!vault.is_callback_key(&job(), &intent(), &token));
    assert!(!vault.is_callback_token(&job(), &other, &token));
    assert!(!vault.is_callback_token(&job(), &intent(), ""));
}

#[test]
fn parts_cannot_be_shifted_into_one_another() {
    assert_ne!(joined(&[b"ab", b"c"]), joined(&[b"a", b"bc"]));
    assert_ne!(joined(&[b"ab"]), joined(&[b"ab", b""]));
}

#[test]
fn debugging_shows_no_key() {
    assert_eq!(format!("{:?}", vault()), "Vault(redacted)");
}
