//! The subset of GitHub's expressions that the workflows use: names, strings, `==`, `!=`, `||`, and
//! the status functions `success()`, `failure()` and `always()`.

use std::collections::BTreeMap;

/// Values by name, such as `github.event_name`; an unknown name evaluates to an empty string.
pub(crate) type Names = BTreeMap<String, String>;

/// Whether a step with this `if` runs; without one it defaults to `success()`.
pub(crate) fn should_run(condition: Option<&str>, names: &Names, failed: bool) -> bool {
    match condition {
        None | Some("success()") => !failed,
        Some("always()") => true,
        Some("failure()") => failed,
        Some(expression) => !failed && !evaluate(expression, names).is_empty(),
    }
}

/// Returns the text with every `${{ … }}` replaced by its value.
pub(crate) fn expand(text: &str, names: &Names) -> String {
    let mut parts = text.split("${{");
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (expression, after) = part.split_once("}}").expect("an expression that is closed");
        expanded.push_str(&evaluate(expression.trim(), names));
        expanded.push_str(after);
    }
    expanded
}

/// Returns the value of an expression; false is an empty string.
fn evaluate(expression: &str, names: &Names) -> String {
    let or = || expression.split(" || ").map(|part| compare(part.trim(), names));
    or().find(|value| !value.is_empty()).unwrap_or_default()
}

fn compare(expression: &str, names: &Names) -> String {
    let equal = |(left, right): (&str, &str)| operand(left, names) == operand(right, names);
    let holds = match (expression.split_once(" == "), expression.split_once(" != ")) {
        (Some(sides), _) => equal(sides),
        (None, Some(sides)) => !equal(sides),
        (None, None) => return operand(expression, names),
    };
    if holds { "true".to_owned() } else { String::new() }
}

fn operand(text: &str, names: &Names) -> String {
    if let Some(literal) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return literal.to_owned();
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    assert!(text.contains('.') && text.chars().all(is_name), "cannot evaluate `{text}`");
    names.get(text).cloned().unwrap_or_default()
}
