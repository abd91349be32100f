//! Callbacks: early, late, twice, lost, or forged, to any replica.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use super::bureau::Bureau;
use crate::{
    domain::provider_id::ProviderId,
    engine::{Callback, CallbackVerdict},
    providers::CallbackAddress,
};

/// A provider tries again this often when nobody takes its callback.
const TRIES_MAX: usize = 5;

pub(super) fn schedule(bureau: &Arc<Bureau>, address: &CallbackAddress, reference: &str, ready_at: Instant) {
    let chance = &bureau.chance;
    for _ in 0..chance.weighted(&[(2, 0), (6, 1), (2, 3)]) {
        let at = match chance.below(4) {
            // Before the answer is there, and perhaps before the reply to the call is.
            0 => Instant::now() + chance.ms(0, 50),
            1 => ready_at + chance.ms(0, 20_000),
            _ => ready_at + chance.ms(0, 100),
        };
        let is_forged = chance.percent(10);
        let callback = callback(address, reference, is_forged);
        bureau
            .scene
            .door
            .enter(deliver(Arc::clone(bureau), callback, at, is_forged));
    }
}

fn callback(address: &CallbackAddress, reference: &str, is_forged: bool) -> Callback {
    let mut parts = address.url.rsplit('/');
    let mut part = || parts.next().unwrap().to_owned();
    let (token, intent_id, job_id) = (part(), part(), part());
    Callback {
        provider: ProviderId::Kiban,
        job_id,
        intent_id,
        token: if is_forged { token.to_lowercase() + "x" } else { token },
        key: Some(address.key.clone()),
        body: format!("{{\"id\":\"{reference}\"}}").into(),
    }
}

async fn deliver(bureau: Arc<Bureau>, callback: Callback, at: Instant, is_forged: bool) {
    let _busy = bureau.scene.busy();
    sleep_until(at).await;
    for _ in 0..TRIES_MAX {
        let Some(fleet) = bureau.fleet.upgrade() else { return };
        if let Some(replica) = fleet.any(&bureau.chance) {
            let copy = Callback {
                job_id: callback.job_id.clone(),
                intent_id: callback.intent_id.clone(),
                token: callback.token.clone(),
                key: callback.key.clone(),
                body: callback.body.clone(),
                ..callback
            };
            let verdict = replica.ask(replica.engine.callback(copy)).await;
            if let Some(Ok(verdict)) = verdict {
                bureau
                    .scene
                    .note(&replica.name, format_args!("takes a callback: {verdict:?}"));
                let is_right = (verdict == CallbackVerdict::Forged) == is_forged || bureau.scene.has_rewound();
                bureau.scene.check("I5", is_right, || {
                    format!("a callback was taken for {verdict:?}; forged: {is_forged}")
                });
                return;
            }
        }
        sleep(Duration::from_secs(1)).await;
    }
}
