;; Never comes back from reading its settings.
(module
  ;;+ memory realloc describe check
  (func (export "bartizan:policy/plugin@0.1.0#configure") (param i32 i32) (result i32)
    (loop $again (br $again))
    (unreachable)))
