//! A build context as a stream of tar, for the classic builder: what the Docker CLI sends, read while it is sent.
//!
//! A context that cannot be read whole ends the stream with an error, never with a valid archive that lacks a part: the
//! engine would build from it, and the image would silently miss files.

use std::io::{self, Read as _, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ignore::Ignore;
use crate::transport::Body;

/// Bytes that are sent as one piece.
const PIECE: usize = 64 << 10;
/// Pieces between the thread that reads files and the request: what of the context is in memory at once.
const PIECES: usize = 8;

/// A Dockerfile, seen from its context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dockerfile {
    /// A file of the context, with its path below it.
    Inside(PathBuf),
    /// Text that is sent under a name of our own: typed in the compose file, or read from a file elsewhere.
    Text(Vec<u8>),
}

/// Name in the archive of a Dockerfile that is not in the context.
pub(super) const OUTSIDE: &str = ".windlass.Dockerfile";
const IGNORE: &str = ".dockerignore";

impl Dockerfile {
    /// Its name in the archive.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Inside(path) => path.to_string_lossy().into_owned(),
            Self::Text(_) => OUTSIDE.to_owned(),
        }
    }

    /// Looks where the file that a build names really is: links count as what they lead to.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn find(context: &Path, dockerfile: &str) -> io::Result<Self> {
        let named = context.join(dockerfile);
        let path = fs_err::canonicalize(&named)?;
        match path.strip_prefix(fs_err::canonicalize(context)?) {
            Ok(inside) => Ok(Self::Inside(inside.to_path_buf())),
            Err(_) => Ok(Self::Text(fs_err::read(&path)?)),
        }
    }
}

/// A context that is being sent.
pub(super) struct Sending {
    /// What the request carries.
    pub(super) body: Body,
    /// The thread that reads the files, and what it could not read.
    pub(super) reading: JoinHandle<io::Result<()>>,
}

/// Starts to read the context.
pub(super) fn send(directory: PathBuf, dockerfile: Dockerfile) -> Sending {
    let (sender, mut receiver) = mpsc::channel(PIECES);
    let reading = tokio::task::spawn_blocking(move || {
        let mut pipe = Pipe { sender, held: Vec::with_capacity(PIECE) };
        let written = write(&directory, &dockerfile, &mut pipe).and_then(|()| pipe.flush());
        if let Err(error) = &written {
            // The request ends broken: the engine must not take what came so far for the whole.
            drop(pipe.sender.blocking_send(Err(io::Error::new(error.kind(), error.to_string()))));
        }
        written
    });
    let pieces = futures_util::stream::poll_fn(move |task| receiver.poll_recv(task));
    Sending { body: Body::Right(StreamBody::new(Box::pin(pieces))), reading }
}

/// The near end of the channel, written to by a thread.
struct Pipe {
    sender: mpsc::Sender<io::Result<Frame<Bytes>>>,
    held: Vec<u8>,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE - self.held.len());
        self.held.extend_from_slice(&bytes[..taken]);
        if self.held.len() == PIECE {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.held, Vec::with_capacity(PIECE));
        // Nobody reads on: the request has ended, and its answer says why.
        self.sender.blocking_send(Ok(Frame::data(Bytes::from(piece)))).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// Writes the archive.
///
/// # Errors
/// When something cannot be read, with its path; or when nobody reads the archive.
fn write(directory: &Path, dockerfile: &Dockerfile, out: &mut impl Write) -> io::Result<()> {
    let own = patterns(directory, Path::new(IGNORE))?;
    let mut ignore = match dockerfile {
        Dockerfile::Inside(path) => {
            let mut name = path.clone().into_os_string();
            name.push(IGNORE);
            // Patterns of this Dockerfile alone win, as with BuildKit.
            Ignore::parse(patterns(directory, Path::new(&name))?.or_else(|| own.clone()).as_deref().unwrap_or_default())
        }
        Dockerfile::Text(_) => Ignore::parse(own.as_deref().unwrap_or_default()),
    };
    // The builder needs both, whatever the patterns say; it removes them itself before it copies anything.
    ignore.take_back(IGNORE);
    if let Dockerfile::Inside(path) = dockerfile {
        ignore.take_back(&path.to_string_lossy());
    }
    let mut archive = tar::Builder::new(out);
    let skip_own = matches!(dockerfile, Dockerfile::Text(_));
    Walk { ignore: &ignore, skip_own, archive: &mut archive }.directory(directory, &mut PathBuf::new())?;
    if let Dockerfile::Text(text) = dockerfile {
        // Ignored, so that `COPY . .` does not find a file that the user does not have.
        let ignored = format!("{}\n{OUTSIDE}\n", own.as_deref().unwrap_or(IGNORE));
        for (name, content) in [(IGNORE, ignored.as_bytes()), (OUTSIDE, text)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o600);
            header.set_uid(0);
            header.set_gid(0);
            archive.append_data(&mut header, name, content)?;
        }
    }
    archive.into_inner().map(drop)
}

/// Text of a file with patterns; `None` where there is none.
fn patterns(directory: &Path, name: &Path) -> io::Result<Option<String>> {
    match fs_err::read(directory.join(name)) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

struct Walk<'a, W: Write> {
    ignore: &'a Ignore,
    /// The patterns' file of the context is replaced by one of ours.
    skip_own: bool,
    archive: &'a mut tar::Builder<W>,
}

impl<W: Write> Walk<'_, W> {
    fn directory(&mut self, directory: &Path, below: &mut PathBuf) -> io::Result<()> {
        let mut entries: Vec<_> = fs_err::read_dir(directory)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs_err::DirEntry::file_name);
        for entry in entries {
            below.push(entry.file_name());
            self.entry(&entry.path(), below)?;
            below.pop();
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, below: &mut PathBuf) -> io::Result<()> {
        if self.skip_own && below.as_path() == Path::new(IGNORE) {
            return Ok(());
        }
        let lossy = below.to_string_lossy().into_owned();
        let parts: Vec<&str> = lossy.split('/').collect();
        let excluded = self.ignore.excludes(&parts);
        let facts = fs_err::symlink_metadata(path)?;
        let kind = facts.file_type();
        if kind.is_dir() {
            if !excluded {
                let mut header = header(&facts, tar::EntryType::Directory);
                self.archive.append_data(&mut header, &*below, io::empty())?;
            }
            // What is excluded is not even opened, unless a pattern takes something below it back.
            if excluded && !self.ignore.takes_back_below(&parts) {
                return Ok(());
            }
            return self.directory(path, below);
        }
        if excluded || kind.is_socket() {
            // A socket means nothing without its listener: the Docker CLI leaves it out too.
            return Ok(());
        }
        if kind.is_symlink() {
            let target = fs_err::read_link(path)?;
            return self.archive.append_link(&mut header(&facts, tar::EntryType::Symlink), &*below, target);
        }
        if kind.is_file() {
            return self.file(path, below);
        }
        self.special(&facts, below)
    }

    /// A file, exactly as many bytes of it as it had when it was opened: a log that grows meanwhile is cut there, and
    /// one that shrinks is an error, because the archive has promised its size.
    fn file(&mut self, path: &Path, below: &Path) -> io::Result<()> {
        let file = fs_err::File::open(path)?;
        let facts = file.metadata()?;
        let mut header = header(&facts, tar::EntryType::Regular);
        header.set_size(facts.len());
        let mut content = Exactly { left: facts.len(), path, file: file.take(facts.len()) };
        self.archive.append_data(&mut header, below, &mut content)
    }

    /// Named pipes and devices are sent as what they are, and never opened: reading a pipe would wait for a writer.
    fn special(&mut self, facts: &std::fs::Metadata, below: &Path) -> io::Result<()> {
        let kind = facts.file_type();
        let entry = if kind.is_fifo() {
            tar::EntryType::Fifo
        } else if kind.is_block_device() {
            tar::EntryType::Block
        } else {
            tar::EntryType::Char
        };
        let mut header = header(facts, entry);
        if !kind.is_fifo() {
            let number = facts.rdev();
            header.set_device_major(u32::try_from((number >> 8) & 0xfff).unwrap_or_default())?;
            header.set_device_minor(u32::try_from((number & 0xff) | ((number >> 12) & 0xfff00)).unwrap_or_default())?;
        }
        self.archive.append_data(&mut header, below, io::empty())
    }
}

/// Mode and time of what is sent. It belongs to root, as with the Docker CLI: owners of the host mean nothing in an image.
fn header(facts: &std::fs::Metadata, kind: tar::EntryType) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(facts.mode() & 0o7777);
    header.set_mtime(u64::try_from(facts.mtime()).unwrap_or_default());
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    header
}

/// Reads a file of a known size; fewer bytes are an error that names it.
struct Exactly<'p, R> {
    left: u64,
    path: &'p Path,
    file: R,
}

impl<R: io::Read> io::Read for Exactly<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.left -= read as u64;
        if read == 0 && !buffer.is_empty() && self.left > 0 {
            let text = format!("{} became shorter while it was read", self.path.display());
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
