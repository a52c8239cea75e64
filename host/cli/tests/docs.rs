//! Generated pages say what the program says, and the tour of broken files reads well.
//!
//! `WINDLASS_UPDATE=1 cargo test -p windlass --test docs` writes them anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Output of the program in an empty environment: exit code, standard output, standard error.
fn windlass(args: &[&str], folder: &Path) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_windlass"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("COLUMNS", "100")
        .output()
        .expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn same_as(path: &Path, text: &str) {
    if std::env::var_os("WINDLASS_UPDATE").is_some() {
        fs_err::write(path, text).expect("the page can be written");
    }
    let written = fs_err::read_to_string(path).unwrap_or_default();
    assert!(written == text, "{} is out of date; WINDLASS_UPDATE=1 writes it anew. Now:\n{text}", path.display());
}

#[test]
fn the_page_of_commands_is_the_programs_help() {
    let (code, top, _) = windlass(&["--help"], &root());
    assert_eq!(code, 0);
    let commands = top.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = commands.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let names: Vec<&str> = names.filter(|name| *name != "help").collect();
    assert!(names.contains(&"up") && names.len() > 15, "{names:?}");
    let mut page = format!("# Commands\n\nGenerated from the program's help.\n\n```text\n{top}```\n");
    for name in names {
        let (code, help, _) = windlass(&[name, "--help"], &root());
        assert_eq!(code, 0, "{name}");
        write!(page, "\n## `windlass {name}`\n\n```text\n{help}```\n").expect("writing to a string cannot fail");
    }
    same_as(&root().join("docs/commands.md"), &page);
}

#[test]
fn the_page_of_variables_is_the_programs_list() {
    let mut page = "# Environment variables\n\nGenerated from the program's list. Flags win over variables, variables over defaults.\n\n| variable | meaning |\n|---|---|\n".to_owned();
    for (name, meaning) in windlass::env_vars::ALL {
        writeln!(page, "| `{name}` | {} |", meaning.trim()).expect("writing to a string cannot fail");
    }
    same_as(&root().join("docs/environment.md"), &page);
}

#[test]
fn the_index_of_the_design_names_every_page() {
    let pages = root().join("docs/design");
    let index = fs_err::read_to_string(pages.join("README.md")).expect("the index");
    for page in fs_err::read_dir(&pages).expect("the pages") {
        let name = page.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(
            name == "README.md" || index.contains(&format!("({name})")),
            "docs/design/README.md does not name {name}"
        );
    }
}

#[test]
fn every_broken_file_is_refused_in_good_words() {
    let tour = root().join("host/model/tests/broken");
    let mut cases: Vec<PathBuf> =
        fs_err::read_dir(&tour).expect("the tour").map(|entry| entry.expect("an entry").path()).collect();
    cases.retain(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "yaml"));
    cases.sort();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    for case in cases {
        let name = case.file_name().expect("a name").to_string_lossy().into_owned();
        let (args, folder) = if case.is_dir() {
            (vec!["config"], case.clone())
        } else {
            (vec!["-f", name.as_str(), "config"], tour.clone())
        };
        let (code, out, err) = windlass(&args, &folder);
        assert_eq!((code, out.as_str()), (1, ""), "{name}:\n{err}");
        let shown = err.replace(&format!("{}/", fs_err::canonicalize(&tour).expect("it is there").display()), "");
        assert!(shown.contains("error: "), "{name}: {shown}");
        same_as(&tour.join(format!("{}.txt", name.trim_end_matches(".yaml"))), &shown);
    }
}
