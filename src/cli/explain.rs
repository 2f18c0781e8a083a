//! `explain`: one room as desired, recorded and observed, and the decision.

use std::sync::Arc;

use super::args::{ExplainArgs, Format, Global};
use super::connect::Providers;
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::progress::ProgressReport;
use super::session;
use crate::applier::StopSwitch;
use crate::config::Loaded;
use crate::engine::{self, Credentials, ExplainRequest, Explained, Session};
use crate::model::{Explanation, Refresh, RoomDecision};
use crate::provider::http::SystemClock;
use crate::render;

/// Shows what is declared, recorded and observed of one room, and the decision; changes nothing.
pub(super) async fn run(
    args: &ExplainArgs,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    let Loaded { desired, warnings: _ } = session::files(global, console)?;
    let desired = Arc::new(desired);
    let path = session::state_path(global, &desired, console)?;
    let (_switch, stop) = StopSwitch::new();
    let session = Session {
        desired: &desired,
        store: &*session::sharing_store(&path, &desired)?,
        connector: &Providers::new(&desired, &path, global),
        clock: &SystemClock,
        stop: &stop,
        events: ProgressReport::start(console, Format::Json),
        host_change: session::host_change(args.allow_endpoint_change),
    };
    let credentials = match args.refresh {
        Some(Refresh::Due | Refresh::All) => Credentials::Required,
        Some(Refresh::Never) | None => Credentials::Optional,
    };
    let refresh = args.refresh.unwrap_or(Refresh::All);
    let request = ExplainRequest { address: &args.address, refresh, credentials };
    let Explained { explanation, closed } = engine::explain(&session, request).await?;
    known(&explanation)?;
    match args.format {
        Format::Json => console.document(|out| render::explanation_json(out, &explanation))?,
        Format::Text => console.print(|out| render::explanation_text(out, &explanation))?,
    }
    let unread = matches!(explanation.decision, RoomDecision::Unread(_));
    closed.map(|()| if unread { Exit::Partly } else { Exit::Done })
}

/// Rejects a room whose provider is neither declared nor recorded.
fn known(explanation: &Explanation) -> Result<(), Stopped> {
    let Explanation { address, recorded, decision, .. } = explanation;
    match (decision, recorded) {
        (RoomDecision::ProviderNotDeclared, None) => Err(Stopped::failed(
            "unknown_provider",
            format!("{address}: provider `{}` is not declared", address.provider),
        )),
        _ => Ok(()),
    }
}
