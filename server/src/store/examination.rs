//! Whether what a store keeps of a job hangs together: what a bug in a script, or a hand in the data, would have torn apart.
//!
//! Pure, for both stores, and it repairs nothing. It does not know how jobs are found.

use crate::{domain::job::Job, store::codec};

/// Damaged jobs that are named; of more it is enough to know how many.
const NAMED_MAX: usize = 10;

/// What stands of one job in different places, read at one instant.
pub(crate) struct Kept<'a> {
    pub id: &'a str,
    /// `None` = only the due set knows it.
    pub record: Option<&'a [u8]>,
    /// The number of the last event, as it stands beside the record.
    pub sequence: Option<u64>,
    pub is_due: bool,
    pub has_ended: bool,
}

/// What was found in a whole data set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Examination {
    pub jobs: u64,
    pub damaged: u64,
    /// Some of the damaged ones, each with what is wrong.
    pub named: Vec<String>,
}

impl Examination {
    pub(crate) fn note(&mut self, kept: &Kept<'_>) {
        self.jobs += 1;
        if let Some(damage) = damage(kept) {
            self.damaged += 1;
            if self.named.len() < NAMED_MAX {
                self.named.push(format!("{} {damage}", kept.id));
            }
        }
    }

    /// What an operator is told: that all is well, or what is not.
    pub(crate) fn verdict(&self) -> Result<String, String> {
        if self.damaged == 0 {
            return Ok(format!("{} jobs, each whole", self.jobs));
        }
        let named = self.named.join("; ");
        Err(format!("{} of {} jobs are damaged: {named}", self.damaged, self.jobs))
    }
}

/// What to do about a damaged data set.
pub(crate) const WHAT_TO_DO: &str = "nothing repairs this by itself: keep a copy of the data set as it is, look up the charges of these \
                                     jobs (semanas charges), and restore a backup, or ask for help with the copy";

fn damage(kept: &Kept<'_>) -> Option<String> {
    let Some(record) = kept.record else {
        return Some("is due, but is not there".to_owned());
    };
    let job = match codec::decode_job(kept.id, record) {
        Ok(job) => job,
        Err(error) => return Some(error.to_string()),
    };
    let torn = [
        (job.id.as_str() != kept.id, "stands under another job's name"),
        (!job.is_terminal() && !kept.is_due, "has not ended and is never due"),
        (job.is_terminal() && kept.is_due, "has ended and is due"),
        (
            job.is_terminal() != kept.has_ended,
            "is not counted as ended exactly when it has",
        ),
        (
            kept.sequence != Some(job.sequence),
            "has another number of events than stands beside it",
        ),
        (!is_contiguous(&job), "has a gap in its events"),
    ];
    let wrong: Vec<&str> = torn.iter().filter(|(is_so, _)| *is_so).map(|(_, what)| *what).collect();
    (!wrong.is_empty()).then(|| wrong.join(", "))
}

fn is_contiguous(job: &Job) -> bool {
    let numbers = job.events.iter().map(|event| event.sequence);
    let first = job.sequence + 1 - job.events.len() as u64;
    !job.events.is_empty() && numbers.eq(first..=job.sequence)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::store::conformance::fixtures;

    #[track_caller]
    fn check(job: &Job, change: impl FnOnce(&mut Kept<'_>), expected: Option<&str>) {
        let record = codec::encode_job(job);
        let mut kept = Kept {
            id: job.id.as_str(),
            record: Some(&record),
            sequence: Some(job.sequence),
            is_due: !job.is_terminal(),
            has_ended: job.is_terminal(),
        };
        change(&mut kept);
        assert_eq!(damage(&kept).as_deref(), expected);
    }

    #[test]
    fn every_tear_is_named() {
        let job = fixtures::work_history(1, fixtures::EPOCH);
        check(&job, |_| (), None);
        check(&job, |kept| kept.is_due = false, Some("has not ended and is never due"));
        check(&job, |kept| kept.record = None, Some("is due, but is not there"));
        let events = "has another number of events than stands beside it";
        check(&job, |kept| kept.sequence = Some(2), Some(events));
        let mut gap = job.clone();
        gap.sequence = 2;
        check(&gap, |_| (), Some("has a gap in its events"));
        let mut ended = job;
        ended.state = crate::domain::job::State::Cancelled { at: fixtures::EPOCH };
        check(&ended, |_| (), None);
        check(&ended, |kept| kept.is_due = true, Some("has ended and is due"));
    }

    #[test]
    fn of_many_damaged_jobs_some_are_named() {
        let mut examination = Examination::default();
        for _ in 0..25 {
            examination.note(&Kept {
                id: "wh_x",
                record: None,
                sequence: None,
                is_due: true,
                has_ended: false,
            });
        }
        assert_eq!((examination.damaged, examination.named.len()), (25, NAMED_MAX));
        assert!(
            examination
                .verdict()
                .unwrap_err()
                .starts_with("25 of 25 jobs are damaged: wh_x")
        );
    }
}
