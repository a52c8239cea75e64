//! A plan as text: one line a step, what and why.

use std::fmt::Write as _;

use crate::step::{Action, Guard, Plan, Question, Step};

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
    write!(text, "{:>3} {} {}: {}", step.id.0 + 1, step.action.verb(), subject(step), step.cause)?;
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
        Guard::VolumesGone { volumes } => format!("{} removed", volumes.join(", ")),
        Guard::Any(guards) => guards.iter().map(condition).collect::<Vec<_>>().join(" or "),
    }
}

/// What a step does, one or two words.
#[must_use]
pub const fn verb(action: &Action) -> &'static str {
    action.verb()
}

/// What a step is about; a step about nothing else is about its service.
#[must_use]
pub fn subject(step: &Step) -> String {
    match step.action {
        Action::Up => step.service.clone().unwrap_or_default(),
        ref action => action.object(),
    }
}
