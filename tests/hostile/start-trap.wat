;; Traps in the start function.
(module
  ;;+ memory realloc describe configure check
  (func $start (unreachable))
  (start $start))
