//! Enums of keywords: one definition for files, command line, state and output.

/// Defines an enum of keywords with `ALL`, `as_str`, serde with the same keywords, and a JSON Schema.
macro_rules! keyword_enum {
    ($(#[$about:meta])* $name:ident { $($(#[$about_value:meta])* $value:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize,
            schemars::JsonSchema,
        )]
        pub enum $name {
            $($(#[$about_value])* #[serde(rename = $text)] $value,)+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// Returns the keyword as used in files and on the command line.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }
        }
    };
}

pub(super) use keyword_enum;
