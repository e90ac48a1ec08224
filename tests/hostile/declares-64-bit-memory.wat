;; Wants memory of 64 bits.
(module
  ;;+ memory realloc describe configure check
  (memory i64 1)
)
