// A provider that knows the schema of a real one and nothing else, so that configurations can be validated and tested with
// mocks where the real provider can't be had. It refuses to plan, read or change anything.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

//go:embed schemas.json
var schemas []byte

var errStandIn = errors.New("this is a stand-in that knows schemas only: use the real provider")

// The program's own name tells whose schemas it serves: terraform-provider-aws_v6.25.0.
func main() {
	name, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(os.Args[0]), "terraform-provider-"), "_")
	provider, err := load(name)
	if err == nil {
		err = tf6server.Serve("registry.terraform.io/hashicorp/"+name, func() tfprotov6.ProviderServer { return provider })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type standIn struct {
	tfprotov6.ProviderServer // nil: what is not below is never asked of a mocked provider

	schema *tfprotov6.GetProviderSchemaResponse
}

func load(name string) (*standIn, error) {
	var lines [][3]json.RawMessage
	if err := json.Unmarshal(schemas, &lines); err != nil {
		return nil, err
	}
	all := &tfprotov6.GetProviderSchemaResponse{
		ServerCapabilities: &tfprotov6.ServerCapabilities{GetProviderSchemaOptional: true},
		ResourceSchemas:    map[string]*tfprotov6.Schema{},
		DataSourceSchemas:  map[string]*tfprotov6.Schema{},
	}
	for _, line := range lines {
		var kind, of string
		if err := errors.Join(json.Unmarshal(line[0], &kind), json.Unmarshal(line[1], &of)); err != nil {
			return nil, err
		}
		if of != name && !strings.HasPrefix(of, name+"_") {
			continue
		}
		schema, err := parse(line[2])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", of, err)
		}
		switch kind {
		case "provider":
			all.Provider = schema
		case "data":
			all.DataSourceSchemas[of] = schema
		default:
			all.ResourceSchemas[of] = schema
		}
	}
	if all.Provider == nil {
		return nil, fmt.Errorf("no schemas of a provider %q", name)
	}
	return &standIn{schema: all}, nil
}

func (s *standIn) GetMetadata(context.Context, *tfprotov6.GetMetadataRequest) (*tfprotov6.GetMetadataResponse, error) {
	metadata := &tfprotov6.GetMetadataResponse{ServerCapabilities: s.schema.ServerCapabilities}
	for name := range s.schema.ResourceSchemas {
		metadata.Resources = append(metadata.Resources, tfprotov6.ResourceMetadata{TypeName: name})
	}
	for name := range s.schema.DataSourceSchemas {
		metadata.DataSources = append(metadata.DataSources, tfprotov6.DataSourceMetadata{TypeName: name})
	}
	return metadata, nil
}

func (s *standIn) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	return s.schema, nil
}

func (s *standIn) GetResourceIdentitySchemas(context.Context, *tfprotov6.GetResourceIdentitySchemasRequest) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov6.GetResourceIdentitySchemasResponse{IdentitySchemas: map[string]*tfprotov6.ResourceIdentitySchema{}}, nil
}

func (s *standIn) ValidateProviderConfig(_ context.Context, ask *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return &tfprotov6.ValidateProviderConfigResponse{PreparedConfig: ask.Config}, nil
}

func (s *standIn) ValidateResourceConfig(context.Context, *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return &tfprotov6.ValidateResourceConfigResponse{}, nil
}

func (s *standIn) ValidateDataResourceConfig(context.Context, *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return &tfprotov6.ValidateDataResourceConfigResponse{}, nil
}

// A mock upgrades what it kept itself; the form is the same.
func (s *standIn) UpgradeResourceState(_ context.Context, ask *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	schema, known := s.schema.ResourceSchemas[ask.TypeName]
	if !known {
		return nil, fmt.Errorf("no schema of %s", ask.TypeName)
	}
	value, err := ask.RawState.Unmarshal(schema.ValueType())
	if err != nil {
		return nil, err
	}
	state, err := tfprotov6.NewDynamicValue(schema.ValueType(), value)
	return &tfprotov6.UpgradeResourceStateResponse{UpgradedState: &state}, err
}

func (s *standIn) ConfigureProvider(context.Context, *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	return nil, errStandIn
}

func (s *standIn) StopProvider(context.Context, *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	return &tfprotov6.StopProviderResponse{}, nil
}

func typeOf(text json.RawMessage) (tftypes.Type, error) {
	return tftypes.ParseJSONType(text) //nolint:staticcheck // there is no other way to read one
}
