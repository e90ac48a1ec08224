;; Wants objects that are garbage collected.
(module
  (type $cell (struct (field (mut i32))))
  ;;+ memory realloc describe configure check
  (func $collected (result i32) (struct.get $cell 0 (struct.new_default $cell)))
)
