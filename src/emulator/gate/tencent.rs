//! Tencent's gateway: the parameters in the URL, and the UserSig among them.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;

use crate::emulator::Action;
use crate::emulator::code::Tencent;
use crate::emulator::query::Query;
use crate::model::{Kind, Secret, Timestamp};

use super::user_sig::{Claim, check};
use super::{AppKey, Caller};

/// Who may call.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    /// The applications' SecretKeys.
    pub(super) secrets: &'a BTreeMap<AppKey, Secret>,
    /// The applications' administrators; everybody where there are none.
    pub(super) administrators: &'a BTreeSet<String>,
}

/// Lets a signed request of an administrator through. A `random` may be used again.
pub(super) fn admit(
    method: &Method,
    path: &str,
    query: &Query,
    now: Timestamp,
    Keys { secrets, administrators }: Keys<'_>,
) -> Result<Caller, Tencent> {
    let action = Action::at(path).ok_or(Tencent::Command)?;
    if action.method() != *method {
        return Err(Tencent::Http);
    }
    let app = query.value("sdkappid").ok_or(Tencent::SdkAppIdMissing)?;
    let app = app.parse().map_err(|_| Tencent::SdkAppId)?;
    let identifier = query.value("identifier").ok_or(Tencent::Caller)?;
    let user_sig = query.value("usersig").ok_or(Tencent::Caller)?;
    let random = query.value("random").and_then(|text| text.parse::<u32>().ok());
    if random.is_none() || query.value("contenttype") != Some("json") {
        return Err(Tencent::Http);
    }
    let secret = secrets.get(&(Kind::TencentLive, app)).ok_or(Tencent::AppUnknown)?;
    check(user_sig, Claim { identifier, app }, secret, now)?;
    if !administrators.is_empty() && !administrators.contains(identifier) {
        return Err(Tencent::NotAdministrator);
    }
    Ok(Caller { app, action })
}
