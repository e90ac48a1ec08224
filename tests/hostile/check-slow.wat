;; Takes its time, but less than it has: ten million steps. Has no objection. Reads an argument, so that it is
;; asked each time.
(module
  (import "bartizan:policy/call@0.1.0" "argument" (func $argument (param i32 i32 i32)))
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (local $left i32)
    (call $argument (i32.const 512) (i32.const 0) (i32.const 528))
    (local.set $left (i32.const 10000000))
    (loop $again
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (i32.store (i32.const 600) (local.get $left))
      (br_if $again (local.get $left)))
    (i32.const 128)))
