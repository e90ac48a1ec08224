;; Refuses with 5,000 bytes of words.
(module
  ;;+ memory realloc describe configure deny
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (memory.fill (i32.const 4096) (i32.const 97) (i32.const 5000))
    (call $deny (i32.const 4096) (i32.const 5000))))
