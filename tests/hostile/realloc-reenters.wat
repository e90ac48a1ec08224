;; Calls the host from where the host wants room for what it gives.
(module
  (import "bartizan:policy/fault@0.1.0" "fail" (func $fail (param i32 i32)))
  ;;+ memory describe configure check
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (call $fail (i32.const 256) (i32.const 4))
    (i32.const 4096)))
