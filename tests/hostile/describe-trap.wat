;; Traps where it should describe itself.
(module
  ;;+ memory realloc configure check
  (func (export "bartizan:policy/plugin@0.1.0#describe") (result i32) (unreachable)))
