//! Settles how `up` decides what to start, or finds that it runs already.

use anyhow::{Context as _, Result, bail};

use super::{detach, summary};
use crate::cli::Up;
use crate::context::Context;
use crate::layout::Layout;
use crate::region::Scale;
use crate::services::{self, Binaries};
use crate::supervisor::{self, DEFAULT_SEED, Dataset, Lock, Options, Phase, State};
use crate::{exit, machine};

/// Starts the backend, in the foreground or in the background.
pub(crate) fn run(context: &Context, asked: &Up) -> Result<u8> {
    if let Some(state) = State::load_running(&context.layout) {
        return already_running(context, asked, &state);
    }
    check_otlp(asked.otlp.as_deref())?;
    let options = options(&context.layout, asked)?;
    machine::ensure(context)?;
    let binaries = build(context, &options)?;
    if asked.detach {
        return detach::start(context, &options, &binaries, asked.wait);
    }
    let Some(lock) = take_lock(&context.layout)? else {
        bail!("another `cargo ent up` is just starting; watch it with `cargo ent status`");
    };
    write_plan(&context.layout, &options, &binaries)?;
    let result = supervisor::run(context, &options, &binaries, &lock, |state| {
        summary::print(context, &state.options)?;
        context.ui.line("Running. Ctrl-C ends everything.");
        Ok(())
    });
    match result {
        // Ctrl-C is how a foreground run ends well.
        Err(error) if exit::is_interruption(&error) => Ok(0),
        result => result.map(|()| 0),
    }
}

/// The lock of this installation's supervisor.
pub(crate) fn take_lock(layout: &Layout) -> Result<Option<Lock>> {
    Lock::try_take(&layout.path("run/supervisor.lock"))
}

fn build(context: &Context, options: &Options) -> Result<Binaries> {
    if options.only_engines { Ok(Binaries::default()) } else { services::build(context) }
}

/// Writes down what is about to run, for the background half and for `seed`.
pub(crate) fn write_plan(layout: &Layout, options: &Options, binaries: &Binaries) -> Result<()> {
    let plan = serde_json::to_string_pretty(&(options, binaries))?;
    crate::layout::write_file(&layout.path("run/plan.json"), plan, 0o600)
}

/// What was written down last.
pub(crate) fn read_plan(layout: &Layout) -> Result<(Options, Binaries)> {
    Ok(serde_json::from_str(&std::fs::read_to_string(layout.path("run/plan.json"))?)?)
}

/// The services' programs, as they were built or come with the image.
pub(crate) fn binaries(context: &Context) -> Result<Binaries> {
    if context.topology.is_containers() {
        return Ok(Binaries::of_image());
    }
    let plan = read_plan(&context.layout);
    plan.map(|(_, binaries)| binaries)
        .context("nothing is installed here yet; `cargo ent up` builds and configures the services")
}

fn options(layout: &Layout, asked: &Up) -> Result<Options> {
    let loaded = Dataset::load(layout)?;
    let scale = asked.scale.or(loaded.as_ref().map(|dataset| dataset.scale)).unwrap_or(Scale::Small);
    let seed = loaded.as_ref().map_or(DEFAULT_SEED, |dataset| dataset.seed);
    let wanted =
        Dataset { scale, seed, is_complete: loaded.as_ref().is_none_or(|dataset| dataset.is_complete) };
    if let Some(loaded) = loaded.filter(|loaded| loaded.is_complete && !loaded.is_same(&wanted)) {
        bail!(
            "the databases hold the demo data `{}`; start with `cargo ent up` and then replace them with \
             `cargo ent seed --scale {} --replace`",
            loaded.name(),
            wanted.scale_name()
        );
    }
    let (instances, otlp) = (asked.instances, asked.otlp.clone());
    let Up { faults, only_engines, .. } = *asked;
    Ok(Options { instances, dataset: wanted, otlp, faults, only_engines })
}

fn check_otlp(otlp: Option<&str>) -> Result<()> {
    let Some(url) = otlp else { return Ok(()) };
    match reqwest::Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => Ok(()),
        Ok(_) | Err(_) => bail!("--otlp {url}: not an HTTP address such as http://127.0.0.1:4318"),
    }
}

fn already_running(context: &Context, asked: &Up, state: &State) -> Result<u8> {
    let running = &state.options;
    let is_other = asked.instances != running.instances
        || asked.scale.is_some_and(|scale| scale != running.dataset.scale)
        || asked.otlp != running.otlp
        || asked.faults != running.faults
        || asked.only_engines != running.only_engines;
    if is_other {
        bail!(
            "the backend runs already with --instances {} --scale {}{}{}; `cargo ent down` first",
            running.instances,
            running.dataset.scale_name(),
            running.otlp.as_ref().map(|url| format!(" --otlp {url}")).unwrap_or_default(),
            if running.faults { " --faults" } else { " without --faults" }
        );
    }
    match state.phase {
        Phase::Ready => {
            context.ui.line("The backend runs already.");
            summary::print(context, &state.options)?;
            Ok(0)
        }
        Phase::Starting if asked.wait => detach::follow(context, None),
        Phase::Starting => {
            context.ui.line("The backend is starting already; watch it with `cargo ent logs ent --follow`.");
            Ok(0)
        }
        Phase::Failed | Phase::Stopping => {
            bail!("the backend is just being stopped; try again in a moment")
        }
    }
}
