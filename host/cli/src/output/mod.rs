//! What goes out: the streams, tables, reporters, logs, diagnostics.

pub(crate) mod diagnostics;
pub(crate) mod excerpt;
pub(crate) mod humanize;
pub(crate) mod logs;
pub(crate) mod places;
pub(crate) mod ports;
pub(crate) mod reporter;
pub(crate) mod screen;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod template;
pub(crate) mod ui;
pub(crate) mod visible;
