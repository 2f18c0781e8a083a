//! The digest of what the files declare, independent of their order and their paths.

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::model::{
    Address, Application, Attribute, AttributeLimits, DesiredRoom, Digest, Endpoint, Fields,
    GateLimit, Lifecycle, Moved, OnOccupied, OnRemove, Policy, Provider, Room, Value,
};

use super::resolve::ResolvedHead;

/// How many rooms are digested at once. The digest depends on it.
const CHUNK: usize = 4096;

/// Digests the providers, the renames, the policy and the sorted rooms, without secrets, their sources,
/// and the location of the state.
pub(super) fn digest(head: &ResolvedHead, rooms: &[DesiredRoom]) -> Digest {
    let ResolvedHead { providers, declared: _, moved, policy, state: _, home: _ } = head;
    let mut whole = Canon::default();
    whole.text("roomctl config 1");
    whole.number(providers.len() as u64);
    for provider in providers.values() {
        whole.provider(provider);
    }
    whole.number(moved.len() as u64);
    for Moved { from, to } in moved {
        whole.text(from.as_str());
        whole.text(to.as_str());
    }
    whole.policy(policy);
    let chunks: Vec<[u8; 32]> = rooms.par_chunks(CHUNK).map(chunk).collect();
    for chunk in &chunks {
        whole.bytes(chunk);
    }
    Digest(whole.finish())
}

fn chunk(rooms: &[DesiredRoom]) -> [u8; 32] {
    let mut canon = Canon::default();
    for room in rooms {
        canon.room(room);
    }
    canon.finish()
}

/// Values as bytes that can be read in one way only: every text goes after its length.
#[derive(Default)]
struct Canon(Sha256);

impl Canon {
    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn maybe_text(&mut self, text: Option<&str>) {
        self.number(u64::from(text.is_some()));
        self.text(text.unwrap_or_default());
    }

    fn maybe_number(&mut self, number: Option<u64>) {
        self.number(u64::from(number.is_some()));
        self.number(number.unwrap_or_default());
    }

    fn provider(&mut self, provider: &Provider) {
        let Provider {
            name,
            app_id,
            application,
            endpoint,
            host: _,
            secret: _,
            rate_limits,
            rate_share,
            max_rooms,
            limits,
        } = provider;
        self.text(name.as_str());
        self.application(application);
        self.number(u64::from(*app_id));
        match endpoint {
            Endpoint::Vendor => self.text("vendor"),
            Endpoint::Emulator => self.text("emulator"),
            Endpoint::Url(url) => self.text(url.as_url().as_str()),
        }
        self.number(rate_limits.len() as u64);
        for (call, limit) in rate_limits {
            self.text(call.as_str());
            self.number(u64::from(*limit));
        }
        self.number(u64::from(rate_share.0));
        self.maybe_number(*max_rooms);
        let AttributeLimits { attributes, key_bytes, value_bytes, total_bytes } = *limits;
        for limit in [attributes, key_bytes, value_bytes, total_bytes] {
            self.number(limit as u64);
        }
    }

    fn application(&mut self, application: &Application) {
        self.text(application.kind().as_str());
        self.maybe_text(application.operator());
        match application {
            Application::Rtc { is_test } => self.maybe_number(is_test.map(u64::from)),
            Application::Zim { operator: _ } => {}
            Application::TencentLive { operator: _, dissolve_after } => {
                self.number(dissolve_after.as_secs());
            }
        }
    }

    fn policy(&mut self, policy: &Policy) {
        let Policy { refresh, on_conflict, on_occupied, max_destroy, max_recreate } = policy;
        self.text(refresh.as_str());
        self.text(on_conflict.as_str());
        self.text(on_occupied.map_or("by kind", OnOccupied::as_str));
        for limit in [max_destroy, max_recreate] {
            match limit {
                GateLimit::Count(count) => self.maybe_number(Some(*count)),
                GateLimit::Percent(percent) => {
                    self.maybe_number(None);
                    self.number(u64::from(*percent));
                }
            }
        }
    }

    fn room(&mut self, declared: &DesiredRoom) {
        let DesiredRoom { address: Address { provider, room: id }, room, lifecycle, sides, source } =
            declared;
        let Room { name, destroy_delay_time, attributes, fields } = &**room;
        let Lifecycle { prevent_destroy, on_remove } = lifecycle;
        self.text(provider.as_str());
        self.text(id.as_str());
        self.maybe_text(name.as_deref());
        self.maybe_number(destroy_delay_time.map(|delay| u64::from(delay.as_seconds())));
        self.number(attributes.len() as u64);
        for (key, Attribute { value, auto_delete }) in attributes.iter() {
            self.text(key);
            self.text(value);
            self.number(u64::from(*auto_delete));
        }
        self.fields(fields);
        self.number(u64::from(*prevent_destroy));
        self.number(u64::from(*on_remove == OnRemove::Forget));
        self.number(sides.iter().count() as u64);
        for side in sides.iter() {
            self.text(side.as_str());
        }
        self.text(source);
    }

    fn fields(&mut self, fields: &Fields) {
        self.number(fields.iter().count() as u64);
        for (field, value) in fields.iter() {
            self.text(field.as_str());
            match value {
                Value::Flag(flag) => self.number(u64::from(*flag)),
                Value::Number(number) => self.number(u64::from(*number)),
                Value::Text(text) => self.text(text),
                Value::Numbers(numbers) => {
                    self.number(numbers.len() as u64);
                    for number in numbers {
                        self.number(u64::from(*number));
                    }
                }
            }
        }
    }
}
