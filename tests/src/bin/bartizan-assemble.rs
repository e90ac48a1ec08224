//! Makes the bytes of a plugin of its text, as the tests do with `tests/hostile`: to look at one by itself, or
//! to keep it.
//!
//! `bartizan-assemble TEXT.wat OUT.wasm`, or `bartizan-assemble NAME OUT.wasm` for one of `tests/hostile`. With
//! `--component` after that a module becomes a component.
#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;

use bartizan_tests::hostile;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (from, to, as_component) = match arguments.as_slice() {
        [from, to] => (from, to, false),
        [from, to, option] if option == "--component" => (from, to, true),
        _ => return Err("a text and a file are needed".into()),
    };
    let path = Path::new(from);
    let bytes = match path.extension() {
        Some(_) => {
            let name = path.file_stem().ok_or("a text has a name")?.to_string_lossy();
            hostile::assemble(&name, &std::fs::read_to_string(path)?)
        }
        None => hostile::wasm(from),
    };
    let bytes = if as_component { hostile::encode(from, &bytes) } else { bytes };
    std::fs::write(to, bytes)?;
    Ok(())
}
