//! Fleets of rooms, each with two editions of its file.

use std::fmt::Write;
use std::ops::RangeInclusive;
use std::time::Duration;

use roomctl::emulator::Action;
use roomctl::model::{Desired, Kind, Refresh, RoomId};

use super::world::APP;
use super::{RunOptions, World};

mod settled;

pub(crate) use settled::{no_orphans, settled, shows};

/// The head of a rooms.yaml that declares chat rooms.
pub(crate) const HEAD: &str = "version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}
state: rooms.state.json
";

/// The number of people in each RTC room.
const PEOPLE: u64 = 3;

/// A fleet: groups of rooms, each with the kinds of its rooms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fleet {
    pub(crate) name: &'static str,
    groups: &'static [&'static [Kind]],
    /// The number of rooms that the first edition declares in each group.
    first: u64,
}

/// Twelve chat rooms.
pub(crate) const CHAT: Fleet = Fleet { name: "chat", groups: &[&[Kind::Zim]], first: 12 };

/// Nine live rooms.
pub(crate) const LIVE: Fleet = Fleet { name: "live", groups: &[&[Kind::TencentLive]], first: 9 };

/// Nine RTC rooms.
pub(crate) const VIDEO: Fleet = Fleet { name: "video", groups: &[&[Kind::Rtc]], first: 9 };

/// Rooms that are both chat and video, and live rooms.
pub(crate) const MIXED: Fleet =
    Fleet { name: "mixed", groups: &[&[Kind::Zim, Kind::Rtc], &[Kind::TencentLive]], first: 5 };

/// All of them.
pub(crate) const FLEETS: [Fleet; 4] = [CHAT, LIVE, VIDEO, MIXED];

/// One edition of a fleet.
#[derive(Clone, Debug)]
pub(crate) struct Edition {
    /// The file.
    pub(crate) text: String,
    /// The number of creates in each group until the edition is applied, replaced rooms included.
    created: u64,
}

/// Returns the name of the provider of a kind.
pub(crate) const fn provider(kind: Kind) -> &'static str {
    match kind {
        Kind::Zim => "chat",
        Kind::Rtc => "video",
        Kind::TencentLive => "live",
    }
}

/// Returns the action that creates a room of a kind; `None` for RTC rooms, which only users create.
pub(crate) const fn maker(kind: Kind) -> Option<Action> {
    match kind {
        Kind::Zim => Some(Action::CreateRoom),
        Kind::Rtc => None,
        Kind::TencentLive => Some(Action::LiveCreateRoom),
    }
}

impl Fleet {
    /// Returns both editions.
    pub(crate) fn editions(&self) -> [Edition; 2] {
        let first = self.first;
        [
            Edition { text: self.edition(0, 1..=first, |_| "first"), created: first },
            Edition { text: self.second(), created: first + 2 + 3 },
        ]
    }

    /// Returns the second edition: two rooms are removed, two are replaced, three are added, and
    /// the attributes of three change.
    fn second(&self) -> String {
        self.edition(
            2,
            3..=self.first + 3,
            |n| if (5..8).contains(&n) { "second" } else { "first" },
        )
    }

    /// Lets people enter the RTC rooms, between the editions.
    pub(crate) fn add_people(&self, world: &World) {
        for (letter, _) in self.lettered().filter(|(_, kinds)| kinds.contains(&Kind::Rtc)) {
            for n in 1..=self.first {
                let room = RoomId::new(&format!("{letter}{n:02}"));
                world.emulator.enter(Kind::Rtc, APP, &room, PEOPLE).expect("entered");
            }
        }
    }

    /// Returns the kinds of its rooms.
    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.groups.iter().flat_map(|kinds| kinds.iter().copied())
    }

    fn lettered(&self) -> impl Iterator<Item = (char, &'static [Kind])> {
        ('r'..).zip(self.groups.iter().copied())
    }

    fn edition(
        &self,
        renamed: u64,
        rooms: RangeInclusive<u64>,
        topic: impl Fn(u64) -> &'static str,
    ) -> String {
        let mut out = "version: 1\nproviders:\n".to_owned();
        for kind in self.kinds() {
            let operator = if kind == Kind::Rtc { "" } else { "operator: admin, " };
            let name = provider(kind);
            writeln!(out, "  {name}: {{kind: {kind}, app_id: 1, {operator}endpoint: emulator}}")
                .expect("a text");
        }
        // RTC rooms are destroyed with people inside.
        let policy = if self.kinds().any(|kind| kind == Kind::Rtc) {
            "{refresh: due, on_occupied: destroy}"
        } else {
            "{refresh: due}"
        };
        writeln!(out, "state: rooms.state.json\npolicy: {policy}\nrooms:").expect("a text");
        let first = *rooms.start();
        for (letter, kinds) in self.lettered() {
            for n in rooms.clone() {
                let replaced = n < first + renamed;
                let held: Vec<_> =
                    kinds.iter().map(|kind| content(*kind, n, topic(n), replaced)).collect();
                let names: Vec<_> = kinds.iter().map(|kind| provider(*kind)).collect();
                let (names, held) = (names.join(", "), held.join(", "));
                writeln!(out, "  - {{id: {letter}{n:02}, providers: [{names}], {held}}}")
                    .expect("a text");
            }
        }
        out
    }
}

/// Returns the declaration of a room of a kind. With `replaced` the room must be replaced.
fn content(kind: Kind, n: u64, topic: &str, replaced: bool) -> String {
    let attributes = format!("attributes: {{topic: {topic}, number: \"{n}\"}}");
    let name = if replaced { "New" } else { "Room" };
    match kind {
        Kind::Zim => format!("name: {name} {n}, destroy_delay_time: 3h, {attributes}"),
        Kind::Rtc => format!("close: {{reason: {topic}, callback: true}}"),
        Kind::TencentLive => {
            let seats = if replaced { 5 } else { 4 };
            format!(
                "name: {name} {n}, owner: alice, seat_template: AudioSalon, max_seats: {seats}, \
                 notice: {topic}, {attributes}"
            )
        }
    }
}

/// The most runs until a world converges.
const RUNS: usize = 40;

/// The time after which every request in flight has been executed.
const ALL_EXECUTED: Duration = Duration::from_secs(20);

/// Applies until nothing is left to do, and returns the number of runs.
pub(crate) async fn converge(world: &World, desired: &Desired) -> Result<usize, String> {
    for run in 1..=RUNS {
        let ended = world.apply(desired, &RunOptions::with_consent()).await;
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

/// Converges, waits until all requests in flight are executed, and then checks the result.
pub(crate) async fn converge_and_check(
    world: &World,
    desired: &Desired,
    edition: &Edition,
) -> Result<(), String> {
    converge(world, desired).await?;
    tokio::time::sleep(ALL_EXECUTED).await;
    settled(world, desired, edition).await
}
