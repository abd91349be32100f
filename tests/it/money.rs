//! Charges that nobody can know: what callers are told of them, and what ends them.

use semanas_client::raw::v1::{LookupNssRequest, ResolveWorkHistoryRequest, SubmitWorkHistoryRequest};
use semanas_client::{ChargeState, ErrorReason, JobState, Provider as Route};
use semanas_sandbox::{Fault, FaultRule, Provider, Settings};

use crate::harness::*;

fn request(provider: Provider, person: &Human) -> SubmitWorkHistoryRequest {
    let route = match provider {
        Provider::Kiban => Route::Kiban,
        Provider::TuIdentidad | Provider::Nubarium => Route::TuIdentidad,
    };
    SubmitWorkHistoryRequest {
        provider: route.into(),
        ..submit_request(person.with_names())
    }
}

fn hit(sandbox: &Sandbox, person: &Human, rule: FaultRule) {
    let settings = Settings::default().fault(rule);
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
}

#[tokio::test]
async fn a_lookup_whose_outcome_is_unknown_says_so_and_is_not_bought_again_without_leave() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let (client, person) = (server.blunt_client(), fresh_person());
    hit(
        &sandbox,
        &person,
        rule(Fault::Close { billed: true }).at(Provider::Nubarium).times(1),
    );
    let lookup = LookupNssRequest {
        curp: person.curp.clone(),
        ..LookupNssRequest::default()
    };
    for _ in 0..2 {
        let refused = client.lookup_nss(lookup.clone()).await.unwrap_err();
        assert_eq!(refused.known_reason(), ErrorReason::OutcomeUnknown);
    }
    assert_eq!(booked(&sandbox, Provider::Nubarium, &person.curp), 1);
    let with_leave = LookupNssRequest {
        allow_repeat_charge: true,
        ..lookup
    };
    client.lookup_nss(with_leave).await.unwrap();
    assert_eq!(
        booked(&sandbox, Provider::Nubarium, &person.curp),
        2,
        "with leave it is paid again"
    );
}

#[tokio::test]
async fn an_operator_settles_an_unknown_outcome_and_the_person_can_be_asked_for_again() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    let (client, person) = (server.client(), fresh_person());
    hit(
        &sandbox,
        &person,
        rule(Fault::Reset { billed: false }).at(Provider::Kiban).times(1),
    );
    let job = to_the_end(&client, request(Provider::Kiban, &person)).await;
    assert_eq!(job.state, JobState::OutcomeUnknown);
    let settled = client
        .resolve_work_history(ResolveWorkHistoryRequest {
            job_id: job.job_id.clone(),
            charge: ChargeState::No.into(),
            note: "not in their books".to_owned(),
        })
        .await
        .unwrap();
    assert_eq!(settled.settlement.unwrap().charge, ChargeState::No);
    let next = to_the_end(&client, request(Provider::Kiban, &person)).await;
    assert_eq!(next.state, JobState::Succeeded);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
}
