//! What a call may connect to, and what it asked for in vain.

use std::sync::{Mutex, PoisonError};

use windlass_model::windlass::PluginDeclaration;
use windlass_runtime::hooks::HookCall;

/// One permitted destination.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Permit {
    host: String,
    /// `None`: any port.
    port: Option<u16>,
}

/// Rights of one call.
#[derive(Debug)]
pub(crate) struct Grants {
    plugin: String,
    permits: Vec<Permit>,
    refused: Mutex<Vec<(String, u16)>>,
}

impl Grants {
    /// The service that the hook stands on, the target that the user named, and what the project file grants.
    pub(crate) fn of_call(call: &HookCall, declaration: Option<&PluginDeclaration>) -> Self {
        let own = call.service.iter().map(|service| Permit { host: service.to_lowercase(), port: None });
        let target = call.target.iter().filter_map(|target| permit(target));
        let granted =
            declaration.into_iter().flat_map(|declaration| &declaration.grants.dial).filter_map(|grant| permit(grant));
        Self {
            plugin: call.plugin.clone(),
            permits: own.chain(target).chain(granted).collect(),
            refused: Mutex::default(),
        }
    }

    /// Whether any port of a host may be dialled.
    pub(crate) fn knows(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        self.permits.iter().any(|permit| permit.host == host)
    }

    /// Whether a connection is granted; a refusal is remembered.
    pub(crate) fn allows(&self, host: &str, port: u16) -> bool {
        let wanted = host.to_lowercase();
        let granted =
            self.permits.iter().any(|permit| permit.host == wanted && permit.port.is_none_or(|own| own == port));
        if !granted {
            self.refuse(host, port);
        }
        granted
    }

    /// Remembers a refusal; port 0: only the name was asked for.
    pub(crate) fn refuse(&self, host: &str, port: u16) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() < 20 && !refused.iter().any(|known| known.0 == host && known.1 == port) {
            refused.push((host.to_owned(), port));
        }
    }

    /// The refusals as a sentence and the line to add, if there were any.
    pub(crate) fn refusal(&self) -> Option<(String, String)> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (host, port) = refused.first()?;
        let port = if *port == 0 { "*".to_owned() } else { port.to_string() };
        let message = format!("wanted to connect to {host}:{port}, which is not granted");
        let hint = format!(
            "to allow it, add under x-windlass.plugins.{}: grants: {{ dial: [\"{host}:{port}\"] }}",
            self.plugin
        );
        Some((message, hint))
    }
}

fn permit(text: &str) -> Option<Permit> {
    let (host, port) = text.rsplit_once(':')?;
    let port = if port == "*" { None } else { Some(port.parse().ok()?) };
    Some(Permit { host: host.to_lowercase(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(dial: &[&str]) -> Grants {
        Grants {
            plugin: "p".to_owned(),
            permits: dial.iter().filter_map(|text| permit(text)).collect(),
            refused: Mutex::default(),
        }
    }

    #[test]
    fn a_grant_is_for_a_host_and_a_port() {
        let grants = granted(&["Chat.example.com:443", "es:*"]);
        assert!(grants.allows("chat.EXAMPLE.com", 443) && grants.allows("es", 1) && grants.allows("es", 65535));
        assert_eq!(grants.refusal(), None);
        assert!(!grants.allows("chat.example.com", 80));
        assert!(!grants.allows("example.com", 443));
        let (refusal, hint) = grants.refusal().unwrap();
        assert!(refusal.contains("chat.example.com:80"), "{refusal}");
        assert!(hint.contains("x-windlass.plugins.p"), "{hint}");
    }

    /// A plugin that tries every port of every host must not fill the memory with it.
    #[test]
    fn refusals_are_remembered_once_and_not_without_end() {
        let grants = granted(&[]);
        grants.refuse("es", 0);
        grants.refuse("es", 0);
        assert_eq!(grants.refused.lock().unwrap().len(), 1);
        (1..100).for_each(|port| grants.refuse("es", port));
        assert_eq!(grants.refused.lock().unwrap().len(), 20);
        assert!(grants.refusal().is_some_and(|(refusal, _)| refusal.contains("es:*")), "the first one is told");
    }
}
