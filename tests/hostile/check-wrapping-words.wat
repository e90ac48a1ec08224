;; Refuses with words whose end comes before their beginning.
(module
  ;;+ memory realloc describe configure deny
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (call $deny (i32.const 0xfffffff0) (i32.const 0x20))))
