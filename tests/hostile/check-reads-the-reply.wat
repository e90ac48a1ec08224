;; Reads the reply before there is one.
(module
  (import "bartizan:policy/reply@0.1.0" "is-error" (func $is-error (result i32)))
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (drop (call $is-error))
    (i32.const 128)))
