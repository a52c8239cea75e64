//! `[[IP:][HOST[-HOST]]:]CONTAINER[-CONTAINER][/PROTO]` to long form; ranges of equal length become one entry each.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::node::{Entry, Node, Span, Value};

/// Converts the list; items already long get their defaults.
pub(super) fn canonical(node: Node, path: &str, out: &mut Diagnostics) -> Node {
    let Value::Seq(items) = node.value else { return node };
    let mut ports = Vec::new();
    for item in items {
        let merge = item.merge;
        let add = |port: Node| Node { merge, ..port };
        match &item.value {
            Value::Map(_) => ports.push(add(long(item, path, out))),
            Value::Int(target) => match container_port(&target.to_string()) {
                Ok((target, _)) => ports.push(add(entry("", target, "", "tcp", &item.span))),
                Err(message) => out.error("port", path, &item.span, message),
            },
            _ => match short(&item.scalar_text().unwrap_or_default(), &item.span) {
                Ok(found) => ports.extend(found.into_iter().map(add)),
                Err(message) => {
                    let mut problem = Diagnostic::error("port", path, Some(item.span.clone()), message);
                    let right = item.scalar_text().and_then(|spec| with_one_protocol(&spec, &item.span));
                    problem.hint = right.map(|right| format!("the protocol stands once, at the end: {right}"));
                    out.0.push(problem);
                }
            },
        }
    }
    Node::new(Value::Seq(ports), node.span)
}

/// `1514/udp:1514/udp` as it is meant: `1514:1514/udp`.
fn with_one_protocol(spec: &str, span: &Span) -> Option<String> {
    let mut protocols = spec.split(':').filter_map(|part| part.split_once('/')).map(|(_, protocol)| protocol);
    let protocol = protocols.next().filter(|protocol| protocols.all(|other| other == *protocol))?;
    let ports: Vec<&str> = spec.split(':').map(|part| part.split('/').next().unwrap_or_default()).collect();
    let right = format!("{}/{protocol}", ports.join(":"));
    (right != spec && short(&right, span).is_ok()).then_some(right)
}

fn long(mut item: Node, path: &str, out: &mut Diagnostics) -> Node {
    let span = item.span.clone();
    let Some(map) = item.as_map_mut() else { return item };
    for (key, default) in [("mode", "ingress"), ("protocol", "tcp")] {
        let node = Node::string(default, &span);
        map.entry(key.to_owned()).or_insert(Entry { key: span.clone(), node });
    }
    if let Some(published) = map.get_mut("published").filter(|entry| matches!(entry.node.value, Value::Int(_))) {
        published.node = Node::string(published.node.scalar_text().unwrap_or_default(), &published.node.span);
    }
    if let Some(ip) = item.get("host_ip").and_then(Node::scalar_text)
        && ip.parse::<std::net::IpAddr>().is_err()
    {
        out.error("port", path, &span, format!("{path}.[]: invalid ip address: {ip}"));
    }
    item
}

fn entry(host_ip: &str, target: u16, published: &str, protocol: &str, span: &Span) -> Node {
    let text = |text: &str| Value::String(text.to_owned());
    let mut node = Node::map([("mode", text("ingress"))], span);
    let mut put = |key: &str, value: Value| {
        if let Some(map) = node.as_map_mut() {
            map.insert(key.to_owned(), Entry { key: span.clone(), node: Node::new(value, span.clone()) });
        }
    };
    if !host_ip.is_empty() {
        put("host_ip", text(host_ip));
    }
    put("target", Value::Int(i64::from(target)));
    if !published.is_empty() {
        put("published", text(published));
    }
    put("protocol", text(protocol));
    node
}

/// Parses the short form. The texts are the peer's.
fn short(spec: &str, span: &Span) -> Result<Vec<Node>, String> {
    let (address, protocol) = spec.split_once('/').map_or((spec, "tcp"), |(address, protocol)| (address, protocol));
    let protocol = if protocol.is_empty() { "tcp".to_owned() } else { protocol.to_ascii_lowercase() };
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(format!("invalid proto: {protocol}"));
    }
    let (host_ip, host, container) = split_address(address)?;
    if container.is_empty() {
        return Err(format!("no port specified: {spec}<empty>"));
    }
    let (first, last) = container_port(container)?;
    let length = last - first;
    if host.is_empty() {
        return Ok((first..=last).map(|target| entry(host_ip, target, "", &protocol, span)).collect());
    }
    let (host_first, host_last) = range(host).map_err(|_| format!("invalid hostPort: {host}"))?;
    if host_last - host_first == length {
        let pairs = (first..=last).zip(host_first..=host_last);
        return Ok(pairs.map(|(target, host)| entry(host_ip, target, &host.to_string(), &protocol, span)).collect());
    }
    if length == 0 {
        return Ok(vec![entry(host_ip, first, host, &protocol, span)]);
    }
    Err(format!("invalid ranges specified for container and host Ports: {container} and {host}"))
}

/// `IP:HOST:CONTAINER`, the first two optional; IPv6 in brackets.
fn split_address(address: &str) -> Result<(&str, &str, &str), String> {
    let (before, container) = address.rsplit_once(':').map_or(("", address), |(before, container)| (before, container));
    if let Some(v6) = before.strip_prefix('[') {
        let (ip, rest) = v6.split_once(']').ok_or_else(|| format!("invalid IP address: {before}"))?;
        check_ip(ip)?;
        return Ok((ip, rest.trim_start_matches(':'), container));
    }
    let (ip, host) = before.rsplit_once(':').map_or(("", before), |(ip, host)| (ip, host));
    if !ip.is_empty() {
        check_ip(ip)?;
    }
    Ok((ip, host, container))
}

fn check_ip(ip: &str) -> Result<(), String> {
    ip.parse::<std::net::IpAddr>().map(|_| ()).map_err(|_| format!("invalid IP address: {ip}"))
}

fn container_port(text: &str) -> Result<(u16, u16), String> {
    range(text).map_err(|_| format!("invalid containerPort: {text}"))
}

fn range(text: &str) -> Result<(u16, u16), ()> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse::<u16>().map_err(|_| ())?, last.parse::<u16>().map_err(|_| ())?);
    if last < first { Err(()) } else { Ok((first, last)) }
}
