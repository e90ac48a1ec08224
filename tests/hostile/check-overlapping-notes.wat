;; Has 16 notes, each of which is all of a large memory: small in the plugin, large in the host.
(module
  (memory (export "memory") 960)
  ;;+ realloc describe configure
  (data (i32.const 168) "\00\10\00\00\10\00\00\00")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (local $note i32)
    (local.set $note (i32.const 4096))
    (loop $again
      (i32.store offset=8 (local.get $note) (i32.const 8192))
      (i32.store offset=12 (local.get $note) (i32.const 62000000))
      (local.set $note (i32.add (local.get $note) (i32.const 16)))
      (br_if $again (i32.lt_u (local.get $note) (i32.const 4352))))
    (i32.const 128)))
