//! What is asked of the terminal: its size, and raw mode for `exec`. The kernel is asked, and nobody else: no program such
//! as `tput` is started, whatever stands first in `PATH`.

use std::io;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Columns and rows of the terminal behind the first of standard output, error and input that is one.
///
/// `None` where none of them is a terminal, or where it does not know its size (0 columns, as in some editors and CI systems).
pub(crate) fn size() -> Option<(u16, u16)> {
    let streams = [rustix::stdio::stdout(), rustix::stdio::stderr(), rustix::stdio::stdin()];
    let size = streams.into_iter().find_map(|stream| tcgetwinsize(stream).ok())?;
    (size.ws_col > 0).then_some((size.ws_col, size.ws_row))
}

/// While this lives, the terminal of standard input passes every key on as it is typed: `exec` leaves it to the terminal in
/// the container to echo, to edit the line and to turn Ctrl-C into a signal.
pub(crate) struct RawMode {
    /// The settings that are put back at the end.
    before: Termios,
}

impl RawMode {
    /// Switches the terminal; fails where standard input is none.
    pub(crate) fn enter() -> io::Result<Self> {
        let before = tcgetattr(rustix::stdio::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // Nothing more can be done for a terminal that does not come back.
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before).ok();
    }
}
