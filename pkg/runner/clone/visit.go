package clone

import corev1 "k8s.io/api/core/v1"

// visit calls see with the name of each object that the pod refers to, which may change it.
func visit(spec *corev1.PodSpec, see func(kind string, name *string)) {
	see(serviceAccount, &spec.ServiceAccountName)
	if spec.ServiceAccountName != "" {
		spec.DeprecatedServiceAccount = spec.ServiceAccountName
	}
	for i := range spec.ImagePullSecrets {
		see("Secret", &spec.ImagePullSecrets[i].Name)
	}
	for i := range spec.Volumes {
		v := &spec.Volumes[i].VolumeSource
		if v.ConfigMap != nil {
			see("ConfigMap", &v.ConfigMap.Name)
		}
		if v.Secret != nil {
			see("Secret", &v.Secret.SecretName)
		}
		if v.Projected == nil {
			continue
		}
		for j := range v.Projected.Sources {
			if s := &v.Projected.Sources[j]; s.ConfigMap != nil {
				see("ConfigMap", &s.ConfigMap.Name)
			} else if s.Secret != nil {
				see("Secret", &s.Secret.Name)
			}
		}
	}
	for i := range spec.InitContainers {
		visitEnv(&spec.InitContainers[i], see)
	}
	for i := range spec.Containers {
		visitEnv(&spec.Containers[i], see)
	}
}

func visitEnv(c *corev1.Container, see func(kind string, name *string)) {
	for i := range c.EnvFrom {
		if from := &c.EnvFrom[i]; from.ConfigMapRef != nil {
			see("ConfigMap", &from.ConfigMapRef.Name)
		} else if from.SecretRef != nil {
			see("Secret", &from.SecretRef.Name)
		}
	}
	for i := range c.Env {
		from := c.Env[i].ValueFrom
		if from == nil {
			continue
		}
		if from.ConfigMapKeyRef != nil {
			see("ConfigMap", &from.ConfigMapKeyRef.Name)
		}
		if from.SecretKeyRef != nil {
			see("Secret", &from.SecretKeyRef.Name)
		}
	}
}
