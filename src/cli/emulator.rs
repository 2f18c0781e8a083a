//! `emulator`: serves the emulator, or changes its data: people enter and leave, time passes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::args::{EmulatorArgs, EmulatorCommand, Global};
use super::connect::{data_file, emulator_error, emulator_settings, usable};
use super::console::Console;
use super::context::variable;
use super::exit::{Exit, Stopped};
use super::{session, signals};
use crate::emulator::{App, Data, Emulator, EmulatorConfig, EmulatorError, FaultShare};
use crate::model::{
    Address, Desired, Endpoint, EndpointUrl, Kind, Provider, Secret, StateLocation,
};
use crate::provider::http::{SystemClock, post_to_loopback};
use crate::render;

/// Serves the emulator, or changes the data of one.
pub(super) async fn run(
    args: EmulatorArgs,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    match args.command {
        None => serve(args, console).await,
        Some(command) => change(command, global, console).await,
    }
}

async fn serve(args: EmulatorArgs, console: &Console) -> Result<Exit, Stopped> {
    let stop = signals::listen(console.output())?;
    if !args.listen.ip().is_loopback() {
        let message = format!("--listen {}: the emulator listens on loopback only", args.listen);
        return Err(Stopped::usage(message));
    }
    let (apps, secrets): (Vec<_>, Vec<_>) = {
        let apps = Kind::ALL.iter().map(|kind| app(*kind, &args, console));
        apps.collect::<Result<Vec<_>, _>>()?.into_iter().unzip()
    };
    let faults: Result<Vec<FaultShare>, _> = args.faults.iter().map(|text| text.parse()).collect();
    let config = EmulatorConfig {
        max_rooms: args.max_rooms,
        administrators: args.administrators.into_iter().collect(),
        latency: args.latency,
        jitter: args.jitter,
        faults: faults.map_err(Stopped::usage)?,
        ..EmulatorConfig::new(apps)
    };
    let data = match args.data {
        None => Data::Memory,
        Some(path) => Data::File(session::named_without_secret(path, "the data", console)?),
    };
    let emulator = open(config, data).await?;
    let running = emulator.listen(args.listen).await.map_err(emulator_error)?;
    console.print(|out| {
        writeln!(out, "listening on http://{}", running.address())?;
        writeln!(out, "{}", emulator.describe())?;
        writeln!(out, "{}", secrets.join("\n"))?;
        writeln!(out, "press Ctrl-C to stop")
    })?;
    stop.wanted().await;
    running.shutdown().await.map_err(emulator_error)?;
    Ok(Exit::Done)
}

/// Returns the application of one kind that is served, and a line about its secret.
fn app(kind: Kind, args: &EmulatorArgs, console: &Console) -> Result<(App, String), Stopped> {
    let name = args.secret_env.as_deref().unwrap_or(kind.default_secret_variable());
    if let Some(secret) = variable(name) {
        console.secrets().learn(&secret);
        let app = App { kind, app_id: args.app_id, secret: Secret::new(secret) };
        usable(&app.secret, &format!("the environment variable {name}"), kind)
            .map_err(|fault| Stopped::failed("secret", fault))?;
        return Ok((app, format!("secret of {kind}: the value of {name}")));
    }
    let app = App::with_own_secret(kind, args.app_id);
    let own = app.secret.expose();
    let line = format!("secret of {kind}: the emulator's default, export {name}={own}");
    Ok((app, line))
}

/// Opens an emulator: its data is read and folded on a blocking thread.
pub(super) async fn open(config: EmulatorConfig, data: Data) -> Result<Emulator, Stopped> {
    blocking(move || Emulator::open(config, Arc::new(SystemClock), data)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EmulatorError> + Send + 'static,
) -> Result<T, Stopped> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(EmulatorError::Interrupted(error))).map_err(emulator_error)
}

/// Changes the data of each emulator that the declared providers use.
async fn change(
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
    // Several providers may share one emulator, whose clock is advanced once.
    let mut changed = BTreeSet::new();
    for provider in providers {
        let url = match &provider.endpoint {
            Endpoint::Emulator => None,
            Endpoint::Url(url) => Some(url),
            Endpoint::Vendor => continue,
        };
        if !changed.insert(url) {
            continue;
        }
        match url {
            None => built_in(command.clone(), provider, desired, &state).await?,
            Some(url) => served(&command, provider, url).await?,
        }
    }
    if changed.is_empty() {
        let message =
            "no provider uses an emulator: set `endpoint: emulator`, or a URL on loopback";
        return Err(Stopped::failed("no_emulator", message));
    }
    console.note(&render::plain(describe(&command)));
    Ok(Exit::Done)
}

fn provider<'a>(desired: &'a Desired, address: &Address) -> Result<&'a Provider, Stopped> {
    desired.providers.get(&address.provider).ok_or_else(|| {
        let message = format!("{address}: no provider `{}` is declared", address.provider);
        Stopped::failed("unknown_provider", message)
    })
}

/// Changes the data of the built-in emulator, which is beside the state.
async fn built_in(
    command: EmulatorCommand,
    provider: &Provider,
    desired: &Desired,
    state: &StateLocation,
) -> Result<(), Stopped> {
    let emulated = desired.providers.values().filter(|provider| provider.emulated());
    let apps = emulated.map(|provider| App::with_own_secret(provider.kind(), provider.app_id));
    let config = emulator_settings(desired, apps.collect());
    let emulator = open(config, Data::File(data_file(state))).await?;
    let (kind, app) = (provider.kind(), provider.app_id);
    blocking(move || {
        match command {
            EmulatorCommand::Enter { address, users } => {
                emulator.enter(kind, app, &address.room, users).map(drop)
            }
            EmulatorCommand::Leave { address, users } => {
                emulator.leave(kind, app, &address.room, users).map(drop)
            }
            EmulatorCommand::Advance { span } => emulator.advance(span),
        }
        .and_then(|()| emulator.fold())
    })
    .await
}

/// Changes the data of an emulator that listens on loopback.
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
        let message = format!("provider `{}`: the emulator refused it: {error}", provider.name);
        Stopped::failed("emulator", message)
    })
}

fn describe(command: &EmulatorCommand) -> String {
    match command {
        EmulatorCommand::Enter { address, users } => format!("{address}: {users} entered"),
        EmulatorCommand::Leave { address, users: Some(users) } => {
            format!("{address}: {users} left")
        }
        EmulatorCommand::Leave { address, users: None } => format!("{address}: all users left"),
        EmulatorCommand::Advance { span } => passed(*span),
    }
}

fn passed(span: Duration) -> String {
    format!("the clock was advanced by {} s", span.as_secs())
}
