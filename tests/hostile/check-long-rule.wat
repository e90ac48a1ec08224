;; Refuses by a rule with a name of 2,000 bytes.
(module
  ;;+ memory realloc describe configure deny
  (data (i32.const 140) "\01\00\00\00\00\10\00\00\d0\07\00\00")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (memory.fill (i32.const 4096) (i32.const 97) (i32.const 2000))
    (call $deny (i32.const 4096) (i32.const 20))))
