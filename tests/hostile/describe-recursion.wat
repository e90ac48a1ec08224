;; Calls itself without end where it should describe itself.
(module
  ;;+ memory realloc configure check
  (func $down (export "bartizan:policy/plugin@0.1.0#describe") (result i32)
    (i32.add (i32.const 1) (call $down))))
