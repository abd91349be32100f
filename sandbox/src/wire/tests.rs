//! Each fault as a client on a real socket sees it, and the books under each fault.

#![allow(clippy::unwrap_used)]

use std::io::ErrorKind;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::testing::{CURP, NSS, Scene, eventually, scene, scene_with};
use crate::{Fault, FaultRule, MsRange, Options, Provider, Quota, Settings, StartError, Step, start};

async fn broken(fault: impl Into<FaultRule>) -> Scene {
    scene()
        .await
        .with_provider(Provider::Nubarium, Settings::default().fault(fault))
        .await
}

/// Speaks HTTP by hand and returns all that came back, or how the connection ended.
async fn raw_exchange(scene: &Scene) -> Result<String, ErrorKind> {
    let mut stream = TcpStream::connect(scene.sandbox.address(Provider::Nubarium))
        .await
        .map_err(|e| e.kind())?;
    let body = json!({"curp": CURP}).to_string();
    let credentials = "bnViYXJpdW0tc2FuZGJveC11c2VyOm51YmFyaXVtLXNhbmRib3gtcGFzc3dvcmQ=";
    let request = format!(
        "POST /imss/obtener_nss HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\nauthorization: Basic {credentials}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|error| error.kind())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.map_err(|error| error.kind())?;
    Ok(String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn without_a_fault_the_answer_is_delivered_and_booked_as_delivered() {
    let scene = scene().await;
    let answer = raw_exchange(&scene).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.contains(NSS),
        "{answer}"
    );
    assert!(scene.sandbox.books().charges()[0].delivered);
}

#[tokio::test]
async fn a_reset_is_a_reset_and_a_close_is_a_close() {
    for billed in [false, true] {
        let scene = broken(Fault::Reset { billed }).await;
        assert_eq!(raw_exchange(&scene).await, Err(ErrorKind::ConnectionReset));
        scene.check_charges(Provider::Nubarium, CURP, usize::from(billed));
        let scene = broken(Fault::Close { billed }).await;
        assert_eq!(raw_exchange(&scene).await, Ok(String::new()));
        scene.check_charges(Provider::Nubarium, CURP, usize::from(billed));
        assert!(scene.sandbox.books().charges().iter().all(|charge| !charge.delivered));
    }
}

#[tokio::test]
async fn a_refusing_port_refuses_and_opens_again() {
    let scene = broken(Fault::Refuse).await;
    assert_eq!(raw_exchange(&scene).await, Err(ErrorKind::ConnectionRefused));
    scene.sandbox.set_provider(Provider::Nubarium, None).await.unwrap();
    assert!(raw_exchange(&scene).await.unwrap().contains(NSS));
    scene.check_charges(Provider::Nubarium, CURP, 1);
}

#[tokio::test]
async fn a_reset_on_connect_comes_so_many_times_and_then_the_port_is_well() {
    let scene = broken(FaultRule::from(Fault::ResetOnConnect).times(2)).await;
    for _ in 0..2 {
        assert!(raw_exchange(&scene).await.is_err());
    }
    assert!(raw_exchange(&scene).await.unwrap().contains(NSS));
    assert_eq!(scene.sandbox.traffic().providers[&Provider::Nubarium].connections, 3);
}

#[tokio::test]
async fn a_call_that_hangs_is_billed_although_the_caller_gave_up() {
    for fault in [Fault::Hang { billed: true }, Fault::HangBody { billed: true }] {
        let scene = broken(fault).await;
        let call = tokio::spawn(scene.nubarium_nss(CURP).send());
        eventually(|| scene.sandbox.books().count(Provider::Nubarium, CURP) == 1).await;
        call.abort();
        scene.sandbox.reset().await;
        assert_eq!(scene.nubarium_nss(CURP).send().await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn statuses_redirects_and_limits_look_as_asked() {
    let answer = async |fault: Fault| {
        let scene = broken(fault).await;
        let response = scene.nubarium_nss(CURP).send().await.unwrap();
        (
            response.status().as_u16(),
            response.headers().clone(),
            scene.sandbox.books().charges().len(),
        )
    };
    let (status, _, charges) = answer(Fault::ServerError {
        status: 502,
        billed: true,
    })
    .await;
    assert_eq!((status, charges), (502, 1));
    let (status, headers, charges) = answer(Fault::TooManyRequests {
        retry_after_s: Some(7),
        billed: false,
    })
    .await;
    assert_eq!(
        (status, &headers["retry-after"], charges),
        (429, &"7".parse().unwrap(), 0)
    );
    let redirect = Fault::Redirect {
        status: 307,
        location: "http://moved.invalid/".to_owned(),
        billed: false,
    };
    let (status, headers, charges) = answer(redirect).await;
    assert_eq!(
        (status, &headers["location"], charges),
        (307, &"http://moved.invalid/".parse().unwrap(), 0)
    );
    let (status, headers, _) = answer(Fault::Html {
        status: 200,
        billed: true,
    })
    .await;
    assert_eq!(
        (status, &headers["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    let (status, headers, charges) = answer(Fault::EmptyBody {
        status: 200,
        billed: true,
    })
    .await;
    assert_eq!(
        (status, &headers["content-length"], charges),
        (200, &"0".parse().unwrap(), 1)
    );
    let (_, headers, _) = answer(Fault::ContentType {
        value: "text/plain".to_owned(),
        billed: true,
    })
    .await;
    assert_eq!(headers["content-type"], "text/plain");
}

#[tokio::test]
async fn bodies_break_in_three_ways() {
    let scene = broken(Fault::BrokenJson { billed: true }).await;
    let text = scene.nubarium_nss(CURP).send().await.unwrap().text().await.unwrap();
    assert!(!text.is_empty() && serde_json::from_str::<Value>(&text).is_err());

    let scene = broken(Fault::TruncatedBody { billed: true }).await;
    let response = scene.nubarium_nss(CURP).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.text().await.is_err());
    let raw = raw_exchange(&scene).await.unwrap();
    assert!(raw.contains("{\"nss\":") && !raw.ends_with('}'), "{raw}");

    let bytes = 300_000;
    let scene = broken(Fault::HugeBody { bytes, billed: true }).await;
    let response = scene.nubarium_nss(CURP).send().await.unwrap();
    let declared = response.content_length().unwrap();
    let text = response.text().await.unwrap();
    assert!(declared > bytes && text.len() as u64 == declared && text.ends_with('}'));
    assert!(scene.sandbox.books().charges()[0].delivered);
}

#[tokio::test]
async fn an_endless_body_goes_on_and_a_slow_one_arrives() {
    let scene = broken(Fault::EndlessBody { billed: true }).await;
    let mut response = scene.nubarium_nss(CURP).send().await.unwrap();
    for _ in 0..3 {
        assert!(!response.chunk().await.unwrap().unwrap().is_empty());
    }
    drop(response);
    let scene = broken(Fault::SlowBody {
        chunk_bytes: 40,
        pause_ms: 2,
        billed: true,
    })
    .await;
    let text = scene.nubarium_nss(CURP).send().await.unwrap().text().await.unwrap();
    assert!(serde_json::from_str::<Value>(&text).unwrap()["nss"].is_string());
}

#[tokio::test]
async fn an_unbilled_delay_still_brings_the_true_answer() {
    let scene = broken(Fault::Delay { ms: 1, billed: false }).await;
    assert!(raw_exchange(&scene).await.unwrap().contains(NSS));
    scene.check_charges(Provider::Nubarium, CURP, 0);
}

#[tokio::test]
async fn rules_count_the_calls_that_they_let_pass_and_hit() {
    let rule = FaultRule::from(Fault::ServerError {
        status: 503,
        billed: false,
    })
    .after(1)
    .times(2);
    let scene = broken(rule).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(scene.nubarium_nss(CURP).send().await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 503, 503, 200]);
    scene.check_charges(Provider::Nubarium, CURP, 2);
}

#[tokio::test]
async fn a_persons_rule_hits_that_person_at_that_provider_and_step_only() {
    let scene = scene().await;
    let rule = FaultRule::from(Fault::ServerError {
        status: 500,
        billed: false,
    })
    .at(Provider::Kiban)
    .on(Step::Status);
    scene
        .sandbox
        .set_person(CURP, Some(Settings::default().fault(rule)))
        .unwrap();
    assert_eq!(scene.nubarium_nss(CURP).send().await.unwrap().status(), StatusCode::OK);
    let ack: Value = scene.kiban_submit(CURP).send().await.unwrap().json().await.unwrap();
    let look = scene.kiban_get(ack["id"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(look.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let other: Value = scene
        .kiban_submit("PEMJ920906HNLRRS00")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let look = scene.kiban_get(other["id"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(look.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_same_seed_rolls_the_same_faults() {
    let rolls = async |seed| {
        let rule = FaultRule {
            probability: Some(0.5),
            ..FaultRule::from(Fault::ServerError {
                status: 503,
                billed: false,
            })
        };
        let scene = scene_with(Options {
            seed,
            ..Options::for_tests()
        })
        .await;
        let scene = scene
            .with_provider(Provider::Nubarium, Settings::default().fault(rule))
            .await;
        let mut statuses = Vec::new();
        for _ in 0..24 {
            statuses.push(scene.nubarium_nss(CURP).send().await.unwrap().status().as_u16());
        }
        statuses
    };
    let first = rolls(7).await;
    assert!(first.contains(&200) && first.contains(&503));
    assert_eq!(first, rolls(7).await);
    assert_ne!(first, rolls(8).await);
}

#[tokio::test]
async fn a_quota_answers_429_and_counts_the_violations() {
    let quota = Some(Quota {
        requests_per_second: 0.001,
        burst: 2,
    });
    let scene = scene()
        .await
        .with_provider(
            Provider::Nubarium,
            Settings {
                quota,
                ..Settings::default()
            },
        )
        .await;
    for expected in [200, 200, 429, 429] {
        let response = scene.nubarium_nss(CURP).send().await.unwrap();
        assert_eq!(response.status().as_u16(), expected);
        assert_eq!(response.headers().contains_key("retry-after"), expected == 429);
    }
    assert_eq!(
        scene.sandbox.traffic().providers[&Provider::Nubarium].quota_violations,
        2
    );
    scene.check_charges(Provider::Nubarium, CURP, 2);
}

#[tokio::test]
async fn a_caller_who_gives_up_during_the_latency_has_still_bought_the_answer() {
    let latency = Some(MsRange::fixed(60_000));
    let scene = scene()
        .await
        .with_provider(
            Provider::Nubarium,
            Settings {
                latency,
                ..Settings::default()
            },
        )
        .await;
    let impatient = scene
        .nubarium_nss(CURP)
        .timeout(Duration::from_millis(100))
        .send()
        .await;
    assert!(impatient.unwrap_err().is_timeout());
    scene.check_charges(Provider::Nubarium, CURP, 1);
    assert!(!scene.sandbox.books().charges()[0].delivered);
}

#[tokio::test]
async fn a_port_in_use_names_the_api_and_its_setting() {
    let first = scene().await;
    let taken = first.sandbox.address(Provider::TuIdentidad);
    let error = start(Options {
        tuidentidad: taken,
        ..Options::for_tests()
    })
    .await
    .err()
    .unwrap();
    assert!(matches!(error, StartError::PortInUse { api: "tuidentidad", .. }));
    let text = error.to_string();
    assert!(
        text.contains("`tuidentidad` address") && text.contains(&taken.to_string()),
        "{text}"
    );
}

#[tokio::test]
async fn stopping_ends_calls_that_hang_and_frees_the_ports() {
    let scene = broken(Fault::Hang { billed: true }).await;
    let address = scene.sandbox.address(Provider::Nubarium);
    let call = tokio::spawn(scene.nubarium_nss(CURP).send());
    eventually(|| scene.sandbox.books().charges().len() == 1).await;
    scene.sandbox.stop().await;
    assert!(call.await.unwrap().is_err());
    assert!(TcpStream::connect(address).await.is_err());
}
