//! What the host remembers between calls.
//!
//! [`quota`] counts what calls cost against limits that policies set; [`approval`] keeps what people
//! have been asked and have decided. Both are traits with an implementation in memory, for one process
//! that forgets everything when it ends, and one in [`sqlite`], a file that outlives it and that several
//! processes share.
//!
//! The crate reads no clock: the caller says what time it is. Only [`sqlite`] does input and output. It
//! does so on the calling thread, and waits there for other processes, for seconds at most.

#![forbid(unsafe_code)]

pub mod approval;
pub mod quota;
pub mod sqlite;
