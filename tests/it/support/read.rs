//! Plans as the command `plan` does, and reads its text.

use roomctl::applier::StopSwitch;
use roomctl::engine::{self, Credentials, PlanRequest, Planned};
use roomctl::model::{Desired, Plan, Refresh, Scope};
use roomctl::render::{self, Layout, View};
use roomctl::state::StateError;

use super::run::state_error;
use super::{Fuse, World};

impl World {
    /// Plans without changing anything.
    pub(crate) async fn plan(&self, desired: &Desired, mode: Refresh) -> Result<Plan, StateError> {
        let (_switch, stop) = StopSwitch::new();
        let (fuse, store) = (Fuse::never(), self.store());
        let connector = self.connector(desired, &fuse);
        let session = self.session(desired, &*store, &connector, &stop);
        let credentials = Credentials::Required;
        let request =
            PlanRequest { refresh: mode, scope: &Scope::default(), credentials, warnings: &[] };
        let Planned { plan, snapshot: _, closed } =
            engine::plan(&session, request).await.map_err(state_error)?;
        closed.map_err(state_error)?;
        Ok(plan)
    }
}

/// Returns a plan as the command prints it, without colours.
pub(crate) fn text(plan: &Plan) -> String {
    let mut out = Vec::new();
    let view = View { state: "rooms.state.json", layout: Layout::Full };
    render::plan_text(&mut out, plan, &view).expect("rendered");
    plain(out)
}

/// Returns a text without its colours.
pub(crate) fn plain(text: Vec<u8>) -> String {
    anstream::adapter::strip_str(&String::from_utf8(text).expect("UTF-8")).to_string()
}
