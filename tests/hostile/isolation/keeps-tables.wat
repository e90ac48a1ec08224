;; Looks for traces of an earlier evaluation where a snapshot does not reach, and refuses with the name of the
;; place if it finds one: in tables, in a vector, in whether a piece of data was dropped. Then it leaves traces
;; there itself.
(module
  (import "bartizan:policy/call@0.1.0" "argument" (func $argument (param i32 i32 i32)))
  (memory (export "memory") 2)
  (global $vector (mut v128) (v128.const i64x2 0 0))
  (table $table 4 100 funcref)
  (elem declare func $configure)
  (data $piece "piece")
  ;;+ realloc describe configure deny
  (data (i32.const 528) "vector")
  (data (i32.const 536) "table")
  (data (i32.const 544) "size of table")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (if (v128.any_true (global.get $vector))
      (then (return (call $deny (i32.const 528) (i32.const 6)))))
    (if (i32.eqz (ref.is_null (table.get $table (i32.const 3))))
      (then (return (call $deny (i32.const 536) (i32.const 5)))))
    (if (i32.ne (table.size $table) (i32.const 4))
      (then (return (call $deny (i32.const 544) (i32.const 13)))))
    ;; Traps if it was dropped.
    (memory.init $piece (i32.const 640) (i32.const 0) (i32.const 5))
    (data.drop $piece)
    (global.set $vector (i64x2.splat (i64.const 0x5a5a5a5a5a5a5a5a)))
    (table.set $table (i32.const 3) (ref.func $configure))
    (drop (table.grow $table (ref.func $configure) (i32.const 8)))
    (i32.const 128)))
