//! JSON text as it stands: looked into, and edited in place.
//!
//! Nothing is read into values and written again, so what is not replaced keeps its literals: `1.10`
//! stays `1.10`, `\u00e9` stays `\u00e9`, white space stays. Nothing recurses over the text, so depth
//! costs no stack.

mod document;
mod edit;
mod pointer;
mod roots;
mod search;
mod string;

pub use edit::{Edit, apply};
pub use pointer::{BadPointer, Pointer};
pub use search::{Found, Search};
pub use string::quoted;
