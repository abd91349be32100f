//! The names in a case that stand for what only a run knows: its port, its certificates, people of its own.
//!
//! `$job_id`, `$cursor` and `$page_token` are not among them: the driver puts those in.

use serde_json::Value;

use crate::certificates::Certificates;
use crate::fake::other_address;
use crate::real;

/// Puts in what the names stand for, in every text of `value`. A text is such a name as a whole; `$port`, and
/// `$other_address` with it, may also be a part.
pub fn put_in(value: &mut Value, certificates: &Certificates, port: u16) {
    match value {
        Value::String(text) => {
            if let Some(whole) = known(text, certificates) {
                *text = whole;
            } else if text.contains("$port") {
                let address = other_address().map(|it| it.to_string()).unwrap_or_default();
                *text = text.replace("$port", &port.to_string()).replace("$other_address", &address);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|it| put_in(it, certificates, port)),
        Value::Object(object) => object.values_mut().for_each(|it| put_in(it, certificates, port)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Puts the jobs of a rolling restart in for `$held_1` and so on.
pub fn put_in_jobs(value: &mut Value, jobs: &[String]) {
    match value {
        Value::String(text) => {
            let number = text
                .strip_prefix("$held_")
                .and_then(|number| number.parse::<usize>().ok());
            if let Some(job) = number.and_then(|number| jobs.get(number.checked_sub(1)?)) {
                job.clone_into(text);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|it| put_in_jobs(it, jobs)),
        Value::Object(object) => object.values_mut().for_each(|it| put_in_jobs(it, jobs)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn known(name: &str, certificates: &Certificates) -> Option<String> {
    let text = match name {
        "$ca" => &certificates.ca,
        "$other_ca" => &certificates.other_ca,
        "$client_certificate" => &certificates.client.certificate,
        "$client_key" => &certificates.client.key,
        "$stranger_certificate" => &certificates.stranger.certificate,
        "$stranger_key" => &certificates.stranger.key,
        _ => return real::person(name),
    };
    Some(text.clone())
}
