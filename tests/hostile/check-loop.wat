;; Never comes back from judging a call.
(module
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (loop $again (br $again))
    (unreachable)))
