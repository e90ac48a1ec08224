;; Asks for what nobody may have.
(module
  ;;+ memory realloc describe configure check
  (data (i32.const 440) "root")
  (data (i32.const 448) "\b8\01\00\00\04\00\00\00")
  (data (i32.const 56) "\c0\01\00\00\01\00\00\00"))
