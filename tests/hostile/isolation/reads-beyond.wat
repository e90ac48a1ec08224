;; Reads what the call's argument `/at` says, which is beyond its memory, with and without a constant added.
(module
  (import "bartizan:policy/call@0.1.0" "argument" (func $argument (param i32 i32 i32)))
  ;;+ memory realloc describe configure
  (data (i32.const 512) "/at/far")
  (func $number (param $pointer i32) (param $length i32) (result i32)
    (local $at i32) (local $end i32) (local $number i32)
    (call $argument (local.get $pointer) (local.get $length) (i32.const 528))
    (local.set $at (i32.load (i32.const 532)))
    (local.set $end (i32.add (local.get $at) (i32.load (i32.const 536))))
    (loop $again
      (local.set $number
        (i32.add
          (i32.mul (local.get $number) (i32.const 10))
          (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $number))
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (if (call $number (i32.const 515) (i32.const 4))
      (then (drop (i64.load offset=0xffffffff (call $number (i32.const 512) (i32.const 3)))))
      (else (drop (i64.load (call $number (i32.const 512) (i32.const 3))))))
    (i32.const 128)))
