;; Looks for arguments by pointers of 1 MiB, again and again.
(module
  (import "bartizan:policy/call@0.1.0" "argument" (func $argument (param i32 i32 i32)))
  (memory (export "memory") 32)
  ;;+ realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (memory.fill (i32.const 131072) (i32.const 47) (i32.const 0x100000))
    (loop $again
      (call $argument (i32.const 131072) (i32.const 0x100000) (i32.const 512))
      (br $again))
    (unreachable)))
