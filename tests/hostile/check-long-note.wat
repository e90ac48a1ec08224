;; Has a note of 50,000 bytes.
(module
  ;;+ memory realloc describe configure
  (data (i32.const 168) "\00\02\00\00\01\00\00\00")
  (data (i32.const 512) "\00\10\00\00\01\00\00\00\00\10\00\00\50\c3\00\00")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (memory.fill (i32.const 4096) (i32.const 49) (i32.const 50000))
    (i32.const 128)))
