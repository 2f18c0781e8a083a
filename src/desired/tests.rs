//! Whole files, as a user writes them: what they come to, and what is told of their mistakes.

mod mistakes;
mod world;

use world::World;

use super::*;

#[test]
fn the_starter_loads_without_findings() {
    let world = World::of(&[("rooms.yaml", starter(Kind::Zim))]);
    let loaded = world.load(&["rooms.yaml"]);
    assert_eq!(loaded.warnings, []);
    let addresses: Vec<_> = loaded.desired.rooms.iter().map(|it| it.address.to_string()).collect();
    assert_eq!(addresses, ["chat/lobby", "chat/table-1"]);
    assert_eq!(loaded.desired.state, world.path("rooms.state.json"));
}
