//! Hostile plugins that are too large for a text in the repository: made when they are needed.

use std::fmt::Write as _;

use super::text::{assemble, contract_of_types};

/// Makes the bytes of one.
type Make = fn() -> Vec<u8>;

/// All of them. What each is stands at its function.
pub(super) const ALL: &[(&str, Make)] = &[
    ("compile-branch-table", compile_branch_table),
    ("compile-branch-tables", compile_branch_tables),
    ("compile-deep-blocks", compile_deep_blocks),
    ("compile-loops-and-locals", compile_loops_and_locals),
    ("compile-many-functions", compile_many_functions),
    ("compile-one-function", compile_one_function),
    ("declares-deep-types", declares_deep_types),
    ("declares-deep-types-in-a-section", declares_deep_types_in_a_section),
    ("declares-many-globals", declares_many_globals),
    ("declares-many-segments", declares_many_segments),
    ("file-empty", || Vec::new()),
    ("file-garbage", || b"\0asm".iter().copied().chain((0..=255).cycle().take(50_000)).collect()),
    ("file-native", || executable(WASMTIME)),
    ("file-of-100-mb", file_of_100_mb),
    ("file-program", || executable(0)),
    ("file-text", || b"(module)\n".to_vec()),
    ("file-truncated", file_truncated),
    ("imports-long-names", imports_long_names),
    ("nested-components-deep", nested_components_deep),
    ("nested-components-doubling", nested_components_doubling),
    ("nested-many-instances", nested_many_instances),
];

/// A well-behaved plugin, with more in its module.
fn plugin(name: &str, more: &str) -> Vec<u8> {
    assemble(name, &format!("(module\n;;+ memory realloc describe configure check\n{more})"))
}

/// `line` for each number below `count`.
fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        writeln!(text, "{}", line(number)).expect("a text can be written to");
        text
    })
}

/// One function of a hundred thousand steps, of which each depends on many others.
fn compile_one_function() -> Vec<u8> {
    let locals = "i64 ".repeat(1_000);
    let steps = lines(100_000, |step| {
        let (a, b, c) = (step % 1_000, (step * 7 + 3) % 1_000, (step * 31 + 11) % 1_000);
        format!("local.get {b} local.get {c} i64.mul local.get {a} i64.add local.set {a}")
    });
    plugin(
        "compile-one-function",
        &format!("(func (export \"run\") (result i64) (local {locals})\n{steps} local.get 0)"),
    )
}

/// Two hundred thousand functions.
fn compile_many_functions() -> Vec<u8> {
    let functions = lines(200_000, |number| {
        format!("(func (param i32) (result i32) local.get 0 i32.const {number} i32.div_u i32.load)")
    });
    plugin("compile-many-functions", &functions)
}

/// Fifty thousand blocks, one in the other.
fn compile_deep_blocks() -> Vec<u8> {
    const DEPTH: usize = 50_000;
    let begin = lines(DEPTH, |_| "block local.get 0 br_if 0".to_owned());
    let body = begin + &lines(DEPTH, |_| "end".to_owned());
    plugin("compile-deep-blocks", &format!("(func (export \"run\") (param i32)\n{body})"))
}

/// A table of a hundred thousand branches.
fn compile_branch_table() -> Vec<u8> {
    let targets = "0 ".repeat(100_000);
    plugin(
        "compile-branch-table",
        &format!("(func (export \"run\") (param i32) local.get 0 br_table {targets})"),
    )
}

/// Forty tables of 60,000 branches each, to all of a thousand blocks.
fn compile_branch_tables() -> Vec<u8> {
    let targets = (0..60_000).fold(String::new(), |text, number| text + &format!("{} ", number % 1_000));
    let begin = lines(1_000, |_| "block".to_owned());
    let tables = lines(40, |_| format!("block local.get 0 br_table {targets} end"));
    let end = lines(1_000, |_| "local.get 0 i32.const 1 i32.add local.set 0 end".to_owned());
    plugin("compile-branch-tables", &format!("(func (export \"run\") (param i32)\n{begin}{tables}{end})"))
}

/// Two hundred loops, one in the other, that carry five thousand values around.
fn compile_loops_and_locals() -> Vec<u8> {
    const LOOPS: usize = 200;
    const VALUES: usize = 5_000;
    let locals = "i64 ".repeat(VALUES);
    let begin = lines(LOOPS, |_| "loop".to_owned());
    let change = lines(VALUES, |value| {
        format!("local.get {} local.get {value} i64.add local.set {value}", (value + 1) % VALUES)
    });
    let end = lines(LOOPS, |depth| format!("local.get {depth} i64.eqz br_if 0 end"));
    let body =
        format!("(func (export \"run\") (result i64) (local {locals})\n{begin}{change}{end} local.get 0)");
    plugin("compile-loops-and-locals", &body)
}

/// A hundred thousand globals, all of which a snapshot has to keep.
fn declares_many_globals() -> Vec<u8> {
    plugin("declares-many-globals", &lines(100_000, |_| "(global (mut i64) (i64.const 1))".to_owned()))
}

/// A hundred thousand pieces of memory.
fn declares_many_segments() -> Vec<u8> {
    let segments = lines(90_000, |number| format!("(data (i32.const {}) \"a\")", 8_192 + number % 50_000));
    plugin("declares-many-segments", &segments)
}

/// A component with types of types, fifty thousand deep.
fn declares_deep_types() -> Vec<u8> {
    let types = lines(50_000, |number| format!("(type $t{} (list $t{number}))", number + 1));
    assemble(
        "declares-deep-types",
        &format!(
            "(component\n(type $t0 (list u8))\n{types}(import \"bartizan:policy/call@0.1.0\" (instance (export \"time\" (func (result $t50000))))))"
        ),
    )
}

/// A module whose section on the contract has types of types, ten thousand deep.
fn declares_deep_types_in_a_section() -> Vec<u8> {
    // Making it takes the stack that reading it would take.
    let making = std::thread::Builder::new().stack_size(1 << 30).spawn(|| {
        let types = lines(10_000, |number| format!("  type t{} = list<t{number}>;", number + 1));
        contract_of_types(&format!("  type t0 = list<u8>;\n{types}"), "t10000")
    });
    making.expect("a thread can be started").join().expect("the section can be made")
}

/// A well-behaved plugin with so much beside it that the file has 100 MB.
fn file_of_100_mb() -> Vec<u8> {
    let mut bytes = plugin("file-of-100-mb", "");
    // A custom section with the name `fat`: its length in LEB128, its name, and zeros.
    let length: u32 = 100_000_000;
    bytes.push(0);
    bytes.extend((0..4).map(|group| 0x80 | (length >> (7 * group)) as u8));
    bytes.push((length >> 28) as u8);
    bytes.extend(b"\x03fat");
    bytes.resize(bytes.len() + length as usize - 4, 0);
    bytes
}

/// Half of a well-behaved plugin.
fn file_truncated() -> Vec<u8> {
    let mut bytes = plugin("file-truncated", "");
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// The system that wasmtime says its own native code is for.
const WASMTIME: u8 = 200;

/// The header of an executable in the format of ELF for some system. With `WASMTIME` it says that it is a
/// compiled component.
fn executable(system: u8) -> Vec<u8> {
    let mut header = vec![0; 64];
    header[..8].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, system]);
    // A file that can be linked, for x86-64.
    header[16] = 1;
    header[18] = 62;
    header[20] = 1;
    // wasmtime's mark of a component.
    header[48] = 2;
    header[52] = 64;
    header[58] = 64;
    header
}

/// A component that imports a hundred interfaces with names of 90,000 bytes.
fn imports_long_names() -> Vec<u8> {
    let imports =
        lines(100, |number| format!("(import \"wasi:n{number}/{}@0.2.0\" (instance))", "a".repeat(90_000)));
    assemble("imports-long-names", &format!("(component\n{imports})"))
}

/// A component in a component in a component, and so on.
fn nested_components_deep() -> Vec<u8> {
    // As bytes, since the text's own reader has a limit: each is a section with the next.
    const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";
    let mut bytes = HEADER.to_vec();
    for _ in 0..5_000 {
        let mut outer = HEADER.to_vec();
        outer.push(4);
        let mut length = bytes.len();
        while length >= 0x80 {
            outer.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        outer.push(length as u8);
        outer.extend(&bytes);
        bytes = outer;
    }
    bytes
}

/// Components of which each has two instances of the one before: 2^24 in all.
fn nested_components_doubling() -> Vec<u8> {
    let components = lines(24, |number| {
        format!(
            "(component $c{} (instance (instantiate $c{number})) (instance (instantiate $c{number})))",
            number + 1
        )
    });
    assemble(
        "nested-components-doubling",
        &format!(
            "(component\n(component $c0 (core module $m) (core instance (instantiate $m)))\n{components}(instance (instantiate $c24)))"
        ),
    )
}

/// A thousand instances of a module side by side.
fn nested_many_instances() -> Vec<u8> {
    let instances = lines(1_000, |_| "(core instance (instantiate $module))".to_owned());
    assemble("nested-many-instances", &format!("(component\n(core module $module (memory 1))\n{instances})"))
}
