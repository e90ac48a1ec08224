;; Grows a table without end where it should describe itself.
(module
  (table $table 1 funcref)
  ;;+ memory realloc configure check
  (func (export "bartizan:policy/plugin@0.1.0#describe") (result i32)
    (loop $again
      (drop (table.grow $table (ref.null func) (i32.const 1000)))
      (br $again))
    (unreachable)))
