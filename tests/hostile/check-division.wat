;; Divides by zero when it judges a call.
(module
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (i32.div_u (i32.const 1) (i32.load (i32.const 8)))))
