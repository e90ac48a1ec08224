;; Cannot be configured.
(module
  ;;+ memory realloc describe check
)
