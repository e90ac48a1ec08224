;; Is interested in four billion things.
(module
  ;;+ memory realloc describe configure check
  (data (i32.const 416) "\00\00\00\00\ff\ff\ff\ff"))
