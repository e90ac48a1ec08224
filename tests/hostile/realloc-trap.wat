;; Traps when the host wants to give it something.
(module
  ;;+ memory describe configure check
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (unreachable)))
