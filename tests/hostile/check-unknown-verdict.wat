;; Has a verdict that does not exist.
(module
  ;;+ memory realloc describe configure
  (data (i32.const 128) "\09")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32) (i32.const 128)))
