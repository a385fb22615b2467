package kube

import (
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/restmapper"
)

// usualMapper knows the kinds that every cluster has, by all of kubectl's names for them, without asking a server.
type usualMapper struct {
	meta.RESTMapper
	short map[string]string
}

var newUsualMapper = sync.OnceValue(func() usualMapper {
	known := meta.NewDefaultRESTMapper(nil)
	m := usualMapper{known, map[string]string{}}
	for _, k := range kinds {
		if k.discovered {
			continue
		}
		scope := meta.RESTScope(meta.RESTScopeNamespace)
		if k.cluster {
			scope = meta.RESTScopeRoot
		}
		known.Add(k.gvk(), scope)
		if k.short != "" {
			m.short[k.short] = strings.ToLower(k.kind)
		}
	}
	return m
})

// KindFor implements meta.RESTMapper.
func (m usualMapper) KindFor(resource schema.GroupVersionResource) (schema.GroupVersionKind, error) {
	if long, ok := m.short[resource.Resource]; ok {
		resource.Resource = long
	}
	return m.RESTMapper.KindFor(resource)
}

// newMapper returns a mapper that asks the server only for kinds that are not usual, by way of the cache that
// kubectl has on disk.
func newMapper(discovers func() (discovery.CachedDiscoveryInterface, error)) meta.RESTMapper {
	return meta.FirstHitRESTMapper{MultiRESTMapper: meta.MultiRESTMapper{newUsualMapper(), &serverMapper{discovers: discovers}}}
}

// serverMapper knows the kinds that the cluster has. It keeps callers apart, because the cache on disk is not
// made for several.
type serverMapper struct {
	discovers func() (discovery.CachedDiscoveryInterface, error)

	mu sync.Mutex
	of meta.RESTMapper
	// renewed is when the server was last asked again.
	renewed time.Time
}

// renewEvery is how long an answer of the server that a kind is not there holds.
const renewEvery = time.Second

// mapped puts a question to the mapper. A kind that is not known may have come since the server was asked, by a
// task or with the release: it is asked again then.
func mapped[K, V any](m *serverMapper, key K, question func(meta.RESTMapper, K) (V, error)) (V, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil {
		client, err := m.discovers()
		if err != nil {
			var none V
			return none, err
		}
		m.of = restmapper.NewShortcutExpander(restmapper.NewDeferredDiscoveryRESTMapper(client), client, func(string) {})
	}
	answer, err := question(m.of, key)
	if !meta.IsNoMatchError(err) || time.Since(m.renewed) < renewEvery {
		return answer, err
	}
	meta.MaybeResetRESTMapper(m.of)
	answer, err = question(m.of, key)
	m.renewed = time.Now()
	return answer, err
}

// KindFor implements meta.RESTMapper.
func (m *serverMapper) KindFor(resource schema.GroupVersionResource) (schema.GroupVersionKind, error) {
	return mapped(m, resource, meta.RESTMapper.KindFor)
}

// KindsFor implements meta.RESTMapper.
func (m *serverMapper) KindsFor(resource schema.GroupVersionResource) ([]schema.GroupVersionKind, error) {
	return mapped(m, resource, meta.RESTMapper.KindsFor)
}

// ResourceFor implements meta.RESTMapper.
func (m *serverMapper) ResourceFor(input schema.GroupVersionResource) (schema.GroupVersionResource, error) {
	return mapped(m, input, meta.RESTMapper.ResourceFor)
}

// ResourcesFor implements meta.RESTMapper.
func (m *serverMapper) ResourcesFor(input schema.GroupVersionResource) ([]schema.GroupVersionResource, error) {
	return mapped(m, input, meta.RESTMapper.ResourcesFor)
}

// RESTMapping implements meta.RESTMapper.
func (m *serverMapper) RESTMapping(kind schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	return mapped(m, kind, func(of meta.RESTMapper, kind schema.GroupKind) (*meta.RESTMapping, error) {
		return of.RESTMapping(kind, versions...)
	})
}

// RESTMappings implements meta.RESTMapper.
func (m *serverMapper) RESTMappings(kind schema.GroupKind, versions ...string) ([]*meta.RESTMapping, error) {
	return mapped(m, kind, func(of meta.RESTMapper, kind schema.GroupKind) ([]*meta.RESTMapping, error) {
		return of.RESTMappings(kind, versions...)
	})
}

// ResourceSingularizer implements meta.RESTMapper.
func (m *serverMapper) ResourceSingularizer(resource string) (string, error) {
	return mapped(m, resource, meta.RESTMapper.ResourceSingularizer)
}
