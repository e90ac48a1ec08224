;; Is interested in 5,000 methods without a name.
(module
  ;;+ memory realloc describe configure check
  (data (i32.const 416) "\00\10\00\00\88\13\00\00"))
