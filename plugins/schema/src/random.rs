//! What hash maps get for randomness: nothing. A plugin has no source of it, and must answer the same to the
//! same call. What crowded maps could cost is bounded by the deadline of an evaluation.

/// The function that `getrandom` calls where it is compiled with `getrandom_backend = "custom"`.
///
/// # Safety
///
/// `destination` points to `length` bytes that may be written.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "the signature is getrandom's")]
unsafe extern "Rust" fn __getrandom_v03_custom(
    destination: *mut u8,
    length: usize,
) -> Result<(), getrandom::Error> {
    // SAFETY: see above; the caller is getrandom, which passes a buffer of its own.
    unsafe { std::ptr::write_bytes(destination, 0x5a, length) };
    Ok(())
}
