//! Single values in words: times, dates, amounts and the names of the contract's enums.

use prost_types::Timestamp;
use semanas_client::v1::{BreakerState, ChargeState, Date, JobStage, JobState, Money, OutcomeClass, Provider, Step};

/// RFC 3339 in UTC; the raw figures when no calendar knows the instant.
pub fn rfc3339(time: &Timestamp) -> String {
    match jiff::Timestamp::new(time.seconds, time.nanos) {
        Ok(time) => time.to_string(),
        Err(_) => format!("{}.{:09}", time.seconds, time.nanos),
    }
}

/// To the second, for tables; empty when absent.
pub fn short_time(time: Option<&Timestamp>) -> String {
    let Some(time) = time else { return String::new() };
    match jiff::Timestamp::new(time.seconds, 0) {
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
        JobState::Unspecified => "in a state newer than this program",
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Succeeded => "succeeded",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::OutcomeUnknown => "outcome unknown",
    }
}

pub fn stage(stage: JobStage, provider: Provider) -> String {
    let whom = match provider {
        Provider::Unspecified => "the provider",
        Provider::Kiban | Provider::TuIdentidad | Provider::Nubarium => self::provider(provider),
    };
    match stage {
        JobStage::Unspecified => "working".to_owned(),
        JobStage::Queued => "waiting for a worker".to_owned(),
        JobStage::LookingUpNss => "looking up the NSS".to_owned(),
        JobStage::AskingProvider => format!("asking {whom}"),
        JobStage::WaitingForProvider => format!("waiting for {whom}"),
        JobStage::WaitingToRetry => "waiting before the next try".to_owned(),
        JobStage::ConfirmingWithProvider => format!("confirming with {whom}"),
    }
}

pub fn provider(provider: Provider) -> &'static str {
    match provider {
        Provider::Unspecified => "-",
        Provider::Kiban => "Kiban",
        Provider::TuIdentidad => "Tu Identidad",
        Provider::Nubarium => "Nubarium",
    }
}

pub fn step(step: Step) -> &'static str {
    match step {
        Step::Unspecified => "-",
        Step::FindNss => "find NSS",
        Step::FetchHistory => "fetch history",
    }
}

pub fn charge(charge: ChargeState) -> &'static str {
    match charge {
        ChargeState::Unspecified => "-",
        ChargeState::Open => "open",
        ChargeState::Yes => "yes",
        ChargeState::No => "no",
        ChargeState::Unknown => "unknown",
    }
}

pub fn outcome(class: OutcomeClass) -> &'static str {
    match class {
        OutcomeClass::Unspecified => "under way",
        OutcomeClass::NotSent => "not sent",
        OutcomeClass::Rejected => "rejected",
        OutcomeClass::ProviderDown => "provider down",
        OutcomeClass::Answered => "answered",
        OutcomeClass::Ambiguous => "ambiguous",
    }
}

pub fn breaker(state: BreakerState) -> &'static str {
    match state {
        BreakerState::Unspecified => "-",
        BreakerState::Closed => "calls go through",
        BreakerState::Open => "calls wait",
        BreakerState::HalfOpen => "one call tries",
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
        let far = Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        };
        assert!(rfc3339(&far).starts_with("9223372036854775807"));
    }
}
