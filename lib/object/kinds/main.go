// Prints the table of Go structs that `normalise` reads: see the head of kinds.txt.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

//go:embed head.txt
var head string

// removed is what the types of versions that Kubernetes has dropped say of themselves.
type removed interface{ APILifecycleRemoved() (major, minor int) }

// oldest is the minor version of the oldest Kubernetes whose kinds are in the table.
const oldest = 32

var names = map[reflect.Type]string{}

// beside are kinds that the API server stores and Flux does not read into structs.
var beside = map[schema.GroupVersionKind]reflect.Type{
	apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"): reflect.TypeOf(apiextensionsv1.CustomResourceDefinition{}),
	apiregistrationv1.SchemeGroupVersion.WithKind("APIService"):             reflect.TypeOf(apiregistrationv1.APIService{}),
}

var byName = map[string][]reflect.Type{}

var unmarshaler = reflect.TypeOf((*json.Unmarshaler)(nil)).Elem()

// printsItself tells the types that have a letter of their own.
func printsItself(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(unmarshaler)
}

func collect(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		collect(t.Elem())
	case reflect.Struct:
		if printsItself(t) {
			return
		}
		if _, ok := names[t]; ok {
			return
		}
		names[t] = ""
		byName[t.Name()] = append(byName[t.Name()], t)
		for i := 0; i < t.NumField(); i++ {
			collect(t.Field(i).Type)
		}
	}
}

func ref(t reflect.Type) string {
	if t.Kind() == reflect.Struct || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		if printsItself(t) {
			switch t.Name() {
			case "Time", "MicroTime":
				return "t"
			case "Quantity":
				return "q"
			case "IntOrString":
				return "o"
			case "RawExtension", "FieldsV1":
				return "j"
			case "Duration":
				return "d"
			case "JSON":
				return "j"
			case "JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool":
				return "?JSONSchemaProps"
			case "JSONSchemaPropsOrStringArray":
				return "j"
			}
			panic("a type that prints itself: " + t.String())
		}
	}
	switch t.Kind() {
	case reflect.String:
		if t.Name() != "string" {
			return "s=" + t.String()
		}
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Int32:
		return "i"
	case reflect.Int, reflect.Int64:
		return "I"
	case reflect.Float32, reflect.Float64:
		return "f"
	case reflect.Pointer:
		return "*" + ref(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "y"
		}
		return "[" + ref(t.Elem())
	case reflect.Map:
		return "{" + ref(t.Elem())
	case reflect.Struct:
		return names[t]
	}
	panic(t.String())
}

func fields(t reflect.Type, root bool) []string {
	var out []string
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		parts := strings.Split(f.Tag.Get("json"), ",")
		if parts[0] == "-" {
			continue
		}
		if parts[0] == "" {
			if f.Type == reflect.TypeOf(metav1.TypeMeta{}) && root {
				continue
			}
			out = append(out, fields(f.Type, false)...)
			continue
		}
		flag := "!"
		for _, p := range parts[1:] {
			if p == "omitempty" && flag == "!" {
				flag = ""
			}
			if p == "omitzero" {
				flag = "~"
			}
		}
		out = append(out, parts[0]+":"+ref(f.Type)+flag)
	}
	return out
}

func main() {
	obj := reflect.TypeOf((*metav1.Object)(nil)).Elem()
	var gvks []schema.GroupVersionKind
	types := scheme.Scheme.AllKnownTypes()
	for gvk, t := range types {
		if gvk.Version == "__internal" || !reflect.PointerTo(t).Implements(obj) || !strings.HasPrefix(t.PkgPath(), "k8s.io/api/") {
			continue
		}
		if r, ok := reflect.New(t).Interface().(removed); ok {
			maj, min := r.APILifecycleRemoved()
			if maj == 1 && min <= oldest {
				continue
			}
		}
		switch gvk.Group {
		case "extensions":
			continue
		case "imagepolicy.k8s.io", "authentication.k8s.io", "authorization.k8s.io":
			continue
		}
		if gvk.Group == "apps" && gvk.Version != "v1" {
			continue
		}
		if gvk.Group == "rbac.authorization.k8s.io" && gvk.Version == "v1" && (gvk.Kind == "Role" || gvk.Kind == "ClusterRole") {
			beside[gvk] = t
		}
		gvks = append(gvks, gvk)
	}
	for gvk, t := range beside {
		if types[gvk] == nil {
			types[gvk] = t
			gvks = append(gvks, gvk)
		}
	}
	sort.Slice(gvks, func(i, j int) bool { return gvks[i].String() < gvks[j].String() })
	for _, gvk := range gvks {
		collect(types[gvk])
	}
	short := func(t reflect.Type) string {
		p := strings.Split(t.PkgPath(), "/")
		return p[len(p)-2] + "/" + p[len(p)-1] + "." + t.Name()
	}
	for n, ts := range byName {
		for _, t := range ts {
			if len(ts) == 1 && len(n) > 1 {
				names[t] = n
			} else {
				names[t] = short(t)
			}
		}
	}
	roots := map[reflect.Type]bool{}
	for _, gvk := range gvks {
		roots[types[gvk]] = true
	}
	var out []string
	var walk func(t reflect.Type, root bool)
	done := map[reflect.Type]bool{}
	walk = func(t reflect.Type, root bool) {
		for t.Kind() != reflect.Struct {
			switch t.Kind() {
			case reflect.Pointer, reflect.Slice, reflect.Map:
				t = t.Elem()
			default:
				return
			}
		}
		if done[t] || printsItself(t) {
			return
		}
		done[t] = true
		out = append(out, names[t]+" "+strings.Join(fields(t, root), " "))
		var sub func(t reflect.Type, root bool)
		sub = func(t reflect.Type, root bool) {
			for i := 0; i < t.NumField(); i++ {
				f := t.Field(i)
				tag := strings.Split(f.Tag.Get("json"), ",")[0]
				if tag == "-" {
					continue
				}
				if tag == "" {
					sub(f.Type, false)
					continue
				}
				walk(f.Type, false)
			}
		}
		sub(t, root)
	}
	for _, gvk := range gvks {
		walk(types[gvk], true)
	}
	for _, gvk := range gvks {
		gv := gvk.GroupVersion().String()
		mark := "= "
		if beside[gvk] != nil {
			mark = "+ "
		}
		out = append(out, mark+gv+" "+gvk.Kind+" "+names[types[gvk]])
	}
	sort.Strings(out)
	fmt.Print(head)
	for _, l := range out {
		fmt.Println(l)
	}
}
