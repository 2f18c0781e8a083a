//! stdout and stderr, each written by a thread of its own: a reader that stalls stops nobody else.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

/// How many bytes wait at most where the writer waits for the reader.
const MOST_WAITING: usize = 1 << 20;

/// How long what is left may take after the first signal: CI runners give no more.
const GRACE: Duration = Duration::from_secs(5);

/// How long it may take at least, where the run itself took all of that.
const LEAST_GRACE: Duration = Duration::from_millis(500);

/// Where something is written.
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
    /// It does: what is printed is in the reader's hands, or the error is known.
    Awaited,
    /// It never does: what is printed waits in memory.
    Queued,
}

/// What is done to the progress bar on stderr.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bar {
    /// It appears, for so many steps.
    Start(u64),
    /// It is drawn anew.
    Redraw,
    /// One more step has ended.
    Advance,
    /// It goes away.
    Finish,
}

/// The streams. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Output {
    stdout: Arc<Queue>,
    stderr: Arc<Queue>,
}

/// What waits to be written by one thread.
#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    /// The bytes that wait.
    bytes: usize,
    /// Whether the thread is writing.
    busy: bool,
    /// Why nothing can be written any more.
    ended: Option<io::Error>,
    /// The time at which the process was asked to end.
    hurried: Option<Instant>,
}

#[derive(Debug)]
enum Item {
    Bytes(Target, Vec<u8>),
    Bar(Bar),
}

/// The thread's side of a queue.
struct Writer {
    queue: Arc<Queue>,
    stdout: File,
    stderr: File,
    bar: Option<ProgressBar>,
}

impl Output {
    /// Starts the threads. Where both streams are one file, one thread keeps the order.
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

    /// Has bytes written, and waits as `delivery` says.
    ///
    /// # Errors
    /// Returns why the stream cannot be written any more.
    pub(super) fn write(
        &self,
        target: Target,
        bytes: Vec<u8>,
        delivery: Delivery,
    ) -> io::Result<()> {
        self.queue(target).push(Item::Bytes(target, bytes), delivery)
    }

    /// Changes the progress bar; where stderr is gone nobody sees it.
    pub(super) fn bar(&self, bar: Bar) {
        drop(self.stderr.push(Item::Bar(bar), Delivery::Queued));
    }

    /// Waits until all that was printed is written; after a signal for a few seconds only.
    ///
    /// # Errors
    /// Returns why the stream could not be written.
    pub(super) fn drain(&self, target: Target) -> io::Result<()> {
        self.queue(target).drain()
    }

    /// Lets nobody wait for a reader for long from now on: the process is to end.
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
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, item: Item, delivery: Delivery) -> io::Result<()> {
        let mut state = self.state();
        while delivery == Delivery::Awaited && state.bytes > MOST_WAITING && state.ended.is_none() {
            state = self.wait(state);
        }
        state.check()?;
        state.bytes += item.len();
        state.items.push_back(item);
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

    /// The next item, as soon as there is one.
    fn next(&self) -> Item {
        let mut state = self.state();
        loop {
            if let Some(item) = state.items.pop_front() {
                state.bytes -= item.len();
                state.busy = true;
                return item;
            }
            state = self.wait(state);
        }
    }

    /// Takes note of how the writing of an item ended. After a failure nothing more is written.
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

impl State {
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
            Self::Bar(_) => 0,
        }
    }
}

impl Writer {
    fn start(name: &str, queue: Arc<Queue>, (stdout, stderr): (File, File)) -> io::Result<()> {
        let mut writer = Self { queue, stdout, stderr, bar: None };
        let run = move || {
            loop {
                let item = writer.queue.next();
                let written = writer.write(item);
                writer.queue.done(written);
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
    }

    fn write(&mut self, item: Item) -> io::Result<()> {
        let Self { queue: _, stdout, stderr, bar } = self;
        let (target, bytes) = match item {
            Item::Bytes(target, bytes) => (target, bytes),
            Item::Bar(change) => {
                change.apply_to(bar);
                return Ok(());
            }
        };
        let file = match target {
            Target::Stdout => stdout,
            Target::Stderr => stderr,
        };
        match bar {
            Some(bar) => bar.suspend(|| file.write_all(&bytes)),
            None => file.write_all(&bytes),
        }
    }
}

impl Bar {
    fn apply_to(self, bar: &mut Option<ProgressBar>) {
        match (self, bar.as_ref()) {
            (Self::Start(steps), _) => *bar = Some(progress_bar(steps)),
            (Self::Redraw, Some(shown)) => shown.tick(),
            (Self::Advance, Some(shown)) => shown.inc(1),
            (Self::Finish, Some(shown)) => {
                shown.finish_and_clear();
                *bar = None;
            }
            (Self::Redraw | Self::Advance | Self::Finish, None) => {}
        }
    }
}

fn progress_bar(steps: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
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
