;; Wants memory that threads share.
(module
  (memory 1 2 shared)
  ;;+ memory realloc describe configure check
)
