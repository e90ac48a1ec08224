;; Grows a table without end when it judges a call.
(module
  (table $table 1 funcref)
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (loop $again
      (drop (table.grow $table (ref.null func) (i32.const 1000)))
      (br $again))
    (unreachable)))
