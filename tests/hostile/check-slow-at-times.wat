;; Is quick nearly always, but slow when nobody expects it any more: when the argument `/slow` is true.
(module
  (import "bartizan:policy/call@0.1.0" "argument" (func $argument (param i32 i32 i32)))
  ;;+ memory realloc describe configure
  (data (i32.const 512) "/slow")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (local $left i32)
    (call $argument (i32.const 512) (i32.const 5) (i32.const 528))
    (if (i32.eq (i32.load8_u (i32.load (i32.const 532))) (i32.const 116))
      (then
        (local.set $left (i32.const 20000000))
        (loop $again
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (i32.store (i32.const 600) (local.get $left))
          (br_if $again (local.get $left)))))
    (i32.const 128)))
