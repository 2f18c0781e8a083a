//! `check`: credentials, one harmless signed query, the clock, the limits in force.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::args::{CheckArgs, Format, Global};
use super::connect::{self, Connected, Use};
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::session;
use crate::model::{Provider, ProviderName};
use crate::provider::http::ClockDifference;
use crate::render;

/// What was found of one provider.
struct Report<'a> {
    provider: &'a Provider,
    result: Result<Option<ClockDifference>, String>,
}

/// Asks each provider one harmless question.
pub(super) async fn run(
    args: &CheckArgs,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    let files = session::files(global, console)?;
    let path = session::state_path(global, &files.desired, console)?;
    let connected = connect::connect(&files.desired, &path, Use::Looks, global).await?;
    let mut reports = Vec::new();
    for (name, provider) in &files.desired.providers {
        reports.push(Report { provider, result: ask(name, &connected).await });
    }
    match args.format {
        Format::Text => console.print(|out| reports.iter().try_for_each(|r| r.text(out)))?,
        Format::Json => console.document(|out| {
            let providers: Vec<Value> = reports.iter().map(Report::json).collect();
            writeln!(out, "{}", json!({"format_version": 1, "providers": providers}))
        })?,
    }
    let well = reports.iter().all(|report| report.result.is_ok());
    Ok(if well { Exit::Done } else { Exit::Failed })
}

/// The clock's difference where the answer tells it, or what went wrong.
async fn ask(
    name: &ProviderName,
    connected: &Connected,
) -> Result<Option<ClockDifference>, String> {
    if let Some(what) = connected.missing.get(name) {
        return Err(what.clone());
    }
    let Some(connection) = connected.connections.get(name) else {
        return Err("it is not connected".to_owned());
    };
    let checked = connection.client.check().await;
    checked.map(|check| check.clock).map_err(|trouble| trouble.to_string())
}

impl Report<'_> {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { provider, result } = self;
        writeln!(out, "{} ({}, app {})", provider.name, provider.kind(), provider.app_id)?;
        match result {
            Ok(clock) => {
                writeln!(out, "  answers to a signed query")?;
                match clock {
                    Some(clock) => writeln!(out, "  {clock}")?,
                    None => writeln!(out, "  the service does not tell its time")?,
                }
            }
            Err(why) => writeln!(out, "  FAILED: {}", render::plain(why))?,
        }
        for (call, _) in provider.kind().calls() {
            writeln!(out, "  {call}: at most {} a second", provider.rate(*call))?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let Self { provider, result } = self;
        let clock = result.as_ref().ok().copied().flatten();
        let limits: serde_json::Map<String, Value> = provider
            .kind()
            .calls()
            .iter()
            .map(|(call, _)| (call.to_string(), json!(provider.rate(*call))))
            .collect();
        json!({
            "name": provider.name,
            "kind": provider.kind(),
            "app_id": provider.app_id,
            "ok": result.is_ok(),
            "service_clock_ahead_seconds": clock.map(|clock| clock.service_ahead),
            "error": result.as_ref().err(),
            "limits": limits,
        })
    }
}
