//! Runs the workflows of `examples/gitops` against the emulator, with their shell steps unchanged.

mod expression;
mod github;
mod github_s3;
mod gitlab;
mod hub;
#[cfg(feature = "postgres")]
mod kubernetes_postgres;
mod runner;
mod scheduled;

use std::path::Path;

use crate::cli::test_dir::{files_below, repository};

/// Returns the links of a page as paths of the repository, each with its anchor if it has one.
fn links(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join(page)).expect("a page");
    let folder = Path::new(page).parent().expect("a folder");
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let targets = targets.filter(|target| !target.contains("://"));
    let target = |target: &str| match target.strip_prefix('#') {
        Some(anchor) => format!("{page}#{anchor}"),
        None => folder.join(target).display().to_string(),
    };
    targets.map(target).collect()
}

/// Whether the file of a link exists, and its heading if one is named.
fn exists(link: &str) -> bool {
    let Some((page, anchor)) = link.split_once('#') else {
        return repository().join(link).exists();
    };
    let Ok(text) = std::fs::read_to_string(repository().join(page)) else { return false };
    let is_kept = |letter: char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    let slug = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        heading.chars().filter(|letter| is_kept(*letter)).collect::<String>().replace(' ', "-")
    };
    text.lines().any(|line| line.starts_with('#') && slug(line) == anchor)
}

#[test]
fn docs_link_every_workflow_and_no_link_is_broken() {
    let files = files_below(&repository().join("examples/gitops"));
    let mut workflows: Vec<&str> =
        files.iter().filter_map(|name| Some(name.split_once('/')?.0)).collect();
    workflows.dedup();
    let mut linked = links("docs/gitops.md");
    for page in files_below(&repository().join("docs")) {
        linked.extend(links(&format!("docs/{page}")));
    }
    for workflow in &workflows {
        let folder = format!("examples/gitops/{workflow}");
        assert!(linked.iter().any(|link| link.ends_with(&folder)), "no page links to {folder}");
        linked.extend(links(&format!("{folder}/README.md")));
    }
    assert_eq!(workflows.len(), 7);
    for link in linked {
        assert!(exists(&link), "{link} does not exist");
    }
}
