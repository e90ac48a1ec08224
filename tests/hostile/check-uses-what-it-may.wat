;; Writes to 60 MiB in each evaluation, which it may, and has no objection.
(module
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (drop (memory.grow (i32.const 958)))
    (memory.fill (i32.const 4096) (i32.const 165) (i32.const 62910464))
    (i32.const 128)))
