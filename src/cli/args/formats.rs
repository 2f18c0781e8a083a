//! How a result is written.

use clap::ValueEnum;

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// Text for people.
    Text,
    /// JSON for programs.
    Json,
}

/// How a plan is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum PlanFormat {
    /// Text for people.
    Text,
    /// JSON for programs.
    Json,
    /// Markdown for a pull request.
    Markdown,
    /// Annotations, job summary and step outputs for GitHub Actions.
    Github,
}

/// How drift is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum DriftFormat {
    /// Text for people.
    Text,
    /// JSON for programs.
    Json,
    /// Markdown for an issue.
    Markdown,
}

/// How the result of a check of the files is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ValidateFormat {
    /// Text for people.
    Text,
    /// JSON for programs.
    Json,
    /// Annotations for GitHub Actions.
    Github,
}

impl PlanFormat {
    /// Returns how the run of the command is reported.
    pub(in crate::cli) const fn progress(self) -> Format {
        match self {
            Self::Json => Format::Json,
            Self::Text | Self::Markdown | Self::Github => Format::Text,
        }
    }
}

impl DriftFormat {
    /// Returns how the run of the command is reported.
    pub(in crate::cli) const fn progress(self) -> Format {
        match self {
            Self::Json => Format::Json,
            Self::Text | Self::Markdown => Format::Text,
        }
    }
}

impl ValidateFormat {
    /// Returns how the result is written but for annotations.
    pub(in crate::cli) const fn progress(self) -> Format {
        match self {
            Self::Json => Format::Json,
            Self::Text | Self::Github => Format::Text,
        }
    }
}
