;; Writes to 60 MiB in each evaluation, which it may, and has no objection. Reads an argument, so that it is asked
;; each time.
(module
  (import "bartizan:policy/call@0.1.0" "argument" (func $argument (param i32 i32 i32)))
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (call $argument (i32.const 512) (i32.const 0) (i32.const 528))
    (drop (memory.grow (i32.const 958)))
    (memory.fill (i32.const 4096) (i32.const 165) (i32.const 62910464))
    (i32.const 128)))
