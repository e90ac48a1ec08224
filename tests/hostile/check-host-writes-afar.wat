;; Has the host write an argument beyond its memory.
(module
  (import "bartizan:policy/call@0.1.0" "argument" (func $argument (param i32 i32 i32)))
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (call $argument (i32.const 0) (i32.const 0) (i32.const 0xfffffff0))
    (i32.const 128)))
