;; Looks everywhere for traces of an earlier evaluation, and refuses with the name of the place if it finds
;; one. Then it leaves traces everywhere itself: the first eight bytes of the call's argument `/secret`, and a
;; mark in all of its memory.
(module
  (import "bartizan:policy/call@0.1.0" "argument" (func $argument (param i32 i32 i32)))
  (memory (export "memory") 2)
  (global $global (mut i64) (i64.const 0))
  (global $float (mut f64) (f64.const 0))
  ;;+ realloc describe configure deny
  (data (i32.const 512) "/secret")
  (data (i32.const 520) "global")
  (data (i32.const 528) "float")
  (data (i32.const 560) "heap")
  (data (i32.const 568) "memory")
  (data (i32.const 576) "grown")
  (data (i32.const 584) "size")

  ;; Whether every byte is zero.
  (func $is-clean (param $at i32) (param $end i32) (result i32)
    (block $found
      (loop $again
        (br_if $found (i64.ne (i64.load (local.get $at)) (i64.const 0)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $again (i32.lt_u (local.get $at) (local.get $end))))
      (return (i32.const 1)))
    (i32.const 0))

  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (local $secret i64)
    (if (i64.ne (global.get $global) (i64.const 0))
      (then (return (call $deny (i32.const 520) (i32.const 6)))))
    (if (i64.ne (i64.reinterpret_f64 (global.get $float)) (i64.const 0))
      (then (return (call $deny (i32.const 528) (i32.const 5)))))
    (if (i32.ne (memory.size) (i32.const 2))
      (then (return (call $deny (i32.const 584) (i32.const 4)))))
    ;; The memory that the text gave no bytes for, up to where the host writes.
    (if (i32.eqz (call $is-clean (i32.const 1024) (i32.const 65536)))
      (then (return (call $deny (i32.const 568) (i32.const 6)))))
    ;; Where the host wrote what it gave; settings are two bytes there.
    (if (i32.eqz (call $is-clean (i32.const 65544) (i32.const 131072)))
      (then (return (call $deny (i32.const 560) (i32.const 4)))))
    ;; What was not there yet: it grows by 1 MiB.
    (drop (memory.grow (i32.const 16)))
    (if (i32.eqz (call $is-clean (i32.const 131072) (i32.const 1179648)))
      (then (return (call $deny (i32.const 576) (i32.const 5)))))

    (call $argument (i32.const 512) (i32.const 7) (i32.const 640))
    (local.set $secret (i64.load (i32.load (i32.const 644))))
    (global.set $global (local.get $secret))
    (global.set $float (f64.reinterpret_i64 (local.get $secret)))
    (memory.fill (i32.const 1024) (i32.const 0xa5) (i32.const 1178624))
    (i64.store (i32.const 1024) (local.get $secret))
    (i64.store (i32.const 1179640) (local.get $secret))
    (i32.const 128)))
