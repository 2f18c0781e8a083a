//! The vendors' return codes that the emulator answers with.

mod tencent;
mod zego;

pub(super) use tencent::Tencent;
pub(super) use zego::Zego;

/// The number that means success, whatever the service.
pub(super) const SUCCESS: i64 = 0;

/// A return code that means a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Zego(Zego),
    Tencent(Tencent),
}

impl Code {
    /// The number on the wire.
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Zego(code) => code.number(),
            Self::Tencent(code) => code.number(),
        }
    }

    /// What the answer says where nothing more exact is known.
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::Zego(code) => code.message(),
            Self::Tencent(code) => code.message(),
        }
    }
}

impl From<Zego> for Code {
    fn from(code: Zego) -> Self {
        Self::Zego(code)
    }
}

impl From<Tencent> for Code {
    fn from(code: Tencent) -> Self {
        Self::Tencent(code)
    }
}
