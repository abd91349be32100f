//! All uses of the data set's secret: keyed hashes of identifiers, signatures of cursors, tokens of callbacks, sealed records.
//!
//! Each use has a key of its own, derived from the secret by HKDF-SHA256, so that what one use gives away helps with no other.
//! Everything derived here stands in data sets or in callers' hands: a change of a label, a length or an encoding makes them
//! unreadable, and the golden values in the tests say so. This module does not know where the secret comes from, nor what it
//! seals.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    constant_time, hkdf, hmac, rand,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::domain::{
    curp::Curp,
    ids::{IntentId, JobId, PersonKey, Tenant},
};

/// Length of keyed hashes and signatures: 128 bits cannot be guessed or collide by chance, and keep keys and cursors short.
const TAG_BYTES: usize = 16;
/// Length of callback tokens before base64: 192 bits make 32 characters without padding.
const TOKEN_BYTES: usize = 24;
/// First byte of a sealed record.
const SEAL_FORMAT: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const SEAL_HEADER_BYTES: usize = 1 + KEY_ID_BYTES + NONCE_LEN;

/// Holds the keys derived from a data set's secret.
pub(crate) struct Vault {
    person: hmac::Key,
    request: hmac::Key,
    fingerprint: hmac::Key,
    signing: hmac::Key,
    callback: hmac::Key,
    seal: LessSafeKey,
    /// Tells secrets apart without giving anything away about them.
    secret_id: [u8; TAG_BYTES],
}

/// What a signature is for; a signature for one is worth nothing for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Cursor,
    FeedCursor,
    PageToken,
}

/// Why a sealed record stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("the sealed record is in a format that this version does not know")]
    Format,
    #[error("the sealed record was made with another secret")]
    OtherSecret,
    #[error("the sealed record is damaged or belongs elsewhere")]
    Damaged,
}

// === impl Vault ===

impl Vault {
    /// From the secret of the data set; the settings see to its length.
    pub(crate) fn new(secret: &[u8]) -> Vault {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"semanas").extract(secret);
        let mut secret_id = [0; TAG_BYTES];
        secret_id.copy_from_slice(&mac(&mac_key(&root, "semanas/v1/secret-id"), &[])[..TAG_BYTES]);
        let seal = root
            .expand(&[b"semanas/v1/seal"], &AES_256_GCM)
            .expect("a key is short enough for HKDF");
        Vault {
            person: mac_key(&root, "semanas/v1/person"),
            request: mac_key(&root, "semanas/v1/request"),
            fingerprint: mac_key(&root, "semanas/v1/fingerprint"),
            signing: mac_key(&root, "semanas/v1/signing"),
            callback: mac_key(&root, "semanas/v1/callback"),
            seal: LessSafeKey::new(UnboundKey::from(seal)),
            secret_id,
        }
    }

    /// Names a person without saying who it is.
    pub(crate) fn person_key(&self, curp: &Curp) -> PersonKey {
        PersonKey::from_mac(tag(&self.person, &[curp.expose().as_bytes()]))
    }

    /// Names a tenant's request id, which may hold anything, also personal data.
    pub(crate) fn request_key(&self, tenant: &Tenant, request_id: &str) -> String {
        hex::encode(tag(&self.request, &[tenant.as_str().as_bytes(), request_id.as_bytes()]))
    }

    /// Tells bodies of requests apart without keeping them.
    pub(crate) fn fingerprint(&self, body: &[u8]) -> String {
        hex::encode(tag(&self.fingerprint, &[body]))
    }

    /// Stands in the data set, so that a replica with another secret is caught at its start.
    pub(crate) fn secret_fingerprint(&self) -> String {
        hex::encode(self.secret_id)
    }

    pub(crate) fn sign(&self, purpose: Purpose, message: &[u8]) -> [u8; TAG_BYTES] {
        tag(&self.signing, &[purpose.as_bytes(), message])
    }

    pub(crate) fn verify(&self, purpose: Purpose, message: &[u8], signature: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.sign(purpose, message), signature).is_ok()
    }

    /// Part of the address that a provider calls back: unguessable, and the same on every replica. 32 characters, base64url.
    pub(crate) fn callback_token(&self, job: &JobId, intent: &IntentId) -> String {
        self.callback_secret(b"token", job, intent)
    }

    /// What a provider sends in a header when it calls back. 32 characters, base64url.
    pub(crate) fn callback_key(&self, job: &JobId, intent: &IntentId) -> String {
        self.callback_secret(b"key", job, intent)
    }

    pub(crate) fn is_callback_token(&self, job: &JobId, intent: &IntentId, token: &str) -> bool {
        let expected = self.callback_token(job, intent);
        constant_time::verify_slices_are_equal(expected.as_bytes(), token.as_bytes()).is_ok()
    }

    pub(crate) fn is_callback_key(&self, job: &JobId, intent: &IntentId, key: &str) -> bool {
        let expected = self.callback_key(job, intent);
        constant_time::verify_slices_are_equal(expected.as_bytes(), key.as_bytes()).is_ok()
    }

    /// Closes a record of a job. `kind` says which of its records, so that one cannot be passed off as another.
    pub(crate) fn seal(&self, job: &JobId, kind: &str, plaintext: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).expect("the system's random source does not fail once it has been seeded");
        let mut sealed = Vec::with_capacity(SEAL_HEADER_BYTES + plaintext.len() + AES_256_GCM.tag_len());
        sealed.push(SEAL_FORMAT);
        sealed.extend_from_slice(self.key_id());
        sealed.extend_from_slice(&nonce);
        let mut body = plaintext.to_vec();
        let context = self.seal_context(job, kind);
        self.seal
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), context, &mut body)
            .expect("a record is far shorter than the 64 GiB that AES-GCM can seal");
        sealed.append(&mut body);
        sealed
    }

    pub(crate) fn open(&self, job: &JobId, kind: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (header, body) = sealed.split_at_checked(SEAL_HEADER_BYTES).ok_or(OpenError::Damaged)?;
        if header[0] != SEAL_FORMAT {
            return Err(OpenError::Format);
        }
        let (key_id, nonce) = header[1..].split_at(KEY_ID_BYTES);
        if key_id != self.key_id() {
            return Err(OpenError::OtherSecret);
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).expect("the header was split by length");
        let mut body = body.to_vec();
        let context = self.seal_context(job, kind);
        let plaintext_bytes = self
            .seal
            .open_in_place(nonce, context, &mut body)
            .map_err(|_| OpenError::Damaged)?
            .len();
        body.truncate(plaintext_bytes);
        Ok(body)
    }

    fn callback_secret(&self, part: &[u8], job: &JobId, intent: &IntentId) -> String {
        let mac = mac(
            &self.callback,
            &[part, job.as_str().as_bytes(), intent.as_str().as_bytes()],
        );
        BASE64_URL_SAFE_NO_PAD.encode(&mac[..TOKEN_BYTES])
    }

    /// Which secret sealed a record.
    fn key_id(&self) -> &[u8] {
        &self.secret_id[..KEY_ID_BYTES]
    }

    fn seal_context(&self, job: &JobId, kind: &str) -> Aad<Vec<u8>> {
        Aad::from(joined(&[
            &[SEAL_FORMAT],
            self.key_id(),
            job.as_str().as_bytes(),
            kind.as_bytes(),
        ]))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(redacted)")
    }
}

// === impl Purpose ===

impl Purpose {
    fn as_bytes(self) -> &'static [u8] {
        match self {
            Purpose::Cursor => b"cursor",
            Purpose::FeedCursor => b"feed-cursor",
            Purpose::PageToken => b"page-token",
        }
    }
}

fn mac_key(root: &hkdf::Prk, label: &str) -> hmac::Key {
    let info = [label.as_bytes()];
    hmac::Key::from(
        root.expand(&info, hmac::HMAC_SHA256)
            .expect("a key is short enough for HKDF"),
    )
}

fn tag(key: &hmac::Key, parts: &[&[u8]]) -> [u8; TAG_BYTES] {
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(&mac(key, parts)[..TAG_BYTES]);
    tag
}

fn mac(key: &hmac::Key, parts: &[&[u8]]) -> Vec<u8> {
    hmac::sign(key, &joined(parts)).as_ref().to_vec()
}

/// Each part behind its length, so that no two lists of parts read alike.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        joined.extend_from_slice(&u64::try_from(part.len()).expect("a length fits").to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

#[cfg(test)]
mod tests;
