//! The OpenAPI document as the page needs it: operations in their groups, types with their fields.

use serde_json::Value;

/// Everything that the page shows.
pub struct Reference {
    pub description: String,
    pub groups: Vec<Group>,
    pub types: Vec<Type>,
}

/// Operations on one noun.
pub struct Group {
    pub name: String,
    pub operations: Vec<Operation>,
}

/// One method of one path.
pub struct Operation {
    pub method: String,
    pub path: String,
    pub summary: String,
    pub description: String,
    pub params: Vec<Field>,
    pub body: Option<TypeName>,
    pub answers: Vec<Answer>,
}

/// What an operation may answer.
pub struct Answer {
    pub status: String,
    pub description: String,
    pub body: Option<TypeName>,
}

/// An object that goes over the wire.
pub struct Type {
    pub name: String,
    pub description: String,
    pub fields: Vec<Field>,
}

/// A field of an object, or a parameter.
pub struct Field {
    pub name: String,
    pub type_name: TypeName,
    pub is_required: bool,
    pub description: String,
}

/// What something is: a type of the document, or a plain one.
pub struct TypeName {
    pub name: String,
    pub is_list: bool,
    /// Whether the page has a place for it.
    pub is_ours: bool,
}

/// Reads the document. What is not there is empty.
pub fn read(document: &str) -> Reference {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let mut groups: Vec<Group> = Vec::new();
    for (path, methods) in entries(&document["paths"]) {
        for (method, operation) in entries(methods) {
            let name = text(&operation["tags"][0]);
            let operation = read_operation(path, method, operation);
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.operations.push(operation),
                None => groups.push(Group { name, operations: vec![operation] }),
            }
        }
    }
    let types = entries(&document["components"]["schemas"]).map(|(name, schema)| read_type(name, schema)).collect();
    Reference { description: text(&document["info"]["description"]), groups, types }
}

fn read_operation(path: &str, method: &str, operation: &Value) -> Operation {
    let params = list(&operation["parameters"]).map(|param| Field {
        name: text(&param["name"]),
        type_name: type_name(&param["schema"]),
        is_required: param["required"] == true,
        description: text(&param["description"]),
    });
    let answers = entries(&operation["responses"]).map(|(status, answer)| Answer {
        status: status.to_owned(),
        description: text(&answer["description"]),
        body: body_type(answer),
    });
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        description: text(&operation["description"]),
        params: params.collect(),
        body: body_type(&operation["requestBody"]),
        answers: answers.collect(),
    }
}

fn read_type(name: &str, schema: &Value) -> Type {
    let required: Vec<&str> = list(&schema["required"]).filter_map(Value::as_str).collect();
    let fields = entries(&schema["properties"]).map(|(name, field)| Field {
        name: name.to_owned(),
        type_name: type_name(field),
        is_required: required.contains(&name),
        description: text(&some_of(field)["description"]),
    });
    Type { name: name.to_owned(), description: text(&schema["description"]), fields: fields.collect() }
}

fn body_type(holder: &Value) -> Option<TypeName> {
    let json = &holder["content"]["application/json"]["schema"];
    json.is_object().then(|| type_name(json))
}

fn type_name(schema: &Value) -> TypeName {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default().to_owned();
        return TypeName { name, is_list: false, is_ours: true };
    }
    if schema["type"] == "array" {
        return TypeName { is_list: true, ..type_name(&schema["items"]) };
    }
    if schema["oneOf"].is_array() {
        return type_name(some_of(schema));
    }
    let plain = list(&schema["type"]).chain([&schema["type"]]).filter_map(Value::as_str).find(|name| *name != "null");
    TypeName { name: plain.unwrap_or("any").to_owned(), is_list: false, is_ours: false }
}

/// What may be nothing is written as one of two: this is the other.
fn some_of(schema: &Value) -> &Value {
    list(&schema["oneOf"]).find(|option| option["type"] != "null").unwrap_or(schema)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
