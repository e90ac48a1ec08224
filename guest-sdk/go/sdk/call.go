package bartizan

import (
	"time"

	"bartizan/bindings/imports/bartizan_policy_call"
	"bartizan/bindings/imports/bartizan_policy_fault"
	"bartizan/bindings/imports/bartizan_policy_reply"
	"bartizan/wit/types"
)

// Method is the MCP method, such as "tools/call".
func Method() string { return bartizan_policy_call.Method() }

// Server is the upstream server's name in the gateway's configuration.
func Server() string { return bartizan_policy_call.Server() }

// Session is the gateway's identifier of the MCP session.
func Session() string { return bartizan_policy_call.Session() }

// Target is the tool or prompt name or the resource URI, if the method has one.
func Target() (string, bool) { return found(bartizan_policy_call.Target()) }

// Argument is the JSON text at a JSON Pointer into the arguments or params; "" is the whole.
func Argument(pointer string) (string, bool) { return found(bartizan_policy_call.Argument(pointer)) }

// Tool is the server's definition of the target, if the gateway knows one.
func Tool() (Entry, bool) { return found(bartizan_policy_call.Tool()) }

// Principal is the authenticated caller's name, if there is one.
func Principal() (string, bool) { return found(bartizan_policy_call.Principal()) }

// Claim is the JSON text at a JSON Pointer into the caller's claims.
func Claim(pointer string) (string, bool) { return found(bartizan_policy_call.Claim(pointer)) }

// Time is the time of the call, in UTC. The clock of the time package is not one: it stands still.
func Time() time.Time { return time.UnixMilli(int64(bartizan_policy_call.Time())).UTC() }

// IsError says whether the server reports a failure. Only in CheckReply.
func IsError() bool { return bartizan_policy_reply.IsError() }

// Value is the JSON text at a JSON Pointer into the result. Only in CheckReply.
func Value(pointer string) (string, bool) { return found(bartizan_policy_reply.Value(pointer)) }

// Fail ends the evaluation, with words for the operator.
func Fail(message string) { bartizan_policy_fault.Fail(message) }

func found[T any](option wit_types.Option[T]) (T, bool) {
	if option.Tag() == wit_types.OptionSome {
		return option.Some(), true
	}
	var none T
	return none, false
}
