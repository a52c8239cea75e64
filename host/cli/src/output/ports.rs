//! Ports of a container, in the Docker client's words.

use std::collections::BTreeMap;

use windlass_plan::observed::PortMapping;

/// Ports in the order in which they are listed: container port, address, host port, protocol.
pub(crate) fn sorted(ports: &[PortMapping]) -> Vec<PortMapping> {
    let mut sorted = ports.to_vec();
    sorted.sort_by(|a, b| key(a).cmp(&key(b)));
    sorted
}

fn key(port: &PortMapping) -> (u16, &str, Option<u16>, &str) {
    (port.private, &port.host_ip, port.public, &port.protocol)
}

/// `0.0.0.0:9000-9002->9000-9002/tcp, 80/tcp`: consecutive ports are one range, those that map to another number come last.
pub(crate) fn displayed(ports: &[PortMapping]) -> String {
    let mut finished = Vec::new();
    let mut mapped = Vec::new();
    let mut open: Vec<Range> = Vec::new();
    for port in sorted(ports) {
        if !port.host_ip.is_empty() && port.public != Some(port.private) {
            let public = port.public.unwrap_or_default().to_string();
            mapped.push(format!("{}->{}/{}", joined(&port.host_ip, &public), port.private, port.protocol));
            continue;
        }
        match open.iter_mut().find(|range| range.host_ip == port.host_ip && range.protocol == port.protocol) {
            Some(range) if range.last + 1 == port.private => range.last = port.private,
            Some(range) => {
                let next = Range::of(port);
                finished.push(std::mem::replace(range, next).text());
            }
            None => open.push(Range::of(port)),
        }
    }
    finished.into_iter().chain(open.iter().map(Range::text)).chain(mapped).collect::<Vec<_>>().join(", ")
}

struct Range {
    host_ip: String,
    protocol: String,
    first: u16,
    last: u16,
}

impl Range {
    fn of(port: PortMapping) -> Self {
        Self { host_ip: port.host_ip, protocol: port.protocol, first: port.private, last: port.private }
    }

    fn text(&self) -> String {
        let numbers =
            if self.first == self.last { self.first.to_string() } else { format!("{}-{}", self.first, self.last) };
        if self.host_ip.is_empty() {
            return format!("{numbers}/{}", self.protocol);
        }
        format!("{}->{numbers}/{}", joined(&self.host_ip, &numbers), self.protocol)
    }
}

/// Address and port, with brackets where the address has colons.
pub(crate) fn joined(host_ip: &str, port: &str) -> String {
    if host_ip.contains(':') { format!("[{host_ip}]:{port}") } else { format!("{host_ip}:{port}") }
}

/// Where a person would open a published port: `http://localhost:5000` without guessing the protocol: `localhost:5000`. `host` is
/// what the engine's machine is called from here.
pub(crate) fn reachable(ports: &[PortMapping], host: &str) -> Vec<String> {
    let mut addresses = BTreeMap::new();
    for port in sorted(ports) {
        let Some(public) = port.public else { continue };
        let everywhere = matches!(port.host_ip.as_str(), "" | "0.0.0.0" | "::");
        let address = joined(if everywhere { host } else { &port.host_ip }, &public.to_string());
        addresses.entry((port.private, public, port.protocol)).or_insert(address);
    }
    addresses.into_values().collect()
}

/// What the machine of the engine at this address is called from here: `localhost`, or the name in `tcp://…` and `ssh://…`.
pub(crate) fn host_of(engine: &str) -> &str {
    let (scheme, rest) = engine.split_once("://").unwrap_or(("", ""));
    if !matches!(scheme, "tcp" | "http" | "https" | "ssh") {
        return "localhost";
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let machine = authority.rsplit_once('@').map_or(authority, |(_, machine)| machine);
    let name = match machine.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => machine.split(':').next().unwrap_or_default(),
    };
    if matches!(name, "" | "127.0.0.1" | "::1") { "localhost" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(host_ip: &str, public: Option<u16>, private: u16, protocol: &str) -> PortMapping {
        PortMapping { host_ip: host_ip.into(), public, private, protocol: protocol.into() }
    }

    #[test]
    fn ranges_are_merged_and_other_numbers_come_last() {
        let ports = [
            port("127.0.0.1", Some(32774), 80, "tcp"),
            port("::", Some(9000), 9000, "tcp"),
            port("0.0.0.0", Some(9000), 9000, "tcp"),
            port("0.0.0.0", Some(9001), 9001, "tcp"),
            port("::", Some(9001), 9001, "tcp"),
            port("", None, 70, "tcp"),
            port("", None, 72, "tcp"),
        ];
        assert_eq!(
            displayed(&ports),
            "70/tcp, 72/tcp, 0.0.0.0:9000-9001->9000-9001/tcp, [::]:9000-9001->9000-9001/tcp, 127.0.0.1:32774->80/tcp"
        );
    }

    #[test]
    fn a_published_port_is_named_once_for_people() {
        let ports = [port("0.0.0.0", Some(5000), 5000, "tcp"), port("::", Some(5000), 5000, "tcp")];
        assert_eq!(reachable(&ports, "localhost"), ["localhost:5000"]);
        assert_eq!(reachable(&ports, "fe80::2"), ["[fe80::2]:5000"]);
        assert_eq!(reachable(&[port("127.0.0.1", Some(1), 5000, "tcp")], "far"), ["127.0.0.1:1"]);
    }

    #[test]
    fn the_machine_of_an_engine_has_the_name_that_it_is_reached_by() {
        for (engine, host) in [
            ("unix:///var/run/docker.sock", "localhost"),
            ("tcp://build.example:2376", "build.example"),
            ("tcp://[fd00::7]:2375/", "fd00::7"),
            ("tcp://127.0.0.1:2375", "localhost"),
            ("https://build.example", "build.example"),
            ("ssh://me@build:22", "build"),
            ("ssh://build", "build"),
            ("tcp://:2375", "localhost"),
        ] {
            assert_eq!(host_of(engine), host, "{engine}");
        }
    }
}
