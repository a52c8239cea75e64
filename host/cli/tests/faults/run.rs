//! Which cases run, by whom, and in which order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use windlass_testkit::Scope;

use crate::case::{Bench, Verdict, Worker};
use crate::engine::Engine;
use crate::kinds::Kind;
use crate::options::Options;
use crate::projects::Project;
use crate::table::Table;

/// Beyond this number of calls something is wrong with the count.
const MOST: usize = 200;

/// Projects of a sample: each costs a run without faults first, so that of all of them little time would be left.
const SAMPLED: usize = 5;

/// All cases of a project with a fault, or one.
#[derive(Clone, Copy)]
struct Job {
    project: &'static Project,
    fault: &'static str,
    kind: Kind,
    /// `None`: every number.
    number: Option<usize>,
}

/// Runs what the options ask for.
pub(crate) fn run(options: &Options) -> Result<Table> {
    let engine = Arc::new(Engine::start()?);
    let table = Mutex::new(Table::default());
    // A restart of the engine ends what others do at that time.
    let (alone, together): (Vec<Job>, Vec<Job>) = jobs(options).into_iter().partition(|job| job.kind.stops_all());
    let begin = Instant::now();
    let run = Run { options, engine: &engine, table: &table, begin };
    run.share(&together, options.jobs)?;
    run.share(&alone, 1)?;
    drop(run);
    Ok(table.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn jobs(options: &Options) -> Vec<Job> {
    let mut jobs = Vec::new();
    let mut projects = options.projects.clone();
    if options.sample.is_some() {
        shuffle(&mut projects, options.seed);
        projects.truncate(SAMPLED);
    }
    for project in &projects {
        for (fault, kind) in &options.kinds {
            let job = |number| Job { project, fault, kind: *kind, number };
            if options.sample.is_some() {
                jobs.extend((1..=MOST).map(|number| job(Some(number))));
            } else if options.numbers.is_empty() {
                jobs.push(job(None));
            } else {
                jobs.extend(options.numbers.iter().map(|number| job(Some(*number))));
            }
        }
    }
    if options.sample.is_some() {
        shuffle(&mut jobs, options.seed);
    }
    jobs
}

/// The same order for the same seed (Fisher and Yates, on a linear congruential generator).
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(last, (state >> 33) as usize % (last + 1));
    }
}

struct Run<'a> {
    options: &'a Options,
    engine: &'a Arc<Engine>,
    table: &'a Mutex<Table>,
    begin: Instant,
}

impl Run<'_> {
    /// Several workers take one job after the other.
    fn share(&self, jobs: &[Job], workers: usize) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let work = |number| self.work(number, jobs, &next);
            let threads: Vec<_> = (0..workers).map(|number| scope.spawn(move || work(number))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a worker panicked")))
        })
    }

    fn work(&self, number: usize, jobs: &[Job], next: &AtomicUsize) -> Result<()> {
        let worker = Worker::new(self.engine, number, &self.options.tool)?;
        let mut benches = BTreeMap::new();
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            if self.options.sample.is_some_and(|most| self.begin.elapsed() > most) {
                break;
            }
            if !benches.contains_key(job.project.name) {
                match worker.bench(job.project) {
                    Ok(bench) => drop(benches.insert(job.project.name, bench)),
                    Err(error) => {
                        self.table().wrong_at(job.project.name, job.fault, 0, "no fault at all", &format!("{error:#}"));
                        continue;
                    }
                }
            }
            let bench = benches.get(job.project.name).context("just made")?;
            self.job(bench, *job)?;
            // The next project may want the same host ports.
            bench.clear()?;
        }
        Ok(())
    }

    fn job(&self, bench: &Bench<'_, '_>, job: Job) -> Result<()> {
        let calls = if job.kind.scope() == Scope::Changing { &bench.calls.changing } else { &bench.calls.reading };
        let numbers = job.number.map_or(1..=MOST, |number| number..=number);
        for number in numbers {
            // In a sample the numbers that no run has are not worth a try.
            if self.options.sample.is_some() && number > calls.len() {
                return Ok(());
            }
            match bench.run(job.kind, number) {
                Ok(Verdict::Over) => break,
                Err(error) => {
                    // Not judged, so not right.
                    self.table().wrong_at(job.project.name, job.fault, number, "no case", &format!("{error:#}"));
                    bench.clear()?;
                    break;
                }
                Ok(Verdict::Right) => self.table().right(job.project.name, job.fault),
                Ok(Verdict::Wrong { what, call }) => {
                    self.table().wrong_at(job.project.name, job.fault, number, &call, &what);
                }
            }
        }
        Ok(())
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
