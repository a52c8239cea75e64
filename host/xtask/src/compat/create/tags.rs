//! Names for one local image, so that files can be created whose images nobody has.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::engine::Engine;

/// The image that stands in for all others.
pub(super) const STAND_IN: &str = "windlass-test/busybox:1";

/// Names given in this run, taken away at its end. Names that exist already stay as they are.
pub(super) struct Tags<'e> {
    engine: &'e Engine,
    given: Mutex<BTreeSet<String>>,
}

impl<'e> Tags<'e> {
    pub(super) fn new(engine: &'e Engine) -> Self {
        Self { engine, given: Mutex::default() }
    }

    /// Makes sure that there is an image of that name.
    pub(super) fn provide(&self, name: &str) -> anyhow::Result<()> {
        let mut given = self.given.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !given.contains(name) && !self.engine.has_image(name)? && self.engine.tag(STAND_IN, name)? {
            given.insert(name.to_owned());
        }
        Ok(())
    }
}

impl Drop for Tags<'_> {
    fn drop(&mut self) {
        let given = self.given.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for name in given.iter() {
            if let Err(error) = self.engine.untag(name) {
                eprintln!("the name {name} of {STAND_IN} is left: {error:#}");
            }
        }
    }
}
