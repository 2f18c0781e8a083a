//! Another caller of the same service, such as the application, its users or another tool.

use std::sync::Arc;

use roomctl::model::{
    ApiError, AttributeChange, Call, Kind, Operation, Origin, Patch, Room, RoomId,
};
use roomctl::provider::{Client, Receipt};

/// Another caller of the service.
pub(crate) struct OtherClient {
    client: Client,
    kind: Kind,
}

impl OtherClient {
    pub(crate) async fn new(client: Client, kind: Kind) -> Self {
        client.register_user(None).await.expect("registered");
        Self { client, kind }
    }

    /// Creates a room. Does nothing if it exists, or if only users create rooms of its kind.
    pub(crate) async fn create(&self, id: &str, room: Room) {
        let Origin::Call(call) = self.kind.origin() else { return };
        let room = Arc::new(room);
        let made = Operation::Create(room.made_by_its_call(self.kind));
        self.client.prepare(&made).await.expect("prepared");
        self.change(id, call, made).await;
        if self.kind == Kind::TencentLive && !room.attributes.is_empty() {
            let sets = room.attributes.iter();
            let sets = sets.map(|(key, it)| AttributeChange::Set(key.into(), it.clone())).collect();
            self.modify(id, sets).await;
        }
    }

    /// Destroys a room if it exists.
    pub(crate) async fn destroy(&self, id: &str) {
        // A missing room needs no destroy.
        let _ = self.try_destroy(id).await;
    }

    /// Destroys a room with one attempt.
    pub(crate) async fn try_destroy(&self, id: &str) -> Result<Receipt, ApiError> {
        let destroy = Operation::Destroy(Arc::default());
        let permit = self.client.permit(self.kind.destroy_call()).await.expect("a permit");
        self.client.attempt(permit, &RoomId::new(id), &destroy).await
    }

    /// Changes attributes of a room if it exists.
    pub(crate) async fn modify(&self, id: &str, changes: Vec<AttributeChange>) {
        self.patch(id, Patch::Attributes(changes)).await;
    }

    /// Changes a room if it exists.
    pub(crate) async fn patch(&self, id: &str, patch: Patch) {
        let Some(call) = self.kind.patch_call(&patch) else { return };
        self.change(id, call, Operation::Patch(patch)).await;
    }

    async fn change(&self, id: &str, call: Call, operation: Operation) {
        let permit = self.client.permit(call).await.expect("a permit");
        // The room may exist already, or be missing.
        let _ = self.client.attempt(permit, &RoomId::new(id), &operation).await;
    }
}
