//! The order of a work history: newest first.
//!
//! Decides how entries with missing dates compare with dated ones. Providers list oldest first or newest first, so
//! their order is kept only between entries that nothing else tells apart.

use std::cmp::Reverse;

use jiff::civil::Date;

use super::employment::{Employment, EmploymentEnd, Movement};

/// Sorts current jobs first, then by start, then by end, each newest first and without a date last. Stable.
pub(crate) fn sort_employments_newest_first(employments: &mut [Employment]) {
    employments.sort_by_key(|employment| Reverse(recency(employment)));
}

/// Sorts by date, newest first and without a date last. Stable.
pub(crate) fn sort_movements_newest_first(movements: &mut [Movement]) {
    movements.sort_by_key(|movement| Reverse(movement.date));
}

fn recency(employment: &Employment) -> (bool, Option<Date>, Option<Date>) {
    let end = match employment.end {
        EmploymentEnd::On(date) => Some(date),
        EmploymentEnd::Current | EmploymentEnd::Unknown => None,
    };
    (employment.end == EmploymentEnd::Current, employment.start, end)
}
