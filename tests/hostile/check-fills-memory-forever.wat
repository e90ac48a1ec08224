;; Fills its memory again and again, each time with one instruction that takes long.
(module
  (memory (export "memory") 960)
  ;;+ realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (loop $again
      (memory.fill (i32.const 4096) (i32.const 0) (i32.const 62910464))
      (br $again))
    (unreachable)))
