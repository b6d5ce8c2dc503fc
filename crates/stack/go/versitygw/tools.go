//go:build tools

// Not a program: it names the command that is built, so that go.mod and go.sum pin it with all that it needs.
package tools

import _ "github.com/versity/versitygw/cmd/versitygw"
