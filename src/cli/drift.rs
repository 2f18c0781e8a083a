//! `drift`: how the service differs from the record.

use std::sync::Arc;

use super::args::{DriftArgs, DriftFormat, Global};
use super::connect::Providers;
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::progress::ProgressReport;
use super::{session, signals};
use crate::config::Loaded;
use crate::engine::{self, Compared, DriftRequest, Session};
use crate::model::{Drift, Refresh, StateLocation};
use crate::provider::http::SystemClock;
use crate::render::{self, Layout, PageView};

/// Compares the record with the service; changes nothing.
pub(super) async fn run(
    args: &DriftArgs,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    let Loaded { desired, warnings } = session::files(global, console)?;
    let desired = Arc::new(desired);
    let path = session::state_path(global, &desired, console)?;
    let stop = signals::stop_after(args.run.timeout, console);
    let providers = Providers::new(&desired, &path, global);
    let session = Session {
        desired: &desired,
        store: &*session::sharing_store(&path, &desired)?,
        connector: &providers,
        clock: &SystemClock,
        stop: &stop,
        events: ProgressReport::start(console, args.format.progress()),
        host_change: session::host_change(args.allow_endpoint_change),
    };
    let refresh = args.refresh.unwrap_or(Refresh::All);
    let scope = session::scope(&args.scope)?;
    let request = DriftRequest { refresh, scope: &scope, warnings: &warnings };
    let compared = engine::drift(&session, request).await;
    console.measure(|run| run.calls = providers.calls());
    let Compared { drift, closed } = compared?;
    console.measure(|run| run.drift = Some(drift.summary));
    show(&drift, args, &path, console)?;
    closed.map(|()| exit(&drift))
}

fn show(
    drift: &Drift,
    args: &DriftArgs,
    state: &StateLocation,
    console: &Console,
) -> Result<(), Stopped> {
    let state = state.to_string();
    let max_bytes = args.page.max_bytes as usize;
    let page = PageView { state: &state, layout: Layout::Full, max_bytes };
    let is_silent = console.is_quiet() && drift.rooms.is_empty() && drift.unread.is_empty();
    match args.format {
        DriftFormat::Json => console.document(|out| render::drift_json(out, drift)),
        DriftFormat::Text | DriftFormat::Markdown if is_silent => Ok(()),
        DriftFormat::Text => console.print(|out| render::drift_text(out, drift)),
        DriftFormat::Markdown => console.print(|out| render::drift_markdown(out, drift, &page)),
    }
}

fn exit(drift: &Drift) -> Exit {
    let differs = if drift.rooms.is_empty() { Exit::Done } else { Exit::Changes };
    let unread = if drift.unread.is_empty() { Exit::Done } else { Exit::Partly };
    differs.or(unread)
}
