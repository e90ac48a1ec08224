;; Has a name that is no UTF-8.
(module
  ;;+ memory realloc describe configure check
  (func $start (i32.store8 (i32.const 256) (i32.const 0xff)))
  (start $start))
