//! The events of a story, as its `world.yaml` lists them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use roomctl::emulator::EmulatorConfig;
use roomctl::model::{
    Attribute, AttributeChange, Call, Delay, Desired, Kind, Refresh, Room, RoomId,
};
use roomctl::planner::nothing_desired;
use serde::Deserialize;

use super::transcript::Transcript;
use crate::support::fleet::provider;
use crate::support::{APP, InjectedFault, OtherClient, RunOptions, World, at, service, write};

/// A story.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Story {
    #[serde(default)]
    service: Service,
    /// The events before the transcript starts.
    #[serde(default, with = "serde_yaml::with::singleton_map_recursive")]
    given: Vec<StoryEvent>,
    /// The events in the transcript.
    #[serde(with = "serde_yaml::with::singleton_map_recursive")]
    then: Vec<StoryEvent>,
}

/// The limits of the service that differ from the defaults.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    max_rooms: Option<u64>,
    attributes: Option<usize>,
}

/// One event. A room is named by its id, which means `chat`, or by its address.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoryEvent {
    Plan(Command),
    Apply(Command),
    Destroy(Command),
    Import(Command),
    Advance(String),
    Enter {
        room: String,
        users: u64,
    },
    Leave {
        room: String,
    },
    /// Another client creates a room.
    Create {
        room: String,
        delay: String,
        attributes: BTreeMap<String, String>,
    },
    /// Another client changes attributes; null deletes one.
    Change {
        room: String,
        attributes: BTreeMap<String, Option<String>>,
    },
    /// Another client destroys a room.
    Vanish(String),
    /// The next requests of a call fail in this way.
    InjectFault {
        call: Call,
        times: u64,
        fault: InjectedFault,
    },
    LoseState,
}

/// The options of a command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    /// Steps in flight of one provider: one by default, so that the transcript is deterministic.
    #[serde(default = "one")]
    concurrency: usize,
    #[serde(default = "rooms_yaml")]
    files: Vec<String>,
    /// The file of the story that is copied to `rooms.yaml`.
    #[serde(default = "rooms_yaml_itself")]
    edition: String,
    refresh: Option<Mode>,
    allow_destroy: Option<u64>,
    #[serde(default)]
    evict: Vec<String>,
}

/// What a story runs on: a world, and the folder that contains its files.
struct Stage<'a> {
    world: World,
    folder: &'a Path,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Never,
    Due,
    All,
}

fn rooms_yaml_itself() -> String {
    "rooms.yaml".to_owned()
}

fn rooms_yaml() -> Vec<String> {
    vec!["rooms.yaml".to_owned()]
}

impl Story {
    pub(super) fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join("world.yaml")).expect("a world.yaml");
        serde_yaml::from_str(&text).expect("a story")
    }

    /// Runs every event, and returns the transcript.
    pub(super) async fn run(self, folder: &Path) -> Transcript {
        let Self { service: Service { max_rooms, attributes }, given, then } = self;
        let mut settings = EmulatorConfig { max_rooms, ..service() };
        if let Some(most) = attributes {
            settings.attribute_limits.attributes = most;
        }
        let stage = Stage { world: World::new(settings), folder };
        let mut discarded = Transcript::default();
        for event in given {
            event.run(&stage, &mut discarded).await;
        }
        let mut transcript = Transcript::default();
        for event in then {
            event.run(&stage, &mut transcript).await;
        }
        transcript.final_rooms(&stage.world).await;
        transcript
    }
}

impl Stage<'_> {
    /// Copies the files of a command into the world's folder, and loads them.
    fn load(&self, command: &Command) -> Desired {
        for file in &command.files {
            let from = if file == "rooms.yaml" { &command.edition } else { file };
            let text = fs::read_to_string(self.folder.join(from)).expect("a file of the story");
            write(&self.world.folder.path().join(file), &text);
        }
        self.world.load(&command.files)
    }

    /// Returns another client of the service of this kind.
    async fn other_client(&self, kind: Kind) -> OtherClient {
        let text = fs::read_to_string(self.folder.join("rooms.yaml")).expect("rooms.yaml");
        self.world.other_client_at(&self.world.declare(&text), provider(kind)).await
    }
}

/// Returns the kind and the id of a room that is named by its id, which means `chat`, or by its address.
fn parse_room(room: &str) -> (Kind, &str) {
    let (name, id) = room.split_once('/').unwrap_or((provider(Kind::Zim), room));
    let kind = Kind::ALL.iter().find(|kind| provider(**kind) == name);
    (*kind.expect("a provider of a story"), id)
}

impl StoryEvent {
    async fn run(self, stage: &Stage<'_>, transcript: &mut Transcript) {
        let world = &stage.world;
        match self {
            Self::Plan(command) => {
                let desired = stage.load(&command);
                let mode = command.refresh.map_or(desired.policy.refresh, Mode::into);
                let plan = world.plan(&desired, mode).await.expect("a plan");
                transcript.plan("plan", &plan);
            }
            Self::Apply(command) => {
                let (desired, how) = (stage.load(&command), command.how());
                let ran = world.apply(&desired, &how).await.expect("a state").ran();
                transcript.run("apply", &ran);
            }
            Self::Destroy(command) => {
                let desired = nothing_desired(stage.load(&command));
                let how = command.how();
                let ran = world.apply(&desired, &how).await.expect("a state").ran();
                transcript.run("destroy", &ran);
            }
            Self::Import(command) => {
                world.import(&stage.load(&command)).await.expect("imported");
            }
            Self::Advance(span) => {
                let span: Delay = span.parse().expect("a span");
                world.emulator.advance(span.as_duration()).expect("advanced");
            }
            Self::Enter { room, users } => {
                let (kind, id) = parse_room(&room);
                world.emulator.enter(kind, APP, &RoomId::new(id), users).expect("entered");
            }
            Self::Leave { room } => {
                let (kind, id) = parse_room(&room);
                world.emulator.leave(kind, APP, &RoomId::new(id), None).expect("left");
            }
            Self::Create { room, delay, attributes } => {
                let content = Room {
                    name: None,
                    destroy_delay_time: Some(delay.parse().expect("a span")),
                    attributes: attributes.into_iter().map(|(k, v)| (k, attribute(v))).collect(),
                    ..Room::default()
                };
                let (kind, id) = parse_room(&room);
                stage.other_client(kind).await.create(id, content).await;
            }
            Self::Change { room, attributes } => {
                let changes = attributes.into_iter().map(change).collect();
                let (kind, id) = parse_room(&room);
                stage.other_client(kind).await.modify(id, changes).await;
            }
            Self::Vanish(room) => {
                let (kind, id) = parse_room(&room);
                stage.other_client(kind).await.destroy(id).await;
            }
            Self::InjectFault { call, times, fault } => {
                for nth in 1..=times {
                    world.script.inject(call, nth, fault);
                }
            }
            Self::LoseState => world.lose_state(),
        }
    }
}

impl Command {
    fn how(&self) -> RunOptions {
        RunOptions {
            refresh: self.refresh.map(Mode::into),
            allow_destroy: self.allow_destroy,
            evict: self
                .evict
                .iter()
                .map(|room| parse_room(room))
                .map(|(kind, id)| at(provider(kind), id))
                .collect(),
            concurrency: Some(self.concurrency),
            ..RunOptions::plain()
        }
    }
}

impl Mode {
    fn into(self) -> Refresh {
        match self {
            Self::Never => Refresh::Never,
            Self::Due => Refresh::Due,
            Self::All => Refresh::All,
        }
    }
}

fn one() -> usize {
    1
}

fn attribute(value: String) -> Attribute {
    Attribute { value: value.into(), auto_delete: false }
}

fn change((key, value): (String, Option<String>)) -> AttributeChange {
    match value {
        Some(value) => AttributeChange::Set(key.into(), attribute(value)),
        None => AttributeChange::Delete(key.into()),
    }
}
