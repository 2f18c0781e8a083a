//! Resolves the providers: replaces variables and checks values.

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::{
    AttributeLimits, Call, Endpoint, Finding, InvalidEndpoint, Kind, Provider, ProviderName,
    RateShare, SecretSource,
};

use super::application::Spelling;
use crate::config::decode::Document;
use crate::config::diagnostics::{Diagnostic, EntryPart, PathSegment, Reporter, key, suggestion};
use crate::config::raw::{self, Amount, RateLimit, Text};
use crate::config::secrets::looks_like_secret;
use crate::config::values::percent;
use crate::config::variables::{ProviderFields, Variables};

/// The parts of a declared provider that its rooms need.
#[derive(Clone, Debug)]
pub(in crate::config) struct DeclaredProvider {
    /// Its name; `None` if it is not valid.
    pub name: Option<ProviderName>,
    /// Its kind, or the nearest kind of a misspelled one; `None` if unknown.
    pub kind: Option<Kind>,
    /// Its limits for the attributes of one room.
    pub limits: AttributeLimits,
    /// The key of its ownership attribute; `None` if its rooms have none.
    pub ownership_key: Option<Box<str>>,
}

/// Checks that the provider of this name is declared. Without any provider that was already reported.
pub(super) fn check_declared(
    name: &str,
    declared: &BTreeMap<Box<str>, DeclaredProvider>,
    path: Vec<PathSegment>,
    reporter: &mut Reporter<'_>,
) {
    if declared.is_empty() || declared.contains_key(name) {
        return;
    }
    let names: Vec<&str> = declared.keys().map(|name| &**name).collect();
    let finding = Finding::error("unknown_provider", format!("unknown provider `{name}`"));
    reporter.at(path, finding.help(suggestion(name, &names)));
}

/// The valid providers, and all declared ones.
pub(super) type Providers =
    (BTreeMap<ProviderName, Provider>, BTreeMap<Box<str>, DeclaredProvider>);

/// Resolves the providers of the file that declares them, whose folder is `home`.
pub(super) fn providers(
    document: &Document,
    home: &Path,
    variables: &Variables<'_>,
    reporter: &mut Reporter<'_>,
) -> Providers {
    let pairs = document.head.providers.as_ref().map_or(&[][..], |pairs| &pairs.0);
    if pairs.is_empty() {
        let finding = Finding::error("no_provider", "`providers` is empty")
            .help("declare the application of the rooms: `chat: {kind: zim, …}`");
        reporter.missing(vec![key("providers")], finding);
    }
    let (mut valid, mut declared) = (BTreeMap::new(), BTreeMap::new());
    for (Text(text), raw) in pairs {
        let mut fields = ProviderFields { name: text, variables, reporter };
        let name = fields.provider_name();
        let (provider, it) = fields.provider(name, raw, home);
        declared.insert(text.clone(), it);
        if let Some(provider) = provider {
            same_service(&valid, &provider, reporter);
            valid.insert(provider.name.clone(), provider);
        }
    }
    (valid, declared)
}

/// Reports two providers of the same kind and app id, since they share the rate limits of one
/// application.
fn same_service(
    valid: &BTreeMap<ProviderName, Provider>,
    provider: &Provider,
    reporter: &mut Reporter<'_>,
) {
    let same =
        |other: &&Provider| (other.kind(), other.app_id) == (provider.kind(), provider.app_id);
    let Some(other) = valid.values().find(same) else { return };
    let message = format!(
        "`{}` and `{}` are the same application: both are {} with the same app_id",
        other.name,
        provider.name,
        provider.kind(),
    );
    let finding = Finding::error("same_application", message)
        .help("declare it once: one service has one rate limit and one set of rooms");
    let at = |name: &ProviderName| vec![key("providers"), key(name.as_str())];
    let (location, first) = (
        reporter.location(at(&provider.name), EntryPart::Key),
        reporter.location(at(&other.name), EntryPart::Key),
    );
    reporter.diagnostics.push(Diagnostic { finding, location, first: Some(first) });
}

impl ProviderFields<'_, '_> {
    fn provider_name(&mut self) -> Option<ProviderName> {
        let name = ProviderName::new(self.name).ok();
        if name.is_none() {
            let finding = Finding::error(
                "provider_name",
                format!("`{}` is not a valid provider name", self.name),
            )
            .help("lower-case letters, digits, `_` and `-` only");
            let path = self.path(&[]);
            self.reporter.at_key(path, finding);
        }
        name
    }

    fn provider(
        &mut self,
        name: Option<ProviderName>,
        declared: &raw::Provider,
        home: &Path,
    ) -> (Option<Provider>, DeclaredProvider) {
        let raw::Provider {
            kind,
            app_id,
            operator,
            is_test,
            dissolve_after,
            endpoint,
            secret_env,
            secret_file,
            rate_limit,
            rate_share,
            max_rooms,
            limits,
            ownership_attribute,
        } = declared;
        let (kind, spelling) = self.kind(kind.as_ref());
        if let Some(kind) = kind {
            self.keys_are_of_its_kind(kind, declared);
        }
        let app_id = self.app_id(app_id.as_ref());
        let application = kind.and_then(|kind| {
            self.application(kind, operator.as_ref(), *is_test, dissolve_after.as_ref())
        });
        let endpoint = self.endpoint(endpoint.as_ref());
        let secret = self.secret(secret_env.as_ref(), secret_file.as_ref(), kind, home);
        let rate_limits = self.rate_limits(rate_limit.as_ref(), kind);
        let rate_share = self.rate_share(rate_share.as_ref());
        let max_rooms = *max_rooms;
        let limits = self.limits(kind.unwrap_or(Kind::Zim), limits.as_ref());
        let ownership_key = match kind {
            Some(kind) if kind.spec().attribute_calls.is_some() => {
                self.ownership_attribute(ownership_attribute.as_ref(), &limits)
            }
            Some(_) | None => None,
        };
        let application = match &ownership_key {
            Some(key) => application.map(|application| application.with_ownership_attribute(key)),
            None => application,
        };
        let known = DeclaredProvider { name: name.clone(), kind, limits, ownership_key };
        let provider = (|| {
            Some(Provider {
                name: name?,
                app_id: app_id?,
                application: application.filter(|_| spelling == Spelling::Exact)?,
                host: endpoint.as_ref()?.host(kind?),
                endpoint: endpoint?,
                secret: secret?,
                rate_limits,
                rate_share,
                max_rooms,
                limits,
            })
        })();
        (provider, known)
    }

    fn app_id(&mut self, app_id: Option<&Amount>) -> Option<u32> {
        let Some(app_id) = app_id else {
            self.missing("app_id");
            return None;
        };
        let number = self.amount("app_id", app_id, &(1..=u64::from(u32::MAX)))?;
        u32::try_from(number).ok()
    }

    fn endpoint(&mut self, declared: Option<&Text>) -> Option<Endpoint> {
        let Some(Text(text)) = declared else { return Some(Endpoint::Vendor) };
        let text = self.text("endpoint", text)?;
        let endpoint = text.parse();
        let refused = |error: InvalidEndpoint| {
            let finding = Finding::error("endpoint", format!("`endpoint` {error}"));
            let help =
                "write `vendor`, `emulator`, or a URL such as `https://zim-api-sgp.zego.im/`";
            self.report(&["endpoint"], finding.help(help));
        };
        endpoint.map_err(refused).ok()
    }

    fn rate_limits(
        &mut self,
        limit: Option<&RateLimit>,
        kind: Option<Kind>,
    ) -> BTreeMap<Call, u32> {
        let calls = kind.map_or(&[][..], Kind::calls);
        match limit {
            None => BTreeMap::new(),
            Some(RateLimit::Every(amount)) => match self.rate(&["rate_limit"], *amount) {
                Some(rate) => calls.iter().map(|(call, _)| (*call, rate)).collect(),
                None => BTreeMap::new(),
            },
            Some(RateLimit::Each(pairs)) => {
                let each = pairs.0.iter().filter_map(|(name, amount)| {
                    let rate = self.rate(&["rate_limit", &name.0], *amount);
                    Some((self.call(&name.0, kind?)?, rate?))
                });
                each.collect()
            }
        }
    }

    fn rate(&mut self, path: &[&str], rate: u64) -> Option<u32> {
        let rate = self.number(path, rate, &(1..=u64::from(u32::MAX)))?;
        u32::try_from(rate).ok()
    }

    fn call(&mut self, name: &str, kind: Kind) -> Option<Call> {
        let calls = kind.calls();
        let known = calls.iter().find(|(call, _)| call.as_str() == name);
        if known.is_none() {
            let names: Vec<&str> = calls.iter().map(|(call, _)| call.as_str()).collect();
            let finding = Finding::error("unknown_key", format!("{kind} has no action `{name}`"));
            let finding = finding.help(suggestion(name, &names));
            let path = self.path(&["rate_limit", name]);
            self.reporter.at_key(path, finding);
        }
        known.map(|(call, _)| *call)
    }

    fn rate_share(&mut self, share: Option<&Amount>) -> RateShare {
        let percent = match share {
            None => return RateShare::default(),
            Some(Amount::Number(_)) => None,
            Some(Amount::Text(text)) => {
                let Some(text) = self.literal("rate_share", text) else {
                    return RateShare::default();
                };
                percent(text).filter(|percent| *percent > 0)
            }
        };
        if percent.is_none() {
            let finding =
                Finding::error("rate_share", "`rate_share`: expected a percentage from 1% to 100%")
                    .help("write it with its sign: `rate_share: 50%`");
            self.report(&["rate_share"], finding);
        }
        percent.map_or_else(RateShare::default, RateShare)
    }
}

impl ProviderFields<'_, '_> {
    /// Resolves the location of the secret; by default the environment variable of the kind.
    pub(super) fn secret(
        &mut self,
        variable: Option<&Text>,
        file: Option<&Text>,
        kind: Option<Kind>,
        home: &Path,
    ) -> Option<SecretSource> {
        match (variable, file) {
            (Some(_), Some(_)) => {
                let finding = Finding::error(
                    "secret",
                    "`secret_env` and `secret_file` are mutually exclusive",
                )
                .help("keep one of them");
                self.report(&["secret_file"], finding);
                None
            }
            (Some(Text(name)), None) => {
                let name = self.literal("secret_env", name)?;
                self.variable_name(name).map(SecretSource::Environment)
            }
            (None, Some(Text(path))) => {
                let path = self.literal("secret_file", path)?;
                self.secret_path(path, home)
            }
            (None, None) => {
                Some(SecretSource::Environment(kind?.default_secret_variable().to_owned()))
            }
        }
    }

    /// Checks the name of the secret's variable. An invalid name may be the secret itself, and is not
    /// shown.
    fn variable_name(&mut self, name: &str) -> Option<String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(fits)
            && !looks_like_secret(name)
        {
            return Some(name.to_owned());
        }
        let finding =
            Finding::error("secret", "`secret_env` is not the name of an environment variable")
                .help(
                    "write the variable's name, never the secret: `secret_env: ZEGO_SERVER_SECRET`",
                );
        self.report(&["secret_env"], finding);
        None
    }

    fn secret_path(&mut self, path: &str, home: &Path) -> Option<SecretSource> {
        if path.is_empty() {
            let finding = Finding::error("secret", "`secret_file` is empty").help("write a path");
            self.report(&["secret_file"], finding);
            return None;
        }
        if looks_like_secret(path) {
            let finding = Finding::error("secret", "`secret_file` looks like a secret itself")
                .help("write the path of a file that contains it, such as `./secret`");
            self.report(&["secret_file"], finding);
            return None;
        }
        Some(SecretSource::File(home.join(path)))
    }
}
