//! The last words of `up`: what runs where, when it was ready, and what took the time.

use std::sync::Arc;

use windlass_model::Project;
use windlass_plan::Plan;
use windlass_plan::observed::Container;
use windlass_plan::step::Action;
use windlass_runtime::engine::ContainerFilter;
use windlass_runtime::outcome::StepResult;
use windlass_runtime::timeline::{self, ServiceTimeline, StageTime};
use windlass_runtime::{Ending, Engine, Outcome};

use crate::commands::ps::word;
use crate::entry::context::Context;
use crate::entry::settings::Progress;
use crate::errors::CliResult;
use crate::output::{humanize, ports, table};

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
    let mut cells: Vec<Vec<String>> = std::iter::once(heads).chain(rows).collect();
    if context.settings.progress == Progress::Tty {
        fit(&mut cells, &timeline.services, context.ui.options().width);
    }
    context.ui.status(table::render(table::TIGHT, &cells).trim_end());
    context.ui.status(format_args!("total {}{}", humanize::duration(outcome.elapsed), slowest(&timeline.services)));
    Ok(())
}

fn row(service: &ServiceTimeline, containers: &[Container]) -> Vec<String> {
    let own: Vec<&Container> = containers.iter().filter(|container| container.service() == service.service).collect();
    let states = own.first().map_or("-", |container| word(container.state));
    let addresses: Vec<String> = own.iter().flat_map(|container| ports::reachable(&container.ports)).collect();
    let up = service.up_at.map_or_else(|| "-".to_owned(), humanize::duration);
    let address = if addresses.is_empty() { "-".to_owned() } else { addresses.join(" ") };
    vec![service.service.clone(), states.to_owned(), address, up, stages(service, service.stages.len())]
}

/// The `most` longest stages, in their order.
fn stages(service: &ServiceTimeline, most: usize) -> String {
    let took = |stage: &StageTime| stage.end.saturating_sub(stage.begin);
    let mut longest: Vec<usize> = (0..service.stages.len()).collect();
    longest.sort_by_key(|index| std::cmp::Reverse(took(&service.stages[*index])));
    longest.truncate(most);
    longest.sort_unstable();
    let all = longest.iter().map(|index| &service.stages[*index]);
    let all: Vec<String> = all.map(|stage| format!("{} {}", stage.stage, humanize::duration(took(stage)))).collect();
    if most < service.stages.len() { format!("{} …", all.join(" · ")) } else { all.join(" · ") }
}

/// Leaves out the shortest stages of lines that would not fit into the terminal: they explain the fewest seconds.
fn fit(cells: &mut [Vec<String>], services: &[ServiceTimeline], width: usize) {
    let wide = |text: &str| unicode_width::UnicodeWidthStr::width(text);
    let before: usize = (0..4).map(|column| cells.iter().map(|row| wide(&row[column])).max().unwrap_or(0) + 2).sum();
    for (row, service) in cells[1..].iter_mut().zip(services) {
        let mut most = service.stages.len();
        while most > 1 && before + wide(&row[4]) > width {
            most -= 1;
            row[4] = stages(service, most);
        }
    }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn service(stages: &[(&'static str, u64)]) -> ServiceTimeline {
        let stage = |(stage, took): &(&'static str, u64)| StageTime {
            stage,
            begin: Duration::ZERO,
            end: Duration::from_millis(*took),
        };
        ServiceTimeline { service: "es".to_owned(), stages: stages.iter().map(stage).collect(), up_at: None }
    }

    #[test]
    fn the_longest_stages_stay_when_room_is_scarce() {
        let services = [service(&[("image", 100), ("create", 0), ("start", 400), ("ready", 2500), ("load", 700)])];
        let line = |width| {
            let head = ["SERVICE", "STATE", "ADDRESS", "UP AFTER", "STAGES"].map(str::to_owned).to_vec();
            let mut cells =
                vec![head, vec!["es".into(), "running".into(), "-".into(), "3.9s".into(), stages(&services[0], 5)]];
            fit(&mut cells, &services, width);
            cells[1][4].clone()
        };
        assert_eq!(line(200), "image 0.1s · create 0.0s · start 0.4s · ready 2.5s · load 0.7s");
        assert_eq!(line(80), "start 0.4s · ready 2.5s · load 0.7s …");
        assert_eq!(line(20), "ready 2.5s …");
    }
}
