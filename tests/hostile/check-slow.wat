;; Takes its time, but less than it has: ten million steps. Has no objection.
(module
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (local $left i32)
    (local.set $left (i32.const 10000000))
    (loop $again
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (i32.store (i32.const 600) (local.get $left))
      (br_if $again (local.get $left)))
    (i32.const 128)))
