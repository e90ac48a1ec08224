;; Has a schema for its settings that is none.
(module
  ;;+ memory realloc describe configure check
  (data (i32.const 352) "[]"))
