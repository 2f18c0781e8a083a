//! Which of a service's calls carry out a step.

use crate::model::{Action, Call, Kind};

struct Calls {
    create: Call,
    destroy: Call,
    modify: Call,
    people: Call,
}

/// The calls that change something, in order.
pub(super) fn calls(kind: Kind, action: Action, batches: usize) -> Vec<Call> {
    let Calls { create, destroy, modify, people: _ } = service(kind);
    match action {
        Action::Create | Action::Recreate => vec![create],
        Action::Replace => vec![destroy, create],
        Action::Destroy => vec![destroy],
        Action::Update | Action::Adopt => vec![modify; batches],
        Action::Forget | Action::Record => Vec::new(),
    }
}

/// The call that asks who is inside.
pub(super) fn people_call(kind: Kind) -> Call {
    service(kind).people
}

fn service(kind: Kind) -> Calls {
    match kind {
        Kind::Zim => Calls {
            create: Call::CreateRoom,
            destroy: Call::DestroyRoom,
            modify: Call::ModifyRoomAttribute,
            people: Call::QueryRoomUserList,
        },
    }
}
