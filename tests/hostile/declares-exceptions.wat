;; Wants exceptions, which could leave host functions by a side door.
(module
  (tag $tag)
  ;;+ memory realloc describe configure check
  (func $throw (throw $tag))
)
