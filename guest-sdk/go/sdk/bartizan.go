// Package bartizan is what a policy in Go is written with.
//
// Export says what the plugin is, from an init function. The call being judged is read with the functions of
// call.go, and answered with Pass, Deny, Ask or Rewrite. The interfaces log, memory and http are in
// bartizan/bindings/imports; a plugin that uses one must ask for it.
package bartizan

import (
	"fmt"

	_ "bartizan/bindings/exports/wit_exports"
	"bartizan/bindings/imports/bartizan_policy_types"
	"bartizan/hooks/export_bartizan_policy_calls"
	"bartizan/hooks/export_bartizan_policy_listings"
	"bartizan/hooks/export_bartizan_policy_plugin"
	"bartizan/hooks/export_bartizan_policy_replies"
	"bartizan/wit/types"
)

type (
	Charge      = bartizan_policy_types.Charge
	Decision    = bartizan_policy_types.Decision
	Description = bartizan_policy_types.Description
	Entry       = bartizan_policy_types.Entry
	Interest    = bartizan_policy_types.Interest
	Note        = bartizan_policy_types.Note
)

// Plugin is what a plugin says of itself, and what it does. The hooks that it has must be named in plugin.toml.
type Plugin struct {
	// Lower case, with hyphens.
	Name    string
	Version string
	// One sentence for people.
	Summary string
	// A JSON Schema that valid settings meet.
	SettingsSchema string
	// What it wants to judge. Empty: every message.
	Interests []Interest
	// Capabilities such as "log" or "rewrite-arguments".
	Asks []string

	// Configure takes the settings: JSON text. An error refuses them.
	Configure func(settings string) error
	// Check judges a call (the hook "calls").
	Check func() Decision
	// Visible says for each entry of a list whether the caller may know of it (the hook "listings").
	Visible func(entries []Entry) []bool
	// CheckReply judges a result (the hook "replies").
	CheckReply func() Decision
}

// Export makes a plugin what the gateway sees. Call it from an init function.
func Export(plugin Plugin) {
	export_bartizan_policy_plugin.Describe = func() Description {
		return Description{
			Name:           plugin.Name,
			Version:        plugin.Version,
			Summary:        plugin.Summary,
			SettingsSchema: plugin.SettingsSchema,
			Interests:      plugin.Interests,
			Asks:           plugin.Asks,
			Metadata:       `{"sdk":"bartizan go"}`,
		}
	}
	export_bartizan_policy_plugin.Configure = func(settings string) wit_types.Result[wit_types.Unit, string] {
		defer reportPanic()
		if err := plugin.Configure(settings); err != nil {
			return wit_types.Err[wit_types.Unit, string](err.Error())
		}
		return wit_types.Ok[wit_types.Unit, string](wit_types.Unit{})
	}
	export_bartizan_policy_calls.Check = func() Decision {
		defer reportPanic()
		return plugin.Check()
	}
	export_bartizan_policy_listings.Visible = func(entries []Entry) []bool {
		defer reportPanic()
		return plugin.Visible(entries)
	}
	export_bartizan_policy_replies.Check = func() Decision {
		defer reportPanic()
		return plugin.CheckReply()
	}
}

// A panic refuses the call either way; like this the operator reads why.
func reportPanic() {
	if reason := recover(); reason != nil {
		Fail(fmt.Sprint("panic: ", reason))
	}
}

// Pass has no objection.
func Pass() Decision {
	return Decision{Verdict: bartizan_policy_types.MakeVerdictPass()}
}

// Deny refuses, with a reason for the agent, by a rule of this name.
func Deny(message, rule string) Decision {
	denial := bartizan_policy_types.Denial{Message: message, Rule: wit_types.Some(rule), RetryAfter: wit_types.None[uint32]()}
	return Decision{Verdict: bartizan_policy_types.MakeVerdictDeny(denial)}
}

// Ask lets a human decide.
func Ask(message, rule string) Decision {
	approval := bartizan_policy_types.Approval{Message: message, Rule: wit_types.Some(rule), ExpiresAfter: wit_types.None[uint32]()}
	return Decision{Verdict: bartizan_policy_types.MakeVerdictAsk(approval)}
}

// Rewrite goes on with other arguments, or another result: JSON text.
func Rewrite(json string) Decision {
	return Decision{Verdict: bartizan_policy_types.MakeVerdictRewrite(json)}
}

// Sliding is a charge of cost out of limit (decimal numbers) in the last seconds of a session. Put it into
// Decision.Charges.
func Sliding(counter, cost, limit string, seconds uint32) Charge {
	return Charge{
		Counter: counter,
		Scope:   bartizan_policy_types.Scope_Session,
		Cost:    cost,
		Limit:   limit,
		Window:  bartizan_policy_types.MakeWindowSliding(seconds),
		Message: wit_types.None[string](),
		Rule:    wit_types.None[string](),
	}
}
