//! A live line for everything that is at work, with what it waits for and how long; it collapses when it is done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use unicode_width::UnicodeWidthChar as _;
use windlass_plan::step::Action;
use windlass_plan::{Plan, Step, StepId};
use windlass_runtime::event::Stamped;
use windlass_runtime::hooks::{LogSeverity, Verdict};
use windlass_runtime::{Event, Outcome};

use super::{Scene, words};
use crate::output::humanize;
use crate::output::ui::{Style, Ui};
use crate::output::visible::visible;

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// Rows of the screen that the live area leaves free.
const ROWS_LEFT: usize = 2;

/// State between events.
pub(super) struct Live {
    title: &'static str,
    begin: Instant,
    verbose: bool,
    running: BTreeMap<StepId, Line>,
    /// Steps that ended, whatever came of them.
    over: BTreeSet<StepId>,
    done: usize,
    all: usize,
    ended: bool,
}

struct Line {
    since: Instant,
    detail: String,
}

impl Live {
    pub(super) fn new(title: &'static str, plan: &Plan, verbose: bool) -> Self {
        let all = plan.steps.iter().filter(|step| words::done(&step.action).is_some()).count();
        Self {
            title,
            begin: Instant::now(),
            verbose,
            running: BTreeMap::new(),
            over: BTreeSet::new(),
            done: 0,
            all,
            ended: false,
        }
    }

    pub(super) fn event(&mut self, ui: &Ui, scene: &Scene, event: &Stamped) {
        let plan = &*scene.plan;
        match &event.event {
            Event::StepStarted(id) => {
                self.running.insert(*id, Line { since: Instant::now(), detail: String::new() });
            }
            Event::StepSkipped(id, _) => self.end(*id, plan),
            Event::StepCancelled(id) => self.give_up(*id),
            Event::StepDone(id, took) => {
                self.end(*id, plan);
                self.collapse(ui, plan, *id, *took);
            }
            Event::StepFailed { step, .. } => {
                self.end(*step, plan);
                words::show_failure(ui, scene, &event.event);
            }
            Event::Transfer(id, progress) => self.detail(*id, progress.text.clone()),
            Event::ProbeAttempt { step, verdict, .. } if !matches!(verdict, Verdict::Ready) => {
                self.detail(*step, words::verdict(verdict));
            }
            Event::LoadProgress { step, done, total, label } => {
                let total = total.map(|total| format!(" of {total}")).unwrap_or_default();
                self.detail(*step, format!("{done}{total} {label}"));
            }
            Event::PluginLog { severity, message, .. } if self.verbose || *severity >= LogSeverity::Warning => {
                ui.status(format_args!("   {message}"));
            }
            Event::HookOutput { line, .. } => ui.painted(format_args!("   {line}")),
            Event::Note { .. } => words::show_failure(ui, scene, &event.event),
            Event::ShutdownRequested(false) => ui.status("Gracefully stopping... press Ctrl+C again to force"),
            // A probe that says ready ends its step, which shows that; what plugins log quietly is for `--verbose`.
            Event::ProbeAttempt { .. } | Event::PluginLog { .. } | Event::ShutdownRequested(true) => {}
        }
        self.draw(ui, plan);
    }

    fn end(&mut self, id: StepId, plan: &Plan) {
        self.give_up(id);
        self.done += usize::from(words::done(&words::step(plan, id).action).is_some());
    }

    /// It is over without having done anything.
    fn give_up(&mut self, id: StepId) {
        self.running.remove(&id);
        self.over.insert(id);
    }

    fn detail(&mut self, id: StepId, text: String) {
        if let Some(line) = self.running.get_mut(&id) {
            line.detail = text;
        }
    }

    /// What took time or made something stays as one line; the many quick steps leave none.
    fn collapse(&self, ui: &Ui, plan: &Plan, id: StepId, took: Duration) {
        let step = words::step(plan, id);
        let Some(done) = words::done(&step.action) else { return };
        let left = format!(
            " {} {} {}",
            ui.paint(Style::Green, "✔"),
            visible(&words::resource(step)),
            ui.paint(Style::Dim, done)
        );
        ui.painted(right_aligned(&left, &humanize::duration(took), ui.size().0));
    }

    /// Draws the area: a header, then what is at work, as much as fits.
    pub(super) fn draw(&self, ui: &Ui, plan: &Plan) {
        if self.ended {
            return;
        }
        let (width, height) = ui.size();
        // One row stays for what is printed above, and one for the cursor: a terminal whose whole screen is erased may take
        // that for the end of a page, and keep each frame.
        let room = height.saturating_sub(ROWS_LEFT + 1).min(12);
        let header = format!("[+] {} {}/{}", self.title, self.done, self.all);
        let mut lines =
            vec![right_aligned(&ui.paint(Style::Bold, header), &humanize::duration(self.begin.elapsed()), width)];
        let frame = FRAMES[usize::try_from(self.begin.elapsed().as_millis() / 100).unwrap_or(0) % FRAMES.len()];
        let shown = self.running.iter().filter(|(id, _)| !matches!(words::step(plan, **id).action, Action::Up));
        let mut all: Vec<String> = shown.map(|(id, line)| Self::line(ui, plan, (*id, line), frame)).collect();
        all.extend(self.waiting(plan).map(|(service, what)| {
            let left = format!("   {} {}", ui.paint(Style::Bold, service), ui.paint(Style::Dim, what));
            right_aligned(&left, "", width).trim_end().to_owned()
        }));
        let shown = if all.len() > room { room.saturating_sub(1) } else { all.len() };
        lines.extend(all.iter().take(shown).cloned());
        if room > 0 && all.len() > room {
            lines.push(format!(" ... {} more", all.len() - shown));
        }
        ui.live(lines);
    }

    /// Services where nothing is at work because they wait for others, and for whom.
    fn waiting<'p>(&self, plan: &'p Plan) -> impl Iterator<Item = (&'p str, String)> {
        let mut next: BTreeMap<&str, Option<&Step>> = BTreeMap::new();
        for step in plan.steps.iter().filter(|step| !self.over.contains(&step.id)) {
            let Some(service) = step.service.as_deref() else { continue };
            let first = next.entry(service).or_insert(Some(step));
            if self.running.contains_key(&step.id) {
                *first = None;
            }
        }
        let others = |step: &Step| -> BTreeSet<&'p str> {
            let open = step.needs.iter().filter(|need| !self.over.contains(need));
            let services = open.filter_map(|need| words::step(plan, *need).service.as_deref());
            services.filter(|service| step.service.as_deref() != Some(service)).collect()
        };
        let waiting = next.into_iter().filter_map(move |(service, step)| Some((service, others(step?))));
        waiting.filter(|(_, others)| !others.is_empty()).map(|(service, others)| {
            (service, format!("waits for {}", others.into_iter().collect::<Vec<_>>().join(", ")))
        })
    }

    fn line(ui: &Ui, plan: &Plan, (id, line): (StepId, &Line), frame: &str) -> String {
        let step = words::step(plan, id);
        let who = step.service.clone().unwrap_or_else(|| words::resource(step));
        let detail = if line.detail.is_empty() { String::new() } else { format!(" · {}", line.detail) };
        let left = format!(
            " {} {} {}{}",
            ui.paint(Style::Cyan, frame),
            ui.paint(Style::Bold, who),
            visible(&words::doing(&step.action)),
            ui.paint(Style::Dim, detail)
        );
        right_aligned(&left, &humanize::duration(line.since.elapsed()), ui.size().0)
    }

    pub(super) fn finish(&mut self, ui: &Ui, _: &Outcome) {
        self.ended = true;
        ui.live(Vec::new());
    }
}

/// The left text cut to fit, the right one at the edge. Escape sequences take no room.
fn right_aligned(left: &str, right: &str, width: usize) -> String {
    let room = width.saturating_sub(right.len() + 2);
    let (mut text, mut used, mut escape, mut cut) = (String::new(), 0, false, false);
    for c in left.chars() {
        if escape || c == '\x1b' {
            escape = !(escape && c.is_ascii_alphabetic());
            text.push(c);
            continue;
        }
        let wide = c.width().unwrap_or(0);
        if used + wide > room.saturating_sub(1) {
            cut = true;
            continue;
        }
        if !c.is_control() {
            text.push(c);
            used += wide;
        }
    }
    if cut {
        text.push('…');
        used += 1;
    }
    format!("{text}{}{right}", " ".repeat(width.saturating_sub(used + right.len() + 1)))
}

#[cfg(test)]
mod tests {
    use super::right_aligned;

    #[test]
    fn lines_fit_and_keep_their_colours() {
        assert_eq!(right_aligned("ab", "1.0s", 12), "ab     1.0s");
        assert_eq!(right_aligned("\x1b[1mabcdefgh\x1b[0m", "1.0s", 12), "\x1b[1mabcde\x1b[0m… 1.0s");
    }
}
