;; Neither takes its settings nor refuses them.
(module
  ;;+ memory realloc describe check
  (data (i32.const 192) "\07")
  (func (export "bartizan:policy/plugin@0.1.0#configure") (param i32 i32) (result i32)
    (i32.const 192)))
