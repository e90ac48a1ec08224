// Package export_bartizan_policy_calls is what the generated exports call; bartizan.Export sets it.
package export_bartizan_policy_calls

import "bartizan/bindings/imports/bartizan_policy_types"

var Check func() bartizan_policy_types.Decision
