;; Wants a table of ten million elements from the beginning.
(module
  (table 10000000 funcref)
  ;;+ memory realloc describe configure check
)
