//! What must hold for whatever callers and providers hand back to us as ours: cursors, page tokens, addresses of callbacks, and
//! sealed records from the store.
//!
//! A target makes a genuine one from its input and then spoils it as the input says; and it takes the input itself for one.

use std::{fmt::Debug, sync::LazyLock};

use bytes::Bytes;
use uuid::Uuid;

use super::{
    Callback, Vault,
    callback::genuine,
    cursor::{Cursor, FeedCursor, JobCursor, PageToken, Sealed},
    vault::OpenError,
};
use crate::{
    domain::{
        ids::{IntentId, JobId, JobKind, SHARDS, Shard},
        person::Subject,
        provider_id::ProviderId,
    },
    providers::Answer,
    store::FeedPosition,
};

static VAULT: LazyLock<Vault> = LazyLock::new(|| Vault::new(b"a secret of thirty-two characters"));

pub(crate) fn cursor(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    // Nobody can sign for the secret, so no text is a cursor.
    assert!(Sealed::<JobCursor>::open(&VAULT, &text).is_none());
    assert!(Sealed::<FeedCursor>::open(&VAULT, &text).is_none());
    assert!(Sealed::<PageToken>::open(&VAULT, &text).is_none());

    let number = number(input);
    let job = JobCursor {
        job: job_id(number),
        sequence: number,
        limit: number as u32,
        at_us: number.is_multiple_of(2).then_some(number as i64),
    };
    let feed = FeedCursor {
        position: FeedPosition([number; SHARDS as usize]),
        is_listing: false,
    };
    // Page tokens hold the order key of a job, which we made; any text that fits must come back all the same.
    let page = PageToken {
        before: text.chars().take(64).collect(),
        filter: "0123456789abcdef".to_owned(),
    };
    let job = spoiled(job, number, input);
    let feed = spoiled(feed, number, input);
    let page = spoiled(page, number, input);
    // One kind is never taken for another, whatever it holds.
    assert!(Sealed::<FeedCursor>::open(&VAULT, &job).is_none());
    assert!(Sealed::<PageToken>::open(&VAULT, &feed).is_none());
    assert!(Sealed::<JobCursor>::open(&VAULT, &page).is_none());
}

/// The input is `JOB\nINTENT\nTOKEN\nKEY`, each as it would stand in the path and the header.
pub(crate) fn callback(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.splitn(4, '\n').map(str::to_owned);
    let mut next = || lines.next().unwrap_or_default();
    let forged = Callback {
        provider: ProviderId::Kiban,
        job_id: next(),
        intent_id: next(),
        token: next(),
        key: Some(next()),
        body: Bytes::new(),
    };
    assert!(genuine(&VAULT, &forged).is_none(), "nobody can sign for the secret");

    let (job, intent) = (job_id(number(input)), IntentId::from_untrusted(&forged.intent_id));
    let ours = |token: String, key: String| Callback {
        provider: ProviderId::Kiban,
        job_id: job.to_string(),
        intent_id: intent.to_string(),
        token,
        key: Some(key),
        body: Bytes::new(),
    };
    let (token, key) = (VAULT.callback_token(&job, &intent), VAULT.callback_key(&job, &intent));
    assert_eq!(
        genuine(&VAULT, &ours(token.clone(), key.clone())),
        Some((job.clone(), intent.clone()))
    );
    assert!(genuine(&VAULT, &ours(key.clone(), token.clone())).is_none());
    assert!(genuine(&VAULT, &ours(token.clone(), forged.token)).is_none());
    assert!(genuine(&VAULT, &ours(change(&token, input), key.clone())).is_none());
    assert!(genuine(&VAULT, &ours(token, change(&key, input))).is_none());
}

pub(crate) fn sealed(input: &[u8]) {
    let (job, other) = (job_id(1), job_id(2));
    assert!(
        VAULT.open(&job, "answer", input).is_err(),
        "nobody can seal for the secret"
    );

    let sealed = VAULT.seal(&job, "answer", input);
    assert_eq!(VAULT.open(&job, "answer", &sealed).as_deref(), Ok(input));
    assert_eq!(VAULT.open(&other, "answer", &sealed), Err(OpenError::Damaged));
    assert_eq!(VAULT.open(&job, "subject", &sealed), Err(OpenError::Damaged));
    let mut damaged = sealed.clone();
    let at = number(input) as usize % damaged.len();
    damaged[at] ^= 1 << (number(input) % 8);
    assert!(VAULT.open(&job, "answer", &damaged).is_err());
    assert!(VAULT.open(&job, "answer", &sealed[..at]).is_err());

    // What was sealed by another version may be of any shape.
    comes_back::<Answer>(input);
    comes_back::<Subject>(input);
}

/// Opens the genuine one, and gives it back after seeing that a spoiled one does not open.
fn spoiled<T: Cursor + PartialEq + Debug>(at: T, number: u64, input: &[u8]) -> String {
    let sealed = Sealed {
        epoch: number,
        lost_at: number,
        made_at: number as i64,
        at,
    };
    let text = sealed.close(&VAULT);
    let opened = Sealed::<T>::open(&VAULT, &text).expect("what we sign we take");
    assert_eq!(
        (opened.epoch, opened.made_at, &opened.at),
        (sealed.epoch, sealed.made_at, &sealed.at)
    );
    assert!(Sealed::<T>::open(&VAULT, &change(&text, input)).is_none());
    text
}

/// The text with one character changed, where the input says.
fn change(text: &str, input: &[u8]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = number(input) as usize % bytes.len();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).expect("base64 is ASCII")
}

fn comes_back<T: serde::Serialize + serde::de::DeserializeOwned>(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(bytes) else {
        return;
    };
    let written = serde_json::to_vec(&value).expect("our types have string keys");
    let read: T = serde_json::from_slice(&written).expect("what we write we can read");
    assert_eq!(serde_json::to_vec(&read).expect("our types have string keys"), written);
}

fn job_id(number: u64) -> JobId {
    let shard = Shard::new((number % u64::from(SHARDS)) as u8).expect("it is one of them");
    JobId::new(JobKind::WorkHistory, Uuid::from_u128(u128::from(number)), shard)
}

/// A number that any change of the input changes.
fn number(input: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    input.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
