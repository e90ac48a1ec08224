;; Never gets beyond the start function.
(module
  ;;+ memory realloc describe configure check
  (func $start (loop $again (br $again)))
  (start $start))
