//! What the sandbox knows about a person's working life, in no provider's words.
//!
//! Each provider writes it in its own way; this file only holds the facts, the exact amounts of money, and the small
//! builder with which the synthetic people are written down.

use jiff::civil::Date;

/// A daily base salary in centavos: money is exact here, never binary floating point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Salary(pub(crate) u64);

impl Salary {
    /// `1234.56`, always with two decimals.
    pub(crate) fn plain(self) -> String {
        format!("{}.{:02}", self.0 / 100, self.0 % 100)
    }

    /// `$ 1,234.56`, as the printed statement of weeks shows it.
    pub(crate) fn printed(self) -> String {
        let pesos = (self.0 / 100).to_string();
        let mut grouped = String::new();
        for (place, digit) in pesos.chars().enumerate() {
            if place > 0 && (pesos.len() - place).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        format!("$ {grouped}.{:02}", self.0 % 100)
    }
}

#[derive(Clone)]
pub(crate) struct Movement {
    pub(crate) kind: &'static str,
    pub(crate) date: Date,
    pub(crate) salary: Salary,
}

/// One row of the history; `end` is absent while the job is current.
#[derive(Clone)]
pub(crate) struct Employment {
    pub(crate) employer: String,
    pub(crate) registry: String,
    pub(crate) entity: String,
    pub(crate) start: Date,
    pub(crate) end: Option<Date>,
    pub(crate) salary: Salary,
    pub(crate) movements: Vec<Movement>,
}

/// The weeks as the institute reports them; `total` need not be the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Weeks {
    pub(crate) quoted: u32,
    pub(crate) discounted: u32,
    pub(crate) reintegrated: u32,
    pub(crate) total: u32,
}

/// A person's employments, newest first, and their weeks.
#[derive(Clone, Default)]
pub(crate) struct History {
    pub(crate) employments: Vec<Employment>,
    pub(crate) weeks: Weeks,
}

/// The day up to which current jobs count weeks. Fixed, so that a person looks the same on every day.
pub(crate) const WEEKS_AS_OF: Date = Date::constant(2025, 10, 31);

impl History {
    /// Sorts the employments newest first and counts the weeks that they cover.
    pub(crate) fn of(mut employments: Vec<Employment>) -> Self {
        employments.sort_by_key(|job| std::cmp::Reverse((job.start, job.end)));
        let quoted = covered_weeks(&employments);
        Self {
            employments,
            weeks: Weeks {
                quoted,
                total: quoted,
                ..Weeks::default()
            },
        }
    }

    pub(crate) fn with_weeks(self, weeks: Weeks) -> Self {
        Self { weeks, ..self }
    }

    /// The newest `limit` employments; 0 means all of them.
    pub(crate) fn newest(&self, limit: usize) -> &[Employment] {
        let kept = if limit == 0 {
            self.employments.len()
        } else {
            limit.min(self.employments.len())
        };
        &self.employments[..kept]
    }
}

/// Days under at least one employment, in whole weeks: overlapping jobs count once.
fn covered_weeks(newest_first: &[Employment]) -> u32 {
    let mut covered_days = 0;
    let mut covered_until: Option<Date> = None;
    for job in newest_first.iter().rev() {
        let end = job.end.unwrap_or(WEEKS_AS_OF);
        let from = covered_until.map_or(job.start, |until| job.start.max(until));
        if end > from {
            covered_days += (end - from).get_days();
            covered_until = Some(end);
        }
    }
    u32::try_from(covered_days / 7).unwrap_or(0)
}

/// Starts a row: employer, registro patronal, federal entity, first day, daily base salary in centavos.
pub(crate) fn job(employer: &str, registry: &str, entity: &str, start: Date, salary_centavos: u64) -> Employment {
    let salary = Salary(salary_centavos);
    Employment {
        employer: employer.to_owned(),
        registry: registry.to_owned(),
        entity: entity.to_owned(),
        start,
        end: None,
        salary,
        movements: vec![Movement {
            kind: "ALTA",
            date: start,
            salary,
        }],
    }
}

impl Employment {
    pub(crate) fn until(mut self, end: Date) -> Self {
        self.end = Some(end);
        let last_salary_centavos = self.salary.0;
        self.movement("BAJA", end, last_salary_centavos)
    }

    pub(crate) fn raise(mut self, date: Date, salary_centavos: u64) -> Self {
        self.salary = Salary(salary_centavos);
        self.movement("MODIFICACION DE SALARIO", date, salary_centavos)
    }

    /// Adds a movement; the list of movements is newest first, as the portals print it.
    pub(crate) fn movement(mut self, kind: &'static str, date: Date, salary_centavos: u64) -> Self {
        self.movements.insert(
            0,
            Movement {
                kind,
                date,
                salary: Salary(salary_centavos),
            },
        );
        self
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn money_is_written_exactly() {
        assert_eq!(Salary(123_456).printed(), "$ 1,234.56");
        assert_eq!(Salary(13_639).printed(), "$ 136.39");
        assert_eq!(Salary(12_345_678_900).printed(), "$ 123,456,789.00");
        assert_eq!(Salary(5).plain(), "0.05");
    }

    #[test]
    fn overlapping_jobs_count_their_weeks_once() {
        let first = job("A", "A1", "SONORA", date(2020, 1, 1), 100).until(date(2020, 1, 29));
        let second = job("B", "B1", "SONORA", date(2020, 1, 15), 100).until(date(2020, 2, 5));
        assert_eq!(History::of(vec![first, second]).weeks.quoted, 5);
    }
}
