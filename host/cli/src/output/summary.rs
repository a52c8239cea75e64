//! The last words of `up`: what runs where, when it was ready, what took the time, and what did not stay up.

use windlass_plan::observed::{Container, ContainerState};
use windlass_runtime::timeline::{self, ServiceTimeline, StageTime};
use windlass_session::Summary;

use crate::commands::ps::word;
use crate::entry::context::Context;
use crate::entry::settings::Progress;
use crate::output::ui::Style;
use crate::output::visible::colourless;
use crate::output::{humanize, ports, table};

/// Prints the summary; nothing where a machine reads.
pub(crate) fn show(context: &Context, summary: &Summary) {
    if matches!(context.settings.progress, Progress::Json | Progress::Quiet) {
        return;
    }
    let ui = &context.ui;
    if !summary.changed {
        ui.status(format_args!(" {} up to date", summary.plan.project));
        return;
    }
    let timeline = timeline::summary(&summary.plan, &summary.outcome);
    let heads = ["SERVICE", "STATE", "ADDRESS", "UP AFTER", "STAGES"].map(str::to_owned).to_vec();
    let engine = context.backend.engine_address(&context.settings).unwrap_or_default();
    let host = ports::host_of(&engine);
    let rows = timeline.services.iter().map(|service| row(service, &summary.containers, host));
    let mut cells: Vec<Vec<String>> = std::iter::once(heads).chain(rows).collect();
    if context.settings.progress == Progress::Tty {
        fit(&mut cells, &timeline.services, ui.size().0);
    }
    ui.status(table::render(table::TIGHT, &cells).trim_end());
    let total = humanize::duration(summary.outcome.elapsed);
    ui.status(format_args!("total {total}{}", slowest(&timeline.services)));
    for container in summary.containers.iter().filter(|container| summary.last_lines.contains_key(&container.name)) {
        ui.warning(format_args!("container {} is {}; its last lines:", container.name, state(container)));
        for line in summary.last_lines.get(&container.name).into_iter().flatten() {
            ui.painted(format_args!("    {}", ui.paint(Style::Dim, colourless(line))));
        }
    }
}

/// The state of a container; with its exit code where that is what a person wants to know.
fn state(container: &Container) -> String {
    let ended = matches!(container.state, ContainerState::Exited | ContainerState::Dead | ContainerState::Restarting);
    match container.exit_code.filter(|_| ended) {
        Some(code) => format!("{} ({code})", word(container.state)),
        None => word(container.state).to_owned(),
    }
}

fn row(service: &ServiceTimeline, containers: &[Container], host: &str) -> Vec<String> {
    let own: Vec<&Container> = containers.iter().filter(|container| container.service() == service.service).collect();
    // One replica that does not run is the news.
    let fallen = own.iter().find(|container| container.state != ContainerState::Running);
    let states = fallen.or(own.first()).map_or_else(|| "-".to_owned(), |container| state(container));
    let addresses: Vec<String> = own.iter().flat_map(|container| ports::reachable(&container.ports, host)).collect();
    let up = service.up_at.map_or_else(|| "-".to_owned(), humanize::duration);
    let address = if addresses.is_empty() { "-".to_owned() } else { addresses.join(" ") };
    vec![service.service.clone(), states, address, up, stages(service, service.stages.len())]
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
