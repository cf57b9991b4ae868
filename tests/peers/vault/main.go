// Vault as it is, in memory, on one loopback port: its core and its HTTP API, with the key-value engine and the
// methods by which bots log in. The command of Vault itself brings the clients of a dozen clouds, which nobody needs
// here. It starts uninitialized, as any Vault does.
//
// Usage: vaultserver ADDRESS [CERTIFICATE KEY]
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/hashicorp/go-hclog"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

var methods = map[string]logical.Factory{"approle": approle.Factory, "kubernetes": kubernetes.Factory}
var engines = map[string]logical.Factory{"kv": kv.Factory}

// builtin says which of the above are there.
type builtin struct{}

func known(kind consts.PluginType) map[string]logical.Factory {
	switch kind {
	case consts.PluginTypeCredential:
		return methods
	case consts.PluginTypeSecrets:
		return engines
	default:
		return nil
	}
}

func (builtin) Contains(name string, kind consts.PluginType) bool {
	_, found := known(kind)[name]
	return found
}

func (builtin) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	factory, found := known(kind)[name]
	return func() (interface{}, error) { return factory, nil }, found
}

func (builtin) Keys(kind consts.PluginType) []string {
	names := []string{}
	for name := range known(kind) {
		names = append(names, name)
	}
	return names
}

func (builtin) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	_, found := known(kind)[name]
	return consts.Supported, found
}

func (builtin) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }

func serve(words []string) error {
	if len(words) != 1 && len(words) != 3 {
		return fmt.Errorf("usage: vaultserver ADDRESS [CERTIFICATE KEY]")
	}
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr})
	storage, err := inmem.NewInmem(nil, logger)
	if err != nil {
		return err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		CredentialBackends: methods,
		LogicalBackends:    engines,
		BuiltinRegistry:    builtin{},
		Logger:             logger,
		DisableMlock:       true,
		RedirectAddr:       "http://" + words[0],
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", words[0])
	if err != nil {
		return err
	}
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{Type: "tcp", Address: words[0]},
	})
	server := &http.Server{Handler: handler}
	if len(words) == 3 {
		return server.ServeTLS(listener, words[1], words[2])
	}
	return server.Serve(listener)
}

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
