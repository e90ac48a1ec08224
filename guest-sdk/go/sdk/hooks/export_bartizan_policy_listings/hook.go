// Package export_bartizan_policy_listings is what the generated exports call; bartizan.Export sets it.
package export_bartizan_policy_listings

import "bartizan/bindings/imports/bartizan_policy_types"

var Visible func(entries []bartizan_policy_types.Entry) []bool
