;; Looks for an argument by a pointer of 3 MiB, which is more than it may hand over at once.
(module
  (import "bartizan:policy/call@0.1.0" "argument" (func $argument (param i32 i32 i32)))
  (memory (export "memory") 64)
  ;;+ realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (memory.fill (i32.const 4096) (i32.const 47) (i32.const 0x300000))
    (call $argument (i32.const 4096) (i32.const 0x300000) (i32.const 512))
    (i32.const 128)))
