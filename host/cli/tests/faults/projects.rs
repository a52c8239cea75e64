//! The projects: each is brought from one file to another, and the way there is what gets spoiled.
//!
//! In the texts `$IDLE` stands for a container that runs until it is killed, `$WRITER` for a server that writes down what it is
//! asked for, `$P` for the project's name, `$ONE` and `$TWO` for host ports, and `$PLUGINS` for the directory of the fixtures.

/// One change of a project.
pub(crate) struct Project {
    pub(crate) name: &'static str,
    /// The file that runs first; empty: nothing does.
    pub(crate) before: &'static str,
    pub(crate) after: &'static str,
    /// The command that brings the change.
    pub(crate) command: &'static [&'static str],
    /// What must go on running whatever happens: at least so many containers of any of these services.
    pub(crate) keeps: &'static [(&'static [&'static str], usize)],
    /// Contents of `data.txt` before and after, and the volume that the loads are written down in.
    pub(crate) load: Option<Load>,
}

/// A load whose steps are written down.
pub(crate) struct Load {
    pub(crate) before: &'static str,
    pub(crate) after: &'static str,
    pub(crate) volume: &'static str,
}

const IDLE: &str =
    "image: windlass-test/busybox:1, command: [sleep, '100000'], stop_signal: SIGKILL, stop_grace_period: 5s";

/// A server that writes down what it is asked for.
const WRITER: &str = "image: windlass-test/busybox:1, stop_signal: SIGKILL, command: [sh, -c, \"mkdir -p /w/cgi-bin; \
     printf '#!/bin/sh\\necho $$QUERY_STRING >> /data/log\\necho Content-Type: text/plain\\necho\\n' > /w/cgi-bin/set; \
     chmod +x /w/cgi-bin/set; exec httpd -f -p 80 -h /w\"]";

/// The text of a compose file for one project name. Workers share the engine's host ports, so each has its own.
pub(crate) fn text(file: &str, project: &str, worker: usize, plugins: &str) -> String {
    let (one, two) = ((18000 + 2 * worker).to_string(), (18001 + 2 * worker).to_string());
    let values =
        [("$IDLE", IDLE), ("$WRITER", WRITER), ("$PLUGINS", plugins), ("$P", project), ("$ONE", &one), ("$TWO", &two)];
    values.iter().fold(file.to_owned(), |text, (name, value)| text.replace(name, value))
}

const UP: &[&str] = &["up", "-d"];

/// All of them.
pub(crate) const PROJECTS: &[Project] = &[
    Project {
        name: "first",
        before: "",
        after: "services:
  db: { $IDLE, volumes: ['data:/data'] }
  api: { $IDLE, depends_on: [db] }
  web: { $IDLE, depends_on: [api], ports: ['$ONE:80'] }
volumes: { data: {} }
",
        command: UP,
        keeps: &[],
        load: None,
    },
    Project {
        name: "recreate",
        before: "services:
  db: { $IDLE, environment: { A: '1' }, volumes: ['data:/data', /anonymous] }
  web: { $IDLE, environment: { A: '1' }, depends_on: [db], ports: ['$ONE:80'] }
volumes: { data: {} }
",
        after: "services:
  db: { $IDLE, environment: { A: '2' }, volumes: ['data:/data', /anonymous] }
  web: { $IDLE, environment: { A: '2' }, depends_on: [db], ports: ['$ONE:80'] }
volumes: { data: {} }
",
        command: UP,
        keeps: &[(&["db"], 1), (&["web"], 1)],
        load: None,
    },
    Project {
        name: "scale-up",
        before: "services:\n  web: { $IDLE }\n",
        after: "services:\n  web: { $IDLE, scale: 3 }\n",
        command: UP,
        keeps: &[(&["web"], 1)],
        load: None,
    },
    Project {
        name: "scale-down",
        before: "services:\n  web: { $IDLE, scale: 3, environment: { A: '1' } }\n  other: { $IDLE }\n",
        after: "services:\n  web: { $IDLE, scale: 1, environment: { A: '2' } }\n  other: { $IDLE }\n",
        command: UP,
        keeps: &[(&["web"], 1), (&["other"], 1)],
        load: None,
    },
    Project {
        name: "networks",
        before: "services:
  db: { $IDLE, networks: [back] }
  web: { $IDLE, networks: [back, front] }
networks: { back: { labels: { v: '1' } }, front: {} }
",
        after: "services:
  db: { $IDLE, networks: [back] }
  web: { $IDLE, networks: [back, front] }
networks: { back: { labels: { v: '2' } }, front: {} }
",
        command: UP,
        keeps: &[(&["db"], 1), (&["web"], 1)],
        load: None,
    },
    Project {
        name: "volumes",
        before: "services:
  db: { $IDLE, volumes: ['data:/data'] }
  web: { $IDLE }
volumes: { data: { labels: { v: '1' } } }
",
        after: "services:
  db: { $IDLE, volumes: ['data:/data'] }
  web: { $IDLE }
volumes: { data: { labels: { v: '2' } } }
",
        command: &["up", "-d", "--yes"],
        // The container that uses a volume must be gone before the volume can go: nothing is left to go back to.
        keeps: &[(&["web"], 1)],
        load: None,
    },
    Project {
        name: "loads",
        before: "services:
  db: { $WRITER, volumes: ['data:/data'], x-windlass: { ready: { plugin: tcp, with: { port: 80 } }, load: { rows: { plugin: tally, from: ./data.txt } } } }
  web: { $IDLE, depends_on: [db] }
volumes: { data: {} }
x-windlass: { plugins: { tally: { source: $PLUGINS/tally.wasm } } }
",
        after: "services:
  db: { $WRITER, volumes: ['data:/data'], x-windlass: { ready: { plugin: tcp, with: { port: 80 } }, load: { rows: { plugin: tally, from: ./data.txt } } } }
  web: { $IDLE, depends_on: [db], environment: { A: '2' } }
volumes: { data: {} }
x-windlass: { plugins: { tally: { source: $PLUGINS/tally.wasm } } }
",
        command: UP,
        keeps: &[(&["db"], 1), (&["web"], 1)],
        load: Some(Load { before: "one", after: "two", volume: "data" }),
    },
    Project {
        name: "hooks",
        before: "services:
  db: { $IDLE, environment: { A: '1' }, post_start: [{ command: [touch, /started] }], pre_stop: [{ command: [touch, /stopping] }] }
  web: { $IDLE, environment: { A: '1' }, depends_on: [db] }
",
        after: "services:
  db: { $IDLE, environment: { A: '2' }, post_start: [{ command: [touch, /started] }], pre_stop: [{ command: [touch, /stopping] }] }
  web: { $IDLE, environment: { A: '2' }, depends_on: [db], pre_start: [{ image: 'windlass-test/busybox:1', command: ['true'] }] }
",
        command: UP,
        keeps: &[(&["db"], 1), (&["web"], 1)],
        load: None,
    },
    Project {
        name: "dependents",
        before: "services:
  db: { $IDLE, environment: { A: '1' } }
  api: { $IDLE, depends_on: { db: { condition: service_started, restart: true } } }
  web: { $IDLE, depends_on: { api: { condition: service_started, restart: true } }, environment: { A: '1' } }
",
        after: "services:
  db: { $IDLE, environment: { A: '2' } }
  api: { $IDLE, depends_on: { db: { condition: service_started, restart: true } } }
  web: { $IDLE, depends_on: { api: { condition: service_started, restart: true } }, environment: { A: '2' } }
",
        command: UP,
        keeps: &[(&["db"], 1), (&["api"], 1), (&["web"], 1)],
        load: None,
    },
    Project {
        name: "orphans",
        before: "services:\n  db: { $IDLE }\n  old: { $IDLE, depends_on: [db] }\n  web: { $IDLE, environment: { A: '1' } }\n",
        after: "services:\n  db: { $IDLE }\n  web: { $IDLE, environment: { A: '2' } }\n  new: { $IDLE, depends_on: [web] }\n",
        command: &["up", "-d", "--remove-orphans"],
        keeps: &[(&["db"], 1), (&["web"], 1)],
        load: None,
    },
    Project {
        name: "renamed",
        before: "services:\n  web: { $IDLE, ports: ['$ONE:80'] }\n  db: { $IDLE }\n",
        after: "services:\n  site: { $IDLE, ports: ['$ONE:80'] }\n  db: { $IDLE }\n",
        command: &["up", "-d", "--remove-orphans"],
        keeps: &[(&["web", "site"], 1), (&["db"], 1)],
        load: None,
    },
    Project {
        name: "swapped-ports",
        before: "services:\n  a: { $IDLE, ports: ['$ONE:80'] }\n  b: { $IDLE, ports: ['$TWO:80'] }\n",
        after: "services:\n  a: { $IDLE, ports: ['$TWO:80'] }\n  b: { $IDLE, ports: ['$ONE:80'] }\n",
        command: UP,
        keeps: &[(&["a"], 1), (&["b"], 1)],
        load: None,
    },
    Project {
        name: "swapped-names",
        before: "services:\n  a: { $IDLE, container_name: $P-one }\n  b: { $IDLE, container_name: $P-two }\n",
        after: "services:\n  a: { $IDLE, container_name: $P-two }\n  b: { $IDLE, container_name: $P-one }\n",
        command: UP,
        keeps: &[(&["a"], 1), (&["b"], 1)],
        load: None,
    },
    Project {
        name: "healthy",
        before: "services:
  db: { $IDLE, environment: { A: '1' }, healthcheck: { test: ['CMD', 'true'], interval: 200ms } }
  web: { $IDLE, environment: { A: '1' }, depends_on: { db: { condition: service_healthy } } }
",
        after: "services:
  db: { $IDLE, environment: { A: '2' }, healthcheck: { test: ['CMD', 'true'], interval: 200ms } }
  web: { $IDLE, environment: { A: '2' }, depends_on: { db: { condition: service_healthy } } }
",
        command: UP,
        keeps: &[(&["db"], 1), (&["web"], 1)],
        load: None,
    },
    Project {
        name: "namespaces",
        before: "services:
  vpn: { $IDLE, environment: { A: '1' } }
  app: { $IDLE, network_mode: 'service:vpn' }
  old: { $IDLE }
  user: { $IDLE, pid: 'service:old' }
",
        after: "services:
  vpn: { $IDLE, environment: { A: '2' } }
  app: { $IDLE, network_mode: 'service:vpn' }
  user: { $IDLE }
",
        command: &["up", "-d", "--remove-orphans"],
        keeps: &[(&["vpn"], 1), (&["app"], 1), (&["user"], 1)],
        load: None,
    },
    Project {
        name: "down",
        before: "services:
  db: { $IDLE, volumes: ['data:/data', /anonymous] }
  web: { $IDLE, depends_on: [db], networks: [default, front] }
networks: { front: {} }
volumes: { data: {} }
",
        after: "services:
  db: { $IDLE, volumes: ['data:/data', /anonymous] }
  web: { $IDLE, depends_on: [db], networks: [default, front] }
networks: { front: {} }
volumes: { data: {} }
",
        command: &["down", "-v"],
        keeps: &[],
        load: None,
    },
];
