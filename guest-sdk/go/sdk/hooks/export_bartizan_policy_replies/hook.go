// Package export_bartizan_policy_replies is what the generated exports call; bartizan.Export sets it.
package export_bartizan_policy_replies

import "bartizan/bindings/imports/bartizan_policy_types"

var Check func() bartizan_policy_types.Decision
