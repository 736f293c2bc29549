"""The dialog that creates objects."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from cluster.machinery.errors import StatusError
from dashboard.access import client_for, requires
from dashboard.forms import FORMS, ObjectForm
from dashboard.once import new_token, once
from dashboard.views.answers import trigger


@require_http_methods(["GET", "POST"])
@requires("operate")
def create(request: HttpRequest, kind: str) -> HttpResponse:
    """GET draws the form; POST creates, or draws it again with what is wrong."""
    form_class = FORMS.get(kind)
    if form_class is None:
        raise Http404
    if request.method == "GET":
        return _draw(request, kind, form_class(initial=request.GET.dict()), new_token())
    form = form_class(request.POST)
    token = request.POST.get("once", "")
    if form.is_valid():
        client = client_for(request.user, f"create {kind}")
        try:
            said = once(token, request.user, lambda: form.submit(client))
        except StatusError as error:
            form.take(error)
        else:
            return trigger(HttpResponse(status=204), said, created=kind)
    return _draw(request, kind, form, token or new_token(), status=422)


def _draw(
    request: HttpRequest, kind: str, form: ObjectForm, token: str, status: int = 200
) -> HttpResponse:
    context = {"kind": kind, "form": form, "forms": FORMS, "once": token}
    return render(request, "dashboard/create.html", context, status=status)
