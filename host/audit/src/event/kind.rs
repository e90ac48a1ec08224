//! The words for the kinds of lines, each a type of its own: a line cannot be labelled as another.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        impl $name {
            /// The word in the line's `event`.
            pub const WORD: &str = $word;
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($word)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = Cow::<'de, str>::deserialize(deserializer)?;
                if word == $word { Ok(Self) } else {
                    Err(de::Error::invalid_value(de::Unexpected::Str(&word), &$word))
                }
            }
        }
    )+};
}

kinds! {
    /// A message was judged.
    Decision = "decision";
    /// An approval changed.
    Approval = "approval";
    /// A policy was loaded.
    Load = "load";
    /// A process started.
    Start = "start";
    /// A process stopped.
    Stop = "stop";
    /// A file of the log begins.
    File = "file";
    /// A torn end of the log was closed.
    Repair = "repair";
    /// Old files were removed.
    Retention = "retention";
}
