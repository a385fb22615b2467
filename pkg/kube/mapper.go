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

// staticMapper maps the kinds that every cluster has, by all of kubectl's names for them, without a request.
type staticMapper struct {
	meta.RESTMapper
	short map[string]string
}

// newStaticMapper returns the mapper for the table of kinds.
var newStaticMapper = sync.OnceValue(func() staticMapper {
	known := meta.NewDefaultRESTMapper(nil)
	m := staticMapper{known, map[string]string{}}
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
func (m staticMapper) KindFor(resource schema.GroupVersionResource) (schema.GroupVersionKind, error) {
	if long, ok := m.short[resource.Resource]; ok {
		resource.Resource = long
	}
	return m.RESTMapper.KindFor(resource)
}

// newMapper returns a mapper that asks the server, through the cache of kubectl on disk, only for kinds that are not in
// the table.
func newMapper(discovers func() (discovery.CachedDiscoveryInterface, error)) meta.RESTMapper {
	return meta.FirstHitRESTMapper{MultiRESTMapper: meta.MultiRESTMapper{newStaticMapper(), &serverMapper{discovers: discovers}}}
}

// serverMapper maps the kinds that the cluster has. It serialises its callers, because the cache on disk is not safe
// for concurrent use.
type serverMapper struct {
	discovers func() (discovery.CachedDiscoveryInterface, error)

	mu sync.Mutex
	of meta.RESTMapper
	// refreshed is the time of the last such request.
	refreshed time.Time
}

// refreshInterval is how long the answer that a kind does not exist is used.
const refreshInterval = time.Second

// mapped calls question with the mapper. When the kind is unknown, it asks the server again: a task or the release may
// have added the kind since the last answer.
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
	if !meta.IsNoMatchError(err) || time.Since(m.refreshed) < refreshInterval {
		return answer, err
	}
	meta.MaybeResetRESTMapper(m.of)
	answer, err = question(m.of, key)
	m.refreshed = time.Now()
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
