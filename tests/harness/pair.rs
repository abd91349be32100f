//! Two replicas on one Redis, and people whose jobs wait where a test wants them to.

use semanas_client::Client;
use semanas_client::raw::v1::SubmitWorkHistoryRequest;
use semanas_client::{JobStage, Provider as Route};
use semanas_sandbox::{Fault, FaultRule, MsRange, Provider, Settings, Step};

use super::*;

pub struct Pair {
    pub redis: Redis,
    pub sandbox: Sandbox,
    pub a: Server,
    pub b: Server,
}

pub async fn pair() -> Pair {
    pair_with(|options| options).await
}

/// Two replicas with the same settings.
pub async fn pair_with(change: impl Fn(ServerOptions) -> ServerOptions) -> Pair {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let store = Store::redis(&redis);
    let a = change(ServerOptions::new(&store, &sandbox)).start().await;
    let b = change(ServerOptions::new(&store, &sandbox)).start().await;
    Pair { redis, sandbox, a, b }
}

pub fn by_kiban(person: &Human) -> SubmitWorkHistoryRequest {
    SubmitWorkHistoryRequest {
        provider: Route::Kiban.into(),
        ..submit_request(person.with_names())
    }
}

/// Kiban does not show this person's document until `let_go`.
pub fn hold_document(sandbox: &Sandbox, person: &Human) {
    let no_look_up = FaultRule::from(Fault::ServerError {
        status: 503,
        billed: false,
    });
    let settings = Settings::default().fault(no_look_up.at(Provider::Kiban).on(Step::Status));
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
}

pub fn let_go(sandbox: &Sandbox, person: &Human) {
    sandbox.set_person(&person.curp, None).unwrap();
}

/// Every provider answers this person after so long.
pub fn slow_down(sandbox: &Sandbox, person: &Human, ms: u64) {
    let settings = Settings {
        latency: Some(MsRange::fixed(ms)),
        ..Settings::default()
    };
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
}

pub async fn reaches(client: &Client, job_id: &str, stage: JobStage) {
    eventually(&format!("the job to be {stage:?}"), || async {
        let job = client.get_work_history(job_id, None).await.unwrap();
        (job.stage == stage).then_some(())
    })
    .await;
}
