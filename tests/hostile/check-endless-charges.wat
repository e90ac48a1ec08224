;; Charges four billion times.
(module
  ;;+ memory realloc describe configure
  (data (i32.const 160) "\00\00\00\00\ff\ff\ff\ff")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32) (i32.const 128)))
