;; Remembers a megabyte.
(module
  (import "bartizan:policy/memory@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 32)
  ;;+ realloc describe configure
  (data (i32.const 440) "memory")
  (data (i32.const 456) "\b8\01\00\00\06\00\00\00")
  (data (i32.const 56) "\c8\01\00\00\01\00\00\00")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (memory.fill (i32.const 131072) (i32.const 49) (i32.const 0x100000))
    (call $set (i32.const 256) (i32.const 4) (i32.const 131072) (i32.const 0x100000) (i32.const 60))
    (i32.const 128)))
