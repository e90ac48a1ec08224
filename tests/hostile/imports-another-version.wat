;; Was built for a contract that does not exist.
(module
  ;;= 0.2.0
  (import "bartizan:policy/call@0.1.0" "time" (func $time (result f64)))
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (drop (call $time))
    (i32.const 128)))
