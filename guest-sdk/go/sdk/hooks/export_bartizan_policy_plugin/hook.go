// Package export_bartizan_policy_plugin is what the generated exports call; bartizan.Export sets it.
package export_bartizan_policy_plugin

import (
	"bartizan/bindings/imports/bartizan_policy_types"
	"bartizan/wit/types"
)

var Describe func() bartizan_policy_types.Description
var Configure func(settings string) wit_types.Result[wit_types.Unit, string]
