//! The result: how many cases were right, by project and fault, and how to run a wrong one again.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::kinds::KINDS;
use crate::projects::PROJECTS;

/// Cases of one project with one fault.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    right: usize,
    all: usize,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Table {
    counts: BTreeMap<(&'static str, &'static str), Count>,
    wrong: Vec<String>,
}

impl Table {
    pub(crate) fn right(&mut self, project: &'static str, fault: &'static str) {
        let count = self.counts.entry((project, fault)).or_default();
        count.right += 1;
        count.all += 1;
    }

    /// Told at once: a whole run takes long.
    pub(crate) fn wrong_at(
        &mut self,
        project: &'static str,
        fault: &'static str,
        number: usize,
        call: &str,
        what: &str,
    ) {
        self.counts.entry((project, fault)).or_default().all += 1;
        let again = format!("make faults ARGS='--project {project} --fault {fault} --at {number}'");
        let text = format!("WRONG {project}, {fault} at call {number} ({}): {what}", short(call));
        eprintln!("{text}\n      again: {again}");
        let first = text.lines().next().unwrap_or_default();
        self.wrong.push(format!("{first}\n      again: {again}"));
    }

    pub(crate) fn wrong(&self) -> usize {
        self.wrong.len()
    }

    /// `right/all` for each project and fault, sums, and the wrong cases.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{:<15}", "");
        for (fault, _) in KINDS {
            write!(text, "{fault:>11}").expect("writing to a string cannot fail");
        }
        writeln!(text, "{:>11}", "all").expect("writing to a string cannot fail");
        let names = PROJECTS.iter().map(|project| project.name);
        for project in names.filter(|name| self.counts.keys().any(|(project, _)| project == name)) {
            self.line(&mut text, project, |of, _| of == project);
        }
        self.line(&mut text, "all", |_, _| true);
        let sum = self.sum(|_, _| true);
        for wrong in &self.wrong {
            writeln!(text, "{wrong}").expect("writing to a string cannot fail");
        }
        writeln!(text, "{} cases, {} right, {} wrong", sum.all, sum.right, sum.all - sum.right)
            .expect("writing to a string cannot fail");
        text
    }

    fn line(&self, text: &mut String, title: &str, is: impl Fn(&str, &str) -> bool) {
        write!(text, "{title:<15}").expect("writing to a string cannot fail");
        let faults = KINDS.iter().map(|(fault, _)| self.sum(|project, of| is(project, of) && of == *fault));
        for count in faults.chain([self.sum(&is)]) {
            let cell = if count.all == 0 { "–".to_owned() } else { format!("{}/{}", count.right, count.all) };
            write!(text, "{cell:>11}").expect("writing to a string cannot fail");
        }
        text.push('\n');
    }

    fn sum(&self, is: impl Fn(&str, &str) -> bool) -> Count {
        let counts = self.counts.iter().filter(|((project, fault), _)| is(project, fault)).map(|(_, count)| count);
        counts.fold(Count::default(), |sum, count| Count { right: sum.right + count.right, all: sum.all + count.all })
    }
}

/// Twelve digits of an id say which it is.
fn short(call: &str) -> String {
    let parts = call.split('/').map(|part| if part.len() == 64 { &part[..12] } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// The names of all projects and faults.
pub(crate) fn lists() -> String {
    let projects: Vec<&str> = PROJECTS.iter().map(|project| project.name).collect();
    let faults: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
    format!("projects: {}\nfaults:   {}\n", projects.join(" "), faults.join(" "))
}
