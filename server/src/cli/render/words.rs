//! Single values in words: times, dates, amounts and the names of the contract's enums.

use std::time::{SystemTime, UNIX_EPOCH};

use semanas_client::{BreakerState, ChargeState, Date, JobStage, JobState, Money, OutcomeClass, Provider, Step};

/// RFC 3339 in UTC; the seconds since 1970 when no calendar knows the instant.
pub fn rfc3339(time: SystemTime) -> String {
    match jiff::Timestamp::try_from(time) {
        Ok(time) => time.to_string(),
        Err(_) => match time.duration_since(UNIX_EPOCH) {
            Ok(since) => format!("{}.{:09}", since.as_secs(), since.subsec_nanos()),
            Err(before) => format!(
                "-{}.{:09}",
                before.duration().as_secs(),
                before.duration().subsec_nanos()
            ),
        },
    }
}

/// To the second, for tables; empty when absent.
pub fn short_time(time: Option<SystemTime>) -> String {
    let Some(time) = time else { return String::new() };
    match jiff::Timestamp::try_from(time).and_then(|time| jiff::Timestamp::new(time.as_second(), 0)) {
        Ok(time) => time.to_string(),
        Err(_) => rfc3339(time),
    }
}

/// `2021-07-05`; empty when absent.
pub fn date(date: Option<&Date>) -> String {
    date.map(|date| format!("{:04}-{:02}-{:02}", date.year, date.month, date.day))
        .unwrap_or_default()
}

/// `1,234.56`, more decimals only where there are more; empty when absent.
pub fn money(money: Option<&Money>) -> String {
    let Some(money) = money else { return String::new() };
    let sign = if money.units < 0 || money.nanos < 0 { "-" } else { "" };
    let digits = money.units.unsigned_abs().to_string();
    let mut whole = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            whole.push(',');
        }
        whole.push(digit);
    }
    let nanos = format!("{:09}", money.nanos.unsigned_abs());
    let cents = nanos.trim_end_matches('0');
    format!("{sign}{whole}.{cents:0<2}")
}

/// The text with whatever could drive a terminal replaced.
pub fn printable(text: &str) -> String {
    let safe = |letter: char| {
        if letter.is_control() && letter != '\n' {
            '\u{fffd}'
        } else {
            letter
        }
    };
    text.chars().map(safe).collect()
}

pub fn state(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Succeeded => "succeeded",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::OutcomeUnknown => "outcome unknown",
        _ => "in a state newer than this program",
    }
}

pub fn stage(stage: JobStage, provider: Provider) -> String {
    let whom = match provider {
        Provider::Kiban | Provider::TuIdentidad | Provider::Nubarium => self::provider(provider),
        _ => "the provider",
    };
    match stage {
        JobStage::Queued => "waiting for a worker".to_owned(),
        JobStage::LookingUpNss => "looking up the NSS".to_owned(),
        JobStage::AskingProvider => format!("asking {whom}"),
        JobStage::WaitingForProvider => format!("waiting for {whom}"),
        JobStage::WaitingToRetry => "waiting before the next try".to_owned(),
        JobStage::ConfirmingWithProvider => format!("confirming with {whom}"),
        _ => "working".to_owned(),
    }
}

pub fn provider(provider: Provider) -> &'static str {
    match provider {
        Provider::Kiban => "Kiban",
        Provider::TuIdentidad => "Tu Identidad",
        Provider::Nubarium => "Nubarium",
        _ => "-",
    }
}

pub fn step(step: Step) -> &'static str {
    match step {
        Step::FindNss => "find NSS",
        Step::FetchHistory => "fetch history",
        _ => "-",
    }
}

pub fn charge(charge: ChargeState) -> &'static str {
    match charge {
        ChargeState::Open => "open",
        ChargeState::Yes => "yes",
        ChargeState::No => "no",
        ChargeState::Unknown => "unknown",
        _ => "-",
    }
}

pub fn outcome(class: OutcomeClass) -> &'static str {
    match class {
        OutcomeClass::NotSent => "not sent",
        OutcomeClass::Rejected => "rejected",
        OutcomeClass::ProviderDown => "provider down",
        OutcomeClass::Answered => "answered",
        OutcomeClass::Ambiguous => "ambiguous",
        _ => "under way",
    }
}

pub fn breaker(state: BreakerState) -> &'static str {
    match state {
        BreakerState::Closed => "calls go through",
        BreakerState::Open => "calls wait",
        BreakerState::HalfOpen => "one call tries",
        _ => "-",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_money(units: i64, nanos: i32, expected: &str) {
        let amount = Money {
            currency_code: "MXN".into(),
            units,
            nanos,
        };
        assert_eq!(money(Some(&amount)), expected);
    }

    #[test]
    fn money_is_exact() {
        check_money(0, 0, "0.00");
        check_money(1_234, 560_000_000, "1,234.56");
        check_money(1_000_000, 5_000_000, "1,000,000.005");
        check_money(0, -10_000_000, "-0.01");
        check_money(999, 0, "999.00");
        assert_eq!(money(None), "");
    }

    #[test]
    fn an_answer_cannot_drive_the_terminal() {
        assert_eq!(printable("A\u{1b}[31mB\rC"), "A\u{fffd}[31mB\u{fffd}C");
    }

    #[test]
    fn a_time_that_no_calendar_knows_is_still_shown() {
        let far = UNIX_EPOCH + std::time::Duration::from_secs(9_000_000_000_000);
        assert!(rfc3339(far).starts_with("9000000000000"));
    }
}
