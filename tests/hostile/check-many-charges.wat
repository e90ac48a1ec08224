;; Charges 1,000 times.
(module
  ;;+ memory realloc describe configure
  (data (i32.const 160) "\00\10\00\00\e8\03\00\00")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32) (i32.const 128)))
