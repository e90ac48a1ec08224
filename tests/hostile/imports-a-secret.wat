;; Imports an interface of the contract's package that is not in the contract.
(component
  (import "bartizan:policy/secrets@0.1.0" (instance)))
