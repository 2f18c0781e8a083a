//! How a result is written.

use clap::ValueEnum;

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How a plan is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum PlanFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For a pull request.
    Markdown,
    /// Annotations, the job's summary and the step's outputs of GitHub Actions.
    Github,
}

/// How drift is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum DriftFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For an issue.
    Markdown,
}

/// How the result of a check of the files is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ValidateFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// Annotations of GitHub Actions.
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
