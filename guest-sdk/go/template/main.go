// Refuses changes between two days, except for those who may make them.
package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"bartizan"
)

const settingsSchema = `{
	"type": "object",
	"additionalProperties": false,
	"properties": {
		"from": {"type": "string", "format": "date", "description": "The first day of the freeze, in UTC. Without it the freeze has begun."},
		"until": {"type": "string", "format": "date", "description": "The first day after it. Without it the freeze has no end."},
		"except": {"type": "array", "items": {"type": "string"}, "description": "Principals who may change things all the same."}
	}
}`

// What configure leaves. Every evaluation starts from it.
var (
	from, until time.Time
	except      []string
)

func init() {
	bartizan.Export(bartizan.Plugin{
		Name:           "change-freeze",
		Version:        "0.1.0",
		Summary:        "Refuses changes between two days.",
		SettingsSchema: settingsSchema,
		Interests:      []bartizan.Interest{{Methods: []string{"tools/call"}}},
		Configure:      configure,
		Check:          check,
	})
}

func main() {}

func configure(text string) error {
	var settings map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &settings); err != nil || settings == nil {
		return fmt.Errorf("the settings must be an object with `from` and `until`")
	}
	for key := range settings {
		if key != "from" && key != "until" && key != "except" {
			return fmt.Errorf("unknown key `%s`; the keys are `from`, `until` and `except`", key)
		}
	}
	var err error
	if from, err = day(settings, "from", "1970-01-01"); err != nil {
		return err
	}
	if until, err = day(settings, "until", "9999-12-31"); err != nil {
		return err
	}
	if !from.Before(until) {
		return fmt.Errorf("`until` must be after `from`: it is the first day that is free again")
	}
	if list, there := settings["except"]; there {
		// Pointers, since null would leave an empty text behind.
		var names []*string
		if json.Unmarshal(list, &names) != nil || names == nil || slices.Contains(names, nil) {
			return fmt.Errorf("`except` must be a list of principals such as `[\"release-bot\"]`")
		}
		for _, name := range names {
			except = append(except, *name)
		}
	}
	return nil
}

func day(settings map[string]json.RawMessage, key, otherwise string) (time.Time, error) {
	text := otherwise
	var err error
	if value, there := settings[key]; there {
		// null would leave the text as it is.
		text = ""
		err = json.Unmarshal(value, &text)
	}
	day, malformed := time.Parse(time.DateOnly, text)
	if err != nil || malformed != nil {
		return time.Time{}, fmt.Errorf("`%s` must be a day such as `2026-12-20`", key)
	}
	return day, nil
}

func check() bartizan.Decision {
	now := bartizan.Time()
	if now.Before(from) || !now.Before(until) || isExcepted() || isReadOnly() {
		return bartizan.Pass()
	}
	return bartizan.Deny(fmt.Sprintf("Changes are frozen until %s.", until.Format(time.DateOnly)), "freeze")
}

func isExcepted() bool {
	principal, there := bartizan.Principal()
	return there && slices.Contains(except, principal)
}

// Whether the server says that the tool changes nothing.
func isReadOnly() bool {
	tool, there := bartizan.Tool()
	if !there {
		return false
	}
	// Maps, since encoding/json takes fields of structs in any case: `READONLYHINT` is something else.
	var definition map[string]json.RawMessage
	var annotations map[string]json.RawMessage
	var hint bool
	return json.Unmarshal([]byte(tool.Definition), &definition) == nil &&
		json.Unmarshal(definition["annotations"], &annotations) == nil &&
		json.Unmarshal(annotations["readOnlyHint"], &hint) == nil && hint
}
