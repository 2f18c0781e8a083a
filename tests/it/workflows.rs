//! The ready workflows of `examples/gitops`: their shell steps are run as they are written, against
//! the emulator.

mod expression;
mod github;
mod github_s3;
mod gitlab;
mod hub;
mod runner;
mod scheduled;

use std::path::Path;

use crate::cli::desk::{files_below, repository};

/// The links of a page, as paths of the repository.
fn links(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join(page)).expect("a page");
    let folder = Path::new(page).parent().expect("a folder");
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let targets = targets.filter(|target| !target.contains("://"));
    targets.map(|target| folder.join(target).display().to_string()).collect()
}

#[test]
fn the_page_names_every_workflow_and_every_link_exists() {
    let files = files_below(&repository().join("examples/gitops"));
    let mut workflows: Vec<&str> =
        files.iter().filter_map(|name| Some(name.split_once('/')?.0)).collect();
    workflows.dedup();
    let mut linked = links("docs/gitops.md");
    for workflow in &workflows {
        let folder = format!("examples/gitops/{workflow}");
        assert!(linked.iter().any(|link| link.ends_with(&folder)), "{folder} is not named");
        linked.extend(links(&format!("{folder}/README.md")));
    }
    assert_eq!(workflows.len(), 6);
    for link in linked {
        assert!(repository().join(&link).exists(), "{link} does not exist");
    }
}
