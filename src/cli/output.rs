//! stdout and stderr, each written by its own thread: a stalled reader blocks nothing else.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

/// The maximum number of queued bytes if the writer waits for the reader.
const MOST_WAITING: usize = 1 << 20;

/// The maximum number of bytes for which several items are written with one call.
const LARGEST_WRITE: usize = 1 << 16;

/// How often the progress line is redrawn if nothing else is written.
const REDRAW: Duration = Duration::from_millis(100);

/// Clears the current line.
const CLEAR_LINE: &[u8] = b"\r\x1b[K";

/// Truncates lines at the right edge of the terminal, so that the progress stays on one line.
const NO_WRAP: &[u8] = b"\x1b[?7l";

/// Wraps lines again.
const WRAP: &[u8] = b"\x1b[?7h";

/// How long a run and its output may take after the first signal: CI runners allow no more.
const GRACE: Duration = Duration::from_secs(5);

/// The minimum time for the output if the run itself took all of [`GRACE`].
const LEAST_GRACE: Duration = Duration::from_millis(500);

/// The stream that something is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The result.
    Stdout,
    /// Everything else.
    Stderr,
}

/// Whether a writer waits for the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It does: `print` returns after the bytes are written, or returns the error.
    Awaited,
    /// It does not: the bytes are queued in memory.
    Queued,
}

/// The streams. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Output {
    stdout: Arc<Queue>,
    stderr: Arc<Queue>,
}

/// The bytes that one thread is still to write.
#[derive(Debug, Default)]
struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct QueueState {
    items: VecDeque<Item>,
    /// The queued bytes.
    bytes: usize,
    /// Whether the thread is writing.
    busy: bool,
    /// The error after which nothing more is written.
    ended: Option<io::Error>,
    /// The time at which the process was asked to end.
    hurried: Option<Instant>,
}

#[derive(Debug)]
enum Item {
    Bytes(Target, Vec<u8>),
    /// A change of the progress line, which is below everything else.
    Progress(ProgressChange),
}

/// A change of the progress line on a terminal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ProgressChange {
    /// It is drawn with this text.
    Show(String),
    /// It is removed.
    Remove,
}

/// The bytes of one `write`.
#[derive(Debug)]
struct Batch {
    target: Target,
    bytes: Vec<u8>,
    /// The newest change of the progress line.
    progress: Option<ProgressChange>,
}

/// The thread's side of a queue.
struct Writer {
    queue: Arc<Queue>,
    stdout: File,
    stderr: File,
    progress: ProgressLine,
}

/// The progress line on a terminal.
#[derive(Debug, Default)]
struct ProgressLine {
    text: Option<String>,
    /// Whether a line is on the screen.
    is_drawn: bool,
    /// When it was drawn last.
    drawn: Option<Instant>,
    /// Whether the line on the screen is outdated.
    is_stale: bool,
}

impl Output {
    /// Starts the threads. If both streams are one file, one thread keeps the order.
    ///
    /// # Errors
    /// Returns a failure to duplicate the streams, or to start a thread.
    pub(super) fn open() -> io::Result<Self> {
        let stdout = file_of(&io::stdout())?;
        let stderr = file_of(&io::stderr())?;
        Self::to(stdout, stderr)
    }

    fn to(stdout: File, stderr: File) -> io::Result<Self> {
        let one = same_file(&stdout, &stderr)?;
        let first = Arc::new(Queue::default());
        let second = if one { first.clone() } else { Arc::new(Queue::default()) };
        if !one {
            let files = (stdout.try_clone()?, stderr.try_clone()?);
            Writer::start("stderr", second.clone(), files)?;
        }
        Writer::start("stdout", first.clone(), (stdout, stderr))?;
        Ok(Self { stdout: first, stderr: second })
    }

    /// Queues bytes to be written, and waits if `delivery` is [`Delivery::Awaited`].
    ///
    /// # Errors
    /// Returns the error after which the stream cannot be written.
    pub(super) fn write(
        &self,
        target: Target,
        bytes: Vec<u8>,
        delivery: Delivery,
    ) -> io::Result<()> {
        self.queue(target).push(Item::Bytes(target, bytes), delivery)
    }

    /// Changes the progress line on stderr, which must be a terminal if there is a line.
    pub(super) fn progress(&self, change: ProgressChange) {
        // If stderr is closed, the line is lost.
        drop(self.stderr.push(Item::Progress(change), Delivery::Queued));
    }

    /// Waits until everything is written; after a signal for a few seconds only.
    ///
    /// # Errors
    /// Returns why the stream could not be written.
    pub(super) fn drain(&self, target: Target) -> io::Result<()> {
        self.queue(target).drain()
    }

    /// Limits the wait for readers from now on, because the process is to end.
    pub(super) fn hurry(&self) {
        for queue in [&self.stdout, &self.stderr] {
            queue.state().hurried = Some(Instant::now());
            queue.changed.notify_all();
        }
    }

    fn queue(&self, target: Target) -> &Queue {
        match target {
            Target::Stdout => &self.stdout,
            Target::Stderr => &self.stderr,
        }
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, QueueState>) -> MutexGuard<'a, QueueState> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, item: Item, delivery: Delivery) -> io::Result<()> {
        let mut state = self.state();
        while delivery == Delivery::Awaited && state.bytes > MOST_WAITING && state.ended.is_none() {
            state = self.wait(state);
        }
        state.check()?;
        state.bytes += item.len();
        match (&item, state.items.back_mut()) {
            (Item::Progress(_), Some(last @ Item::Progress(_))) => *last = item,
            (Item::Progress(_) | Item::Bytes(..), _) => state.items.push_back(item),
        }
        self.changed.notify_all();
        Ok(())
    }

    fn drain(&self) -> io::Result<()> {
        let start = Instant::now();
        let mut state = self.state();
        while (state.busy || !state.items.is_empty()) && state.ended.is_none() {
            let Some(hurried) = state.hurried else {
                state = self.wait(state);
                continue;
            };
            let until = (hurried + GRACE).max(start + LEAST_GRACE);
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.check()
    }

    /// Returns the next batch as soon as something is queued, or an empty batch at `redraw`.
    fn next(&self, redraw: Option<Instant>) -> Batch {
        let mut state = self.state();
        while state.items.is_empty() {
            let Some(redraw) = redraw else {
                state = self.wait(state);
                continue;
            };
            let left = redraw.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.busy = true;
        state.batch()
    }

    /// Records how the writing of a batch ended. After a failure nothing more is written.
    fn done(&self, written: io::Result<()>) {
        let mut state = self.state();
        state.busy = false;
        if let Err(error) = written {
            state.ended = Some(error);
            (state.items, state.bytes) = (VecDeque::new(), 0);
        }
        self.changed.notify_all();
    }
}

impl QueueState {
    /// Takes the first items that go to the same stream, up to the size of one `write`.
    fn batch(&mut self) -> Batch {
        let mut batch = Batch { target: Target::Stderr, bytes: Vec::new(), progress: None };
        while let Some(item) = self.items.pop_front() {
            match item {
                Item::Progress(change) => batch.progress = Some(change),
                Item::Bytes(target, bytes) if batch.bytes.is_empty() => {
                    self.bytes -= bytes.len();
                    (batch.target, batch.bytes) = (target, bytes);
                }
                Item::Bytes(target, bytes)
                    if target == batch.target
                        && batch.bytes.len() + bytes.len() <= LARGEST_WRITE =>
                {
                    self.bytes -= bytes.len();
                    batch.bytes.extend_from_slice(&bytes);
                }
                item @ Item::Bytes(..) => {
                    self.items.push_front(item);
                    break;
                }
            }
        }
        batch
    }

    fn check(&self) -> io::Result<()> {
        match &self.ended {
            None => Ok(()),
            Some(error) => Err(match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => ErrorKind::into(error.kind()),
            }),
        }
    }
}

impl Item {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(_, bytes) => bytes.len(),
            Self::Progress(_) => 0,
        }
    }
}

impl Writer {
    fn start(name: &str, queue: Arc<Queue>, (stdout, stderr): (File, File)) -> io::Result<()> {
        let mut writer = Self { queue, stdout, stderr, progress: ProgressLine::default() };
        let run = move || {
            loop {
                let batch = writer.queue.next(writer.progress.redraw());
                let written = writer.write(batch);
                writer.queue.done(written);
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
    }

    /// Writes a batch, and the progress line below it, with one call.
    fn write(&mut self, batch: Batch) -> io::Result<()> {
        let Batch { target, bytes, progress } = batch;
        if let Some(change) = progress {
            self.progress.change(change);
        }
        let bytes = self.progress.around(bytes, Instant::now());
        match target {
            Target::Stdout => self.stdout.write_all(&bytes),
            Target::Stderr => self.stderr.write_all(&bytes),
        }
    }
}

impl ProgressLine {
    fn change(&mut self, change: ProgressChange) {
        let text = match change {
            ProgressChange::Show(text) => Some(text),
            ProgressChange::Remove => None,
        };
        self.is_stale |= self.text != text;
        self.text = text;
    }

    /// Returns when the line is to be redrawn; `None` if the newest one is on the screen.
    fn redraw(&self) -> Option<Instant> {
        let drawn = self.drawn.filter(|_| self.is_stale && self.text.is_some())?;
        Some(drawn + REDRAW)
    }

    /// Returns the bytes with the progress line cleared before them and drawn after them. Without bytes, the
    /// line is redrawn at most every [`REDRAW`].
    fn around(&mut self, bytes: Vec<u8>, now: Instant) -> Vec<u8> {
        let is_due = self.is_stale && self.redraw().is_none_or(|redraw| now >= redraw);
        if bytes.is_empty() && !is_due {
            return bytes;
        }
        let mut all = Vec::new();
        if self.is_drawn {
            all.extend_from_slice(CLEAR_LINE);
        }
        let is_line_start = bytes.last().is_none_or(|last| *last == b'\n');
        if all.is_empty() {
            all = bytes;
        } else {
            all.extend_from_slice(&bytes);
        }
        self.is_drawn = false;
        if let (Some(text), true) = (&self.text, is_line_start) {
            all.extend_from_slice(NO_WRAP);
            all.extend_from_slice(text.as_bytes());
            all.extend_from_slice(WRAP);
            (self.is_drawn, self.is_stale, self.drawn) = (true, false, Some(now));
        }
        if self.text.is_none() {
            (self.is_stale, self.drawn) = (false, None);
        }
        all
    }
}

/// Returns an unbuffered file on a stream.
#[cfg(unix)]
fn file_of(stream: &impl std::os::fd::AsFd) -> io::Result<File> {
    stream.as_fd().try_clone_to_owned().map(File::from)
}

/// Returns an unbuffered file on a stream.
#[cfg(windows)]
fn file_of(stream: &impl std::os::windows::io::AsHandle) -> io::Result<File> {
    stream.as_handle().try_clone_to_owned().map(File::from)
}

#[cfg(unix)]
fn same_file(a: &File, b: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let (a, b) = (a.metadata()?, b.metadata()?);
    Ok((a.dev(), a.ino(), a.rdev()) == (b.dev(), b.ino(), b.rdev()))
}

/// Returns `false`: the system has no stable number of a file.
#[cfg(windows)]
fn same_file(_: &File, _: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests;
