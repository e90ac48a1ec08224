;; Has a hundred thousand notes, all of which say the same.
(module
  (memory (export "memory") 32)
  ;;+ realloc describe configure
  (data (i32.const 168) "\00\10\00\00\a0\86\01\00")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32) (i32.const 128)))
