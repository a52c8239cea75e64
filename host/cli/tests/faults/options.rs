//! Command line of the harness.

use std::time::Duration;

use crate::kinds::{KINDS, Kind};
use crate::projects::{PROJECTS, Project};

pub(crate) const USAGE: &str = "usage: faults [--project NAME]… [--fault NAME]… [--at N]… [--jobs N] [--tool COMMAND] [--sample SECONDS [--seed N]] [--list]

  --project, --fault, --at   only these (all: every project, fault and call)
  --jobs N                   cases at the same time (default 2)
  --tool COMMAND             instead of the windlass that was built with this (`docker compose`: what the other tool does)
  --sample SECONDS           a random sample of five projects, for about so long; the same for the same --seed
  --list                     the names of projects and faults";

/// What to run.
pub(crate) struct Options {
    pub(crate) projects: Vec<&'static Project>,
    pub(crate) kinds: Vec<(&'static str, Kind)>,
    /// Empty: every call.
    pub(crate) numbers: Vec<usize>,
    pub(crate) jobs: usize,
    /// Program, and words before all others.
    pub(crate) tool: Vec<String>,
    pub(crate) sample: Option<Duration>,
    pub(crate) seed: u64,
    pub(crate) list: bool,
}

impl Options {
    pub(crate) fn read(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            projects: Vec::new(),
            kinds: Vec::new(),
            numbers: Vec::new(),
            jobs: 2,
            tool: vec![env!("CARGO_BIN_EXE_windlass").to_owned()],
            sample: None,
            seed: 1,
            list: false,
        };
        while let Some(arg) = args.next() {
            if arg == "--list" {
                options.list = true;
                continue;
            }
            let value = args.next().ok_or_else(|| format!("`{arg}` needs a value, or is not known"))?;
            options.take(&arg, &value)?;
        }
        if options.projects.is_empty() {
            options.projects = PROJECTS.iter().collect();
        }
        if options.kinds.is_empty() {
            options.kinds = KINDS.to_vec();
        }
        Ok(options)
    }

    fn take(&mut self, arg: &str, value: &str) -> Result<(), String> {
        let number = || value.parse::<usize>().map_err(|_| format!("`{arg} {value}`: not a number"));
        match arg {
            "--project" => {
                let found = PROJECTS.iter().find(|project| project.name == value);
                self.projects.push(found.ok_or_else(|| format!("no project `{value}`"))?);
            }
            "--fault" => {
                let found = KINDS.iter().find(|(name, _)| *name == value);
                self.kinds.push(*found.ok_or_else(|| format!("no fault `{value}`"))?);
            }
            "--at" => self.numbers.push(number()?),
            "--jobs" => self.jobs = number()?.max(1),
            "--tool" => self.tool = value.split_whitespace().map(str::to_owned).collect(),
            "--sample" => self.sample = Some(Duration::from_secs(number()? as u64)),
            "--seed" => self.seed = number()? as u64,
            _ => return Err(format!("`{arg}` is not known")),
        }
        Ok(())
    }
}
