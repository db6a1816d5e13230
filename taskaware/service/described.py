"""The description of the HTTP interface as a page, without scripts and without the network."""

from typing import Any

import jinja2
from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

_PAGE = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string("""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}: HTTP</title><link rel="stylesheet" href="/page.css"></head><body><main class="docs">
<h1>{{ title }} {{ version }}</h1><p>{{ about }} For programs: <a href="/docs/openapi.json">openapi.json</a>.
A token goes into the header <code>Authorization: Bearer TOKEN</code>. An error is
<code>{"error": {"code": ..., "message": ...}}</code>; the message says what to change.</p>
{% for one in operations %}<section><h2><code>{{ one.method }} {{ one.path }}</code></h2>
<p><strong>{{ one.summary }}.</strong> {{ one.about }}</p>
{% if one.parameters %}<table><thead><tr><th>query</th><th>meaning</th></tr></thead><tbody>
{% for name, meaning in one.parameters %}<tr><td><code>{{ name }}</code></td><td>{{ meaning }}</td></tr>
{% endfor %}</tbody></table>{% endif %}
{% if one.body %}<table><thead><tr><th>field of the body</th><th>type</th></tr></thead><tbody>
{% for name, kind in one.body %}<tr><td><code>{{ name }}</code></td><td>{{ kind }}</td></tr>
{% endfor %}</tbody></table>{% endif %}</section>
{% endfor %}</main></body></html>
""")


class Description(OpenAPIRenderPlugin):
    """The page at /docs."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page of a schema."""
        info = openapi_schema["info"]
        text = _PAGE.render(
            title=info["title"],
            version=info["version"],
            about=info["description"],
            operations=list(operations(openapi_schema)),
        )
        return text.encode()


def operations(schema: dict[str, Any]) -> Any:
    """Each operation of a schema: method, path, texts, parameters of the query, fields of the body."""
    schemas = schema.get("components", {}).get("schemas", {})
    for path, methods in sorted(schema["paths"].items()):
        for method, one in methods.items():
            yield {
                "method": method.upper(),
                "path": path,
                "summary": one.get("summary", ""),
                "about": one.get("description", ""),
                "parameters": [
                    (each["name"], each.get("description", ""))
                    for each in one.get("parameters", [])
                    if each["in"] == "query"
                ],
                "body": _fields(one, schemas),
            }


def _fields(operation: dict[str, Any], schemas: dict[str, Any]) -> list[tuple[str, str]]:
    content = operation.get("requestBody", {}).get("content", {})
    for form in content.values():
        name = form.get("schema", {}).get("$ref", "").rpartition("/")[2]
        found = schemas.get(name, {}).get("properties", {})
        return [(field, _kind(kind)) for field, kind in found.items()]
    return []


def _kind(schema: dict[str, Any]) -> str:
    kinds = schema.get("oneOf") or schema.get("anyOf") or [schema]
    return " or ".join(dict.fromkeys(str(kind.get("type", "value")) for kind in kinds))
