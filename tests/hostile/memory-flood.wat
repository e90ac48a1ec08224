;; Remembers 10,000 things of a session.
(module
  (import "bartizan:policy/memory@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  ;;+ memory realloc describe configure
  (data (i32.const 440) "memory")
  (data (i32.const 456) "\b8\01\00\00\06\00\00\00")
  (data (i32.const 56) "\c8\01\00\00\01\00\00\00")
  (data (i32.const 512) "true")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (local $number i32)
    (loop $again
      ;; Two letters make up the key.
      (i32.store8 (i32.const 520) (i32.add (i32.const 32) (i32.rem_u (local.get $number) (i32.const 90))))
      (i32.store8 (i32.const 521) (i32.add (i32.const 32) (i32.div_u (local.get $number) (i32.const 110))))
      (call $set (i32.const 520) (i32.const 2) (i32.const 512) (i32.const 4) (i32.const 60))
      (local.set $number (i32.add (local.get $number) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $number) (i32.const 10000))))
    (i32.const 128)))
