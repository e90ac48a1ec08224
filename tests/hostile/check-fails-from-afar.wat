;; Gives up with words that lie beyond its memory.
(module
  (import "bartizan:policy/fault@0.1.0" "fail" (func $fail (param i32 i32)))
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (call $fail (i32.const 0xfffff000) (i32.const 0x100))
    (i32.const 128)))
