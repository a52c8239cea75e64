//! What to do about a problem: one table of hints, for those that do not bring a better one of their own.

use crate::diagnostic::Diagnostic;

/// Fills in the hint of a problem.
pub(crate) fn advise(problem: &mut Diagnostic) {
    if problem.hint.is_none() {
        problem.hint = hint(problem).map(str::to_owned);
    }
}

fn hint(problem: &Diagnostic) -> Option<&'static str> {
    let says = |words: &str| problem.message.contains(words);
    Some(match problem.code {
        "yaml-syntax" => return syntax(problem),
        "yaml-bomb" => "an alias of aliases multiplies; write the values out",
        "yaml-cycle" => "an alias cannot stand inside the value that it names",
        "no-image" => "say what it runs: `image: NAME`, or `build: FOLDER`",
        "container-name" if says("must be unique") => {
            "remove container_name, or run one replica: a name can be given to one container only"
        }
        "container-name" => "container names are unique on an engine: give one of the two another name, or none",
        "exclusive" if says("network_mode") => "keep one of the two: network_mode replaces the project's networks",
        "exclusive" => "keep one of the two",
        "distinct" => "both mean the same: keep one of the two",
        "healthcheck" => "write `test: [\"CMD\", …]` to run a program, or one string to run it in a shell",
        "cycle" => "break the circle: one of these services must start without the next",
        "cast" if says("boolean") => "a boolean is `true` or `false`",
        "unknown-service" | "no-such-service" => "`windlass config --services` lists the services",
        "mount-target" if says("already mounted") => "give one of the two another target",
        "mount-target" => "write SOURCE:TARGET, with an absolute TARGET inside the container",
        "mount-source" => "name a directory or file of the host",
        "cannot-override" => "both files must use the same form; `!override` replaces the value as a whole",
        "source" if says("mutually exclusive") => "keep one of the sources",
        "external" => "an external resource is made elsewhere: only its `name` can be said here",
        "extends-cycle" | "include-cycle" => "one of these must stand on its own",
        "unset-variable" => "set it, or write a default: ${NAME:-value}",
        "empty-file" => "a compose file has at least `services:`",
        "include-missing" | "extends-file" => "paths are relative to the file that they stand in",
        "port" if says("containerPort") || says("hostPort") => "ports look like 80, 8080:80 or 127.0.0.1:8080:80/tcp",
        "port" if says("IP") => "write IP:HOST:CONTAINER; an IPv6 address stands in brackets",
        "port" if says("ranges") => "both ranges must have the same length",
        _ if says("unknown unit") || says("missing unit") || says("invalid duration") => {
            "durations look like 500ms, 10s or 1m30s"
        }
        _ if says("invalid suffix") || says("invalid size") => "sizes look like 64m, 512mb or 2g",
        _ => return None,
    })
}

/// The scanner's words are about its grammar; these are about the file.
fn syntax(problem: &Diagnostic) -> Option<&'static str> {
    let says = |words: &str| problem.message.contains(words);
    Some(match () {
        () if says("tab") => "indent with spaces",
        () if !problem.related.is_empty() => "close it, or quote the text",
        () if says("quoted scalar") => "is the quote of this line, or of a line above, closed?",
        () if says("block mapping") || says("block collection") || says("expected key") => {
            "keys of one mapping stand below each other, indented alike"
        }
        () if says("unknown anchor") => "an anchor (`&name`) must stand above its alias, in the same file",
        () if says("mapping values") => "a text with `: ` in it must be quoted",
        () => return None,
    })
}
