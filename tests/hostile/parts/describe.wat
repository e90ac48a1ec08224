  ;;+ description
  (func $describe (export "bartizan:policy/plugin@0.1.0#describe") (result i32)
    (call $description))
