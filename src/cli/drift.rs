//! `drift`: how the service differs from the record.

use std::sync::Arc;

use super::args::{DriftArgs, Format, Global};
use super::connect::Providers;
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::progress::ProgressReport;
use super::session;
use crate::applier::StopSwitch;
use crate::config::Loaded;
use crate::engine::{self, Compared, Credentials, DriftRequest, Session};
use crate::model::{Drift, Refresh};
use crate::provider::http::SystemClock;
use crate::render;
use crate::state;

/// Compares the record with the service; changes nothing.
pub(super) async fn run(
    args: &DriftArgs,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    let Loaded { desired, warnings } = session::files(global, console)?;
    let desired = Arc::new(desired);
    let path = session::state_path(global, &desired, console)?;
    let (_switch, stop) = StopSwitch::new();
    let session = Session {
        desired: &desired,
        store: &*state::open_sharing(&path, Arc::clone(&desired)),
        connector: &Providers::new(&desired, &path, global),
        clock: &SystemClock,
        stop: &stop,
        events: ProgressReport::start(console, args.format),
        host_change: session::host_change(args.allow_endpoint_change),
    };
    let credentials = match args.refresh {
        Some(Refresh::Due | Refresh::All) => Credentials::Required,
        Some(Refresh::Never) | None => Credentials::Optional,
    };
    let refresh = args.refresh.unwrap_or(Refresh::All);
    let request = DriftRequest { refresh, credentials, warnings: &warnings };
    let Compared { drift, closed } = engine::drift(&session, request).await?;
    show(&drift, args.format, console)?;
    closed.map(|()| exit(&drift))
}

fn show(drift: &Drift, format: Format, console: &Console) -> Result<(), Stopped> {
    match format {
        Format::Json => console.document(|out| render::drift_json(out, drift)),
        Format::Text if console.is_quiet() && drift.rooms.is_empty() && drift.unread.is_empty() => {
            Ok(())
        }
        Format::Text => console.print(|out| render::drift_text(out, drift)),
    }
}

fn exit(drift: &Drift) -> Exit {
    let differs = if drift.rooms.is_empty() { Exit::Done } else { Exit::Changes };
    let unread = if drift.unread.is_empty() { Exit::Done } else { Exit::Partly };
    differs.or(unread)
}
