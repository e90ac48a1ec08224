;; Grows by 1 MiB and looks in all of its memory for anything that neither it nor the host put there: what
;; another plugin left in the place that it gets. Leaves a mark of its own everywhere.
(module
  (memory (export "memory") 2)
  ;;+ realloc describe configure deny
  (data (i32.const 512) "found something")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (local $at i32)
    (drop (memory.grow (i32.const 16)))
    (local.set $at (i32.const 65544))
    (loop $again
      (if (i64.ne (i64.load (local.get $at)) (i64.const 0))
        (then (return (call $deny (i32.const 512) (i32.const 15)))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $again (i32.lt_u (local.get $at) (i32.const 1179648))))
    (memory.fill (i32.const 65544) (i32.const 0x5a) (i32.const 1114104))
    (i32.const 128)))
