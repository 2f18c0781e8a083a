//! Somebody else at the same service: the application, its users, another tool.

use std::sync::Arc;

use roomctl::model::{AttributeChange, Call, Operation, Patch, Room, RoomId};
use roomctl::provider::Client;

/// Somebody else who calls the service.
pub(crate) struct Stranger(Client);

impl Stranger {
    pub(crate) async fn new(client: Client) -> Self {
        client.register_user(None).await.expect("registered");
        Self(client)
    }

    /// Creates a room; one that is there already stays as it is.
    pub(crate) async fn create(&self, id: &str, room: Room) {
        self.change(id, Call::CreateRoom, Operation::Create(Arc::new(room))).await;
    }

    /// Destroys a room, if it is there.
    pub(crate) async fn destroy(&self, id: &str) {
        self.change(id, Call::DestroyRoom, Operation::Destroy(Arc::default())).await;
    }

    /// Changes attributes of a room, if it is there.
    pub(crate) async fn modify(&self, id: &str, changes: Vec<AttributeChange>) {
        let patch = Operation::Patch(Patch::Attributes(changes));
        self.change(id, Call::ModifyRoomAttribute, patch).await;
    }

    async fn change(&self, id: &str, call: Call, operation: Operation) {
        let permit = self.0.permit(call).await;
        // A room that exists, or is missing, is as good as changed.
        let _ = self.0.attempt(permit, &RoomId::new(id), &operation).await;
    }
}
