//! What a session looks at before it plans, and what it asks before it acts.

use std::sync::{Arc, Mutex};

use windlass_model::Project;
use windlass_plan::{Observed, Plan, StopOptions};
use windlass_session::{Answers, Ended, Error, Proposal, Request, Subject};

use crate::bench::{Bench, SHOP};

fn stop(project: &Project, observed: &Observed) -> Plan {
    windlass_plan::stop(project, observed, &StopOptions::default()).expect("nothing is wrong with it")
}

/// A request that proposes something about the plan of stopping everything.
fn proposing(bench: &Bench, proposal: impl Fn(Plan) -> Proposal + Send + Sync + 'static) -> Request<Error> {
    let plan = move |project: &Project, observed: &Observed, _: &Answers| Ok(proposal(stop(project, observed)));
    Request { plan: Box::new(plan), ..bench.detached(SHOP, &[]) }
}

#[tokio::test(start_paused = true)]
async fn a_question_is_asked_unless_nothing_will_happen_or_yes_was_said_before() {
    let ask = |plan| Proposal::Confirm(plan, "stop all?".to_owned());
    for (answer, dry_run, yes, stops) in [
        (Some(true), false, false, 2),
        (Some(false), false, false, 0),
        (None, true, false, 0),
        (None, false, true, 2),
        (None, true, true, 0),
    ] {
        let bench = Bench::new();
        assert!(matches!(bench.run(bench.detached(SHOP, &[])).await, Ended::Done));
        let mut session = bench.spawn(Request { dry_run, yes, ..proposing(&bench, ask) });
        if let Some(answer) = answer {
            bench.tape.until("asks stop all?").await;
            bench.tape.answer(answer);
        }
        assert!(matches!(session.join().await, Ok(Ended::Done)));
        assert_eq!(bench.calls("stop").len(), stops, "{answer:?} {dry_run} {yes}");
        assert_eq!(bench.tape.has("asks"), answer.is_some(), "{answer:?} {dry_run} {yes}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_there_is_to_say_is_said_where_it_is_true() {
    let tell = |plan| Proposal::Tell(plan, "all of them".to_owned());
    let nothing = |_| Proposal::Nothing("none of them".to_owned());
    for dry_run in [false, true] {
        let bench = Bench::new();
        assert!(matches!(bench.run(bench.detached(SHOP, &[])).await, Ended::Done));
        assert!(matches!(bench.run(Request { dry_run, ..proposing(&bench, nothing) }).await, Ended::Done));
        assert_eq!((bench.tape.has("says none of them"), bench.calls("stop").len()), (true, 0));
        assert!(matches!(bench.run(Request { dry_run, ..proposing(&bench, tell) }).await, Ended::Done));
        let did = (bench.tape.has("says all of them"), bench.calls("stop").len());
        assert_eq!(did, if dry_run { (false, 0) } else { (true, 2) });
    }
}

#[tokio::test(start_paused = true)]
async fn a_project_known_by_name_is_all_that_is_looked_at() {
    for images in [false, true] {
        let bench = Bench::new();
        assert!(matches!(bench.run(bench.detached(SHOP, &[])).await, Ended::Done));
        let mut stranger = bench.engine.container("demo-db-1").expect("it was made");
        stranger.id = "ffffffffffff".to_owned();
        stranger.name = "other-db-1".to_owned();
        stranger.labels.insert(windlass_plan::labels::PROJECT.to_owned(), "other".to_owned());
        bench.engine.insert_container(stranger);

        let seen: Arc<Mutex<Vec<(String, bool)>>> = Arc::default();
        let see = Arc::clone(&seen);
        let plan = move |project: &Project, observed: &Observed, _: &Answers| {
            let known = |image: &str| observed.images.get(image, "").is_some();
            let found = observed.containers.iter().map(|container| (container.name.clone(), known(&container.image)));
            see.lock().expect("nobody panics with it").extend(found);
            Ok(Proposal::Run(stop(project, observed)))
        };
        let load = Box::pin(async move { Ok(Subject::Named { name: "demo".to_owned(), images }) });
        let request = Request { load, plan: Box::new(plan), ..bench.detached(SHOP, &[]) };
        assert!(matches!(bench.run(request).await, Ended::Done));
        let expected = ["demo-db-1", "demo-web-1"].map(|name| (name.to_owned(), images));
        assert_eq!(*seen.lock().expect("nobody panics with it"), expected);
        assert_eq!(bench.running(), ["other-db-1"], "the rebuilt project has the services");
    }
}
