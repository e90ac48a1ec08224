;; Writes to the log without asking whether it may.
(module
  (import "bartizan:policy/log@0.1.0" "write" (func $write (param i32 i32 i32)))
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (call $write (i32.const 3) (i32.const 256) (i32.const 4))
    (i32.const 128)))
