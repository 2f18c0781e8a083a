//! Readers that are slow, stalled or gone, and the order of two streams in one file.

use std::io::Read;

use super::*;

/// An output whose stdout is a pipe that only the test reads.
fn piped() -> (Output, io::PipeReader) {
    let (reader, writer) = io::pipe().expect("a pipe");
    let stdout = File::from(std::os::fd::OwnedFd::from(writer));
    let stderr = tempfile::tempfile().expect("a file");
    (Output::to(stdout, stderr).expect("threads"), reader)
}

/// More bytes than a pipe and the queue hold together.
fn flood() -> Vec<u8> {
    vec![b'x'; 4 * MOST_WAITING]
}

#[test]
fn a_queued_write_never_waits_for_the_reader() {
    let (output, mut reader) = piped();
    for _ in 0..4 {
        output.write(Target::Stdout, flood(), Delivery::Queued).expect("queued");
    }
    output.write(Target::Stderr, b"said".to_vec(), Delivery::Queued).expect("queued");
    output.drain(Target::Stderr).expect("written");
    let reading = thread::spawn(move || {
        let mut all = vec![0; 16 * MOST_WAITING];
        reader.read_exact(&mut all).map(|()| all)
    });
    output.drain(Target::Stdout).expect("written");
    assert!(reading.join().expect("read").is_ok_and(|all| all.iter().all(|it| *it == b'x')));
}

#[test]
fn a_write_after_the_reader_has_gone_fails() {
    let (output, reader) = piped();
    drop(reader);
    output.write(Target::Stdout, flood(), Delivery::Queued).expect("queued");
    let gone = output.drain(Target::Stdout).expect_err("nobody reads");
    assert_eq!(gone.kind(), ErrorKind::BrokenPipe);
    let more = output.write(Target::Stdout, flood(), Delivery::Awaited);
    assert_eq!(more.expect_err("nobody reads").kind(), ErrorKind::BrokenPipe);
}

#[test]
fn one_file_is_written_in_the_order_of_printing() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let open = || File::options().append(true).open(file.path()).expect("opened");
    let output = Output::to(open(), open()).expect("threads");
    for n in 0..100 {
        let target = if n % 3 == 0 { Target::Stderr } else { Target::Stdout };
        output.write(target, format!("{n}\n").into_bytes(), Delivery::Queued).expect("queued");
    }
    output.drain(Target::Stdout).expect("written");
    let written = std::fs::read_to_string(file.path()).expect("read");
    assert!(written.lines().eq((0..100).map(|n| n.to_string())), "{written}");
}

/// The output with a progress line.
fn drawn(text: &str) -> String {
    format!("\x1b[?7l{text}\x1b[?7h")
}

#[test]
fn a_line_and_the_progress_below_it_are_one_write() {
    let now = Instant::now();
    let mut line = ProgressLine::default();
    let mut write = |progress: Option<&str>, text: &str, now| {
        let show = |text: &str| ProgressChange::Show(text.to_owned());
        line.change(progress.map_or(ProgressChange::Remove, show));
        String::from_utf8(line.around(text.into(), now)).expect("text")
    };
    assert_eq!(write(None, "before\n", now), "before\n");
    assert_eq!(write(Some("1/3"), "", now), drawn("1/3"));
    assert_eq!(write(Some("2/3"), "done\n", now), format!("\r\x1b[Kdone\n{}", drawn("2/3")));
    assert_eq!(write(Some("3/3"), "", now), "", "it was drawn just before");
    assert_eq!(write(Some("3/3"), "", now + REDRAW), format!("\r\x1b[K{}", drawn("3/3")));
    assert_eq!(write(None, "", now + REDRAW), "\r\x1b[K");
    assert_eq!(write(None, "after\n", now), "after\n");
}

#[test]
fn queued_items_of_one_stream_are_one_write() {
    let mut state = QueueState::default();
    let progress = |text: &str| Item::Progress(ProgressChange::Show(text.to_owned()));
    let piece = |target, text: &str| Item::Bytes(target, text.into());
    state.items.extend([
        piece(Target::Stderr, "a"),
        progress("1/3"),
        piece(Target::Stderr, "b"),
        progress("2/3"),
        piece(Target::Stdout, "c"),
    ]);
    state.bytes = 3;
    let Batch { target, bytes, progress } = state.batch();
    assert_eq!((target, bytes.as_slice()), (Target::Stderr, &b"ab"[..]));
    assert_eq!(progress, Some(ProgressChange::Show("2/3".to_owned())));
    let Batch { target, bytes, progress } = state.batch();
    assert_eq!((target, bytes.as_slice(), progress), (Target::Stdout, &b"c"[..], None));
    assert_eq!((state.bytes, state.items.len()), (0, 0));
}
