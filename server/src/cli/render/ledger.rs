//! What operators read: charges and providers.

use semanas_client::{Charge, ProviderStatus};

use crate::cli::render::Column::{Exact, Text};
use crate::cli::render::{table, words};

/// The ledger as a table.
pub fn charges(charges: &[Charge], width: Option<u16>) -> String {
    if charges.is_empty() {
        return "No charges.".to_owned();
    }
    let header = [
        Exact("Opened"),
        Text("Provider"),
        Text("Step"),
        Exact("Charged"),
        Text("Outcome"),
        Exact("Job, provider's reference"),
        Text("Note"),
    ];
    // Two identifiers side by side fit no window; in a pipe a charge is one line, for grep.
    let between = if width.is_some() { "\n" } else { "  " };
    let rows = charges.iter().map(|charge| {
        let late = if charge.late { " (late)" } else { "" };
        vec![
            words::short_time(charge.open_time),
            words::provider(charge.provider).to_owned(),
            words::step(charge.step).to_owned(),
            words::charge(charge.state).to_owned(),
            format!("{}{late}", words::outcome(charge.outcome_class)),
            identifiers(charge, between),
            charge.note.clone(),
        ]
    });
    table(&header, rows, width)
}

fn identifiers(charge: &Charge, between: &str) -> String {
    match charge.provider_reference.as_str() {
        "" => charge.job_id.clone(),
        reference => format!("{}{between}{reference}", charge.job_id),
    }
}

/// The providers as a table; what an operator must see to stands in the last column.
pub fn providers(providers: &[ProviderStatus], width: Option<u16>) -> String {
    let header = [
        Exact("Provider"),
        Exact("Configured"),
        Exact("Breaker"),
        Exact("Failures"),
        Exact("In flight"),
        Text("Attention"),
    ];
    let rows = providers.iter().map(|status| {
        let in_flight_max = match status.in_flight_max {
            0 => String::new(),
            most => format!(" of {most}"),
        };
        vec![
            words::provider(status.provider).to_owned(),
            if status.configured { "yes" } else { "no" }.to_owned(),
            words::breaker(status.breaker_state).to_owned(),
            status.consecutive_failures.to_string(),
            format!("{}{in_flight_max}", status.in_flight),
            attention(status),
        ]
    });
    table(&header, rows, width)
}

fn attention(status: &ProviderStatus) -> String {
    let mut parts = Vec::new();
    if status.credentials_refused {
        parts.push("refuses our credentials".to_owned());
    }
    if status.contract_changed {
        parts.push("answered in an unknown shape".to_owned());
    }
    if let Some(time) = status.retry_time {
        parts.push(format!("next try {}", words::short_time(Some(time))));
    }
    parts.join("; ")
}
