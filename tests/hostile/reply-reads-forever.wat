;; Reads all of the reply again and again.
(module
  (import "bartizan:policy/reply@0.1.0" "value" (func $value (param i32 i32 i32)))
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/replies@0.1.0#check") (result i32)
    (loop $again
      (global.set $heap (i32.const 65536))
      (call $value (i32.const 0) (i32.const 0) (i32.const 512))
      (br $again))
    (unreachable)))
