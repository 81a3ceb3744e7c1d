// Command mergekeys prints what strategic merge needs of the OpenAPI document that kustomize carries:
// which lists merge and by which keys, and which kinds live in a namespace.
//
// `cargo xtask merge-keys` keeps its output in lib/kustomize/src/schema/builtin.txt.
package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const header = `# What strategic merge patches need to know of Kubernetes' built-in kinds.
#
# Source: the OpenAPI document of Kubernetes %s (Apache-2.0, Copyright The Kubernetes Authors), as carried by kustomize's
# kyaml, and the definitions of kustomize's own kinds beside it. Only facts are kept: the extensions
# x-kubernetes-patch-strategy, x-kubernetes-patch-merge-key, x-kubernetes-list-map-keys and
# x-kubernetes-group-version-kind, and the scope that the API paths give each kind.
# Made by cargo xtask merge-keys; do not edit.
#
# type N DEFINITION: the fields of type N that lead to a list that merges; "*" stands for every field.
#   FIELD > M          a map of type M
#   FIELD + M KEYS     a list of type M that merges by KEYS ("-": of plain values, or of a type with nothing below)
# kind APIVERSION KIND N SCOPE: SCOPE is n (namespaced), c (cluster) or ? (no API path), N may be "-".
`

type field struct {
	name, target string
	keys         []string
	list         bool
}

func main() {
	definitions := openapi.Schema().Definitions
	types := map[string][]field{}
	for name, schema := range definitions {
		types[name] = fields(schema)
	}
	for prune(types) {
	}

	kinds := map[yaml.TypeMeta]string{}
	for name, schema := range definitions {
		list, _ := schema.VendorExtensible.Extensions["x-kubernetes-group-version-kind"].([]interface{})
		for _, entry := range list {
			gvk := entry.(map[string]interface{})
			apiVersion := gvk["version"].(string)
			if group, _ := gvk["group"].(string); group != "" {
				apiVersion = group + "/" + apiVersion
			}
			kinds[yaml.TypeMeta{APIVersion: apiVersion, Kind: gvk["kind"].(string)}] = name
		}
	}

	names := make([]string, 0, len(types))
	for name := range types {
		names = append(names, name)
	}
	sort.Strings(names)
	number := map[string]int{}
	for i, name := range names {
		number[name] = i
	}
	reference := func(name string) string {
		if n, found := number[name]; found {
			return fmt.Sprint(n)
		}
		return "-"
	}

	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintf(out, header, openapi.GetSchemaVersion())
	for i, name := range names {
		fmt.Fprintf(out, "type %d %s\n", i, name)
		for _, f := range types[name] {
			if f.list {
				fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%s + %s %s", f.name, reference(f.target), strings.Join(f.keys, " ")), " "))
			} else {
				fmt.Fprintf(out, "%s > %s\n", f.name, reference(f.target))
			}
		}
	}
	metas := make([]yaml.TypeMeta, 0, len(kinds))
	for meta := range kinds {
		metas = append(metas, meta)
	}
	sort.Slice(metas, func(i, j int) bool {
		if metas[i].APIVersion != metas[j].APIVersion {
			return metas[i].APIVersion < metas[j].APIVersion
		}
		return metas[i].Kind < metas[j].Kind
	})
	for _, meta := range metas {
		scope := "?"
		if namespaced, known := openapi.IsNamespaceScoped(meta); known {
			scope = map[bool]string{true: "n", false: "c"}[namespaced]
		}
		target := reference(kinds[meta])
		if scope == "?" && target == "-" {
			continue
		}
		fmt.Fprintf(out, "kind %s %s %s %s\n", meta.APIVersion, meta.Kind, target, scope)
	}
}

func definition(schema *spec.Schema) string {
	return strings.TrimPrefix(schema.Ref.String(), "#/definitions/")
}

// fields lists what may matter: maps of a named type, and lists that merge.
func fields(schema spec.Schema) []field {
	var result []field
	add := func(name string, s spec.Schema) {
		resource := openapi.ResourceSchema{Schema: &s}
		strategy, keys := resource.PatchStrategyAndKeyList()
		merges := false
		for _, part := range strings.Split(strategy, ",") {
			merges = merges || part == "merge"
		}
		switch {
		case merges && s.Items != nil:
			result = append(result, field{name: name, list: true, keys: keys, target: definition(s.Items.Schema)})
		case definition(&s) != "":
			result = append(result, field{name: name, target: definition(&s)})
		}
	}
	for name, property := range schema.Properties {
		add(name, property)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		add("*", *schema.AdditionalProperties.Schema)
	}
	sort.Slice(result, func(i, j int) bool { return result[i].name < result[j].name })
	return result
}

// prune drops types without fields and the fields that lead to them; it says whether anything changed.
func prune(types map[string][]field) bool {
	useful := map[string]bool{}
	for changed := true; changed; {
		changed = false
		for name, fields := range types {
			for _, f := range fields {
				if !useful[name] && (f.list || useful[f.target]) {
					useful[name] = true
					changed = true
				}
			}
		}
	}
	before := len(types)
	for name, fields := range types {
		if !useful[name] {
			delete(types, name)
			continue
		}
		var kept []field
		for _, f := range fields {
			if f.list || useful[f.target] {
				kept = append(kept, f)
			}
		}
		types[name] = kept
	}
	return len(types) != before
}
