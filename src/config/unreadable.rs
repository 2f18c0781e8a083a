//! Why a text cannot be read as one YAML document. Such a file is told alone.

use crate::model::Finding;

use super::tree::Span;

/// Why a text cannot be read as one YAML document.
#[derive(Debug)]
pub(super) enum InvalidYaml {
    /// It is no YAML.
    Syntax(Span, String),
    /// It holds a character that YAML forbids, or that its versions read differently.
    Character(Span, char),
    /// It nests too deeply.
    TooDeep(Span),
    /// It holds several documents.
    SeveralDocuments(Span),
    /// It holds nothing.
    Empty,
    /// Its aliases expand to far more than it holds.
    AliasBomb(Span),
    /// An alias stands inside of what it repeats.
    AliasLoop(Span),
}

impl InvalidYaml {
    /// Where it is seen.
    pub(super) fn span(&self) -> Span {
        match self {
            Self::Empty => Span::START,
            Self::Syntax(span, _)
            | Self::Character(span, _)
            | Self::TooDeep(span)
            | Self::SeveralDocuments(span)
            | Self::AliasBomb(span)
            | Self::AliasLoop(span) => *span,
        }
    }

    /// What is told of it.
    pub(super) fn finding(&self) -> Finding {
        let (code, message) = match self {
            Self::Syntax(_, words) => ("syntax", format!("this is no YAML: {words}")),
            Self::Character(_, character) => {
                let code = u32::from(*character);
                ("character", format!("the character U+{code:04X} cannot stand in the file"))
            }
            Self::TooDeep(_) => ("too_deep", "the file nests too deeply".to_owned()),
            Self::SeveralDocuments(_) => {
                ("several_documents", "the file holds several YAML documents".to_owned())
            }
            Self::Empty => ("empty_file", "the file is empty".to_owned()),
            Self::AliasBomb(_) => {
                ("alias_bomb", "the aliases repeat far more than the file holds".to_owned())
            }
            Self::AliasLoop(_) => {
                ("alias_loop", "the alias stands inside of what it repeats".to_owned())
            }
        };
        Finding::error(code, message).help(self.help())
    }

    fn help(&self) -> &'static str {
        match self {
            Self::Syntax(..) => {
                "look at this line and the one before it: quotes, colons, indentation; \
                 in {…} and […], text with { } [ ] or a comma wants quotes"
            }
            Self::Character(..) => {
                "take it out; where it is meant, write an escape in double quotes: \"\\u2028\""
            }
            Self::TooDeep(_) => "nothing here needs more than five levels",
            Self::SeveralDocuments(_) => "put them into files of their own, and name each with -f",
            Self::Empty => "`roomctl init` writes a first rooms.yaml; `rooms: []` means no rooms",
            Self::AliasBomb(_) => "write the repeated parts out, or use `defaults`",
            Self::AliasLoop(_) => "write the repeated part out",
        }
    }
}
