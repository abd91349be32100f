//! All that can be said about a Redis without changing anything in it, for an operator who looks.

use super::{
    Durability, RedisOptions,
    fitness::{Finding, Problem, examine},
    open::{demands, link, open},
};
use crate::store::OpenError;

/// Examines the servers and, when nothing is wrong with them, opens the data set without leave to create it.
pub(crate) async fn diagnose(options: RedisOptions) -> Vec<Finding> {
    let looked_at = |error: OpenError| Finding {
        check: "address",
        at: "store.url".to_owned(),
        result: Err(Problem::of_opening(error)),
    };
    let link = match link(&options) {
        Ok(link) => link,
        Err(error) => return vec![looked_at(error)],
    };
    let mut findings = examine(&link, &demands(&options)).await;
    if options.durability == Durability::AcceptRisk || findings.iter().all(|finding| finding.result.is_ok()) {
        let opened = open(RedisOptions {
            create: false,
            ..options
        })
        .await;
        let at = link.address().shown();
        let store = match opened {
            Ok(store) => store,
            Err(error) => {
                findings.push(Finding {
                    check: "data set",
                    at,
                    result: Err(Problem::of_opening(error)),
                });
                return findings;
            }
        };
        findings.push(Finding {
            check: "data set",
            at: at.clone(),
            result: Ok("it is whole, and store.secret is its secret".to_owned()),
        });
        let examined = store.examine().await.map_err(|error| error.to_string());
        findings.push(Finding {
            check: "jobs",
            at,
            result: examined
                .and_then(|examined| examined.verdict())
                .map_err(Problem::of_jobs),
        });
    }
    findings
}
