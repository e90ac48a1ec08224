;; Wants to refuse every second call, by a count of its own in a global, in memory and in a table.
(module
  (global $count (mut i32) (i32.const 0))
  (table $table 4 funcref)
  (elem declare func $configure)
  ;;+ memory realloc describe configure deny
  (data (i32.const 512) "It counts.")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (local $seen i32)
    (local.set $seen
      (i32.or
        (global.get $count)
        (i32.or (i32.load (i32.const 600)) (i32.eqz (ref.is_null (table.get $table (i32.const 0)))))))
    (global.set $count (i32.const 1))
    (i32.store (i32.const 600) (i32.const 1))
    (table.set $table (i32.const 0) (ref.func $configure))
    (if (result i32) (local.get $seen)
      (then (call $deny (i32.const 512) (i32.const 10)))
      (else (i32.const 128)))))
