//! A figure that was measured several times: its median, and how far the others lie.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// Of at least one figure; those that are not numbers are left out.
    pub fn of(figures: &[f64]) -> Spread {
        let mut sorted: Vec<f64> = figures.iter().copied().filter(|figure| !figure.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let Some((min, max)) = sorted.first().copied().zip(sorted.last().copied()) else {
            let nothing = f64::NAN;
            return Spread {
                median: nothing,
                min: nothing,
                max: nothing,
            };
        };
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
            _odd => sorted[middle],
        };
        Spread { median, min, max }
    }

    /// Of pairs that were measured one right after the other, so that a machine that slows down meanwhile changes little.
    pub fn of_ratios(figures: &[f64], floors: &[f64]) -> Spread {
        let ratios: Vec<f64> = figures
            .iter()
            .zip(floors)
            .map(|(figure, floor)| figure / floor)
            .collect();
        Spread::of(&ratios)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spread { median, min, max } = *self;
        if min == max {
            return write!(f, "{}", short(median));
        }
        write!(f, "{} ({}..{})", short(median), short(min), short(max))
    }
}

/// Three digits that mean something.
fn short(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        size if size >= 0.1 => format!("{figure:.2}"),
        _small => format!("{figure:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_and_ratios_are_taken_by_pairs() {
        let spread = Spread::of(&[3.0, f64::NAN, 1.0, 2.0]);
        assert_eq!(spread.to_string(), "2.00 (1.00..3.00)");
        assert_eq!(Spread::of_ratios(&[5.0, 10.0], &[10.0, 20.0]).to_string(), "0.50");
    }
}
