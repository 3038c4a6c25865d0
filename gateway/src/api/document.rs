//! The OpenAPI document, made of the operations.

use serde_json::{Map, Value, json};

use super::{
    ROOT,
    operations::{ALL, Operation},
};

/// The interface, OpenAPI 3.1.
pub(super) fn describe() -> Value {
    let mut paths = Map::new();
    for operation in &ALL {
        let path = paths.entry(format!("{ROOT}{}", operation.path)).or_insert_with(|| json!({}));
        path[operation.method] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Answertone", "version": env!("CARGO_PKG_VERSION"), "license": {"name": "MIT OR Apache-2.0"}},
        "security": [{"token": []}],
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}, "schemas": schemas()},
    })
}

fn described(operation: &Operation) -> Value {
    let query = operation.query.iter().map(|(name, meaning)| {
        let kind = if matches!(*name, "since" | "limit") { "integer" } else { "string" };
        json!({"name": name, "in": "query", "description": meaning, "schema": {"type": kind}})
    });
    let in_path = operation
        .path
        .contains("{id}")
        .then(|| json!({"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}));
    let mut described = json!({
        "summary": operation.summary,
        "parameters": in_path.into_iter().chain(query).collect::<Vec<_>>(),
        "responses": {
            answered_by(operation): {"description": "done", "content": content(operation.answers)},
            "default": {"description": "why not", "content": content("Problem")},
        },
    });
    if !operation.takes.is_empty() {
        described["requestBody"] = json!({"required": true, "content": content(operation.takes)});
    }
    described
}

fn answered_by(operation: &Operation) -> &'static str {
    if operation.takes.is_empty() { "200" } else { "202" }
}

/// JSON of a schema, or a file where there is none.
fn content(schema: &str) -> Value {
    match schema {
        "" => json!({"application/pdf": {}, "image/tiff": {}}),
        name => json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}}),
    }
}

fn schemas() -> Value {
    let (text, number) = (json!({"type": "string"}), json!({"type": "integer"}));
    let calls = json!({"type": "array", "items": {"type": "object"}});
    let document = json!({
        "type": "object",
        "required": ["type", "content"],
        "properties": {"name": text, "type": text, "content": {"type": "string", "contentEncoding": "base64"}},
    });
    let now = json!({"type": ["object", "null"], "description": "where a call stands that is under way"});
    json!({
        "Submission": {
            "type": "object",
            "required": ["to"],
            "properties": {
                "to": {"type": "array", "items": text, "description": "numbers"},
                "from": {"type": "string", "description": "who is told of its end by mail"},
                "subject": text,
                "text": {"type": "string", "description": "a page before the documents"},
                "documents": {"type": "array", "items": document},
            },
        },
        "Submitted": {
            "type": "object",
            "properties": {"message": number, "faxes": {"type": "array", "items": number}},
        },
        "Fax": {"type": "object", "properties": {"fax": {"type": "object"}, "calls": calls, "now": now}},
        "Received": {"type": "object", "properties": {"id": number, "pages": number, "calls": calls}},
        "Log": {"type": "array", "items": {"type": "object"}},
        "Done": {"type": "object", "properties": {"id": number, "state": text}},
        "Problem": {"type": "object", "properties": {"error": text}},
        "Document": {"type": "object"},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_every_schema_it_names_is_described() {
        let described = describe();
        for operation in &ALL {
            let path = &described["paths"][format!("{ROOT}{}", operation.path)];
            assert!(path[operation.method].is_object(), "{} {}", operation.method, operation.path);
            for schema in [operation.takes, operation.answers].into_iter().filter(|name| !name.is_empty()) {
                assert!(described["components"]["schemas"][schema].is_object(), "{schema}");
            }
        }
        let described_paths: usize =
            described["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(described_paths, ALL.len(), "no two operations are the same");
    }
}
