//! The moving line for somebody who watches: what the job does, and for how long. It decides nothing but how that looks.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use semanas_client::JobUpdate;

use crate::cli::render;

const TICK: Duration = Duration::from_millis(100);

/// A line on standard error that turns until the next stage. It disappears with this value; ended stages stay.
pub struct Live {
    bar: ProgressBar,
    stage: Option<(String, Instant)>,
}

impl Live {
    pub fn begin() -> Live {
        let bar = ProgressBar::new_spinner();
        // A template that does not parse costs the looks and not the command.
        if let Ok(style) = ProgressStyle::with_template("  {spinner:.cyan} {msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Live { bar, stage: None }
    }

    /// Shows the stage after an update; the one before it is written down with the time that it took.
    pub fn show(&mut self, update: &JobUpdate) {
        let Some(now) = render::stage_of(update) else { return };
        if self.stage.as_ref().is_some_and(|(stage, _)| *stage == now) {
            return;
        }
        self.write_down();
        if update.is_terminal {
            self.bar.finish_and_clear();
            return;
        }
        self.bar.set_message(now.clone());
        self.bar.reset_elapsed();
        self.stage = Some((now, Instant::now()));
    }

    fn write_down(&mut self) {
        if let Some((stage, since)) = self.stage.take() {
            self.bar
                .println(format!("  \u{2713} {stage} {:.1} s", since.elapsed().as_secs_f64()));
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
