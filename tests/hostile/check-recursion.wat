;; Calls itself without end when it judges a call.
(module
  ;;+ memory realloc describe configure
  (func $down (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (i32.add (i32.const 1) (call $down))))
