;; Charges a counter with a name of 1,000 bytes.
(module
  ;;+ memory realloc describe configure
  (data (i32.const 160) "\00\10\00\00\01\00\00\00")
  (data (i32.const 4096) "\00\20\00\00\e8\03\00\00\00\00\00\00\00\02\00\00\01\00\00\00\00\02\00\00\01\00\00\00")
  (data (i32.const 512) "1")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32) (i32.const 128)))
