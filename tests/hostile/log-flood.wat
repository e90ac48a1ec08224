;; Writes 1,000 lines of 10,000 bytes to the log in each evaluation, some of which would clear a terminal.
(module
  (import "bartizan:policy/log@0.1.0" "write" (func $write (param i32 i32 i32)))
  ;;+ memory realloc describe configure
  (data (i32.const 440) "log")
  (data (i32.const 456) "\b8\01\00\00\03\00\00\00")
  (data (i32.const 56) "\c8\01\00\00\01\00\00\00")
  (data (i32.const 4096) "\1b[2J\1b[H\0aINFO all is well\0a")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (local $left i32)
    (memory.fill (i32.const 4121) (i32.const 97) (i32.const 10000))
    (local.set $left (i32.const 1000))
    (loop $again
      (call $write (i32.const 3) (i32.const 4096) (i32.const 10000))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))
    (i32.const 128)))
