;; Refuses with words that have half of a pair of UTF-16 in UTF-8.
(module
  ;;+ memory realloc describe configure deny
  (data (i32.const 512) "\ed\a0\80")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (call $deny (i32.const 512) (i32.const 3))))
