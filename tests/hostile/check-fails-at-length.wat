;; Gives up with 1 MiB of words.
(module
  (import "bartizan:policy/fault@0.1.0" "fail" (func $fail (param i32 i32)))
  (memory (export "memory") 32)
  ;;+ realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (memory.fill (i32.const 4096) (i32.const 97) (i32.const 0x100000))
    (call $fail (i32.const 4096) (i32.const 0x100000))
    (i32.const 128)))
