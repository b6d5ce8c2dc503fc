package main

import (
	"encoding/json"
	"fmt"
	"sort"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

type block struct {
	Attributes map[string]attribute   `json:"attributes"`
	Blocks     map[string]nestedBlock `json:"block_types"`
}

type attribute struct {
	Type     json.RawMessage `json:"type"`
	Nested   *nestedType     `json:"nested_type"`
	Required bool            `json:"required"`
	Optional bool            `json:"optional"`
	Computed bool            `json:"computed"`
}

type nestedType struct {
	Mode       string               `json:"nesting_mode"`
	Attributes map[string]attribute `json:"attributes"`
}

type nestedBlock struct {
	Mode  string `json:"nesting_mode"`
	Min   int64  `json:"min_items"`
	Max   int64  `json:"max_items"`
	Block block  `json:"block"`
}

var blockModes = map[string]tfprotov6.SchemaNestedBlockNestingMode{
	"single": tfprotov6.SchemaNestedBlockNestingModeSingle,
	"list":   tfprotov6.SchemaNestedBlockNestingModeList,
	"set":    tfprotov6.SchemaNestedBlockNestingModeSet,
	"map":    tfprotov6.SchemaNestedBlockNestingModeMap,
}

var objectModes = map[string]tfprotov6.SchemaObjectNestingMode{
	"single": tfprotov6.SchemaObjectNestingModeSingle,
	"list":   tfprotov6.SchemaObjectNestingModeList,
	"set":    tfprotov6.SchemaObjectNestingModeSet,
	"map":    tfprotov6.SchemaObjectNestingModeMap,
}

func parse(text json.RawMessage) (*tfprotov6.Schema, error) {
	var read struct {
		Version int64 `json:"version"`
		Block   block `json:"block"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, err
	}
	content, err := read.Block.schema()
	return &tfprotov6.Schema{Version: read.Version, Block: content}, err
}

func (b block) schema() (*tfprotov6.SchemaBlock, error) {
	attributes, err := attributesOf(b.Attributes)
	if err != nil {
		return nil, err
	}
	made := &tfprotov6.SchemaBlock{Attributes: attributes}
	for name, nested := range b.Blocks {
		content, err := nested.Block.schema()
		mode, known := blockModes[nested.Mode]
		if err != nil || !known {
			return nil, fmt.Errorf("%s (%s): %w", name, nested.Mode, err)
		}
		made.BlockTypes = append(made.BlockTypes, &tfprotov6.SchemaNestedBlock{
			TypeName: name, Block: content, Nesting: mode, MinItems: nested.Min, MaxItems: nested.Max,
		})
	}
	sort.Slice(made.BlockTypes, func(a, b int) bool { return made.BlockTypes[a].TypeName < made.BlockTypes[b].TypeName })
	return made, nil
}

func attributesOf(read map[string]attribute) ([]*tfprotov6.SchemaAttribute, error) {
	made := make([]*tfprotov6.SchemaAttribute, 0, len(read))
	for name, from := range read {
		one := &tfprotov6.SchemaAttribute{Name: name, Required: from.Required, Optional: from.Optional, Computed: from.Computed}
		var err error
		if from.Nested != nil {
			mode, known := objectModes[from.Nested.Mode]
			if !known {
				return nil, fmt.Errorf("%s: nesting %q", name, from.Nested.Mode)
			}
			one.NestedType = &tfprotov6.SchemaObject{Nesting: mode}
			one.NestedType.Attributes, err = attributesOf(from.Nested.Attributes)
		} else {
			one.Type, err = typeOf(from.Type)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		made = append(made, one)
	}
	sort.Slice(made, func(a, b int) bool { return made[a].Name < made[b].Name })
	return made, nil
}
