//! A cancel is a wish: it stops what costs nothing yet, and never throws away what is being paid for.

use semanas_client::Provider as Route;
use semanas_client::raw::v1::SubmitWorkHistoryRequest;
use semanas_sandbox::{Fault, FaultRule, Provider, Settings, Step};

use crate::harness::*;

#[tokio::test]
async fn a_job_can_be_cancelled_before_it_costs_and_ends_with_what_was_paid_for_after() {
    let (server, sandbox) = embedded().await;
    let client = server.client();
    // Not sent yet: the provider does not listen and the job waits for its next try.
    sandbox
        .set_provider(Provider::Kiban, Some(Settings::default().fault(Fault::Refuse)))
        .await
        .unwrap();
    let cancelled = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("ENGINE__RETRY_FIRST", "1m")
        .set("ENGINE__RETRY_MAX", "1m")
        .start()
        .await;
    let request = |person: &Human| SubmitWorkHistoryRequest {
        provider: Route::Kiban.into(),
        ..submit_request(person.with_names())
    };
    let person = fresh_person();
    let job = cancelled
        .client()
        .submit_work_history(request(&person))
        .await
        .unwrap()
        .job;
    eventually("the first try", || async {
        let job = cancelled
            .client()
            .get_work_history(job.job_id.as_str(), None)
            .await
            .unwrap();
        job.attempts.first().and_then(|attempt| attempt.end_time)
    })
    .await;
    let ended = cancelled.client().cancel_work_history(job.job_id).await.unwrap();
    assert_eq!(ended.state, semanas_client::JobState::Cancelled);
    sandbox.set_provider(Provider::Kiban, None).await.unwrap();
    assert!(sandbox.books().charges().is_empty());

    // Paid for: the answer is collected.
    let person = fresh_person();
    let hold = FaultRule::from(Fault::ServerError {
        status: 503,
        billed: false,
    });
    let settings = Settings::default().fault(hold.at(Provider::Kiban).on(Step::Status));
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let job = client.submit_work_history(request(&person)).await.unwrap().job;
    eventually("the charge", || async {
        (booked(&sandbox, Provider::Kiban, &person.curp) == 1).then_some(())
    })
    .await;
    let asked = client.cancel_work_history(job.job_id).await.unwrap();
    assert!(asked.cancel_requested && asked.end_time.is_none());
    sandbox.set_person(&person.curp, None).unwrap();
    let ended = to_the_end(&client, request(&person)).await;
    assert_eq!(ended.state, semanas_client::JobState::Succeeded);
}
