;; Takes all the memory that it gets when it reads its settings.
(module
  ;;+ memory realloc describe check
  (func (export "bartizan:policy/plugin@0.1.0#configure") (param i32 i32) (result i32)
    (loop $again
      (drop (memory.grow (i32.const 16)))
      (br $again))
    (unreachable)))
