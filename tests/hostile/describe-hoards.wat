;; Takes all the memory that it gets, page by page, where it should describe itself.
(module
  ;;+ memory realloc configure check
  (func (export "bartizan:policy/plugin@0.1.0#describe") (result i32)
    (loop $again
      (drop (memory.grow (i32.const 1)))
      (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (i32.const 1))
      (br $again))
    (unreachable)))
