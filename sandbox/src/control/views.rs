//! People as the control API shows them.

use serde_json::{Value, json};

use crate::people::Person;

pub(super) const PATHS: &str = "no such path; there are: GET /health, GET /books, GET /books/summary, GET /requests, \
     GET /people, GET /people/{curp}, PUT|GET|DELETE /people/{curp}/faults, PUT|GET|DELETE /providers/{provider}/faults, \
     PUT|GET /defaults, POST /callbacks/release, POST /reset";

pub(super) fn person(person: &Person) -> Value {
    json!({
        "curp": person.curp,
        "given_name": person.given_name,
        "middle_name": person.middle_name,
        "paternal_surname": person.paternal_surname,
        "maternal_surname": person.maternal_surname,
        "nss": person.nss,
        "employments": person.employments(),
        "shows": person.shows,
    })
}

pub(super) fn history(person: &Person) -> Value {
    let weeks = person.history.weeks;
    let rows = person.history.employments.iter().map(|job| {
        json!({
            "employer": job.employer,
            "registro_patronal": job.registry,
            "entity": job.entity,
            "start": job.start.to_string(),
            "end": job.end.map(|end| end.to_string()),
            "daily_base_salary": job.salary.plain(),
            "movements": job.movements.len(),
        })
    });
    json!({
        "weeks": {
            "quoted": weeks.quoted,
            "discounted": weeks.discounted,
            "reintegrated": weeks.reintegrated,
            "total": weeks.total,
        },
        "employments": rows.collect::<Vec<_>>(),
    })
}
