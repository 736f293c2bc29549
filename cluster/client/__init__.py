"""What every component uses to reach objects: typed verbs in batches, informers, events, run loop.

The only door to the API server for components, admin and dashboard. Not here: HTTP (real clients
bring their own), and anything that knows what a controller does. Models k8s.io/client-go.
"""

from cluster.apiserver import resources as kinds
from cluster.apiserver.operations import Beside, Options, User
from cluster.apiserver.resources import Resource
from cluster.client.client import Client
from cluster.client.component import Component, Controller, Env, Part
from cluster.client.custom import CustomResources, custom_resources
from cluster.client.informer import Informer, InformerEvent, Informers, Lister
from cluster.client.recorder import EventRecorder
from cluster.client.shape import complaints
from cluster.etcd.api import FencedError, Origin

__all__ = [
    "Beside",
    "Client",
    "Component",
    "Controller",
    "CustomResources",
    "Env",
    "EventRecorder",
    "FencedError",
    "Informer",
    "InformerEvent",
    "Informers",
    "Lister",
    "Options",
    "Origin",
    "Part",
    "Resource",
    "User",
    "complaints",
    "custom_resources",
    "kinds",
]
