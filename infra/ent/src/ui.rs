//! Settles how progress looks: spinners on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::clock;

/// Plain lines about one step come at most this often: what counts up would fill a log.
const PLAIN_EVERY: Duration = Duration::from_secs(2);

/// Where progress is shown.
#[derive(Clone)]
pub(crate) struct Ui {
    spinners: Option<MultiProgress>,
    is_log: bool,
}

impl Ui {
    /// Spinners when standard error is a terminal and this is not CI, else plain lines.
    pub(crate) fn detect() -> Self {
        let animated = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        Self { spinners: animated.then(MultiProgress::new), is_log: false }
    }

    /// Plain lines with their time, whatever standard error is: for the supervisor's log.
    pub(crate) fn log() -> Self {
        Self { spinners: None, is_log: true }
    }

    /// One line for a human, above the spinners if there are any.
    pub(crate) fn line(&self, text: &str) {
        match &self.spinners {
            Some(spinners) => drop(spinners.suspend(|| writeln!(std::io::stderr(), "{text}"))),
            // A reader that has gone away is no reason to stop an engine.
            None if self.is_log => {
                let time = clock::wall().format("%Y-%m-%dT%H:%M:%SZ");
                drop(writeln!(std::io::stderr(), "{time} {}", text.trim_start()));
            }
            None => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }

    /// Begins one step of a longer work.
    pub(crate) fn step(&self, title: &str) -> Step {
        let spinner = self.spinners.as_ref().map(|spinners| {
            let spinner = spinners.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {prefix}  {wide_msg:.dim}") {
                spinner.set_style(style);
            }
            spinner.set_prefix(title.to_owned());
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        if spinner.is_none() {
            self.line(&format!("  {title} ..."));
        }
        Step {
            ui: self.clone(),
            title: title.to_owned(),
            began: clock::now(),
            spinner,
            detail: String::new(),
            told: None,
        }
    }
}

/// One step that has begun and is not over.
pub(crate) struct Step {
    ui: Ui,
    title: String,
    began: Instant,
    spinner: Option<ProgressBar>,
    detail: String,
    told: Option<Instant>,
}

impl Step {
    /// Says what the step waits for or has reached.
    pub(crate) fn detail(&mut self, text: &str) {
        if self.detail == text {
            return;
        }
        text.clone_into(&mut self.detail);
        match &self.spinner {
            Some(spinner) => spinner.set_message(text.to_owned()),
            None if self.told.is_none_or(|told| told.elapsed() > PLAIN_EVERY) => {
                self.told = Some(clock::now());
                self.ui.line(&format!("    {}: {text}", self.title));
            }
            None => {}
        }
    }

    /// Ends the step well.
    pub(crate) fn done(self, text: &str) {
        self.close("ok", text);
    }

    /// Ends the step badly; the reason is told by whoever handles the error.
    pub(crate) fn failed(self) {
        self.close("FAILED", "");
    }

    fn close(self, mark: &str, text: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        let seconds = self.began.elapsed().as_secs_f64();
        let detail = if text.is_empty() { String::new() } else { format!(": {text}") };
        self.ui.line(&format!("  {mark:<6} {}{detail} ({seconds:.1} s)", self.title));
    }
}

/// Writes to standard output; a reader that has gone away (`| head`) is not an error.
pub(crate) fn out(text: &str) -> std::io::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
