//! What operations need. It stands in their OpenAPI description, so that what is documented is what is asked.

use std::collections::HashMap;

use axum::http::Method;
use lakehouse_accounts::Scope;
use utoipa::openapi::{
    OpenApi,
    path::{Operation, PathItem},
    security::SecurityRequirement,
};
use utoipa_axum::router::OpenApiRouter;

/// The name of the way to say who one is.
pub const BEARER: &str = "bearer";

/// What an operation asks of whoever uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: anybody may, and it is not told to the trail.
    Nothing,
    /// That it is known who it is.
    Anybody,
    /// This.
    Scope(Scope),
    /// It does not say, so nobody may.
    Closed,
}

/// Says what operations need.
pub trait Permitted: Sized {
    /// Every operation here that does not say anything yet needs `scope`.
    fn needs(self, scope: Scope) -> Self;

    /// Every operation here that does not say anything yet needs to know who asks, whoever it is.
    fn needs_anybody(self) -> Self;

    /// Every operation here that does not say anything yet is for everybody.
    fn open_to_all(self) -> Self;
}

impl<S: Send + Sync + Clone + 'static> Permitted for OpenApiRouter<S> {
    fn needs(mut self, scope: Scope) -> Self {
        say(self.get_openapi_mut(), &[SecurityRequirement::new(BEARER, [scope.as_str()])]);
        self
    }

    fn needs_anybody(mut self) -> Self {
        say(self.get_openapi_mut(), &[SecurityRequirement::new::<_, [&str; 0], _>(BEARER, [])]);
        self
    }

    fn open_to_all(mut self) -> Self {
        say(self.get_openapi_mut(), &[]);
        self
    }
}

fn say(openapi: &mut OpenApi, requirement: &[SecurityRequirement]) {
    for item in openapi.paths.paths.values_mut() {
        let PathItem { get, put, post, delete, patch, .. } = item;
        for operation in [get, put, post, delete, patch].into_iter().flatten() {
            operation.security.get_or_insert_with(|| requirement.to_vec());
        }
    }
}

/// What each operation of a service needs, by route and method.
pub(crate) struct Needs {
    operations: HashMap<String, Vec<(Method, Need)>>,
}

impl Needs {
    pub fn of(openapi: &OpenApi) -> Self {
        let of_path = |(path, item): (&String, &PathItem)| {
            let verbs = [
                (&item.get, Method::GET),
                (&item.put, Method::PUT),
                (&item.post, Method::POST),
                (&item.delete, Method::DELETE),
                (&item.patch, Method::PATCH),
            ];
            let needs = verbs.into_iter().filter_map(|(operation, method)| Some((method, need(operation.as_ref()?))));
            (path.clone(), needs.collect())
        };
        let operations: HashMap<String, Vec<(Method, Need)>> = openapi.paths.paths.iter().map(of_path).collect();
        for (path, needs) in &operations {
            for (method, _) in needs.iter().filter(|(_, need)| *need == Need::Closed) {
                tracing::error!("{method} {path} says nothing of who may use it: it is closed");
            }
        }
        Self { operations }
    }

    /// What is free on every service, beside what its description says.
    const FREE: [&str; 4] = ["/metrics", "/openapi.json", "/docs", "/docs/{*rest}"];

    /// A route that is not described is closed. A method that a route does not know is answered by the route.
    pub fn at(&self, route: Option<&str>, method: &Method) -> Need {
        let Some(route) = route else { return Need::Nothing };
        let method = if method == Method::HEAD { &Method::GET } else { method };
        match self.operations.get(route) {
            Some(known) => known.iter().find(|(verb, _)| verb == method).map_or(Need::Nothing, |(_, need)| *need),
            None if Self::FREE.contains(&route) || route.starts_with("/docs/") => Need::Nothing,
            None => Need::Closed,
        }
    }
}

fn need(operation: &Operation) -> Need {
    let Some(requirements) = &operation.security else { return Need::Closed };
    let Some(requirement) = requirements.first() else { return Need::Nothing };
    // The description keeps its words to itself; as JSON it tells them.
    let written = serde_json::to_value(requirement).unwrap_or_default();
    match written[BEARER].as_array().map(Vec::as_slice) {
        Some([]) => Need::Anybody,
        Some([word]) => word.as_str().and_then(|word| word.parse().ok()).map_or(Need::Closed, Need::Scope),
        _ => Need::Closed,
    }
}
