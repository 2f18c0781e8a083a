//! `emulator`: serves the stand-in, or puts people into its rooms and lets time pass.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::{EmulatorArgs, EmulatorCommand, Global};
use super::connect::{data_file, emulator_error, emulator_settings, usable};
use super::console::Console;
use super::context::variable;
use super::exit::{Exit, Stopped};
use super::{session, signals};
use crate::emulator::{App, Data, Emulator, FaultShare, Settings};
use crate::model::{
    Address, Desired, Endpoint, EndpointUrl, Kind, Provider, Secret, StateLocation,
};
use crate::provider::http::{SystemClock, post_to_loopback};
use crate::render;

/// Serves, or tells a world that something happened.
pub(super) async fn run(
    args: EmulatorArgs,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    match args.command {
        None => serve(args, console).await,
        Some(command) => happen(command, global, console).await,
    }
}

async fn serve(args: EmulatorArgs, console: &Console) -> Result<Exit, Stopped> {
    let stop = signals::listen(console.output())?;
    if !args.listen.ip().is_loopback() {
        let words = format!("--listen {}: the emulator listens on loopback only", args.listen);
        return Err(Stopped::usage(words));
    }
    let (apps, secrets): (Vec<_>, Vec<_>) = {
        let apps = Kind::ALL.iter().map(|kind| app(*kind, &args, console));
        apps.collect::<Result<Vec<_>, _>>()?.into_iter().unzip()
    };
    let faults: Result<Vec<FaultShare>, _> = args.faults.iter().map(|text| text.parse()).collect();
    let settings = Settings {
        max_rooms: args.max_rooms,
        administrators: args.administrators.into_iter().collect(),
        latency: args.latency,
        jitter: args.jitter,
        faults: faults.map_err(Stopped::usage)?,
        ..Settings::new(apps)
    };
    let data = match args.data {
        None => Data::Memory,
        Some(path) => Data::File(session::named_without_secret(path, "the data", console)?),
    };
    let emulator = Emulator::open(settings, Arc::new(SystemClock), data).map_err(emulator_error)?;
    let running = emulator.listen(args.listen).await.map_err(emulator_error)?;
    console.print(|out| {
        writeln!(out, "listening on http://{}", running.address())?;
        writeln!(out, "{}", emulator.describe())?;
        writeln!(out, "{}", secrets.join("\n"))?;
        writeln!(out, "Ctrl-C ends it")
    })?;
    stop.wanted().await;
    running.shutdown().await.map_err(emulator_error)?;
    Ok(Exit::Done)
}

/// The application of one kind that is served, and a line on its secret.
fn app(kind: Kind, args: &EmulatorArgs, console: &Console) -> Result<(App, String), Stopped> {
    let name = args.secret_env.as_deref().unwrap_or(kind.default_secret_variable());
    if let Some(secret) = variable(name) {
        console.secrets().learn(&secret);
        let app = App { kind, app_id: args.app_id, secret: Secret::new(secret) };
        usable(&app.secret, &format!("the environment variable {name}"), kind)
            .map_err(|fault| Stopped::failed("secret", fault))?;
        return Ok((app, format!("secret of {kind}: what {name} holds")));
    }
    let app = App::with_own_secret(kind, args.app_id);
    let own = app.secret.expose();
    let line = format!("secret of {kind}: the emulator's own, export {name}={own}");
    Ok((app, line))
}

/// Tells the world of the files' provider that something happened.
async fn happen(
    command: EmulatorCommand,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    let files = session::files(global, console)?;
    let desired = &files.desired;
    let state = session::state_path(global, desired, console)?;
    let providers: Vec<&Provider> = match &command {
        EmulatorCommand::Enter { address, .. } | EmulatorCommand::Leave { address, .. } => {
            vec![provider(desired, address)?]
        }
        EmulatorCommand::Advance { .. } => desired.providers.values().collect(),
    };
    // Several providers may be on one emulator, for which time passes once.
    let mut told = BTreeSet::new();
    for provider in providers {
        let url = match &provider.endpoint {
            Endpoint::Emulator => None,
            Endpoint::Url(url) => Some(url),
            Endpoint::Vendor => continue,
        };
        if !told.insert(url) {
            continue;
        }
        match url {
            None => built_in(&command, provider, desired, &state)?,
            Some(url) => served(&command, provider, url).await?,
        }
    }
    if told.is_empty() {
        let words = "no provider is on an emulator: say `endpoint: emulator`, or a URL on loopback";
        return Err(Stopped::failed("no_emulator", words));
    }
    console.note(&render::plain(describe(&command)));
    Ok(Exit::Done)
}

fn provider<'a>(desired: &'a Desired, address: &Address) -> Result<&'a Provider, Stopped> {
    desired.providers.get(&address.provider).ok_or_else(|| {
        let words = format!("{address}: no provider `{}` is declared", address.provider);
        Stopped::failed("unknown_provider", words)
    })
}

/// Changes the world that the built-in emulator keeps beside the state.
fn built_in(
    command: &EmulatorCommand,
    provider: &Provider,
    desired: &Desired,
    state: &StateLocation,
) -> Result<(), Stopped> {
    let emulated = desired.providers.values().filter(|provider| provider.emulated());
    let apps = emulated.map(|provider| App::with_own_secret(provider.kind(), provider.app_id));
    let settings = emulator_settings(desired, apps.collect());
    let data = Data::File(data_file(state));
    let emulator = Emulator::open(settings, Arc::new(SystemClock), data).map_err(emulator_error)?;
    let (kind, app) = (provider.kind(), provider.app_id);
    match command {
        EmulatorCommand::Enter { address, users } => {
            emulator.enter(kind, app, &address.room, *users).map(drop)
        }
        EmulatorCommand::Leave { address, users } => {
            emulator.leave(kind, app, &address.room, *users).map(drop)
        }
        EmulatorCommand::Advance { span } => emulator.advance(*span),
    }
    .and_then(|()| emulator.fold())
    .map_err(emulator_error)
}

/// Tells an emulator that listens on loopback.
async fn served(
    command: &EmulatorCommand,
    provider: &Provider,
    url: &EndpointUrl,
) -> Result<(), Stopped> {
    let (kind, app) = (provider.kind(), provider.app_id);
    let moved = |address: &Address, users: Option<u64>| json!({"kind": kind, "app_id": app, "room": address.room.as_str(), "users": users});
    let (what, body): (&str, Value) = match command {
        EmulatorCommand::Enter { address, users } => ("enter", moved(address, Some(*users))),
        EmulatorCommand::Leave { address, users } => ("leave", moved(address, *users)),
        EmulatorCommand::Advance { span } => ("advance", json!({"seconds": span.as_secs()})),
    };
    let path = format!("emulator/{what}");
    post_to_loopback(url, &path, &body).await.map_err(|error| {
        let words = format!("provider `{}`: the emulator did not take it: {error}", provider.name);
        Stopped::failed("emulator", words)
    })
}

fn describe(command: &EmulatorCommand) -> String {
    match command {
        EmulatorCommand::Enter { address, users } => format!("{address}: {users} entered"),
        EmulatorCommand::Leave { address, users: Some(users) } => {
            format!("{address}: {users} left")
        }
        EmulatorCommand::Leave { address, users: None } => format!("{address}: everybody left"),
        EmulatorCommand::Advance { span } => passed(*span),
    }
}

fn passed(span: Duration) -> String {
    format!("{} s passed", span.as_secs())
}
