//! `--metrics-file`: Prometheus text, also of a run that fails.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use super::test_dir::{THREE_ROOMS, TestDir, files_below};

/// Returns the values of a metrics file by series (name and labels, as written).
///
/// Asserts that every line is a comment or a sample, that each metric is described once, directly before
/// its samples, and that each series has one sample.
fn samples(text: &str) -> BTreeMap<String, String> {
    let (mut current, mut described) = (String::new(), BTreeSet::new());
    let mut samples = BTreeMap::new();
    assert!(text.ends_with('\n'), "{text}");
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').expect("a name and a text");
            assert!(name.starts_with("roomctl_") && !text.is_empty(), "{line}");
            assert!(described.insert(name.to_owned()), "described twice: {line}");
            name.clone_into(&mut current);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            assert_eq!(kind, format!("{current} gauge"));
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a series and a value");
            let (name, labels) = series.split_once('{').expect("labels");
            assert_eq!(name, current, "{line}");
            for label in labels.strip_suffix('}').expect("the end of the labels").split(',') {
                let (key, value) = label.split_once('=').expect("a label");
                assert!(key.bytes().all(|byte| byte.is_ascii_lowercase()), "{line}");
                let value = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
                assert!(value.is_some_and(|it| !it.contains(['"', '\\'])), "{line}");
            }
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
            let previous = samples.insert(series.to_owned(), value.to_owned());
            assert!(previous.is_none(), "duplicate series: {line}");
        }
    }
    check_with_promtool(text);
    samples
}

/// Checks the text with `promtool` if it is installed.
fn check_with_promtool(text: &str) {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let Ok(mut promtool) = command.spawn() else { return };
    let mut stdin = promtool.stdin.take().expect("its stdin");
    stdin.write_all(text.as_bytes()).expect("written");
    drop(stdin);
    assert!(promtool.wait().expect("its exit status").success(), "{text}");
}

/// Returns the samples of `run.prom`.
fn metrics(dir: &TestDir) -> BTreeMap<String, String> {
    samples(&dir.read("run.prom"))
}

#[test]
fn every_command_that_calls_a_service_writes_its_metrics() {
    let dir = TestDir::with(THREE_ROOMS);
    dir.run("plan --metrics-file run.prom --detailed-exitcode").exits(2);
    let plan = metrics(&dir);
    assert_eq!(plan["roomctl_last_run_exit_code{command=\"plan\"}"], "2");
    let create =
        "roomctl_planned_steps{command=\"plan\",action=\"create\",reason=\"not_recorded\"}";
    assert_eq!(plan[create], "3");
    assert_eq!(plan["roomctl_recorded_rooms{command=\"plan\"}"], "0");
    dir.run("apply --auto-approve --metrics-file run.prom").exits(0);
    let apply = metrics(&dir);
    let done = "roomctl_steps{command=\"apply\",action=\"create\",result=\"done\"}";
    assert_eq!((apply[done].as_str(), apply.get(create)), ("3", None), "the file was not replaced");
    let calls =
        "roomctl_calls{command=\"apply\",provider=\"chat\",action=\"CreateRoom\",class=\"ok\"}";
    assert_eq!(apply[calls], "3");
    assert_ne!(apply["roomctl_last_run_duration_seconds{command=\"apply\"}"], "0.000");
    let ended = &apply["roomctl_last_run_timestamp_seconds{command=\"apply\"}"];
    assert!(ended.parse::<f64>().is_ok_and(|ended| ended > 1.7e9), "{ended}");
    dir.run("emulator advance 2h").exits(0);
    dir.run("drift --metrics-file run.prom").exits(2);
    let drift = metrics(&dir);
    assert_eq!(drift["roomctl_drifted_rooms{command=\"drift\",kind=\"vanished\"}"], "3");
    assert_eq!(drift["roomctl_rooms{command=\"drift\",state=\"drifted\"}"], "3");
    dir.run("reconcile --metrics-file run.prom").exits(0);
    let reconcile = metrics(&dir);
    let done = "roomctl_steps{command=\"reconcile\",action=\"recreate\",result=\"done\"}";
    assert_eq!(reconcile[done], "3");
    assert_eq!(reconcile["roomctl_rooms{command=\"reconcile\",state=\"drifted\"}"], "3");
    dir.run("reconcile --metrics-file run.prom").exits(0);
    let reconcile = metrics(&dir);
    assert_eq!(reconcile["roomctl_rooms{command=\"reconcile\",state=\"unchanged\"}"], "3");
    assert_eq!(reconcile["roomctl_recorded_rooms{command=\"reconcile\"}"], "3");
}

#[test]
fn a_failed_run_writes_its_exit_code() {
    let dir = TestDir::with(THREE_ROOMS);
    dir.edit("id: news", "di: news");
    dir.run("reconcile --metrics-file run.prom").exits(1);
    let failed = metrics(&dir);
    assert_eq!(failed["roomctl_last_run_exit_code{command=\"reconcile\"}"], "1");
    assert!(!failed.keys().any(|series| series.starts_with("roomctl_rooms")));
}

#[test]
fn an_unwritable_metrics_file_is_an_error_before_any_call() {
    let dir = TestDir::with(THREE_ROOMS);
    dir.write("folder/x", "");
    for file in ["absent/run.prom", "folder", "rooms.yaml/run.prom"] {
        for command in ["apply --auto-approve", "reconcile", "plan", "drift"] {
            let ran = dir.run(&format!("{command} --metrics-file {file}")).exits(1);
            ran.stderr_has(&format!("the metrics file {file} cannot be written: "));
        }
    }
    let lines = dir.run("apply -y --format json --metrics-file absent/x").exits(1).lines();
    assert_eq!((&lines[0]["code"], &lines[1]["exit_code"]), (&"metrics_file".into(), &1.into()));
    assert_eq!(files_below(&dir.path(".")), ["folder/x", "rooms.yaml"]);
}

#[test]
fn only_a_metrics_file_is_overwritten() {
    let dir = TestDir::applied();
    dir.run("plan --out plan.json").exits(0);
    let refusal = "it exists and is not a metrics file of roomctl, so it is not overwritten";
    for file in ["rooms.yaml", "rooms.state.json", "rooms.state.json.lock", "plan.json"] {
        let before = dir.read(file);
        for command in ["apply --auto-approve", "reconcile", "plan", "drift"] {
            dir.run(&format!("{command} --metrics-file {file}")).exits(1).stderr_has(refusal);
        }
        assert_eq!(dir.read(file), before);
    }
    dir.write("empty.prom", "");
    dir.run("plan --metrics-file empty.prom").exits(0);
    dir.run("plan --metrics-file empty.prom").exits(0);

    // A file that the run itself wrote is not overwritten either.
    let dir = TestDir::with(THREE_ROOMS);
    let both = dir.run("apply --auto-approve --metrics-file rooms.state.json").exits(5);
    both.stdout_has("Applied: 3 created.").stderr_has(refusal);
    dir.run("plan --out same --metrics-file same").exits(5).stderr_has(refusal);
    dir.run("apply same").exits(0).stdout_has("No changes: 3 rooms");
}
