;; Reads the call where there is none.
(module
  (import "bartizan:policy/call@0.1.0" "time" (func $time (result f64)))
  ;;+ memory realloc configure check
  (func (export "bartizan:policy/plugin@0.1.0#describe") (result i32)
    (i32.trunc_f64_u (call $time))))
