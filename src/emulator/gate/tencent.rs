//! Tencent's gateway: the parameters in the URL, and the UserSig among them.

use std::collections::BTreeMap;

use axum::http::Method;

use crate::emulator::Action;
use crate::emulator::code::Tencent;
use crate::emulator::query::Query;
use crate::model::{Kind, Secret, Timestamp};

use super::user_sig::{Claim, check};
use super::{AppKey, Caller};

/// Lets a signed request through. An identifier whose UserSig is right counts as an administrator: who is
/// one is set in a console that no page describes. A `random` may be used again.
pub(super) fn admit(
    method: &Method,
    path: &str,
    query: &Query,
    now: Timestamp,
    secrets: &BTreeMap<AppKey, Secret>,
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
    Ok(Caller { app, action })
}
