;; Traps on every second call: those whose first argument is no even digit.
(module
  (import "bartizan:policy/call@0.1.0" "argument" (func $argument (param i32 i32 i32)))
  ;;+ memory realloc describe configure
  (data (i32.const 512) "/n")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (call $argument (i32.const 512) (i32.const 2) (i32.const 528))
    (if (i32.and (i32.load8_u (i32.load (i32.const 532))) (i32.const 1)) (then (unreachable)))
    (i32.const 128)))
