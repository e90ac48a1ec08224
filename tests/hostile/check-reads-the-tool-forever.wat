;; Reads the tool's definition again and again.
(module
  (import "bartizan:policy/call@0.1.0" "tool" (func $tool (param i32)))
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (loop $again
      (global.set $heap (i32.const 65536))
      (call $tool (i32.const 512))
      (br $again))
    (unreachable)))
