//! Resolves the fields of one provider: replaces `${NAME}` where supported, and checks the range of
//! numbers.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::model::{Finding, Kind};

use super::decode::Document;
use super::diagnostics::{PathSegment, Reporter, key, missing_key};
use super::raw::{Amount, Text};

/// The keys in which variables are replaced.
pub(super) const KEYS: &str = "`app_id`, `endpoint`, `operator`, `dissolve_after` and `state`";

/// The allowed prefixes of variables, so that a file in a pull request cannot read other variables.
const PREFIXES: &[&str] = &["ROOMCTL_", "ZEGO_", "ZIM_", "TENCENT_"];

/// Parts of names, in upper case, of variables that may hold a secret.
const SECRET_PARTS: &[&str] = &["SECRET", "KEY", "TOKEN", "PASS", "PWD", "CRED", "AUTH"];

/// Looks up an environment variable; one that is set but empty is `Some("")`.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The variables that the files may use.
pub(super) struct Variables<'a> {
    lookup: Lookup<'a>,
    /// The variables that hold the secret of a provider.
    secret: BTreeSet<&'a str>,
}

/// A variable's name, and its default.
#[derive(Debug)]
struct Reference<'a> {
    name: &'a str,
    default: Option<&'a str>,
}

/// A piece of a text.
#[derive(Debug)]
enum Piece<'a> {
    Literal(&'a str),
    Variable(Reference<'a>),
}

impl<'a> Variables<'a> {
    /// Makes the variables that these files may use: not those that one of them names as `secret_env`.
    pub(super) fn new(documents: &'a [Document], lookup: Lookup<'a>) -> Self {
        let providers = documents.iter().filter_map(|document| document.head.providers.as_ref());
        let named = providers.flat_map(|pairs| &pairs.0).filter_map(|(_, declared)| {
            let Text(name) = declared.secret_env.as_ref()?;
            Some(&**name)
        });
        let default = Kind::ALL.iter().map(|kind| kind.default_secret_variable());
        Self { lookup, secret: named.chain(default).collect() }
    }

    /// Replaces the variables of a text; `$${` is a literal `${`. All names are checked before the
    /// first variable is looked up.
    ///
    /// # Errors
    /// Returns a finding if a variable is empty, unset without a default, not allowed, or may hold a
    /// secret, or if a reference is malformed. It never contains a variable's value.
    pub(super) fn expand(&self, text: &str) -> Result<String, Box<Finding>> {
        let pieces = pieces(text)?;
        for piece in &pieces {
            if let Piece::Variable(reference) = piece {
                self.check(reference.name)?;
            }
        }
        let mut out = String::with_capacity(text.len());
        for piece in &pieces {
            match piece {
                Piece::Literal(literal) => out.push_str(literal),
                Piece::Variable(reference) => out.push_str(&self.value(reference)?),
            }
        }
        Ok(out)
    }

    fn check(&self, name: &str) -> Result<(), Box<Finding>> {
        if !PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            let finding = refused(format!("the variable `{name}` cannot be used in this file"));
            let help = format!("variables here begin with {}", PREFIXES.join(", "));
            return Err(Box::new(finding.help(help)));
        }
        if self.secret.contains(name) {
            let finding =
                refused(format!("the variable `{name}` contains the secret of a provider"));
            let help = "use another one: secrets are read through `secret_env` only";
            return Err(Box::new(finding.help(help)));
        }
        let upper = name.to_ascii_uppercase();
        if SECRET_PARTS.iter().any(|part| upper.contains(part)) {
            let finding =
                refused(format!("the variable `{name}` may contain a secret, judging by its name"));
            let parts = SECRET_PARTS.join(", ");
            let help = format!(
                "secrets are read through `secret_env` only; other values need a name without {parts}"
            );
            return Err(Box::new(finding.help(help)));
        }
        Ok(())
    }

    fn value(&self, reference: &Reference<'_>) -> Result<String, Box<Finding>> {
        let Reference { name, default } = reference;
        match (self.lookup)(name) {
            Some(value) if value.is_empty() => {
                let message = format!("the variable `{name}` is set but empty");
                let help = "give it a value, or unset it: CI systems pass variables that are not \
                            defined as empty text, and a default is used only for an unset one";
                Err(Box::new(Finding::error("variable_empty", message).help(help)))
            }
            Some(value) => Ok(value),
            None => default.map(str::to_owned).ok_or_else(|| {
                let message = format!("the variable `{name}` is not set");
                let help = format!("set it, or give a default: `${{{name}:-…}}`");
                Box::new(Finding::error("variable_unset", message).help(help))
            }),
        }
    }
}

/// Returns whether a text contains a variable, or a literal `${`.
pub(super) fn any(text: &str) -> bool {
    text.contains("${")
}

/// Makes the finding about a variable in a key that does not support any.
pub(super) fn not_here(key: &str) -> Finding {
    Finding::error("variable_place", format!("`{key}` does not support variables"))
        .help(format!("write the value itself: variables work in {KEYS} only"))
}

/// Splits a text at its variables.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Box<Finding>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            pieces.push(Piece::Literal(&rest[..at - 1]));
            pieces.push(Piece::Literal("${"));
            rest = &rest[at + 2..];
            continue;
        }
        pieces.push(Piece::Literal(&rest[..at]));
        let Some(end) = rest[at..].find('}') else {
            return Err(malformed("`${` is not closed by a `}`".to_owned()));
        };
        pieces.push(Piece::Variable(Reference::of(&rest[at + 2..at + end])?));
        rest = &rest[at + end + 1..];
    }
    pieces.push(Piece::Literal(rest));
    Ok(pieces)
}

impl<'a> Reference<'a> {
    fn of(inside: &'a str) -> Result<Self, Box<Finding>> {
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(fits) {
            return Err(malformed(format!("`${{{inside}}}` is not a variable")));
        }
        if default.is_some_and(any) {
            return Err(malformed(format!("the default of `{name}` contains another variable")));
        }
        Ok(Self { name, default })
    }
}

fn refused(message: String) -> Finding {
    Finding::error("variable_refused", message)
}

fn malformed(message: String) -> Box<Finding> {
    let finding = Finding::error("variable_name", message)
        .help("write `${NAME}` or `${NAME:-default}`; `$${` is a literal `${`");
    Box::new(finding)
}

/// Resolves the fields of one provider.
pub(super) struct ProviderFields<'a, 'b> {
    pub name: &'a str,
    pub variables: &'a Variables<'a>,
    pub reporter: &'a mut Reporter<'b>,
}

impl ProviderFields<'_, '_> {
    pub(super) fn path(&self, fields: &[&str]) -> Vec<PathSegment> {
        let path = [&["providers", self.name], fields].concat();
        path.into_iter().map(key).collect()
    }

    pub(super) fn report(&mut self, fields: &[&str], finding: Finding) {
        let path = self.path(fields);
        self.reporter.at(path, finding);
    }

    pub(super) fn missing(&mut self, field: &str) {
        let path = self.path(&[]);
        self.reporter.missing(path, missing_key("a provider", field));
    }

    /// Replaces the variables in a field's text. If there are any, no finding may contain the result.
    pub(super) fn text(&mut self, field: &str, text: &str) -> Option<String> {
        self.variables.expand(text).map_err(|finding| self.report(&[field], *finding)).ok()
    }

    /// Checks that a field without support for variables has none.
    pub(super) fn literal<'t>(&mut self, field: &str, text: &'t str) -> Option<&'t str> {
        if any(text) {
            self.report(&[field], not_here(field));
            return None;
        }
        Some(text)
    }

    /// Checks the range of a number.
    pub(super) fn number(
        &mut self,
        path: &[&str],
        number: u64,
        range: &RangeInclusive<u64>,
    ) -> Option<u64> {
        if range.contains(&number) {
            return Some(number);
        }
        let field = path.last().copied().unwrap_or_default();
        self.out_of_range(path, format!("`{field}`: {number} is out of range"), range);
        None
    }

    /// Returns a number, or the number to which the variables of a text expand; a finding never
    /// contains the expanded text.
    pub(super) fn amount(
        &mut self,
        field: &str,
        amount: &Amount,
        range: &RangeInclusive<u64>,
    ) -> Option<u64> {
        let text = match amount {
            Amount::Number(number) => return self.number(&[field], *number, range),
            Amount::Text(text) => text,
        };
        let wrong = |why: &str| Finding::error("wrong_type", format!("`{field}`: {why}"));
        if !any(text) {
            let finding = wrong("expected integer, found string");
            self.report(&[field], finding.help("write digits, without quotes"));
            return None;
        }
        let Ok(number) = self.text(field, text)?.parse::<u64>() else {
            let finding = wrong("the variables do not expand to an integer");
            self.report(&[field], finding.help("set the variable to digits"));
            return None;
        };
        if !range.contains(&number) {
            let message = format!("`{field}`: the variables expand to a number out of range");
            self.out_of_range(&[field], message, range);
            return None;
        }
        Some(number)
    }

    fn out_of_range(&mut self, path: &[&str], message: String, range: &RangeInclusive<u64>) {
        let finding = Finding::error("out_of_range", message);
        let help = format!("write a number from {} to {}", range.start(), range.end());
        self.report(path, finding.help(help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str) -> Option<String> {
        assert!(!name.contains("SECRET"), "{name} was looked up");
        match name {
            "ZIM_A" => Some("x".to_owned()),
            "ZIM_EMPTY" => Some(String::new()),
            "HOME" => Some("/root".to_owned()),
            _ => None,
        }
    }

    fn variables() -> Variables<'static> {
        Variables { lookup: &set, secret: BTreeSet::from(["ROOMCTL_HUSH", "ZEGO_SERVER_SECRET"]) }
    }

    #[test]
    fn set_variables_are_replaced_and_unset_ones_take_the_default() {
        for (text, expanded) in [
            ("plain", "plain"),
            ("${ZIM_A}", "x"),
            ("a-${ZIM_A}-${ZIM_B:-y}-b", "a-x-y-b"),
            ("${ZIM_B:-}", ""),
            ("$${ZIM_A}", "${ZIM_A}"),
            ("$${ZEGO_SERVER_SECRET}", "${ZEGO_SERVER_SECRET}"),
            ("${ZIM_B:-http://h:1/}", "http://h:1/"),
        ] {
            assert_eq!(variables().expand(text).expect("it expands"), expanded, "{text}");
        }
    }

    #[test]
    fn unset_empty_foreign_and_malformed_variables_are_refused() {
        for (text, code, part) in [
            ("${ZIM_B}", "variable_unset", "ZIM_B"),
            ("${ZIM_EMPTY}", "variable_empty", "ZIM_EMPTY"),
            ("${ZIM_EMPTY:-y}", "variable_empty", "ZIM_EMPTY"),
            ("${HOME}", "variable_refused", "HOME"),
            ("${ZIMA}", "variable_refused", "ZIMA"),
            ("${}", "variable_name", "${}"),
            ("${ZIM_A", "variable_name", "closed"),
            ("${ZIM_A:-${ZIM_B}}", "variable_name", "ZIM_A"),
        ] {
            let finding = variables().expand(text).expect_err("it is refused");
            assert_eq!(finding.code, code, "{text}");
            assert!(finding.message.contains(part), "{}", finding.message);
        }
    }

    #[test]
    fn a_variable_that_may_hold_a_secret_is_refused_before_any_lookup() {
        let unread = |name: &str| -> Option<String> { panic!("{name} was looked up") };
        let variables = Variables { lookup: &unread, ..variables() };
        for name in [
            "ROOMCTL_HUSH",
            "ZEGO_SERVER_SECRET",
            "ZEGO_MY_secret",
            "TENCENT_KEYS",
            "ROOMCTL_Token",
            "ZIM_PASSPHRASE",
            "ZIM_PWD",
            "ZIM_CREDENTIALS",
            "ROOMCTL_BASIC_AUTH",
        ] {
            for text in [format!("${{{name}}}"), format!("${{ZIM_A}}-${{{name}:-x}}")] {
                let finding = variables.expand(&text).expect_err("it is refused");
                assert_eq!(finding.code, "variable_refused", "{text}");
                assert!(finding.message.contains(name), "{}", finding.message);
            }
        }
    }
}
