"""The routes as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1.html), the same for every registry."""

from __future__ import annotations

from functools import cache

from molthub import schema_files
from molthub.documents import canonical
from molthub.index.api.answers import answers
from molthub.index.api.routes import PARAMETERS, ROUTES, Route
from molthub.index.content_types import BRIEFLY, FOREVER
from molthub.model import Json

PATH = "api/v1/openapi.json"
_ABOUT = (
    "Static files answer every route. Nothing is changed by a request. Whatever is named after its SHA-256 may be kept "
    "forever; everything else is asked for again after a minute, with its ETag. An error is JSON from molthub serve, "
    "nginx and Caddy, and a page from other hosts."
)


@cache
def openapi() -> bytes:
    """Return the document as canonical JSON. It refers to nothing outside of itself."""
    components: dict[str, Json] = {}
    paths = {route.path: {"get": schema_files.embedded(_operation(route), components)} for route in ROUTES}
    for name, schema in answers().items():
        components[name] = schema_files.embedded(schema, components)
    return canonical(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "An index of Agent Skills and SkillPacks",
                "version": "1",
                "description": _ABOUT,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "../../", "description": "the index that this document stands in"}],
            "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
            "paths": paths,
            "components": {"schemas": components},
        }
    )


def _operation(route: Route) -> Json:
    parameters = [_in_path(name) for name in route.parameters]
    parameters += [_in_query(name, says) for name, says in route.query.items()]
    operation: dict[str, Json] = {
        "operationId": operation_id(route),
        "summary": route.says,
        "responses": {"200": _answered(route), **_not_answered(route)},
    }
    operation |= {"parameters": parameters} if parameters else {}
    return operation | ({"description": f"Only {route.only}."} if route.only else {})


def operation_id(route: Route) -> str:
    """Return a route's name: its path in words."""
    words = route.path.replace("{", "by-").replace("}", "").replace("/.", "/").strip("/")
    return "get-" + words.replace("/", "-").replace(".", "-").lower()


def _in_path(name: str) -> Json:
    pattern, says = PARAMETERS[name]
    schema = {"type": "string", "pattern": f"^(?:{pattern})$"}
    return {"name": name, "in": "path", "required": True, "description": says, "schema": schema}


def _in_query(name: str, says: str) -> Json:
    if name == "limit":
        return {"name": name, "in": "query", "description": says, "schema": {"type": "integer", "maximum": 100}}
    repeated = {"type": "array", "items": {"type": "string"}}
    return {"name": name, "in": "query", "description": says, "schema": {"type": "string"} if name == "q" else repeated}


def _answered(route: Route) -> Json:
    media: dict[str, Json] = {"schema": schema_of(route)} if route.schema else {}
    lifetime = {"const": FOREVER if route.is_kept_forever else BRIEFLY}
    headers = {"ETag": {"schema": {"type": "string"}}, "Cache-Control": {"schema": lifetime}}
    return {"description": route.says, "headers": headers, "content": {route.type: media}}


def schema_of(route: Route) -> Json:
    """Return the schema of what a route answers: a component of this document, or a published document's."""
    if route.schema in schema_files.names():
        return {"$ref": f"{schema_files.BASE_URL}{route.schema}{schema_files.SUFFIX}"}
    return {"$ref": f"#/components/schemas/{route.schema}"}


def _not_answered(route: Route) -> dict[str, Json]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    found: dict[str, Json] = {"304": {"description": "the client has it already (If-None-Match)"}}
    if route.parameters or route.only:
        found["404"] = {"description": "there is none", "content": error}
    if route.query:
        found["400"] = {"description": "a parameter is none", "content": error}
    return found
