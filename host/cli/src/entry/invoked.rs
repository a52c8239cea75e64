//! How the program was called: as `windlass`, as the plugin `docker windlass`, or as a stand-in for `docker-compose`.

use std::path::Path;

use crate::entry::env_vars::{self, Environment};
use crate::errors::{CliError, CliResult};

/// Arguments and environment after the caller's ways are undone.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// Program name and arguments, as clap wants them.
    pub(crate) args: Vec<String>,
    /// Environment, with the Docker client's root flags in it.
    pub(crate) environment: Environment,
}

/// Undoes the caller's ways: the Docker client calls `docker-NAME [ROOT FLAGS] NAME ARGS…`.
pub(crate) fn read(args: Vec<String>, mut environment: Environment) -> CliResult<Invocation> {
    let program = args.first().map_or("windlass", String::as_str);
    let name = Path::new(program).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(plugin) = name.strip_prefix("docker-").map(str::to_owned) else {
        return Ok(Invocation { args, environment });
    };
    let mut rest: Vec<String> = args.into_iter().skip(1).collect();
    take_root_flags(&mut rest, &mut environment)?;
    if rest.first() == Some(&plugin) {
        rest.remove(0);
    }
    rest.insert(0, "windlass".to_owned());
    Ok(Invocation { args: rest, environment })
}

/// Root flags of the Docker client, as the variables that mean the same.
fn take_root_flags(args: &mut Vec<String>, environment: &mut Environment) -> CliResult<()> {
    while let Some(first) = args.first() {
        let (flag, inline) = match first.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag.to_owned(), Some(value.to_owned())),
            _ => (first.clone(), None),
        };
        if let Some(variable) = switch_of(&flag) {
            args.remove(0);
            let on = inline.is_none_or(|value| value != "false");
            environment.set(variable, if on { "1" } else { "" }.to_owned());
            continue;
        }
        let Some(variable) = variable_of(&flag)? else { return Ok(()) };
        args.remove(0);
        let value = match inline {
            Some(value) => value,
            None if args.is_empty() => return Err(CliError::usage(format!("flag needs an argument: {flag}"))),
            None => args.remove(0),
        };
        match variable {
            env_vars::DOCKER_HOST => environment.choose_engine(Some(&value), None),
            env_vars::DOCKER_CONTEXT => environment.choose_engine(None, Some(&value)),
            _ => environment.set(variable, value),
        }
    }
    Ok(())
}

/// A root flag that takes no value.
fn switch_of(flag: &str) -> Option<&'static str> {
    match flag {
        "--tls" => Some(env_vars::DOCKER_TLS),
        "--tlsverify" => Some(env_vars::DOCKER_TLS_VERIFY),
        _ => None,
    }
}

fn variable_of(flag: &str) -> CliResult<Option<&'static str>> {
    match flag {
        "--context" | "-c" => Ok(Some(env_vars::DOCKER_CONTEXT)),
        "--host" | "-H" => Ok(Some(env_vars::DOCKER_HOST)),
        "--config" => Ok(Some(env_vars::DOCKER_CONFIG)),
        // No variable names single files, and the engine's address is read from variables and contexts alone.
        "--tlscacert" | "--tlscert" | "--tlskey" => Err(CliError::hinted(
            format!("the Docker client's flag `{flag}` is not taken here"),
            "make a context of the files (`docker context create NAME --docker host=tcp://…,ca=FILE,cert=FILE,key=FILE`) and name it \
             with `--context NAME`; or put them into one directory as ca.pem, cert.pem and key.pem, and set DOCKER_CERT_PATH to it",
        )),
        "--log-level" | "-l" | "--debug" | "-D" => Err(CliError::hinted(
            format!("the Docker client's flag `{flag}` is not taken here"),
            "`docker windlass --verbose …` prints every call of the engine",
        )),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Invocation {
        read(words.iter().map(|word| (*word).to_owned()).collect(), Environment::default()).unwrap()
    }

    #[test]
    fn the_docker_client_repeats_the_plugins_name() {
        assert_eq!(args(&["/usr/libexec/docker-windlass", "windlass", "ps", "-a"]).args, ["windlass", "ps", "-a"]);
        assert_eq!(args(&["docker-compose", "compose", "up"]).args, ["windlass", "up"]);
        assert_eq!(args(&["docker-compose", "up"]).args, ["windlass", "up"]);
        assert_eq!(args(&["windlass", "compose"]).args, ["windlass", "compose"]);
    }

    #[test]
    fn flags_that_are_not_taken_say_what_to_do_instead() {
        let refused = |flag: &str| {
            let words = ["docker-windlass", flag, "x", "windlass", "ps"].map(str::to_owned).to_vec();
            let error = read(words, Environment::default()).err().unwrap();
            let CliError::Usage { hint, .. } = error else { panic!("{error:?}") };
            hint.unwrap()
        };
        assert!(refused("--tlscacert").contains("docker context create"));
        assert!(refused("--debug").contains("--verbose"));
    }

    #[test]
    fn root_flags_become_variables() {
        let called = args(&["docker-windlass", "--context=far", "-H", "tcp://x:1", "windlass", "ps"]);
        assert_eq!(called.args, ["windlass", "ps"]);
        assert_eq!(called.environment.get("DOCKER_CONTEXT"), None, "the address wins");
        assert_eq!(called.environment.get("DOCKER_HOST"), Some("tcp://x:1"));
        let secure = args(&["docker-windlass", "--tlsverify", "--tls=false", "windlass", "ps"]).environment;
        assert_eq!((secure.get("DOCKER_TLS_VERIFY"), secure.get("DOCKER_TLS")), (Some("1"), None));
    }
}
