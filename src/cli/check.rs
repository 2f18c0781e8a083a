//! `check`: credentials, one signed read-only call, the clock, the operator, the limits.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::args::{CheckArgs, Format, Global};
use super::connect::Providers;
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::session;
use crate::applier::Connection;
use crate::engine::{Access, Connected, Connector};
use crate::model::{ApiError, Provider};
use crate::provider::http::ClockDifference;
use crate::render;

/// The result of one provider.
struct Report<'a> {
    provider: &'a Provider,
    result: Result<Checked, Failure>,
}

/// A provider that answers.
struct Checked {
    /// The clock's difference, if the answer contains the time.
    clock: Option<ClockDifference>,
    operator: Operator,
}

/// A provider that failed.
struct Failure {
    message: String,
    operator: Operator,
}

/// Whether the service knows the user that calls it.
enum Operator {
    /// It is not queried.
    NotNeeded,
    Known,
    Unknown,
    NotChecked(String),
}

/// Tencent's code for an `identifier` that is not an administrator of the application.
///
/// <https://www.tencentcloud.com/document/product/1047/34348>
const NO_ADMINISTRATOR: i64 = 60_010;

/// Makes one read-only call to each provider.
pub(super) async fn run(
    args: &CheckArgs,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    let files = session::files(global, console)?;
    let path = session::state_path(global, &files.desired, console)?;
    let providers = Providers::new(&files.desired, &path, global);
    let connected = providers.connect(Access::Reads).await?;
    let mut reports = Vec::new();
    for provider in files.desired.providers.values() {
        reports.push(Report { provider, result: check(provider, &connected).await });
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

async fn check(provider: &Provider, connected: &Connected) -> Result<Checked, Failure> {
    let unsent = |message: String| Failure {
        message,
        operator: Operator::NotChecked("no query was sent".to_owned()),
    };
    if let Some(what) = connected.missing.get(&provider.name) {
        return Err(unsent(what.clone()));
    }
    let Some(connection) = connected.connections.get(&provider.name) else {
        return Err(unsent("it is not connected".to_owned()));
    };
    match connection.client.check().await {
        Ok(probe) => {
            Ok(Checked { clock: probe.clock, operator: operator(provider, connection).await })
        }
        Err(api_error) => {
            Err(Failure { operator: refused(provider, &api_error), message: api_error.to_string() })
        }
    }
}

/// Returns whether the operator is known, after a query that succeeded. Tencent's is known, since the
/// query was made as this user.
async fn operator(provider: &Provider, connection: &Connection) -> Operator {
    match provider.kind().spec().operator.map(|operator| operator.registered_by) {
        None => Operator::NotNeeded,
        Some(None) => Operator::Known,
        Some(Some(_)) => match connection.client.knows_operator().await {
            Ok(true) => Operator::Known,
            Ok(false) => Operator::Unknown,
            Err(api_error) => Operator::NotChecked(api_error.to_string()),
        },
    }
}

/// Returns what a failed query shows about the operator.
fn refused(provider: &Provider, api_error: &ApiError) -> Operator {
    let not_checked = || Operator::NotChecked("the signed query failed".to_owned());
    match provider.kind().spec().operator.map(|operator| operator.registered_by) {
        None => Operator::NotNeeded,
        Some(None) => {
            if api_error.code == Some(NO_ADMINISTRATOR) {
                Operator::Unknown
            } else {
                not_checked()
            }
        }
        Some(Some(_)) => not_checked(),
    }
}

impl Report<'_> {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { provider, result } = self;
        writeln!(out, "{} ({}, app {})", provider.name, provider.kind(), provider.app_id)?;
        let Checked { clock, operator } = match result {
            Ok(checked) => checked,
            Err(Failure { message, operator: _ }) => {
                return writeln!(out, "  FAILED: {}", render::plain(message));
            }
        };
        writeln!(out, "  answers to a signed query")?;
        match clock {
            Some(clock) => writeln!(out, "  {clock}")?,
            None => writeln!(out, "  the service does not report its time")?,
        }
        if let (Some(name), Some(words)) = (provider.application.operator(), operator.words()) {
            writeln!(out, "  operator `{}`: {}", render::plain(name), render::plain(words))?;
        }
        for (call, _) in provider.kind().calls() {
            writeln!(out, "  {call}: at most {} calls per second", provider.rate(*call))?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let Self { provider, result } = self;
        let (clock, operator, error) = match result {
            Ok(Checked { clock, operator }) => (*clock, operator, None),
            Err(Failure { message, operator }) => (None, operator, Some(message)),
        };
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
            "operator": provider.application.operator(),
            "operator_known": operator.known(),
            "error": error,
            "limits": limits,
        })
    }
}

impl Operator {
    fn words(&self) -> Option<String> {
        match self {
            Self::NotNeeded => None,
            Self::Known => Some("the service accepts calls as this user".to_owned()),
            Self::Unknown => Some("not registered: `apply` registers this user".to_owned()),
            Self::NotChecked(why) => Some(format!("not checked: {why}")),
        }
    }

    fn known(&self) -> Option<bool> {
        match self {
            Self::Known => Some(true),
            Self::Unknown => Some(false),
            Self::NotNeeded | Self::NotChecked(_) => None,
        }
    }
}
