;; Judges nothing.
(module
  ;;+ memory realloc describe configure
)
