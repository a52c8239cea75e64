//! A plan as text: one line a step, what and why.

use std::fmt::Write as _;

use crate::labels;
use crate::step::{Action, Guard, Plan, Question, Step};
use crate::up::stage_name;

/// One line a step with its cause and what it waits for, then notes and questions; the same plan always prints the same.
#[must_use]
pub fn render(plan: &Plan) -> String {
    let mut text = String::new();
    if plan.steps.is_empty() {
        text.push_str("nothing to do\n");
    }
    for step in &plan.steps {
        line(&mut text, step).expect("writing to a string cannot fail");
    }
    for note in &plan.notes {
        let kind = if note.warning { "warning" } else { "note" };
        writeln!(text, "{kind}: {}", note.text).expect("writing to a string cannot fail");
    }
    for question in &plan.questions {
        writeln!(text, "question: {}", ask(question)).expect("writing to a string cannot fail");
    }
    text
}

fn line(text: &mut String, step: &Step) -> std::fmt::Result {
    write!(text, "{:>3} {} {}: {}", step.id.0 + 1, verb(&step.action), subject(step), step.cause)?;
    if let Some(guard) = &step.guard {
        write!(text, " [if {}]", condition(guard))?;
    }
    if step.optional {
        text.push_str(" [optional]");
    }
    for (word, steps) in [("needs", &step.needs), ("after", &step.after)] {
        if !steps.is_empty() {
            let numbers: Vec<String> = steps.iter().map(|id| (id.0 + 1).to_string()).collect();
            write!(text, " ({word} {})", numbers.join(" "))?;
        }
    }
    text.push('\n');
    Ok(())
}

/// The question as it is put to the user.
#[must_use]
pub fn ask(question: &Question) -> String {
    let Question::RecreateVolume { volume } = question;
    format!("Volume {volume:?} exists but doesn't match configuration in compose file. Recreate (data will be lost)?")
}

fn condition(guard: &Guard) -> String {
    match guard {
        Guard::ImageChanged { image, .. } => format!("{image} changed"),
        Guard::ImageMissing { image, .. } => format!("{image} is missing"),
        Guard::LoadDue => "not loaded yet".to_owned(),
    }
}

/// What a step does, one or two words.
#[must_use]
pub fn verb(action: &Action) -> &'static str {
    match action {
        Action::PullImage { .. } => "pull image",
        Action::BuildImage { .. } => "build image",
        Action::CreateNetwork { .. } => "create network",
        Action::RemoveNetwork { .. } => "remove network",
        Action::ConnectNetwork { .. } => "connect",
        Action::DisconnectNetwork { .. } => "disconnect",
        Action::CreateVolume { .. } => "create volume",
        Action::RemoveVolume { .. } => "remove volume",
        Action::CreateContainer(_) => "create",
        Action::InjectFiles { .. } => "copy files to",
        Action::StartContainer { .. } => "start",
        Action::StopContainer { .. } => "stop",
        Action::RestartContainer { .. } => "restart",
        Action::KillContainer { .. } => "kill",
        Action::RemoveContainer { .. } => "remove",
        Action::RenameContainer { .. } => "rename",
        Action::RemoveImage { .. } => "remove image",
        Action::Await { .. } => "await",
        Action::Probe { .. } => "probe",
        Action::Load { .. } => "load",
        Action::PluginHook { .. } => "call plugin",
        Action::ExecHook { .. } => "run in",
        Action::RunHookContainer { .. } => "run container",
        Action::Up => "up",
    }
}

/// What a step is about; a step about nothing else is about its service.
#[must_use]
pub fn subject(step: &Step) -> String {
    match step.action {
        Action::Up => step.service.clone().unwrap_or_default(),
        _ => object(&step.action),
    }
}

/// What an effect is about.
#[must_use]
pub fn object(action: &Action) -> String {
    match action {
        Action::PullImage { image, .. } | Action::BuildImage { image, .. } | Action::RemoveImage { image } => {
            image.clone()
        }
        Action::CreateNetwork { network, .. } => network.name.clone(),
        Action::RemoveNetwork { name, .. } | Action::RemoveVolume { name } => name.clone(),
        Action::CreateVolume { volume, .. } => volume.name.clone(),
        Action::ConnectNetwork { network, container, .. } => format!("{} to {network}", container.name),
        Action::DisconnectNetwork { network, container } => format!("{} from {network}", container.name),
        Action::CreateContainer(spec) => spec.create_name.clone(),
        Action::InjectFiles { container, .. }
        | Action::StartContainer { container, .. }
        | Action::StopContainer { container, .. }
        | Action::RestartContainer { container, .. }
        | Action::RemoveContainer { container, .. } => container.name.clone(),
        Action::KillContainer { container, signal } => format!("{} with {signal}", container.name),
        Action::RenameContainer { container, to } => format!("{} to {to}", container.name),
        Action::Await { service, condition, .. } => format!("{service} {}", labels::condition_name(*condition)),
        Action::Probe { probe, container } => format!("{} with {}", container.name, probe.plugin),
        Action::Load { dataset, container, .. } => {
            format!("{} into {} with {}", dataset.name, container.name, dataset.plugin)
        }
        Action::PluginHook { stage, hook, container } => {
            let place = container.as_ref().map(|container| format!(" of {}", container.name)).unwrap_or_default();
            format!("{} at {}{place}", hook.plugin, stage_name(*stage))
        }
        Action::ExecHook { kind, container, .. } => format!("{} ({kind})", container.name),
        Action::RunHookContainer { index, spec, .. } => format!("pre_start[{index}] of {}", spec.container.service),
        Action::Up => String::new(),
    }
}
