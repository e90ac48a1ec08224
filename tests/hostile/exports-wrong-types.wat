;; Has exports of the right names, of which none takes or gives what it should.
(component
  (core module $module (func (export "number") (result i32) (i32.const 42)))
  (core instance $core (instantiate $module))
  (func $number (result u32) (canon lift (core func $core "number")))
  (instance $plugin (export "describe" (func $number)) (export "configure" (func $number)))
  (instance $calls (export "check" (func $number)))
  (export "bartizan:policy/plugin@0.1.0" (instance $plugin))
  (export "bartizan:policy/calls@0.1.0" (instance $calls)))
