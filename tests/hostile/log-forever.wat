;; Writes to the log without end.
(module
  (import "bartizan:policy/log@0.1.0" "write" (func $write (param i32 i32 i32)))
  ;;+ memory realloc describe configure
  (data (i32.const 440) "log")
  (data (i32.const 456) "\b8\01\00\00\03\00\00\00")
  (data (i32.const 56) "\c8\01\00\00\01\00\00\00")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (loop $again
      (call $write (i32.const 3) (i32.const 4096) (i32.const 1000))
      (br $again))
    (unreachable)))
