;; Says that its decision lies beyond its memory.
(module
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32) (i32.const 0xfffffff0)))
