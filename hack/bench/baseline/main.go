// Command baseline makes a pod, watches it to the end of its container and deletes it: the least that a program has to do.
package main

import (
	"context"
	"log"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	ctx := context.Background()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	check(err)
	client, err := kubernetes.NewForConfig(config)
	check(err)
	pods := client.CoreV1().Pods("default")
	pod, err := pods.Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "baseline-"},
		Spec:       corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "main", Image: os.Args[1], Command: []string{"echo", "done"}}}},
	}, metav1.CreateOptions{})
	check(err)
	events, err := pods.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + pod.Name, ResourceVersion: pod.ResourceVersion})
	check(err)
	for e := range events.ResultChan() {
		p, ok := e.Object.(*corev1.Pod)
		if ok && len(p.Status.ContainerStatuses) > 0 && p.Status.ContainerStatuses[0].State.Terminated != nil {
			check(pods.Delete(ctx, pod.Name, metav1.DeleteOptions{}))
			return
		}
	}
	log.Fatal("the watch ended")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
