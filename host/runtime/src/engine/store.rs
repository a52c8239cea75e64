//! Small records that live in the engine beside the project: what the ledger keeps.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::EngineResult;

/// A record. What it says is in its labels; they cannot be changed once it is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Name, unique on the engine: letters, digits, `_`, `.`, `-`; not longer than 200 bytes.
    pub name: String,
    /// What it says.
    pub labels: BTreeMap<String, String>,
    /// When it was made, as the engine prints it; empty where the engine does not tell. Ignored by [`Store::put_record`].
    pub created_at: String,
}

/// Records in the engine. They survive containers and this process, and work wherever the engine is.
#[async_trait]
pub trait Store: Send + Sync {
    /// A record by name; `None`: there is none.
    async fn get_record(&self, name: &str) -> EngineResult<Option<Record>>;
    /// All records that carry a label with this value.
    async fn list_records(&self, label: &str, value: &str) -> EngineResult<Vec<Record>>;
    /// Makes a record, and resolves to what the engine has under this name now: where somebody else was first, it is theirs,
    /// unchanged. The caller compares.
    async fn put_record(&self, record: &Record) -> EngineResult<Record>;
    /// Removes a record; one that is gone already counts as success.
    async fn remove_record(&self, name: &str) -> EngineResult<()>;
}
