;; Was built for a contract that does not exist, and wants nothing of it.
(module
  ;;= 0.2.0
  ;;+ memory realloc describe configure check
)
