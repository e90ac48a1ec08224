;; Has a name that moves the cursor of a terminal.
(module
  ;;+ memory realloc describe configure check
  (data (i32.const 256) "\1b[2J"))
