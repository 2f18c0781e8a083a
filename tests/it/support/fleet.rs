//! A fleet in two editions: what it is first, and what it becomes.

use std::time::Duration;

use roomctl::emulator::Action;
use roomctl::model::{Desired, Refresh};

use super::{How, World, address};

/// The head of every rooms.yaml that is made here.
pub(crate) const HEAD: &str = "version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}
state: rooms.state.json
";

/// The rooms that the first edition declares.
const FIRST: u64 = 12;

/// What the two editions ask of a service that is empty at first, when all went well.
const CREATES: [u64; 2] = [FIRST, FIRST + 2 + 3];

/// Both editions, with the rooms that were made once each is there.
pub(crate) fn editions() -> [(String, u64); 2] {
    [(first(), CREATES[0]), (second(), CREATES[1])]
}

/// The first edition: twelve rooms.
fn first() -> String {
    edition(0, 1..=FIRST, |_| "first")
}

/// The second: two rooms go, two are replaced, three come, and the attributes of four change.
fn second() -> String {
    edition(2, 3..=FIRST + 3, |n| if (5..9).contains(&n) { "second" } else { "first" })
}

fn edition(
    renamed: u64,
    rooms: std::ops::RangeInclusive<u64>,
    topic: impl Fn(u64) -> &'static str,
) -> String {
    let first = *rooms.start();
    let room = |n: u64| {
        let name = if n < first + renamed { "New" } else { "Room" };
        let topic = topic(n);
        format!(
            "  - {{id: r{n:02}, name: {name} {n}, destroy_delay_time: 3h, \
             attributes: {{topic: {topic}, number: \"{n}\"}}}}\n"
        )
    };
    format!("{HEAD}policy: {{refresh: due}}\nrooms:\n{}", rooms.map(room).collect::<String>())
}

/// Runs that the worst day may take to come through.
const RUNS: usize = 40;

/// Longer than anything takes to land that was under way.
const ALL_HAS_LANDED: Duration = Duration::from_secs(20);

/// Applies until nothing is left to do, and returns the number of runs.
pub(crate) async fn converge(world: &World, desired: &Desired) -> Result<usize, String> {
    for run in 1..=RUNS {
        let ended = world.apply(desired, &How::with_consent()).await;
        ended.map_err(|error| error.to_string())?;
        no_orphans(world).await?;
        let plan = world.plan(desired, Refresh::All).await.map_err(|error| error.to_string())?;
        let recorded = world.recorded().await.map_err(|error| error.to_string())?;
        let open = recorded.rooms.values().any(|room| room.pending.is_some());
        if plan.steps.is_empty() && plan.unread.is_empty() && !open {
            return Ok(run);
        }
    }
    Err(format!("{RUNS} runs did not converge"))
}

/// Converges, lets everything land, and then looks at what came of it.
pub(crate) async fn come_through(
    world: &World,
    desired: &Desired,
    creates: u64,
) -> Result<(), String> {
    converge(world, desired).await?;
    tokio::time::sleep(ALL_HAS_LANDED).await;
    settled(world, desired, creates).await
}

/// Looks for rooms that are lost, missing or made twice.
pub(crate) async fn settled(world: &World, desired: &Desired, creates: u64) -> Result<(), String> {
    as_declared(world, desired).await?;
    let made = world.survey().served(Action::CreateRoom);
    let right = made == creates;
    right.then_some(()).ok_or_else(|| format!("{made} rooms were made instead of {creates}"))
}

/// Whether every room that is alive is recorded: nobody but us made any.
pub(crate) async fn no_orphans(world: &World) -> Result<(), String> {
    let recorded = world.recorded().await.map_err(|error| format!("unreadable: {error}"))?;
    let orphans: Vec<_> = world
        .survey()
        .rooms
        .into_keys()
        .filter(|id| !recorded.rooms.contains_key(&address(id.as_str())))
        .collect();
    if orphans.is_empty() { Ok(()) } else { Err(format!("orphans: {orphans:?}")) }
}

/// Whether the service and the record hold what is declared, nothing more, and nothing is open.
async fn as_declared(world: &World, desired: &Desired) -> Result<(), String> {
    no_orphans(world).await?;
    let recorded = world.recorded().await.map_err(|error| format!("unreadable: {error}"))?;
    let survey = world.survey();
    let open = recorded.rooms.iter().filter(|(_, room)| room.pending.is_some());
    let open: Vec<_> = open.map(|(address, _)| address).collect();
    if !open.is_empty() {
        return Err(format!("open: {open:?}"));
    }
    for room in &desired.rooms {
        let there = survey.rooms.get(&room.address.room);
        let there = there.ok_or_else(|| format!("{} is not there", room.address))?;
        if there.name.as_deref() != room.room.name.as_deref()
            || there.attributes != room.room.attributes
        {
            return Err(format!("{} is {there:?}", room.address));
        }
    }
    let (alive, declared) = (survey.rooms.len(), desired.rooms.len());
    let recorded = recorded.rooms.len();
    let same = alive == declared && recorded == declared;
    same.then_some(()).ok_or_else(|| format!("{declared}, {recorded} recorded, {alive} alive"))
}
