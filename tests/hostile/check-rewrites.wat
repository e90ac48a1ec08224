;; Replaces the arguments without having asked whether it may.
(module
  ;;+ memory realloc describe configure
  (data (i32.const 512) "{\"n\":2}")
  (data (i32.const 128) "\03\00\00\00\00\02\00\00\07\00\00\00")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32) (i32.const 128)))
