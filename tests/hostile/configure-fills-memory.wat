;; Leaves 60 MiB behind that no two pages of are the same: its snapshot is as large.
(module
  ;;+ memory realloc describe check
  (func (export "bartizan:policy/plugin@0.1.0#configure") (param i32 i32) (result i32)
    (local $at i32) (local $value i32)
    (drop (memory.grow (i32.const 958)))
    (local.set $at (i32.const 65536))
    (local.set $value (i32.const 1))
    (loop $again
      (i32.store (local.get $at) (local.get $value))
      (local.set $value (i32.add (i32.mul (local.get $value) (i32.const 1664525)) (i32.const 1013904223)))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $again (i32.lt_u (local.get $at) (i32.const 62914560))))
    (i32.const 192)))
