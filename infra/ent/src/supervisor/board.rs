//! Settles how the progress of the start is told twice: on this process's terminal or log, and in the state file.

use std::path::PathBuf;

use anyhow::Result;

use super::Crew;
use super::lock::Lock;
use super::state::{self, Options, Phase, State, StepRecord, StepState};
use crate::context::Context;
use crate::ui::{Step, Ui};

/// The state that this supervisor keeps written down.
pub(crate) struct Board {
    state: State,
    path: PathBuf,
    ui: Ui,
    current: Option<Step>,
}

impl Board {
    /// Begins a new state; only the holder of the lock may.
    pub(crate) fn new(context: &Context, _lock: &Lock, options: &Options) -> Result<Self> {
        let path = state::path(&context.layout);
        let board = Self { state: State::new(options), path, ui: context.ui.clone(), current: None };
        board.save()?;
        Ok(board)
    }

    /// What is written down now.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Does one step of the start and tells its beginning and end. The step returns what came of it.
    pub(crate) fn step(&mut self, title: &str, work: impl FnOnce(&mut Self) -> Result<String>) -> Result<()> {
        self.current = Some(self.ui.step(title));
        let record = StepRecord { title: title.to_owned(), detail: String::new(), state: StepState::Running };
        self.state.steps.push(record);
        self.save()?;
        let result = work(self);
        let (state, text) = match &result {
            Ok(text) => (StepState::Done, text.as_str()),
            Err(_) => (StepState::Failed, ""),
        };
        match (self.current.take(), state) {
            (Some(step), StepState::Done) => step.done(text),
            (Some(step), StepState::Failed | StepState::Running) => step.failed(),
            (None, _) => {}
        }
        self.update_step(|record| {
            record.state = state;
            text.clone_into(&mut record.detail);
        })?;
        result.map(drop)
    }

    /// Says what the running step waits for.
    pub(crate) fn detail(&mut self, text: &str) -> Result<()> {
        if let Some(step) = &mut self.current {
            step.detail(text);
        }
        self.update_step(|record| text.clone_into(&mut record.detail))
    }

    fn update_step(&mut self, change: impl FnOnce(&mut StepRecord)) -> Result<()> {
        let Some(last) = self.state.steps.last_mut() else { return Ok(()) };
        let before = last.clone();
        change(last);
        if *last == before { Ok(()) } else { self.save() }
    }

    /// Enters another phase.
    pub(crate) fn phase(&mut self, phase: Phase, message: &str) -> Result<()> {
        self.state.phase = phase;
        message.clone_into(&mut self.state.message);
        self.save()
    }

    /// Writes the processes down if anything about them has changed.
    pub(crate) fn processes(&mut self, crew: &Crew) -> Result<()> {
        let records = crew.records();
        if records == self.state.processes {
            return Ok(());
        }
        self.state.processes = records;
        self.save()
    }

    /// The last word: the state of a failure is kept for whoever asks, any other goes away.
    pub(crate) fn finish(self) -> Result<()> {
        if self.state.phase != Phase::Failed {
            std::fs::remove_file(&self.path)?;
        }
        Ok(())
    }

    fn save(&self) -> Result<()> {
        self.state.save(&self.path)
    }
}
