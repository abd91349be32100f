//! A work history and an NSS, as an answer to be read: person, employments, weeks, provenance.

use semanas_client::{Disposition, Employment, LookupNssResponse, Person, Provenance, Weeks, WorkHistory};

use crate::cli::render::Column::{Exact, Text};
use crate::cli::render::{printable, table, words};

/// The NSS alone on the first line, where `head -1` finds it.
pub fn nss(answer: &LookupNssResponse) -> String {
    let mut lines = vec![answer.nss.clone()];
    if !answer.full_name.is_empty() {
        lines.push(answer.full_name.clone());
    }
    let how = match answer.disposition {
        Disposition::Attached => "Shared with a lookup that was under way.",
        Disposition::Reused => "From an earlier answer; nothing was charged.",
        _ => "Bought for this request.",
    };
    lines.push(how.to_owned());
    lines.extend(answer.provenance.as_ref().map(|it| provenance("Answered by", it)));
    printable(&lines.join("\n"))
}

/// Everything of a history but the single movements.
pub fn work_history(history: &WorkHistory, width: Option<u16>) -> String {
    let mut parts: Vec<String> = history.person.iter().map(person).collect();
    parts.push(employments(history, width));
    parts.extend(history.weeks.as_ref().map(weeks));
    let provenances = [
        ("Answered by", &history.provenance),
        ("NSS by", &history.nss_provenance),
    ];
    let provenances = provenances
        .into_iter()
        .filter_map(|(who, it)| Some(provenance(who, it.as_ref()?)));
    parts.extend(provenances);
    parts.join("\n")
}

fn person(person: &Person) -> String {
    let mut line = person.full_name.clone();
    if !line.is_empty() {
        line.push_str("  ");
    }
    line.push_str(&format!("CURP {}", person.curp));
    if !person.nss.is_empty() {
        line.push_str(&format!("  NSS {}", person.nss));
    }
    printable(&line)
}

fn employments(history: &WorkHistory, width: Option<u16>) -> String {
    if history.employments.is_empty() && history.employment_count == 0 {
        return "No employments: the provider has verified that there are none.".to_owned();
    }
    let header = [
        Text("Employer"),
        Exact("Registro"),
        Text("Entity"),
        Exact("From"),
        Exact("To"),
        Exact("Per day"),
        Exact("Moves"),
    ];
    let mut text = table(&header, history.employments.iter().map(row), width);
    let (shown, all) = (history.employments.len(), history.employment_count);
    if i64::try_from(shown).is_ok_and(|shown| shown < i64::from(all)) {
        text.push_str(&format!("\n{shown} of {all} employments are shown."));
    }
    text
}

fn row(it: &Employment) -> Vec<String> {
    let end = match (it.current, &it.end_date) {
        (true, _) => "current".to_owned(),
        (false, date) => words::date(date.as_ref()),
    };
    let entity = match it.federal_entity_code.as_str() {
        "" => it.federal_entity.clone(),
        code => code.to_owned(),
    };
    vec![
        it.employer.clone(),
        it.registro_patronal.clone(),
        entity,
        words::date(it.start_date.as_ref()),
        end,
        words::money(it.daily_base_salary.as_ref()),
        it.movements.len().to_string(),
    ]
}

fn weeks(weeks: &Weeks) -> String {
    let figures = [
        ("quoted", weeks.quoted),
        ("discounted", weeks.discounted),
        ("reintegrated", weeks.reintegrated),
        ("total", weeks.total),
    ];
    let given = figures
        .iter()
        .filter_map(|(name, figure)| Some(format!("{name} {}", (*figure)?)));
    let given: Vec<String> = given.collect();
    let doubt = match weeks.reconciles {
        Some(false) => " (the total does not follow from the other figures)",
        Some(true) | None => "",
    };
    if given.is_empty() {
        return "Weeks: none were given".to_owned();
    }
    format!("Weeks: {}{doubt}", given.join(", "))
}

fn provenance(who: &str, it: &Provenance) -> String {
    let mut line = format!("{who} {}", words::provider(it.provider));
    if it.retrieve_time.is_some() {
        line.push_str(&format!(" at {}", words::short_time(it.retrieve_time)));
    }
    if !it.provider_reference.is_empty() {
        line.push_str(&format!(", reference {}", it.provider_reference));
    }
    if !it.adapter_version.is_empty() {
        line.push_str(&format!(", adapter {}", it.adapter_version));
    }
    for warning in &it.warnings {
        line.push_str(&format!("\n  warning {}: {}", warning.code, warning.message));
    }
    printable(&line)
}
