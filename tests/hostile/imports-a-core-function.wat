;; Wants a function of the host that no interface has.
(module
  (import "env" "system" (func (param i32) (result i32)))
  ;;+ memory realloc describe configure check
)
