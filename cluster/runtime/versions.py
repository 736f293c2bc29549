"""The tags of the images that nodes have from the start."""

TAGS: dict[str, str] = {
    "registry.k8s.io/pause": "3.10",
    "registry.k8s.io/etcd": "3.6.6-0",
    "registry.k8s.io/kube-apiserver": "v1.35.0",
    "registry.k8s.io/kube-controller-manager": "v1.35.0",
    "registry.k8s.io/kube-scheduler": "v1.35.0",
    "registry.k8s.io/kube-proxy": "v1.35.0",
    "registry.k8s.io/coredns/coredns": "v1.13.1",
    "gcr.io/k8s-minikube/storage-provisioner": "v5",
}
