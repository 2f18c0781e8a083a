//! `${NAME}` and `${NAME:-default}` in the providers and the state.

use crate::model::Finding;

/// How a variable may begin: a file in a pull request must not read others.
const PREFIXES: &[&str] = &["ROOMCTL_", "ZEGO_", "ZIM_", "TENCENT_"];

/// A variable's name and what stands for it where it is unset or empty.
struct Reference<'a> {
    name: &'a str,
    default: Option<&'a str>,
}

/// Replaces the variables of a text. An empty variable counts as unset; `$${` is a literal `${`.
///
/// # Errors
/// Returns a finding where a variable is unset and has no default, is not ours to read, or does not end.
pub(super) fn expand(
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Box<Finding>> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at - 1]);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else { return Err(endless()) };
        out.push_str(&value(&Reference::of(&rest[at + 2..at + end])?, variable)?);
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether a text holds a variable, or a literal `${`.
pub(super) fn any(text: &str) -> bool {
    text.contains("${")
}

impl<'a> Reference<'a> {
    fn of(inside: &'a str) -> Result<Self, Box<Finding>> {
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(fits) {
            let message = format!("`${{{inside}}}` names no variable");
            let finding = Finding::error("variable_name", message)
                .help("write `${NAME}` or `${NAME:-default}`; `$${` is a literal `${`");
            return Err(Box::new(finding));
        }
        if !PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            let message = format!("`{name}` is not read from here");
            let help = format!("variables here begin with {}", PREFIXES.join(", "));
            return Err(Box::new(Finding::error("variable_refused", message).help(help)));
        }
        Ok(Self { name, default })
    }
}

fn value(
    reference: &Reference<'_>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Box<Finding>> {
    let Reference { name, default } = reference;
    let set = variable(name).filter(|value| !value.is_empty());
    set.or_else(|| default.map(str::to_owned)).ok_or_else(|| {
        let finding = Finding::error("variable_unset", format!("the variable `{name}` is not set"));
        Box::new(finding.help(format!("set it, or give a default: `${{{name}:-…}}`")))
    })
}

fn endless() -> Box<Finding> {
    let finding = Finding::error("variable_name", "`${` is not closed by a `}`")
        .help("write `${NAME}` or `${NAME:-default}`; `$${` is a literal `${`");
    Box::new(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str) -> Option<String> {
        match name {
            "ZIM_A" => Some("x".to_owned()),
            "ZIM_EMPTY" => Some(String::new()),
            "HOME" => Some("/root".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn replaces_what_is_set_and_takes_the_default_elsewhere() {
        for (text, expanded) in [
            ("plain", "plain"),
            ("${ZIM_A}", "x"),
            ("a-${ZIM_A}-${ZIM_B:-y}-b", "a-x-y-b"),
            ("${ZIM_EMPTY:-y}", "y"),
            ("${ZIM_B:-}", ""),
            ("$${ZIM_A}", "${ZIM_A}"),
            ("${ZIM_B:-http://h:1/}", "http://h:1/"),
        ] {
            assert_eq!(expand(text, &set).expect("it expands"), expanded, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_unset_foreign_or_broken() {
        for (text, code, says) in [
            ("${ZIM_B}", "variable_unset", "ZIM_B"),
            ("${ZIM_EMPTY}", "variable_unset", "ZIM_EMPTY"),
            ("${HOME}", "variable_refused", "HOME"),
            ("${ZIMA}", "variable_refused", "ZIMA"),
            ("${}", "variable_name", "${}"),
            ("${ZIM_A", "variable_name", "closed"),
        ] {
            let finding = expand(text, &set).expect_err("it is refused");
            assert_eq!(finding.code, code, "{text}");
            assert!(finding.message.contains(says), "{}", finding.message);
        }
    }
}
