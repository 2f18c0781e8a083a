//! A panic is a bug of this program: its message passes the console's filter too.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use super::output::{Delivery, Output, Target};
use super::redact::{Redacting, Secrets};

/// Runs `work`. A panic is reported on stderr without any secret, and resumed after that.
pub(super) fn guard<T>(output: &Output, secrets: &Secrets, work: impl FnOnce() -> T) -> T {
    let (output_of_hook, known) = (output.clone(), secrets.clone());
    panic::set_hook(Box::new(move |info| {
        let text = report(info, &known);
        drop(output_of_hook.write(Target::Stderr, text, Delivery::Queued));
    }));
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        drop(output.drain(Target::Stderr));
        panic::resume_unwind(panic)
    })
}

/// Returns the message of a panic, with a backtrace if `RUST_BACKTRACE` requests one.
fn report(info: &PanicHookInfo<'_>, secrets: &Secrets) -> Vec<u8> {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let message = message(info.payload());
    let backtrace = Backtrace::capture();
    let captured = backtrace.status() == BacktraceStatus::Captured;
    let trace = if captured { format!("\n{backtrace}") } else { String::new() };
    let text = format!("error: a bug in roomctl, at {place}: {message}{trace}\n");
    let mut out = Vec::new();
    let mut redacting = Redacting::new(&mut out, secrets.known());
    let redacted = std::io::Write::write_all(&mut redacting, text.as_bytes())
        .and_then(|()| redacting.finish());
    match redacted {
        Ok(()) => out,
        Err(_) => b"error: a bug in roomctl\n".to_vec(),
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_panic_message_has_the_place_and_no_secret() {
        let secrets = Secrets::default();
        secrets.learn("0123456789abcdef");
        let (sender, receiver) = mpsc::channel();
        let before = panic::take_hook();
        let here = std::thread::current().id();
        panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == here {
                drop(sender.send(report(info, &secrets)));
            } else {
                before(info);
            }
        }));
        let text = "it contains 0123456789abcdef".to_owned();
        panic::catch_unwind(AssertUnwindSafe(|| panic!("{text}"))).expect_err("a panic");
        let report = String::from_utf8(receiver.recv().expect("a message")).expect("UTF-8");
        assert!(
            report.contains("panics.rs:") && report.contains("it contains [redacted]"),
            "{report}"
        );
        assert!(!report.contains("0123456789"), "{report}");
    }
}
