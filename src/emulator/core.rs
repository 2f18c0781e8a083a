//! The mutable state of an emulator in memory, and how requests use it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Kind, Secret, Timestamp};

use super::action::{Action, AppKey, CallEvent};
use super::config::{App, EmulatorConfig};
use super::error::EmulatorError;
use super::fault::{self, Fault, Random};
use super::rate_limit::{Admission, CallLimiter, CreateLimiter};
use super::request::{Caller, QueryError, RawRequest, Request};
use super::response::{Answer, Code, Outcome, Payload, Refusal, SUCCESS};
use super::tencent_live::codes::Tencent;
use super::world::{Change, World};
use super::zego::Zego;
use super::{rtc, tencent_live, zego, zim};

/// The mutable state of an emulator in memory: nonces, limiters, world, random numbers.
#[derive(Debug)]
pub(super) struct Core {
    secrets: BTreeMap<AppKey, Secret>,
    administrators: BTreeSet<String>,
    nonces: zego::Nonces,
    calls: CallLimiter,
    creates: CreateLimiter,
    pub(super) world: World,
    pub(super) random: Random,
}

/// The latency and the fault of one request.
#[derive(Debug)]
pub(super) struct Disturbance {
    pub(super) fault: Option<Fault>,
    /// The latency before the request counts as arrived.
    pub(super) before: Duration,
    /// The latency after the work.
    pub(super) after: Duration,
}

impl Core {
    pub(super) fn new(config: &EmulatorConfig, world: World) -> Self {
        let secret = |App { kind, app_id, secret }: &App| ((*kind, *app_id), secret.clone());
        Self {
            secrets: config.apps.iter().map(secret).collect(),
            administrators: config.administrators.clone(),
            nonces: zego::Nonces::default(),
            calls: CallLimiter::default(),
            creates: CreateLimiter::default(),
            world,
            random: Random::new(config.seed),
        }
    }

    /// Draws the disturbance of one request. The number of random numbers drawn is constant, so that
    /// changing one setting does not change the effect of the others.
    pub(super) fn disturbance(&mut self, config: &EmulatorConfig) -> Disturbance {
        let fault = fault::draw(&config.faults, &mut self.random);
        let latency = config.latency.saturating_add(self.random.duration(config.jitter));
        let before = latency / 2;
        Disturbance { fault, before, after: latency.saturating_sub(before) }
    }

    /// Checks the signature and the rate limit of an arriving request. `now` is the real time.
    pub(super) fn admit(
        &mut self,
        raw: &RawRequest,
        now: Timestamp,
        config: &EmulatorConfig,
    ) -> Result<Caller, Refusal> {
        let caller = self.authenticate(raw, now).inspect_err(|Refusal { code, .. }| {
            config.report(CallEvent::Rejected { code: code.number() });
        })?;
        let Caller { app, action } = caller;
        let at = Instant::now();
        config.report(CallEvent::Arrived { kind: action.kind(), app, action, at });
        match self.calls.admit(caller.key(), action, config.rate_limit(action), at) {
            Admission::Admitted => Ok(caller),
            Admission::TooOften => Err(too_often(caller, config)),
        }
    }

    fn authenticate(&mut self, raw: &RawRequest, now: Timestamp) -> Result<Caller, Refusal> {
        let RawRequest { method, path, query, body: _ } = raw;
        let kind = raw.kind();
        let query = query.as_ref().map_err(|error| invalid_query(kind, error))?;
        match kind {
            Kind::Rtc | Kind::Zim => {
                Ok(zego::authenticate(method, query, now, &self.secrets, &mut self.nonces)?)
            }
            Kind::TencentLive => {
                let (secrets, administrators) = (&self.secrets, &self.administrators);
                let keys = tencent_live::auth::Keys { secrets, administrators };
                Ok(tencent_live::auth::authenticate(method, path, query, now, keys)?)
            }
        }
    }

    /// Decides the outcome of a request. The world is not changed yet.
    pub(super) fn decide(&mut self, request: &Request<'_>, config: &EmulatorConfig) -> Outcome {
        self.world.expire(request.now);
        let world = &self.world;
        match request.caller.action {
            Action::CreateRoom => zim::create(request, world, config),
            Action::DestroyRoom => zim::destroy(request, world),
            Action::ModifyRoomAttribute => zim::modify(request, world, config),
            Action::QueryRoomAttribute => zim::attributes(request, world, config),
            Action::QueryRoomUserList => zim::people(request, world),
            Action::UserRegister => zim::register(request, world),
            Action::CloseRoom => rtc::close(request, world),
            Action::DescribeUserNum => rtc::count(request, world),
            Action::LiveCreateRoom => {
                tencent_live::create(request, world, config, &mut self.creates)
            }
            Action::LiveDestroyRoom => tencent_live::destroy(request, world, config),
            Action::LiveGetRoomInfo => tencent_live::info(request, world, config),
            Action::LiveUpdateRoomInfo => tencent_live::update(request, world),
            Action::LiveSetRoomMetadata => tencent_live::set(request, world, config),
            Action::LiveGetRoomMetadata => tencent_live::metadata(request, world),
            Action::LiveDelRoomMetadata => tencent_live::delete(request, world),
            Action::AccountImport => tencent_live::import(request),
        }
    }

    /// Returns the answer for a caller, and reports its code.
    pub(super) fn reply(
        &mut self,
        caller: Caller,
        outcome: Result<Payload, Refusal>,
        config: &EmulatorConfig,
    ) -> Answer {
        let code = outcome.as_ref().map_or_else(|refusal| refusal.code.number(), |_| SUCCESS);
        report_answer(caller, code, config);
        self.answer(caller.action.kind(), outcome)
    }

    /// Returns an outcome in the format of `kind`.
    pub(super) fn answer(&mut self, kind: Kind, outcome: Result<Payload, Refusal>) -> Answer {
        Answer::new(kind, outcome, self.random.bits())
    }

    /// Returns the change that advances the emulator's clock by `span`.
    pub(super) fn advanced(&self, span: Duration) -> Change {
        let ahead = self.world.ahead().saturating_add(span).as_millis();
        Change::Ahead { milliseconds: u64::try_from(ahead).unwrap_or(u64::MAX) }
    }
}

/// Returns the refusal of a call over its rate limit, and reports its code.
pub(super) fn too_often(caller: Caller, config: &EmulatorConfig) -> Refusal {
    let code: Code = match caller.action.kind() {
        Kind::Rtc => Zego::RtcTooOften.into(),
        Kind::Zim if caller.action == Action::UserRegister => Zego::RegisterTooOften.into(),
        Kind::Zim => Zego::TooOften.into(),
        Kind::TencentLive => Tencent::TooOften.into(),
    };
    report_answer(caller, code.number(), config);
    code.into()
}

fn report_answer(Caller { app, action }: Caller, code: i64, config: &EmulatorConfig) {
    config.report(CallEvent::Answered { kind: action.kind(), app, action, code });
}

fn invalid_query(kind: Kind, error: &QueryError) -> Refusal {
    let code: Code = match kind {
        Kind::Rtc | Kind::Zim => Zego::Parameter.into(),
        Kind::TencentLive => Tencent::Http.into(),
    };
    Refusal::with_message(code, error.to_string())
}

/// Returns the refusal of a request whose body could not be read.
pub(super) fn invalid_body(kind: Kind) -> Refusal {
    match kind {
        Kind::Rtc | Kind::Zim => Zego::Body.into(),
        Kind::TencentLive => Tencent::Http.into(),
    }
}

/// Returns the refusal of a change that cannot be stored. The vendors have no code for that: the nearest
/// ones are used.
pub(super) fn not_stored(kind: Kind, error: &EmulatorError) -> Refusal {
    let code: Code = match (kind, matches!(error, EmulatorError::ReadOnly)) {
        (Kind::Rtc, true) => Zego::RtcNoPermission.into(),
        (Kind::Rtc, false) => Zego::RtcInternal.into(),
        (Kind::Zim, true) => Zego::ReadOnly.into(),
        (Kind::Zim, false) => Zego::Database.into(),
        (Kind::TencentLive, true) => Tencent::Forbidden.into(),
        (Kind::TencentLive, false) => Tencent::Internal.into(),
    };
    let source = std::error::Error::source(error);
    let cause = source.map(|source| format!(": {source}")).unwrap_or_default();
    Refusal::with_message(code, format!("{error}{cause}"))
}
