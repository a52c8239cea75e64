//! The last words of `up`: what runs where, when it was ready, and what took the time.

use std::sync::Arc;

use windlass_model::Project;
use windlass_plan::Plan;
use windlass_plan::observed::Container;
use windlass_plan::step::Action;
use windlass_runtime::engine::ContainerFilter;
use windlass_runtime::outcome::StepResult;
use windlass_runtime::timeline::{self, ServiceTimeline};
use windlass_runtime::{Ending, Engine, Outcome};

use super::commands::ps::word;
use crate::context::Context;
use crate::errors::CliResult;
use crate::settings::Progress;
use crate::{humanize, ports, table};

/// Prints the summary; nothing where nothing was done, or where a machine reads.
pub(crate) async fn show(
    context: &Context,
    engine: &Arc<dyn Engine>,
    project: &Project,
    plan: &Plan,
    outcome: &Outcome,
) -> CliResult<()> {
    let machine = matches!(context.settings.progress, Progress::Json | Progress::Quiet);
    if machine || outcome.ending() != Ending::Success {
        return Ok(());
    }
    let worked = |step: &windlass_plan::Step| {
        let done = outcome.steps.get(step.id.0).is_some_and(|record| record.result == StepResult::Done);
        done && !matches!(step.action, Action::Up | Action::Probe { .. } | Action::Await { .. })
    };
    if !plan.steps.iter().any(worked) {
        context.ui.status(format_args!(" {} up to date", project.name));
        return Ok(());
    }
    let filter =
        ContainerFilter { project: Some(project.name.clone()), all: true, one_off: Some(false), service: None };
    let containers = engine.list_containers(&filter).await?;
    let timeline = timeline::summary(plan, outcome);
    let heads = ["SERVICE", "STATE", "ADDRESS", "UP AFTER", "STAGES"].map(str::to_owned).to_vec();
    let rows = timeline.services.iter().map(|service| row(service, &containers));
    let cells: Vec<Vec<String>> = std::iter::once(heads).chain(rows).collect();
    context.ui.status(table::render(table::TIGHT, &cells).trim_end());
    context.ui.status(format_args!("total {}{}", humanize::duration(outcome.elapsed), slowest(&timeline.services)));
    Ok(())
}

fn row(service: &ServiceTimeline, containers: &[Container]) -> Vec<String> {
    let own: Vec<&Container> = containers.iter().filter(|container| container.service() == service.service).collect();
    let states = own.first().map_or("-", |container| word(container.state));
    let addresses: Vec<String> = own.iter().flat_map(|container| ports::reachable(&container.ports)).collect();
    let stages: Vec<String> = service
        .stages
        .iter()
        .map(|stage| format!("{} {}", stage.stage, humanize::duration(stage.end.saturating_sub(stage.begin))))
        .collect();
    let up = service.up_at.map_or_else(|| "-".to_owned(), humanize::duration);
    let address = if addresses.is_empty() { "-".to_owned() } else { addresses.join(" ") };
    vec![service.service.clone(), states.to_owned(), address, up, stages.join(" · ")]
}

/// The one stage that took longest.
fn slowest(services: &[ServiceTimeline]) -> String {
    let all = services.iter().flat_map(|service| {
        service.stages.iter().map(move |stage| (stage.end.saturating_sub(stage.begin), service, stage))
    });
    let longest = all.filter(|(_, _, stage)| stage.stage != "wait").max_by_key(|(took, _, _)| *took);
    longest
        .map(|(took, service, stage)| {
            format!(", slowest: {} of {} with {}", stage.stage, service.service, humanize::duration(took))
        })
        .unwrap_or_default()
}
