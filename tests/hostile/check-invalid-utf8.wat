;; Refuses with words that are no UTF-8.
(module
  ;;+ memory realloc describe configure deny
  (data (i32.const 512) "\c3\28")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (call $deny (i32.const 512) (i32.const 2))))
